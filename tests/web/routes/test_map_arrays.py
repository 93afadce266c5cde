"""The arrays that the page draws the map from."""

import gzip

import numpy as np
import pytest
from support import store_library

from explorer.config import Settings
from explorer.database.database import Database
from explorer.web.app import create_app
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.song_flags import HIDDEN, LIT, MISSING
from explorer.web.routes import map_arrays

GZIP = {"Accept-Encoding": "gzip, br, zstd"}


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """The path of a library of 201 songs, whose positions are worth compressing; no test changes it."""
    folder = tmp_path_factory.mktemp("arrays")
    store_library(folder / "songs.db", folder / "music", per_genre=67, seconds=0.05)
    return folder / "songs.db"


@pytest.fixture
def client(large):
    """A test client over that library."""
    return create_app(Settings(database=large)).server.test_client()


@pytest.fixture(scope="module")
def catalogue(large):
    """A snapshot of that library."""
    return CatalogueHolder(large).latest()


def test_positions_are_little_endian_floats_in_the_songs_order(client, catalogue):
    for projection, stored in (("tsne", "tsne"), ("pca", "pca"), ("original", "pca")):
        response = client.get(f"/map/1/positions/{projection}")
        assert (response.mimetype, response.headers.get("Content-Encoding")) == (
            "application/octet-stream",
            None,
        )
        places = np.frombuffer(response.data, "<f4").reshape(-1, 2)
        assert np.array_equal(places, catalogue.positions[stored])


def test_positions_are_compressed_once(client, catalogue, monkeypatch):
    sizes, compress_really = [], gzip.compress

    def compress(content, *arguments, **options):
        sizes.append(len(content))
        return compress_really(content, *arguments, **options)

    monkeypatch.setattr(map_arrays.gzip, "compress", compress)
    for _ in range(3):
        response = client.get("/map/1/positions/umap", headers=GZIP)
        assert response.headers["Content-Encoding"] == "gzip"
        assert "Accept-Encoding" in response.headers["Vary"]
        assert gzip.decompress(response.data) == catalogue.positions["umap"].astype("<f4").tobytes()
    assert sizes == [8 * 201]
    client.get("/map/1/positions/pca", headers=GZIP)
    assert len(sizes) == 2


def test_a_browser_keeps_positions_but_asks_whether_they_are_those_of_this_library(client, tmp_path):
    for headers in (GZIP, {}):
        first = client.get("/map/1/positions/tsne", headers=headers)
        assert first.headers["Cache-Control"] == "private, no-cache"
        known = headers | {"If-None-Match": first.headers["ETag"]}
        again = client.get("/map/1/positions/tsne", headers=known)
        assert (again.status_code, again.data) == (304, b"")
        # PCA has other positions, and the same positions have another tag when they are compressed otherwise.
        assert client.get("/map/1/positions/pca", headers=known).status_code == 200
    assert client.get("/map/1/positions/tsne", headers=known | GZIP).status_code == 200
    store_library(tmp_path / "songs.db", tmp_path / "music", per_genre=1)
    other = create_app(Settings(database=tmp_path / "songs.db")).server.test_client()
    response = other.get("/map/1/positions/tsne", headers=known)
    assert (response.status_code, len(response.data)) == (200, 3 * 8)


def test_groups_are_colour_numbers(client):
    expected = {
        "projection=tsne&colouring=genre": [1] * 67 + [2] * 67 + [0] * 67,
        "projection=tsne&colouring=artist": [0] * 67 + [1] * 67 + [2] * 67,
        "projection=umap&colouring=cluster&clusters=3": [0] * 67 + [1] * 67 + [2] * 67,
        "projection=umap&colouring=cluster&clusters=1": [0] * 201,
    }
    for query, numbers in expected.items():
        response = client.get(f"/map/1/groups?{query}")
        assert list(response.data) == numbers, query
        assert (response.mimetype, response.headers["Cache-Control"]) == (
            "application/octet-stream",
            "no-store",
        )
    assert set(client.get("/map/1/groups?projection=original&clusters=7").data) == set(range(7))


@pytest.mark.parametrize(
    "query", ["", "projection=x&colouring=[]&clusters=many", "clusters=1e3&clusters=2", "projection=%00"]
)
def test_unknown_values_of_groups_mean_the_defaults(client, query):
    assert list(client.get(f"/map/1/groups?{query}").data) == [0] * 67 + [1] * 67 + [2] * 67


