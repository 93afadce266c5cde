"""Trouble of every kind, met by real index runs: one sentence, no traceback, no damage, and on it goes."""

import ctypes
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from explorer.config import ROOT
from explorer.indexing.running import running_index

INDEX = [sys.executable, "-m", "explorer", "index"]
MODEL = ["--weights", "untrained", "--hop", "1.0"]
QUICKLY = [*MODEL, "--precision", "float32", "--no-map", "--no-previews"]
LONGEST_S = 120
LONG, VERY_LONG = 14, 40

HOLDING = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""

JUMPING = """
import datetime, random, time
_real, _random = time.time, random.Random(1)

def _jump():
    return _real() + _random.uniform(-40_000, 40_000)

class _Jumping(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(_jump(), tz)

time.time = _jump
time.time_ns = lambda: int(_jump() * 1e9)
datetime.datetime = _Jumping
"""


@pytest.fixture
def music(tmp_path, make_tone):
    """Three short songs and a file that is none."""
    folder = tmp_path / "music"
    for number in range(3):
        make_tone(folder / f"{number}.flac", frequency_hz=200 * (number + 1), seconds=0.5)
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    return folder


@pytest.fixture
def long_music(tmp_path, make_tone):
    """Songs that take a while."""
    folder = tmp_path / "long"
    for number in range(LONG):
        make_tone(folder / f"{number:02d}.flac", frequency_hz=90 * (number + 1), seconds=5.0)
    return folder


@pytest.fixture
def very_long_music(tmp_path, make_tone):
    """More songs than are decoded ahead."""
    folder = tmp_path / "very long"
    for number in range(VERY_LONG):
        make_tone(folder / f"{number:02d}.flac", frequency_hz=60 * (number + 1), seconds=5.0)
    return folder


@pytest.fixture
def database(tmp_path):
    return tmp_path / "library" / "songs.db"


@pytest.fixture
def start():
    """Start a command that is ended with the test."""
    processes = []

    def start(*command, **options):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT} | options
        processes.append(subprocess.Popen(list(map(str, command)), **options))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def run(*command, **options):
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd=ROOT, timeout=LONGEST_S, **options
    )


def index(folder, database, *options, **how):
    return run(*INDEX, folder, "--db", database, *QUICKLY, *options, **how)


def require_refusal(done, *words):
    """The last line is the one sentence; those before it are progress."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert all(word in last for word in words), done.stderr


def require_whole(database, songs=3):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM songs_vectors").fetchone() == (songs,)


def wait_until(condition, process=None):
    deadline = time.monotonic() + LONGEST_S
    while not (found := condition()):
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)
    return found


def wait_for_songs(database, process, count=1):
    """Wait until a running index has stored so many songs."""
    wait_until(lambda: (running_index(database) or {"indexed": 0})["indexed"] >= count, process)


# Disks that are full


def can_mount():
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("room_kb", [40, 200, 300])
def test_a_full_disk_is_one_sentence_and_the_run_goes_on_when_there_is_room(tmp_path, music, room_kb):
    """40 kB do not hold the empty tables, 200 kB no song, 300 kB not all of them."""
    if not can_mount():
        pytest.skip("file systems cannot be mounted here")
    (tmp_path / "disk").mkdir()
    index = " ".join([*INDEX, str(music), "--db", "disk/songs.db", *QUICKLY])
    script = f"""
    mount -t tmpfs -o size={room_kb}k tmpfs disk || exit 90
    {index} 2> first.txt; echo $? > first.status
    mount -o remount,size=50m disk
    {index} 2> second.txt; echo $? > second.status
    cp disk/songs.db* .
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=tmp_path, env=environment, check=True)
    said = (tmp_path / "first.txt").read_text()
    assert (tmp_path / "first.status").read_text() == "1\n", said
    assert "Traceback" not in said
    assert said.splitlines()[-1] == "The disk of disk/songs.db is full: make room and run this again."
    assert (tmp_path / "second.status").read_text() == "3\n", (tmp_path / "second.txt").read_text()
    require_whole(tmp_path / "songs.db")


def test_a_disk_that_has_room_for_songs_and_not_for_previews_or_the_log_keeps_the_songs(music, database):
    database.parent.mkdir()
    (database.parent / "previews").write_text("in the way")
    (database.parent / "songs.failures.log").symlink_to("/dev/full")
    done = run(*INDEX, music, "--db", database, *MODEL, "--no-map")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert "No preview: The preview of 0.flac cannot be written" in done.stderr
    if Path("/dev/full").exists():
        assert "songs.failures.log cannot be written: No space left on device." in done.stderr
    require_whole(database)


