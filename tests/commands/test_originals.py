import json
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress

import pytest
from support import store_library, store_original

from explorer.cli import run
from explorer.config import ROOT
from explorer.library.database import Database


def test_import_copies_an_original_into_a_library_and_maps_it(tmp_path, capsys):
    store_original(tmp_path / "old.db", tmp_path / "previews")
    arguments = ["import", str(tmp_path / "old.db"), "--db", str(tmp_path / "songs.db"), "--json"]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert (found["songs"], found["vectors"], found["clips"]) == (12, 12, 12)
    assert "12 rows" in captured.err
    with Database.open_readonly(tmp_path / "songs.db") as library:
        assert set(library.projections()) == {"pca", "tsne", "umap"}
    assert run(["status", "--db", str(tmp_path / "songs.db")]) == 0
    assert "the vectors were imported" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["none.db", "ours.db", "text.db"])
def test_what_cannot_be_imported_is_one_sentence(tmp_path, capsys, name):
    store_library(tmp_path / "ours.db", tmp_path / "music", per_genre=1)
    (tmp_path / "text.db").write_text("x" * 4096)
    assert run(["import", str(tmp_path / name), "--db", str(tmp_path / "songs.db")]) == 1
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert not (tmp_path / "songs.db").exists()


@pytest.mark.parametrize("command", ["status", "map", "index", "similar"])
def test_other_commands_say_how_to_look_at_an_original(tmp_path, capsys, command):
    store_original(tmp_path / "old.db")
    more = {"similar": ["x"], "index": [str(tmp_path), "--weights", "untrained"]}.get(command, [])
    assert run([command, *more, "--db", str(tmp_path / "old.db")]) == 1
    assert "run.py import" in capsys.readouterr().err


def test_the_originals_own_query_reads_our_vectors(library):
    """As the experiment's scripts did it: plain sqlite3 and NumPy."""
    import io

    import numpy as np

    path, song_ids = library
    with closing(sqlite3.connect(path)) as database:
        found = {}
        for rowid, song_id in database.execute("SELECT rowid, song_id FROM songs_vectors").fetchall():
            query = "SELECT embedding FROM songs_vectors WHERE rowid = ?"
            (blob,) = database.execute(query, (rowid,)).fetchone()
            found[song_id] = np.load(io.BytesIO(blob))
            with database.blobopen("songs_vectors", "embedding", rowid, readonly=True) as opened:
                np.testing.assert_array_equal(np.load(io.BytesIO(opened.read())), found[song_id])
        names = dict(database.execute("SELECT id, info FROM songs"))
    with Database.open_readonly(path) as ours:
        for song_id in song_ids:
            assert found[song_id].dtype == np.float64
            np.testing.assert_array_equal(found[song_id], ours.vector(song_id))
            assert json.loads(names[song_id])["name"] == ours.song(song_id).title


def test_what_the_originals_scripts_insert_into_ours_joins_the_map(library, capsys):
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


def test_a_second_import_without_a_folder_does_not_call_songs_silent(tmp_path, capsys):
    store_original(tmp_path / "old.db", tmp_path / "clips")
    arguments = ["import", str(tmp_path / "old.db"), "--db", str(tmp_path / "songs.db"), "--no-map"]
    assert run([*arguments, "--audio", str(tmp_path / "clips")]) == 0
    capsys.readouterr()
    assert run(arguments) == 0
    said = capsys.readouterr().err
    assert "12 with a clip" in said
    assert "No song can be heard" not in said


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
        said = []
        for line in server.stderr:
            said.append(line)
            if line.startswith("The map is at "):
                break
        url = said[-1].split()[4]
        assert any("Without a clip" in line and "stem 1" in line for line in said)
        assert fetch(f"{url}healthz")[1] == b'{"songs":12}\n'
        status, sound = fetch(f"{url}audio/spotify%3Atrack%3A0000000000000000000002")
        assert (status, sound[:4]) == (200, b"fLaC")
        status, answer = fetch(f"{url}audio/stem%201")
        assert status == 404
        assert b"no sound" in answer
    finally:
        server.terminate()
        server.wait(20)
        server.stderr.close()
    assert (tmp_path / "old.db").read_bytes() == before


def fetch(url):
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
        with suppress(InterruptedError):
            time.sleep(0.1)
