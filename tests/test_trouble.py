"""Real index runs with full disks, locked libraries, missing permissions, jumping clocks and Ctrl-C.

Each run must end with one sentence and no traceback, leave the library undamaged, and be resumable.
"""

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
from explorer.database.database import Database
from explorer.database.schema import MIGRATIONS
from explorer.indexing.running import running_index

INDEX = [sys.executable, "-m", "explorer", "index"]
MODEL_OPTIONS = ["--weights", "untrained", "--hop", "1.0"]
FAST_OPTIONS = [*MODEL_OPTIONS, "--precision", "float32", "--no-map", "--no-previews"]
TIMEOUT_S = 120
LONG_COUNT, VERY_LONG_COUNT = 14, 40

HOLD_LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
connection.execute("COMMIT")
"""

JUMPING_CLOCK = """
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
    """A folder of three short songs and a file that is not audio."""
    folder = tmp_path / "music"
    for number in range(3):
        make_tone(folder / f"{number}.flac", frequency_hz=200 * (number + 1), seconds=0.5)
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    return folder


@pytest.fixture
def long_music(tmp_path, make_tone):
    """A folder of songs that take a few seconds to index."""
    folder = tmp_path / "long"
    for number in range(LONG_COUNT):
        make_tone(folder / f"{number:02d}.flac", frequency_hz=90 * (number + 1), seconds=5.0)
    return folder


@pytest.fixture
def very_long_music(tmp_path, make_tone):
    """A folder with more songs than the indexer decodes ahead."""
    folder = tmp_path / "very long"
    for number in range(VERY_LONG_COUNT):
        make_tone(folder / f"{number:02d}.flac", frequency_hz=60 * (number + 1), seconds=5.0)
    return folder


@pytest.fixture
def database(tmp_path):
    return tmp_path / "library" / "songs.db"


@pytest.fixture
def start():
    """Start a command; it is killed at the end of the test."""
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
        list(map(str, command)), capture_output=True, text=True, cwd=ROOT, timeout=TIMEOUT_S, **options
    )


def index(folder, database, *options, **process_options):
    return run(*INDEX, folder, "--db", database, *FAST_OPTIONS, *options, **process_options)


def require_refusal(done, *words):
    """Require exit status 1, and the words in the last line; the lines before it are progress."""
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    last_line = done.stderr.splitlines()[-1]
    assert all(word in last_line for word in words), done.stderr


def require_undamaged(database, songs=3):
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("SELECT count(*) FROM songs_vectors").fetchone() == (songs,)


def wait_until(condition, process=None):
    deadline = time.monotonic() + TIMEOUT_S
    while not (value := condition()):
        assert time.monotonic() < deadline
        assert process is None or process.poll() is None, process.communicate()
        time.sleep(0.02)
    return value


def wait_for_songs(database, process, count=1):
    """Wait until a running index has stored `count` songs."""
    wait_until(lambda: (running_index(database) or {"indexed": 0})["indexed"] >= count, process)


# Full disks


