import numpy as np
import pytest
from scipy.stats import skew as scipy_skewness
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from explorer.errors import MappingError
from explorer.mapping import neighbourhoods, quality
from explorer.mapping.knn_graph import nearest_rows, true_neighbours
from explorer.mapping.projection import project, reduce
from explorer.mapping.unit_rows import centred_unit_rows


def trustworthiness(vectors, positions, **options):
    return _measures(vectors, positions, **options)["trustworthiness"]


def continuity(vectors, positions, **options):
    return _measures(vectors, positions, **options)["continuity"]


def share_kept(vectors, positions, *, k=10, **options):
    return _measures(centred_unit_rows(vectors)[0], positions, kept_of=k, **options)["neighbours_kept"]


def _measures(rows, positions, *, sample=2000, seed=0, **neighbours):
    # Distances computed from matrix products lose their last digits. Double precision has digits to spare.
    rows = np.asarray(rows, dtype=np.float64)
    rows = rows - rows.mean(axis=0) if len(rows) else rows
    return neighbourhoods.MapComparison(rows, sample=sample, seed=seed).measures(
        {"map": positions}, **neighbours
    )["map"]


def purity_and_chance(labels, indices, **options):
    found = quality.label_purity(labels, indices, **options)
    return (found.purity, found.chance) if found else None


@pytest.fixture(scope="module")
def library(make_blobs):
    vectors, members = make_blobs(200)
    return vectors, project("pca", reduce(vectors)), members


def _share_kept_by_brute_force(vectors, positions, k):
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    similar = centred @ centred.T
    close = -((positions[:, None].astype(float) - positions[None]) ** 2).sum(axis=2)
    np.fill_diagonal(similar, -np.inf)
    np.fill_diagonal(close, -np.inf)
    pairs = zip(np.argsort(-similar)[:, :k], np.argsort(-close)[:, :k], strict=True)
    return np.mean([len(set(a) & set(b)) / k for a, b in pairs])


@pytest.mark.parametrize("k", [1, 5, 15, 99])
def test_trustworthiness_agrees_with_scikit_learn(library, k):
    vectors, positions, _ = library
    expected = sklearn_trustworthiness(vectors, positions, n_neighbors=k)
    assert trustworthiness(vectors, positions, k=k) == pytest.approx(expected, abs=1e-12)


def test_trustworthiness_of_a_random_map_agrees_too(library):
    vectors, _, _ = library
    positions = np.random.default_rng(0).normal(size=(200, 2))
    expected = sklearn_trustworthiness(vectors, positions, n_neighbors=15)
    assert expected < 0.7
    assert trustworthiness(vectors, positions) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("k", [1, 5, 15, 99])
def test_continuity_is_trustworthiness_with_map_and_true_distances_exchanged(library, k):
    vectors, positions, _ = library
    expected = sklearn_trustworthiness(positions.astype(np.float64), vectors, n_neighbors=k)
    assert expected != pytest.approx(trustworthiness(vectors, positions, k=k), abs=1e-4)
    assert continuity(vectors, positions, k=k) == pytest.approx(expected, abs=1e-12)


def test_a_map_equal_to_the_vectors_has_trustworthiness_and_continuity_one():
    points = np.random.default_rng(0).normal(size=(50, 2))
    assert trustworthiness(points, points) == 1.0
    assert continuity(points, points) == 1.0


def test_a_map_torn_in_two_is_trustworthy_but_not_continuous():
    line = np.arange(100.0)[:, None]
    torn = np.where(np.arange(100)[:, None] % 2, line + 1000, line)
    assert continuity(line, torn) < 0.8 < trustworthiness(line, torn)


def test_several_maps_get_the_same_measures_as_each_alone(library):
    vectors, positions, _ = library
    other = np.random.default_rng(0).normal(size=(200, 2))
    rows, _ = centred_unit_rows(vectors)
    measured = neighbourhoods.MapComparison(rows, sample=80, seed=3).measures(
        {"pca": positions, "random": other}, k=7
    )
    assert list(measured) == ["pca", "random"]
    for name, shown in (("pca", positions), ("random", other)):
        common = {"sample": 80, "seed": 3}
        assert measured[name] == pytest.approx(
            {
                "trustworthiness": trustworthiness(rows, shown, k=7, **common),
                "continuity": continuity(rows, shown, k=7, **common),
                "neighbours_kept": share_kept(vectors, shown, k=10, **common),
            },
            abs=1e-12,
        )
    assert measured["pca"]["continuity"] > measured["random"]["continuity"]


