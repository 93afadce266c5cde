"""Songs of libraries without features get them, and are not embedded again."""

import os
import threading

import mutagen
import numpy as np
import pytest
import soundfile

from explorer.config import Settings
from explorer.database import features as stored_features
from explorer.indexing import fill_features as fill
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from tests.support import RecordingReporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32")


@pytest.fixture
def music(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number in range(3):
        make_tone(folder / f"{number}.flac", frequency_hz=300 * (number + 1), seconds=2.5)
    return folder


def index(database, folder, **options):
    reporter = RecordingReporter()
    summary = index_folder(IndexRun(database, folder, request=REQUEST, reporter=reporter, **options))
    return summary, "\n".join(reporter.said)


def forget(database):
    with database.transaction():
        database._rows("DELETE FROM song_features")


def rows(database):
    return {song_id: row for song_id, row in database.iterate_feature_rows() if row.loudness_lufs is not None}


def vectors(database):
    return {song_id: database.vector(song_id).tobytes() for song_id in database.song_ids()}


def test_features_are_measured_while_songs_are_embedded_or_by_a_later_run(fresh_db, music):
    _, said = index(fresh_db, music)
    first = rows(fresh_db)
    brightness = [first[f"{number}.flac"].brightness_hz for number in range(3)]
    assert brightness == pytest.approx([brightness[0] * times for times in (1, 2, 3)], rel=0.05)
    assert "Measured" not in said
    before = vectors(fresh_db)
    forget(fresh_db)
    summary, said = index(fresh_db, music)
    assert "of 3 songs" in said
    assert rows(fresh_db) == first
    assert fresh_db.features_of("0.flac").loudness_curve.shape == (3,)
    assert (vectors(fresh_db), summary.indexed, summary.interrupted) == (before, 0, False)
    assert "Measured" not in index(fresh_db, music)[1]


def test_features_of_an_older_version_are_measured_again(fresh_db, music, monkeypatch):
    index(fresh_db, music)
    assert fresh_db.count_features() == 3
    monkeypatch.setattr(stored_features, "FEATURES_VERSION", stored_features.FEATURES_VERSION + 1)
    assert fresh_db.count_features() == 0
    assert "of 3 songs" in index(fresh_db, music)[1]
    assert fresh_db.count_features() == 3


def test_a_new_run_stores_the_tags_of_tempo_and_key(fresh_db, music):
    index(fresh_db, music)
    forget(fresh_db)
    for name, tags in (("0.flac", {"BPM": "128", "INITIALKEY": "8A"}), ("1.flac", {"BPM": "0"})):
        file, state = mutagen.File(music / name), (music / name).stat()
        for key, text in tags.items():
            file[key] = text
        file.save()
        os.utime(music / name, ns=(state.st_atime_ns, state.st_mtime_ns))
        with fresh_db.transaction():
            size = (music / name).stat().st_size
            fresh_db._rows("UPDATE files SET size_bytes = ? WHERE song_id = ?", (size, name))
    index(fresh_db, music)
    row = fresh_db.feature_row("0.flac")
    assert (row.tag_tempo, row.tag_key) == ("128", "8A")
    row = fresh_db.feature_row("1.flac")
    assert (row.tag_tempo, row.tag_key) == ("", "")


def test_copies_share_their_features(fresh_db, music):
    (music / "copy.flac").write_bytes((music / "0.flac").read_bytes())
    index(fresh_db, music)
    assert rows(fresh_db)["copy.flac"] == rows(fresh_db)["0.flac"]
    forget(fresh_db)
    assert "of 3 songs" in index(fresh_db, music)[1]
    assert rows(fresh_db)["copy.flac"] == rows(fresh_db)["0.flac"]


def test_changed_missing_and_damaged_files_are_left_out(fresh_db, music):
    index(fresh_db, music)
    forget(fresh_db)
    (music / "0.flac").unlink()
    state = (music / "1.flac").stat()
    (music / "1.flac").write_bytes(bytes(state.st_size))
    os.utime(music / "1.flac", ns=(state.st_atime_ns, state.st_mtime_ns))
    summary, said = index(fresh_db, music)
    assert rows(fresh_db).keys() == {"2.flac"}
    assert "Not measured: 1.flac" in said
    assert not summary.interrupted
    # The next run tries it once more, and nothing else.
    _, said = index(fresh_db, music)
    assert said.count("Not measured: 1.flac") == 1


def test_a_file_that_has_changed_since_it_was_read_is_not_measured(fresh_db, music):
    index(fresh_db, music)
    forget(fresh_db)
    soundfile.write(music / "0.flac", np.random.default_rng(0).uniform(-0.1, 0.1, 96_000), 48_000)
    # Its change is too recent: it may still be being written.
    _, said = index(fresh_db, music, settled_s=3600.0)
    assert rows(fresh_db).keys() == {"1.flac", "2.flac"}
    assert "Not measured" not in said


def test_a_run_that_is_stopped_keeps_what_was_measured_and_the_next_one_goes_on(fresh_db, music, monkeypatch):
    index(fresh_db, music)
    forget(fresh_db)
    monkeypatch.setattr(fill, "count_cores", lambda: 1)
    monkeypatch.setattr(fill, "STORED_AT_ONCE", 1)
    stop = threading.Event()
    stored = fill._store

    def store_and_stop(run, measured):
        stop.set()
        return stored(run, measured)

    class Stopping:
        def __enter__(self):
            return stop

        def __exit__(self, *_):
            pass

    with monkeypatch.context() as patch:
        patch.setattr(fill, "_store", store_and_stop)
        patch.setattr(fill, "stop_on_first_interrupt", lambda *_: Stopping())
        summary, _ = index(fresh_db, music)
    assert summary.interrupted
    n_first = len(rows(fresh_db))
    assert 1 <= n_first < 3
    _, said = index(fresh_db, music)
    assert f"of {3 - n_first} song" in said
    assert len(rows(fresh_db)) == 3


def test_a_limit_limits_the_files_that_are_measured(fresh_db, music):
    index(fresh_db, music)
    forget(fresh_db)
    index(fresh_db, music, limit=2)
    assert rows(fresh_db).keys() == {"0.flac", "1.flac"}


def test_tracks_of_a_cue_sheet_are_measured_each(fresh_db, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, 48_000 * 5)
    noise[: 48_000 * 2] *= 0.1
    soundfile.write(folder / "album.wav", noise, 48_000)
    (folder / "album.cue").write_text(
        'FILE "album.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 01 00:02:00\n'
    )
    index(fresh_db, folder)
    first = rows(fresh_db)
    quiet, loud = (row.loudness_lufs for _, row in sorted(first.items()))
    assert loud - quiet == pytest.approx(20, abs=0.5)
    forget(fresh_db)
    index(fresh_db, folder)
    assert {key: row.loudness_lufs for key, row in rows(fresh_db).items()} == pytest.approx(
        {key: row.loudness_lufs for key, row in first.items()}, abs=0.01
    )
