import numpy as np
import pytest

from explorer.embedding.pooling import pool
from explorer.embedding.typical_window import EvenlySpacedWindows, most_typical_window


def random_frames(count, seed=0):
    return np.random.default_rng(seed).normal(size=(count, 512)).astype(np.float32)


@pytest.mark.parametrize("size", [1, 3, 32])
def test_all_windows_are_kept_up_to_the_limit(size):
    all_frames = random_frames(20)
    spread = EvenlySpacedWindows(max_windows=20)
    for begin in range(0, 20, size):
        spread.add(all_frames[begin : begin + size])
    numbers, kept = spread.windows()
    np.testing.assert_array_equal(numbers, np.arange(20))
    np.testing.assert_array_equal(kept, all_frames)


@pytest.mark.parametrize("size", [1, 7, 32, 1000])
def test_beyond_the_limit_evenly_spread_windows_are_kept(size):
    all_frames = random_frames(1000)
    spread = EvenlySpacedWindows(max_windows=50)
    for begin in range(0, 1000, size):
        spread.add(all_frames[begin : begin + size])
    numbers, kept = spread.windows()
    assert 25 <= len(kept) <= 50
    np.testing.assert_array_equal(np.diff(numbers), numbers[1])
    assert numbers[0] == 0
    assert numbers[-1] >= 1000 - 2 * numbers[1]
    np.testing.assert_array_equal(kept, all_frames[numbers])


def test_kept_windows_are_copies():
    batch = random_frames(64)
    spread = EvenlySpacedWindows()
    spread.add(batch)
    batch[:] = 0
    assert spread.windows()[1].any()


def test_the_window_that_holds_the_songs_maxima_is_the_most_typical():
    all_frames = np.abs(random_frames(40))
    all_frames[17] = all_frames.max(axis=0) * 0.95
    assert most_typical_window(all_frames, pool(all_frames)) == 17
    # A faint window of the same direction has the same cosine, but it is not the nearest.
    all_frames[3] = all_frames[17] * 0.1
    assert most_typical_window(all_frames, pool(all_frames)) == 17


def test_the_window_nearest_the_mean_is_the_most_typical_under_mean_pooling():
    all_frames = random_frames(40)
    mean = pool(all_frames, method="mean")
    all_frames[5] = mean + 0.01
    assert most_typical_window(all_frames, mean) == 5
