"""The first look and the full pass: what they store, and what files that change between them do."""

import os
import shutil
import signal
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from support import RecordingReporter

from explorer.analysis.library_status import describe_library, library_status
from explorer.audio.decoder import Decoder
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.vectors import VectorCounts
from explorer.exporting.exporter import ExportRequest, export
from explorer.indexing import decode_ahead, embed_files, indexer
from explorer.indexing.dry_run import plan_dry_run
from explorer.indexing.embed_files import open_embedder
from explorer.indexing.first_look import wants_first_look
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.model import Model, ModelRequest
from explorer.indexing.running import IndexProgress
from explorer.indexing.store import Storer
from explorer.indexing.update_map import update_map
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


class SmallEngine:
    """An engine without a network; `embedded` receives the number of windows of each call."""

    name, batch_size, calls_at_once = "small", 16, 1

    def __init__(self):
        self.embedded = []

    def prepare(self, windows):
        return np.abs(np.fft.rfft(windows)).astype(np.float32)[:, :512]

    def embed(self, inputs):
        self.embedded.append(len(inputs))
        return inputs


@pytest.fixture(autouse=True)
def engine(monkeypatch):
    engine = SmallEngine()

    def choose_engine(run):
        run.model = Model.from_record(run.database.claim_model(run.model.record()))
        return engine

    monkeypatch.setattr(indexer, "choose_engine", choose_engine)
    return engine


@pytest.fixture
def embedded(engine):
    return engine.embedded


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
        (VectorCounts(0, 0, 0, False), 10, True),
        (VectorCounts(0, 0, 0, False), 9, False),
        (VectorCounts(14, 0, 14, False), 15, True),
        (VectorCounts(15, 0, 15, False), 15, False),
        (VectorCounts(15, 15, 15, True), 1, True),
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


@pytest.fixture
def looked(fresh_db, music, monkeypatch):
    """A library after the first look, before the full pass."""
    look_only(fresh_db, music, monkeypatch)
    return fresh_db


def test_files_that_change_between_the_passes_end_as_in_one_pass(
    looked, music, make_tone, one_pass, embedded
):
    """Moved, copied, deleted, retagged, replaced, new, moved over another, swapped."""
    embedded.clear()
    (music / "disc 0" / "03.flac").rename(music / "moved.flac")
    shutil.copy(music / "disc 0" / "06.flac", music / "another copy.flac")
    (music / "disc 0" / "09.flac").unlink()
    retagged = mutagen.File(music / "disc 1" / "01.flac")
    retagged["title"] = "Another title"
    retagged.save()
    write_song(make_tone, music / "disc 1" / "04.flac", 30)
    write_song(make_tone, music / "new.flac", 31)
    (music / "disc 1" / "07.flac").rename(music / "disc 1" / "10.flac")
    (music / "disc 2" / "02.flac").rename(music / "aside")
    (music / "disc 2" / "05.flac").rename(music / "disc 2" / "02.flac")
    (music / "aside").rename(music / "disc 2" / "05.flac")
    (music / "broken.mp3").unlink()
    summary = index(looked, music)
    assert summary.gone == 2
    counts = looked.vector_counts()
    show_full(looked)
    for song_id in looked.gone_songs():
        looked.forget_songs([song_id])
    # Each sound that is new is looked at; each sound is embedded fully once.
    assert sum(embedded) == 2 * WINDOWS + 11 * 8
    assert (counts.coarse, counts.full) == (15, 13)
    assert rows(looked) == one_pass(music)


def test_a_file_that_changes_while_the_run_goes_on_keeps_no_vector_of_its_old_sound(
    fresh_db, music, make_tone, monkeypatch, embedded, one_pass
):
    """The next run makes the coarse vector of the new sound, and keeps the full one."""
    path = music / "disc 0" / "03.flac"
    embed_locally = indexer.embed_locally

    def change_then_embed(*arguments, **options):
        write_song(make_tone, path, 40)
        return embed_locally(*arguments, **options)

    monkeypatch.setattr(indexer, "embed_locally", change_then_embed)
    index(fresh_db, music)
    assert vector_counts(fresh_db) == (13, 12, 13, True)
    monkeypatch.setattr(indexer, "embed_locally", embed_locally)
    embedded.clear()
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.retagged, sum(embedded)) == (1, 1, WINDOWS)
    assert vector_counts(fresh_db) == (13, 13, 13, True)
    show_full(fresh_db)
    assert rows(fresh_db) == one_pass(music)


