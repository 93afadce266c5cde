"""The status of a library: its counts, a running index, and disk space."""

import json
import re
from dataclasses import asdict

import numpy as np
import pytest

from explorer.analysis import library_status as status_module
from explorer.analysis.library_status import describe_library, describe_running, library_status
from explorer.database.database import Database
from explorer.database.state import Run
from explorer.embedding.song_windows import RawWindows, fit_basis
from explorer.indexing.running import IndexProgress, index_lock


@pytest.fixture
def read_status(library):
    """Return a function that reads the library's status through JSON, as scripts get it."""

    def read():
        with Database.open_readonly(library[0]) as database:
            return json.loads(json.dumps(library_status(database)))

    return read


def test_a_running_index_is_described_with_its_rate_and_time_left(library, read_status):
    with index_lock(library[0], "/music") as running:
        assert "indexing now: looking for" in describe_library(read_status())
        running.set_total(100_000)
        running.start_embedding(
            lambda: {"done": 3204, "indexed": 3200, "failed": 4, "audio_seconds": 768_000.0}
        )
        running._embedding_began -= 2670
        running.write()
        status = read_status()
    assert status["running"]["songs_per_second"] == pytest.approx(1.2, abs=0.001)
    assert status["running"]["seconds_left"] == pytest.approx(80_660, abs=50)
    assert (
        "indexing now: 3,204 of 100,000 files, 1.2 songs/s, 288 times real time, 22 h left, 4 failed"
        in describe_library(status)
    )
    assert read_status()["running"] is None
    assert "indexing now" not in describe_library(read_status())


def test_before_the_first_song_no_rate_is_shown(library, read_status):
    with index_lock(library[0], "/music") as running:
        running.set_total(12)
        running.write()
        assert "indexing now: 0 of 12 files\n" in describe_library(read_status())


def test_when_all_files_are_done_no_time_left_is_shown():
    done = {"stage": "full", "total": 7, "done": 7, "songs_per_second": 1.0, "failed": 0}
    assert describe_running(done).startswith("7 files are done")


def test_a_running_first_look_is_described_by_its_songs():
    look = {"stage": "first look", "total": 7, "done": 0, "to_look": 9, "looked": 4, "seconds_left": 7200.0}
    assert re.search(r"first look.*4 of 9.*2 h", describe_running(look))


def test_a_killed_index_is_reported_until_another_one_starts(library, read_status):
    database = library[0]
    left = IndexProgress(pid=7, folder="/music", total=9, done=4)
    database.with_name(f".{database.name}.indexing").write_text(json.dumps(asdict(left)))
    assert read_status()["killed"]["done"] == 4
    assert "after 4 of 9 files: run the same command to go on" in describe_library(read_status())
    with index_lock(database, "/music"):
        assert read_status()["killed"] is None
    assert read_status()["killed"] is None


def test_missing_songs_and_duplicates_are_counted(library, read_status):
    path, song_ids = library
    assert (read_status()["gone"], read_status()["duplicates"]) == (0, {"groups": 0, "extra": 0})
    with Database.open(path) as database, database.transaction():
        database.mark_gone(1, [b"000.flac", b"001.flac"], since="2026-01-01T00:00:00+00:00")
        database._rows("UPDATE files SET fingerprint = 'same' WHERE song_id IN (?, ?, ?)", (*song_ids[:3],))
    status = read_status()
    assert (status["gone"], status["duplicates"]) == (2, {"groups": 1, "extra": 2})
    text = describe_library(status)
    assert "missing      2 songs" in text
    assert "duplicates   2 songs" in text


def test_the_rate_is_that_of_the_last_run_that_embedded_songs(library, read_status):
    assert read_status()["rate"] is None
    with Database.open(library[0]) as database:
        database.store_run(Run("2026-01-01T00:00:00+00:00", 10.0, 30, 10, 1, 4_000.0))
        database.store_run(Run("2026-01-02T00:00:00+00:00", 1.0, 5, 5, 0, 0.0))
    assert read_status()["rate"] == {"songs_per_second": 2.0, "times_real_time": 400.0}


def test_too_little_disk_space_for_a_running_index_gives_a_warning(library, read_status):
    with index_lock(library[0], "/music") as running:
        running.set_total(1_000_000, previews=True)
        running.write()
        status = read_status()
        assert status["disk"]["wanted"] >= 1_000_000 * 250_000
        status["disk"]["free"] = status["disk"]["wanted"] + 1
        assert "WARNING" not in describe_library(status)
        status["disk"]["free"] -= 2
        assert "WARNING: the running index needs about 2" in describe_library(status)
        running.set_total(1_000_000, previews=False)
        running.write()
        assert read_status()["disk"]["wanted"] < 1_000_000 * 250_000
    assert read_status()["disk"]["wanted"] is None
    assert read_status()["disk"]["free"] > 0
    assert read_status()["disk"]["database"] == read_status()["bytes"]


def test_a_folder_that_does_not_exist_is_named_with_its_songs(library, read_status):
    music = library[0].parent / "music"
    assert "does not exist" not in describe_library(read_status())
    music.rename(music.parent / "elsewhere")
    status = read_status()
    assert list(status["lost_folders"]) == [str(music)]
    lines = describe_library(status).splitlines()
    assert [line for line in lines if line.startswith("folders") and f"{music} (does not exist)" in line]
    assert [
        line for line in lines if line.startswith("missing") and "24 songs" in line and str(music) in line
    ]


def test_folders_that_were_not_given_on_this_machine_are_named(library, read_status, no_music_folders):
    with Database.open(library[0]) as database:
        database.add_root(library[0].parent / "gone\x1b[2J")
    status = read_status()
    assert status["unconfirmed_folders"] == status["folders"]
    assert status["lost_folders"] == {}
    (line,) = [line for line in describe_library(status).splitlines() if line.startswith("read-only")]
    assert status["folders"][0] in line
    assert "--audio" in line
    assert "\x1b" not in line


def test_approximate_neighbours_are_told_beside_the_quality():
    quality = {"trustworthiness": 0.9}
    assert "approximate" not in status_module._describe_quality(quality)
    assert "98.7%" in status_module._describe_quality(quality | {"neighbours_found": 0.987})


def test_songs_without_windows_are_counted_with_the_command_that_gives_them(library, read_status):
    path, song_ids = library
    status = read_status()
    assert status["windows"] == {"songs": 0, "windows": 0, "bytes": 0, "without": len(song_ids)}
    assert f"{len(song_ids)} songs without: run `python run.py index {path.parent / 'music'} --windows" in (
        describe_library(status)
    )
    with Database.open(path) as database:
        raw = RawWindows(np.random.default_rng(0).normal(size=(50, 512)).astype(np.float16), 0.5)
        for song_id in song_ids:
            database.store_windows(song_id, raw)
        database.store_window_basis(fit_basis(raw.frames))
    status = read_status()
    count = len(song_ids)
    assert status["windows"] == {
        "songs": count,
        "windows": 50 * count,
        "bytes": 3200 * count,
        "without": 0,
    }
    assert re.search(rf"windows +of {count} songs, [\d.]+ MB$", describe_library(status), re.MULTILINE)
    assert "--windows" not in describe_library(status)
