import io
import json
import os
import subprocess
import sys

from rich.console import Console

from explorer.config import ROOT
from explorer.util import progress
from explorer.util.progress import DownloadProgress, LineReporter, Reporter, format_duration, format_estimate


def test_plain_lines_tell_count_and_rate_elsewhere_than_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    with Reporter().counting("Indexing", total=3) as counter:
        counter.advance()
        counter.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Indexing: 1 of 3 songs, ")
    assert lines[0].endswith(" left")
    assert lines[-1].startswith("Indexing: 2 of 3 songs")


def test_a_terminal_gets_a_live_display():
    screen = io.StringIO()
    reporter = Reporter(Console(file=screen, force_terminal=True, width=100))
    with reporter.counting("Indexing", total=2) as counter:
        counter.reach(2)
    assert "2/2" in screen.getvalue()
    assert "songs/s" in screen.getvalue()


def test_a_download_tells_megabytes_and_the_rate_of_this_try(capsys, monkeypatch):
    seconds = iter([0, 1, 2, 3, 4, 10, 12])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    tell = DownloadProgress(Reporter())
    for done in (1_000_000, 4_000_000, 7_000_000, 8_000_000):
        tell(done, 18_000_000)
    tell(2, None)
    tell(6_000_000, None)
    assert capsys.readouterr().err.splitlines() == [
        "Downloading OpenL3's weights: 4.0 of 18.0 MB, 2.00 MB/s",
        "Downloading OpenL3's weights: 8.0 of 18.0 MB, 2.00 MB/s",
        "Downloading OpenL3's weights: 6.0 MB, 3.00 MB/s",
    ]


def test_a_slow_download_tells_now_and_then(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    tell = DownloadProgress(Reporter())
    for done in (0, 1000, 1000, 2000):
        tell(done, 18_000_000)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_durations_are_written_as_people_say_them():
    assert [format_duration(s) for s in (42.4, 200, 7500)] == ["42 s", "3 min", "2 h 05 min"]


def test_work_of_unknown_steps_is_told_by_its_share(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    with Reporter().working("Mapping") as tell:
        tell(0.25)
        tell(1.0)
    assert capsys.readouterr().err.splitlines() == ["Mapping", "Mapping: 25%"]
    screen = io.StringIO()
    with Reporter(Console(file=screen, force_terminal=True, width=100)).working("Mapping") as tell:
        tell(0.25)
    assert "100%" in screen.getvalue()


def test_another_program_is_told_in_json(capsys):
    reporter = LineReporter()
    reporter.say("Hello")
    with reporter.working("Mapping") as tell:
        tell(0.5)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"text": "Hello"},
        {"text": "Mapping", "share": 0.0},
        {"text": "Mapping", "share": 0.5},
    ]


def test_estimates_are_no_more_exact_than_anybody_knows():
    said = [format_estimate(seconds) for seconds in (3, 42, 100, 7_300, 80_663, 700_000)]
    assert said == ["10 s", "40 s", "2 min", "2 h", "22 h", "8 days"]


def test_work_goes_on_where_nobody_reads_its_progress():
    program = "from explorer.util.progress import Reporter; Reporter().say('x'); print('done')"
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=writing, cwd=ROOT)
    os.close(writing)
    assert done.stdout == b"done\n"
