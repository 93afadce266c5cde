"""One index at a time, with real processes and the system's own locks."""

import json
import os
import signal
import subprocess
import sys
import threading

import pytest

from explorer.config import ROOT
from explorer.errors import LibraryBusyError
from explorer.library import locking
from explorer.library.locking import Running, indexing, running_index

HOLDER = """
import sys
from pathlib import Path
from explorer.library.locking import indexing
with indexing(Path(sys.argv[1]), "/music") as running:
    running.found(4)
    running.embedding(lambda: {"done": 2, "indexed": 1, "failed": 1, "audio_seconds": 90.0})
    running.tell()
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path):
    return tmp_path / "songs.db"


@pytest.fixture
def hold():
    """Start a process that holds a library's lock until its input ends."""
    processes = []

    def start(database):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, str(database)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        processes.append(process)
        assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in processes:
        process.communicate()


def release(process):
    process.communicate()
    assert process.returncode == 0


def test_a_second_index_is_refused_with_the_first_one_named(database, hold):
    first = hold(database)
    with pytest.raises(LibraryBusyError) as caught, indexing(database, "/other"):
        pytest.fail("both hold the library")
    assert f"(process {first.pid}, since 20" in str(caught.value)
    assert str(database) in str(caught.value)
    release(first)
    with indexing(database, "/other"):
        pass


def test_who_asks_learns_how_far_it_has_come(database, hold):
    assert running_index(database) is None
    first = hold(database)
    told = running_index(database)
    kept = {key: told[key] for key in ("pid", "folder", "total", "done", "indexed", "failed")}
    assert kept == {"pid": first.pid, "folder": "/music", "total": 4, "done": 2, "indexed": 1, "failed": 1}
    assert told["started"].endswith("+00:00")
    assert 0 <= told["embedding_seconds"] <= told["seconds"]
    release(first)
    assert running_index(database) is None


def test_rates_are_those_of_embedding_and_not_of_what_came_before():
    running = Running(total=100, done=20, audio_seconds=600.0, seconds=70.0, embedding_seconds=10.0)
    told = running.record()
    assert (told["songs_per_second"], told["times_real_time"], told["seconds_left"]) == (2.0, 60.0, 40.0)
    nothing_yet = Running(total=100, seconds=70.0).record()
    assert {nothing_yet[key] for key in ("songs_per_second", "times_real_time", "seconds_left")} == {None}


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_the_lock_goes_with_a_killed_process_and_its_news_are_nobodys(database, hold):
    first = hold(database)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert running_index(database) is None
    with indexing(database, "/music") as running:
        running.tell()
        assert running_index(database)["pid"] == os.getpid()
        assert running_index(database)["done"] == 0


def test_other_libraries_beside_it_are_free(database, hold):
    first = hold(database)
    with indexing(database.with_name("other.db"), "/music"):
        assert running_index(database)["pid"] == first.pid
        assert running_index(database.with_name("other.db"))["pid"] == os.getpid()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_library_is_one_by_whatever_name(database, hold, tmp_path):
    database.touch()
    (tmp_path / "link.db").symlink_to(database)
    hold(database)
    with pytest.raises(LibraryBusyError), indexing(tmp_path / "link.db", "/music"):
        pass


@pytest.mark.skipif(os.name == "nt", reason="there nobody can ask together")
def test_who_asks_turns_no_index_away(database):
    """Asking takes the lock for a moment."""
    lock, _ = locking._files(database)
    asking = os.open(lock, os.O_RDONLY | os.O_CREAT)
    assert locking._take(asking, together=True)
    answered = threading.Timer(0.25, os.close, (asking,))
    answered.start()
    with indexing(database, "/music"):
        assert running_index(database)["pid"] == os.getpid()
    answered.join()


@pytest.mark.skipif(os.name == "nt", reason="there no file that is open goes")
def test_a_lock_on_a_file_that_was_just_removed_is_none(database, monkeypatch):
    """Who held it before removes it between another's opening and locking it."""
    taking, lock = locking._take, locking._files(database)[0]

    def removed_meanwhile(handle):
        monkeypatch.setattr(locking, "_take", taking)
        lock.unlink()
        return taking(handle)

    monkeypatch.setattr(locking, "_take", removed_meanwhile)
    with indexing(database, "/music"):
        assert running_index(database)["pid"] == os.getpid()


def test_nothing_is_left_behind(database):
    with indexing(database, "/music") as running:
        running.tell()
        assert {path.name for path in database.parent.iterdir()} >= {".songs.db.indexing"}
    assert list(database.parent.iterdir()) == []


def test_news_are_written_again_and_again_and_always_whole(database, monkeypatch):
    monkeypatch.setattr(locking, "TELLING_EVERY_S", 0.001)
    done = iter(range(1_000_000))
    with indexing(database, "/music") as running:
        running.embedding(lambda: {"done": next(done), "indexed": 0, "failed": 0, "audio_seconds": 0.0})
        running.tell()
        seen = [json.loads(locking._files(database)[1].read_text())["done"] for _ in range(2_000)]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2


def test_a_file_system_without_locks_stops_nobody(database, hold, monkeypatch):
    hold(database)
    monkeypatch.setattr(locking, "_take", lambda handle, *, together=False: None)
    with indexing(database, "/music"):
        assert running_index(database) is None


def test_a_folder_that_cannot_be_written_is_the_databases_to_complain_of(tmp_path):
    with indexing(tmp_path / "no such folder" / "songs.db", "/music"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}'])
def test_news_that_are_damaged_are_none(database, text, monkeypatch):
    monkeypatch.setattr(locking, "TELLING_EVERY_S", 3600.0)
    with indexing(database, "/music"):
        locking._files(database)[1].write_text(text)
        assert running_index(database) == Running().record()