def test_flags_follow_the_view(tmp_path, library):
    path, _ = library
    with Database.open(path) as database:
        (tmp_path / "music" / "003.flac").unlink(missing_ok=True)
        database.mark_gone(1, [b"003.flac"], since="2026-11-03T10:00:00+00:00")
    client = create_app(Settings(database=path)).server.test_client()
    view = {"projection": "tsne", "filter": {"genres": ["Techno"], "hide": ["missing"]}}
    response = client.post("/map/1/flags", json=view)
    flags = [LIT] * 8 + [0] * 16
    flags[3] |= HIDDEN | MISSING
    assert list(response.data) == flags
    assert response.headers["Cache-Control"] == "no-store"
    _, regions = CatalogueHolder(path).latest().regions(3)
    view = {"projection": "original", "filter": {"clusters": [regions.names[2]]}}
    isolated = client.post("/map/1/flags", json=view)
    assert sum(flag & LIT for flag in isolated.data) == 8


def test_flags_are_those_of_the_files_that_the_page_knows_of(library):
    path, _ = library
    client = create_app(Settings(database=path)).server.test_client()
    assert not any(flag & MISSING for flag in client.post("/map/1/flags", json={}).data)
    with Database.open(path) as database:
        database.mark_gone(1, [b"005.flac"], since="2026-11-03T10:00:00+00:00")
        changes = database.changes_token()
    flags = client.post("/map/1/flags", json={"changes": changes}).data
    assert [number for number, flag in enumerate(flags) if flag & MISSING] == [5]


def test_groups_and_flags_are_compressed_if_they_are_large(large, client, monkeypatch):
    assert "Content-Encoding" not in client.get("/map/1/groups", headers=GZIP).headers
    monkeypatch.setattr(map_arrays, "_MIN_COMPRESSED_BYTES", 201)
    for response in (
        client.get("/map/1/groups", headers=GZIP),
        client.post("/map/1/flags", json={}, headers=GZIP),
    ):
        assert response.headers["Content-Encoding"] == "gzip"
        assert len(gzip.decompress(response.data)) == 201
    assert "Content-Encoding" not in client.get("/map/1/groups", headers={"Accept-Encoding": "br"}).headers


def ask(client, revision):
    """Request all three arrays of a map."""
    return (
        client.get(f"/map/{revision}/positions/tsne"),
        client.get(f"/map/{revision}/groups"),
        client.post(f"/map/{revision}/flags", json={}),
    )


def test_the_arrays_of_another_map_are_refused(client):
    for revision in (0, 2, 10**30):
        for response in ask(client, revision):
            assert (response.status_code, response.mimetype) == (409, "text/plain")
            assert response.text == "The map has changed: reload the page."


def test_a_new_map_is_read_before_its_arrays_are_sent(library):
    path, _ = library
    client = create_app(Settings(database=path)).server.test_client()
    assert [response.status_code for response in ask(client, 1)] == [200] * 3
    with Database.open(path) as database, database.transaction():
        database.increment_map_revision()
    assert [response.status_code for response in ask(client, 2)] == [200] * 3


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b"null", b"[" * 100_000, b'{"a": ' + b"1" * 9_999 + b"}"]
)
def test_a_body_that_is_no_view_is_refused_in_one_sentence(client, body):
    response = client.post("/map/1/flags", data=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.mimetype) == (400, "text/plain")
    assert response.text.count(".") == 1


@pytest.mark.parametrize("projection", ["x", "TSNE", "%00", "..", "tsne%0a"])
def test_an_unknown_projection_is_refused_in_one_sentence(client, projection):
    response = client.get(f"/map/1/positions/{projection}")
    assert (response.status_code, response.mimetype) == (404, "text/plain")


def test_a_library_without_a_map_has_no_arrays(tmp_path):
    Database.open(tmp_path / "songs.db").close()
    client = create_app(Settings(database=tmp_path / "songs.db")).server.test_client()
    for response in ask(client, 0):
        assert (response.status_code, response.mimetype) == (404, "text/plain")
        assert "run.py map" in response.text
    absent = create_app(Settings(database=tmp_path / "absent.db")).server.test_client()
    assert [response.status_code for response in ask(absent, 0)] == [404] * 3


def test_flags_need_no_permission_but_must_be_asked_for_by_our_page(client):
    other = client.post("/map/1/flags", json={}, headers={"Origin": "http://evil.example"})
    assert other.status_code == 403
    assert client.post("/map/1/flags", json={}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/map/1/groups?clusters=5", "/map/1/positions/pca", "/songs/1/3?clusters=5"]
)
def test_another_site_cannot_keep_the_server_busy(library, path):
    client = create_app(Settings(database=library[0])).server.test_client()
    assert client.get(path, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.get(path, headers={"Sec-Fetch-Site": "same-origin"}).status_code == 200
