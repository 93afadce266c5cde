import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.cluster import KMeans

from explorer.errors import MappingError
from explorer.mapping import clustering
from explorer.mapping.projection import reduce

ROOT = Path(__file__).parents[2]
LIGHT_MODULES = ("similarity", "neighbourhoods", "clustering", "cluster_names", "quality")


@pytest.mark.parametrize("module", LIGHT_MODULES)
def test_modules_that_the_web_server_imports_load_no_heavy_library(module):
    code = f"import sys, explorer.mapping.{module}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.split(".")[0] for name in result.stdout.split()}
    assert "numpy" in loaded
    assert not loaded & {"umap", "numba", "openTSNE", "sklearn", "scipy", "tensorflow", "dash", "apsw"}


def test_clusters_are_the_well_separated_groups_of_songs(make_blobs):
    vectors, members = make_blobs(120)
    labels = clustering.cluster(reduce(vectors), 4)
    assert labels.shape == (120,)
    assert labels.dtype == np.int32
    assert len({(a, b) for a, b in zip(members.tolist(), labels.tolist(), strict=True)}) == 4


def test_the_largest_cluster_has_the_lowest_number():
    reduced = np.repeat([[0.0, 0], [100, 0], [0, 100]], [5, 20, 10], axis=0)
    reduced += np.random.default_rng(0).normal(size=reduced.shape)
    labels = clustering.cluster(reduced, 3)
    np.testing.assert_array_equal(labels, np.repeat([2, 0, 1], [5, 20, 10]))


@pytest.mark.parametrize("seed", range(5))
def test_clusters_of_equal_size_are_numbered_by_their_first_song(seed):
    reduced = np.tile([[100.0, 0], [0, 0], [0, 100]], (8, 1))
    reduced += np.random.default_rng(0).normal(size=reduced.shape)
    labels = clustering.cluster(reduced, 3, seed=seed)
    np.testing.assert_array_equal(labels, np.tile([0, 1, 2], 8))


def test_with_more_clusters_than_distinct_songs_each_distinct_song_is_a_cluster():
    reduced = np.array([[1.0, 0], [0, 5], [1, 0], [9, 9], [1, 0], [0, 5]])
    np.testing.assert_array_equal(clustering.cluster(reduced, 50), [0, 1, 0, 2, 0, 1])


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("k", [1, 2, 3, 10])
def test_the_smallest_libraries_can_be_clustered(make_blobs, n, k):
    labels = clustering.cluster(reduce(make_blobs(max(n, 1))[0][:n]), k)
    assert labels.shape == (n,)
    assert labels.dtype == np.int32
    assert sorted(set(labels.tolist())) == list(range(min(n, k)))


def test_the_default_cluster_count_works_without_songs():
    reduced = np.empty((0, 2), dtype=np.float32)
    assert clustering.cluster(reduced, clustering.default_cluster_count(reduced)).shape == (0,)


def test_identical_songs_are_one_cluster(make_blobs):
    reduced = reduce(np.repeat(make_blobs(1)[0], 30, axis=0))
    np.testing.assert_array_equal(clustering.cluster(reduced, 5), np.zeros(30))
    assert clustering.default_cluster_count(reduced) == 1


@pytest.mark.parametrize("k", [0, -3])
def test_a_cluster_count_below_one_is_an_error(k):
    with pytest.raises(MappingError, match=f"k={k}"):
        clustering.cluster(np.zeros((4, 2)), k)


def test_vectors_that_are_not_finite_are_an_error():
    with pytest.raises(MappingError, match="song 1"):
        clustering.cluster(np.array([[0.0, 1], [np.nan, 2]]), 1)


