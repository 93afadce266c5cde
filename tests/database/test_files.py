"""Songs with the same audio, and songs whose files are gone."""

from pathlib import Path

import numpy as np
import pytest

from explorer.database.records import Song
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.scan_rules import ScanOptions

SINCE = "2026-11-03T10:00:00+00:00"


@pytest.fixture
def store(fresh_db, tmp_path):
    """Store a song with a path and two fingerprints, of its bytes and of its audio; return its id."""
    root = fresh_db.add_root(tmp_path)

    def store(path, fingerprint, audio_fingerprint=None, *, vector=True):
        file = ScannedFile(path.encode(), 1, 1)
        song = Song(file, Tags(path), fingerprint, "flac/pcm_16", 1.0, audio_fingerprint=audio_fingerprint)
        return fresh_db.store_song(root, song, np.ones(512) if vector else None)

    return store


def mark_gone(database, *paths):
    database.mark_gone(1, [path.encode() for path in paths], since=SINCE)


def test_songs_with_the_same_audio_are_duplicates_even_if_their_bytes_differ(fresh_db, store):
    store("b/tagged.flac", "b1", "s1")
    store("b/tagged otherwise.flac", "b2", "s1")
    store("alone.flac", "b3", "s3")
    assert fresh_db.duplicates() == [["b/tagged.flac", "b/tagged otherwise.flac"]]


def test_rows_without_an_audio_fingerprint_are_compared_by_their_bytes(fresh_db, store):
    store("old.flac", "b1")
    store("old copy.flac", "b1")
    store("old and not the same.flac", "b2")
    assert fresh_db.duplicates() == [["old.flac", "old copy.flac"]]
    store("new copy.flac", "b1", "s1")
    store("retagged.flac", "b9", "s1")
    assert fresh_db.duplicates() == [["old.flac", "new copy.flac", "old copy.flac", "retagged.flac"]]


def test_the_first_duplicate_exists_and_has_the_shortest_path(fresh_db, store):
    for path in ("z.flac", "y.flac", "folder/a.flac", "x.flac"):
        store(path, "b", "s")
    for path in ("2.flac", "folder/1.flac"):
        store(path, "c", "t")
    mark_gone(fresh_db, "x.flac", "2.flac")
    assert fresh_db.duplicates() == [
        ["folder/1.flac", "2.flac"],
        ["y.flac", "z.flac", "folder/a.flac", "x.flac"],
    ]


def test_songs_without_a_vector_are_not_duplicates(fresh_db, store):
    store("a.flac", "b", "s")
    store("not embedded.flac", "b", "s", vector=False)
    assert fresh_db.duplicates() == []


def test_gone_songs_have_a_time_until_they_come_back(fresh_db, store):
    ids = [store(path, path) for path in ("a.flac", "b.flac")]
    assert fresh_db.gone_songs() == {}
    mark_gone(fresh_db, "b.flac")
    assert fresh_db.gone_songs() == {ids[1]: SINCE}
    assert (fresh_db.song(ids[0]).gone_since, fresh_db.song(ids[1]).gone_since) == (None, SINCE)
    fresh_db.unmark_gone(1, [b"b.flac"])
    assert fresh_db.gone_songs() == {}
    assert fresh_db.song(ids[1]).gone_since is None


def test_the_changes_token_differs_after_files_go_or_come_back(fresh_db, store):
    store("a.flac", "a")
    store("b.flac", "b")
    tokens = [fresh_db.changes_token()]
    mark_gone(fresh_db, "a.flac")
    tokens.append(fresh_db.changes_token())
    # One file comes back and another goes, so the number of gone files is the same.
    fresh_db.unmark_gone(1, [b"a.flac"])
    fresh_db.mark_gone(1, [b"b.flac"], since="2026-11-04T10:00:00+00:00")
    tokens.append(fresh_db.changes_token())
    assert len(set(tokens)) == 3
    assert fresh_db.changes_token() == tokens[-1]


def test_paths_are_text_even_if_file_names_are_not_utf8(fresh_db, tmp_path):
    root = fresh_db.add_root(tmp_path)
    song = Song(ScannedFile(b"caf\xe9.flac", 1, 1), Tags("Café"), "b", "flac/pcm_16", 1.0)
    song_id = fresh_db.store_song(root, song, np.ones(512))
    assert fresh_db.paths_of([song_id, "absent"]) == {song_id: "caf\ufffd.flac"}
    assert fresh_db.paths_of([]) == {}


def test_a_root_around_others_gets_their_scan_options(fresh_db):
    inner = fresh_db.add_root(Path("/music/rock"))
    fresh_db.choose_scan_options(inner, ScanOptions(True, ("/Live/",)))
    fresh_db.add_root(Path("/music/jazz"))
    assert fresh_db.scan_options(Path("/music/rock/deeper")) == ScanOptions(True, ("/Live/",))
    assert fresh_db.scan_options(Path("/other")) == ScanOptions()
    fresh_db.find_or_add_root(Path("/music"))
    assert fresh_db.roots() == ["/music"]
    assert fresh_db.scan_options(Path("/music/jazz")) == ScanOptions(True, ("/rock/Live/",))
