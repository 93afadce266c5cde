import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from explorer.errors import MappingError
from explorer.mapping import candidates, knn_graph
from explorer.mapping.similarity import Neighbours
from explorer.mapping.unit_rows import centred_unit_rows


@pytest.fixture
def small_chunks(monkeypatch):
    """Make the chunks so small that a few hundred rows need many chunks."""
    monkeypatch.setattr(knn_graph, "_QUERIES_AT_ONCE", 7)
    monkeypatch.setattr(candidates, "_QUERIES_AT_ONCE", 7)
    monkeypatch.setattr(knn_graph, "_VALUES_AT_ONCE", 100)


def _by_brute_force(rows, k):
    rows = rows.astype(np.float64)
    squares = ((rows[:, None] - rows[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.inf)
    k = min(k, len(rows) - 1)
    indices = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return indices, np.sqrt(np.take_along_axis(squares, indices, axis=1))


def _gaussian(n=300, width=20, seed=0):
    return np.random.default_rng(seed).normal(size=(n, width)).astype(np.float32)


def _lattice():
    return np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3).astype(np.float32)


def _copies():
    return _gaussian(40)[np.random.default_rng(1).integers(0, 40, 300)]


def _tight_groups_far_apart():
    members = np.arange(300) % 3
    return (1000.0 * np.eye(3)[members] + 1e-3 * _gaussian(300, 3)).astype(np.float64)


LIBRARIES = {
    "gaussian": _gaussian(),
    "double precision": _gaussian().astype(np.float64) / 3.0,
    "far from zero": _gaussian() + np.float32(1000),
    "huge": _gaussian().astype(np.float64) * 1e13,
    "tiny": _gaussian().astype(np.float64) * 1e-30,
    "one outlier": np.vstack([_gaussian(), np.full((1, 20), 1e6, dtype=np.float32)]),
    "ties": _lattice(),
    "copies": _copies(),
    "ties and copies": _lattice()[np.random.default_rng(2).permutation(400) % 343],
    "copies of zero": np.where(np.arange(300)[:, None] % 3 == 0, np.float32(-0.0), _copies()),
    "tight groups far apart": _tight_groups_far_apart(),
    "one value a song": np.random.default_rng(0).permutation(300).astype(np.float32)[:, None],
}


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("k", [1, 15])
def test_nearest_rows_equal_brute_force(library, k):
    rows = LIBRARIES[library]
    indices, distances = knn_graph.nearest_rows(rows, k)
    expected, expected_distances = _by_brute_force(rows, k)
    assert indices.dtype == np.int32 and distances.dtype == np.float32
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-6)


@pytest.mark.parametrize("library", LIBRARIES)
def test_nearest_rows_in_small_chunks_equal_brute_force(library, small_chunks):
    rows = LIBRARIES[library]
    indices, distances = knn_graph.nearest_rows(rows, 15)
    expected, expected_distances = _by_brute_force(rows, 15)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(distances, expected_distances, rtol=1e-6)


def test_nearest_rows_are_the_same_bit_for_bit_with_other_chunks_and_threads(monkeypatch):
    rows = _gaussian(3000)
    whole = knn_graph.nearest_rows(rows, 15)
    monkeypatch.setattr(candidates, "_QUERIES_AT_ONCE", 500)
    with threadpool_limits(1):
        chunked = knn_graph.nearest_rows(rows, 15)
    for expected, found in zip(whole, chunked, strict=True):
        assert found.tobytes() == expected.tobytes()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 20])
@pytest.mark.parametrize("k", [1, 2, 50])
def test_k_is_limited_to_the_number_of_other_rows(n, k):
    rows = _gaussian(n)
    indices, distances = knn_graph.nearest_rows(rows, k)
    assert indices.shape == distances.shape == (n, min(k, max(n - 1, 0)))
    if n:
        np.testing.assert_array_equal(indices, _by_brute_force(rows, k)[0])


@pytest.mark.parametrize("n", [2, 3, 100])
def test_identical_rows_are_each_others_nearest_in_the_order_of_rows(n):
    indices, distances = knn_graph.nearest_rows(np.full((n, 5), 0.3, dtype=np.float32), 2)
    assert not distances.any()
    for row, near in enumerate(indices):
        assert near.tolist() == [other for other in range(n) if other != row][:2]


def test_k_can_be_the_number_of_all_other_rows():
    rows = _gaussian(600, 3)
    indices, _ = knn_graph.nearest_rows(rows, 599)
    np.testing.assert_array_equal(indices, _by_brute_force(rows, 599)[0])


def test_rows_with_zero_columns_are_identical():
    assert knn_graph.nearest_rows(np.zeros((3, 0)), 1)[0].tolist() == [[1], [0], [0]]


def _true(vectors, k):
    return knn_graph.true_neighbours(centred_unit_rows(vectors)[0], k)


@pytest.mark.parametrize("k", [1, 10])
def test_true_neighbours_equal_the_search_for_similar_songs(make_blobs, small_chunks, k):
    vectors, _ = make_blobs(200)
    vectors[150:] = vectors[50:100]
    library = Neighbours(vectors)
    expected = [library.nearest(row, k)[0] for row in range(200)]
    np.testing.assert_array_equal(_true(vectors, k), expected)