def test_in_a_large_library_the_sample_is_smaller(library, monkeypatch):
    vectors, positions, _ = library
    few = trustworthiness(vectors, positions, sample=50)
    assert few != trustworthiness(vectors, positions)
    monkeypatch.setattr(neighbourhoods, "_MANY_SONGS", 199)
    monkeypatch.setattr(neighbourhoods, "_QUERIES_OF_MANY", 50)
    assert trustworthiness(vectors, positions) == few


def test_a_sample_estimates_the_trustworthiness_of_all(library):
    vectors, _, _ = library
    positions = np.random.default_rng(0).normal(size=(200, 2))
    whole = trustworthiness(vectors, positions)
    sampled = trustworthiness(vectors, positions, sample=100)
    assert sampled == pytest.approx(whole, abs=0.05)
    assert sampled != whole
    assert sampled == trustworthiness(vectors, positions, sample=100)
    assert sampled != trustworthiness(vectors, positions, sample=100, seed=1)


def test_measures_do_not_depend_on_the_chunk_size(library, monkeypatch):
    vectors, positions, _ = library

    def measures():
        return (
            trustworthiness(vectors, positions),
            continuity(vectors, positions),
            share_kept(vectors, positions),
        )

    whole = measures()
    monkeypatch.setattr(neighbourhoods, "_CHUNK_VALUES", 1500)
    assert measures() == whole


@pytest.mark.parametrize("k", [1, 10])
def test_neighbours_kept_equals_brute_force(library, k):
    vectors, positions, _ = library
    expected = _share_kept_by_brute_force(vectors, positions, k)
    assert 0.0 < expected < 1.0
    assert share_kept(vectors, positions, k=k) == pytest.approx(expected, abs=1e-12)


def test_a_map_by_direction_keeps_every_neighbour():
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 41)
    angles = np.concatenate([angles, angles + np.pi])
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # The cosine ignores the radius, so it compares positions on the circle.
    radius = np.random.default_rng(1).uniform(1, 3, 41)
    vectors = circle * np.concatenate([radius, radius])[:, None]
    assert share_kept(vectors, circle) == 1.0


def _nearest_ten(vectors):
    rows, _ = centred_unit_rows(vectors)
    return true_neighbours(rows, 10)


def test_purity_of_separate_groups_is_one_and_chance_is_their_share(library):
    vectors, _, members = library
    found = quality.label_purity([f"genre {group}" for group in members], _nearest_ten(vectors))
    assert (found.purity, found.chance) == (1.0, pytest.approx(49 / 199))
    assert found.shares.tolist() == [1.0] * 200


def test_purity_of_random_labels_is_about_chance(library):
    vectors, _, members = library
    labels = np.random.default_rng(0).permutation(members).astype(str).tolist()
    purity, chance = purity_and_chance(labels, _nearest_ten(vectors))
    assert purity == pytest.approx(chance, abs=0.05)


@pytest.mark.parametrize("blank", ["", None])
def test_songs_without_a_shared_label_do_not_count(library, blank):
    vectors, _, members = library
    labels = [f"genre {group}" for group in members[:100]] + [blank] * 60 + [f"only {i}" for i in range(40)]
    assert purity_and_chance(labels, _nearest_ten(vectors)) == (1.0, pytest.approx(24 / 99))


