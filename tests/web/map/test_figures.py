import json

import numpy as np
import pytest

from explorer.web.map.figures import (
    Visibility,
    fading_levels,
    legend_entries,
    map_figure,
    marker_size,
    mixed,
    name_places,
)
from explorer.web.map.grouping import Grouping
from explorer.web.map.palette import FILTERED_OUT, GREYS, GROUNDS, MAX_COLOURS, PALETTES


def a_grouping(n_groups, size=3):
    members = np.repeat(np.arange(n_groups, dtype=np.int32), size)
    return Grouping("Clusters", [f"group {i}" for i in range(n_groups)], members)


def draw(grouping, theme="dark"):
    positions = np.random.default_rng(0).normal(size=(len(grouping.members), 2)).astype(np.float32)
    return map_figure(positions, grouping, theme=theme, projection="tsne"), positions


def test_the_trace_holds_coordinates_and_colour_numbers_as_typed_arrays_and_nothing_else():
    figure, positions = draw(a_grouping(5, size=2000))
    trace = json.loads(figure.to_json())["data"][0]
    assert trace["type"] == "scattergl"
    assert (trace["x"]["dtype"], trace["y"]["dtype"], trace["marker"]["color"]["dtype"]) == ("f4", "f4", "u1")
    assert not {"text", "customdata", "hovertext", "ids"} & set(trace)
    assert len(figure.to_json()) < 16 * len(positions) + 2_000
    assert figure.layout.spikedistance == 0


def test_large_groups_have_their_own_colours_and_the_smallest_share_grey():
    figure, _ = draw(a_grouping(30))
    marker = figure.data[0].marker
    assert marker.color.tolist() == np.minimum(a_grouping(30).members, MAX_COLOURS).tolist()
    assert figure.layout.meta["colours"][MAX_COLOURS] == GREYS["dark"]
    entries = legend_entries(a_grouping(30), theme="dark")
    assert len(entries) == MAX_COLOURS + 1
    rest = {"name": "10 smaller groups", "count": 30, "representative": None}
    assert entries[-1] == {"group": None, "colour": GREYS["dark"], **rest}
    first = {"name": "group 0", "count": 3, "representative": None}
    assert entries[0] == {"group": 0, "colour": PALETTES["dark"][0], **first}


def test_the_legend_is_sorted_by_size_and_colours_follow_the_groups_numbers():
    members = np.array([0, 1, 1, 1, 2, 2], dtype=np.int32)
    grouping = Grouping("Clusters", ["a", "b", "c"], members, representatives=[0, 2, -1])
    entries = legend_entries(grouping, theme="light")
    assert [entry["name"] for entry in entries] == ["b", "c", "a"]
    assert entries[0]["colour"] == PALETTES["light"][1]
    assert [entry["representative"] for entry in entries] == [2, None, 0]
    assert [entry["group"] for entry in entries] == [1, 2, 0]
    own = legend_entries(grouping, theme="light", colours=["#111111", "#222222", "#333333", "rgba(0,0,0,.1)"])
    assert [entry["colour"] for entry in own] == ["#222222", "#333333", "#111111"]


def test_points_with_few_near_neighbours_fade():
    near = np.array([10, 5, 4, 2, 1, 0, -1])
    assert fading_levels(near, neighbours=100).tolist() == [0, 0, 1, 1, 2, 2, 0]
    assert fading_levels(np.array([2, 1, 0]), neighbours=2).tolist() == [0, 0, 2]
    grouping = a_grouping(14, size=1)
    positions, near = np.zeros((14, 2), np.float32), np.repeat(near, 2)
    meta, numbers = [], []
    for counts in (None, near):
        figure = map_figure(positions, grouping, theme="dark", projection="pca", near=counts)
        meta.append(figure.layout.meta)
        numbers.append(figure.data[0].marker.color.astype(int))
    assert (numbers[1] % meta[1]["hues"]).tolist() == numbers[0].tolist()
    shades = [contrast(meta[1]["colours"][number], GROUNDS["dark"]) for number in numbers[1]]
    plain = [contrast(meta[0]["colours"][number], GROUNDS["dark"]) for number in numbers[0]]
    assert shades[:4] == plain[:4]
    assert shades[12:] == plain[12:]
    assert all(1.05 < faded < full for faded, full in zip(shades[4:12], plain[4:12], strict=True))


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_songs_that_are_filtered_out_are_drawn_in_the_last_and_faintest_colour(theme):
    grouping = a_grouping(14, size=2)
    positions = np.random.default_rng(0).normal(size=(28, 2)).astype(np.float32)
    matching = np.arange(28) % 4 == 0
    for near in (None, np.full(28, 3)):
        plain = map_figure(positions, grouping, theme=theme, projection="pca", near=near)
        figure = map_figure(
            positions, grouping, theme=theme, projection="pca", near=near, visibility=Visibility(matching)
        )
        meta, marker = figure.layout.meta, figure.data[0].marker
        assert len(figure.data[0].x) == 28
        assert marker.color.dtype == np.uint8
        assert (marker.color == meta["unlit"]).tolist() == (~matching).tolist()
        assert marker.color[matching].tolist() == plain.data[0].marker.color[matching].tolist()
        assert meta["colours"] == [*plain.layout.meta["colours"], FILTERED_OUT[theme]]
        assert (meta["unlit"], meta["lit"]) == (len(meta["colours"]) - 1, 7)
        # The scale gives each number its own colour, from the first to the last.
        assert (marker.cmin, marker.cmax) == (-0.5, meta["unlit"] + 0.5)
        assert [colour for _, colour in marker.colorscale][1::2] == meta["colours"]
        assert (plain.layout.meta["unlit"], plain.layout.meta["lit"]) == (None, 28)


