import dataclasses

import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping import unit_rows
from explorer.mapping.similarity import Neighbours, SongVectors
from explorer.mapping.unit_rows import centred_unit_rows


def _cosines(vectors, query):
    mean = vectors.mean(axis=0)
    centred, query = vectors - mean, query - mean
    return centred @ query / (np.linalg.norm(centred, axis=1) * np.linalg.norm(query))


@pytest.fixture(scope="module")
def vectors(make_blobs):
    return make_blobs(300, width=512)[0]


@pytest.mark.parametrize("index", [0, 17, 299])
@pytest.mark.parametrize("k", [1, 10, 299])
def test_nearest_equals_brute_force(vectors, index, k):
    cosines = _cosines(vectors, vectors[index])
    cosines[index] = -np.inf
    expected = np.argsort(-cosines)[:k]
    indices, similarities = Neighbours(vectors).nearest(index, k)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(similarities, cosines[expected], atol=1e-6)


def test_nearest_to_a_vector_from_outside_subtracts_the_librarys_mean(vectors):
    query = np.random.default_rng(5).normal(size=512) + 5.0
    cosines = _cosines(vectors, query)
    indices, similarities = Neighbours(vectors).nearest_to(query, 10)
    np.testing.assert_array_equal(indices, np.argsort(-cosines)[:10])
    np.testing.assert_allclose(similarities, np.sort(cosines)[::-1][:10], atol=1e-6)


def test_a_song_of_the_library_given_as_a_vector_is_its_own_nearest(vectors):
    indices, similarities = Neighbours(vectors).nearest_to(vectors[42], 3)
    assert indices[0] == 42
    assert similarities[0] == pytest.approx(1.0, abs=1e-6)


def test_a_song_is_never_its_own_neighbour(vectors):
    indices, _ = Neighbours(vectors).nearest(42, 500)
    assert len(indices) == 299
    assert 42 not in indices


def test_copies_of_a_song_tie_and_come_in_the_librarys_order(vectors):
    copied = vectors.copy()
    copied[[250, 3, 299, 120]] = copied[42]
    indices, similarities = Neighbours(copied).nearest(42, 5)
    np.testing.assert_array_equal(indices[:4], [3, 120, 250, 299])
    assert len(set(similarities[:4].tolist())) == 1
    np.testing.assert_array_equal(Neighbours(copied).nearest_to(copied[42], 3)[0], [3, 42, 120])


def test_more_copies_than_asked_for_give_the_first_of_them(vectors):
    copied = vectors.copy()
    copied[100:200] = copied[42]
    np.testing.assert_array_equal(Neighbours(copied).nearest(150, 4)[0], [42, 100, 101, 102])


def test_songs_that_single_precision_cannot_rank_are_ranked_in_double(vectors):
    near = vectors.copy()
    near[100:] = near[42] + 1e-4 * np.random.default_rng(0).normal(size=(200, 512))
    library = Neighbours(near)
    exact = library.rows.astype(np.float64) @ library.rows[42].astype(np.float64)
    exact[42] = -np.inf
    np.testing.assert_array_equal(library.nearest(42, 5)[0], np.argsort(-exact)[:5])


def test_identical_songs_are_similar_by_nothing_and_never_nan(vectors):
    indices, similarities = Neighbours(np.repeat(vectors[:1], 6, axis=0)).nearest(2, 10)
    np.testing.assert_array_equal(indices, [0, 1, 3, 4, 5])
    np.testing.assert_array_equal(similarities, np.zeros(5))


def test_a_vector_equal_to_the_mean_is_similar_to_nothing(vectors):
    library = Neighbours(vectors)
    indices, similarities = library.nearest_to(library.mean, 3)
    np.testing.assert_array_equal(indices, [0, 1, 2])
    np.testing.assert_array_equal(similarities, np.zeros(3))


def test_a_single_song_has_no_neighbours_and_an_empty_library_none_either(vectors):
    assert [len(part) for part in Neighbours(vectors[:1]).nearest(0, 10)] == [0, 0]
    indices, similarities = Neighbours(vectors[:1]).nearest_to(vectors[1], 10)
    assert (indices.tolist(), similarities.tolist()) == ([0], [0.0])
    empty = Neighbours(np.empty((0, 512)))
    assert len(empty) == 0
    assert [len(part) for part in empty.nearest_to(vectors[0], 10)] == [0, 0]


def test_two_songs_are_opposites_once_centred(vectors):
    indices, similarities = Neighbours(vectors[:2]).nearest(0, 10)
    np.testing.assert_array_equal(indices, [1])
    np.testing.assert_allclose(similarities, [-1.0], atol=1e-6)


def test_similarities_stay_within_one(vectors):
    copied = np.concatenate([vectors, vectors])
    for index in range(0, 300, 7):
        similarities = Neighbours(copied).nearest(index, 599)[1]
        assert similarities.max() <= 1.0
        assert similarities.min() >= -1.0