LABELS = ["Jazz", "Jazz", "Jazz", "Rock", "Rock", None, "only here"]
NEAR = [[1, 5], [3, 0], [6, 5], [4, 0], [5, 6], [0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("labels", "near", "expected"),
    [
        # For the songs with a shared label: 1 of 1, 1 of 2, none, 1 of 2, none.
        (LABELS, NEAR, (3 / 5, (3 * 2 + 2 * 1) / (5 * 4))),
        # With the nearest neighbour only: 1 of 1, 0 of 1, none, 1 of 1, none.
        (LABELS, [row[:1] for row in NEAR], (2 / 3, (3 * 2 + 2 * 1) / (5 * 4))),
        # If five songs count, k is limited to 2: less than half of five.
        (list("aaabb"), [[1, 2, 3], [0, 2, 3], [0, 1, 3], [4, 0, 1], [3, 0, 1]], (8 / 10, 8 / 20)),
        (["a", "a", "b", "b"], [[2], [3], [0], [1]], (0.0, 1 / 3)),
        (["Jazz", "Jazz", "Jazz", None], [[3], [3], [3], [0]], None),
        (["Jazz", "Jazz", "Rock", None], [[1], [0], [0], [0]], None),
        (["a", "b", "c", "d"], [[1], [0], [0], [0]], None),
        (["Jazz"] * 3, np.empty((3, 0), int), None),
        ([], np.empty((0, 0), int), None),
    ],
    ids=[
        "neighbours that do not count",
        "the nearest only",
        "few songs",
        "never the same",
        "no neighbour counts",
        "two songs count",
        "no label is shared",
        "no neighbours",
        "no songs",
    ],
)
def test_purity_is_the_share_of_the_neighbours_that_count(labels, near, expected):
    assert purity_and_chance(labels, near) == (expected and pytest.approx(expected))


def test_purity_can_be_measured_for_some_songs_only():
    found = quality.label_purity(LABELS, np.array(NEAR)[[3, 1, 2, 5]], queried=[3, 1, 2, 5])
    assert found.purity == pytest.approx(2 / 4)
    np.testing.assert_array_equal(found.shares, [0.5, 0.5, np.nan, np.nan])
    assert found.chance == quality.label_purity(LABELS, NEAR).chance


def test_labels_of_several_songs_are_numbered():
    names, codes = quality.shared_labels(["Rock", "", "Jazz", None, "Rock", "only here", "Jazz", "Rock"])
    assert names.tolist() == ["Jazz", "Rock"]
    assert codes.tolist() == [1, -1, 0, -1, 1, -1, 0, 1]


def test_hubness_is_the_skewness_of_how_often_songs_occur(library):
    indices, _ = nearest_rows(library[0], 10)
    found = quality.hubness(indices, 200)
    occurrences = np.array([(indices == song).sum() for song in range(200)])
    assert found.skewness == pytest.approx(scipy_skewness(occurrences))
    assert found.largest == occurrences.max() > 10


def test_songs_that_occur_equally_often_have_no_hubs():
    ring = (np.arange(9)[:, None] + [1, 2]) % 9
    assert quality.hubness(ring, 9) == quality.Hubness(skewness=0.0, largest=2)


def test_a_neighbour_of_all_songs_is_a_hub():
    star = np.array([[1]] + [[0]] * 99)
    assert quality.hubness(star, 100).largest == 99
    assert quality.hubness(star, 100).skewness > 5


def _near_by_brute_force(indices, positions, near):
    positions = positions.astype(np.float64)
    distances = np.sqrt(((positions[:, None] - positions[None]) ** 2).sum(axis=2))
    np.fill_diagonal(distances, np.inf)
    reach = np.sort(distances, axis=1)[:, near - 1]
    return (np.take_along_axis(distances, indices, axis=1) <= reach[:, None]).sum(axis=1)


@pytest.mark.parametrize("near", [1, 30, 199])
def test_neighbours_near_equal_brute_force(library, near):
    vectors, positions, _ = library
    indices, _ = nearest_rows(vectors, 10)
    found = quality.neighbours_near(indices, positions, near)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, _near_by_brute_force(indices, positions, near))
    assert near == 199 or len(set(found.tolist())) > 1