@pytest.mark.skipif(os.name == "nt", reason="such limits are POSIX's")
@pytest.mark.parametrize("limit_kb", [64, 240])
def test_a_file_that_may_not_grow_is_one_sentence(music, database, limit_kb):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, limit_kb * 1024))

    require_refusal(index(music, database, preexec_fn=limit), "cannot be opened or written", "the disk")
    assert index(music, database).returncode == 3
    require_whole(database)


# What cannot be written


@pytest.fixture
def obeying(tmp_path):
    """How to start a process that permissions bind: they do not bind root."""
    if os.name == "nt":
        pytest.skip("permissions are other ones there")
    how = {"preexec_fn": drop_privileges} if os.geteuid() == 0 else {}
    (tmp_path / "locked").mkdir(mode=0o555)
    if subprocess.run(["touch", tmp_path / "locked" / "x"], capture_output=True, **how).returncode == 0:
        pytest.skip("permissions bind nobody here")
    return how


def drop_privileges():
    """Give up what lets root pass over permissions, for what is executed next."""
    drop_from_bounding_set, override, read_and_search = 24, 1, 2
    libc = ctypes.CDLL(None)
    libc.prctl(drop_from_bounding_set, override, 0, 0, 0)
    libc.prctl(drop_from_bounding_set, read_and_search, 0, 0, 0)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o444, 0o755), (0o644, 0o555)])
def test_a_library_that_may_not_be_written_is_one_sentence(
    music, database, make_tone, obeying, file_mode, folder_mode
):
    assert index(music, database).returncode == 3
    make_tone(music / "new.flac", frequency_hz=1000, seconds=0.5)
    before = database.read_bytes()
    database.chmod(file_mode)
    database.parent.chmod(folder_mode)
    refused = index(music, database, **obeying)
    told = run(sys.executable, "-m", "explorer", "status", "--db", database, **obeying)
    database.parent.chmod(0o755)
    database.chmod(0o644)
    require_refusal(refused, str(database), "cannot be opened or written")
    assert len(refused.stderr.splitlines()) == 1
    assert database.read_bytes() == before
    assert "vectors      3\n" in told.stdout, told.stderr
    assert index(music, database).returncode == 0
    require_whole(database, songs=4)


def test_a_folder_that_may_not_be_written_is_one_sentence(tmp_path, music, obeying):
    for database in (tmp_path / "locked" / "songs.db", tmp_path / "locked" / "deeper" / "songs.db"):
        require_refusal(index(music, database, **obeying), str(database), "cannot be opened or written")
    assert list((tmp_path / "locked").iterdir()) == []


@pytest.mark.parametrize("command", ["map", "status", "demo"])
def test_no_command_stumbles_over_a_library_that_cannot_be_made_or_read(tmp_path, command):
    """A file is where the folder should be."""
    (tmp_path / "library").write_text("in the way")
    options = ["--no-serve"] if command == "demo" else []
    done = run(sys.executable, "-m", "explorer", command, "--db", tmp_path / "library" / "songs.db", *options)
    require_refusal(done, "songs.db")
    assert len(done.stderr.splitlines()) == 1


# Libraries that another program holds


def test_a_library_that_stays_held_at_the_start_is_one_sentence(music, database, start):
    index(music, database, "--limit", "1")
    holder = start(sys.executable, "-c", HOLDING, database, 600)
    assert holder.stdout.readline() == "held\n"
    require_refusal(index(music, database), "is busy: another program is writing to it")
    holder.kill()
    holder.wait()
    assert index(music, database).returncode == 3
    require_whole(database)


def test_a_library_that_is_held_for_a_moment_costs_nothing(music, database, start):
    index(music, database, "--limit", "1")
    holder = start(sys.executable, "-c", HOLDING, database, 3)
    assert holder.stdout.readline() == "held\n"
    done = index(music, database)
    assert done.returncode == 3
    assert "another program" not in done.stderr
    require_whole(database)


def test_a_run_waits_for_who_holds_the_library_in_the_middle_of_it(long_music, database, start):
    process = start(*INDEX, long_music, "--db", database, *QUICKLY)
    wait_for_songs(database, process)
    holder = start(sys.executable, "-c", HOLDING, database, 600)
    assert holder.stdout.readline() == "held\n"
    waiting = "is held by another program: waiting for it, 10 minutes at most."
    assert any(waiting in line for line in process.stderr)
    holder.kill()
    _, said = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 0, said
    assert waiting not in said
    require_whole(database, songs=LONG)


