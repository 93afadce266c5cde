"""A library whose files change between two index runs, with real files and the real network."""

import os
import shutil

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3, TIT2
from support import RecordingReporter

from explorer.config import Settings
from explorer.embedding.engines import Engine
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)


@pytest.fixture
def music(tmp_path, make_tone):
    folder = tmp_path / "music"
    for number, name in enumerate(("a/one.flac", "a/two.flac", "b/three.mp3", "b/four.wav", "five.ogg")):
        tags = {} if name.endswith("wav") else {"title": name, "artist": "Someone", "genre": "Test"}
        make_tone(folder / name, frequency_hz=150 * (number + 1), tags=tags)
    return folder


@pytest.fixture
def embedded(monkeypatch):
    """Count the windows that the network is given."""
    seen = []
    embed = Engine.embed

    def count(engine, inputs):
        seen.append(len(inputs))
        return embed(engine, inputs)

    monkeypatch.setattr(Engine, "embed", count)
    return seen


def index(database, folder, **options):
    options.setdefault("reporter", Reporter())
    return index_folder(IndexRun(database, folder, request=REQUEST, **options))


def counts(summary):
    names = ("indexed", "skipped", "failed", "copied", "moved", "retagged", "gone", "back")
    return {name: getattr(summary, name) for name in names if getattr(summary, name)}


def ids(database):
    return [song.song_id for song in database.songs()]


def test_moved_songs_keep_their_vector_and_place_and_get_a_new_id(fresh_db, music, embedded):
    index(fresh_db, music)
    make_map(fresh_db, reporter=Reporter())
    before = {song_id: fresh_db.vector(song_id) for song_id in ids(fresh_db)}
    places, revision = fresh_db.stored_positions(), fresh_db.map_revision()
    embedded.clear()
    (music / "a").rename(music / "c")
    (music / "five.ogg").rename(music / "b" / "5.ogg")
    assert counts(index(fresh_db, music)) == {"indexed": 3, "skipped": 2, "moved": 3}
    assert not embedded
    names = {"c/one.flac": "a/one.flac", "c/two.flac": "a/two.flac", "b/5.ogg": "five.ogg"}
    assert ids(fresh_db) == ["b/5.ogg", "b/four.wav", "b/three.mp3", "c/one.flac", "c/two.flac"]
    for after, name in names.items():
        np.testing.assert_array_equal(fresh_db.vector(after), before[name])
        for projection, new_places in fresh_db.stored_positions().items():
            assert new_places[after] == places[projection][name]
            assert name not in new_places
    assert fresh_db.map_revision() > revision
    assert fresh_db.find_song("a/one.flac").song_id == "c/one.flac"  # Its title, which it keeps.
    assert fresh_db.file_of("c/one.flac").path == music / "c" / "one.flac"
    assert fresh_db._rows("PRAGMA foreign_key_check") == []
    assert counts(index(fresh_db, music)) == {"skipped": 5}


def test_a_moved_library_equals_one_that_was_indexed_there(tmp_path, fresh_db, music):
    index(fresh_db, music)
    (music / "a").rename(music / "c")
    index(fresh_db, music)
    from explorer.database.database import Database

    with Database.open(tmp_path / "other.db") as other:
        index(other, music)
        for table in ("songs", "songs_vectors", "songs_genres", "files", "song_texts", "failures"):
            columns = "song_id, title, artist, album, genres" if table == "song_texts" else "*"
            rows = f"SELECT {columns} FROM {table} ORDER BY 1"
            assert fresh_db._rows(rows) == other._rows(rows), table


def test_moved_songs_are_found_by_text_search(fresh_db, music):
    index(fresh_db, music)
    (music / "five.ogg").rename(music / "six.ogg")
    index(fresh_db, music)
    assert fresh_db.genres_of("six.ogg") == ("Test",)
    rows = fresh_db._rows("SELECT song_id, genres FROM song_texts WHERE song_id LIKE '%.ogg'")
    assert rows == [("six.ogg", "Test")]


