import csv
import io
from xml.etree import ElementTree

import pytest

from explorer.config import Settings
from explorer.database.database import Database
from explorer.web.app import create_app


@pytest.fixture
def site(library):
    """A test client over a library of 24 songs: (client, song ids, database)."""
    path, ids = library
    return create_app(Settings(database=path)).server.test_client(), ids, path


def export(client, **options):
    return client.post("/export", json={"revision": 1, "form": "m3u8", "paths": "relative"} | options)


def test_a_selection_becomes_a_playlist_in_its_order(site, tmp_path):
    client, ids, _ = site
    response = export(client, songs=[7, 2, 23])
    assert (response.status_code, response.headers["X-Left-Out"]) == (200, "0")
    assert response.text.split("\n")[2:-1:2] == [ids[7], ids[2], ids[23]]
    assert response.text.split("\n")[1] == "#EXTINF:0,Artist 0 - Techno piece 7"
    disposition = response.headers["Content-Disposition"]
    assert disposition == 'attachment; filename="Music Explorer, 3 songs.m3u8"'
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    table = export(client, songs=[3], form="csv", paths="absolute")
    assert table.mimetype == "text/csv"
    assert next(csv.DictReader(io.StringIO(table.text)))["path"] == str(tmp_path / "music" / ids[3])
    xspf = export(client, songs=[3], form="xspf", paths="absolute")
    assert ElementTree.fromstring(xspf.data).tag == "{http://xspf.org/ns/0/}playlist"


def test_songs_without_a_file_are_counted(site):
    client, ids, path = site
    assert export(client, songs=[0]).headers["X-Left-Out"] == "0"
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM files WHERE song_id = ?", (ids[0],))
        database._rows("DELETE FROM songs WHERE id = ?", (ids[1],))
    response = export(client, songs=[0, 1, 2])
    assert response.headers["X-Left-Out"] == "2"
    assert response.text.split("\n")[2::2] == [ids[2]]


def test_relative_paths_of_songs_in_two_folders_of_music_become_absolute(site, tmp_path):
    client, ids, path = site
    assert export(client, songs=[0, 1]).headers["X-Path-Problem"] == ""
    with Database.open(path) as database:
        database._rows(
            "UPDATE files SET root_id = ? WHERE song_id = ?", (database.add_root(tmp_path / "b"), ids[1])
        )
    for form in ("m3u8", "csv"):
        response = export(client, songs=[0, 1], form=form)
        assert str(tmp_path / "music" / ids[0]) in response.text
        assert str(tmp_path / "b" / ids[1]) in response.text
        assert "2 folders of music" in response.headers["X-Path-Problem"]
    alone = export(client, songs=[1])
    assert (alone.text.split("\n")[2], alone.headers["X-Path-Problem"]) == (ids[1], "")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"songs": []},
        {"songs": "all"},
        {"songs": [1.5]},
        {"songs": [True]},
        {"songs": ["1"]},
        {"songs": [1], "form": "exe"},
        {"songs": [1], "form": ["csv"]},
        {"songs": [1], "paths": "/etc"},
        {"songs": [[]]},
        {"songs": [1], "form": {}},
        {"songs": [1], "paths": []},
    ],
)
def test_an_invalid_request_is_answered_with_a_sentence(site, options):
    response = export(site[0], **options)
    assert (response.status_code, response.mimetype) == (400, "text/plain")


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[1]", b"{", b"\xff", b"[" * 100_000, b'{"songs": [%s]}' % (b"9" * 5_000)]
)
def test_a_body_that_is_no_json_object_is_answered_with_a_sentence(site, body):
    response = site[0].post("/export", data=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.mimetype) == (400, "text/plain")


def test_song_numbers_of_another_map_are_refused(site):
    assert export(site[0], songs=[1], revision=7).status_code == 409
    for number in (24, -1, 10**30):
        assert export(site[0], songs=[number]).status_code == 404


def test_a_song_that_is_repeated_counts_once(site):
    client, ids, _ = site
    response = export(client, songs=[7, 2, *[7] * 250_000])
    assert response.status_code == 200
    assert response.text.split("\n")[2:-1:2] == [ids[7], ids[2]]
    assert "2 songs" in response.headers["Content-Disposition"]
    assert len(export(client, songs=list(range(24)) * 10_000).data) < 24 * 200


@pytest.mark.parametrize("revision", [None, True, 1.0, "1", [], {}, 10**400, float("nan")])
def test_a_revision_of_another_type_is_refused(site, revision):
    assert export(site[0], songs=[1], revision=revision).status_code == 409
