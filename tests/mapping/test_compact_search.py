import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping.compact_search import CompactNeighbours
from explorer.mapping.place_one import place_song
from explorer.mapping.projection import reduce
from explorer.mapping.similarity import Neighbours


class Vectors:
    """A library in memory that counts which vectors are read; `missing` songs have none."""

    def __init__(self, vectors, missing=()):
        self.vectors = vectors.astype(np.float32)
        self.numbers = np.setdiff1d(np.arange(len(vectors)), missing)
        self.gone, self.n_read = set(), 0

    def __len__(self):
        return len(self.vectors)

    def blocks(self):
        for numbers in np.array_split(np.random.default_rng(0).permutation(self.numbers), 7):
            yield numbers, self.vectors[numbers]

    def read(self, numbers):
        self.n_read += len(numbers)
        numbers = np.array([n for n in numbers if n in self.numbers and n not in self.gone], dtype=np.int64)
        return numbers, self.vectors[numbers]


@pytest.fixture(scope="module")
def vectors(make_blobs):
    """4,000 songs in groups, all far from zero, with copies and near copies of some."""
    rng = np.random.default_rng(3)
    vectors = make_blobs(4_000, width=512)[0].astype(np.float32)
    vectors[500:520] = vectors[42]
    vectors[1000:1300] = vectors[43] + 1e-4 * rng.normal(size=(300, 512))
    return vectors


def assert_same(found, expected):
    np.testing.assert_array_equal(found[0], expected[0])
    np.testing.assert_allclose(found[1], expected[1], rtol=0, atol=1e-9)


@pytest.mark.parametrize("k", [1, 10, 300, 4_000])
def test_every_result_is_that_of_the_search_in_memory_with_ties_in_the_same_order(vectors, k):
    compact, exact = CompactNeighbours(Vectors(vectors)), Neighbours(vectors)
    for index in (42, 43, 510, 1100, *range(0, 4_000, 400 if k > 10 else 40)):
        assert_same(compact.nearest(index, k), exact.nearest(index, k))
    outside = np.random.default_rng(5).normal(size=512) + 5.0
    for vector in (outside, vectors[42], np.zeros(512)):
        assert_same(compact.nearest_to(vector, k), exact.nearest_to(vector, k))


@pytest.mark.parametrize("spread", [1e-3, 1.0, 1e3])
def test_results_are_exact_where_the_components_tell_nothing(spread):
    """Noise has no principal components: the bounds of the first stage leave out hardly any song."""
    vectors = (np.random.default_rng(1).normal(size=(600, 512)) * spread + 4).astype(np.float32)
    vectors[:, 0] *= 50  # Rounding to 8 bits makes a large error for the other values.
    compact, exact = CompactNeighbours(Vectors(vectors)), Neighbours(vectors)
    for index in range(0, 600, 20):
        assert_same(compact.nearest(index), exact.nearest(index))


def test_few_vectors_are_read_for_a_search(vectors):
    library = Vectors(vectors)
    compact = CompactNeighbours(library)
    compact.nearest(2_000)
    assert 11 <= library.n_read < 400


def test_skipped_songs_are_left_out_before_the_search(vectors):
    skipped = np.random.default_rng(2).random(4_000) < 0.999
    skipped[42] = True
    exact, compact = Neighbours(vectors), CompactNeighbours(Vectors(vectors))
    everything = exact.nearest(42, 3_999)
    kept = ~skipped[everything[0]]
    expected = everything[0][kept][:10], everything[1][kept][:10]
    for search in (exact, compact):
        assert_same(search.nearest(42, 10, skipped=skipped), expected)
        assert len(search.nearest(42, 10, skipped=np.ones(4_000, dtype=bool))[0]) == 0


def test_songs_without_a_vector_are_similar_to_nothing(vectors):
    missing = np.arange(100, 200)
    compact = CompactNeighbours(Vectors(vectors, missing))
    kept = np.setdiff1d(np.arange(4_000), missing)
    np.testing.assert_allclose(compact.mean, vectors[kept].mean(axis=0, dtype=np.float64), rtol=1e-12)
    skipped = np.isin(np.arange(4_000), missing)
    found, similarities = compact.nearest(42, skipped=skipped)
    expected = Neighbours(vectors[kept]).nearest(42)
    assert_same((found, similarities), (kept[expected[0]], expected[1]))
    assert set(compact.nearest(150, 5)[1].tolist()) == {0.0}


def test_a_song_that_was_removed_meanwhile_is_compared_by_its_rounded_vector(vectors):
    library = Vectors(vectors)
    compact = CompactNeighbours(library)
    before = compact.nearest(2_000)
    library.gone = {int(before[0][0]), 2_000}
    after = compact.nearest(2_000)
    assert int(before[0][0]) in after[0]
    np.testing.assert_allclose(after[1], before[1], atol=0.05)


def test_a_new_song_gets_the_place_that_the_search_in_memory_gives_it(vectors):
    exact, compact = Neighbours(vectors), CompactNeighbours(Vectors(vectors))
    reduced = reduce(exact.rows)
    assert compact.reduced.shape == reduced.shape
    positions = {"pca": reduced[:, :2] / np.abs(reduced).max()}
    vector = vectors[7] + np.random.default_rng(0).normal(size=512)
    expected = place_song(exact, reduced, positions, vector)["pca"]
    found = place_song(compact, compact.reduced, positions, vector)["pca"]
    np.testing.assert_allclose(found, expected, atol=0.02)


@pytest.mark.parametrize(("ask", "value"), [("nearest", 50), ("nearest", -1), ("nearest_to", np.ones(3))])
def test_wrong_values_are_refused_as_by_the_search_in_memory(vectors, ask, value):
    with pytest.raises(MappingError):
        getattr(CompactNeighbours(Vectors(vectors[:50])), ask)(value)


def test_a_library_of_one_song_has_no_neighbours(vectors):
    assert len(CompactNeighbours(Vectors(vectors[:1])).nearest(0)[0]) == 0