def can_mount():
    if not shutil.which("unshare"):
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("disk_kb", [40, 200, 300])
def test_a_full_disk_stops_the_run_and_the_next_run_resumes_when_there_is_space(tmp_path, music, disk_kb):
    """40 kB are too small for the empty tables, 200 kB for the first song, 300 kB for all songs."""
    if not can_mount():
        pytest.skip("file systems cannot be mounted here")
    (tmp_path / "disk").mkdir()
    index = " ".join([*INDEX, str(music), "--db", "disk/songs.db", *FAST_OPTIONS])
    script = f"""
    mount -t tmpfs -o size={disk_kb}k tmpfs disk || exit 90
    {index} 2> first.txt; echo $? > first.status
    mount -o remount,size=50m disk
    {index} 2> second.txt; echo $? > second.status
    cp disk/songs.db* .
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run(["unshare", "-rm", "sh", "-c", script], cwd=tmp_path, env=environment, check=True)
    stderr = (tmp_path / "first.txt").read_text()
    assert (tmp_path / "first.status").read_text() == "1\n", stderr
    assert "Traceback" not in stderr
    last_line = stderr.splitlines()[-1]
    assert "disk/songs.db" in last_line and "full" in last_line
    assert (tmp_path / "second.status").read_text() == "3\n", (tmp_path / "second.txt").read_text()
    require_undamaged(tmp_path / "songs.db")


def test_songs_are_stored_although_previews_and_the_log_cannot_be_written(music, database):
    database.parent.mkdir()
    (database.parent / "previews").write_text("in the way")
    (database.parent / "songs.failures.log").symlink_to("/dev/full")
    done = run(*INDEX, music, "--db", database, *MODEL_OPTIONS, "--no-map")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr
    assert any("preview" in line and "0.flac" in line for line in done.stderr.splitlines())
    if Path("/dev/full").exists():
        assert any(
            "songs.failures.log" in line and "No space left" in line for line in done.stderr.splitlines()
        )
    require_undamaged(database)


@pytest.mark.skipif(os.name == "nt", reason="RLIMIT_FSIZE is POSIX")
@pytest.mark.parametrize("limit_kb", [64, 240])
def test_a_file_size_limit_stops_the_run_with_one_sentence(music, database, limit_kb):
    import resource

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit_kb * 1024, limit_kb * 1024))

    require_refusal(index(music, database, preexec_fn=limit), str(database), "disk")
    assert index(music, database).returncode == 3
    require_undamaged(database)


# Missing permissions


@pytest.fixture
def unprivileged(tmp_path):
    """Options for `run` that make file permissions effective also for root; skips where that fails."""
    if os.name == "nt":
        pytest.skip("Windows has other permissions")
    options = {"preexec_fn": drop_privileges} if os.geteuid() == 0 else {}
    (tmp_path / "locked").mkdir(mode=0o555)
    if subprocess.run(["touch", tmp_path / "locked" / "x"], capture_output=True, **options).returncode == 0:
        pytest.skip("permissions are not enforced here")
    return options


def drop_privileges():
    """Drop the capabilities that let root ignore permissions, for the program that is executed next."""
    pr_capbset_drop, cap_dac_override, cap_dac_read_search = 24, 1, 2
    libc = ctypes.CDLL(None)
    libc.prctl(pr_capbset_drop, cap_dac_override, 0, 0, 0)
    libc.prctl(pr_capbset_drop, cap_dac_read_search, 0, 0, 0)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o444, 0o755), (0o644, 0o555)])
def test_a_read_only_library_is_refused_in_one_sentence_and_can_be_read(
    music, database, make_tone, unprivileged, file_mode, folder_mode
):
    assert index(music, database).returncode == 3
    make_tone(music / "new.flac", frequency_hz=1000, seconds=0.5)
    before = database.read_bytes()
    database.chmod(file_mode)
    database.parent.chmod(folder_mode)
    refused = index(music, database, **unprivileged)
    status = run(sys.executable, "-m", "explorer", "status", "--db", database, **unprivileged)
    database.parent.chmod(0o755)
    database.chmod(0o644)
    require_refusal(refused, str(database))
    assert len(refused.stderr.splitlines()) == 1
    assert database.read_bytes() == before
    assert "vectors      3\n" in status.stdout, status.stderr
    assert index(music, database).returncode == 0
    require_undamaged(database, songs=4)


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o444, 0o555), (0o444, 0o755), (0o644, 0o555)])
def test_an_older_library_that_cannot_be_written_is_refused_with_what_to_run(
    database, unprivileged, monkeypatch, file_mode, folder_mode
):
    with monkeypatch.context() as patch:
        patch.setattr("explorer.database.connection.MIGRATIONS", MIGRATIONS[:-1])
        Database.open(database).close()
    before = database.read_bytes()
    database.chmod(file_mode)
    database.parent.chmod(folder_mode)
    done = [
        run(sys.executable, "-m", "explorer", *command, "--db", database, **unprivileged)
        for command in (["status"], ["inside", "x"], ["similar", "x"])
    ]
    database.parent.chmod(0o755)
    database.chmod(0o644)
    for refused in done:
        require_refusal(refused, str(database), "older version", "status --db")
        assert len(refused.stderr.splitlines()) == 1
    assert database.read_bytes() == before


def test_a_read_only_folder_is_refused_in_one_sentence(tmp_path, music, unprivileged):
    for database in (tmp_path / "locked" / "songs.db", tmp_path / "locked" / "deeper" / "songs.db"):
        require_refusal(index(music, database, **unprivileged), str(database))
    assert list((tmp_path / "locked").iterdir()) == []


@pytest.mark.parametrize("command", ["map", "status", "demo"])
def test_every_command_refuses_a_library_below_a_file_in_one_sentence(tmp_path, command):
    """The folder of the library is a file."""
    (tmp_path / "library").write_text("in the way")
    options = ["--no-serve"] if command == "demo" else []
    done = run(sys.executable, "-m", "explorer", command, "--db", tmp_path / "library" / "songs.db", *options)
    require_refusal(done, "songs.db")
    assert len(done.stderr.splitlines()) == 1


# Libraries that another program has locked


def test_a_short_lock_at_the_start_is_waited_for(music, database, start):
    index(music, database, "--limit", "1")
    holder = start(sys.executable, "-c", HOLD_LOCK, database, 3)
    assert holder.stdout.readline() == "held\n"
    done = index(music, database)
    assert done.returncode == 3
    assert "another program" not in done.stderr
    require_undamaged(database)


def test_a_run_waits_when_another_program_locks_the_library(long_music, database, start):
    process = start(*INDEX, long_music, "--db", database, *FAST_OPTIONS)
    wait_for_songs(database, process)
    holder = start(sys.executable, "-c", HOLD_LOCK, database, 600)
    assert holder.stdout.readline() == "held\n"
    assert any("another program" in line and "10 minutes" in line for line in process.stderr)
    holder.kill()
    _, stderr = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, stderr
    assert "10 minutes" not in stderr
    require_undamaged(database, songs=LONG_COUNT)


def test_a_second_index_is_refused_and_other_commands_work_during_the_first(long_music, database, start):
    first = start(*INDEX, long_music, "--db", database, *FAST_OPTIONS)
    wait_for_songs(database, first, 2)
    # Pause the first run, so that it cannot end during the following checks.
    first.send_signal(signal.SIGSTOP)
    done = index(long_music, database)
    require_refusal(done, f"process {first.pid}", str(time.localtime().tm_year))
    assert len(done.stderr.splitlines()) == 1
    explorer = [sys.executable, "-m", "explorer"]
    status = json.loads(run(*explorer, "status", "--json", "--db", database).stdout)
    assert (status["running"]["pid"], status["running"]["total"]) == (first.pid, LONG_COUNT)
    assert "indexing now" in run(*explorer, "status", "--db", database).stdout
    assert run(*explorer, "map", "--projection", "pca", "--db", database).returncode == 0
    assert index(long_music, database, "--dry-run").returncode == 0
    first.send_signal(signal.SIGCONT)
    _, stderr = first.communicate(timeout=TIMEOUT_S)
    assert first.returncode == 0, stderr
    assert index(long_music, database).returncode == 0
    require_undamaged(database, songs=LONG_COUNT)


# Clocks


def test_a_jumping_clock_and_unusual_file_times_do_not_change_the_result(tmp_path, music, database):
    for number, time_s in enumerate((-20_000_000, 13_574_000_000, int(time.time()) + 90_000)):
        os.utime(music / f"{number}.flac", (time_s, time_s))
    (tmp_path / "clock").mkdir()
    (tmp_path / "clock" / "sitecustomize.py").write_text(JUMPING_CLOCK)
    jumping_clock = os.environ | {"PYTHONPATH": str(tmp_path / "clock")}
    done = index(music, database, "--json", env=jumping_clock)
    assert (done.returncode, json.loads(done.stdout)["indexed"]) == (3, 3), done.stderr
    assert json.loads(done.stdout)["seconds"] > 0
    for environment in (jumping_clock, None):
        done = index(music, database, "--json", env=environment)
        assert (done.returncode, json.loads(done.stdout)["skipped"]) == (0, 4), done.stderr
    status = run(sys.executable, "-m", "explorer", "status", "--json", "--db", database, env=jumping_clock)
    assert json.loads(status.stdout)["runs"][0]["seconds"] > 0
    require_undamaged(database)


# Ctrl-C


needs_sigint = pytest.mark.skipif(os.name == "nt", reason="SIGINT is POSIX")


def require_stop(process, *words):
    """Require that Ctrl-C ended a process without a traceback; return its standard error."""
    _, stderr = process.communicate(timeout=TIMEOUT_S)
    # Python can end with the signal itself after a second Ctrl-C; a shell reports both as 130.
    assert process.returncode in (130, -signal.SIGINT), stderr
    assert "Traceback" not in stderr
    assert "Exception ignored" not in stderr
    assert all(word in stderr for word in words), stderr
    return stderr


@needs_sigint
def test_ctrl_c_finishes_the_songs_that_were_begun_and_says_how_to_resume(very_long_music, database, start):
    # A first look would have begun all of these songs at once.
    process = start(*INDEX, very_long_music, "--db", database, *FAST_OPTIONS, "--first-look", 0)
    wait_for_songs(database, process, 2)
    process.send_signal(signal.SIGINT)
    stderr = require_stop(process, "Ctrl-C again", "run the same command")
    assert process.returncode == 130
    status = json.loads(run(sys.executable, "-m", "explorer", "status", "--json", "--db", database).stdout)
    assert 2 <= status["songs"] < VERY_LONG_COUNT
    assert status["runs"][-1]["indexed"] == status["songs"]
    assert (status["running"], status["killed"]) == (None, None)
    assert f"{status['songs']} songs" in stderr
    rest = json.loads(index(very_long_music, database, "--dry-run", "--json").stdout)
    assert rest["to_embed"] == VERY_LONG_COUNT - status["songs"]
    require_undamaged(database, songs=status["songs"])


@needs_sigint
def test_a_second_ctrl_c_stops_at_once(long_music, database, start):
    process = start(*INDEX, long_music, "--db", database, *FAST_OPTIONS)
    wait_for_songs(database, process)
    process.send_signal(signal.SIGINT)
    assert any("Ctrl-C again" in line for line in process.stderr)
    process.send_signal(signal.SIGINT)
    require_stop(process)
    assert running_index(database) is None
    assert index(long_music, database).returncode == 0
    require_undamaged(database, songs=LONG_COUNT)


@needs_sigint
def test_ctrl_c_during_the_precision_trial_stops_at_once(very_long_music, database, start):
    process = start(*INDEX, very_long_music, "--db", database, *MODEL_OPTIONS)
    assert any(line.startswith("Sampling songs") for line in process.stderr)
    process.send_signal(signal.SIGINT)
    require_stop(process)
    assert running_index(database) is None


@needs_sigint
@pytest.mark.parametrize(
    "line",
    ["Reading the library", "Finding the neighbours", "Mapping 3 songs: UMAP", "Mapping 3 songs: t-SNE"],
)
def test_ctrl_c_during_the_map_stops_at_once_and_the_next_run_makes_the_map(music, database, start, line):
    process = start(*INDEX, music, "--db", database, *MODEL_OPTIONS, "--no-previews")
    assert any(text.startswith(line) for text in process.stderr)
    process.send_signal(signal.SIGINT)
    require_stop(process)
    require_undamaged(database)
    assert run(*INDEX, music, "--db", database, "--no-previews").returncode == 0
    status = json.loads(run(sys.executable, "-m", "explorer", "status", "--json", "--db", database).stdout)
    assert set(status["projections"]) == {"pca", "tsne", "umap"}
