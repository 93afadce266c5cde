"""Songs that an older version of the program read are read again once."""

import os
import sqlite3
from dataclasses import replace

import mutagen
import numpy as np
import pytest
import soundfile

from explorer.analysis.library_status import describe_library, library_status
from explorer.audio.pictures import waveforms_in
from explorer.config import Settings
from explorer.database.records import SameSound, encode_vector
from explorer.indexing.dry_run import plan_dry_run
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.indexing.reread import is_same_sound
from explorer.library.music_file import READ_VERSION, Fingerprints, Tags
from tests.support import RecordingReporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)
VECTOR = np.arange(512, dtype=np.float64)


@pytest.fixture
def music(tmp_path, make_tone):
    for number in range(4):
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=200 * (number + 1), tags={"title": "T"})
    (tmp_path / "music" / "broken.mp3").write_bytes(b"no music at all " * 100)
    return tmp_path / "music"


def index(database, folder, **options):
    reporter = RecordingReporter()
    summary = index_folder(IndexRun(database, folder, request=REQUEST, reporter=reporter, **options))
    return summary, "\n".join(reporter.said)


def age(database, **changes):
    """Make a library one of an older version; `changes` are columns of the first song's file."""
    connection = sqlite3.connect(database.path)
    connection.execute("UPDATE files SET read_version = 1")
    connection.execute("UPDATE failures SET read_version = 1")
    connection.execute("UPDATE songs_vectors SET embedding = ?", (encode_vector(VECTOR),))
    for column, value in changes.items():
        connection.execute(f"UPDATE files SET {column} = ? WHERE song_id = '0.flac'", (value,))
    connection.commit()
    connection.close()


def has_old_vector(database, song_id):
    return np.array_equal(database.vector(song_id), VECTOR)


def test_a_file_with_a_cue_sheet_inside_is_divided(fresh_db, tmp_path, make_tone):
    path = make_tone(tmp_path / "music" / "0.flac", seconds=4.0)
    index(fresh_db, path.parent)
    file = mutagen.File(path)
    file["CUESHEET"] = "".join(f"TRACK {n} AUDIO\nINDEX 01 00:0{n}:00\n" for n in (1, 2))
    file.save()
    # The older version did not know cue sheets.
    fresh_db._rows("UPDATE files SET size_bytes = ?, modified_ns = ?", _size_and_time(path))
    for _ in range(2):
        fresh_db._rows("UPDATE files SET read_version = 1")
        summary, _ = index(fresh_db, path.parent)
        assert (summary.songs, summary.misread, summary.skipped) == (2, 1, 0)
        assert fresh_db.vectors()[0] == ["0.flac#01", "0.flac#02"]


def _size_and_time(path):
    return path.stat().st_size, path.stat().st_mtime_ns


def test_songs_with_the_same_sound_keep_their_vectors(fresh_db, music):
    index(fresh_db, music)
    age(fresh_db, format="flac/pcm_16")
    assert fresh_db.count_outdated() == 4
    assert "4 songs read by an older version" in describe_library(library_status(fresh_db))
    assert plan_dry_run(fresh_db, music, retry=False, reporter=RecordingReporter()).reread == 4
    summary, said = index(fresh_db, music)
    assert (summary.reread, summary.misread, summary.indexed, summary.skipped) == (4, 0, 0, 4)
    assert "Checked 4 songs" in said
    assert all(has_old_vector(fresh_db, f"{number}.flac") for number in range(4))
    assert fresh_db.file_of("0.flac").format == "flac/flac"
    assert fresh_db.count_outdated() == 0
    assert "older version" not in describe_library(library_status(fresh_db))
    # The failure was tried again, and everything is done once.
    assert summary.failed == 1
    summary, said = index(fresh_db, music)
    assert (summary.reread, summary.skipped, summary.failed) == (0, 5, 0)
    assert "Checked" not in said


def test_a_song_that_was_cut_is_embedded_again(fresh_db, music):
    index(fresh_db, music)
    right = fresh_db.vector("0.flac")
    settings = Settings(database=fresh_db.path)
    fingerprint = fresh_db.file_of("0.flac").fingerprint
    with waveforms_in(settings.waveforms).writing(fingerprint) as part:
        part.write_bytes(b"x")
    cached = waveforms_in(settings.waveforms).path(fingerprint)
    age(fresh_db, duration_s=1.0)
    summary, said = index(fresh_db, music)
    assert (summary.reread, summary.misread, summary.indexed, summary.embedded) == (3, 1, 1, 1)
    assert summary.found == summary.indexed + summary.skipped + summary.failed + summary.left
    assert "1 had been read in part or wrongly" in said
    np.testing.assert_array_equal(fresh_db.vector("0.flac"), right)
    assert all(has_old_vector(fresh_db, f"{number}.flac") for number in (1, 2, 3))
    assert not cached.exists()


