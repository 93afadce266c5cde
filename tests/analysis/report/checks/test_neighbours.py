import numpy as np
import pytest

from explorer.analysis.report.checks import neighbours
from explorer.analysis.report.checks.neighbours import (
    check_genres,
    check_hubs,
    check_search,
    measure_hubs,
    measure_purity,
    sample_neighbours,
)
from explorer.mapping.knn_graph import true_neighbours
from explorer.mapping.similarity import Neighbours, SongVectors
from explorer.mapping.unit_rows import centred_unit_rows

N = 90


@pytest.fixture
def vectors():
    """Return 90 vectors in three groups, all far from zero, as OpenL3's are."""
    rng = np.random.default_rng(0)
    return (5 + rng.normal(size=(3, 512))[np.arange(N) % 3] + rng.normal(size=(N, 512))).astype(np.float32)


def ids(count):
    return [f"{number}.mp3" for number in range(count)]


def test_the_neighbours_of_a_sample_are_exact(vectors):
    rows, _ = centred_unit_rows(vectors)
    sample = sample_neighbours(rows)
    assert sample.queries.tolist() == list(range(N))
    assert np.array_equal(sample.indices, true_neighbours(rows, 10))
    similarities = (rows @ rows.T)[0, sample.indices[0]]
    assert sample.similarities[0] == pytest.approx(similarities, abs=1e-5)
    assert abs(np.median(sample.random_similarities)) < 0.2 < np.median(sample.similarities)


def test_the_search_for_similar_songs_passes_with_copies(vectors):
    vectors[3] = vectors[40]
    check = check_search(SongVectors(ids(N), vectors), [["3.mp3", "40.mp3"]])
    assert check.status == "passed"


def test_a_search_that_finds_other_songs_first_fails(vectors, monkeypatch):
    def shifted(self, vector):
        return np.roll(self.rows[0].astype(float), 1)

    monkeypatch.setattr(Neighbours, "direction", shifted)
    check = check_search(SongVectors(ids(N), vectors), [])
    assert (check.status, len(check.songs)) == ("failed", 10)


def test_a_search_without_centring_fails(vectors, monkeypatch):
    def plain(self, vector):
        return np.asarray(vector, dtype=float) / np.linalg.norm(vector)

    monkeypatch.setattr(Neighbours, "direction", plain)
    check = check_search(SongVectors(ids(N), vectors), [])
    assert check.status == "failed"


def test_purity_is_the_share_of_neighbours_of_one_genre(vectors):
    rows, _ = centred_unit_rows(vectors)
    labels = [f"Genre {number % 3}" for number in range(N)]
    pure = measure_purity(rows, labels)
    assert (pure.purity, pure.labelled, pure.labels) == (1.0, N, 3)
    assert pure.chance == pytest.approx(29 / 89, abs=0.02)
    assert set(pure.per_label) == set(labels)
    near = true_neighbours(rows, 10)
    other = [f"Genre {number % 7}" for number in range(N)]
    codes = np.arange(N) % 7
    expected = (codes[near] == codes[:, None]).mean()
    assert measure_purity(rows, other).purity == pytest.approx(expected, abs=1e-9)


def test_songs_without_a_genre_or_with_a_unique_one_do_not_count(vectors):
    rows, _ = centred_unit_rows(vectors)
    labels = [f"Genre {number % 3}" for number in range(N)]
    labels[0], labels[1] = "", "Unique"
    purity = measure_purity(rows, labels)
    assert purity.labelled == N - 2
    assert "Unique" not in purity.per_label
    assert measure_purity(rows, ["one"] * N) is None
    assert measure_purity(rows, [""] * N) is None


def test_only_trained_vectors_must_be_better_than_chance(vectors):
    rows, _ = centred_unit_rows(vectors)
    labels = np.array([f"Genre {number % 3}" for number in range(N)])
    good = measure_purity(rows, labels)
    bad = measure_purity(rows, np.random.default_rng(2).permutation(labels))
    assert [check_genres(good, is_trained=trained).status for trained in (True, False, None)] == [
        "passed",
        "noted",
        "noted",
    ]
    assert [check_genres(bad, is_trained=trained).status for trained in (True, False, None)] == [
        "failed",
        "noted",
        "noted",
    ]
    assert "unknown" in check_genres(bad, is_trained=None).finding
    few = measure_purity(rows[:30], labels[:30])
    assert check_genres(few, is_trained=True).status == "not judged"


def test_a_hub_is_named(vectors):
    rows, _ = centred_unit_rows(vectors)
    near = true_neighbours(rows, 10)
    near[near == 7] = 9
    near[:, 0] = 7
    near[7, 0] = 8
    facts = measure_hubs(near, ids(N), {})
    assert (facts["hub"], facts["largest_hub"]) == ("7.mp3", 89)
    check = check_hubs(facts, ids(N), N)
    assert (check.status, check.songs) == ("noted", ["7.mp3"])


def test_stored_hub_figures_are_used_if_neighbours_were_not_computed(vectors):
    facts = measure_hubs(None, ids(N), {"hubness": 1.5, "largest_hub": 12})
    assert facts == {"hubness": 1.5, "largest_hub": 12, "hub": None}
    assert check_hubs(facts, ids(N), N).status == "passed"
    assert check_hubs(measure_hubs(None, ids(N), {}), ids(N), N).status == "not judged"


def test_a_large_library_is_sampled(vectors, monkeypatch):
    monkeypatch.setattr(neighbours, "MAX_QUERIES", 20)
    rows, _ = centred_unit_rows(vectors)
    sample = sample_neighbours(rows)
    assert len(sample.queries) == 20
    assert np.array_equal(sample.indices, true_neighbours(rows, 10)[sample.queries])
