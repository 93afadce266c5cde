import csv
import io
import json
import re
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing

import pytest
from support import store_library, store_original

from explorer.cli.main import run
from explorer.config import ROOT
from explorer.database.database import Database


def test_import_copies_an_original_into_a_library_and_maps_it(tmp_path, capsys):
    store_original(tmp_path / "old.db", tmp_path / "previews")
    arguments = ["import", str(tmp_path / "old.db"), "--db", str(tmp_path / "songs.db"), "--json"]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    summary = json.loads(captured.out)
    assert (summary["songs"], summary["vectors"], summary["clips"]) == (12, 12, 12)
    assert "12 rows" in captured.err
    with Database.open_readonly(tmp_path / "songs.db") as library:
        assert set(library.projections()) == {"pca", "tsne", "umap"}
    assert run(["status", "--db", str(tmp_path / "songs.db")]) == 0
    assert "imported" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["none.db", "ours.db", "text.db"])
def test_a_file_that_cannot_be_imported_is_an_error_of_one_sentence(tmp_path, capsys, name):
    store_library(tmp_path / "ours.db", tmp_path / "music", per_genre=1)
    (tmp_path / "text.db").write_text("x" * 4096)
    assert run(["import", str(tmp_path / name), "--db", str(tmp_path / "songs.db")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "songs.db").exists()


def snapshot(path):
    """Return the names in a database's folder, without its mirror, and the database's bytes and time."""
    names = sorted(file.name for file in path.parent.iterdir() if file.name != "old.explorer")
    return names, path.read_bytes(), path.stat().st_mtime_ns


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """A database of the original scripts with clips, in WAL mode; SQLite creates files beside such databases.

    Returns its path and its snapshot.
    """
    path = tmp_path_factory.mktemp("original") / "old.db"
    store_original(path, path.parent / "previews", wal=True)
    return path, snapshot(path)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["status", "--json"], '"vectors": 12'),
        (["similar", "stem 1", "-k", "3", "--m3u8"], "stem 7.flac"),
        (["compare", "--json"], '"songs": 12'),
        (["report", "--recompute", "0", "--json"], '"songs": 12'),
        (["export", "--format", "csv"], "stem 1,Waltz track 1"),
        (["map", "--json"], '"clusters": ["'),
    ],
)
def test_commands_that_read_a_library_read_an_original_through_its_mirror(
    original, capsys, arguments, expected
):
    path, before = original
    assert run([*arguments, "--db", str(path)]) == 0
    captured = capsys.readouterr()
    assert expected in captured.out
    assert snapshot(path) == before
    # The default output of a command is in the mirror's folder.
    for name, file in (("compare", "compare/scatter.png"), ("report", "report.html")):
        assert name != arguments[0] or (path.parent / "old.explorer" / file).is_file()
    assert run(["status", "--db", str(path)]) == 0
    assert "Copying" not in capsys.readouterr().err


