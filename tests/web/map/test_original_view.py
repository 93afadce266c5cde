import json
import re

import numpy as np
import pytest

from explorer.mapping.voronoi import voronoi_regions
from explorer.web.map.figures import Visibility, legend_entries, map_figure
from explorer.web.map.grouping import Grouping
from explorer.web.map.original_view import cell_colours, original_figure
from explorer.web.map.palette import CELLS

NAMES = ["Rock", "Salsa", "<b>Jazz</b>", "Opera", "Folk"]


def draw(n=400, count=5, theme="dark", matching=None, names=NAMES):
    positions = np.random.default_rng(0).normal(size=(n, 2)).astype(np.float32)
    regions = voronoi_regions(positions, count=count)
    grouping = Grouping("Regions", names[: len(regions.polygons)], regions.labels)
    cells = cell_colours(regions, theme)
    visibility = Visibility(matching)
    figure = original_figure(positions, regions, grouping, cells, theme=theme, visibility=visibility)
    return figure, positions, regions


def parts(colour):
    """Return a colour's red, green and blue, and its opacity."""
    *channels, opacity = [*(float(part) for part in re.findall(r"[\d.]+", colour)), 1.0][:4]
    return channels, opacity


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_black_points_lie_on_coloured_cells_under_white_crosses(theme):
    figure, _, regions = draw(theme=theme)
    songs, crosses = figure.data
    assert songs.type == crosses.type == "scattergl"
    assert songs.marker.color.dtype == np.uint8
    assert songs.marker.color.tolist() == regions.labels.tolist()
    assert {parts(colour)[1] for _, colour in songs.marker.colorscale} == {1.0}
    assert {tuple(parts(colour)[0]) for _, colour in songs.marker.colorscale} == {(0, 0, 0)}
    assert (crosses.marker.color, crosses.marker.line.color) == ("#ffffff", "#000000")
    assert crosses.hoverinfo == "skip"
    np.testing.assert_allclose(np.column_stack([crosses.x, crosses.y]), regions.centres, atol=1e-6)
    assert [shape.fillcolor for shape in figure.layout.shapes] == CELLS[theme][:5]
    assert {shape.layer for shape in figure.layout.shapes} == {"below"}
    for shape, polygon in zip(figure.layout.shapes, regions.polygons, strict=True):
        assert re.fullmatch(r"M[-\d.e,]+(L[-\d.e,]+){2,}Z", shape.path)
        corners = [[float(number) for number in corner.split(",")] for corner in shape.path[1:-1].split("L")]
        np.testing.assert_allclose(corners, polygon, rtol=1e-7, atol=1e-8)


def test_its_layout_and_meta_are_those_of_any_other_map():
    figure, positions, regions = draw()
    meta = figure.layout.meta
    grouping = Grouping("Clusters", NAMES, regions.labels)
    other = map_figure(positions, grouping, theme="dark", projection="pca")
    assert set(meta) == set(other.layout.meta)
    for part in ("xaxis", "yaxis", "hovermode", "hoverdistance", "spikedistance", "dragmode", "margin"):
        assert figure.layout[part] == other.layout[part]
    assert (meta["projection"], meta["groups"], meta["theme"]) == ("original", NAMES, "dark")
    assert (meta["unlit"], meta["lit"]) == (None, 400)
    # A song's colour is its region's, by the same arithmetic as on the other maps.
    colours = [meta["colours"][number % meta["hues"]] for number in figure.data[0].marker.color]
    assert colours == [CELLS["dark"][label] for label in regions.labels]
    corners = np.vstack(regions.polygons)
    assert meta["bounds"] == [*corners[:, 0][[corners[:, 0].argmin(), corners[:, 0].argmax()]],
                              *corners[:, 1][[corners[:, 1].argmin(), corners[:, 1].argmax()]]]  # fmt: skip
    json.dumps(meta)


def test_each_region_has_one_name_in_its_colour():
    figure, _, regions = draw()
    names = figure.layout.meta["names"]
    assert sorted(place["name"] for place in names) == sorted(NAMES)
    for place in names:
        number = NAMES.index(place["name"])
        assert place["colour"] == CELLS["dark"][number]
        corners = regions.polygons[number]
        assert corners[:, 0].min() <= place["x"] <= corners[:, 0].max()


def test_songs_that_are_filtered_out_are_faint_points():
    matching = np.arange(400) % 8 == 0
    figure, _, regions = draw(matching=matching)
    meta, marker = figure.layout.meta, figure.data[0].marker
    assert (meta["unlit"], meta["hues"], meta["lit"]) == (5, 5, 50)
    assert marker.color.tolist() == np.where(matching, regions.labels, 5).tolist()
    assert (marker.cmin, marker.cmax) == (-0.5, 5.5)
    opacities = [parts(colour)[1] for _, colour in marker.colorscale]
    assert opacities[:10] == [1.0] * 10
    assert all(0.05 < opacity < 0.3 for opacity in opacities[10:])
    assert len(figure.layout.shapes) == 5
    names = draw(matching=regions.labels == 2)[0].layout.meta["names"]
    assert [place["name"] for place in names] == [NAMES[2]]


def test_the_legend_has_the_colours_of_all_cells():
    names = [str(i) for i in range(50)]
    figure, _, regions = draw(n=2_000, count=50, names=names)
    grouping = Grouping("Regions", names, regions.labels)
    entries = legend_entries(grouping, theme="dark", colours=figure.layout.meta["colours"])
    assert len(entries) == 50
    shapes = figure.layout.shapes
    assert all(entry["colour"] == shapes[entry["group"]].fillcolor for entry in entries)


@pytest.mark.parametrize("n", [0, 1, 2])
def test_an_empty_map_and_few_songs_are_drawn(n):
    figure, _, regions = draw(n=n)
    assert len(figure.data[0].x) == n
    assert len(figure.layout.shapes) == len(regions.polygons) == n
    left, right, bottom, top = figure.layout.meta["bounds"]
    assert left < right
    assert bottom < top
    figure.to_json()
