"""What pages are told about an index run."""

import pytest

from explorer.config import Settings
from explorer.database.database import Database
from explorer.indexing.running import index_lock
from explorer.web.app import create_app
from explorer.web.data import index_state
from explorer.web.data.index_state import IndexState


@pytest.fixture(autouse=True)
def _fresh(monkeypatch):
    monkeypatch.setattr(index_state, "_MAX_AGE_S", 0.0)


class Job:
    folder, problem, is_starting, is_running = "/music", "", False, True


def test_without_an_index_run_there_is_nothing_to_tell(library, tmp_path):
    assert IndexState(library[0]).running() is None
    assert IndexState(tmp_path / "absent.db").running() is None
    assert IndexState(library[0], Job()).running() is None


def test_the_stages_of_a_run(library):
    path, _ = library
    state = IndexState(path)
    with index_lock(path, "/music") as progress:
        assert state.running()["stage"] == "scan"
        now = progress._progress
        now.total, now.stage, now.to_look, now.looked = 40, "first look", 30, 12
        progress.write()
        assert state.running() == {"stage": "first look", "done": 12, "total": 30, "seconds_left": None}
        now.stage, now.done, now.embedding_seconds = "full", 10, 20.0
        progress.write()
        full = state.running()
        assert (full["stage"], full["done"], full["total"]) == ("full", 10, 40)
        # While coarse vectors are shown, earlier runs count too.
        with Database.open(path) as database, database.transaction():
            database._rows("INSERT INTO coarse_vectors SELECT song_id, embedding FROM songs_vectors")
            database._rows("DELETE FROM songs_vectors WHERE song_id > '001.flac'")
            database.show_coarse(True)
        full = state.running()
        assert (full["stage"], full["done"], full["total"]) == ("full", 2, 24)
    assert state.running() is None


def test_a_run_that_starts_or_draws_the_first_map_holds_no_lock(library):
    path, _ = library
    job = Job()
    job.is_starting = True
    assert IndexState(path, job).running()["stage"] == "starting"
    job.is_starting = False
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM projections")
    assert IndexState(path, job).running()["stage"] == "map"
    job.is_running = False
    assert IndexState(path, job).running() is None


def test_while_the_library_is_being_created_the_page_says_that_it_begins(tmp_path, sound_jobs):
    """SQLite creates an empty file first."""
    path, job = tmp_path / "songs.db", Job()
    path.touch()
    job.is_starting = True
    client = create_app(Settings(database=path), jobs=sound_jobs, index_job=job).server.test_client()
    assert client.get("/latest").get_json()["index"]["stage"] == "starting"
    assert "Listening to your music" in client.get("/_dash-layout").get_data(as_text=True)
    job.is_starting = False
    assert client.get("/latest").status_code == 500
    assert "This library cannot be opened" in client.get("/_dash-layout").get_data(as_text=True)
