import numpy as np
import pytest

from explorer.embedding.window_grid import choose_windows


@pytest.mark.parametrize(
    ("n_windows", "count", "chosen"),
    [
        (401, 6, [0, 50, 150, 250, 350, 400]),
        (12, 12, list(range(12))),
        (5, 12, list(range(5))),
        (9, 2, [0, 8]),
        (9, 3, [0, 4, 8]),
        (7, 1, [3]),
        (0, 12, []),
    ],
)
def test_the_ends_are_chosen_and_the_middles_of_equal_pieces_between(n_windows, count, chosen):
    assert choose_windows(n_windows, count=count).tolist() == chosen


def test_no_window_is_chosen_twice():
    for n_windows in range(1, 60):
        for count in range(1, 30):
            numbers = choose_windows(n_windows, count=count)
            assert len(numbers) == min(n_windows, count)
            assert (np.diff(numbers) > 0).all()
            assert numbers.min() >= 0 and numbers.max() < n_windows
