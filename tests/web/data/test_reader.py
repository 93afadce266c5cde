import threading

import apsw
import pytest
from flask import Flask

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import NoLibraryError
from explorer.web.app import create_app
from explorer.web.data.reader import close_after_requests, open_library


@pytest.fixture
def opened(monkeypatch):
    """The connections that were opened for reading, in a list that grows."""
    connections = []
    open_readonly = Database.open_readonly

    def record(path):
        connections.append(open_readonly(path))
        return connections[-1]

    monkeypatch.setattr(Database, "open_readonly", record)
    return connections


def is_closed(database):
    try:
        database.count_vectors()
    except apsw.ConnectionClosedError:
        return True
    return False


@pytest.mark.parametrize(
    "path", ["/songs/1/3", "/neighbours/1/3?hide=missing", "/audio/000.flac", "/latest", "/_dash-layout"]
)
def test_a_request_opens_the_library_at_most_once_and_closes_it(library, opened, path):
    database, _ = library
    (database.parent / "music" / "003.flac").unlink()
    with Database.open(database) as writer, writer.transaction():
        writer.mark_gone(1, [b"003.flac"], since="2026-11-03T10:00:00+00:00")
        writer._rows("UPDATE files SET audio_fingerprint = 's' WHERE song_id IN ('002.flac', '003.flac')")
    client = create_app(Settings(database=database)).server.test_client()
    opened.clear()
    assert client.get(path).status_code == 200
    # Threads of earlier tests may still open their libraries.
    (connection,) = (connection for connection in opened if connection.path == database)
    assert is_closed(connection)


def test_functions_of_one_request_share_a_connection(library, opened):
    app = Flask("test")
    close_after_requests(app)
    with app.app_context():
        with open_library(library[0]) as first, open_library(library[0]) as second:
            assert first is second
        assert not is_closed(first)
    assert is_closed(first)


def test_a_background_thread_has_its_own_connection(library, opened):
    def read():
        with open_library(library[0]) as database:
            assert database.count_vectors() == 24

    app = Flask("test")
    close_after_requests(app)
    with app.app_context(), open_library(library[0]):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        assert len(opened) == 2
        assert is_closed(opened[1])


def test_a_library_that_appears_during_a_request_is_opened_then(tmp_path):
    app = Flask("test")
    close_after_requests(app)
    with app.app_context():
        with pytest.raises(NoLibraryError), open_library(tmp_path / "songs.db"):
            pass
        Database.open(tmp_path / "songs.db").close()
        with open_library(tmp_path / "songs.db") as database:
            assert database.count_vectors() == 0
