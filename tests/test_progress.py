import io

from rich.console import Console

from explorer import progress
from explorer.progress import Reporter, format_duration


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


def test_durations_are_written_as_people_say_them():
    assert [format_duration(s) for s in (42.4, 200, 7500)] == ["42 s", "3 min", "2 h 05 min"]
