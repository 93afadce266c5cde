import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from support import RecordingReporter, store_vectors

from explorer.config import ROOT
from explorer.database.database import Database
from explorer.database.records import encode_vector
from explorer.indexing import growing_map
from explorer.indexing.growing_map import GrowingMap
from explorer.indexing.make_map import MapRequest, make_map
from explorer.util.progress import Reporter

MAX_WAIT_S = 240


METHODS = ("tsne", "pca")
CODE = f"""
import explorer.indexing.map_process as process
process.METHODS, process._NICENESS = {METHODS}, 0
"""


@pytest.fixture(autouse=True)
def quick_maps(monkeypatch):
    """Updates without a pause, at normal priority, and without UMAP, which takes ten seconds to import."""
    start, main = growing_map._START_CODE.split("from", 1)
    monkeypatch.setattr(growing_map, "_START_CODE", f"{start}{CODE}from{main}")
    monkeypatch.setattr(growing_map, "_MIN_PAUSE_S", 0.0)
    monkeypatch.setattr(growing_map, "_PAUSE_PER_COST", 0.0)


@pytest.fixture
def library(fresh_db, tmp_path):
    """A function that adds songs with coarse vectors in six groups, until the library has n of them."""
    rng = np.random.default_rng(0)
    vectors = 5 + rng.normal(size=(6, 512))[np.arange(300) % 6] + 0.3 * rng.normal(size=(300, 512))
    fresh_db.show_coarse(True)

    def grow_to(n):
        first = fresh_db.count_vectors()
        ids = store_vectors(fresh_db, tmp_path, vectors[first:n], first=first)
        with fresh_db.transaction():
            fresh_db._rows("DELETE FROM songs_vectors")
            for song_id, vector in zip(ids, vectors[first:n], strict=True):
                fresh_db._rows("INSERT INTO coarse_vectors VALUES (?, ?)", (song_id, encode_vector(vector)))

    fresh_db.grow_to = grow_to
    return fresh_db


@pytest.fixture
def growing(library):
    reporter = RecordingReporter()
    with GrowingMap(library.path, reporter) as growing:
        growing.said = reporter.said
        yield growing


def update_until(growing, is_done, **options):
    deadline = time.monotonic() + MAX_WAIT_S
    while not is_done():
        assert time.monotonic() < deadline
        growing.update(**options)
        time.sleep(0.02)


def finish(growing, library):
    """Make the last map: of all songs, in all projections."""
    n_songs = library.count_vectors()

    def is_complete():
        return all(len(places(library, name)) == n_songs for name in METHODS)

    update_until(growing, is_complete, is_last=True)


def places(database, name="tsne"):
    ids, positions, _ = database.positions(name)
    return dict(zip(ids, positions.tolist(), strict=True))


def test_the_map_settles_while_songs_come_in(library, growing):
    library.grow_to(59)
    growing.update()
    assert growing._answers.get(timeout=MAX_WAIT_S)["cost_s"] > 0
    growing._n_running = 0
    assert not library.projections()
    library.grow_to(60)
    update_until(growing, lambda: len(places(library)) == 60)
    first = places(library)
    library.grow_to(100)
    update_until(growing, lambda: len(places(library)) == 100)
    assert {song_id: places(library)[song_id] for song_id in first} == first
    before = places(library)
    library.grow_to(240)
    update_until(growing, lambda: len(places(library)) == 240)
    after = places(library)
    parameters = library.projections()["tsne"]["parameters"]
    assert (parameters["songs"], parameters["vectors"]) == (240, "coarse")
    # A new layout, turned as the old one.
    old, new = (np.array([layout[song_id] for song_id in before]) for layout in (before, after))
    assert not np.array_equal(old, new)
    assert ((new - old) ** 2).sum() < ((new + old) ** 2).sum()
    library.grow_to(250)
    finish(growing, library)
    assert len(places(library, "pca")) == 250
    assert {song_id: places(library)[song_id] for song_id in after} == after
    assert growing.said == []


def test_a_small_library_gets_its_map_at_the_end(library, growing):
    library.grow_to(20)
    growing.update()
    finish(growing, library)
    assert len(places(library)) == 20


def test_a_perplexity_that_the_user_chose_meanwhile_stays(library, growing):
    library.grow_to(60)
    update_until(growing, lambda: library.projections())
    make_map(library, reporter=Reporter(), request=MapRequest(("tsne",), perplexity=7))
    library.grow_to(240)
    finish(growing, library)
    assert library.projections()["tsne"]["parameters"]["perplexity"] == 7


def test_a_crash_of_the_process_is_survived(library, growing):
    library.grow_to(60)
    update_until(growing, lambda: growing._process)
    growing._process.kill()
    update_until(growing, lambda: library.projections())
    assert len([text for text in growing.said if "ended unexpectedly" in text]) == 1
    library.grow_to(70)
    update_until(growing, lambda: growing._n_running)
    growing._process.kill()
    finish(growing, library)
    assert len(places(library)) == 70


def test_a_process_that_always_crashes_is_given_up(library, growing, monkeypatch):
    monkeypatch.setattr(growing_map, "_START_CODE", "raise SystemExit")
    library.grow_to(60)
    update_until(growing, lambda: growing._crashes == growing_map._MAX_CRASHES)
    growing.update(is_last=True)
    assert len(growing.said) == 1
    assert growing._process is None


def test_a_map_that_cannot_be_made_is_reported(library, growing):
    library.grow_to(60)
    with library.transaction():
        library._rows("UPDATE state SET value = 'no number' WHERE key = 'map_revision'")
        library._rows("INSERT OR IGNORE INTO state VALUES ('map_revision', 'no number')")
    update_until(growing, lambda: growing.said)
    assert any(str(library.path) in text for text in growing.said)


def test_another_run_goes_on_after_one_was_killed(library):
    library.grow_to(60)
    code = (
        "import sys, time; from pathlib import Path\n"
        "from explorer.indexing.growing_map import GrowingMap\n"
        "from explorer.util.progress import Reporter\n"
        "growing = GrowingMap(Path(sys.argv[1]), Reporter())\n"
        "growing.update(); print(growing._process.pid, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(library.path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as run:
        child = int(run.stdout.readline())
        run.kill()
    wait_until_ended(child)
    library.grow_to(80)
    with GrowingMap(library.path, Reporter()) as growing:
        finish(growing, library)
    assert len(places(library)) == 80


def wait_until_ended(process_id):
    deadline = time.monotonic() + MAX_WAIT_S
    try:
        while is_running(process_id):
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process_id, signal.SIGKILL)


def is_running(process_id):
    try:
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_library_looked_at_again_keeps_the_places_of_songs_not_reached_yet(library):
    library.grow_to(80)
    make_map(library, reporter=Reporter(), request=MapRequest(METHODS))
    before = places(library)
    gone = sorted(before)[:30]
    with library.transaction():
        for song_id in gone:
            library._rows("DELETE FROM coarse_vectors WHERE song_id = ?", (song_id,))
    make_map(library, reporter=Reporter(), request=MapRequest(METHODS))
    assert places(library) == before
    assert Database.open_readonly(library.path).count_vectors() == 50
