import numpy as np
import pytest

from explorer.embedding.window_grid import spread_evenly


@pytest.mark.parametrize(
    ("n_windows", "count", "chosen"),
    [
        (401, 4, [50, 150, 250, 350]),
        (12, 12, list(range(12))),
        (5, 12, list(range(5))),
        (3, 2, [0, 2]),
        (7, 1, [3]),
        (0, 12, []),
    ],
)
def test_windows_are_the_middles_of_equal_pieces(n_windows, count, chosen):
    assert spread_evenly(n_windows, count=count).tolist() == chosen


def test_no_window_is_chosen_twice():
    for n_windows in range(1, 60):
        for count in range(1, 30):
            numbers = spread_evenly(n_windows, count=count)
            assert len(numbers) == min(n_windows, count)
            assert (np.diff(numbers) > 0).all()
            assert numbers.min() >= 0 and numbers.max() < n_windows
