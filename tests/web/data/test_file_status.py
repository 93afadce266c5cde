"""Songs with the same sound or without their files: what the page shows of them, and what hiding does."""

import json
from base64 import b64decode

import fsspec
import numpy as np
import pytest
from support import store_vectors

from explorer.config import Settings
from explorer.database.database import Database
from explorer.indexing.make_map import make_map
from explorer.library.confirmed_roots import confirm
from explorer.util.progress import Reporter
from explorer.web.app import create_app
from explorer.web.data.facets import Filter
from explorer.web.data.file_status import FileStatus
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.view import MapView, draw_map
from explorer.web.page import panels
from explorer.web.routes.fallback import best_fallback

SINCE = "2026-11-03T10:00:00+00:00"
BOTH = ["duplicates", "missing"]


def mark_gone(path, *names, since=SINCE):
    """Delete files and mark them as missing, as the next `index` would."""
    with Database.open(path) as database:
        for name in names:
            (path.parent / "music" / name).unlink()
        database.mark_gone(1, [name.encode() for name in names], since=since)


@pytest.fixture
def changed(library):
    """The path of a library: songs 2, 3 and 9 have the same sound; the files of 3, 5 and 20 are missing."""
    path, _ = library
    with Database.open(path) as database, database.transaction():
        database._rows(
            "UPDATE files SET audio_fingerprint = 's' WHERE song_id IN ('002.flac', '003.flac', '009.flac')"
        )
    mark_gone(path, "003.flac", "005.flac", "020.flac")
    return path


@pytest.fixture
def client(changed):
    """A test client over that library."""
    return create_app(Settings(database=changed)).server.test_client()


def numbers(mask):
    return np.flatnonzero(mask).tolist()


def test_songs_that_are_not_on_the_map_are_ignored():
    groups = [["absent", "b", "c"], ["a", "absent too"], ["e", "d"]]
    file_status = FileStatus.of(list("abcde"), groups=groups, missing={"absent": SINCE, "a": SINCE})
    assert file_status.counts == {"duplicates": 2, "missing": 1}
    # The first song of a group that is on the map stays.
    assert numbers(file_status.hidden(["duplicates"])) == [2, 3]
    assert (file_status.others_like(1), file_status.others_like(2), file_status.others_like(0)) == (
        (2,),
        (1,),
        (),
    )
    assert numbers(file_status.hidden(BOTH)) == [0, 2, 3]
    assert file_status.hidden([]) is None
    assert FileStatus.of(["a"], groups=[], missing={}).hidden(BOTH) is None


def test_hidden_songs_have_no_colour_and_do_not_count(changed):
    catalogue = CatalogueHolder(changed).latest()
    for projection in ("tsne", "original"):
        plain, _, _ = draw_map(catalogue, MapView(projection, revision=1))
        view = MapView.parse({"projection": projection, "filter": {"hide": BOTH}, "clusters": 3})
        figure, legend, _ = draw_map(catalogue, view)
        meta = figure["layout"]["meta"]
        colours = colours_of(figure)
        assert numbers(colours == meta["hidden"]) == [3, 5, 9, 20]
        assert meta["colours"][meta["hidden"]] == "rgba(0, 0, 0, 0)"
        assert (meta["lit"], meta["songs"], meta["away"], meta["unlit"]) == (20, 24, 4, None)
        assert meta["hideable"] == {"duplicates": 2, "missing": 3}
        # All songs keep their numbers and places.
        assert figure["data"][0]["x"] == plain["data"][0]["x"]
        assert plain["layout"]["meta"]["hidden"] is None
        text = json.dumps(legend, default=lambda part: part.to_plotly_json())
        assert "File missing" not in text
    _, legend, _ = draw_map(catalogue, MapView.parse({"projection": "tsne", "filter": {"hide": BOTH}}))
    counts = [label for label in texts(legend) if label.startswith("Show only")]
    assert sorted(counts) == [
        "Show only Ambient: 7 songs",
        "Show only Techno: 6 songs",
        "Show only Waltz: 7 songs",
    ]


def colours_of(figure):
    return np.frombuffer(b64decode(figure["data"][0]["marker"]["color"]["bdata"]), np.uint8)


def texts(legend):
    document = json.loads(json.dumps(legend, default=lambda part: part.to_plotly_json()))
    labels = []

    def walk(part):
        if isinstance(part, dict):
            labels.extend(value for name, value in part.items() if name == "aria-label")
            for value in part.values():
                walk(value)
        elif isinstance(part, list):
            for value in part:
                walk(value)

    walk(document)
    return labels