def test_a_new_copy_of_a_cut_song_does_not_inherit_its_vector(fresh_db, music):
    index(fresh_db, music)
    right = fresh_db.vector("0.flac")
    age(fresh_db, duration_s=1.0)
    (music / "copy.flac").write_bytes((music / "0.flac").read_bytes())
    index(fresh_db, music)
    np.testing.assert_array_equal(fresh_db.vector("copy.flac"), right)
    np.testing.assert_array_equal(fresh_db.vector("0.flac"), right)


def test_a_song_that_moved_before_it_was_checked_keeps_its_id_and_gets_a_new_vector(fresh_db, music):
    index(fresh_db, music)
    right = fresh_db.vector("0.flac")
    age(fresh_db, duration_s=1.0)
    (music / "0.flac").rename(music / "moved.flac")
    summary, _ = index(fresh_db, music)
    assert [row.song_id for row in fresh_db.songs()] == ["1.flac", "2.flac", "3.flac", "moved.flac"]
    np.testing.assert_array_equal(fresh_db.vector("moved.flac"), right)
    assert summary.gone == 0


def test_a_limit_leaves_the_others_for_the_next_run(fresh_db, music):
    index(fresh_db, music)
    age(fresh_db)
    assert index(fresh_db, music, limit=3)[0].reread == 3
    assert fresh_db.count_outdated() == 1
    assert index(fresh_db, music)[0].reread == 1


def test_a_file_that_cannot_be_read_any_more_is_a_failure(fresh_db, music):
    index(fresh_db, music)
    age(fresh_db)
    state = (music / "0.flac").stat()
    (music / "0.flac").write_bytes(b"x" * state.st_size)
    os.utime(music / "0.flac", ns=(state.st_atime_ns, state.st_mtime_ns))
    summary, _ = index(fresh_db, music)
    assert (summary.reread, summary.failed) == (3, 2)


def test_songs_in_opposite_phase_are_embedded_again(fresh_db, tmp_path):
    sound = np.random.default_rng(1).normal(0, 0.1, 100_000)
    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music" / "0.flac", np.stack([sound, -sound], axis=1), 48_000)
    index(fresh_db, tmp_path / "music")
    right = fresh_db.vector("0.flac")
    age(fresh_db, note="")
    assert index(fresh_db, tmp_path / "music")[0].misread == 1
    np.testing.assert_array_equal(fresh_db.vector("0.flac"), right)
    assert "channel" in fresh_db.song("0.flac").note


OLD = SameSound("a", 1, None, b"a", "flac/pcm_16", 10.0, None, False, frozenset({"bytes", "sound"}))
NEW = Fingerprints("bytes", "sound", Tags("A"), "flac/flac")


@pytest.mark.parametrize(
    ("old", "new", "duration_s", "cancels", "expected"),
    [
        ({}, {}, 10.0, False, True),
        ({}, {}, 10.09, False, True),
        ({}, {}, 10.2, False, False),
        ({}, {}, 9.8, False, False),
        ({}, {}, 10.0, True, False),
        ({}, {"audio_fingerprint": "other"}, 10.0, False, False),
        ({"fingerprints": frozenset({"bytes"})}, {"audio_fingerprint": "other"}, 10.0, False, True),
        ({"format": "wav/pcm_16"}, {"format": "wav/pcm_s16le"}, 10.0, False, True),
        ({"format": "wav/pcm_16"}, {"format": "wav/dts"}, 10.0, False, False),
        ({"format": "mp3/mp3"}, {"format": "mp3/mp3"}, 10.0, False, True),
    ],
)
def test_a_vector_is_kept_only_for_the_same_sound(old, new, duration_s, cancels, expected):
    old, new = replace(OLD, **old), replace(NEW, **new)
    assert is_same_sound(old, new, duration_s=duration_s, cancels=cancels) is expected


def test_the_version_is_stored_with_songs_and_failures(fresh_db, music):
    index(fresh_db, music)
    connection = sqlite3.connect(fresh_db.path)
    for table in ("files", "failures"):
        assert set(connection.execute(f"SELECT read_version FROM {table}")) == {(READ_VERSION,)}
    connection.close()
