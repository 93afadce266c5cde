"""Songs with the same sound or without their files: what the page shows of them, and what hiding does."""

import json

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
from explorer.web.map.drawing import Drawing, draw_map
from explorer.web.map.song_flags import HIDDEN, LIT, MISSING
from explorer.web.map.view import MapView
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


def test_hidden_songs_have_a_flag_and_do_not_count(changed):
    catalogue = CatalogueHolder(changed).latest()
    for projection in ("tsne", "original"):
        view = MapView.parse({"projection": projection, "filter": {"hide": BOTH}, "clusters": 3})
        drawing = Drawing.of(catalogue, view)
        assert numbers(drawing.flags() & HIDDEN) == [3, 5, 9, 20]
        meta = drawing.describe()
        assert (meta["lit"], meta["songs"], meta["away"], meta["is_filtered"]) == (20, 24, 4, False)
        assert (meta["hide"], meta["hideable"]) == (BOTH, {"duplicates": 2, "missing": 3})
        text = json.dumps(drawing.legend(), default=lambda part: part.to_plotly_json())
        assert "File missing" not in text
    assert not (Drawing.of(catalogue, MapView("tsne")).flags() & HIDDEN).any()
    _, legend, _ = draw_map(catalogue, MapView.parse({"projection": "tsne", "filter": {"hide": BOTH}}))
    counts = [label for label in texts(legend) if label.startswith("Show only")]
    assert sorted(counts) == [
        "Show only Ambient: 7 songs",
        "Show only Techno: 6 songs",
        "Show only Waltz: 7 songs",
    ]


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
def test_missing_songs_have_a_flag_and_the_legend_explains_them(changed, projection):
    drawing = Drawing.of(CatalogueHolder(changed).latest(), MapView(projection))
    assert numbers(drawing.flags() & MISSING) == [3, 5, 20]
    assert (drawing.flags() & LIT).all()
    text = json.dumps(drawing.legend(), default=lambda part: part.to_plotly_json())
    assert "File missing" in text
    assert drawing.describe()["away"] == 0


def test_hiding_combines_with_a_filter(changed):
    catalogue = CatalogueHolder(changed).latest()
    view = MapView.parse({"projection": "tsne", "filter": {"genres": ["Techno"], "hide": ["missing"]}})
    drawing = Drawing.of(catalogue, view)
    flags, meta = drawing.flags(), drawing.describe()
    assert numbers(flags & (LIT | HIDDEN) == LIT) == [0, 1, 2, 4, 6, 7]
    # Hidden songs can match.
    assert numbers(flags & LIT) == list(range(8))
    assert numbers(flags & HIDDEN) == [3, 5, 20]
    assert (meta["lit"], meta["away"]) == (6, 3)


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
    genres = panels.filter_options(holder.latest(), None, Filter(hide=("missing",)))[0]
    assert [option["label"] for option in genres] == ["Ambient (7)", "Techno (6)", "Waltz (8)"]


def test_hidden_songs_are_no_neighbours_and_others_fill_their_places(client, monkeypatch):
    # Only seven songs of this library sound like song 2.
    monkeypatch.setattr("explorer.mapping.worth_naming.MIN_SIMILARITY", -1.0)

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
