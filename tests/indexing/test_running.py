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
from explorer.indexing.running import IndexProgress, index_lock, killed_index, running_index

if os.name != "nt":
    import fcntl

HOLDER = """
import sys
from pathlib import Path
from explorer.indexing.running import index_lock
with index_lock(Path(sys.argv[1]), "/music") as progress:
    progress.set_total(4)
    progress.start_embedding(lambda: {"done": 2, "indexed": 1, "failed": 1, "audio_seconds": 90.0})
    progress.write()
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


def test_a_second_index_run_is_refused_and_the_first_is_named(database, hold):
    first = hold(database)
    with pytest.raises(LibraryBusyError) as caught, index_lock(database, "/other"):
        pytest.fail("both hold the library")
    assert f"(process {first.pid}, since 20" in str(caught.value)
    assert str(database) in str(caught.value)
    release(first)
    with index_lock(database, "/other"):
        pass


def test_another_program_can_read_the_progress(database, hold):
    assert running_index(database) is None
    first = hold(database)
    progress = running_index(database)
    shown = {key: progress[key] for key in ("pid", "folder", "total", "done", "indexed", "failed")}
    assert shown == {"pid": first.pid, "folder": "/music", "total": 4, "done": 2, "indexed": 1, "failed": 1}
    assert progress["started"].endswith("+00:00")
    assert 0 <= progress["embedding_seconds"] <= progress["seconds"]
    release(first)
    assert running_index(database) is None


def test_rates_count_only_the_time_of_embedding():
    running = IndexProgress(total=100, done=20, audio_seconds=600.0, seconds=70.0, embedding_seconds=10.0)
    rates = running.record()
    assert (rates["songs_per_second"], rates["times_real_time"], rates["seconds_left"]) == (2.0, 60.0, 40.0)
    not_begun = IndexProgress(total=100, seconds=70.0).record()
    assert {not_begun[key] for key in ("songs_per_second", "times_real_time", "seconds_left")} == {None}


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_a_killed_process_loses_its_lock_and_its_progress(database, hold):
    first = hold(database)
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert running_index(database) is None
    with index_lock(database, "/music") as progress:
        progress.write()
        assert running_index(database)["pid"] == os.getpid()
        assert running_index(database)["done"] == 0


def test_other_libraries_in_the_same_folder_are_not_locked(database, hold):
    first = hold(database)
    with index_lock(database.with_name("other.db"), "/music"):
        assert running_index(database)["pid"] == first.pid
        assert running_index(database.with_name("other.db"))["pid"] == os.getpid()


@pytest.mark.skipif(os.name == "nt", reason="links need a right there")
def test_a_link_to_a_library_has_the_same_lock(database, hold, tmp_path):
    database.touch()
    (tmp_path / "link.db").symlink_to(database)
    hold(database)
    with pytest.raises(LibraryBusyError), index_lock(tmp_path / "link.db", "/music"):
        pass


def test_testing_the_lock_does_not_fail_an_index_run(database):
    """Another program tests the lock by taking it for a moment."""
    lock, _ = running_module._files(database)
    tester = os.open(lock, os.O_RDWR | os.O_CREAT)
    assert lock_descriptor(tester, blocking=False)
    released = threading.Timer(0.25, os.close, (tester,))
    released.start()
    with index_lock(database, "/music"):
        assert running_index(database)["pid"] == os.getpid()
    released.join()


def test_testing_the_lock_does_not_count_as_an_index_run(database):
    lock, _ = running_module._files(database)
    tester = os.open(lock, os.O_RDWR | os.O_CREAT)
    assert lock_descriptor(tester, blocking=False)
    released = threading.Timer(0.01, os.close, (tester,))
    released.start()
    assert running_index(database) is None
    released.join()


@pytest.mark.skipif(os.name == "nt", reason="there no open file can be deleted")
def test_a_lock_on_a_deleted_file_is_taken_again(database, monkeypatch):
    """The previous run deletes the file after this run has opened it and before it locks it."""
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
def test_a_user_who_may_only_read_sees_the_index_run(hold):
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


def test_the_lock_and_progress_files_are_deleted(database):
    with index_lock(database, "/music") as progress:
        progress.write()
        assert {path.name for path in database.parent.iterdir()} >= {".songs.db.indexing"}
    assert list(database.parent.iterdir()) == []


def test_the_progress_file_is_always_complete(database, monkeypatch):
    monkeypatch.setattr(running_module, "WRITE_INTERVAL_S", 0.001)
    done = iter(range(1_000_000))
    with index_lock(database, "/music") as progress:
        progress.start_embedding(
            lambda: {"done": next(done), "indexed": 0, "failed": 0, "audio_seconds": 0.0}
        )
        progress.write()
        seen = [json.loads(running_module._files(database)[1].read_text())["done"] for _ in range(2_000)]
    assert seen == sorted(seen)
    assert len(set(seen)) > 2


@pytest.mark.skipif(os.name == "nt", reason="flock is POSIX's")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_without_file_locks_a_run_goes_on(database, hold, monkeypatch, code):
    hold(database)

    def refuse(handle, operation):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with index_lock(database, "/music"):
        assert running_index(database) is None


def test_a_folder_that_cannot_be_written_does_not_fail_the_lock(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with index_lock(tmp_path / "file" / "songs.db", "/music"):
        pass


FORGED = [
    json.dumps(IndexProgress().record() | change)
    for change in (
        {"done": "1"},
        {"total": 10**400},
        {"failed": -1},
        {"seconds": float("nan")},
        {"folder": 1},
    )
]


@pytest.mark.parametrize("text", ["", "{", "[]", "[" * 90_000, "null", '{"pid": 1}', *FORGED])
def test_a_damaged_progress_file_counts_as_empty(database, text, monkeypatch):
    monkeypatch.setattr(running_module, "WRITE_INTERVAL_S", 3600.0)
    with index_lock(database, "/music"):
        running_module._files(database)[1].write_text(text)
        assert running_index(database) == IndexProgress().record()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_progress_file_that_never_ends_counts_as_empty(database):
    progress_file = running_module._files(database)[1]
    os.mkfifo(progress_file)
    assert killed_index(database) is None
    progress_file.unlink()
    progress_file.symlink_to("/dev/zero")
    assert killed_index(database) is None
