import signal
import sys
import threading
import time

import pytest

from explorer.config import ROOT
from explorer.database.database import Database
from explorer.util import processes
from explorer.web.map.redraw_job import JobState, MapJob
from explorer.web.page.callbacks import redraw_options


def finish(job):
    """Wait until a job has ended; return its last state."""
    job._program.wait(60)
    deadline = time.monotonic() + 10
    while job.state.phase == "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    return job.state


def test_a_new_map_is_made_in_another_process(library):
    path, ids = library
    with Database.open_readonly(path) as database:
        before = database.positions("pca")[1]
    job = MapJob(path)
    assert job.state == JobState()
    job.start("--relayout", "--projection", "pca")
    job.start("--projection", "tsne")
    assert job.state.phase == "running"
    state = finish(job)
    assert (state.phase, state.share) == ("done", 1.0)
    with Database.open_readonly(path) as database:
        assert database.map_revision() == 2
        song_ids, after, _ = database.positions("pca")
        assert song_ids == sorted(ids)
        assert (after != before).all()


def test_the_error_message_of_a_failed_job_is_its_text(tmp_path):
    job = MapJob(tmp_path / "absent.db")
    job.start()
    state = finish(job)
    assert state.phase == "failed"
    assert state.text.startswith("There is no library at")


@pytest.fixture
def run_script(monkeypatch, tmp_path):
    """A function that makes `map` run the given Python code."""

    def replace(code):
        script = tmp_path / "map_script.py"
        script.write_text(f"import json, os, signal, sys, time\n{code}\n")
        monkeypatch.setattr(processes, "PROGRAM", (sys.executable, str(script)))

    return replace


def test_a_job_that_cannot_be_started_fails_and_the_next_one_runs(tmp_path, run_script):
    run_script("pass")
    job = MapJob(tmp_path / "songs.db")
    for _ in range(2):
        job.start("--perplexity", "3\0")
        assert job.state.phase == "failed"
        assert "null" in job.state.text
    job.start()
    assert finish(job).phase == "done"


@pytest.mark.parametrize(
    "error", [OSError(11, "No process"), MemoryError(), ValueError("x"), RuntimeError("x")]
)
def test_a_job_fails_if_no_process_or_no_thread_can_be_started(tmp_path, monkeypatch, run_script, error):
    def refuse(*_arguments, **_options):
        raise error

    run_script("time.sleep(20)")
    job = MapJob(tmp_path / "songs.db")
    for holder, name in ((processes.subprocess, "Popen"), (threading.Thread, "start")):
        with monkeypatch.context() as patch:
            patch.setattr(holder, name, refuse)
            job.start()
        assert job.state.phase == "failed"
        assert len(job.state.text) < 100
    assert job._program.wait(20) == -signal.SIGKILL
    run_script("pass")
    job.start()
    assert finish(job).phase == "done"


@pytest.mark.parametrize(
    "code",
    [
        "os.kill(os.getpid(), signal.SIGKILL)",
        "print(json.dumps({'text': 'Mapping', 'share': 0.5}), flush=True); os.kill(os.getpid(), 11)",
        "sys.stdout.buffer.write(bytes(range(256)) * 1_000); sys.exit(3)",
        "print('x' * 5_000_000); sys.exit(1)",
        "print(json.dumps({'text': ['x'], 'share': {}})); print('[' * 10_000); sys.exit(1)",
        "sys.stdout.close(); os.close(1); sys.exit(1)",
    ],
)
def test_a_job_whose_process_is_killed_or_writes_garbage_fails(tmp_path, run_script, code):
    run_script(code)
    job = MapJob(tmp_path / "songs.db")
    job.start()
    state = finish(job)
    assert state.phase == "failed"
    assert state.text.isprintable()
    assert 0 < len(state.text) <= 300


def test_a_job_whose_progress_cannot_be_followed_fails(tmp_path, monkeypatch, run_script):
    run_script("print(json.dumps({'text': 'x'}), flush=True); time.sleep(20)")
    job = MapJob(tmp_path / "songs.db")
    monkeypatch.setattr(job, "_report", lambda *_: 1 / 0)
    job.start()
    assert finish(job).phase == "failed"
    assert job._program.wait(20) == -signal.SIGKILL


def test_a_cancelled_job_does_not_change_the_map(library, monkeypatch, tmp_path):
    path, _ = library
    slow = tmp_path / "slow.py"
    slow.write_text(
        "import json, time\n"
        "print(json.dumps({'text': 'Mapping', 'share': 0.25}), flush=True)\n"
        "time.sleep(600)\n"
    )
    monkeypatch.setattr(processes, "PROGRAM", (sys.executable, str(slow)))
    job = MapJob(path)
    job.start()
    deadline = time.monotonic() + 20
    while job.state.share != 0.25 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert job.state == JobState("running", "Mapping", 0.25)
    job.cancel()
    assert finish(job).phase == "cancelled"
    assert job._program.wait() < 0
    with Database.open_readonly(path) as database:
        assert database.map_revision() == 1


def test_a_job_that_is_cancelled_while_it_stores_the_map_still_ends_as_done(library, monkeypatch, tmp_path):
    late = tmp_path / "late.py"
    late.write_text(
        "import time\n"
        "from explorer.util.progress import LineReporter\n"
        "reporter = LineReporter()\n"
        "reporter.before_storing()\n"
        "reporter.say('Storing')\n"
        "time.sleep(1.5)\n"
    )
    monkeypatch.setattr(processes, "PROGRAM", (sys.executable, str(late)))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    job = MapJob(library[0])
    job.start()
    deadline = time.monotonic() + 20
    while job.state.text != "Storing" and time.monotonic() < deadline:
        time.sleep(0.01)
    job.cancel()
    assert finish(job).phase == "done"


@pytest.mark.parametrize(
    ("projection", "expected"),
    [
        ("tsne", ["--perplexity", "50"]),
        ("umap", ["--neighbours", "20"]),
        ("pca", []),
    ],
)
def test_the_pages_fields_become_options_of_map(projection, expected):
    options = redraw_options(projection, 50, 20)
    assert options == ["--relayout", "--projection", projection, *expected]
    assert redraw_options(projection, "", None) == options[:3]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("tsne", 10**400, 5), ["tsne", "--perplexity", "500"]),
        (("tsne", -1.5, 5), ["tsne", "--perplexity", "2"]),
        (("tsne", 12.5, 5), ["tsne", "--perplexity", "12.5"]),
        (("tsne", float("nan"), 5), ["tsne"]),
        (("tsne", "30\0", 5), ["tsne"]),
        (("tsne", True, 5), ["tsne"]),
        (("umap", 30, 10**30), ["umap", "--neighbours", "500"]),
        (("umap", 30, 2.5), ["umap"]),
        (("original", 30, 5), ["pca"]),
        (("--help", 30, 5), ["tsne", "--perplexity", "30"]),
        (("pca\0", 30, 5), ["tsne", "--perplexity", "30"]),
        ((["pca"], {}, []), ["tsne"]),
        ((None, None, None), ["tsne"]),
    ],
)
def test_only_valid_options_reach_map(values, expected):
    assert redraw_options(*values) == ["--relayout", "--projection", *expected]