def test_nearly_identical_songs_are_ranked_exactly():
    members = np.arange(300) % 3
    vectors = np.eye(3)[members] + 3e-4 * _gaussian(300, 3).astype(np.float64)
    library = Neighbours(vectors)
    expected = [library.nearest(row, 5)[0] for row in range(300)]
    np.testing.assert_array_equal(_true(vectors, 5), expected)


def test_a_song_that_equals_the_mean_has_similarity_zero_to_all_songs():
    points = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1], [0, 0], [0, 0]])
    assert _true(points, 5).tolist()[4] == [0, 1, 2, 3, 5]
    assert _true(points, 3).tolist()[0] == [2, 3, 4]


@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_in_a_tiny_library_all_other_songs_are_true_neighbours(n):
    found = _true(_gaussian(n), 10)
    assert found.shape == (n, max(n - 1, 0))
    assert [sorted(row) for row in found.tolist()] == [[j for j in range(n) if j != i] for i in range(n)]


def _recall(found, expected):
    return np.mean([len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, expected, strict=True)])


def _songs_of_spectrum(power, n=1500):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 128)) * np.arange(1.0, 129.0) ** -power


@pytest.mark.parametrize("power", [0.4, 1.0], ids=["many components matter", "few components matter"])
def test_in_a_large_library_the_search_finds_nearly_all_true_neighbours(monkeypatch, power):
    vectors = _songs_of_spectrum(power)
    exact = _true(vectors, 10)
    monkeypatch.setattr(knn_graph, "_MAX_SONGS_EXACT", 1000)
    found = _true(vectors, 10)
    assert _recall(found, exact) >= 0.99
    assert all(len(set(row)) == 10 and song not in row for song, row in enumerate(found.tolist()))
    np.testing.assert_array_equal(_true(vectors, 10), found)


def test_songs_that_form_groups_are_searched_in_near_cells_only(monkeypatch, make_blobs):
    vectors, _ = make_blobs(1500, groups=40)
    exact = _true(vectors, 10)
    monkeypatch.setattr(knn_graph, "_MAX_SONGS_EXACT", 1000)
    monkeypatch.setattr(candidates, "find_in_all", None)
    assert _recall(_true(vectors, 10), exact) >= 0.99


def test_copies_of_a_song_are_each_others_nearest(monkeypatch, small_chunks):
    monkeypatch.setattr(knn_graph, "_MAX_SONGS_EXACT", 30)
    songs = _gaussian(40)
    song_of = np.random.default_rng(0).integers(0, 40, 2000)
    nearest = _true(songs[song_of], 10)
    for row, neighbours in enumerate(nearest.tolist()):
        copies = np.flatnonzero(song_of == song_of[row])
        assert neighbours == copies[copies != row][:10].tolist()


def test_arguments_out_of_range_are_an_error():
    rows = _gaussian(10)
    with pytest.raises(MappingError, match="k=0"):
        knn_graph.nearest_rows(rows, 0)
    with pytest.raises(MappingError, match="k=0"):
        knn_graph.true_neighbours(rows, 0)
    with pytest.raises(MappingError, match="shape"):
        knn_graph.nearest_rows(rows[0], 1)
    with pytest.raises(MappingError, match="song 3"):
        knn_graph.nearest_rows(np.where(np.arange(10)[:, None] == 3, np.nan, rows), 1)


def test_distances_to_neighbours_are_euclidean(make_blobs):
    directions, _ = centred_unit_rows(make_blobs(50)[0])
    neighbours = knn_graph.true_neighbours(directions, 7)
    expected = np.linalg.norm(directions[:, None] - directions[neighbours], axis=2)
    np.testing.assert_allclose(knn_graph.distances_to(directions, neighbours), expected, atol=1e-6)
    assert knn_graph.distances_to(directions[:1], np.empty((1, 0), dtype=np.int32)).shape == (1, 0)


def test_the_share_of_found_neighbours_is_measured(make_blobs, monkeypatch):
    monkeypatch.setattr(knn_graph, "_COMPARED_AT_ONCE", 33)
    directions, _ = centred_unit_rows(make_blobs(200)[0])
    graph = knn_graph.true_neighbours(directions, 10)
    assert knn_graph.found_share(directions, graph) == 1.0
    farthest = knn_graph.true_neighbours(directions, 199)[:, -3:]
    assert knn_graph.found_share(directions, np.hstack([graph[:, :7], farthest])) == pytest.approx(0.7)


def test_a_copy_counts_as_found_as_well_as_another():
    directions, _ = centred_unit_rows(np.repeat(_gaussian(10), 20, axis=0))
    graph = knn_graph.true_neighbours(directions, 19)
    assert knn_graph.found_share(directions, graph[:, :5]) == 1.0
    assert knn_graph.found_share(directions, graph[:, -5:]) == 1.0


@pytest.mark.parametrize("limit", [20_000, 1000], ids=["all", "cells"])
def test_the_search_reports_its_progress(make_blobs, monkeypatch, small_chunks, limit):
    monkeypatch.setattr(knn_graph, "_MAX_SONGS_EXACT", limit)
    shares = []
    knn_graph.true_graph(centred_unit_rows(make_blobs(1500, groups=40)[0])[0], progress=shares.append)
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
