import json
import re
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest

from explorer.config import ROOT
from explorer.database.database import Database
from explorer.mapping.voronoi import voronoi_regions
from explorer.structure.song_features import SongFeatures
from explorer.web.data.facets import Filter
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.drawing import Drawing, cell_colours, draw_map, newest_snapshot
from explorer.web.map.grouping import NO_ARTIST, NO_GENRE, Grouping
from explorer.web.map.key_palette import KEY_COLOURS
from explorer.web.map.palette import CELLS, FILTERED_OUT, GREYS, GROUNDS, MAX_COLOURS, PALETTES
from explorer.web.map.scale_palette import SCALE_STEPS, scale_colours
from explorer.web.map.song_flags import FADED, LIT, VERY_FADED
from explorer.web.map.view import MapView
from explorer.web.page.header import colouring_options, count_line


@pytest.fixture
def catalogue(library):
    """A snapshot of 24 songs in three clusters, regions and genres."""
    return CatalogueHolder(library[0]).latest()


Snapshot = namedtuple("Snapshot", "revision changes")
"""The parts of a snapshot that pages know."""


def with_clusters(catalogue, members):
    """Return the snapshot with other clusters."""
    members = np.asarray(members, dtype=np.int32)
    names = [f"group {i}" for i in range(members.max() + 1)]
    return replace(catalogue, clusters=Grouping("Clusters", names, members))


@pytest.mark.parametrize("colouring", ["cluster", "genre", "artist"])
@pytest.mark.parametrize("projection", ["tsne", "umap", "pca", "original"])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_every_view_has_a_description_with_the_same_items(catalogue, projection, colouring, theme):
    view = MapView(projection, colouring, 3, theme=theme)
    meta, legend, quality = draw_map(catalogue, view)
    assert json.loads(json.dumps(meta, allow_nan=False)) == meta
    source = (ROOT / "assets" / "core" / "types.js").read_text(encoding="utf-8")
    (described,) = re.findall(r"@typedef {object} MapMeta (.*?)@typedef", source, re.DOTALL)
    assert set(meta) == set(re.findall(r"@property {.+?} (\w+)", described))
    assert (meta["projection"], meta["colouring"], meta["theme"]) == (projection, colouring, theme)
    assert (meta["ground"], meta["filtered_out"]) == (GROUNDS[theme], FILTERED_OUT[theme])
    assert (meta["revision"], meta["order"]) == (catalogue.revision, catalogue.order)
    assert (meta["songs"], meta["lit"], meta["away"], meta["is_filtered"]) == (24, 24, 0, False)
    assert len(legend) == 2
    assert quality["trustworthiness"] == pytest.approx(0.97)


def test_the_description_names_the_view_that_was_drawn(catalogue):
    asked = {"projection": "tsne", "revision": 99, "changes": "old", "filter": {"genres": ["Waltz"]}}
    meta = Drawing.of(catalogue, MapView.parse(asked)).describe()
    drawn = MapView.parse(meta["view"])
    assert (drawn.revision, drawn.changes) == (catalogue.revision, catalogue.changes)
    assert (drawn.cluster_count, drawn.filter.genres) == (3, ("Waltz",))
    only_pca = replace(catalogue, positions={"pca": catalogue.positions["pca"]})
    meta = Drawing.of(only_pca, MapView("umap")).describe()
    assert (meta["projection"], meta["view"]["projection"]) == ("pca", "pca")


def test_a_colour_number_is_the_groups_place_in_the_palette(catalogue):
    members = np.arange(24, dtype=np.int32)
    drawing = Drawing.of(with_clusters(catalogue, members), MapView("tsne"))
    numbers = drawing.colour_numbers()
    assert numbers.dtype == np.uint8
    assert numbers.tolist() == np.minimum(members, MAX_COLOURS).tolist()
    assert drawing.describe()["colours"] == [*PALETTES["dark"], GREYS["dark"]]


def test_a_colouring_by_genre_has_the_genres_names(catalogue):
    drawing = Drawing.of(catalogue, MapView("tsne", "genre"))
    meta, numbers = drawing.describe(), drawing.colour_numbers()
    assert numbers.tolist() == [1] * 8 + [2] * 8 + [0] * 8
    assert {place["name"]: place["colour"] for place in meta["names"]} == {
        name: PALETTES["dark"][number] for number, name in enumerate(["Ambient", "Techno", "Waltz"])
    }


