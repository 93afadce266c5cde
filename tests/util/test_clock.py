import pytest

from explorer.util.clock import clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (59.6, "1:00"), (187.4, "3:07"), (3599.7, "1:00:00"), (3723, "1:02:03")],
)
def test_a_time_is_rounded_and_written_with_hours_only_if_there_are_some(seconds, text):
    assert clock(seconds) == text
