"""Indexing with the real network, and killing real processes."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import apsw
import numpy as np
import pytest
import soundfile
from support import RecordingReporter

from explorer.audio.decoding import open_audio
from explorer.config import ROOT, Settings
from explorer.database import connection
from explorer.database.database import Database
from explorer.embedding.engines import Engine
from explorer.embedding.frontend import log_mel, windows
from explorer.errors import EmbeddingError, LibraryError
from explorer.indexing import indexer
from explorer.indexing.embed_files import open_embedder
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)
CLI = [sys.executable, str(ROOT / "run.py")]


@pytest.fixture
def music(tmp_path, make_tone):
    """Six songs in two folders, and a broken file."""
    folder = tmp_path / "music"
    for number in range(6):
        tags = {"title": f"Song {number}", "artist": "Someone", "genre": "Test"}
        make_tone(
            folder / f"disc {number % 2}" / f"{number}.flac", frequency_hz=150 * (number + 1), tags=tags
        )
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    return folder


def index(database, folder, **options):
    options.setdefault("request", REQUEST)
    return index_folder(IndexRun(database, folder, reporter=Reporter(), **options))


_TABLES = "songs songs_vectors coarse_vectors songs_genres files failures state roots".split()


def rows(path):
    """The tables that must be equal however often the index run was killed."""
    connection = sqlite3.connect(path)
    tables = {
        table: connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall() for table in _TABLES
    }
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    return tables


def test_songs_are_stored_and_a_broken_file_is_recorded_as_a_failure(fresh_db, music):
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.skipped, summary.failed) == (6, 0, 1)
    assert summary.audio_seconds == pytest.approx(9.0)
    assert [row.title for row in fresh_db.songs()] == [
        "Song 0",
        "Song 2",
        "Song 4",
        "Song 1",
        "Song 3",
        "Song 5",
    ]
    assert {row.genres for row in fresh_db.songs()} == {("Test",)}
    _, vectors = fresh_db.vectors()
    assert np.isfinite(vectors).all()
    assert len(np.unique(vectors.round(6), axis=0)) == 6
    ((path, reason),) = fresh_db.failures()
    assert path.endswith("broken.mp3")
    assert "not audio" in reason


def test_a_second_run_embeds_only_new_files(fresh_db, music, make_tone):
    index(fresh_db, music)
    make_tone(music / "new.flac", frequency_hz=1234)
    make_tone(music / "disc 0" / "0.flac", frequency_hz=77, seconds=2.5)
    before = fresh_db.vector("disc 0/0.flac")
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.skipped, summary.failed) == (2, 6, 0)
    assert not np.allclose(fresh_db.vector("disc 0/0.flac"), before)
    assert index(fresh_db, music).skipped == 8


def test_a_failed_file_is_tried_again_when_it_changes_or_on_request(fresh_db, music, make_tone):
    index(fresh_db, music)
    assert index(fresh_db, music, retry=True).failed == 1
    make_tone(music / "whole.flac")
    shutil.copy(music / "whole.flac", music / "broken.mp3")
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.failed) == (2, 0)
    assert fresh_db.failures() == []


def test_a_copied_file_gets_the_vector_of_its_original(fresh_db, music):
    shutil.copy(music / "disc 0" / "0.flac", music / "disc 1" / "zz copy.flac")
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.copied) == (7, 1)
    np.testing.assert_array_equal(fresh_db.vector("disc 1/zz copy.flac"), fresh_db.vector("disc 0/0.flac"))


def test_a_changed_file_does_not_give_its_new_vector_to_an_old_copy(fresh_db, music, make_tone):
    index(fresh_db, music)
    old = fresh_db.vector("disc 0/0.flac")
    shutil.copy(music / "disc 0" / "0.flac", music / "zz copy.flac")
    make_tone(music / "disc 0" / "0.flac", frequency_hz=99)
    assert index(fresh_db, music).indexed == 2
    np.testing.assert_allclose(fresh_db.vector("zz copy.flac"), old, atol=1e-5)


def test_a_folder_inside_or_around_a_root_stores_no_song_twice(fresh_db, music):
    assert index(fresh_db, music / "disc 0").indexed == 3
    assert fresh_db.songs()[0].song_id == "0.flac"
    around = index(fresh_db, music)
    assert (around.indexed, around.skipped, around.failed) == (3, 3, 1)
    inside = index(fresh_db, music / "disc 1")
    assert (inside.indexed, inside.skipped) == (0, 3)
    assert [row.song_id for row in fresh_db.songs()] == ["0.flac", "2.flac", "4.flac"] + [
        f"disc 1/{number}.flac" for number in (1, 3, 5)
    ]
    assert fresh_db.roots() == [str(music)]
    assert fresh_db.file_of("0.flac").path == music / "disc 0" / "0.flac"
    assert fresh_db.file_of("disc 1/3.flac").path == music / "disc 1" / "3.flac"


def test_a_root_that_another_program_adds_after_the_scan_is_respected(fresh_db, music, monkeypatch):
    choose_model = indexer.choose_model

    def add_root_then_choose(*arguments, **options):
        fresh_db.add_root(music)
        return choose_model(*arguments, **options)

    monkeypatch.setattr(indexer, "choose_model", add_root_then_choose)
    assert index(fresh_db, music / "disc 0").indexed == 3
    assert fresh_db.roots() == [str(music)]
    assert fresh_db.file_of("disc 0/0.flac").path == music / "disc 0" / "0.flac"


def test_samples_that_are_not_finite_are_silence_and_noted(fresh_db, music):
    sound = np.random.default_rng(3).normal(0, 0.1, (70_000, 2)).astype(np.float32)
    sound[60_000] = 0
    soundfile.write(music / "clean.wav", sound, 48_000, subtype="FLOAT")
    sound[60_000] = np.nan, -np.inf
    soundfile.write(music / "not finite.wav", sound, 48_000, subtype="FLOAT")
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.failed) == (8, 1)
    np.testing.assert_array_equal(fresh_db.vector("not finite.wav"), fresh_db.vector("clean.wav"))
    assert fresh_db.song("not finite.wav").note.startswith("2 samples are not numbers")
    assert [path for path, _ in summary.notes] == ["not finite.wav"]
    assert fresh_db.song("clean.wav").note == ""


def write_stereo(path, left, right):
    soundfile.write(path, np.stack([left, right], axis=1), 48_000, subtype="FLOAT")


@pytest.mark.parametrize("residue", [0.0, 0.05])
def test_a_song_in_opposite_phase_gets_the_vector_of_its_louder_channel(fresh_db, music, residue):
    """The average of its channels is silence, or nearly silence."""
    sound = np.random.default_rng(3).normal(0, 0.1, 150_000).astype(np.float32)
    write_stereo(music / "opposite.wav", -sound, (1 + residue) * sound)
    write_stereo(music / "alone.wav", *[np.float32(1 + residue) * sound] * 2)
    summary = index(fresh_db, music)
    np.testing.assert_allclose(fresh_db.vector("opposite.wav"), fresh_db.vector("alone.wav"), atol=1e-4)
    assert f"channel {2 if residue else 1} alone" in fresh_db.song("opposite.wav").note
    assert summary.notes == [("opposite.wav", fresh_db.song("opposite.wav").note)]
    np.testing.assert_array_equal(
        embed_one(fresh_db, music / "opposite.wav"), fresh_db.vector("opposite.wav")
    )


def test_independent_channels_and_silence_are_averaged(fresh_db, music):
    left, right = np.random.default_rng(3).normal(0, 0.1, (2, 100_000)).astype(np.float32)
    write_stereo(music / "independent.wav", left, right)
    soundfile.write(music / "average.wav", (left + right) * np.float32(0.5), 48_000, subtype="FLOAT")
    write_stereo(music / "silence.wav", 0 * left, 0 * left)
    assert not index(fresh_db, music).notes
    np.testing.assert_array_equal(fresh_db.vector("independent.wav"), fresh_db.vector("average.wav"))


def embed_one(database, path):
    embedder = open_embedder(database=Path(database.path), request=REQUEST, reporter=Reporter())
    return embedder.embed(path).pooled


def test_vectors_do_not_depend_on_the_rest_of_the_batch(fresh_db, music, tmp_path):
    index(fresh_db, music)
    with Database.open(tmp_path / "one by one.db") as other:
        for _ in range(7):
            index(other, music, limit=1)
        np.testing.assert_array_equal(other.vectors()[1], fresh_db.vectors()[1])


def test_a_song_that_the_network_refuses_fails_alone(fresh_db, music, monkeypatch):
    blocks = open_audio(music / "disc 0" / "0.flac").mono(sample_rate_hz=48_000)
    [first] = windows(blocks, hop_s=1.0, batch_size=9)
    unlucky = log_mel(first[:1])
    embed = Engine.embed

    def refuse_the_unlucky(engine, inputs):
        if (np.abs(inputs - unlucky).max(axis=(1, 2, 3)) == 0).any():
            raise EmbeddingError("Out of range.")
        return embed(engine, inputs)

    monkeypatch.setattr(Engine, "embed", refuse_the_unlucky)
    summary = index(fresh_db, music)
    assert (summary.indexed, summary.failed) == (5, 2)
    assert ("disc 0/0.flac", "Out of range.") in summary.failures


def test_the_limit_bounds_the_embedded_songs(fresh_db, music):
    assert index(fresh_db, music, limit=2).indexed + index(fresh_db, music, limit=2).indexed == 3


def test_another_model_is_refused_and_both_are_named(fresh_db, music):
    index(fresh_db, music, limit=2)
    other = ModelRequest(models_dir=REQUEST.models_dir, weights="untrained", hop_s=0.5)
    with pytest.raises(LibraryError, match=r"hop 1 s.*hop 0\.5 s.*--reindex"):
        index(fresh_db, music, request=other)
    unspecified = ModelRequest(models_dir=REQUEST.models_dir)
    assert index(fresh_db, music, request=unspecified, limit=1).indexed == 1
    again = ModelRequest(models_dir=REQUEST.models_dir, weights="untrained", hop_s=0.5, reindex=True)
    assert index(fresh_db, music, request=again).indexed == 6
    assert fresh_db.model()["hop_s"] == 0.5


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_index_resumes_after_being_killed_with_an_equal_library(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number in range(14):
        make_tone(folder / f"{number:02d}.flac", frequency_hz=100 * (number + 1), seconds=4.0)
    (folder / "broken.mp3").write_bytes(b"no music " * 100)
    index_command = [*CLI, "index", str(folder), "--weights", "untrained", "--hop", "1.0", "--no-map"]
    index_command += ["--no-previews", "--first-look", "2"]
    whole, killed = tmp_path / "whole.db", tmp_path / "killed.db"
    assert subprocess.run([*index_command, "--db", str(whole)], capture_output=True).returncode == 3
    counts = []
    for table, songs_before_the_kill in (
        ("coarse_vectors", 1),
        ("coarse_vectors", 5),
        ("songs_vectors", 1),
        ("songs_vectors", 6),
    ):
        process = subprocess.Popen(
            [*index_command, "--db", str(killed)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_for_songs(killed, table, songs_before_the_kill, process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        counts.append([len(rows(killed)[table]) for table in ("coarse_vectors", "songs_vectors")])
    assert counts == sorted(counts)
    # A slow machine may notice late how far a run is.
    assert counts[0][0] > 0
    assert counts[-1][0] == 14
    assert counts[-1][1] > 0
    last = subprocess.run([*index_command, "--db", str(killed), "--json"], capture_output=True, text=True)
    assert f'"looked": 0, "indexed": {14 - counts[-1][1]},' in last.stdout
    assert rows(killed) == rows(whole)


def test_a_run_waits_for_a_program_that_holds_the_library_as_it_starts(
    fresh_db, tmp_path, make_tone, monkeypatch
):
    make_tone(tmp_path / "music" / "0.flac")
    fresh_db._connection.set_busy_timeout(50)
    monkeypatch.setattr(connection, "BUSY_TIMEOUT_MS", 50)
    with closing(apsw.Connection(str(fresh_db.path))) as other:
        other.execute("BEGIN IMMEDIATE")

        class Releasing(RecordingReporter):
            def say(self, text):
                super().say(text)
                if "held by another program" in text:
                    other.execute("ROLLBACK")

        reporter = Releasing()
        run = IndexRun(fresh_db, tmp_path / "music", request=REQUEST, reporter=reporter)
        assert index_folder(run).indexed == 1
    assert any("held by another program" in text for text in reporter.said)


def wait_for_songs(path, table, count, process):
    """Wait until a running index has stored so many vectors."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        try:
            connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            (stored,) = connection.execute(f"SELECT count(*) FROM {table}").fetchone()
            connection.close()
            if stored >= count:
                return
        except sqlite3.OperationalError:
            pass
        time.sleep(0.02)
    pytest.fail(f"the index stored fewer than {count} songs before it ended")
