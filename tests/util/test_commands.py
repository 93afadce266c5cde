from pathlib import Path

import pytest

from explorer.config import Settings
from explorer.util.commands import command_line, index_command, with_database


@pytest.mark.parametrize(
    ("database", "expected"),
    [
        (None, "python run.py map"),
        (Settings.database, "python run.py map"),
        (Path("radio/songs.db"), "python run.py map --db radio/songs.db"),
        ("/music/my songs.db", "python run.py map --db '/music/my songs.db'"),
    ],
)
def test_a_command_names_the_library_unless_it_is_the_default_one(database, expected):
    assert command_line("map", database=database) == expected


def test_the_commands_in_a_text_get_the_library():
    text = (
        "Run `python run.py index FOLDER --reindex` and `python run.py map`, "
        "or `python run.py map --db y.db`."
    )
    assert with_database(text, "x y.db") == (
        "Run `python run.py index FOLDER --reindex --db 'x y.db'` and `python run.py map --db 'x y.db'`, "
        "or `python run.py map --db y.db`."
    )
    assert with_database(text, Settings.database) == text


def test_the_command_to_index_names_the_folder_if_only_one_is_meant():
    assert index_command(["/my music"], windows=True, database="a.db") == (
        "python run.py index '/my music' --windows --db a.db"
    )
    assert index_command(["/music"], windows=False, database="a.db") == "python run.py index /music --db a.db"
    for roots in ([], ["/a", "/b"]):
        assert index_command(roots, windows=False, database="a.db") == "python run.py index FOLDER --db a.db"
