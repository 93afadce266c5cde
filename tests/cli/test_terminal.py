"""What commands print: no text from a file commands the terminal, and no output is lost in silence."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import store_library, write_tone

from explorer.cli.main import run
from explorer.config import ROOT
from explorer.database.database import Database

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
# Escape sequences for the title and for a colour, a line that the user could take for ours, a mark that
# turns text around, and codes that rich would obey.
HOSTILE = "\x1b]0;title\x07 \x9b31m\nFORGED: line\r\x7f\u2028\u202etxt [red]red[/red] :smile:"
FILE_NAME = HOSTILE.replace("/", "|")


@pytest.fixture(scope="module")
def stored_hostile_library(tmp_path_factory):
    """A library of three songs whose folders, files and tags are hostile."""
    folder = tmp_path_factory.mktemp("hostile") / FILE_NAME
    titles = {number: f"{number} {HOSTILE}" for number in range(3)}
    store_library(folder / "songs.db", folder / FILE_NAME, per_genre=1, titles=titles)
    with Database.open(folder / "songs.db") as database, database.transaction():
        database._rows("UPDATE songs SET info = json_set(info, '$.artists[0].name', ?)", (HOSTILE,))
    return folder


@pytest.fixture
def hostile(stored_hostile_library, tmp_path):
    """A copy of the library, in a folder with a hostile name; also a hostile file that is not sound."""
    folder = tmp_path / FILE_NAME
    shutil.copytree(stored_hostile_library, folder)
    with Database.open(folder / "songs.db") as database, database.transaction():
        database._rows("UPDATE roots SET path = ?", (str(folder / FILE_NAME),))
    (folder / "new").mkdir()
    (folder / "new" / f"{FILE_NAME}.wav").write_bytes(b"no sound" * 100)
    (folder / "new" / f"{FILE_NAME} 2.{FILE_NAME}").write_bytes(b"")
    write_tone(folder / "new" / f"{FILE_NAME}.flac", seconds=0.3, tags={"title": [HOSTILE]})
    return folder


MODEL = "--weights untrained --hop 1.0 --precision float32"
COMMANDS = {
    "status --db DB": 0,
    "status --json --db DB": 0,
    "similar ID --db DB": 0,
    "similar ID --json --db DB": 0,
    "similar HOSTILE --db DB": 1,
    "compare ID --pairs 1 --projection tsne --out FOLDER/compare --db DB": 1,
    "compare ID ID2 --pairs 1 --projection tsne --out FOLDER/compare --db DB": 0,
    "compare ID ID2 --json --projection tsne --out FOLDER/compare --db DB": 0,
    "report --recompute 0 --out FOLDER/HOSTILE.html --db DB": 1,
    "export --out FOLDER/HOSTILE.csv --db DB": 0,
    "export --genre HOSTILE --format csv --db DB": 1,
    "export --cluster HOSTILE --format csv --db DB": 1,
    "export --out FOLDER/HOSTILE.csv --json --db DB": 0,
    "export --format HOSTILE --db DB": 2,
    "index FOLDER/new --dry-run --db DB": 0,
    "index FOLDER/new --dry-run --json --db DB": 0,
    f"index FOLDER/new --no-map --no-previews {MODEL} --db FOLDER/new.db": 3,
    f"index FOLDER/new --no-map --no-previews --json {MODEL} --db FOLDER/new.db": 3,
    "index FOLDER/none --db DB": 1,
    f"embed FOLDER/new/HOSTILE.wav FOLDER/new/HOSTILE.flac --out FOLDER/ {MODEL}": 1,
    "import FOLDER/none.db --db FOLDER/new.db": 1,
    "synth FOLDER/synth --seconds 0.5 --format wav": 0,
    "weights --weights FOLDER/none.h5": 1,
    "HOSTILE": 2,
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_prints_what_a_terminal_obeys(hostile, capfd, command):
    values = {"DB": str(hostile / "songs.db"), "ID2": "001.flac", "ID": "000.flac"}
    arguments = [
        values.get(word, word).replace("FOLDER", str(hostile)).replace("HOSTILE", FILE_NAME)
        for word in command.split()
    ]
    assert run(arguments) == COMMANDS[command]
    out, err = capfd.readouterr()
    printed = out + err
    assert UNSAFE.findall(printed) == []
    assert not re.search("^ *FORGED", printed, re.MULTILINE)
    assert "]0;title" in printed or "songs" in printed
    if "--json" in arguments:
        json.loads(out)


def test_json_is_exact(hostile, capfd):
    assert run(["similar", "000.flac", "--json", "--db", str(hostile / "songs.db")]) == 0
    titles = {row["title"] for row in json.loads(capfd.readouterr().out)}
    assert titles == {f"{number} {HOSTILE}" for number in (1, 2)}


# Output that is lost


needs_shell = pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a POSIX shell and /dev/full")


EXPORT, INDEX = "export --format csv", f"index few --json --no-map --no-previews {MODEL}"


@needs_shell
@pytest.mark.parametrize(
    ("command", "redirection", "is_lost", "is_said"),
    [
        (EXPORT, ">&-", True, True),
        (EXPORT, "2>&-", False, False),
        (EXPORT, ">&- 2>&-", True, False),
        (EXPORT, ">/dev/full", True, True),
        (EXPORT, "2>/dev/full", False, False),
        (EXPORT, ">/dev/full 2>/dev/full", True, False),
        (EXPORT, "| true", True, False),
        ("nonsense", "2>/dev/full", False, False),
        ("status --db none.db", "2>/dev/full", False, False),
        # songs.db is opened while the descriptors 0, 1 and 2 are free.
        (INDEX, "<&- >&- 2>&-", True, False),
        (INDEX, "2>/dev/full", False, False),
    ],
)
def test_lost_output_is_an_error_and_lost_messages_are_not(
    library, tmp_path, command, redirection, is_lost, is_said
):
    database = tmp_path / "new.db" if command == INDEX else library[0]
    shutil.copytree(tmp_path / "music", tmp_path / "few", ignore=lambda _, names: sorted(names)[1:])
    options = '--db "$DB"' if command in (EXPORT, INDEX) else ""
    script = f'"$PYTHON" "$RUN" {command} {options} {redirection}'
    variables = {"PYTHON": sys.executable, "RUN": ROOT / "run.py", "DB": database}
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script],
        cwd=tmp_path,
        env=os.environ | {name: str(value) for name, value in variables.items()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    expected = {"nonsense": 2, "status --db none.db": 1}.get(command, 1 if is_lost else 0)
    assert done.returncode == expected, done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr
    lines = done.stderr.splitlines()
    assert is_said == bool(lines and re.search("closed|[Nn]o space", lines[-1]))
    assert bool(done.stdout) == (not is_lost and expected == 0)
    # Messages are not mixed with results, also if standard error is closed.
    assert "UNTRAINED" not in done.stdout and "untrained" not in done.stdout
    with Database.open_readonly(database) as stored:
        assert stored.count_vectors() == (1 if command == INDEX else 24)
        assert stored.integrity_problems() == []
