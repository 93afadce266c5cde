import csv
import io
import json
import subprocess
import sys

import pyarrow as pa
import pytest
from pyarrow import parquet

from explorer.cli.main import run
from explorer.config import ROOT
from explorer.database.database import Database


@pytest.fixture
def run_export(library, capfd):
    """Run `export` and return its exit status, standard output and standard error."""

    def run_it(*arguments):
        capfd.readouterr()
        status = run(["export", "--db", str(library[0]), *map(str, arguments)])
        return status, *capfd.readouterr()

    return run_it


def test_a_csv_is_the_only_text_on_standard_output(run_export):
    status, out, err = run_export("--format", "csv", "--genre", "Waltz")
    assert status == 0
    rows = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [row["title"] for row in rows] == [f"Waltz piece {number}" for number in range(8, 16)]
    assert "UNTRAINED filters" in err


def test_the_files_extension_chooses_the_format_and_json_names_the_file(run_export, tmp_path):
    out = tmp_path / "list.m3u8"
    status, printed, err = run_export("--out", out, "--cluster", "2", "--json")
    assert status == 0
    assert json.loads(printed) == {
        "out": [str(out)],
        "songs": 8,
        "left_out": 0,
        "trained": False,
        "first_look": {"songs": 24, "coarse": 0, "full": 24, "shows_coarse": False},
    }
    assert out.read_text().startswith("#EXTM3U\n#EXTINF")
    assert err == ""
    status, printed, _ = run_export("--out", tmp_path / "x.txt", "--format", "tsv", "--genre", "Waltz")
    assert printed == f"Wrote 8 songs to {tmp_path}/x.txt.vectors.tsv and {tmp_path}/x.txt.metadata.tsv.\n"


def test_songs_that_are_left_out_are_counted(library, run_export, tmp_path):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM files WHERE song_id = ?", (ids[0],))
        database._rows("DELETE FROM songs_vectors WHERE song_id IN (?, ?)", tuple(ids[1:3]))
    _, out, err = run_export("--format", "xspf")
    assert out.count("<track>") == 23
    assert "1 song without a file" in err
    _, out, err = run_export("--out", tmp_path / "x.tsv", "--json")
    assert json.loads(out)["left_out"] == 2
    assert "2 songs without a vector" in err


def test_songs_in_two_folders_of_music_have_different_paths(library, run_export, tmp_path):
    path, ids = library
    for number, song_id in enumerate(ids[:2]):
        disk = tmp_path / f"disk{number}" / "Album"
        disk.mkdir(parents=True)
        (disk / "01.mp3").touch()
        with Database.open(path) as database:
            root = database.add_root(disk.parent)
            database._rows(
                "UPDATE files SET root_id = ?, path = CAST('Album/01.mp3' AS BLOB) WHERE song_id = ?",
                (root, song_id),
            )
    (tmp_path / "lists").mkdir()
    out = tmp_path / "lists" / "out.m3u8"
    status, _, err = run_export("--out", out, "--paths", "relative")
    assert (status, err) == (0, "")
    lines = [line for line in out.read_text().splitlines() if not line.startswith("#")]
    assert {"../disk0/Album/01.mp3", "../disk1/Album/01.mp3", f"../music/{ids[2]}"} < set(lines)
    assert all((out.parent / line).is_file() for line in lines)
    for form in ("m3u8", "csv"):
        status, printed, err = run_export("--format", form, "--paths", "relative")
        assert status == 0
        assert str(tmp_path / "disk0" / "Album" / "01.mp3") in printed
        assert "paths are absolute" in err
        assert "3 folders of music" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "add --format with one of csv, parquet, m3u8, xspf, tsv"),
        (["--out", "x.doc"], "add --format"),
        (["--format", "csv", "--json"], "name a file with --out"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(run_export, arguments, words):
    status, out, err = run_export(*arguments)
    assert (status, out) == (2, "")
    assert words in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "tsv"], "with --out"),
        (["--format", "csv", "--genre", "Polka"], "'Polka'"),
    ],
)
def test_an_impossible_export_is_an_error_of_one_sentence(run_export, arguments, words):
    status, out, err = run_export(*arguments)
    assert (status, out) == (1, "")
    assert words in err
    assert len(err.splitlines()) == 1


def test_parquet_is_written_to_a_pipe_but_not_to_a_terminal(library, monkeypatch, run_export):
    arguments = [sys.executable, "-m", "explorer", "export", "--db", str(library[0]), "--format", "parquet"]
    piped = subprocess.run(arguments, cwd=ROOT, capture_output=True, check=True).stdout
    assert parquet.read_table(pa.BufferReader(piped)).num_rows == 24
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    status, _, err = run_export("--format", "parquet")
    assert status == 1
    assert "terminal" in err


def test_text_is_utf_8_in_any_terminal_encoding(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("UPDATE songs SET info = json_set(info, '$.name', 'Größe 音') WHERE id = ?", (ids[0],))
    arguments = [sys.executable, "-m", "explorer", "export", "--db", str(path), "--format", "csv"]
    environment = {"PYTHONIOENCODING": "latin-1", "LC_ALL": "C", "PYTHONUTF8": "0", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, check=True, env=environment)
    assert "Größe 音" in done.stdout.decode("utf-8")


def test_a_reader_that_closes_the_pipe_early_is_not_an_error(library):
    arguments = [sys.executable, "-m", "explorer", "export", "--db", str(library[0]), "--format", "csv"]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        err = process.stderr.read().decode()
    assert "Traceback" not in err
