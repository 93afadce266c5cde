import numpy as np
import pytest

from explorer.analysis.compare.groups import (
    Groups,
    directions_from_library_mean,
    directions_from_own_mean,
    group_by_genre,
    group_by_sound,
    group_songs,
)
from explorer.mapping.similarity import Neighbours


@pytest.fixture
def vectors():
    return np.random.default_rng(0).normal(size=(20, 512)) + 5.0


def test_songs_and_files_are_centred_by_the_librarys_mean(vectors):
    outside = vectors[:2] * 0.5 + 3.0
    rows = directions_from_library_mean(Neighbours(vectors), np.array([4, 9]), outside)
    mean = vectors.mean(axis=0)
    for row, vector in zip(rows, [vectors[4], vectors[9], *outside], strict=True):
        assert row == pytest.approx((vector - mean) / np.linalg.norm(vector - mean), abs=1e-6)


def test_files_without_a_library_give_plain_cosines_or_are_centred_by_their_own_mean(vectors):
    plain = directions_from_own_mean(vectors, is_centred=False)
    assert plain[3] == pytest.approx(vectors[3] / np.linalg.norm(vectors[3]), abs=1e-6)
    assert (plain @ plain.T).min() > 0.9
    centred = directions_from_own_mean(vectors)
    assert abs(np.sum(centred @ centred.T)) < 5


def test_copies_that_equal_the_mean_have_similarity_1_and_0_to_others(vectors):
    same = np.repeat(vectors[:1], 3, axis=0)
    rows = directions_from_own_mean(same)
    assert rows @ rows.T == pytest.approx(np.ones((3, 3)))
    mirrored = np.vstack([same[:1], same[:1], same[:1] + 1, same[:1] - 1])
    products = (rows := directions_from_own_mean(mirrored)) @ rows.T
    assert products[0, 1] == pytest.approx(1.0)
    assert products[0, 2] == pytest.approx(0.0, abs=1e-6)
    assert products[2, 3] == pytest.approx(-1.0)


def test_the_first_genre_counts_and_case_does_not_matter():
    groups = group_by_genre([("Jazz", "Funk"), ("jazz",), ("Funk",), (), ("Jazz",), ("Funk", "Jazz")])
    assert groups.names == ["Jazz", "Funk"]
    assert groups.group_of.tolist() == [0, 0, 1, -1, 0, 1]
    assert groups.counts.tolist() == [3, 2]


def test_a_wanted_genre_counts_before_the_first_one():
    groups = group_by_genre([("Jazz", "Funk"), ("Rock", "Funk"), ("Soul",)], wanted=["funk", "soul"])
    assert groups.names == ["Funk", "Soul"]
    assert groups.group_of.tolist() == [0, 0, 1]


def test_clusters_group_songs_if_few_have_a_genre_or_all_have_the_same():
    clusters = Groups("cluster", ["A", "B"], np.array([0, 1, 0, 1]))
    assert group_songs([("Jazz",), ("Funk",), (), ()], clusters=clusters).kind == "genre"
    assert group_songs([("Jazz",), (), (), ()], clusters=clusters) is clusters
    assert group_songs([("Jazz",)] * 4, clusters=clusters) is clusters
    assert group_songs([("Jazz",), (), (), ()]) is None
    assert group_songs([("Jazz",), ("Funk",), (), (), ()], clusters=None).kind == "genre"


def test_groups_of_selected_songs_are_sorted_by_their_new_size():
    groups = Groups("cluster", ["A", "B", "C", "D"], np.array([0, 1, 1, 2, 2, 2, -1]))
    selected = groups.among(np.array([5, 1, 2, 4, 3, 6, -1]))
    assert selected.names == ["C", "B"]
    assert selected.group_of.tolist() == [0, 1, 1, 0, 0, -1, -1]
    assert groups.largest(1).group_of.tolist() == [-1, -1, -1, 0, 0, 0, -1]


def test_k_means_finds_groups_without_tags_and_map(vectors):
    planted = 8 * np.random.default_rng(2).normal(size=(3, 512))[np.arange(90) % 3]
    rows = Neighbours(planted + np.random.default_rng(3).normal(size=(90, 512))).rows
    groups = group_by_sound(rows)
    assert groups.counts.tolist() == [30, 30, 30]
    assert len(set(groups.group_of[0::3].tolist())) == 1


def test_copies_of_two_songs_make_two_groups(vectors):
    rows = directions_from_own_mean(np.repeat(vectors[:2], 40, axis=0))
    groups = group_by_sound(rows)
    assert sorted(groups.counts.tolist()) == [40, 40]
    assert len(group_by_sound(directions_from_own_mean(np.repeat(vectors[:1], 40, axis=0))).names) == 1
