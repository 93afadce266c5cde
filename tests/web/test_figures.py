import json

import numpy as np
import pytest

from explorer.web.catalogue import Grouping
from explorer.web.figures import GREYS, MAX_COLOURS, PALETTES, legend_entries, map_figure, marker_size


def a_grouping(n_groups, size=3):
    members = np.repeat(np.arange(n_groups, dtype=np.int32), size)
    return Grouping("Clusters", [f"group {i}" for i in range(n_groups)], members)


def draw(grouping, theme="dark"):
    positions = np.random.default_rng(0).normal(size=(len(grouping.members), 2)).astype(np.float32)
    return map_figure(positions, grouping, theme=theme, projection="tsne"), positions


def test_coordinates_and_colours_travel_as_typed_arrays_and_nothing_else_does():
    figure, positions = draw(a_grouping(5, size=2000))
    trace = json.loads(figure.to_json())["data"][0]
    assert trace["type"] == "scattergl"
    assert (trace["x"]["dtype"], trace["y"]["dtype"], trace["marker"]["color"]["dtype"]) == ("f4", "f4", "u1")
    assert not {"text", "customdata", "hovertext", "ids"} & set(trace)
    assert len(figure.to_json()) < 16 * len(positions) + 2_000
    assert figure.layout.spikedistance == 0


def test_each_group_has_its_colour_and_the_smallest_share_grey():
    figure, _ = draw(a_grouping(30))
    marker = figure.data[0].marker
    assert marker.color.tolist() == np.minimum(a_grouping(30).members, MAX_COLOURS).tolist()
    assert marker.colorscale[-1] == (1.0, GREYS["dark"])
    entries = legend_entries(a_grouping(30), theme="dark")
    assert len(entries) == MAX_COLOURS + 1
    assert entries[-1] == (GREYS["dark"], "10 more", 30)
    assert entries[0] == (PALETTES["dark"][0], "group 0", 3)


@pytest.mark.parametrize(("theme", "ground"), [("dark", "#0c0e13"), ("light", "#f6f5f1")])
def test_every_colour_stands_out_from_its_ground(theme, ground):
    assert len(set(PALETTES[theme])) == MAX_COLOURS
    for colour in PALETTES[theme]:
        assert contrast(colour, ground) >= (3.0 if theme == "dark" else 1.9), colour
    # Twelve groups are common: these may not depend on size alone to be seen.
    assert all(contrast(colour, ground) >= 3.0 for colour in PALETTES[theme][:12])


def contrast(one, other):
    """Contrast ratio of WCAG 2.2."""
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


def test_points_shrink_as_they_become_many():
    sizes = [marker_size(n) for n in (1, 187, 10_000, 1_000_000)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] == 3