def test_a_song_that_only_the_full_pass_cannot_read_fails_and_leaves_the_map(
    looked, music, monkeypatch, one_pass
):
    data = (music / "disc 1" / "04.flac").read_bytes()
    damaged = music / "disc 1" / "04.flac"
    state = damaged.stat()
    damaged.write_bytes(data[:200] + bytes(len(data) - 200))
    os.utime(damaged, ns=(state.st_atime_ns, state.st_mtime_ns))
    summary = index(looked, music)
    assert (summary.looked, summary.failed, summary.indexed) == (0, 1, 12)
    assert "disc 1/04.flac" not in [song.song_id for song in looked.songs()]
    show_full(looked)
    assert rows(looked) == one_pass(music)
    again = index(looked, music)
    assert (again.skipped, again.failed_before) == (14, 2)


def test_a_file_that_fails_in_the_first_look_is_not_tried_again(fresh_db, music, monkeypatch):
    tried = []
    fingerprints = Decoder.fingerprints

    def count(decoder, path, **options):
        tried.append(path.name)
        return fingerprints(decoder, path, **options)

    monkeypatch.setattr(Decoder, "fingerprints", count)
    summary = index(fresh_db, music)
    assert (summary.failed, tried.count("broken.mp3"), tried.count("04.flac")) == (1, 1, 2)
    tried.clear()
    assert index(fresh_db, music, retry=True).failed == 1
    assert tried == ["broken.mp3"]


def test_known_songs_are_looked_at_before_the_coarse_vectors_are_shown(
    fresh_db, music, tmp_path, make_tone, monkeypatch, one_pass
):
    first = tmp_path / "first"
    for number in range(20, 24):
        write_song(make_tone, first / f"{number}.flac", number)
    index(fresh_db, first)
    assert vector_counts(fresh_db) == (4, 0, 4, False)
    (first / "21.flac").unlink()
    index(fresh_db, first)
    full = fresh_db.vectors()
    shown = []
    monkeypatch.setattr(
        type(fresh_db),
        "store_coarse_vector",
        lambda self, *song, store=Database.store_coarse_vector: (
            shown.append(self.shows_coarse()),
            store(self, *song),
        ),
    )
    look_only(fresh_db, music, monkeypatch)
    assert shown == [False] * 3
    assert vector_counts(fresh_db) == (17, 16, 4, True)
    assert "21.flac" not in fresh_db.vectors()[0]
    index(fresh_db, music)
    show_full(fresh_db)
    np.testing.assert_array_equal(fresh_db.vectors(song_ids=full[0])[1], full[1])
    assert vector_counts(fresh_db) == (17, 0, 17, False)


def test_a_second_folder_waits_for_the_first(looked, music, tmp_path, make_tone, embedded, one_pass):
    second = tmp_path / "second"
    for number in range(20, 23):
        write_song(make_tone, second / f"{number}.flac", number)
    embedded.clear()
    index(looked, second)
    assert sum(embedded) == 3 * (WINDOWS + 8)
    assert vector_counts(looked) == (16, 16, 3, True)
    assert (looked.count_awaiting_full(), looked.is_ready_for_full()) == (13, False)
    index(looked, music)
    show_full(looked)
    with Database.open(tmp_path / "other.db") as other:
        index(other, music, first_look=0)
        index(other, second, first_look=0)
        assert rows(looked)["songs_vectors"] == rows(other)["songs_vectors"]


def test_gone_songs_with_coarse_vectors_do_not_keep_the_full_ones_from_being_shown(looked, music):
    shutil.rmtree(music / "disc 0")
    assert index(looked, music).gone == 4
    show_full(looked)
    assert vector_counts(looked) == (9, 0, 9, False)
    shutil.copytree(music / "disc 1", music / "disc 0")
    assert index(looked, music).copied == 4


def test_a_run_without_a_first_look_completes_a_coarse_library(looked, music, make_tone, one_pass, embedded):
    write_song(make_tone, music / "new.flac", 31)
    embedded.clear()
    summary = index(looked, music, first_look=0)
    assert (summary.looked, summary.indexed, sum(embedded)) == (0, 14, 13 * 8)
    show_full(looked)
    assert rows(looked) == one_pass(music)


