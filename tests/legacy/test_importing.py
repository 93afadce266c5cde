"""Importing an original database and its clips into a library."""

import sqlite3
from contextlib import closing

import numpy as np
import pytest
from support import store_library, store_original, write_tone

from explorer.audio.decoding import open_audio
from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.legacy import importing
from explorer.legacy.importing import find_clips, folder_of_clips, import_original
from explorer.legacy.reading import open_original
from explorer.library.music_file import ScannedFile
from explorer.util.progress import Reporter


@pytest.fixture
def original(tmp_path):
    """An original database, its clips, and the songs' vectors."""
    folder = tmp_path / "old"
    return folder / "old.db", folder / "previews", store_original(folder / "old.db", folder / "previews")


def run_import(library, path, clips, **options):
    with open_original(path) as original:
        return import_original(library, original, clips=clips, reporter=Reporter(), **options)


def change(path, sql, *bindings):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(sql, bindings)


def test_songs_are_imported_with_names_genres_vectors_and_clips(original, fresh_db):
    path, clips, vectors = original
    summary = run_import(fresh_db, path, clips)
    assert (summary.songs, summary.vectors, summary.clips) == (12, 12, 12)
    assert summary.changed
    song_ids, stored_vectors = fresh_db.vectors()
    assert song_ids == sorted(vectors)
    np.testing.assert_array_equal(stored_vectors, [vectors[song_id] for song_id in song_ids])
    song = fresh_db.song("spotify:track:0000000000000000000002")
    assert (song.title, song.artist, song.album, song.year) == (
        "Ambient track 2",
        "One, Two",
        "Album",
        "1987",
    )
    assert song.genres == ("Ambient",)
    # This is the length of the clip, not of the track.
    assert song.duration_s == pytest.approx(0.4)
    assert fresh_db.file_of(song.song_id).path == clips / f"{song.song_id}.flac"
    assert fresh_db.search("ambient 2") == [song.song_id]


def test_the_summary_lists_songs_without_a_vector_or_clip(original, fresh_db):
    path, clips, _ = original
    change(path, "DELETE FROM songs_vectors WHERE song_id = 'stem 1'")
    change(path, "UPDATE songs_vectors SET vector = x'00' WHERE song_id = 'stem 3'")
    (clips / "stem 5.flac").unlink()
    (clips / "stem 7.flac").write_bytes(b"no sound at all")
    summary = run_import(fresh_db, path, clips)
    assert summary.without_vector == ["stem 1"]
    assert [song_id for song_id, _ in summary.skipped] == ["stem 3"]
    assert summary.without_clip == ["stem 5", "stem 7"]
    assert [song_id for song_id, _ in summary.unreadable] == ["stem 7"]
    assert (summary.songs, summary.vectors, summary.clips) == (12, 10, 10)
    assert len(fresh_db.songs()) == 10


def test_a_second_import_changes_only_what_differs(original, fresh_db):
    path, clips, _ = original
    run_import(fresh_db, path, clips)
    assert not run_import(fresh_db, path, clips).changed
    change(path, "INSERT INTO songs_genres VALUES ('stem 1', 'Another')")
    change(path, "DELETE FROM songs_vectors WHERE song_id = 'stem 3'")
    (clips / "stem 5.flac").unlink()
    assert run_import(fresh_db, path, clips).changed
    assert fresh_db.genres_of("stem 1")[-1] == "Another"
    assert "stem 3" not in fresh_db.vectors()[0]
    assert fresh_db.file_of("stem 5") is None


def test_an_import_without_a_folder_keeps_clips_that_still_exist(original, fresh_db, tmp_path):
    path, clips, _ = original
    run_import(fresh_db, path, clips)
    (tmp_path / "others").mkdir()
    assert run_import(fresh_db, path, None).clips == 12
    (clips / "stem 5.flac").unlink()
    assert run_import(fresh_db, path, tmp_path / "others").without_clip == ["stem 5"]
    assert fresh_db.file_of("stem 5") is None
    assert fresh_db.file_of("stem 3").path == clips / "stem 3.flac"
    assert run_import(fresh_db, path, None, mirror=True).clips == 0


def test_a_failed_import_keeps_the_songs_that_it_would_have_replaced(original, tmp_path):
    path, clips, vectors = original
    change(path, "ALTER TABLE songs_vectors RENAME COLUMN vector TO other")
    store_library(tmp_path / "songs.db", tmp_path / "music", per_genre=1)
    with Database.open(tmp_path / "songs.db") as library:
        with pytest.raises(LibraryError, match="other"):
            run_import(library, path, clips, replace=True)
        assert library.count_vectors() == 3
        change(path, "ALTER TABLE songs_vectors RENAME COLUMN other TO vector")
        run_import(library, path, clips, replace=True)
        assert library.vectors()[0] == sorted(vectors)


def test_a_clip_that_breaks_the_decoder_is_left_out(original, fresh_db, monkeypatch):
    path, clips, _ = original

    def broken(clip):
        if clip.name == "stem 5.flac":
            raise ZeroDivisionError
        return open_audio(clip)

    monkeypatch.setattr(importing, "open_audio", broken)
    summary = run_import(fresh_db, path, clips)
    assert (summary.clips, [song_id for song_id, _ in summary.unreadable]) == (11, ["stem 5"])


