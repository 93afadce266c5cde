import json
import re
import subprocess
import sys

import apsw
import numpy as np
import pytest
from support import store_vectors

from explorer.analysis.library_status import describe_library, library_status
from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.indexing.make_map import make_map
from explorer.util.progress import Reporter
from explorer.web.app import create_app
from explorer.web.data.facets import Filter
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.drawing import Drawing, draw_map
from explorer.web.map.view import MapView
from explorer.web.page import panels

CANVASES = ["regions", "points", "crosses", "neighbour-lines", "lasso-canvas"]


def page_text(database):
    """Return the page's layout as the browser receives it."""
    client = create_app(Settings(database=database)).server.test_client()
    assert client.get("/").status_code == 200
    return client.get("/_dash-layout").text


def counts_in(text):
    """Return the line of counts in the page's layout, as JSON has it."""
    return re.search(r'"children":"([^"]*)","id":"counts"', text)[1]


def test_the_page_counts_songs_and_says_when_filters_are_untrained(library, tmp_path, make_library):
    path, _ = library
    text = page_text(path)
    assert "24 songs" in text
    assert "untrained filters" in text
    make_library(tmp_path / "trained.db", tmp_path / "music", trained=True)
    assert "untrained filters" not in page_text(tmp_path / "trained.db")


def test_an_empty_an_unmapped_a_broken_and_a_busy_library_have_different_notices(tmp_path, library):
    assert "No music here yet" in page_text(tmp_path / "absent.db")
    Database.open(tmp_path / "empty.db").close()
    assert "No music here yet" in page_text(tmp_path / "empty.db")
    path, _ = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM projections")
    assert "The songs have no map yet" in page_text(path)
    (tmp_path / "text.db").write_text("no database at all, but long enough to be looked at " * 40)
    assert "cannot be opened" in page_text(tmp_path / "text.db")
    other = apsw.Connection(str(path))
    other.pragma("locking_mode", "exclusive")
    other.execute("BEGIN EXCLUSIVE; UPDATE state SET value = value")
    try:
        assert "The library is busy" in page_text(path)
    finally:
        other.close()


def test_the_commands_in_notices_name_the_library_as_it_was_given(tmp_path, library):
    path, _ = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM projections")
    given = tmp_path / "my radio.db"
    notices = []
    for database in (tmp_path / "absent.db", path):
        settings = Settings(database=database, database_as_given=given)
        layout = create_app(settings).server.test_client().get("/_dash-layout").get_json()
        notices.append(json.dumps(layout, ensure_ascii=False))
    assert f"python run.py open FOLDER --db '{given}'" in notices[0]
    assert f"python run.py map --db '{given}'" in notices[1]


def test_a_library_without_a_map_says_how_many_songs_it_has(library):
    path, _ = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM projections")
    assert "24 songs · 3 genres" in json.loads(f'"{counts_in(page_text(path))}"')