def test_a_filter_lights_the_songs_that_match_and_only_their_groups_have_names(catalogue):
    view = MapView("pca", filter=Filter(genres=("Waltz",)))
    drawing = Drawing.of(catalogue, view)
    assert np.flatnonzero(drawing.flags() & LIT).tolist() == list(range(8, 16))
    meta = drawing.describe()
    assert (meta["lit"], meta["is_filtered"], len(meta["names"])) == (8, True, 1)
    # The page still counts the songs if all match.
    everything = replace(view, filter=Filter(genres=("Waltz", "Techno", "Ambient")))
    meta = Drawing.of(catalogue, everything).describe()
    assert (meta["lit"], meta["is_filtered"]) == (24, True)
    meta = Drawing.of(catalogue, replace(view, filter=Filter(genres=("Polka",)))).describe()
    assert (meta["lit"], meta["names"]) == (0, [])


def test_a_cluster_that_the_map_does_not_have_filters_nothing_and_is_named(catalogue):
    known = catalogue.clusters.names[0]
    meta = Drawing.of(catalogue, MapView("tsne", filter=Filter(clusters=("gone",)))).describe()
    assert (meta["lit"], meta["is_filtered"], meta["unknown"]["clusters"]) == (24, False, ["gone"])
    for colouring in ("cluster", "genre", "length"):
        view = MapView("tsne", colouring, filter=Filter(clusters=("gone", known)))
        meta = Drawing.of(catalogue, view).describe()
        assert (meta["lit"], meta["unknown"]["clusters"]) == (8, ["gone"])


def test_genres_and_artists_that_the_library_does_not_have_are_named(catalogue):
    chosen = Filter(genres=("waltz", "gone", NO_GENRE), artists=("Artist 1", "Nobody", NO_ARTIST))
    meta = Drawing.of(catalogue, MapView("tsne", filter=chosen)).describe()
    assert meta["unknown"] == {"genres": ["gone"], "clusters": [], "artists": ["Nobody"]}


def test_a_cluster_of_another_number_can_be_filtered_by_in_every_colouring(catalogue):
    four = catalogue.grouping("cluster", cluster_count=4)
    chosen = Filter(clusters=(four.names[3],))
    for colouring in ("cluster", "genre", "length"):
        meta = Drawing.of(catalogue, MapView("tsne", colouring, 4, filter=chosen)).describe()
        assert (meta["lit"], meta["unknown"]["clusters"]) == (four.counts[3], [])


def test_a_scale_gives_each_song_a_colour_and_the_clusters_keep_their_names(catalogue):
    durations = np.linspace(10, 240, 24).astype(np.float32)
    durations[5] = np.nan
    known = replace(catalogue)
    known.__dict__["facets"] = replace(catalogue.facets, duration_of_song=durations)
    drawing = Drawing.of(known, MapView("tsne", "length", theme="light"))
    meta, numbers = drawing.describe(), drawing.colour_numbers()
    assert meta["colours"] == [*scale_colours("light"), GREYS["light"]]
    assert (numbers[0], numbers[5], numbers[23]) == (0, SCALE_STEPS, SCALE_STEPS - 1)
    assert (meta["slots"], meta["scale"]["field"]) == ({}, "duration_s")
    assert {place["name"] for place in meta["names"]} <= set(catalogue.clusters.names)
    legend = json.dumps(drawing.legend(), default=lambda part: part.to_plotly_json())
    assert all(text in legend for text in ("Unknown length", "0:10", "4:00", "23 songs"))
    assert "data-group" not in legend


def test_if_no_song_has_a_year_the_clusters_give_the_colours(catalogue):
    assert catalogue.scales_offered == {"length"}
    meta = Drawing.of(catalogue, MapView("tsne", "year")).describe()
    assert (meta["colouring"], meta["view"]["colouring"], meta["scale"]) == ("cluster", "cluster", None)
    names = [option["value"] for option in colouring_options(catalogue)]
    assert names == ["cluster", "genre", "artist", "length"]


def with_features(path, features):
    """Return a new snapshot of a library whose songs have got these features."""
    with Database.open(path) as database:
        for song_id, measured in features.items():
            database.store_features(song_id, measured)
    return CatalogueHolder(path).latest()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_a_key_colours_by_the_wheel_and_the_legend_counts_each_key_and_the_doubt(library, theme):
    path, ids = library
    keys = {0: ("A minor", 0.9), 1: ("A minor", 0.9), 2: ("C major", 0.9), 3: ("C major", 0.1)}
    found = {ids[i]: SongFeatures(key=key, key_confidence=sure) for i, (key, sure) in keys.items()}
    catalogue = with_features(path, found)
    drawing = Drawing.of(catalogue, MapView("tsne", "key", theme=theme))
    meta, numbers = drawing.describe(), drawing.colour_numbers()
    assert numbers[:5].tolist() == [14, 14, 15, 24, 24]
    assert meta["colours"] == [*KEY_COLOURS[theme], GREYS[theme]]
    assert (meta["scale"]["form"], meta["scale"]["sure_field"]) == ("key", "key_is_sure")
    legend = json.dumps(drawing.legend(), default=lambda part: part.to_plotly_json(), ensure_ascii=False)
    assert legend.index("7A · D minor: 0 songs") < legend.index("8A · A minor: 2 songs")
    assert "8B · C major: 1 song" in legend and "3 songs" in legend
    assert legend.index("Key not sure") < legend.index("Unknown key") < legend.index('"20"')


