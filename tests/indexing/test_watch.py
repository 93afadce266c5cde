"""`index --watch` as a real process over a real folder."""

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from watchfiles import Change

from explorer.cli import index as index_module
from explorer.config import ROOT
from explorer.indexing.running import running_index
from explorer.indexing.summary import Summary
from explorer.indexing.watch import Watch, _may_be_music

PATIENCE_S = 90


def songs(database):
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        rows = connection.execute("SELECT song_id, gone_since IS NOT NULL FROM files ORDER BY 1").fetchall()
    return dict(rows)


@pytest.fixture
def watching(tmp_path, make_tone):
    """A process that watches a folder with one song: (folder, database, lines on stderr, process)."""
    folder, database = tmp_path / "music", tmp_path / "songs.db"
    make_tone(folder / "0.flac", frequency_hz=100)
    command = [sys.executable, "-m", "explorer", "index", str(folder), "--watch", "--db", str(database)]
    command += ["--weights", "untrained", "--hop", "1", "--no-previews"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    said = []
    listener = threading.Thread(target=lambda: said.extend(process.stderr), daemon=True)
    listener.start()
    wait_until(lambda: any("Watching" in line for line in said), process)
    yield folder, database, said, process
    process.kill()
    process.wait()
    listener.join(10)


def wait_until(is_so, process):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert process.poll() is None, "the index ended"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.1)


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is POSIX's")
def test_new_files_are_indexed_missing_ones_marked_and_ctrl_c_ends_it(watching, make_tone, tmp_path):
    folder, database, said, process = watching
    make_tone(folder / "new album" / "1.flac", frequency_hz=200)
    wait_until(lambda: songs(database) == {"0.flac": 0, "new album/1.flac": 0}, process)
    (folder / "0.flac").rename(folder / "moved.flac")
    wait_until(lambda: songs(database) == {"moved.flac": 0, "new album/1.flac": 0}, process)
    (folder / "moved.flac").unlink()
    wait_until(lambda: songs(database) == {"moved.flac": 1, "new album/1.flac": 0}, process)
    (folder / "broken.mp3").write_bytes(b"no music " * 100)
    wait_until(lambda: any("Failed: broken.mp3" in line for line in said), process)
    folder.rename(tmp_path / "unmounted")
    wait_until(lambda: any("waiting for it" in line for line in said), process)
    make_tone(tmp_path / "unmounted" / "2.flac", frequency_hz=300)
    (tmp_path / "unmounted").rename(folder)
    wait_until(lambda: "2.flac" in songs(database), process)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 130
    assert "Traceback" not in "".join(said)


def test_a_file_that_is_being_copied_is_embedded_once_when_complete(watching, make_tone, tmp_path):
    folder, database, said, process = watching
    whole = make_tone(tmp_path / "long.flac", frequency_hz=300, seconds=30).read_bytes()
    with (folder / "long.flac").open("wb") as copy:
        for piece in range(10):
            copy.write(whole[len(whole) * piece // 10 : len(whole) * (piece + 1) // 10])
            copy.flush()
            time.sleep(0.8)
    wait_until(lambda: "long.flac" in songs(database), process)
    with closing(sqlite3.connect(database)) as connection:
        duration = connection.execute("SELECT duration_s FROM files WHERE song_id = 'long.flac'").fetchone()
    assert duration[0] == pytest.approx(30.0)
    assert not any("Failed" in line for line in said)
    shutil.rmtree(folder)


def test_watch_refuses_json_and_urls(tmp_path):
    from explorer.cli.main import run

    assert run(["index", str(tmp_path), "--watch", "--json", "--db", str(tmp_path / "songs.db")]) == 2
    assert run(["index", "s3://bucket/music", "--watch", "--db", str(tmp_path / "songs.db")]) == 2


@pytest.mark.parametrize("name", ["a.mp3", "...Baby.spx", "a.avi", ".nomedia", ".ndignore", "new folder"])
def test_a_change_that_may_concern_songs_is_noticed(tmp_path, name):
    assert _may_be_music(Change.added, str(tmp_path / name))


@pytest.mark.parametrize("name", ["cover.jpg", "._a.mp3", ".a.mp3.part"])
def test_a_change_that_may_not_concern_songs_is_not_noticed(tmp_path, name):
    assert not _may_be_music(Change.added, str(tmp_path / name))


@pytest.mark.skipif(os.name == "nt", reason="SIGINT is POSIX's")
@pytest.mark.parametrize("moment", ["the last song is embedded", "Mapping 1 song: t-SNE", "Watching"])
def test_the_end_of_the_parent_ends_the_watch_at_every_moment(tmp_path, make_tone, moment):
    folder, database = tmp_path / "music", tmp_path / "songs.db"
    make_tone(folder / "0.flac", frequency_hz=100, seconds=30)
    command = [sys.executable, "-m", "explorer", "--stop-at-eof", "index", str(folder), "--watch"]
    command += ["--db", str(database), "--weights", "untrained", "--hop", "1", "--precision", "float32"]
    with subprocess.Popen(
        [*command, "--no-previews"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        killer = threading.Timer(PATIENCE_S, process.kill)
        killer.start()
        if moment == "the last song is embedded":
            wait_until(lambda: (running_index(database) or {}).get("stage") == "full", process)
        else:
            assert any(moment in line for line in process.stderr)
        process.stdin.close()
        said = process.stderr.read()
        assert process.wait() == 130, said
        killer.cancel()
    assert "Watching" not in said
    assert "Traceback" not in said
    # The song in progress was finished.
    assert songs(database) == {"0.flac": 0}


def test_an_interrupt_that_other_code_swallows_ends_the_watch(tmp_path, monkeypatch):
    """As when Ctrl-C is pressed while a library is imported."""
    from explorer.cli.main import run

    runs, waits = [], []

    def swallow(*_arguments, **_options):
        runs.append(True)
        if len(runs) == 2:
            with contextlib.suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        return Summary()

    monkeypatch.setattr(index_module, "_index_once", swallow)
    monkeypatch.setattr(Watch, "wait", lambda *_, **__: waits.append(1 / (len(waits) < 5)))
    assert run(["index", str(tmp_path), "--watch", "--db", str(tmp_path / "songs.db")]) == 130
    assert (len(runs), len(waits)) == (2, 1)
