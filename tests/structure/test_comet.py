import numpy as np
import pytest

from explorer.structure.comet import nearest_songs, smoothed
from explorer.structure.moments import encode
from explorer.structure.similarity_matrix import unit_rows


def test_the_nearest_songs_of_each_moment_are_those_of_a_full_sort():
    rng = np.random.default_rng(0)
    moments, means = unit_rows(rng.normal(size=(70, 64))), encode(unit_rows(rng.normal(size=(50, 64))))
    skipped = np.arange(50) % 7 == 0
    found = nearest_songs(moments, means, k=10, skipped=skipped)
    for moment, songs in zip(moments, found, strict=True):
        products = np.where(skipped, -np.inf, means.astype(float) @ moment)
        assert set(songs.tolist()) == set(np.argsort(-products)[:10].tolist())


@pytest.mark.parametrize(("songs", "skipped", "width"), [(4, 0, 4), (4, 1, 3), (1, 1, 0), (0, 0, 0)])
def test_fewer_songs_than_asked_for_are_all_found(songs, skipped, width):
    means = unit_rows(np.random.default_rng(1).normal(size=(songs, 64)))
    found = nearest_songs(np.ones((3, 64), np.float32), means, skipped=np.arange(songs) < skipped)
    assert found.shape == (3, width)
    assert sorted(found[0]) == list(range(skipped, songs))


def test_a_single_jump_is_smoothed_away_and_a_step_stays():
    path = np.zeros((20, 2))
    path[5] = (9, -9)
    path[12:] = 1
    expected = np.zeros((20, 2))
    expected[12:] = 1
    np.testing.assert_array_equal(smoothed(path), expected)
    assert smoothed(path).dtype == np.float32
    assert smoothed(path[:1]).tolist() == [[0, 0]]
    assert smoothed(path[:0]).shape == (0, 2)
