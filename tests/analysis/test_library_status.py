"""What a library is said to hold, and what is being done to it."""

import json
from dataclasses import asdict

import pytest

from explorer.analysis.library_status import describe_library, describe_running, library_status
from explorer.database.database import Database
from explorer.database.state import Run
from explorer.indexing.running import Running, indexing


@pytest.fixture
def told(library):
    """Return the status of the library, through JSON as scripts get it."""

    def ask():
        with Database.open_readonly(library[0]) as database:
            return json.loads(json.dumps(library_status(database)))

    return ask


def test_an_index_that_runs_is_told_with_its_rate_and_time_left(library, told):
    with indexing(library[0], "/music") as running:
        assert "indexing now: looking for what is new" in describe_library(told())
        running.found(100_000)
        running.embedding(lambda: {"done": 3204, "indexed": 3200, "failed": 4, "audio_seconds": 768_000.0})
        running._embedding_since -= 2670
        running.tell()
        found = told()
    assert found["running"]["songs_per_second"] == pytest.approx(1.2, abs=0.001)
    assert found["running"]["seconds_left"] == pytest.approx(80_660, abs=50)
    assert (
        "indexing now: 3,204 of 100,000 files, 1.2 songs/s, 288 times real time, 22 h left, 4 failed"
        in describe_library(found)
    )
    assert told()["running"] is None
    assert "indexing now" not in describe_library(told())


def test_before_the_first_song_no_rate_is_made_up(library, told):
    with indexing(library[0], "/music") as running:
        running.found(12)
        running.tell()
        assert "indexing now: 0 of 12 files\n" in describe_library(told())


def test_files_that_are_all_done_have_no_time_left():
    done = {"total": 7, "done": 7, "songs_per_second": 1.0, "failed": 0}
    assert describe_running(done).startswith("7 files are done")


def test_a_killed_index_is_told_until_another_ends(library, told):
    database = library[0]
    left = Running(pid=7, folder="/music", total=9, done=4)
    database.with_name(f".{database.name}.indexing").write_text(json.dumps(asdict(left)))
    assert told()["killed"]["done"] == 4
    assert "after 4 of 9 files: run the same command to go on" in describe_library(told())
    with indexing(database, "/music"):
        assert told()["killed"] is None
    assert told()["killed"] is None


def test_missing_songs_and_duplicates_are_counted(library, told):
    path, song_ids = library
    assert (told()["gone"], told()["duplicates"]) == (0, {"groups": 0, "extra": 0})
    with Database.open(path) as database, database.transaction():
        database.mark_gone(1, [b"000.flac", b"001.flac"], since="2026-01-01T00:00:00+00:00")
        database._rows("UPDATE files SET fingerprint = 'same' WHERE song_id IN (?, ?, ?)", (*song_ids[:3],))
    found = told()
    assert (found["gone"], found["duplicates"]) == (2, {"groups": 1, "extra": 2})
    text = describe_library(found)
    assert "missing      2 songs" in text
    assert "duplicates   2 songs" in text


def test_the_last_runs_rate_is_that_of_what_was_embedded(library, told):
    assert told()["rate"] is None
    with Database.open(library[0]) as database:
        database.store_run(Run("2026-01-01T00:00:00+00:00", 10.0, 30, 10, 1, 4_000.0))
        database.store_run(Run("2026-01-02T00:00:00+00:00", 1.0, 5, 5, 0, 0.0))
    assert told()["rate"] == {"songs_per_second": 2.0, "times_real_time": 400.0}


def test_room_that_will_not_do_is_warned_of(library, told):
    with indexing(library[0], "/music") as running:
        running.found(1_000_000, previews=True)
        running.tell()
        found = told()
        assert found["disk"]["wanted"] >= 1_000_000 * 250_000
        found["disk"]["free"] = found["disk"]["wanted"] + 1
        assert "WARNING" not in describe_library(found)
        found["disk"]["free"] -= 2
        assert "WARNING: what is being indexed wants about 2" in describe_library(found)
        running.found(1_000_000, previews=False)
        running.tell()
        assert told()["disk"]["wanted"] < 1_000_000 * 250_000
    assert told()["disk"]["wanted"] is None
    assert told()["disk"]["free"] > 0
    assert told()["disk"]["database"] == told()["bytes"]
