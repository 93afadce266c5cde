import numpy as np
import pytest
from sklearn.manifold import trustworthiness as sklearn_trustworthiness

from explorer.errors import MappingError
from explorer.mapping import quality
from explorer.mapping.projection import project, reduce


@pytest.fixture(scope="module")
def library(make_blobs):
    vectors, members = make_blobs(200)
    return vectors, project("pca", reduce(vectors)), members


def _preservation_by_brute_force(vectors, positions, k):
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
    assert quality.trustworthiness(vectors, positions, k=k) == pytest.approx(expected, abs=1e-12)


def test_trustworthiness_of_a_random_map_agrees_too(library):
    vectors, _, _ = library
    positions = np.random.default_rng(0).normal(size=(200, 2))
    expected = sklearn_trustworthiness(vectors, positions, n_neighbors=15)
    assert expected < 0.7
    assert quality.trustworthiness(vectors, positions) == pytest.approx(expected, abs=1e-12)


def test_a_map_that_is_the_vectors_is_fully_trustworthy():
    points = np.random.default_rng(0).normal(size=(50, 2))
    assert quality.trustworthiness(points, points) == 1.0


def test_a_sample_estimates_the_trustworthiness_of_all(library):
    vectors, _, _ = library
    positions = np.random.default_rng(0).normal(size=(200, 2))
    whole = quality.trustworthiness(vectors, positions)
    sampled = quality.trustworthiness(vectors, positions, sample=100)
    assert sampled == pytest.approx(whole, abs=0.05)
    assert sampled != whole
    assert sampled == quality.trustworthiness(vectors, positions, sample=100)
    assert sampled != quality.trustworthiness(vectors, positions, sample=100, seed=1)


def test_measures_do_not_depend_on_the_size_of_chunks(library, monkeypatch):
    vectors, positions, members = library
    labels = [str(group) for group in members]

    def measures():
        return (
            quality.trustworthiness(vectors, positions),
            quality.neighbour_preservation(vectors, positions),
            quality.neighbour_purity(vectors, labels),
        )

    whole = measures()
    monkeypatch.setattr(quality, "_CHUNK_VALUES", 1500)
    assert measures() == whole


@pytest.mark.parametrize("k", [1, 10])
def test_preservation_equals_brute_force(library, k):
    vectors, positions, _ = library
    expected = _preservation_by_brute_force(vectors, positions, k)
    assert 0.0 < expected < 1.0
    assert quality.neighbour_preservation(vectors, positions, k=k) == pytest.approx(expected, abs=1e-12)


def test_a_map_by_direction_preserves_every_neighbour():
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, 41)
    angles = np.concatenate([angles, angles + np.pi])
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    # Cosine ignores the radius, so that positions on the circle are what it sees.
    radius = np.random.default_rng(1).uniform(1, 3, 41)
    vectors = circle * np.concatenate([radius, radius])[:, None]
    assert quality.neighbour_preservation(vectors, circle) == 1.0


def test_purity_of_separate_groups_is_full_and_chance_is_their_share(library):
    vectors, _, members = library
    purity, chance = quality.neighbour_purity(vectors, [f"genre {group}" for group in members])
    assert purity == 1.0
    assert chance == pytest.approx(49 / 199)


def test_purity_of_labels_given_at_random_is_about_chance(library):
    vectors, _, members = library
    labels = np.random.default_rng(0).permutation(members).astype(str).tolist()
    purity, chance = quality.neighbour_purity(vectors, labels)
    assert purity == pytest.approx(chance, abs=0.05)


def test_songs_without_a_label_or_alone_with_theirs_are_left_out(library):
    vectors, _, members = library
    labels = [f"genre {group}" for group in members[:100]] + [None] * 60 + [f"only {i}" for i in range(40)]
    purity, chance = quality.neighbour_purity(vectors, labels)
    assert purity == 1.0
    assert chance == pytest.approx(24 / 99)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_fewer_than_three_songs_have_no_quality(library, n):
    vectors, positions, _ = library
    assert quality.trustworthiness(vectors[:n], positions[:n]) is None
    assert quality.neighbour_preservation(vectors[:n], positions[:n]) is None
    assert quality.neighbour_purity(vectors[:n], ["Jazz"] * n) == (None, None)


@pytest.mark.parametrize("n", [3, 4, 5, 11, 20])
def test_k_is_clipped_for_small_libraries(library, n):
    vectors, positions, _ = library
    assert 0.0 <= quality.trustworthiness(vectors[:n], positions[:n]) <= 1.0
    assert 0.0 <= quality.neighbour_preservation(vectors[:n], positions[:n]) <= 1.0
    assert quality.neighbour_purity(vectors[:n], ["Jazz"] * n) == (1.0, 1.0)


def test_identical_songs_have_a_quality_that_is_a_number(library):
    vectors = np.repeat(library[0][:1], 30, axis=0)
    positions = project("pca", reduce(vectors))
    assert quality.trustworthiness(vectors, positions) == 1.0
    assert 0.0 <= quality.neighbour_preservation(vectors, positions) <= 1.0


def test_what_does_not_fit_is_refused(library):
    vectors, positions, _ = library
    with pytest.raises(MappingError, match="199 positions"):
        quality.trustworthiness(vectors, positions[:199])
    with pytest.raises(MappingError, match="199 positions"):
        quality.neighbour_preservation(vectors, positions[:199])
    with pytest.raises(MappingError, match="3 labels"):
        quality.neighbour_purity(vectors, ["Jazz"] * 3)
    with pytest.raises(MappingError, match="k=0"):
        quality.trustworthiness(vectors, positions, k=0)
    with pytest.raises(MappingError, match="song 5"):
        quality.trustworthiness(vectors, np.where(np.arange(200)[:, None] == 5, np.nan, positions))