def test_only_a_mirror_deletes_songs_that_the_original_lacks(original, fresh_db):
    path, clips, _ = original
    run_import(fresh_db, path, clips)
    change(path, "DELETE FROM songs_vectors WHERE song_id = 'stem 1'")
    change(path, "DELETE FROM songs WHERE id = 'stem 1'")
    change(path, "DELETE FROM songs_genres WHERE song_id = 'stem 1'")
    run_import(fresh_db, path, clips)
    assert "stem 1" in fresh_db.song_ids()
    assert run_import(fresh_db, path, clips, mirror=True).changed
    assert "stem 1" not in fresh_db.song_ids()


def test_vectors_of_an_unknown_model_do_not_mix_with_those_of_a_known_one(original, tmp_path, untrained):
    path, clips, _ = original
    store_library(tmp_path / "songs.db", tmp_path / "music")
    with Database.open(tmp_path / "songs.db") as library, pytest.raises(LibraryError, match="not known"):
        run_import(library, path, clips)
    with Database.open(tmp_path / "imported.db") as library:
        run_import(library, path, clips)
        with pytest.raises(LibraryError, match=r"imported.*--reindex"):
            index_folder(IndexRun(library, clips, request=untrained(), reporter=Reporter()))
        assert len(library.vectors()[0]) == 12


def test_reindexing_an_imported_library_keeps_its_names_and_genres(original, fresh_db, untrained):
    path, clips, vectors = original
    run_import(fresh_db, path, clips)
    summary = index_folder(IndexRun(fresh_db, clips, request=untrained(reindex=True), reporter=Reporter()))
    assert (summary.indexed, summary.failed) == (12, 0)
    song_ids, stored_vectors = fresh_db.vectors()
    assert song_ids == sorted(vectors)
    assert not np.array_equal(stored_vectors[0], vectors[song_ids[0]])
    assert fresh_db.song("stem 1").title == "Waltz track 1"
    assert fresh_db.song("stem 1").genres == ("Waltz",)
    assert fresh_db.model()["trained"] is False


@pytest.fixture
def untrained(tmp_path):
    """Make a request for untrained filters."""
    from explorer.config import Settings

    return lambda **more: ModelRequest(
        models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32", **more
    )


@pytest.mark.parametrize(
    ("name", "song_id"),
    [
        ("spotify:track:abc.mp3", "spotify:track:abc"),
        ("previews/spotify:track:abc.mp3", "spotify:track:abc"),
        ("spotify_track_abc.mp3", "spotify:track:abc"),
        ("deep/er/abc.ogg", "spotify:track:abc"),
        ("spotify%3Atrack%3Aabc.mp3", "spotify:track:abc"),
        ("a stem.wav", "a stem"),
        ("rock/a stem.wav", "rock/a stem.wav"),
        ("Sa\u0303o.mp3", "S\u00e3o"),
        ("dotted. name.mp3", "dotted. name"),
        ("previews/whole name.mp3", "whole name.mp3"),
    ],
)
def test_a_clip_is_found_by_the_song_id(name, song_id):
    files = [ScannedFile(b"other.mp3", 1, 1), ScannedFile(name.encode(), 1, 1)]
    assert find_clips(files, [song_id]) == {song_id: files[1]}


def test_clips_in_previews_are_preferred_and_no_file_is_used_twice():
    files = [ScannedFile(path, 1, 1) for path in (b"a.mp3", b"previews/a.mp3", b"x/y/b.mp3", b"x/b.mp3")]
    clips = find_clips(files, ["a", "b", "spotify:track:b", "c"])
    assert {song_id: file.text for song_id, file in clips.items()} == {"a": "previews/a.mp3", "b": "x/b.mp3"}


def test_clips_are_searched_in_previews_beside_the_database_or_one_level_up(tmp_path):
    path = tmp_path / "metadata" / "old.db"
    write_tone(tmp_path / "previews" / "x.wav")
    path.parent.mkdir()
    assert folder_of_clips(path, None) == tmp_path / "previews"
    (tmp_path / "metadata" / "previews").mkdir()
    assert folder_of_clips(path, None) == tmp_path / "metadata" / "previews"
    assert folder_of_clips(path, tmp_path) == tmp_path
    assert folder_of_clips(tmp_path / "a" / "b" / "c.db", None) is None
    with pytest.raises(LibraryError, match="not a folder"):
        folder_of_clips(path, tmp_path / "none")


def test_imported_genres_get_one_spelling_and_importing_them_again_changes_nothing(original, fresh_db):
    path, clips, _ = original
    first = "spotify:track:0000000000000000000002"
    change(path, "UPDATE songs_genres SET genre = 'AMBIENT' WHERE song_id = ?", first)
    change(path, "INSERT INTO songs_genres VALUES (?, 'ambient')", first)
    assert run_import(fresh_db, path, clips).changed
    assert fresh_db.genres_of(first) == ("Ambient",)
    assert not run_import(fresh_db, path, clips).changed
    assert fresh_db.genres_of(first) == ("Ambient",)


def test_a_clip_whose_name_looks_like_artist_and_title_keeps_the_imported_names(
    original, fresh_db, untrained
):
    path, clips, _ = original
    change(path, "PRAGMA foreign_keys = OFF")
    for table, column in (("songs", "id"), ("songs_vectors", "song_id"), ("songs_genres", "song_id")):
        change(path, f"UPDATE {table} SET {column} = 'Ann - Song' WHERE {column} = 'stem 1'")
    (clips / "stem 1.flac").rename(clips / "Ann - Song.flac")
    run_import(fresh_db, path, clips)
    index_folder(IndexRun(fresh_db, clips, request=untrained(reindex=True), reporter=Reporter()))
    assert fresh_db.song("Ann - Song").title == "Waltz track 1"
