"""Many songs' numbers translated into ids, and ids into numbers."""

import pytest
from support import store_library

from explorer.config import Settings
from explorer.database.database import Database
from explorer.web.app import create_app
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.bulk_ids import MAX_SONGS


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    """A test client over a library of 24 songs, of which one is not on the map."""
    folder = tmp_path_factory.mktemp("bulk_ids")
    store_library(folder / "songs.db", folder / "music", seconds=0.05)
    with Database.open(folder / "songs.db") as library:
        library._rows("DELETE FROM positions WHERE song_id = '005.flac'")
    return create_app(Settings(database=folder / "songs.db")).server.test_client()


def test_numbers_become_ids_and_ids_numbers_in_the_order_of_the_question(client):
    ids = client.post("/songs/1/ids", json={"songs": [7, 0, 22]})
    assert ids.json == {"ids": ["008.flac", "000.flac", "023.flac"]}
    assert ids.headers["Cache-Control"] == "no-store"
    numbers = client.post("/songs/1/numbers", json={"ids": ["023.flac", "008.flac"]})
    assert numbers.json == {"songs": [22, 7], "unmapped": []}
    assert client.post("/songs/1/ids", json={"songs": []}).json == {"ids": []}


def test_a_song_that_is_not_on_the_map_is_told_apart_from_a_removed_one(client):
    asked = ["005.flac", "000.flac", "removed.flac", "", "\ud800", "x" * 100_000, "\0"]
    answer = client.post("/songs/1/numbers", json={"ids": asked})
    assert answer.json == {"songs": [None, 0, *[None] * 5], "unmapped": ["005.flac"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("ids", []),
        ("ids", {"songs": None}),
        ("ids", {"songs": [True]}),
        ("ids", {"songs": ["0"]}),
        ("ids", {"songs": [0] * (MAX_SONGS + 1)}),
        ("numbers", {"songs": [0]}),
        ("numbers", {"ids": [0]}),
        ("numbers", {"ids": [["000.flac"]]}),
    ],
)
def test_other_bodies_are_refused_with_a_sentence(client, path, body):
    answer = client.post(f"/songs/1/{path}", json=body)
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert answer.text.endswith(".")


def test_numbers_of_no_song_and_other_maps_are_refused(client):
    assert client.post("/songs/1/ids", json={"songs": [23]}).status_code == 404
    assert client.post("/songs/1/ids", json={"songs": [-1]}).status_code == 404
    assert client.post("/songs/2/ids", json={"songs": [0]}).status_code == 409
    assert client.post("/songs/2/numbers", json={"ids": ["000.flac"]}).status_code == 409


def test_a_library_has_one_token_and_another_library_another(tmp_path):
    tokens = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        store_library(tmp_path / name / "songs.db", tmp_path / name / "music", seconds=0.05)
        first, again = (CatalogueHolder(tmp_path / name / "songs.db").latest() for _ in range(2))
        assert first.library == again.library
        tokens.add(first.library)
    assert len(tokens) == 2