def test_reindex_starts_with_a_first_look_of_everything(looked, music, embedded, one_pass):
    embedded.clear()
    index(looked, music, request=replace(REQUEST, reindex=True))
    assert sum(embedded) == 12 * (WINDOWS + 8)
    show_full(looked)
    assert rows(looked) == one_pass(music)


def test_a_first_look_goes_on_with_the_number_of_windows_with_which_it_began(
    looked, music, make_tone, embedded
):
    write_song(make_tone, music / "new.flac", 31)
    embedded.clear()
    reporter = RecordingReporter()
    index(looked, music, first_look=5, limit=1, reporter=reporter)
    assert sum(embedded) in (8, WINDOWS + 8)
    index(looked, music, first_look=5, reporter=reporter)
    assert sum(embedded) == WINDOWS + 13 * 8
    assert "3 windows" in " ".join(reporter.said)


def test_the_limit_bounds_both_passes(fresh_db, music, embedded):
    summary = index(fresh_db, music, limit=11)
    assert (summary.looked, summary.done, summary.left) == (11, 11, 3)
    assert fresh_db.is_ready_for_full()


def test_songs_that_listeners_ask_for_are_embedded_first(looked, music, monkeypatch):
    asked = ["disc 2/08.flac", "disc 0/06.flac"]
    for song_id in asked:
        looked._rows("INSERT INTO asked_songs(song_id) VALUES (?)", (song_id,))
    stored = []
    complete_song = Database.complete_song

    def complete(database, root_id, song, vector):
        stored.append(song.file.text)
        if len(stored) == 4:
            database._rows("INSERT INTO asked_songs(song_id) VALUES ('disc 1/10.flac')")
        return complete_song(database, root_id, song, vector)

    monkeypatch.setattr(Database, "complete_song", complete)
    index(looked, music)
    assert stored[:2] == asked
    assert len(stored) == 12
    assert not looked._rows("SELECT * FROM asked_songs")


def test_the_first_look_stops_gently_at_ctrl_c_and_goes_on(fresh_db, music, monkeypatch, engine, one_pass):
    engine.batch_size = 2
    monkeypatch.setattr(decode_ahead, "QUEUED_WINDOWS", 2)
    store_looked = Storer.store_looked
    pressed = []

    def press_once(storer, outcomes):
        store_looked(storer, outcomes)
        if not pressed:
            pressed.append(True)
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Storer, "store_looked", press_once)
    reporter = RecordingReporter()
    summary = index(fresh_db, music, reporter=reporter)
    assert summary.interrupted
    assert (summary.indexed, 0 < summary.looked < 14) == (0, True)
    assert fresh_db.vector_counts().coarse in (summary.looked, summary.looked - 1)
    index(fresh_db, music)
    assert sum(engine.embedded) == 12 * (WINDOWS + 8)
    show_full(fresh_db)
    assert rows(fresh_db) == one_pass(music)


def test_decoded_tags_stay_decoded_during_the_full_pass(fresh_db, tmp_path, make_tone, monkeypatch):
    folder = tmp_path / "music"
    title = "Песня о далёкой родине".encode("cp1251").decode("latin-1")
    for number in range(12):
        write_song(
            make_tone, folder / f"{number}.flac", number, {"title": f"{title} {number}", "artist": title}
        )
    titles = []
    complete_song = Database.complete_song

    def complete(database, *arguments):
        stored = complete_song(database, *arguments)
        titles.extend(song.title for song in database.songs())
        return stored

    monkeypatch.setattr(Database, "complete_song", complete)
    assert index(fresh_db, folder).decoded == 12
    assert titles
    assert all(text.startswith("Песня") for text in titles)


def test_the_switch_shows_full_vectors_and_moves_no_song(looked, music):
    make_map(looked, reporter=Reporter())
    before = looked.stored_positions()
    summary = index(looked, music)
    update_map(looked, summary, reporter=Reporter())
    assert vector_counts(looked) == (13, 0, 13, False)
    after = looked.stored_positions()
    assert after.keys() == before.keys()
    for projection, places in before.items():
        assert {song_id: place[:2] for song_id, place in after[projection].items()} == {
            song_id: place[:2] for song_id, place in places.items()
        }


