import io
import json
import os
import subprocess
import sys

from rich.console import Console

from explorer.config import ROOT
from explorer.util import progress
from explorer.util.progress import (
    DownloadProgress,
    LineReporter,
    Reporter,
    format_duration,
    format_estimate,
    is_progress_line,
)


def test_without_a_terminal_plain_lines_show_count_rate_and_time_left(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    with Reporter().counting("Indexing", total=3) as counter:
        counter.advance()
        counter.advance()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Indexing: 1 of 3 songs, ")
    assert lines[0].endswith(" left")
    assert lines[-1].startswith("Indexing: 2 of 3 songs")


def test_on_a_terminal_a_live_display_shows_count_and_rate():
    screen = io.StringIO()
    reporter = Reporter(Console(file=screen, force_terminal=True, width=100))
    with reporter.counting("Indexing", total=2) as counter:
        counter.reach(2)
    assert "2/2" in screen.getvalue()
    assert "songs/s" in screen.getvalue()


def test_a_terminal_does_not_obey_a_song_s_name():
    """Neither its escape sequences, nor rich's marks and emoji codes."""
    name = "\x1b]0;title\x07 \x9b31m [red]x[/red] [link=file:///]y :smile:\u202e"
    shown = r"\x1b]0;title\x07 \x9b31m [red]x[/red] [link=file:///]y :smile:\u202e"
    screen = io.StringIO()
    reporter = Reporter(Console(file=screen, force_terminal=True, width=200))
    reporter.say(name)
    with reporter.working(name), reporter.counting(name, total=1):
        pass
    assert screen.getvalue().count(shown) >= 3
    assert not any(character in screen.getvalue() for character in "\x07\x9b\u202e")
    assert "\x1b]" not in screen.getvalue()


def test_a_download_shows_megabytes_and_the_rate_of_the_current_attempt(capsys, monkeypatch):
    seconds = iter([0, 1, 2, 3, 4, 10, 12])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    show = DownloadProgress(Reporter())
    for done_bytes in (1_000_000, 4_000_000, 7_000_000, 8_000_000):
        show(done_bytes, 18_000_000)
    show(2, None)
    show(6_000_000, None)
    assert capsys.readouterr().err.splitlines() == [
        "Downloading OpenL3's weights: 4.0 of 18.0 MB, 2.00 MB/s",
        "Downloading OpenL3's weights: 8.0 of 18.0 MB, 2.00 MB/s",
        "Downloading OpenL3's weights: 6.0 MB, 3.00 MB/s",
    ]


def test_a_slow_download_prints_a_line_per_interval(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    show = DownloadProgress(Reporter())
    for done_bytes in (0, 1000, 1000, 2000):
        show(done_bytes, 18_000_000)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_durations_are_written_in_seconds_minutes_or_hours():
    assert [format_duration(s) for s in (42.4, 200, 7500)] == ["42 s", "3 min", "2 h 05 min"]


def test_work_without_steps_shows_its_share(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_INTERVAL_S", 0.0)
    with Reporter().working("Mapping") as show:
        show(0.25)
        show(1.0)
    assert capsys.readouterr().err.splitlines() == ["Mapping", "Mapping: 25%, 0 s left"]
    screen = io.StringIO()
    with Reporter(Console(file=screen, force_terminal=True, width=100)).working("Mapping") as show:
        show(0.25)
    assert "100%" in screen.getvalue()


def test_another_program_gets_json_lines(capsys):
    reporter = LineReporter()
    reporter.say("Hello")
    with reporter.working("Mapping") as show:
        show(0.5)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"text": "Hello"},
        {"text": "Mapping", "share": 0.0},
        {"text": "Mapping", "share": 0.5},
    ]


def test_estimates_are_rounded():
    estimates = [format_estimate(seconds) for seconds in (3, 42, 100, 7_300, 80_663, 700_000)]
    assert estimates == ["10 s", "40 s", "2 min", "2 h", "22 h", "8 days"]


def test_a_closed_pipe_does_not_stop_the_work():
    program = "from explorer.util.progress import Reporter; Reporter().say('x'); print('done')"
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=write_end, cwd=ROOT)
    os.close(write_end)
    assert done.stdout == b"done\n"


def test_lines_of_progress_are_told_from_messages(capsys, monkeypatch):
    monkeypatch.setattr("explorer.util.progress.PLAIN_INTERVAL_S", -1.0)
    reporter = Reporter()
    with reporter.counting("Indexing: all", total=3) as counter:
        counter.advance()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 1
    assert all(map(is_progress_line, lines)), lines
    assert not is_progress_line("Failed: 1 of 2 songs.mp3: no sound")
    assert not is_progress_line("Indexed 8 songs (4 min of sound) in 63 s, 4 times real time.")
