import numpy as np
import pytest

from explorer.mapping.unit_rows import centred_unit_rows
from explorer.mapping.worth_naming import FEW_SONGS, similarity_among, worth_naming


@pytest.mark.parametrize(
    ("similarity", "n_songs", "expected"),
    [
        (-1.0, 2, 0.0),
        (-0.5, 3, 0.0),
        (1.0, 3, 1.0),
        (0.5, FEW_SONGS, 0.5),
        (0.4, 1_000_000, 0.4),
        (0.3, 1, 0.3),
    ],
)
def test_a_similarity_among_few_songs_is_corrected(similarity, n_songs, expected):
    assert similarity_among(similarity, n_songs) == pytest.approx(expected)


@pytest.mark.parametrize("n", [2, 3, 5, 10])
def test_unrelated_songs_have_a_similarity_of_zero_on_average_however_few_there_are(n):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(200):
        rows, _ = centred_unit_rows(5 + rng.normal(size=(n, 512)))
        found.append(similarity_among(float(rows[0] @ rows[1]), n))
    assert abs(np.mean(found)) < 0.02


def test_songs_below_the_floor_are_not_named():
    assert worth_naming([(3, 0.9), (1, 0.2), (2, 0.19), (4, -0.4)], n_songs=100) == [(3, 0.9), (1, 0.2)]
    assert worth_naming([(1, -1.0)], n_songs=2) == []
    assert worth_naming([(1, 0.1)], n_songs=None) == []
