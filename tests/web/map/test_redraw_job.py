import sys
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