@pytest.mark.parametrize("k", [1, 10, 199])
def test_the_nearest_on_a_map_equal_brute_force(library, k):
    positions = library[1].astype(np.float64)
    distances = ((positions[:, None] - positions[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    np.testing.assert_array_equal(quality.nearest_on_map(positions, k), np.argsort(distances)[:, :k])


def test_points_at_one_position_are_each_others_nearest():
    near = quality.nearest_on_map(np.zeros((40, 2)), 5)
    assert all(len(set(row)) == 5 and point not in row for point, row in enumerate(near.tolist()))


@pytest.mark.parametrize("near", [1, 4, 30])
def test_neighbours_at_the_same_position_or_distance_are_all_near(near):
    corners = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), axis=-1).reshape(-1, 2)
    positions = corners[np.random.default_rng(0).integers(0, 25, 200)]
    indices, _ = nearest_rows(np.random.default_rng(1).normal(size=(200, 8)), 20)
    expected = _near_by_brute_force(indices, positions, near)
    assert expected.any()
    np.testing.assert_array_equal(quality.neighbours_near(indices, positions, near), expected)


def test_songs_at_one_position_are_near_each_other():
    indices, _ = nearest_rows(np.random.default_rng(0).normal(size=(100, 8)), 7)
    assert quality.neighbours_near(indices, np.zeros((100, 2))).tolist() == [7] * 100


def test_near_can_be_larger_than_the_number_of_songs(library):
    indices, _ = nearest_rows(library[0][:5], 4)
    assert quality.neighbours_near(indices, library[1][:5], 30).tolist() == [4] * 5


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_songs_have_no_measures(library, n):
    vectors, positions, _ = library
    assert trustworthiness(vectors[:n], positions[:n]) is None
    assert continuity(vectors[:n], positions[:n]) is None
    assert share_kept(vectors[:n], positions[:n]) is None
    indices, _ = nearest_rows(vectors[:n], 5)
    assert quality.label_purity(["Jazz"] * n, indices) is None
    assert quality.hubness(indices, n) is None
    assert quality.neighbours_near(indices, positions[:n]).tolist() == [max(n - 1, 0)] * n


@pytest.mark.parametrize("n", [3, 4, 5, 11, 20])
def test_k_is_limited_for_small_libraries(library, n):
    vectors, positions, _ = library
    assert 0.0 <= trustworthiness(vectors[:n], positions[:n]) <= 1.0
    assert 0.0 <= continuity(vectors[:n], positions[:n]) <= 1.0
    assert 0.0 <= share_kept(vectors[:n], positions[:n]) <= 1.0
    assert purity_and_chance(["Jazz"] * n, nearest_rows(vectors[:n], 10)[0]) == (1.0, 1.0)


def test_identical_songs_have_measures_between_zero_and_one(library):
    vectors = np.repeat(library[0][:1], 30, axis=0)
    positions = project("pca", reduce(vectors))
    assert trustworthiness(vectors, positions) == 1.0
    assert 0.0 <= continuity(vectors, positions) <= 1.0
    assert 0.0 <= share_kept(vectors, positions) <= 1.0


def test_arguments_that_do_not_fit_are_an_error(library):
    vectors, positions, _ = library
    with pytest.raises(MappingError, match="199 positions"):
        trustworthiness(vectors, positions[:199])
    with pytest.raises(MappingError, match="199 positions"):
        share_kept(vectors, positions[:199])
    with pytest.raises(MappingError, match="k=0"):
        trustworthiness(vectors, positions, k=0)
    with pytest.raises(MappingError, match="song 5"):
        trustworthiness(vectors, np.where(np.arange(200)[:, None] == 5, np.nan, positions))
    with pytest.raises(MappingError, match="k=0"):
        share_kept(vectors, positions, k=0)
    with pytest.raises(MappingError, match="k=0"):
        quality.nearest_on_map(positions, 0)
    with pytest.raises(MappingError, match="sample=0"):
        continuity(vectors, positions, sample=0)
    with pytest.raises(MappingError, match="199 positions"):
        neighbourhoods.MapComparison(vectors).measures({"pca": positions, "umap": positions[:199]})


@pytest.mark.parametrize(
    "indices",
    [np.zeros(5, int), np.zeros((4, 2), int), np.full((5, 2), 5), np.full((5, 2), -1), np.zeros((5, 2))],
    ids=["no rows", "too few rows", "beyond the last", "before the first", "not whole numbers"],
)
def test_indices_that_do_not_fit_are_an_error(indices):
    with pytest.raises(MappingError, match="indices"):
        quality.hubness(indices, 5)
    with pytest.raises(MappingError, match="indices"):
        quality.neighbours_near(indices, np.zeros((5, 2)))
    with pytest.raises(MappingError, match="indices"):
        quality.label_purity(["Jazz"] * 5, indices)


def test_too_many_neighbours_and_near_below_one_are_an_error():
    positions = np.zeros((300, 2))
    with pytest.raises(MappingError, match="256"):
        quality.neighbours_near(np.zeros((300, 256), int), positions)
    with pytest.raises(MappingError, match="=0 must"):
        quality.neighbours_near(np.zeros((300, 2), int), positions, 0)


def test_centring_prevents_hubs():
    # By plain cosine, the songs closest to the mean are near to all others: Suzuki et al., "Centering
    # similarity measures to reduce hubs", EMNLP 2013.
    vectors = 5 + np.random.default_rng(0).normal(size=(400, 300))
    plain = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    centred, _ = centred_unit_rows(vectors)

    def hubs(rows):
        similarity = rows @ rows.T
        np.fill_diagonal(similarity, -np.inf)
        return quality.hubness(np.argsort(-similarity, axis=1)[:, :10], 400)

    assert hubs(plain).largest > 80
    assert hubs(centred).largest < 30
    assert hubs(centred).skewness < 0.25 * hubs(plain).skewness