def test_a_second_index_is_refused_and_everything_else_goes_on_beside_the_first(long_music, database, start):
    first = start(*INDEX, long_music, "--db", database, *QUICKLY)
    wait_for_songs(database, first, 2)
    # What is asked is asked of a run that goes on: it must not end meanwhile.
    first.send_signal(signal.SIGSTOP)
    done = index(long_music, database)
    require_refusal(done, f"is being indexed by another program (process {first.pid}, since 20")
    assert len(done.stderr.splitlines()) == 1
    explorer = [sys.executable, "-m", "explorer"]
    status = json.loads(run(*explorer, "status", "--json", "--db", database).stdout)
    assert (status["running"]["pid"], status["running"]["total"]) == (first.pid, LONG)
    assert "indexing now: " in run(*explorer, "status", "--db", database).stdout
    assert run(*explorer, "map", "--projection", "pca", "--db", database).returncode == 0
    assert "Nothing was done." in index(long_music, database, "--dry-run").stdout
    first.send_signal(signal.SIGCONT)
    _, said = first.communicate(timeout=LONGEST_S)
    assert first.returncode == 0, said
    assert index(long_music, database).returncode == 0
    require_whole(database, songs=LONG)


# Clocks


def test_a_clock_that_jumps_and_files_from_other_times_change_nothing(tmp_path, music, database):
    for number, year_s in enumerate((-20_000_000, 13_574_000_000, int(time.time()) + 90_000)):
        os.utime(music / f"{number}.flac", (year_s, year_s))
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(JUMPING)
    clock = os.environ | {"PYTHONPATH": str(tmp_path / "clock")}
    done = index(music, database, "--json", env=clock)
    assert (done.returncode, json.loads(done.stdout)["indexed"]) == (3, 3), done.stderr
    assert json.loads(done.stdout)["seconds"] > 0
    for environment in (clock, None):
        done = index(music, database, "--json", env=environment)
        assert (done.returncode, json.loads(done.stdout)["skipped"]) == (0, 4), done.stderr
    status = run(sys.executable, "-m", "explorer", "status", "--json", "--db", database, env=clock)
    assert json.loads(status.stdout)["runs"][0]["seconds"] > 0
    require_whole(database)


# Ctrl-C


pytest_interrupts = pytest.mark.skipif(os.name == "nt", reason="SIGINT is POSIX's")


def require_stop(process, *words):
    _, said = process.communicate(timeout=LONGEST_S)
    # Python itself may end so, where it is interrupted twice; a shell calls both 130.
    assert process.returncode in (130, -signal.SIGINT), said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert all(word in said for word in words), said
    return said


@pytest_interrupts
def test_ctrl_c_finishes_the_songs_in_hand_and_says_how_to_go_on(very_long_music, database, start):
    process = start(*INDEX, very_long_music, "--db", database, *QUICKLY)
    wait_for_songs(database, process, 2)
    process.send_signal(signal.SIGINT)
    said = require_stop(process, "Finishing the songs in hand", "run the same command to go on")
    assert process.returncode == 130
    told = json.loads(run(sys.executable, "-m", "explorer", "status", "--json", "--db", database).stdout)
    assert 2 <= told["songs"] < VERY_LONG
    assert told["runs"][-1]["indexed"] == told["songs"]
    assert (told["running"], told["killed"]) == (None, None)
    assert f"Indexed {told['songs']} songs" in said
    rest = json.loads(index(very_long_music, database, "--dry-run", "--json").stdout)
    assert rest["to_embed"] == VERY_LONG - told["songs"]
    require_whole(database, songs=told["songs"])


@pytest_interrupts
def test_a_second_ctrl_c_stops_at_once(long_music, database, start):
    process = start(*INDEX, long_music, "--db", database, *QUICKLY)
    wait_for_songs(database, process)
    process.send_signal(signal.SIGINT)
    assert any("Ctrl-C again stops at once" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    require_stop(process)
    assert running_index(database) is None
    assert index(long_music, database).returncode == 0
    require_whole(database, songs=LONG)


@pytest_interrupts
def test_ctrl_c_in_the_precision_trial_stops_at_once(very_long_music, database, start):
    process = start(*INDEX, very_long_music, "--db", database, *MODEL)
    assert any(line.startswith("Sampling songs") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    require_stop(process)
    assert running_index(database) is None


@pytest_interrupts
@pytest.mark.parametrize("line", ["Reading the library", "Mapping 3 songs: UMAP", "Mapping 3 songs: t-SNE"])
def test_ctrl_c_in_the_map_stops_at_once_and_the_map_is_made_later(music, database, start, line):
    process = start(*INDEX, music, "--db", database, *MODEL, "--no-previews")
    assert any(said.startswith(line) for said in process.stderr)
    process.send_signal(signal.SIGINT)
    require_stop(process)
    require_whole(database)
    assert run(*INDEX, music, "--db", database, "--no-previews").returncode == 0
    told = json.loads(run(sys.executable, "-m", "explorer", "status", "--json", "--db", database).stdout)
    assert set(told["projections"]) == {"pca", "tsne", "umap"}
