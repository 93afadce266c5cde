"""The index run behind a page: what it says when it fails, and how it is stopped."""

import os
import signal
import sys
import threading
import time

import pytest

from explorer.indexing.running import index_lock
from explorer.util import processes
from explorer.web import index_job
from explorer.web.index_job import IndexJob

PATIENCE_S = 60


@pytest.fixture
def make_job(tmp_path, monkeypatch):
    """A function that returns a job whose `index` runs the given Python code, and the lines that it says."""

    def make(code):
        script = tmp_path / "index_script.py"
        script.write_text(f"import os, signal, sys, time\n{code}\n")
        monkeypatch.setattr(processes, "PROGRAM", (sys.executable, "-u", str(script)))
        said = []
        return IndexJob(tmp_path / "songs.db", "/music", ["--hop=1.0"], say=said.append), said

    return make


@pytest.fixture(autouse=True)
def _restore_signals():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    hangup = signal.getsignal(signal.SIGHUP) if hasattr(signal, "SIGHUP") else None
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    if hangup is not None:
        signal.signal(signal.SIGHUP, hangup)


def wait_until(is_so):
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_options_reach_the_index_run_and_its_lines_the_terminal(make_job):
    job, said = make_job("print(sys.argv[1:])")
    assert job.is_starting
    job.start()
    wait_until(lambda: job._status == 0)
    assert "'index'" in said[0] and "'--hop=1.0', '--', '/music'" in said[0]
    assert (job.problem, job.is_starting, job.stop()) == ("", False, 0)


def test_only_some_lines_of_progress_reach_the_terminal(make_job):
    line = "Indexing: {} of 12 songs, 0.2 songs/s, 66 s left"
    job, said = make_job(f"for i in range(9): print({line!r}.format(i))\nprint('Failed: a.mp3: no sound')")
    job.start()
    wait_until(lambda: job._status == 0)
    assert said == [line.format(0), "Failed: a.mp3: no sound"]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        (
            "print('Starting')\nprint('Weights x are missing: get them.')\nsys.exit(1)",
            "Weights x are missing",
        ),
        ("print('Traceback (most recent call last)')\nprint('KeyError: 3')\nsys.exit(1)", "with status 1"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "by signal 9"),
    ],
)
def test_why_an_index_run_failed_is_said_in_one_sentence(make_job, code, problem):
    job, said = make_job(code)
    job.start()
    wait_until(lambda: job.problem)
    assert problem in job.problem
    assert sum(job.problem in line for line in said) == 1
    assert job.stop() == 1


def test_a_program_that_cannot_be_started_is_a_problem(make_job, monkeypatch):
    job, _ = make_job("")
    monkeypatch.setattr(processes, "PROGRAM", ("/absent/python",))
    job.start()
    wait_until(lambda: job.problem)
    assert "cannot be indexed" in job.problem
    assert job.stop() == 1


BUSY = """
print("busy")
sys.stdin.read()
print("finishing")
{after}
sys.exit(130)
"""


def test_stopping_lets_the_songs_in_progress_be_finished(make_job, tmp_path):
    job, said = make_job(BUSY.format(after="print('finished')"))
    with index_lock(tmp_path / "songs.db", "/music"):
        job._wait_for_other_index = lambda: None
        job.start()
        wait_until(lambda: said == ["busy"])
        assert job.stop() == 130
    assert said == ["busy", "finishing", "finished"]
    assert job.problem == ""


def test_a_run_that_only_waits_for_new_songs_is_complete_when_it_is_stopped(make_job):
    job, said = make_job(BUSY.format(after=""))
    job.start()
    wait_until(lambda: said == ["busy"])
    assert job.stop() == 0


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_a_second_interruption_ends_it_at_once(make_job):
    job, said = make_job(BUSY.format(after="time.sleep(600)"))
    job.start()
    wait_until(lambda: said == ["busy"])

    def interrupt():
        wait_until(lambda: "finishing" in said)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    job.stop()
    thread.join(PATIENCE_S)
    assert job._program.wait(0) == -signal.SIGKILL


def test_another_index_run_is_waited_for(make_job, tmp_path, monkeypatch):
    monkeypatch.setattr(index_job, "_RETRY_S", 0.05)
    job, said = make_job("print('mine')")
    with index_lock(tmp_path / "songs.db", "/music"):
        job.start()
        wait_until(lambda: said)
        assert f"process {os.getpid()}" in said[0]
        assert job._program is None
    wait_until(lambda: "mine" in said)
    assert job.stop() == 0