def test_edited_tags_are_stored_without_embedding(fresh_db, music, embedded):
    index(fresh_db, music)
    before = {song_id: fresh_db.vector(song_id) for song_id in ids(fresh_db)}
    embedded.clear()
    for name in ("a/one.flac", "five.ogg"):
        file = mutagen.File(music / name)
        file["title"], file["genre"] = f"Now {name}", "Other"
        file.save()
    file = ID3(music / "b" / "three.mp3")
    file.add(TIT2(encoding=3, text="Now three " * 500))
    file.save(v1=2)
    four = mutagen.File(music / "b" / "four.wav")
    four.add_tags()
    four.tags.add(TIT2(encoding=3, text="Now four"))
    four.save()
    assert counts(index(fresh_db, music)) == {"indexed": 4, "skipped": 1, "retagged": 4}
    assert not embedded
    for song_id, vector in before.items():
        np.testing.assert_array_equal(fresh_db.vector(song_id), vector)
    assert fresh_db.song("a/one.flac").title == "Now a/one.flac"
    assert fresh_db.song("a/one.flac").genres == ("Other",)
    assert fresh_db.song("b/three.mp3").title.startswith("Now three")
    assert fresh_db.song("b/four.wav").title == "Now four"
    tags = APEv2()
    tags["Title"] = "At the end"
    tags.save(music / "b" / "three.mp3")
    assert counts(index(fresh_db, music)) == {"indexed": 1, "skipped": 4, "retagged": 1}
    assert counts(index(fresh_db, music)) == {"skipped": 5}


def test_a_moved_and_retagged_song_keeps_its_vector(fresh_db, music, embedded):
    index(fresh_db, music)
    embedded.clear()
    file = mutagen.File(music / "a" / "one.flac")
    file["title"] = "Renamed by a tagger"
    file.save()
    (music / "a" / "one.flac").rename(music / "Renamed by a tagger.flac")
    assert counts(index(fresh_db, music)) == {"indexed": 1, "skipped": 4, "moved": 1}
    assert not embedded
    assert fresh_db.song("Renamed by a tagger.flac").title == "Renamed by a tagger"


def test_a_touched_file_is_not_embedded_again(fresh_db, music, embedded):
    index(fresh_db, music)
    embedded.clear()
    for file in music.rglob("*.*"):
        os.utime(file, (1, 1))
    assert counts(index(fresh_db, music)) == {"indexed": 5, "retagged": 5}
    assert not embedded
    assert counts(index(fresh_db, music)) == {"skipped": 5}


def test_copies_share_a_vector_and_only_the_changed_file_is_embedded(fresh_db, music, embedded, make_tone):
    index(fresh_db, music)
    embedded.clear()
    shutil.copy(music / "a" / "one.flac", music / "b" / "copy.flac")
    assert counts(index(fresh_db, music)) == {"indexed": 1, "skipped": 5, "copied": 1}
    assert not embedded
    old = fresh_db.vector("a/one.flac")
    make_tone(music / "a" / "one.flac", frequency_hz=77)
    assert counts(index(fresh_db, music)) == {"indexed": 1, "skipped": 5}
    assert len(embedded) == 1
    assert np.abs(fresh_db.vector("a/one.flac") - old).max() > 0.1
    np.testing.assert_array_equal(fresh_db.vector("b/copy.flac"), old)


def test_files_that_swap_names_swap_vectors(fresh_db, music, embedded):
    index(fresh_db, music)
    one, two = fresh_db.vector("a/one.flac"), fresh_db.vector("a/two.flac")
    embedded.clear()
    folder = music / "a"
    (folder / "one.flac").rename(folder / "three.flac")
    (folder / "two.flac").rename(folder / "one.flac")
    (folder / "three.flac").rename(folder / "two.flac")
    # Of the same size and age: only a later look at the clock could tell.
    os.utime(folder / "one.flac")
    os.utime(folder / "two.flac", ns=(1, 1))
    assert index(fresh_db, music).indexed == 2
    assert not embedded
    np.testing.assert_array_equal(fresh_db.vector("a/one.flac"), two)
    np.testing.assert_array_equal(fresh_db.vector("a/two.flac"), one)


def test_deleted_files_are_marked_and_unmarked_when_they_return(fresh_db, music, tmp_path):
    index(fresh_db, music)
    (music / "a").rename(tmp_path / "elsewhere")
    assert counts(index(fresh_db, music)) == {"skipped": 3, "gone": 2}
    since = fresh_db._rows("SELECT gone_since FROM files WHERE path LIKE 'a/%'")
    assert all(mark for (mark,) in since)
    assert counts(index(fresh_db, music)) == {"skipped": 3, "gone": 2}
    assert fresh_db._rows("SELECT gone_since FROM files WHERE path LIKE 'a/%'") == since
    assert len(ids(fresh_db)) == 5
    (tmp_path / "elsewhere").rename(music / "a")
    assert counts(index(fresh_db, music)) == {"skipped": 5, "back": 2}
    assert fresh_db._rows("SELECT count(*) FROM files WHERE gone_since IS NOT NULL") == [(0,)]