def test_only_features_of_which_a_song_has_a_value_can_colour_the_map(library):
    path, ids = library
    doubtful = SongFeatures(90, 0.1, "C major", 0.1, energy=0.5)
    catalogue = with_features(path, {ids[0]: doubtful})
    assert catalogue.scales_offered == {"energy", "length"}
    meta = Drawing.of(catalogue, MapView("tsne", "tempo")).describe()
    assert (meta["colouring"], meta["scale"]) == ("cluster", None)
    everything = SongFeatures(120, 0.9, "A minor", 0.9, 0.5, -14.0, 1800.0)
    catalogue = with_features(path, {ids[1]: everything})
    names = [option["value"] for option in colouring_options(catalogue)]
    assert names[3:] == ["tempo", "key", "energy", "loudness", "brightness", "length"]
    meta = Drawing.of(catalogue, MapView("tsne", "tempo")).describe()
    assert meta["scale"]["form"] == "bpm"


def test_the_legend_speaks_of_as_many_genres_as_the_header(library):
    path, ids = library
    with Database.open(path) as database:
        database.store_genres({ids[0]: ["Techno", "Polka"], ids[9]: ["Waltz", "Polka", "Swing"]})
    catalogue = CatalogueHolder(path).latest()
    legend = Drawing.of(catalogue, MapView("tsne", "genre")).legend()
    text = json.dumps(legend, default=lambda part: part.to_plotly_json())
    assert "5 genres" in count_line(catalogue)
    assert '"children": "5"' in text
    assert "2 more genres" in text


def test_points_fade_only_if_the_view_says_so_and_never_in_the_original_view(catalogue):
    near = np.array([0, 3, 9, *[10] * 21])
    misplaced = replace(catalogue, near=dict.fromkeys(catalogue.near, near))
    flags = Drawing.of(misplaced, MapView("tsne", fade=True)).flags()
    assert (flags[:4] & (FADED | VERY_FADED)).tolist() == [VERY_FADED, FADED, 0, 0]
    for view in (MapView("tsne"), MapView("original", fade=True)):
        assert set(Drawing.of(misplaced, view).flags().tolist()) == {LIT}


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_original_view_has_coloured_cells_with_a_centre_and_one_name_each(catalogue, theme):
    drawing = Drawing.of(catalogue, MapView("original", cluster_count=5, theme=theme))
    meta, numbers = drawing.describe(), drawing.colour_numbers()
    regions, grouping = catalogue.regions(5)
    assert numbers.tolist() == regions.labels.tolist()
    assert meta["colours"] == CELLS[theme][:5]
    assert meta["regions"]["centres"] == regions.centres.tolist()
    for corners, polygon in zip(meta["regions"]["polygons"], regions.polygons, strict=True):
        assert corners == polygon.tolist()
    corners = np.vstack([catalogue.positions["pca"], *regions.polygons])
    assert meta["bounds"] == [edge for axis in corners.T for edge in (axis.min(), axis.max())]
    # A region of fewer than three songs would have no name if there were many regions.
    assert sorted(place["name"] for place in meta["names"]) == sorted(grouping.names)
    for place in meta["names"]:
        corners = regions.polygons[grouping.names.index(place["name"])]
        assert corners[:, 0].min() <= place["x"] <= corners[:, 0].max()


def test_adjacent_cells_have_different_colours():
    regions = voronoi_regions(np.random.default_rng(0).normal(size=(2_000, 2)), count=50)
    colours = cell_colours(regions, "dark")
    assert len(colours) == 50
    assert all(colours[one] != colours[other] for one, other in regions.borders.tolist())


def test_a_page_that_knows_more_than_the_snapshot_in_memory_gets_a_new_one():
    class Holder:
        def current(self):
            return Snapshot(1, "a")

        def latest(self):
            return Snapshot(2, "b")

    assert newest_snapshot(Holder(), 1, "a") == newest_snapshot(Holder(), 1) == Snapshot(1, "a")
    assert newest_snapshot(Holder(), 1, "b") == newest_snapshot(Holder(), 2) == Snapshot(2, "b")