def test_the_browser_loads_every_module_at_once_and_dash_loads_none(tmp_path, library):
    for name in ("core/main.js", "map/a b.js", "b.css", "types.d.ts"):
        (tmp_path / "assets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "assets" / name).write_text("")
    app = create_app(Settings(database=library[0], assets=tmp_path / "assets"))
    client = app.server.test_client()
    index = client.get("/").text
    assert re.findall('rel="modulepreload" href="([^"]*)"', index) == [
        "assets/core/main.js",
        "assets/map/a%20b.js",
    ]
    assert not re.findall('<script[^>]* src="[^"]*assets', index)
    assert 'href="/assets/b.css' in index
    assert client.get("/assets/map/a%20b.js").status_code == 200
    # The modules start Dash.
    (renderer,) = re.findall('<script id="_dash-renderer"[^>]*>(.*?)</script>', index, re.DOTALL)
    start = r'import\("./assets/core/main.js"\).*start\(.*new DashRenderer\(.*\.catch\(.*'
    assert re.fullmatch(start, renderer, re.DOTALL)


def test_the_page_loads_no_plotly_and_has_the_maps_canvases(library):
    client = create_app(Settings(database=library[0])).server.test_client()
    assert "plotly" not in re.sub("_dash-config.*?</script>", "", client.get("/").text)
    layout = client.get("/_dash-layout").text
    assert '"Graph"' not in layout
    ids = [canvas for canvas in re.findall('"id":"([^"]*)"', layout) if canvas in CANVASES]
    assert ids == CANVASES


def test_suggestions_contain_titles_as_data(tmp_path, make_library):
    make_library(tmp_path / "songs.db", tmp_path / "music", titles={4: "<script>alert(1)</script>"})
    (suggestion,) = panels.suggestions(CatalogueHolder(tmp_path / "songs.db"), "script")
    assert suggestion == {"value": "song:004.flac", "label": "<script>alert(1)</script>", "told": "Artist 0"}


def test_a_genre_or_an_artist_is_suggested_as_a_filter(library):
    suggestions = panels.suggestions(CatalogueHolder(library[0]), "waltz")
    assert suggestions[0] == {"value": "genre:Waltz", "label": "Waltz", "told": "Show this genre: 8 songs"}
    assert suggestions[1]["value"].startswith("song:")


def test_the_artists_come_before_a_text_and_only_a_text_finds_nothing(library):
    holder = CatalogueHolder(library[0])
    assert panels.artist_options(holder, "", []) == (["Artist 0", "Artist 1", "Artist 2"], None)
    assert panels.artist_options(holder, "", ["Artist 2"])[0] == ["Artist 2", "Artist 0", "Artist 1"]
    assert panels.artist_options(holder, "zz", ["Artist 2"]) == (["Artist 2"], "No results for “zz”")


def test_a_chosen_name_is_an_option_even_if_the_library_does_not_have_it(library):
    chosen = Filter(genres=("Nonsense", "Waltz"), clusters=("Nothing",))
    genres, clusters, *_ = panels.filter_options(CatalogueHolder(library[0]).current(), None, chosen)
    assert [genre["value"] for genre in genres].count("Waltz") == 1
    assert genres[-1] == {"value": "Nonsense", "label": "Nonsense"}
    assert len(clusters) == 4
    assert clusters[-1] == "Nothing"


def test_without_a_library_nothing_is_suggested(tmp_path):
    holder = CatalogueHolder(tmp_path / "absent.db")
    assert panels.suggestions(holder, "waltz") is None
    assert panels.artist_options(holder, "", []) == ([], None)


@pytest.mark.parametrize(
    ("colouring", "field", "name", "other_field"),
    [("cluster", "clusters", None, "genres"), ("genre", "genres", "waltz", "artists")],
)
def test_the_legend_marks_the_groups_that_the_filter_shows(library, colouring, field, name, other_field):
    catalogue = CatalogueHolder(library[0]).latest()
    name = name or catalogue.clusters.names[1]

    def legend_with(filter_field):
        document = {"projection": "tsne", "colouring": colouring, "filter": {filter_field: [name]}}
        _, legend, _ = draw_map(catalogue, MapView.parse(document))
        return json.dumps(legend, default=lambda part: part.to_plotly_json())

    text = legend_with(field)
    assert text.count('"aria-pressed": "true"') == 1
    before, after = text.split('"aria-pressed": "true"')
    around = before[before.rindex("{") :] + after[: after.index("}")]
    (pressed,) = re.findall('"data-group": "([^"]*)"', around)
    assert pressed.casefold() == name.casefold()
    assert text.count('"data-representative"') == (3 if colouring == "cluster" else 0)
    assert '"aria-pressed": "true"' not in legend_with(other_field)


def test_filters_offer_genres_clusters_years_and_durations(library):
    genres, clusters, first, last, note, longest = panels.filter_options(
        CatalogueHolder(library[0]).latest(), None
    )
    assert genres[0] == {"value": "Ambient", "label": "Ambient (8)"}
    assert len(clusters) == 3
    assert (first, last, note, longest) == (0, 0, "24 songs without a year", 1)


def test_serving_imports_nothing_heavy(library):
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from pathlib import Path\n"
        "import explorer.web.server\n"
        "from explorer.config import Settings\n"
        "from explorer.web.app import create_app\n"
        f"client = create_app(Settings(database=Path({str(library[0])!r}))).server.test_client()\n"
        "assert client.get('/').status_code == client.get('/_dash-layout').status_code == 200\n"
        "names = {'tensorflow', 'keras', 'openvino', 'umap', 'numba', 'sklearn', 'openTSNE'}\n"
        "heavy = names & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("kind", ["one song", "two songs", "identical songs", "no genres"])
def test_small_and_unusual_libraries_have_a_page(fresh_db, tmp_path, kind):
    """Fewer songs than clusters or neighbours, no genres, and songs with identical vectors."""
    vectors = np.random.default_rng(0).normal(size=(12, 512))
    if kind == "identical songs":
        vectors[:] = vectors[0]
    count = {"one song": 1, "two songs": 2}.get(kind, 12)
    store_vectors(fresh_db, tmp_path, vectors[:count])
    make_map(fresh_db, reporter=Reporter())
    holder = CatalogueHolder(fresh_db.path)
    catalogue = holder.latest()
    for projection in ("tsne", "umap", "pca", "original"):
        for colouring, clusters in (
            ("cluster", None),
            ("cluster", 50),
            ("genre", None),
            ("artist", None),
            ("year", None),
        ):
            drawing = Drawing.of(catalogue, MapView(projection, colouring, clusters, fade=True))
            assert len(drawing.colour_numbers()) == len(drawing.flags()) == drawing.describe()["lit"] == count
            assert len(drawing.legend()) == 2
    client = create_app(Settings(database=fresh_db.path)).server.test_client()
    neighbours = client.get("/neighbours/1/0").get_json()["neighbours"]
    # The vectors are random, so no song sounds like another one.
    assert neighbours == []
    assert catalogue.first_projection == "pca"
    assert client.get("/songs/1/0").get_json()["neighbours"] == min(10, count - 1)
    catalogue.warm_up()
    text = describe_library(library_status(fresh_db))
    if count < 3:
        assert "too few songs to measure its quality" in text


def test_large_answers_are_compressed_and_sound_is_not(library):
    path, ids = library
    client = create_app(Settings(database=path)).server.test_client()
    headers = {"Accept-Encoding": "gzip"}
    assert client.get("/_dash-layout", headers=headers).headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in client.get(f"/audio/{ids[0]}", headers=headers).headers


@pytest.mark.parametrize("found", [None, 0.987])
def test_the_figures_of_a_maps_quality_say_whether_neighbours_are_approximate(found):
    quality = {"trustworthiness": 0.9, "neighbours_kept": 0.4}
    if found is not None:
        quality["neighbours_found"] = found
    sentence, figures, both = panels.trust(quality)
    assert sentence == "Of each song's 10 closest matches, 4 are drawn nearby"
    for shown in (figures, both):
        text = json.dumps([part.to_plotly_json() for part in shown], default=vars)
        assert ("98.7%" in text and "Neighbours found" in text) == (found is not None)
        assert "0.900" in text


@pytest.mark.parametrize(
    ("quality", "sentence"),
    [
        ({}, "Too few songs to measure how far this map can be trusted"),
        ({"neighbours_kept": 0.11}, "Of each song's 10 closest matches, 1 is drawn nearby"),
        ({"neighbours_kept": 0.0}, "Of each song's 10 closest matches, 0 are drawn nearby"),
    ],
)
def test_the_trust_in_a_map_is_one_sentence(quality, sentence):
    assert panels.trust_sentence(quality) == sentence