def test_single_precision_vectors_have_the_same_neighbours(vectors):
    single = Neighbours(vectors.astype(np.float32)).nearest(3, 10)[0]
    np.testing.assert_array_equal(single, Neighbours(vectors).nearest(3, 10)[0])


def test_unit_rows_are_the_same_whether_or_not_they_are_made_in_chunks(vectors, monkeypatch):
    whole, _ = centred_unit_rows(vectors)
    monkeypatch.setattr("explorer.mapping.unit_rows._CHUNK_ROWS", 7)
    np.testing.assert_array_equal(centred_unit_rows(vectors)[0], whole)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1.0, atol=1e-6)


def test_neighbours_cannot_be_changed(vectors):
    library = Neighbours(vectors)
    with pytest.raises(dataclasses.FrozenInstanceError):
        library.mean = np.zeros(512)
    with pytest.raises(ValueError, match="read-only"):
        library.rows[0, 0] = 1.0


def test_building_leaves_the_vectors_as_they_are(vectors):
    given = vectors.copy()
    Neighbours(given)
    np.testing.assert_array_equal(given, vectors)
    given[0] = 0.0


@pytest.mark.parametrize("index", [-1, 300])
def test_a_row_that_is_not_there_is_refused(vectors, index):
    with pytest.raises(MappingError, match=f"index={index}"):
        Neighbours(vectors).nearest(index, 3)


def test_fewer_than_one_neighbour_is_refused(vectors):
    with pytest.raises(MappingError, match="k=0"):
        Neighbours(vectors).nearest(0, 0)


def test_vectors_that_are_not_finite_or_not_fitting_are_refused(vectors):
    broken = vectors.copy()
    broken[9, 3] = np.nan
    with pytest.raises(MappingError, match="song 9"):
        Neighbours(broken)
    with pytest.raises(MappingError, match=r"\(512,\)"):
        Neighbours(vectors).nearest_to(np.zeros(10), 3)
    with pytest.raises(MappingError, match="finite"):
        Neighbours(vectors).nearest_to(broken[9], 3)
    with pytest.raises(MappingError, match="shape"):
        Neighbours(vectors[0])
    with pytest.raises(MappingError, match="numbers"):
        Neighbours([["a", "b"]])


class _Library:
    """A stand-in for a `Database` that records the precision in which its vectors are read."""

    def __init__(self, song_ids, vectors):
        self.song_ids, self._vectors = song_ids, vectors
        self.dtypes = []

    def vectors(self, *, dtype, song_ids=None):
        assert song_ids is None
        self.dtypes.append(dtype)
        return self.song_ids, self._vectors.astype(dtype)


def test_song_vectors_are_read_once_in_single_precision(vectors):
    library = _Library([f"{row:03}.flac" for row in range(300)], vectors)
    songs = SongVectors.read(library)
    assert (len(songs), library.dtypes) == (300, [np.float32])
    np.testing.assert_array_equal(songs.vectors, vectors.astype(np.float32))


def test_song_vectors_are_centred_once(vectors):
    songs = SongVectors([str(row) for row in range(300)], vectors)
    assert songs.neighbours is songs.neighbours
    np.testing.assert_array_equal(songs.neighbours.rows, centred_unit_rows(vectors)[0])


def test_song_vectors_give_the_rows_of_songs_by_id(vectors):
    songs = SongVectors(["b", "a", "c"], vectors[:3])
    assert (songs.row_of("a"), songs.row_of("c"), songs.row_of("x")) == (1, 2, None)
    np.testing.assert_array_equal(songs.rows_of(["c", "x", "b"]), [2, -1, 0])
    assert songs.rows_of([]).dtype == np.int64


def test_a_selection_has_the_given_order_and_is_centred_at_its_own_mean(vectors):
    songs = SongVectors(["b", "a", "c"], vectors[:3])
    selected = songs.select(["c", "b"])
    assert selected.song_ids == ["c", "b"]
    np.testing.assert_array_equal(selected.vectors, vectors[[2, 0]])
    np.testing.assert_allclose(selected.neighbours.mean, vectors[[2, 0]].mean(axis=0))
    assert songs.select(["b", "a", "c"]) is songs


def test_selecting_a_song_without_a_vector_is_refused(vectors):
    with pytest.raises(MappingError, match="'x'"):
        SongVectors(["b", "a"], vectors[:2]).select(["a", "x"])


def test_centring_in_place_gives_the_same_rows_without_a_second_array(vectors, monkeypatch):
    single = vectors.astype(np.float32)
    expected, expected_mean = centred_unit_rows(single.copy())
    monkeypatch.setattr(unit_rows, "_CHUNK_ROWS", 7)
    rows, mean = centred_unit_rows(single, in_place=True)
    assert rows is single
    assert rows.tobytes() == expected.tobytes()
    assert mean.tobytes() == expected_mean.tobytes()
