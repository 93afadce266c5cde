"""The first look and the full pass: what they store, and what files that change between them do."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.vectors import VectorCounts
from explorer.indexing import indexer
from explorer.indexing.first_look import wants_first_look
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import Model, ModelRequest
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=0.5)
WINDOWS = 3


@pytest.fixture
def music(tmp_path, make_tone):
    """Twelve songs of about eight windows in three folders, a copy, and a broken file."""
    folder = tmp_path / "music"
    for number in range(12):
        tags = {"title": f"Song {number}", "artist": "Someone", "genre": "Test"}
        write_song(make_tone, folder / f"disc {number % 3}" / f"{number:02d}.flac", number, tags)
    shutil.copy(folder / "disc 0" / "00.flac", folder / "copy.flac")
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    return folder


def write_song(make_tone, path, number, tags=None):
    make_tone(path, frequency_hz=60 + 20 * number, seconds=4.0, tags=tags or {})


@pytest.fixture(autouse=True)
def embedded(monkeypatch):
    """A small engine instead of the network; the number of windows of each of its calls."""
    seen = []

    def embed(inputs):
        seen.append(len(inputs))
        return inputs

    def prepare(windows):
        return np.abs(np.fft.rfft(windows)).astype(np.float32)[:, :512]

    def choose_engine(run):
        run.model = Model.from_record(run.database.claim_model(run.model.record()))
        return SimpleNamespace(name="small", batch_size=16, prepare=prepare, embed=embed)

    monkeypatch.setattr(indexer, "choose_engine", choose_engine)
    return seen


def index(database, folder, *, first_look=WINDOWS, **options):
    options.setdefault("reporter", Reporter())
    request = options.pop("request", REQUEST)
    return index_folder(IndexRun(database, folder, request=request, first_look=first_look, **options))


def look_only(database, folder, monkeypatch, **options):
    """Run the first look alone, as if the run were killed before the full pass."""

    def be_killed(*_arguments, **_options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(indexer, "embed_locally", be_killed)
        with pytest.raises(KeyboardInterrupt):
            index(database, folder, **options)


def show_full(database):
    """Show the full vectors if they are complete, as the command does after a run without a map."""
    assert database.is_ready_for_full()
    database.show_coarse(False)


def rows(database):
    tables = ("songs", "songs_vectors", "coarse_vectors", "asked_songs", "songs_genres", "files", "failures")
    queries = {table: f"SELECT * FROM {table}" for table in tables}
    queries["song_texts"] = "SELECT song_id, title, artist, album, genres FROM song_texts"
    return {table: sorted(database._rows(query), key=repr) for table, query in queries.items()}


@pytest.fixture
def one_pass(tmp_path):
    """The function that returns the rows of a folder's library made without a first look."""

    def make(*folders):
        with Database.open(tmp_path / "one pass.db") as other:
            for folder in folders:
                index(other, folder, first_look=0)
            return rows(other)

    return make


def vector_counts(database):
    counts = database.vector_counts()
    return counts.songs, counts.coarse, counts.full, counts.shows_coarse


@pytest.mark.parametrize(
    ("counts", "n_files", "wanted"),
    [
        (VectorCounts(0, 0, 0, False), 5, True),
        (VectorCounts(4, 0, 4, False), 5, True),
        (VectorCounts(5, 0, 5, False), 5, False),
        (VectorCounts(5, 5, 5, True), 1, True),
        (VectorCounts(0, 0, 0, False), 0, False),
    ],
)
def test_a_run_begins_with_a_look_if_most_songs_are_new_or_coarse_vectors_are_shown(counts, n_files, wanted):
    assert wants_first_look(counts, n_files=n_files, windows=12, is_local=True) is wanted
    assert not wants_first_look(counts, n_files=n_files, windows=0, is_local=True)
    assert not wants_first_look(counts, n_files=n_files, windows=12, is_local=False)


def test_both_passes_store_the_same_library_as_one(fresh_db, music, one_pass, embedded):
    summary = index(fresh_db, music)
    assert (summary.looked, summary.indexed, summary.copied, summary.failed) == (14, 13, 1, 1)
    assert sum(embedded) == 12 * (WINDOWS + 8)
    assert embedded[0] == 16
    assert vector_counts(fresh_db) == (13, 13, 13, True)
    show_full(fresh_db)
    assert rows(fresh_db) == one_pass(music)
    embedded.clear()
    assert (index(fresh_db, music).skipped, embedded) == (14, [])


def test_until_the_full_pass_is_complete_the_coarse_vectors_are_shown(fresh_db, music, monkeypatch):
    look_only(fresh_db, music, monkeypatch)
    assert vector_counts(fresh_db) == (13, 13, 0, True)
    ids, coarse = fresh_db.vectors()
    assert len(ids) == len(fresh_db.songs()) == 13
    assert index(fresh_db, music, limit=4).looked == 0
    assert vector_counts(fresh_db) == (13, 13, 4, True)
    np.testing.assert_array_equal(fresh_db.vectors()[1], coarse)
    _, full = fresh_db.vectors(full=True)
    assert not fresh_db.is_ready_for_full()
    index(fresh_db, music)
    show_full(fresh_db)
    full_ids, full = fresh_db.vectors()
    assert full_ids == ids
    assert (full >= coarse).all()
    assert (full > coarse).any(axis=1).all()
