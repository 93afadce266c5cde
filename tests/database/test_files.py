"""Songs with the same audio, songs whose files are gone or moved, and files of several songs (tracks)."""

from pathlib import Path

import numpy as np
import pytest

from explorer.database.records import Song
from explorer.library.music_file import Fingerprints, Part, ScannedFile, Tags
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


def test_a_song_that_moves_over_another_replaces_it(fresh_db, store):
    store("a.flac", "1")
    store("b.flac", "2")
    (song,) = fresh_db.same_sound(Fingerprints("1", None, Tags("")))
    assert fresh_db.move_song(song, 1, ScannedFile(b"b.flac", 1, 1)) == "b.flac"
    assert fresh_db.paths_of(["a.flac", "b.flac"]) == {"b.flac": "b.flac"}
    assert [song.song_id for song in fresh_db.songs()] == ["b.flac"]


# Files of several songs

PARTS = (Part(1, 0.0, 2.0), Part(2, 2.0, 5.5), Part(3, 5.5, None))


@pytest.fixture
def store_tracks(fresh_db, tmp_path):
    """Store the tracks of a file with one fingerprint; return their ids."""
    root = fresh_db.add_root(tmp_path)

    def store_tracks(path="album.flac", parts=PARTS, *, fingerprint="f" * 32, state="x"):
        file = ScannedFile(path.encode(), 9, 7, (b"album.cue",), state)
        ids = []
        for part in parts:
            prints = part.fingerprint(fingerprint), part.fingerprint("0" + fingerprint[1:])
            seconds = (part.end_s or 7.0) - part.start_s
            song = Song(
                file,
                Tags(f"Title {part.track}"),
                prints[0],
                "flac/pcm_16",
                seconds,
                0.5,
                audio_fingerprint=prints[1],
                part=part,
            )
            ids.append(fresh_db.store_song(root, song, np.full(512, part.track)))
        return ids

    return store_tracks


def test_each_track_of_a_file_is_a_song_of_its_own(fresh_db, store_tracks, tmp_path):
    ids = store_tracks()
    assert ids == ["album.flac#01", "album.flac#02", "album.flac#03"]
    assert store_tracks() == ids
    assert fresh_db.song_ids_by_path(1) == {b"album.flac": dict(enumerate(ids, 1))}
    assert fresh_db.paths_of(ids[1:2]) == {ids[1]: "album.flac, track 2"}
    assert [song.title for song in fresh_db.songs()] == ["Title 1", "Title 2", "Title 3"]
    assert [song.track for song in fresh_db.songs_at(1, b"album.flac")] == [1, 2, 3]
    assert fresh_db.song_ids_matching(str(tmp_path / "album.flac")) == ids


def test_the_end_of_the_last_track_is_filled_in_for_playing(fresh_db, store_tracks):
    ids = store_tracks()
    files = [fresh_db.file_of(song_id) for song_id in ids]
    closed = [*PARTS[:2], Part(3, 5.5, 7.0)]
    assert [file.part for file in files] == closed
    assert [song.part for song in fresh_db.playlist_songs(ids)] == closed
    assert [part for _, part, _, _ in fresh_db.preview_starts(1)] == closed
    assert [file.part for file in fresh_db.source_files().values()] == list(PARTS)
    assert len({file.fingerprint for file in files}) == 3
    assert len({file.copy_key for file in files}) == 1


def test_a_file_is_known_only_if_all_its_tracks_have_vectors(fresh_db, store, store_tracks):
    store("other.flac", "1")
    ids = store_tracks()
    known = fresh_db.known_files(1)
    assert {path: file.has_tracks for path, file in known.items()} == {
        b"album.flac": True,
        b"other.flac": False,
    }
    assert known[b"album.flac"].is_unchanged(ScannedFile(b"album.flac", 9, 7, (), "x"))
    fresh_db.store_imported(ids[1], "{}", (), None)
    assert set(fresh_db.known_files(1)) == {b"other.flac"}


def test_a_changed_cue_sheet_changes_the_file(fresh_db, store, store_tracks):
    store_tracks()
    store("other.flac", "1")
    known, other = (fresh_db.known_files(1)[path] for path in (b"album.flac", b"other.flac"))
    for state, unchanged in (("x", True), ("y", False), ("", False), (None, False)):
        assert known.is_unchanged(ScannedFile(b"album.flac", 9, 7, (), state)) is unchanged
    for state, unchanged in (("", True), ("y", False), (None, True)):
        assert other.is_unchanged(ScannedFile(b"other.flac", 1, 1, (), state)) is unchanged
    fresh_db.store_failure(1, ScannedFile(b"album.flac", 9, 7, (), "y"), "damaged")
    assert fresh_db.known_files(1)[b"album.flac"].is_unchanged(ScannedFile(b"album.flac", 9, 7, (), "z"))


def test_songs_of_tracks_that_no_longer_exist_are_deleted(fresh_db, store, store_tracks):
    store("album.flac", "1")
    ids = store_tracks()
    other = store_tracks("other.flac")
    assert fresh_db.forget_other_tracks(1, b"album.flac", [1, 2, 3]) == ["1"]
    assert [song.song_id for song in fresh_db.songs()] == ids + other
    gone = [PARTS[n].fingerprint("f" * 32) for n in (0, 2)]
    assert sorted(fresh_db.forget_other_tracks(1, b"album.flac", [2])) == sorted(gone)
    assert [song.song_id for song in fresh_db.songs()] == ids[1:2] + other


def test_an_imported_song_stays_when_its_file_is_divided(fresh_db, store_tracks):
    fresh_db.store_imported("mine", "{}", (), np.ones(512))
    clip = Song(ScannedFile(b"album.flac", 9, 7), Tags(""), "c", "flac/pcm_16", 7.0)
    fresh_db.add_root(fresh_db.path.parent)
    fresh_db.store_clip("mine", 1, clip)
    ids = store_tracks()
    fresh_db.forget_other_tracks(1, b"album.flac", [1, 2, 3])
    assert [song.song_id for song in fresh_db.songs()] == [*ids, "mine"]
    assert fresh_db.file_of("mine") is None


def test_tracks_move_with_their_file_and_can_change_their_number(fresh_db, store_tracks):
    store_tracks()
    (song,) = fresh_db.same_sound(Fingerprints(PARTS[1].fingerprint("f" * 32), None, Tags("")))
    assert song.track == 2
    assert fresh_db.move_song(song, 1, ScannedFile(b"new.flac", 9, 7), 5) == "new.flac#05"
    assert [song.track for song in fresh_db.songs_at(1, b"new.flac")] == [5]
    assert fresh_db.vector("new.flac#05")[0] == 2


def test_copies_of_tracks_are_duplicates_and_tracks_of_one_file_are_not(fresh_db, store_tracks):
    first, second = store_tracks(), store_tracks("z/copy.flac", PARTS[:2])
    assert fresh_db.duplicates() == [[first[0], second[0]], [first[1], second[1]]]


def test_tracks_are_marked_as_gone_together(fresh_db, store_tracks):
    ids = store_tracks()
    mark_gone(fresh_db, "album.flac")
    assert set(fresh_db.gone_songs()) == set(ids)
    assert fresh_db.count_gone(1) == fresh_db.count_files(1) == 3
