"""Commands on a damaged songs.db: exit status 1 and one sentence, or they work and name the damaged songs."""

import json
from pathlib import Path

import pytest
from damage_support import (
    INSIDE,
    ONE_SONG,
    SONG,
    WHOLE_LIBRARY,
    force,
    overwritten,
    replace_file,
    store_inside,
)

from explorer.database import verify
from explorer.database.database import Database

INDEX = ("--no-map", "--no-previews", "--weights", "untrained", "--precision", "float32")


def commands(folder):
    """Return the commands that read or write a library, by name."""
    return {
        "similar": ("similar", "Waltz piece 12"),
        "inside": ("inside", "Waltz piece 12"),
        "compare": ("compare", "--genre", "Waltz", "--projection", "pca", "--out", folder / "figures"),
        "csv": ("export", "--format", "csv"),
        "tsv": ("export", "--format", "tsv", "--out", folder / "vectors.tsv"),
        "playlist": ("export", "--format", "m3u8"),
        "map": ("map", "--projection", "pca"),
        "dry run": ("index", folder / "music", "--dry-run"),
        "index": ("index", folder / "music", *INDEX),
    }


def is_one_sentence(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) == 1 and "Traceback" not in text


@pytest.mark.parametrize("first_seed", range(0, 24, 12))
def test_status_finds_what_ten_random_overwrites_damage(library, run_command, first_seed):
    path, _ = library
    sound = path.read_bytes()
    assert run_command("status", "--db", path)[0] == 0
    found = 0
    for seed in range(first_seed, first_seed + 12):
        replace_file(path, overwritten(sound, seed))
        status, output, errors = run_command("status", "--json", "--db", path)
        found += status
        if status == 0:
            damage = json.loads(output)["damage"]
            assert not damage["problems"], seed
            assert not damage["songs"], seed
        else:
            assert is_one_sentence(errors), (seed, errors)
            assert str(path) in errors, seed
    assert found > 6


@pytest.mark.parametrize("name", list(commands(Path())))
def test_no_command_uses_a_library_whose_pages_are_damaged(library, run_command, name):
    path, _ = library
    data = bytearray(path.read_bytes())
    with Database.open_readonly(path) as database:
        sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_songs_vectors_1'"
        page = database._value(sql)
    # The page of an index then says that it has fewer rows: SQLite itself notices nothing.
    data[(page - 1) * 4096 + 4] -= 1
    data[(page - 1) * 4096 + 4 - 1] = 0
    replace_file(path, bytes(data))
    status, output, errors = run_command(*commands(path.parent)[name], "--db", path)
    assert (status, output) == (1, "")
    assert is_one_sentence(errors)
    assert "is damaged" in errors
    assert path.read_bytes() == data


def test_map_stores_nothing_in_a_large_damaged_library(library, run_command, monkeypatch):
    path, _ = library
    monkeypatch.setattr(verify, "QUICKLY_CHECKED_BYTES", 0)
    force(path, WHOLE_LIBRARY["index of the search is empty"])
    before = path.read_bytes()
    status, output, errors = run_command("map", "--db", path)
    assert (status, output) == (1, "")
    assert "is damaged" in errors.splitlines()[-1]
    assert path.read_bytes() == before


@pytest.mark.parametrize("damage", ["model is no JSON", "quality holds text", "a column is missing"])
def test_no_command_ends_in_a_traceback(library, run_command, damage):
    path, _ = library
    force(path, WHOLE_LIBRARY[damage])
    for name, command in {"status": ("status",), **commands(path.parent)}.items():
        status, _, errors = run_command(*command, "--db", path)
        # Not every command needs what is damaged.
        assert status in (0, 1), (name, errors)
        assert status == 0 or is_one_sentence(errors.splitlines()[-1]), (name, errors)
        assert "Traceback" not in errors, (name, errors)
    assert run_command("status", "--db", path)[0] == 1


@pytest.mark.parametrize("damage", ["vector NaN", "title is no UTF-8", "position huge"])
def test_commands_name_the_damaged_song_and_use_the_others(library, run_command, damage):
    path, _ = library
    force(path, ONE_SONG[damage])
    status, output, errors = run_command("status", "--db", path)
    assert status == 1
    assert is_one_sentence(errors)
    assert "1 song" in errors
    assert any(line.startswith("damaged") and SONG in line for line in output.splitlines())
    for name, command in commands(path.parent).items():
        if "index" in command or name == "playlist":
            continue
        status, output, errors = run_command(*command, "--db", path)
        assert status == 0, (name, errors)
        if damage.startswith("vector") and name in ("similar", "compare", "tsv", "map"):
            assert SONG in errors, name
    if damage.startswith("vector"):
        status, _, errors = run_command("similar", SONG, "--db", path)
        assert status == 1
        assert SONG in errors
    else:
        # The command `map` gave the song its place again.
        assert run_command("status", "--db", path)[0] == (0 if damage == "position huge" else 1)


@pytest.mark.parametrize("damage", ["codes cut", "tempo infinite"])
def test_damaged_windows_and_features_break_no_command(library, run_command, damage):
    path, _ = library
    store_inside(path)
    force(path, INSIDE[damage])
    status, output, errors = run_command("status", "--db", path)
    assert status == 1
    assert is_one_sentence(errors)
    assert any(line.startswith("damaged") and SONG in line for line in output.splitlines())
    for name, command in commands(path.parent).items():
        if "index" in command or name == "playlist":
            continue
        status, _, errors = run_command(*command, "--db", path)
        assert status == 0, (name, errors)
    assert run_command("report", "--recompute", 0, "--db", path)[0] == 0


def test_status_names_a_damaged_basis_of_the_windows(library, run_command):
    path, _ = library
    store_inside(path)
    force(path, "UPDATE window_basis SET axes = x'00'")
    status, output, errors = run_command("status", "--db", path)
    assert status == 1
    assert is_one_sentence(errors)
    assert "basis of the windows" in output
    for name in ("similar", "csv", "map"):
        status, _, errors = run_command(*commands(path.parent)[name], "--db", path)
        assert status == 0, (name, errors)