@pytest.mark.parametrize("projection", ["tsne", "original"])
def test_missing_songs_fade_in_their_groups_colour_and_the_legend_explains_them(changed, projection):
    catalogue = CatalogueHolder(changed).latest()
    for fade in (False, True):
        figure, legend, _ = draw_map(catalogue, MapView(projection, fade=fade))
        meta, colours = figure["layout"]["meta"], colours_of(figure)
        assert numbers((colours >= meta["gone"]) & (colours < meta["gone"] + meta["hues"])) == [3, 5, 20]
        same = colours[2] % meta["hues"]
        assert colours[3] % meta["hues"] == colours[5] % meta["hues"] == same
        shades = [colour for _, colour in figure["data"][0]["marker"]["colorscale"]][1::2]
        assert shades[colours[3]] != shades[colours[2]]
        text = json.dumps(legend, default=lambda part: part.to_plotly_json())
        assert "File missing" in text
        assert meta["away"] == 0


def test_hiding_combines_with_a_filter(changed):
    catalogue = CatalogueHolder(changed).latest()
    view = MapView.parse({"projection": "tsne", "filter": {"genres": ["Techno"], "hide": ["missing"]}})
    figure, _, _ = draw_map(catalogue, view)
    meta, colours = figure["layout"]["meta"], colours_of(figure)
    visible = (colours != meta["unlit"]) & (colours != meta["hidden"])
    assert numbers(visible) == [0, 1, 2, 4, 6, 7]
    assert (meta["lit"], meta["away"]) == (6, 3)
    assert numbers(colours == meta["hidden"]) == [3, 5, 20]


@pytest.mark.parametrize("hide", [None, 3, "duplicates", {"duplicates": True}, ["nothing", 7, []]])
def test_a_malformed_hide_list_hides_nothing(hide):
    assert Filter.parse({"hide": hide}).hide == ()


def test_hidden_songs_are_neither_suggested_nor_counted(changed):
    holder = CatalogueHolder(changed)
    plain = panels.suggestions(holder, "techno")
    hidden = panels.suggestions(holder, "techno", ("duplicates", "missing"))
    assert (plain[0]["told"], hidden[0]["told"]) == ("Show this genre: 8 songs", "Show this genre: 6 songs")
    values = {option["value"] for option in hidden if option["value"].startswith("song:")}
    assert values == {f"song:{number:03d}.flac" for number in (0, 1, 2, 4, 6, 7)}
    genres = panels.filter_options(holder.latest(), None, ("missing",))[0]
    assert [option["label"] for option in genres] == ["Ambient (7)", "Techno (6)", "Waltz (8)"]


def test_hidden_songs_are_no_neighbours_and_others_fill_their_places(client):
    def neighbours(index, query=""):
        return client.get(f"/neighbours/1/{index}{query}").get_json()["neighbours"]

    plain = {song["index"]: song for song in neighbours(2)}
    assert [index for index, song in plain.items() if song["gone"]] == [
        index for index in plain if index in (3, 5, 20)
    ]
    assert {index for index in plain if index in (3, 9)} == {
        index for index, song in plain.items() if song["same_sound"]
    }
    hidden = [song["index"] for song in neighbours(2, "?hide=missing&hide=duplicates")]
    assert len(hidden) == 10
    assert not {3, 5, 9, 20} & set(hidden)
    # Song 9 is a duplicate of 2, which stays: with duplicates hidden, 2 is no neighbour of 9 either.
    of_duplicate = [song["index"] for song in neighbours(9, "?hide=duplicates")]
    assert not {2, 3} & set(of_duplicate)
    assert len(of_duplicate) == 10


def test_a_songs_details_list_songs_with_the_same_sound_and_their_files(client):
    song = client.get("/songs/1/2").get_json()
    assert song["same_sound_count"] == 2
    assert song["same_sound"] == [
        {
            "index": 9,
            "title": "Waltz piece 9",
            "artist": "Artist 1",
            "path": "009.flac",
            "format": "FLAC",
            "gone": False,
        },
        {
            "index": 3,
            "title": "Techno piece 3",
            "artist": "Artist 0",
            "path": "003.flac",
            "format": "FLAC",
            "gone": True,
        },
    ]
    alone = client.get("/songs/1/0").get_json()
    assert (alone["same_sound_count"], alone["same_sound"], alone["gone_since"], alone["fallback"]) == (
        0,
        [],
        None,
        None,
    )