def test_the_same_seed_gives_the_same_clusters_whatever_the_number_of_threads():
    code = """
import numpy as np
from explorer.mapping.clustering import cluster
reduced = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
print(*cluster(reduced, 12, seed=5), *cluster(reduced[:1000], 12, seed=5))
"""
    reduced = np.random.default_rng(0).normal(size=(3000, 20)).astype(np.float32)
    labels = [*clustering.cluster(reduced, 12, seed=5), *clustering.cluster(reduced[:1000], 12, seed=5)]
    for threads in ("1", "4"):
        result = subprocess.run(
            [sys.executable, "-c", code],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        np.testing.assert_array_equal(labels, np.array(result.stdout.split(), dtype=int))


@pytest.mark.parametrize("k", [3, 12, 40])
def test_starting_from_a_sample_makes_the_fit_less_than_one_percent_worse(k):
    rng = np.random.default_rng(0)
    reduced = rng.normal(size=(25, 16))[rng.integers(25, size=6000)] + rng.normal(size=(6000, 16))
    reduced = reduced.astype(np.float32)
    from_sample = full_runs = 0.0
    for seed in range(3):
        labels = clustering.cluster(reduced, k, seed=seed)
        centres = np.array([reduced[labels == label].mean(axis=0) for label in range(labels.max() + 1)])
        from_sample += ((reduced - centres[labels]) ** 2).sum()
        full_runs += KMeans(k, n_init=3, random_state=seed).fit(reduced).inertia_
    assert from_sample < 1.01 * full_runs


@pytest.mark.filterwarnings("error")
def test_a_large_library_of_copies_gets_the_requested_number_of_clusters():
    rng = np.random.default_rng(0)
    reduced = np.concatenate([np.tile(rng.normal(size=8), (6000, 1)), 9 * rng.normal(size=(60, 8))])
    labels = clustering.cluster(reduced[rng.permutation(6060)].astype(np.float32), 50)
    assert sorted(set(labels.tolist())) == list(range(50))


def _count_unchanged(before, after):
    return int((np.asarray(before) == np.asarray(after)).sum())


def test_clusters_that_were_only_renumbered_get_their_numbers_back():
    before = np.random.default_rng(0).integers(0, 6, 200)
    after = np.array([4, 0, 5, 1, 3, 2])[before]
    matched = clustering.match_labels(before, after)
    assert matched.dtype == np.int32
    np.testing.assert_array_equal(matched, before)


@pytest.mark.parametrize("seed", range(12))
def test_as_many_songs_as_possible_keep_their_number(seed):
    rng = np.random.default_rng(seed)
    k_before, k = rng.integers(2, 7), rng.integers(2, 6)
    before, after = rng.integers(-1, k_before, 60), rng.permutation(np.arange(60) % k)
    matched = clustering.match_labels(before, after)
    assert sorted(set(matched.tolist())) == list(range(k))
    assert len(set(zip(after.tolist(), matched.tolist(), strict=True))) == k
    best = max(_count_unchanged(before, np.array(order)[after]) for order in itertools.permutations(range(k)))
    assert _count_unchanged(before, matched) == best


def test_if_a_cluster_is_split_the_larger_part_keeps_the_number():
    before = np.repeat([0, 1, 2], [10, 10, 10])
    after = np.repeat([0, 3, 1, 2], [10, 4, 6, 10])
    np.testing.assert_array_equal(
        clustering.match_labels(before, after), np.repeat([0, 3, 1, 2], [10, 4, 6, 10])
    )
    swapped = np.repeat([0, 3, 1, 2], [10, 6, 4, 10])
    np.testing.assert_array_equal(
        clustering.match_labels(before, swapped), np.repeat([0, 1, 3, 2], [10, 6, 4, 10])
    )


def test_the_largest_new_cluster_gets_the_lowest_unused_number():
    before = np.repeat([3, -1, -1, -1], [9, 2, 5, 3])
    after = np.repeat([0, 1, 2, 3], [9, 2, 5, 3])
    np.testing.assert_array_equal(
        clustering.match_labels(before, after), np.repeat([3, 2, 0, 1], [9, 2, 5, 3])
    )


def test_new_clusters_of_equal_size_keep_their_order():
    np.testing.assert_array_equal(clustering.match_labels([-1] * 6, [2, 0, 1, 1, 0, 2]), [2, 0, 1, 1, 0, 2])


def test_with_fewer_clusters_than_before_the_numbers_have_no_gap():
    before = np.repeat([0, 1, 2, 3, 4], [6, 5, 5, 5, 20])
    after = np.repeat([2, 2, 1, 1, 0], [6, 5, 5, 5, 20])
    matched = clustering.match_labels(before, after)
    # Clusters 0 and 1 were merged, and so were 2 and 3. Number 4 no longer exists: its songs get number 1.
    np.testing.assert_array_equal(matched, np.repeat([0, 0, 2, 2, 1], [6, 5, 5, 5, 20]))


def test_gaps_in_the_new_numbers_are_removed():
    np.testing.assert_array_equal(clustering.match_labels([0, 0, 1, 1], [7, 7, 3, 3]), [0, 0, 1, 1])


def test_match_labels_works_without_songs():
    assert clustering.match_labels([], []).shape == (0,)


@pytest.mark.parametrize(
    ("before", "after", "message"), [([0, 1], [0], "shape"), ([[0]], [[0]], "shape"), ([0, 1], [0, -1], "-1")]
)
def test_labels_that_cannot_be_matched_are_an_error(before, after, message):
    with pytest.raises(MappingError, match=message):
        clustering.match_labels(before, after)


def test_the_default_cluster_count_is_the_number_of_genres(make_blobs):
    reduced = reduce(make_blobs(60)[0])
    assert clustering.default_cluster_count(reduced, n_genres=7) == 7
    assert clustering.default_cluster_count(reduced, n_genres=50) == 50
    assert clustering.default_cluster_count(reduced[:5], n_genres=7) == 5


@pytest.mark.parametrize("n_genres", [0, 1, 51])
def test_with_too_few_or_too_many_genres_the_default_is_the_number_of_groups(make_blobs, n_genres):
    reduced = reduce(make_blobs(120, groups=5)[0])
    assert clustering.default_cluster_count(reduced, n_genres=n_genres) == 5


def test_songs_without_gaps_between_groups_get_more_than_two_clusters():
    reduced = np.random.default_rng(0).normal(size=(400, 30)).astype(np.float32)
    assert clustering.default_cluster_count(reduced) >= 10


@pytest.mark.parametrize("n", range(10))
def test_the_default_cluster_count_never_exceeds_the_number_of_songs(make_blobs, n):
    reduced = reduce(make_blobs(max(n, 1))[0][:n])
    for n_genres in (0, 4):
        assert min(n, 1) <= clustering.default_cluster_count(reduced, n_genres=n_genres) <= n


def test_a_large_library_uses_a_sample_for_the_default_cluster_count(make_blobs, monkeypatch):
    sizes = []
    original = clustering._silhouettes
    monkeypatch.setattr(
        clustering, "_silhouettes", lambda sample, *rest: sizes.append(len(sample)) or original(sample, *rest)
    )
    monkeypatch.setattr(clustering, "_SILHOUETTE_SAMPLE", 100)
    assert clustering.default_cluster_count(reduce(make_blobs(500, groups=3)[0])) == 3
    assert sizes == [100]


def test_a_representative_is_the_song_nearest_to_its_clusters_centre():
    reduced = np.array([[0.0, 0], [5, 5], [10, 10], [90, 90], [95, 96], [100, 100]], dtype=np.float32)
    np.testing.assert_array_equal(clustering.representatives(reduced, [1, 1, 1, 0, 0, 0]), [4, 1])


def test_of_equally_near_songs_the_first_is_the_representative():
    reduced = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]], dtype=np.float32)
    np.testing.assert_array_equal(clustering.representatives(reduced, [0, 0, 0, 0]), [0])


