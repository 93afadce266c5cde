"""One index at a time, with real processes and the system's own locks."""

import errno
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from filelock import lock_descriptor

from explorer.config import ROOT
from explorer.errors import LibraryBusyError
from explorer.indexing import running as running_module
from explorer.indexing.running import IndexProgress, index_lock, running_index

if os.name != "nt":
    import fcntl

HOLDER = """
import sys
from pathlib import Path
from explorer.indexing.running import index_lock
with index_lock(Path(sys.argv[1]), "/music") as running:
    running.set_total(4)
    running.start_embedding(lambda: {"done": 2, "indexed": 1, "failed": 1, "audio_seconds": 90.0})
    running.write()
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
    with pytest.raises(LibraryBusyError) as caught, index_lock(database, "/other"):
        pytest.fail("both hold the library")
    assert f"(process {first.pid}, since 20" in str(caught.value)
    assert str(database) in str(caught.value)
    release(first)
    with index_lock(database, "/other"):
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
    running = IndexProgress(total=100, done=20, audio_seconds=600.0, seconds=70.0, embedding_seconds=10.0)
    told = running.record()
    assert (told["songs_per_second"], told["times_real_time"], told["seconds_left"]) == (2.0, 60.0, 40.0)
    nothing_yet = IndexProgress(total=100, seconds=70.0).record()
    assert {nothing_yet[key] for key in ("songs_per_second", "times_real_time", "seconds_left")} == {None}


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_the_lock_goes_with_a_killed_process_and_its_news_are_nobodys(database, hold):
    first = hold(database)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert running_index(database) is None
    with index_lock(database, "/music") as running:
        running.write()
        assert running_index(database)["pid"] == os.getpid()
        assert running_index(database)["done"] == 0


def test_other_libraries_beside_it_are_free(database, hold):
    first = hold(database)
    with index_lock(database.with_name("other.db"), "/music"):
        assert running_index(database)["pid"] == first.pid
        assert running_index(database.with_name("other.db"))["pid"] == os.getpid()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_library_is_one_by_whatever_name(database, hold, tmp_path):
    database.touch()
    (tmp_path / "link.db").symlink_to(database)
    hold(database)
    with pytest.raises(LibraryBusyError), index_lock(tmp_path / "link.db", "/music"):
        pass


def test_asking_makes_no_index_fail(database):
    """Asking takes the lock for a moment."""
    lock, _ = running_module._files(database)
    asking = os.open(lock, os.O_RDWR | os.O_CREAT)
    assert lock_descriptor(asking, blocking=False)
    answered = threading.Timer(0.25, os.close, (asking,))
    answered.start()
    with index_lock(database, "/music"):
        assert running_index(database)["pid"] == os.getpid()
    answered.join()


def test_asking_takes_no_other_that_asks_for_an_index(database):
    lock, _ = running_module._files(database)
    asking = os.open(lock, os.O_RDWR | os.O_CREAT)
    assert lock_descriptor(asking, blocking=False)
    answered = threading.Timer(0.01, os.close, (asking,))
    answered.start()
    assert running_index(database) is None
    answered.join()


@pytest.mark.skipif(os.name == "nt", reason="there no open file can be deleted")
def test_a_lock_on_a_file_that_was_just_deleted_is_none(database, monkeypatch):
    """The run before deletes it between another's opening and locking it."""
    flock, lock = fcntl.flock, running_module._files(database)[0]

    def deleted_meanwhile(handle, operation):
        monkeypatch.setattr(fcntl, "flock", flock)
        lock.unlink()
        flock(handle, operation)

    monkeypatch.setattr(fcntl, "flock", deleted_meanwhile)
    with index_lock(database, "/music"):
        assert running_index(database)["pid"] == os.getpid()


@pytest.mark.skipif(os.name == "nt", reason="permissions are other ones there")
def test_another_user_can_lock_the_same_file(database):
    previous = os.umask(0o077)
    try:
        with index_lock(database, "/music"):
            mode = running_module._files(database)[0].stat().st_mode & 0o777
    finally:
        os.umask(previous)
    assert mode == 0o666


@pytest.mark.skipif(os.name == "nt", reason="permissions are other ones there")
def test_an_index_is_seen_by_who_may_only_read(hold):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first = hold(folder / "songs.db")
        folder.chmod(0o555)
        running_module._files(folder / "songs.db")[0].chmod(0o444)
        if is_root := os.geteuid() == 0:
            os.seteuid(65534)
        try:
            assert running_index(folder / "songs.db")["pid"] == first.pid
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


def test_nothing_is_left_behind(database):
    with index_lock(database, "/music") as running:
        running.write()
        assert {path.name for path in database.parent.iterdir()} >= {".songs.db.indexing"}
    assert list(database.parent.iterdir()) == []


def test_news_are_written_again_and_again_and_always_whole(database, monkeypatch):
    monkeypatch.setattr(running_module, "WRITE_INTERVAL_S", 0.001)
    done = iter(range(1_000_000))
    with index_lock(database, "/music") as running:
        running.start_embedding(lambda: {"done": next(done), "indexed": 0, "failed": 0, "audio_seconds": 0.0})
        running.write()
        seen = [json.loads(running_module._files(database)[1].read_text())["done"] for _ in range(2_000)]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2


@pytest.mark.skipif(os.name == "nt", reason="flock is POSIX's")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_stops_nobody(database, hold, monkeypatch, code):
    hold(database)

    def refuse(handle, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with index_lock(database, "/music"):
        assert running_index(database) is None


def test_a_folder_that_cannot_be_written_is_the_databases_to_complain_of(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with index_lock(tmp_path / "file" / "songs.db", "/music"):
        pass


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}'])
def test_news_that_are_damaged_are_none(database, text, monkeypatch):
    monkeypatch.setattr(running_module, "WRITE_INTERVAL_S", 3600.0)
    with index_lock(database, "/music"):
        running_module._files(database)[1].write_text(text)
        assert running_index(database) == IndexProgress().record()