def test_a_songs_details_say_since_when_its_file_is_missing(changed, client):
    assert client.get("/songs/1/5").get_json()["gone_since"] == SINCE
    assert client.get("/songs/1/5").get_json()["fallback"] is None
    # The file may come back at any time, so the browser must not cache the answer.
    assert client.get("/songs/1/5").headers["Cache-Control"] == "no-store"
    (changed.parent / "music" / "005.flac").write_bytes(b"it is back")
    assert client.get("/songs/1/5").get_json()["gone_since"] is None


def test_a_missing_file_is_answered_with_a_sentence(client):
    for route in ("audio", "preview", "waveform", "spectrogram", "cover"):
        response = client.get(f"/{route}/005.flac")
        assert (response.status_code, response.mimetype) == (404, "text/plain")
        assert response.text.startswith("The file is missing: 005.flac was moved or deleted.")


def test_a_preview_can_be_played_after_its_file_is_deleted(library, sound_jobs):
    path, _ = library
    settings = Settings(database=path)
    client = create_app(settings, jobs=sound_jobs).server.test_client()
    made = client.get("/preview/003.flac").data
    mark_gone(path, "003.flac")
    assert client.get("/songs/1/3").get_json()["fallback"] == "preview"
    response = client.get("/preview/003.flac", headers={"Range": "bytes=0-9"})
    assert (response.status_code, response.mimetype, response.data) == (206, "audio/mpeg", made[:10])
    assert client.get("/audio/003.flac").status_code == 404


def test_a_transcoded_copy_can_be_played_after_its_file_is_deleted_and_is_preferred_to_the_preview(
    library, sound_jobs
):
    path, _ = library
    settings = Settings(database=path)
    client = create_app(settings, jobs=sound_jobs).server.test_client()
    client.get("/preview/003.flac")
    with Database.open(path) as database, database.transaction():
        database._rows("UPDATE files SET format = 'ape/ape' WHERE song_id = '003.flac'")
        file = database.file_of("003.flac")
    copy = sound_jobs.copy(file.path, cache=settings.transcodes, key=file.fingerprint)
    mark_gone(path, "003.flac")
    assert best_fallback(file, settings) == "copy"
    response = client.get("/audio/003.flac")
    assert (response.status_code, response.mimetype, response.data) == (
        200,
        "audio/flac",
        copy.read_bytes(),
    )


def test_a_missing_remote_song_is_reported_and_its_fetched_copy_is_a_fallback(
    tmp_path, make_tone, sound_jobs
):
    system = fsspec.filesystem("memory")
    whole = make_tone(tmp_path / "a.flac").read_bytes()
    settings = Settings(database=tmp_path / "songs.db")
    with Database.open(settings.database) as library:
        store_vectors(library, tmp_path, np.random.default_rng(0).normal(size=(2, 512)))
        with library.transaction():
            library._rows("UPDATE roots SET path = 'memory://file_status'")
        make_map(library, reporter=Reporter())
        library.mark_gone(1, [b"00000.flac", b"00001.flac"], since=SINCE)
    confirm("memory://file_status", remember=False)
    system.pipe("/file_status/00001.flac", whole)
    client = create_app(settings, jobs=sound_jobs).server.test_client()
    assert client.get("/audio/00001.flac").data == whole
    system.rm("/file_status/00001.flac")
    songs = [client.get(f"/songs/1/{index}").get_json() for index in (0, 1)]
    assert [(song["gone_since"], song["fallback"]) for song in songs] == [(SINCE, None), (SINCE, "copy")]
    assert client.get("/audio/00001.flac").data == whole
    assert client.get("/audio/00000.flac").status_code == 404


def test_a_missing_file_changes_the_snapshot_but_vectors_are_not_read_again(library, monkeypatch):
    path, _ = library
    holder = CatalogueHolder(path)
    before = holder.latest()
    nearest = before.nearest(0)
    assert before.file_status.counts == {"duplicates": 0, "missing": 0}
    mark_gone(path, "007.flac")
    monkeypatch.setattr(Database, "vectors", lambda *_, **__: pytest.fail("the vectors were read again"))
    after = holder.latest()
    assert after is holder.latest() is not before
    assert after.changes != before.changes
    assert after.file_status.counts["missing"] == 1
    assert after.nearest(0) == nearest
    assert (after.revision, after.order) == (before.revision, before.order)
    with Database.open(path) as database:
        database.unmark_gone(1, [b"007.flac"])
    assert holder.latest().file_status.counts["missing"] == 0
