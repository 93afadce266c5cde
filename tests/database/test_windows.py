"""The queries about windows."""

import numpy as np
import pytest

from explorer.database.database import Database
from explorer.database.records import Song
from explorer.embedding.song_windows import BASIS_SONGS, RawWindows, fit_basis
from explorer.errors import UnusableLibraryError
from explorer.library.music_file import Fingerprints, ScannedFile, Tags


def raw(seed, count=20):
    frames = np.random.default_rng(seed).normal(size=(count, 512)).astype(np.float16)
    return RawWindows(frames, 0.5)


def make_song(name, fingerprint=None):
    return Song(ScannedFile(name.encode(), 1, 2), Tags(name), fingerprint or f"fp {name}", "flac/flac", 3.0)


@pytest.fixture
def songs(fresh_db, tmp_path):
    """A library of the songs a and b, with vectors."""
    root_id = fresh_db.add_root(tmp_path)
    for number, name in enumerate("ab"):
        fresh_db.store_song(root_id, make_song(name), np.full(512, number + 1.0))
    return fresh_db, root_id


def test_windows_are_read_as_they_were_stored(songs):
    database, _ = songs
    basis = fit_basis(raw(0, 200).frames)
    database.store_window_basis(basis)
    stored = {name: basis.encode(raw(number)) for number, name in enumerate("ab")}
    for name in "ba":
        database.store_windows(name, stored[name])
    with Database.open_readonly(database.path) as library:
        read = dict(library.iterate_windows())
        assert list(read) == ["a", "b"]
        for name, windows in read.items():
            np.testing.assert_array_equal(windows.codes, stored[name].codes)
            assert (windows.scale, windows.step_s) == (stored[name].scale, 0.5)
        np.testing.assert_array_equal(library.window_basis().axes, basis.axes)
        assert library.windows_of("c") is None
        assert library.count_windows() == {"songs": 2, "windows": 40, "bytes": 2 * 20 * 64, "without": 0}


def test_raw_windows_wait_for_the_basis(songs):
    database, root_id = songs
    database.store_windows("a", raw(1))
    assert database.windows_of("a") is None
    assert database.count_windows() == {"songs": 1, "windows": 20, "bytes": 20 * 1024, "without": 1}
    assert database.songs_without_windows(root_id) == {b"b": {"b"}}
    assert database.sounds_with_windows() == {"fp a"}
    basis = fit_basis(raw(0, 200).frames)
    database.store_window_basis(basis, songs=BASIS_SONGS)
    np.testing.assert_array_equal(database.windows_of("a").codes, basis.encode(raw(1)).codes)
    assert database.count_raw_windows() == 0
    assert database.final_window_basis() is not None


def test_the_basis_of_few_songs_is_not_final_and_keeps_the_raw_windows(songs):
    database, _ = songs
    database.store_windows("a", raw(1))
    database.store_window_basis(fit_basis(raw(0, 200).frames), songs=BASIS_SONGS - 1)
    assert database.final_window_basis() is None
    assert database.count_raw_windows() == 1
    assert database.count_windows()["windows"] == 20
    another = fit_basis(raw(5, 200).frames)
    database.store_window_basis(another, songs=BASIS_SONGS)
    np.testing.assert_array_equal(database.windows_of("a").codes, another.encode(raw(1)).codes)


def test_a_sample_is_spread_over_the_songs(songs):
    database, _ = songs
    database.store_windows("a", raw(1, 300))
    database.store_windows("b", RawWindows(np.full((2, 512), np.inf, np.float16), 0.5))
    count, frames = database.sample_raw_windows(40)
    assert count == 2
    assert len(frames) == 20
    np.testing.assert_array_equal(frames[[0, -1]], raw(1, 300).frames[[0, -1]])


def test_another_sound_at_a_path_has_no_windows_and_new_tags_keep_them(songs):
    database, root_id = songs
    database.store_windows("a", raw(1))
    database.store_windows("b", raw(2))
    database.store_song(root_id, make_song("a"), None)
    database.store_song(root_id, make_song("b", "another"), np.full(512, 3.0))
    assert database.songs_without_windows(root_id) == {b"b": {"b"}}


def test_a_moved_song_keeps_its_windows(songs):
    database, root_id = songs
    database.store_window_basis(fit_basis(raw(0, 200).frames))
    database.store_windows("a", database.window_basis().encode(raw(1)))
    [song] = database.same_sound(Fingerprints("fp a", None, Tags("")))
    assert database.move_song(song, root_id, ScannedFile(b"c", 1, 2)) == "c"
    assert len(database.windows_of("c")) == 20


def test_a_copy_gets_the_windows_and_features(songs):
    database, _ = songs
    database.store_windows("a", raw(1))
    database._rows(
        """INSERT INTO song_features VALUES
           ('a', 7, 120.0, 0.9, 'A minor', 0.8, 0.5, -14.0, 2000.0, x'', x'', x'')"""
    )
    assert database.store_sound_rows("b", database.sound_rows("a"))
    np.testing.assert_array_equal(database.raw_windows_of("b").frames, raw(1).frames)
    assert database.features_of("b").tempo_bpm == 120.0
    # The version of measuring is copied too: old features are measured again.
    assert database._rows("SELECT version FROM song_features") == [(7,), (7,)]


def test_a_copy_gets_only_what_is_asked_for(songs):
    database, _ = songs
    database.store_windows("a", raw(1))
    assert database.sound_rows("a", windows=False) == {}
    assert not database.store_sound_rows("b", {})
    assert database.raw_windows_of("b") is None


def test_a_reindex_forgets_the_windows_and_the_basis(songs):
    database, _ = songs
    database.store_windows("a", raw(1))
    database.store_window_basis(fit_basis(raw(0, 200).frames), songs=3)
    database.forget_vectors()
    assert not database.keeps_windows()
    assert (database.window_basis(), database.window_basis_songs()) == (None, None)


def test_damaged_windows_are_left_out(songs):
    database, _ = songs
    database.store_window_basis(fit_basis(raw(0, 200).frames))
    for name in "ab":
        database.store_windows(name, database.window_basis().encode(raw(1)))
    database._rows("UPDATE song_windows SET codes = substr(codes, 1, 65) WHERE song_id = 'a'")
    assert [song_id for song_id, _ in database.iterate_windows()] == ["b"]
    assert "a" in database.left_out
    database._rows("UPDATE window_basis SET axes = substr(axes, 1, 2048)")
    with pytest.raises(UnusableLibraryError):
        database.window_basis()