def test_representatives_work_without_songs():
    assert clustering.representatives(np.empty((0, 2)), []).shape == (0,)


@pytest.mark.parametrize(
    ("labels", "message"), [([0, 1], "shape"), ([0, 0, 2], "cluster 1"), ([0, -1, 0], "-1")]
)
def test_labels_that_do_not_fit_the_songs_are_an_error(labels, message):
    with pytest.raises(MappingError, match=message):
        clustering.representatives(np.zeros((3, 2)), labels)


def test_distinct_rows_are_in_the_order_of_their_first_copies():
    reduced = np.array([[9.0, 1], [2, 2], [9, 1 + 1e-7], [0, 0], [2, 2]])
    first, inverse = clustering.distinct_rows(reduced)
    np.testing.assert_array_equal(first, [0, 1, 3])
    np.testing.assert_array_equal(inverse, [0, 1, 0, 2, 1])


def test_rows_are_compared_exactly_with_tolerance_zero():
    rows = np.array([[9.0, 0.0], [2, 2], [9, 1e-7], [9, -0.0], [2, 2]])
    first, inverse = clustering.distinct_rows(rows, tolerance=0)
    np.testing.assert_array_equal(first, [0, 1, 2])
    np.testing.assert_array_equal(inverse, [0, 1, 2, 0, 1])


@pytest.mark.parametrize("tolerance", [0, 1e-6])
@pytest.mark.parametrize("shape", [(0, 0), (0, 2), (3, 0), (3, 2)])
def test_empty_and_zero_rows_are_equal(shape, tolerance):
    first, inverse = clustering.distinct_rows(np.zeros(shape), tolerance=tolerance)
    assert first.tolist() == [0][: shape[0]]
    assert inverse.tolist() == [0] * shape[0]
