import numpy as np
import pytest

from explorer.embedding.pooling import pool
from explorer.embedding.typical_window import SpreadWindows, most_typical


def frames(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 512)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 3, 32])
def test_all_windows_are_kept_while_there_are_few(size):
    every = frames(20)
    spread = SpreadWindows(most=20)
    for begin in range(0, 20, size):
        spread.add(every[begin : begin + size])
    numbers, kept = spread.windows()
    np.testing.assert_array_equal(numbers, np.arange(20))
    np.testing.assert_array_equal(kept, every)


@pytest.mark.parametrize("size", [1, 7, 32, 1000])
def test_of_many_windows_a_bounded_number_is_kept_evenly_spread(size):
    every = frames(1000)
    spread = SpreadWindows(most=50)
    for begin in range(0, 1000, size):
        spread.add(every[begin : begin + size])
    numbers, kept = spread.windows()
    assert 25 <= len(kept) <= 50
    np.testing.assert_array_equal(np.diff(numbers), numbers[1])
    assert numbers[0] == 0
    assert numbers[-1] >= 1000 - 2 * numbers[1]
    np.testing.assert_array_equal(kept, every[numbers])


def test_what_is_kept_does_not_hold_the_batches_it_came_in():
    batch = frames(64)
    spread = SpreadWindows()
    spread.add(batch)
    batch[:] = 0
    assert spread.windows()[1].any()


def test_the_window_that_holds_the_songs_maxima_is_the_most_typical():
    every = np.abs(frames(40))
    every[17] = every.max(axis=0) * 0.95
    assert most_typical(every, pool(every)) == 17
    # A faint window of the same direction is not: cosine could not tell them apart.
    every[3] = every[17] * 0.1
    assert most_typical(every, pool(every)) == 17


def test_the_window_nearest_the_mean_is_the_most_typical_under_mean_pooling():
    every = frames(40)
    mean = pool(every, method="mean")
    every[5] = mean + 0.01
    assert most_typical(every, mean) == 5