def test_only_songs_of_the_scanned_folder_are_marked_as_missing(fresh_db, music):
    index(fresh_db, music)
    (music / "five.ogg").unlink()
    (music / "a" / "one.flac").unlink()
    assert counts(index(fresh_db, music / "a")) == {"skipped": 1, "gone": 1}
    assert counts(index(fresh_db, music)) == {"skipped": 3, "gone": 2}


def test_songs_in_an_unreadable_folder_are_not_marked_as_missing(fresh_db, music, monkeypatch):
    index(fresh_db, music)
    scandir = os.scandir

    def fail_in_one(path):
        if os.fsencode(path).endswith(b"/a"):
            raise PermissionError("a disk that fails")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", fail_in_one)
    (music / "five.ogg").unlink()
    listener = RecordingReporter()
    assert counts(index(fresh_db, music, reporter=listener)) == {"skipped": 2, "gone": 1}
    assert [line for line in listener.said if f"{music}/a" in line and "1 path cannot" in line]


def test_a_song_that_moved_into_another_root_moves_there(fresh_db, music, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    index(fresh_db, music)
    (music / "five.ogg").rename(other / "five.ogg")
    assert counts(index(fresh_db, other)) == {"indexed": 1, "moved": 1}
    assert fresh_db.file_of("five.ogg").path == other / "five.ogg"
    assert counts(index(fresh_db, music)) == {"skipped": 4}


def test_a_song_whose_root_is_missing_is_copied_and_not_moved(fresh_db, music, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    index(fresh_db, music)
    shutil.copy(music / "five.ogg", other / "five.ogg")
    music.rename(tmp_path / "unmounted")
    assert counts(index(fresh_db, other)) == {"indexed": 1, "copied": 1}
    (tmp_path / "unmounted").rename(music)
    assert counts(index(fresh_db, music)) == {"skipped": 5}


def test_a_failure_is_forgotten_with_its_file(fresh_db, music):
    (music / "broken.mp3").write_bytes(b"no music " * 100)
    index(fresh_db, music)
    assert len(fresh_db.failures()) == 1
    (music / "broken.mp3").unlink()
    assert counts(index(fresh_db, music)) == {"skipped": 5}
    assert fresh_db.failures() == []


def test_without_audio_fingerprints_moved_files_are_found_by_their_bytes(fresh_db, music, embedded):
    index(fresh_db, music)
    with fresh_db.transaction():
        fresh_db._rows("UPDATE files SET audio_fingerprint = NULL")
    embedded.clear()
    (music / "five.ogg").rename(music / "six.ogg")
    assert counts(index(fresh_db, music)) == {"indexed": 1, "skipped": 4, "moved": 1}
    assert not embedded
    assert fresh_db._rows("SELECT audio_fingerprint IS NULL FROM files WHERE song_id = 'six.ogg'") == [(0,)]


def test_a_file_that_was_just_modified_is_left_for_the_next_run(fresh_db, music):
    os.utime(music / "five.ogg")
    for name in ("a/one.flac", "a/two.flac", "b/three.mp3", "b/four.wav"):
        os.utime(music / name, (1, 1))
    summary = index(fresh_db, music, settled_s=1000.0)
    assert (summary.indexed, summary.unsettled) == (4, 1)
    assert counts(index(fresh_db, music)) == {"indexed": 1, "skipped": 4}


def test_a_song_that_moved_over_another_known_song_is_stored_there(fresh_db, music):
    index(fresh_db, music)
    vector = fresh_db.vector("a/two.flac")
    (music / "a" / "two.flac").rename(music / "a" / "one.flac")
    summary = index(fresh_db, music)
    assert (summary.copied, summary.moved, summary.gone) == (1, 0, 1)
    np.testing.assert_array_equal(fresh_db.vector("a/one.flac"), vector)
    assert fresh_db.song("a/one.flac").title == "a/two.flac"


def test_a_twin_in_another_container_keeps_its_own_format(fresh_db, tmp_path):
    """A WAV and an AIFF-C file with the same samples have the same sound."""
    samples = np.random.default_rng(1).normal(0, 0.1, 60_000)
    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music" / "a.wav", samples, 48_000, subtype="PCM_16")
    little_endian = {"format": "AIFF", "subtype": "PCM_16", "endian": "LITTLE"}
    soundfile.write(tmp_path / "music" / "b.aifc", samples, 48_000, **little_endian)
    summary = index(fresh_db, tmp_path / "music")
    assert (summary.embedded, summary.copied) == (1, 1)
    assert fresh_db.file_of("a.wav").format == "wav/pcm_s16le"
    assert fresh_db.file_of("b.aifc").format == "aiff/pcm_s16le"
