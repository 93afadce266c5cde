"""Opening a library: after a crash, while another program holds it, on a full disk."""

import os
import shutil
import struct
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from explorer.config import ROOT
from explorer.database import connection
from explorer.database.database import Database
from explorer.database.schema import MIGRATIONS
from explorer.errors import LibraryBusyError, LibraryError, UnusableLibraryError

CRASHING = """
import os, sys
from pathlib import Path
sys.path.insert(0, "tests")
from support import store_library
from explorer.database.database import Database
path = Path(sys.argv[1])
database = Database.open(path)
reader = Database.open_readonly(path)
store_library(path, path.parent / "music", seconds=0.05)
os._exit(0)
"""

OPENING = """
import sys, time
from pathlib import Path
from explorer.database.database import Database
folder = Path(sys.argv[1])
print("ready", flush=True)
for number in range(10):
    while not (folder / f"{number}.go").exists():
        pass
    with Database.open(folder / f"{number}.db") as database:
        assert (database.count_vectors(), database.roots()) == (0, [])
"""

HOLDING = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""


@pytest.fixture
def crashed(tmp_path):
    """A library whose songs are only in its log, because the program that wrote them crashed."""
    path = tmp_path / "songs.db"
    subprocess.run([sys.executable, "-c", CRASHING, str(path)], cwd=ROOT, check=True)
    assert (tmp_path / "songs.db-wal").stat().st_size > 100_000
    return path


def copy_pages(path, count):
    """Copy the first `count` pages from the log into the file, like an interrupted checkpoint of SQLite."""
    log = path.with_name("songs.db-wal").read_bytes()
    (page_bytes,) = struct.unpack(">I", log[8:12])
    pages = {}
    for start in range(32, len(log), 24 + page_bytes):
        (number,) = struct.unpack(">I", log[start : start + 4])
        pages[number] = log[start + 24 : start + 24 + page_bytes]
    with path.open("r+b") as file:
        for number in sorted(pages)[:count]:
            file.seek((number - 1) * page_bytes)
            file.write(pages[number])


@pytest.mark.parametrize("pages", [0, 1, 2, 10, 40])
def test_a_library_with_a_partly_copied_log_has_all_its_songs(crashed, pages):
    copy_pages(crashed, pages)
    with Database.open(crashed) as database:
        assert database.count_vectors() == 24
        assert database._value("PRAGMA integrity_check") == "ok"


@pytest.mark.parametrize("pages", [0, 1, 2, 10, 40])
def test_a_crashed_library_is_not_taken_for_an_original_database(crashed, pages):
    copy_pages(crashed, pages)
    before = {file.name: file.read_bytes() for file in crashed.parent.glob("songs.db*")}
    assert not connection.is_original(crashed)
    assert {file.name: file.read_bytes() for file in crashed.parent.glob("songs.db*")} == before


def test_a_truncated_file_without_a_log_is_reported_as_damaged(library):
    path, _ = library
    with path.open("r+b") as file:
        file.truncate(8192)
    with pytest.raises(LibraryError, match="is damaged"):
        Database.open(path)


@pytest.fixture
def hold(library):
    """Start another program that holds the library for some seconds."""
    processes = []

    def start(seconds):
        command = [sys.executable, "-c", HOLDING, str(library[0]), str(seconds)]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE))
        assert processes[-1].stdout.readline() == b"held\n"

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_patient_writer_waits_for_another_program_and_says_so_once(library, hold, monkeypatch):
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 200)
    messages = []
    with Database.open(library[0]) as database:
        database.wait_for_other_programs(messages.append)
        hold(1.5)
        database.add_root(library[0].parent / "other")
        (message,) = messages
        assert str(library[0]) in message
        assert "another program" in message
        assert "10 minutes" in message
        hold(0.6)
        database.add_root(library[0].parent / "third")
        assert len(messages) == 2
        database.add_root(library[0].parent / "fourth")
        assert len(messages) == 2


def test_a_patient_writer_gives_up_after_its_longest_wait(library, hold):
    with Database.open(library[0]) as database:
        database.wait_for_other_programs(lambda text: None, max_wait_s=0.3)
        hold(60)
        with pytest.raises(LibraryBusyError, match="another program is writing to it"):
            database.add_root(library[0].parent / "other")


@pytest.mark.skipif(os.name == "nt", reason="Windows cannot send SIGINT to another process")
def test_ctrl_c_ends_the_wait_for_another_program(library, hold):
    waiting = f"""
from pathlib import Path
from explorer.database.database import Database
with Database.open(Path({str(library[0])!r})) as database:
    database.wait_for_other_programs(lambda text: None)
    print("waiting", flush=True)
    database.add_root(Path("/other"))
"""
    hold(60)
    process = subprocess.Popen([sys.executable, "-c", waiting], cwd=ROOT, stdout=-1, stderr=-1, text=True)
    assert process.stdout.readline() == "waiting\n"
    time.sleep(0.3)
    process.send_signal(2)
    _, errors = process.communicate(timeout=10)
    assert "KeyboardInterrupt" in errors


def test_other_threads_run_while_a_transaction_waits_for_another_program(library, hold):
    """A browser's requests must be answered while an upload waits to be stored."""
    with Database.open(library[0]) as database:
        hold(3)
        waiting = threading.Thread(target=database.add_root, args=(library[0].parent / "other",))
        waiting.start()
        for _ in range(3):
            time.sleep(0.05)
        assert waiting.is_alive()  # If waiting kept Python's lock, it would have ended before this line.
        waiting.join(30)
        assert str(library[0].parent / "other") in database.roots()


def test_a_migration_refuses_a_damaged_library(tmp_path):
    path = tmp_path / "songs.db"
    with closing(connection.apsw.Connection(str(path))) as old:
        old.execute("".join(MIGRATIONS[:3]))
        old.pragma("user_version", 3)
        old.execute("INSERT INTO songs VALUES ('a', '{}'), ('b', '{}')")
        page = old.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_songs_1'").get
    data = bytearray(path.read_bytes())
    data[(page - 1) * 4096 + 4] -= 1  # The index says that it has one row.
    path.write_bytes(data)
    with pytest.raises(UnusableLibraryError, match="is damaged"):
        Database.open(path)
    with closing(connection.apsw.Connection(str(path))) as old:
        assert old.pragma("user_version") == 3


def test_an_io_error_on_a_full_disk_is_reported_as_a_full_disk(tmp_path, monkeypatch):
    """SQLite reports an I/O error when a full disk has no room for the -shm file."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 100, 0))
    with pytest.raises(LibraryError, match="is full"), connection.translate_errors(tmp_path / "songs.db"):
        raise connection.apsw.IOError("disk I/O error")
    monkeypatch.undo()
    with pytest.raises(LibraryError, match="disk I/O"), connection.translate_errors(tmp_path / "songs.db"):
        raise connection.apsw.IOError("disk I/O error")


def test_processes_that_open_a_new_library_at_the_same_time_create_it_once(tmp_path):
    command = [sys.executable, "-c", OPENING, str(tmp_path)]
    processes = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    for number in range(10):
        (tmp_path / f"{number}.go").touch()
        time.sleep(0.1)
    for process in processes:
        with process:
            assert process.wait(60) == 0