def test_an_export_of_an_original_has_map_positions(original, capsys):
    assert run(["export", "--format", "csv", "--db", str(original[0])]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(rows) == 12
    assert all(row[f"{name}_x"] for row in rows for name in ("pca", "tsne", "umap"))


def test_a_changed_original_is_read_again(tmp_path, capsys):
    store_original(tmp_path / "old.db")
    arguments = ["status", "--json", "--db", str(tmp_path / "old.db")]
    assert run(arguments) == 0
    with closing(sqlite3.connect(tmp_path / "old.db")) as database, database:
        database.execute("DELETE FROM songs_vectors WHERE song_id = 'stem 1'")
    capsys.readouterr()
    assert run(arguments) == 0
    assert json.loads(capsys.readouterr().out)["vectors"] == 11


@pytest.mark.parametrize("arguments", [["index"], ["index", "--dry-run"], ["demo"], ["import"]])
def test_commands_that_write_refuse_an_original(tmp_path, capsys, arguments):
    store_original(tmp_path / "old.db", wal=True)
    store_original(tmp_path / "another" / "one.db")
    before = snapshot(tmp_path / "old.db")
    more = {"index": [str(tmp_path)], "import": [str(tmp_path / "another" / "one.db")]}.get(arguments[0], [])
    assert run([*arguments, *more, "--db", str(tmp_path / "old.db")]) == 1
    err = capsys.readouterr().err
    assert "run.py import" in err
    assert len(err.strip().splitlines()) == 1
    assert snapshot(tmp_path / "old.db") == before


@pytest.mark.parametrize(
    "arguments", [["report"], ["export", "--format", "csv"], ["similar", "stem 1", "--json"]]
)
@pytest.mark.parametrize("out", ["old.db", "old.explorer/songs.db"])
def test_output_does_not_overwrite_an_original_or_its_mirror(tmp_path, capsys, arguments, out):
    path = tmp_path / "old.db"
    store_original(path)
    assert run(["status", "--db", str(path)]) == 0
    before = snapshot(path)
    assert run([*arguments, "--out", str(tmp_path / out), "--db", str(path)]) == 1
    err = capsys.readouterr().err
    assert "is the library itself" in err or "is a part of a database" in err
    assert snapshot(path) == before
    assert run(["status", "--db", str(path)]) == 0


def start(*arguments):
    command = [sys.executable, str(ROOT / "run.py"), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


def test_only_one_of_two_simultaneous_commands_copies_an_original_and_both_succeed(tmp_path):
    store_original(tmp_path / "old.db", count=1000)
    both = [start("status", "--json", "--db", tmp_path / "old.db") for _ in range(2)]
    answers = [command.communicate(timeout=120) for command in both]
    assert [command.returncode for command in both] == [0, 0]
    assert [json.loads(out)["vectors"] for out, _ in answers] == [1000, 1000]
    assert sum("Copying" in err for _, err in answers) == 1


def test_a_command_killed_while_it_copies_an_original_leaves_an_empty_mirror(tmp_path):
    store_original(tmp_path / "old.db", count=3000)
    log = tmp_path / "old.explorer" / "songs.db-wal"
    command = start("status", "--db", tmp_path / "old.db")
    while command.poll() is None and not (log.exists() and log.stat().st_size > 3_000_000):
        time.sleep(0.002)
    command.kill()
    command.communicate()
    assert command.returncode == -9
    with Database.open_readonly(log.with_name("songs.db")) as library:
        assert (library.song_ids(), library.origin()) == ([], {})
    assert run(["status", "--db", str(tmp_path / "old.db")]) == 0
    with Database.open_readonly(log.with_name("songs.db")) as library:
        assert library.count_vectors() == 3000


def test_a_damaged_original_is_an_error_and_its_mirror_stays(tmp_path, capsys):
    path = tmp_path / "old.db"
    store_original(path, count=200)
    assert run(["status", "--db", str(path)]) == 0
    capsys.readouterr()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 100_000)
    assert run(["status", "--db", str(path)]) == 1
    assert "is damaged" in capsys.readouterr().err.splitlines()[-1]
    with Database.open_readonly(tmp_path / "old.explorer" / "songs.db") as library:
        assert library.count_vectors() == 200


def test_the_queries_of_the_original_scripts_read_our_vectors(library):
    """Use only sqlite3 and NumPy, as the original scripts do."""
    import numpy as np

    path, song_ids = library
    with closing(sqlite3.connect(path)) as database:
        vectors = {}
        for rowid, song_id in database.execute("SELECT rowid, song_id FROM songs_vectors").fetchall():
            query = "SELECT embedding FROM songs_vectors WHERE rowid = ?"
            (blob,) = database.execute(query, (rowid,)).fetchone()
            vectors[song_id] = np.load(io.BytesIO(blob))
            with database.blobopen("songs_vectors", "embedding", rowid, readonly=True) as opened:
                np.testing.assert_array_equal(np.load(io.BytesIO(opened.read())), vectors[song_id])
        names = dict(database.execute("SELECT id, info FROM songs"))
    with Database.open_readonly(path) as ours:
        for song_id in song_ids:
            assert vectors[song_id].dtype == np.float64
            np.testing.assert_array_equal(vectors[song_id], ours.vector(song_id))
            assert json.loads(names[song_id])["name"] == ours.song(song_id).title


def test_songs_that_the_original_scripts_insert_into_our_library_join_the_map(library, capsys):
    path, song_ids = library
    with closing(sqlite3.connect(path)) as database, database:
        (blob,) = database.execute("SELECT embedding FROM songs_vectors LIMIT 1").fetchone()
        database.execute("INSERT INTO songs VALUES ('spotify:track:new', '{\"name\": \"New\"}')")
        for song_id in ("spotify:track:new", "of no song"):
            database.execute("INSERT INTO songs_vectors VALUES (?, ?)", (song_id, blob))
            database.executemany("INSERT INTO songs_genres VALUES (?, 'Rock')", [(song_id,)] * 2)
    assert run(["map", "--db", str(path)]) == 0
    with Database.open_readonly(path) as ours:
        assert ours.count_vectors() == len(song_ids) + 1
        assert ours.vectors()[0] == sorted([*song_ids, "spotify:track:new"])
        assert "spotify:track:new" in ours.positions("pca")[0]
        assert ours.song("spotify:track:new").genres == ("Rock",)


def test_a_second_import_without_the_folder_of_clips_keeps_the_clips(tmp_path, capsys):
    store_original(tmp_path / "old.db", tmp_path / "clips")
    arguments = ["import", str(tmp_path / "old.db"), "--db", str(tmp_path / "songs.db"), "--no-map"]
    assert run([*arguments, "--audio", str(tmp_path / "clips")]) == 0
    capsys.readouterr()
    assert run(arguments) == 0
    err = capsys.readouterr().err
    assert "12 with a clip" in err
    assert "--audio" not in err


def test_serve_shows_and_plays_an_original(tmp_path):
    store_original(tmp_path / "old.db", tmp_path / "clips")
    (tmp_path / "clips" / "stem 1.flac").unlink()
    before = (tmp_path / "old.db").read_bytes()
    arguments = ["serve", "--db", str(tmp_path / "old.db"), "--audio", str(tmp_path / "clips")]
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), *arguments, "--no-browser", "--port", "0"],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        lines = []
        for line in server.stderr:
            lines.append(line)
            if "http://" in line:
                break
        url = re.search(r"http://\S+/", lines[-1])[0]
        assert any("clip" in line and "stem 1" in line for line in lines)
        assert fetch(f"{url}healthz")[1] == b'{"songs":12}\n'
        status, sound = fetch(f"{url}audio/spotify%3Atrack%3A0000000000000000000002")
        assert (status, sound[:4]) == (200, b"fLaC")
        status, answer = fetch(f"{url}audio/stem%201")
        assert status == 404
        assert b"song" in answer
    finally:
        server.terminate()
        server.wait(20)
        server.stderr.close()
    assert (tmp_path / "old.db").read_bytes() == before


def fetch(url):
    """Request a URL and return (status, body); retry for 20 s until the server listens."""
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(url) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read()
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)