def test_only_groups_with_matching_songs_have_names_and_at_these_songs():
    places = np.repeat([[0.0, 0.0], [5.0, 0.0], [9.0, 0.0]], [9, 4, 2], axis=0).astype(np.float32)
    members = np.array([0] * 9 + [0] * 4 + [1] * 2, dtype=np.int32)
    grouping = Grouping("Clusters", ["here and there", "elsewhere"], members)
    matching = np.arange(15) >= 11
    names = map_figure(
        places, grouping, theme="dark", projection="pca", visibility=Visibility(matching)
    ).layout.meta["names"]
    assert [(place["name"], place["x"]) for place in names] == [("here and there", 5.0), ("elsewhere", 9.0)]
    nothing = map_figure(
        places, grouping, theme="dark", projection="pca", visibility=Visibility(np.zeros(15, bool))
    )
    assert (nothing.layout.meta["names"], nothing.layout.meta["lit"]) == ([], 0)
    artists = Grouping("Artists", [str(i) for i in range(15)], np.arange(15, dtype=np.int32))
    assert name_places(places, artists, ["#111111"] * 21) == []
    names = name_places(places, artists, ["#111111"] * 21, among=np.arange(15) == 4)
    assert [place["name"] for place in names] == ["4"]


def test_the_groups_names_are_sent_unless_there_are_too_many():
    assert draw(a_grouping(60))[0].layout.meta["groups"] == [f"group {i}" for i in range(60)]
    assert draw(a_grouping(61))[0].layout.meta["groups"] is None


def test_colours_are_mixed_with_the_grounds_colour():
    assert mixed("#ff0000", "#000000", 0.0) == "#ff0000"
    assert mixed("#ff0000", "#0000ff", 1.0) == "#0000ff"
    assert mixed("#ff8000", "#008000", 0.5) == "#808000"


def test_a_name_is_placed_where_its_group_is_most_crowded():
    rng = np.random.default_rng(0)
    crowd = rng.normal([3.0, 1.0], 0.05, size=(40, 2))
    strays = rng.uniform(-5, 5, size=(20, 2))
    other = rng.normal([-3.0, -1.0], 0.05, size=(4, 2))
    positions = np.vstack([crowd, strays, other]).astype(np.float32)
    grouping = Grouping("Clusters", ["small", "large"], np.repeat([1, 0], [60, 4]).astype(np.int32))
    first, second, *others = name_places(positions, grouping, ["#111111", "#222222"])
    assert [place["rank"] for place in (first, second, *others)] == sorted([0, 0, *(1 for _ in others)])
    assert (first["name"], first["colour"]) == ("large", "#222222")
    assert first["x"] == pytest.approx(3.0, abs=0.3)
    assert first["bottom"] < 1.0 < first["top"]
    assert second["x"] == pytest.approx(-3.0, abs=0.1)


def test_a_group_in_two_places_has_two_names_the_more_crowded_place_first():
    rng = np.random.default_rng(0)
    parts = [rng.normal([x, 0.0], 0.05, size=(n, 2)) for x, n in ((-3.0, 30), (3.0, 60), (0.0, 2))]
    grouping = Grouping("Clusters", ["both"], np.zeros(92, dtype=np.int32))
    places = name_places(np.vstack(parts).astype(np.float32), grouping, ["#111111"])
    assert [place["x"] for place in places] == pytest.approx([3.0, -3.0], abs=0.1)


def test_the_number_of_names_is_limited_and_many_artists_have_none():
    many = Grouping("Clusters", [str(i) for i in range(200)], np.repeat(np.arange(200), 4).astype(np.int32))
    positions = np.random.default_rng(0).normal(size=(800, 2)).astype(np.float32)
    places = name_places(positions, many, ["#111111"] * 200)
    assert len([place for place in places if place["rank"] == 0]) == 60
    assert max(place["rank"] for place in places) < 5
    artists = Grouping("Artists", many.names, many.members)
    assert name_places(positions, artists, ["#111111"] * 200) == []


def contrast(one, other):
    """Return the contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_an_empty_map_and_one_song_are_drawn():
    for n in (0, 1):
        figure = map_figure(
            np.zeros((n, 2), np.float32), a_grouping(n, size=1), theme="light", projection="pca"
        )
        assert len(figure.data[0].x) == n
        assert len(figure.layout.meta["bounds"]) == 4


def test_points_are_smaller_on_maps_of_more_songs():
    sizes = [marker_size(n) for n in (1, 187, 10_000, 1_000_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 3
