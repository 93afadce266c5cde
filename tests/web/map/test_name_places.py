import numpy as np
import pytest

from explorer.web.map.grouping import Grouping
from explorer.web.map.name_places import bounds, name_places

GREY = "#111111"


def test_a_name_is_placed_where_its_group_is_most_crowded():
    rng = np.random.default_rng(0)
    crowd = rng.normal([3.0, 1.0], 0.05, size=(40, 2))
    strays = rng.uniform(-5, 5, size=(20, 2))
    other = rng.normal([-3.0, -1.0], 0.05, size=(4, 2))
    positions = np.vstack([crowd, strays, other]).astype(np.float32)
    grouping = Grouping("Clusters", ["small", "large"], np.repeat([1, 0], [60, 4]).astype(np.int32))
    first, second, *others = name_places(positions, grouping, [GREY, "#222222"])
    assert [place["rank"] for place in (first, second, *others)] == sorted([0, 0, *(1 for _ in others)])
    assert (first["name"], first["colour"]) == ("large", "#222222")
    assert first["x"] == pytest.approx(3.0, abs=0.3)
    assert first["bottom"] < 1.0 < first["top"]
    assert second["x"] == pytest.approx(-3.0, abs=0.1)


def test_a_group_in_two_places_has_two_names_the_more_crowded_place_first():
    rng = np.random.default_rng(0)
    parts = [rng.normal([x, 0.0], 0.05, size=(n, 2)) for x, n in ((-3.0, 30), (3.0, 60), (0.0, 2))]
    grouping = Grouping("Clusters", ["both"], np.zeros(92, dtype=np.int32))
    places = name_places(np.vstack(parts).astype(np.float32), grouping, [GREY])
    assert [place["x"] for place in places] == pytest.approx([3.0, -3.0], abs=0.1)


def test_only_groups_with_visible_songs_have_names_and_at_these_songs():
    places = np.repeat([[0.0, 0.0], [5.0, 0.0], [9.0, 0.0]], [9, 4, 2], axis=0).astype(np.float32)
    members = np.array([0] * 9 + [0] * 4 + [1] * 2, dtype=np.int32)
    grouping = Grouping("Clusters", ["here and there", "elsewhere"], members)
    names = name_places(places, grouping, [GREY] * 2, among=np.arange(15) >= 11)
    assert [(place["name"], place["x"]) for place in names] == [("here and there", 5.0), ("elsewhere", 9.0)]
    assert name_places(places, grouping, [GREY] * 2, among=np.zeros(15, bool)) == []


def test_the_number_of_names_is_limited_and_many_artists_have_none():
    many = Grouping("Clusters", [str(i) for i in range(200)], np.repeat(np.arange(200), 4).astype(np.int32))
    positions = np.random.default_rng(0).normal(size=(800, 2)).astype(np.float32)
    places = name_places(positions, many, [GREY] * 200)
    assert len([place for place in places if place["rank"] == 0]) == 60
    assert max(place["rank"] for place in places) < 5
    artists = Grouping("Artists", many.names, many.members)
    assert name_places(positions, artists, [GREY] * 200) == []
    few = name_places(positions, artists, [GREY] * 200, among=many.members == 4)
    assert {place["name"] for place in few} == {"4"}


def test_groups_of_two_songs_have_names_only_if_there_are_few_groups():
    positions = np.random.default_rng(0).normal(size=(40, 2)).astype(np.float32)
    for n_groups, expected in ((12, 12), (20, 0)):
        members = np.repeat(np.arange(n_groups), 2).astype(np.int32)
        grouping = Grouping("Genres", [str(i) for i in range(n_groups)], members)
        names = name_places(positions[: 2 * n_groups], grouping, [GREY] * n_groups)
        assert len({place["name"] for place in names}) == expected


def test_the_bounds_include_every_point():
    assert bounds(np.array([[1, 5], [3, -2], [2, 0]], np.float32)) == [1.0, 3.0, -2.0, 5.0]