def test_status_dry_run_and_export_say_how_far_the_vectors_are(looked, music):
    index(looked, music, limit=4)
    status = library_status(looked)
    assert status["first_look"] == {
        "songs": 13,
        "coarse": 13,
        "full": 4,
        "shows_coarse": True,
        "awaiting": 9,
    }
    (line,) = [line for line in describe_library(status).splitlines() if line.startswith("vectors")]
    assert all(number in line for number in ("13 coarse", "4 songs have full", "9 songs still"))
    plan = plan_dry_run(looked, music, retry=False, reporter=Reporter())
    assert (len(plan.coarse), plan.to_embed, plan.unchanged, plan.new) == (9, 9, 5, [])
    exported = export(looked, ExportRequest("csv"), out=BytesIO())
    assert (exported.first_look.shows_coarse, exported.first_look.full) == (True, 4)


def test_the_estimate_of_the_first_look_counts_both_passes():
    progress = IndexProgress(stage="first look", total=100, to_look=100, looked=20, look_seconds=10)
    assert progress.seconds_left is None
    assert replace(progress, cost_ratio=30.0).seconds_left == pytest.approx(40 + 100 * 15)
    assert replace(progress, cost_ratio=30.0).record()["seconds_left"] == pytest.approx(1540)


def test_a_file_that_is_not_in_the_library_is_compared_by_a_coarse_vector(looked, music, engine, monkeypatch):
    monkeypatch.setattr(embed_files, "open_engine", lambda *_arguments, **_options: engine)
    path = music / "disc 0" / "03.flac"
    with Decoder() as decoder:
        options = {"request": REQUEST, "reporter": Reporter(), "decoder": decoder}
        coarse = open_embedder(database=Path(looked.path), **options).embed(path)
        np.testing.assert_array_equal(coarse.coarse, looked.vector("disc 0/03.flac"))
        index(looked, music)
        show_full(looked)
        full = open_embedder(database=Path(looked.path), **options).embed(path)
        np.testing.assert_array_equal(full.vector(None), looked.vector("disc 0/03.flac"))
        # It was embedded before the switch.
        np.testing.assert_array_equal(coarse.vector(looked.coarse_windows()), full.pooled)
        assert full.coarse is None


def test_a_song_in_opposite_phase_is_looked_at_in_its_louder_channel(fresh_db, music):
    sound = np.random.default_rng(3).normal(0, 0.1, 150_000).astype(np.float32)
    for name, left in (("opposite.wav", -sound), ("alone.wav", 1.05 * sound)):
        channels = np.stack([left, 1.05 * sound], axis=1)
        soundfile.write(music / name, channels, 48_000, subtype="FLOAT")
    index(fresh_db, music)
    coarse = fresh_db.vectors_of("opposite.wav")["coarse"]
    np.testing.assert_allclose(coarse, fresh_db.vectors_of("alone.wav")["coarse"], rtol=1e-4)


def test_the_tracks_of_a_cue_sheet_are_looked_at_one_by_one(fresh_db, music, make_tone, embedded, one_pass):
    make_tone(music / "album.flac", frequency_hz=500, seconds=12.0)
    (music / "album.cue").write_text(
        'FILE "album.flac" WAVE\n'
        '  TRACK 01 AUDIO\n    TITLE "One"\n    INDEX 01 00:00:00\n'
        '  TRACK 02 AUDIO\n    TITLE "Two"\n    INDEX 01 00:05:00\n'
    )
    summary = index(fresh_db, music)
    assert (summary.looked, summary.indexed, summary.extra_tracks) == (15, 14, 1)
    assert vector_counts(fresh_db) == (15, 15, 15, True)
    show_full(fresh_db)
    assert rows(fresh_db) == one_pass(music)


def test_ctrl_c_at_the_last_song_stops_the_run_too(fresh_db, music, monkeypatch):
    complete_song = Database.complete_song

    def complete(database, *arguments):
        if database.vector_counts().full == 11:
            signal.raise_signal(signal.SIGINT)
        return complete_song(database, *arguments)

    monkeypatch.setattr(Database, "complete_song", complete)
    assert index(fresh_db, music).interrupted
    assert fresh_db.is_ready_for_full()
