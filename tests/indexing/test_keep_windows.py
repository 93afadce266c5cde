"""The windows that an index run keeps."""

import shutil
from dataclasses import replace

import mutagen
import numpy as np
import pytest

from explorer.database.database import Database
from explorer.embedding.song_windows import BASIS_SONGS, RawWindows
from explorer.indexing import keep_windows
from explorer.indexing.keep_windows import WindowKeeper
from tests import windows_support
from tests.windows_support import embed, index, use_fast_engine


@pytest.fixture(autouse=True)
def fast_engine(monkeypatch):
    use_fast_engine(monkeypatch)


@pytest.fixture
def music(tmp_path, make_tone):
    for number in range(3):
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=150 * (number + 1), seconds=2.0)
    return tmp_path / "music"


@pytest.fixture
def small_basis(monkeypatch):
    """A basis of two songs is final."""
    for module in ("explorer.indexing.keep_windows", "explorer.database.windows"):
        monkeypatch.setattr(f"{module}.BASIS_SONGS", 2)


def all_windows(database):
    return dict(database.iterate_windows())


def test_the_windows_of_every_song_are_kept(fresh_db, music):
    summary, _ = index(fresh_db, music)
    assert summary.windows == 3
    windows = all_windows(fresh_db)
    assert list(windows) == ["0.flac", "1.flac", "2.flac"]
    assert {(len(song), song.step_s) for song in windows.values()} == {(4, 0.5)}
    basis = fresh_db.window_basis()
    for song_id, song in windows.items():
        raw = fresh_db.raw_windows_of(song_id).frames.astype(np.float32)
        np.testing.assert_allclose(basis.embeddings(song), raw, atol=0.05 * np.ptp(raw))
        # The vector is the maximum over the same windows.
        np.testing.assert_allclose(fresh_db.vector(song_id), raw.max(axis=0), rtol=2e-3)


def test_no_windows_leaves_them_out(fresh_db, music):
    summary, _ = index(fresh_db, music, windows=False)
    assert summary.indexed == 3
    assert summary.windows == 0
    assert not fresh_db.keeps_windows()
    assert fresh_db.window_basis() is None


def test_the_vectors_are_equal_with_and_without_windows(fresh_db, music, tmp_path):
    index(fresh_db, music)
    with Database.open(tmp_path / "other.db") as other:
        index(other, music, windows=False)
        np.testing.assert_array_equal(other.vectors()[1], fresh_db.vectors()[1])


def test_the_basis_becomes_final_when_there_are_enough_songs(fresh_db, music, small_basis, make_tone):
    index(fresh_db, music, limit=1)
    assert fresh_db.final_window_basis() is None
    index(fresh_db, music)
    basis = fresh_db.final_window_basis()
    assert fresh_db.window_basis_songs() == 2
    assert fresh_db.count_raw_windows() == 0
    assert len(all_windows(fresh_db)) == 3
    make_tone(music / "3.flac", frequency_hz=999, seconds=2.0)
    index(fresh_db, music)
    np.testing.assert_array_equal(fresh_db.window_basis().axes, basis.axes)
    assert fresh_db.window_basis_songs() == 2
    assert len(all_windows(fresh_db)) == 4


def test_a_basis_of_few_songs_is_fitted_again_with_the_next_ones(fresh_db, music):
    index(fresh_db, music, limit=1)
    before = fresh_db.window_basis()
    index(fresh_db, music)
    assert fresh_db.window_basis_songs() == 3
    assert not np.array_equal(fresh_db.window_basis().mean, before.mean)
    assert len(all_windows(fresh_db)) == 3


def test_a_run_that_was_killed_before_the_basis_loses_no_windows(fresh_db, music, monkeypatch):
    def die(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keep_windows, "fit_basis", die)
        index(fresh_db, music)
    assert fresh_db.count_raw_windows() == 3
    assert fresh_db.window_basis() is None
    summary, _ = index(fresh_db, music)
    assert summary.indexed == 0
    assert len(all_windows(fresh_db)) == 3


def test_a_run_that_was_killed_goes_on_with_the_same_result(fresh_db, music, tmp_path, monkeypatch):
    calls = []

    def fail_later(inputs):
        calls.append(len(inputs))
        if len(calls) > 1:
            raise KeyboardInterrupt
        return embed(inputs)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        use_fast_engine(patch, fail_later)
        index(fresh_db, music)
    assert 0 < fresh_db.count_raw_windows() < 3
    index(fresh_db, music)
    with Database.open(tmp_path / "whole.db") as whole:
        index(whole, music)
        expected = all_windows(whole)
    for song_id, windows in all_windows(fresh_db).items():
        np.testing.assert_array_equal(windows.codes, expected[song_id].codes)
    assert expected


def test_copies_and_moved_and_retagged_songs_have_windows(fresh_db, music):
    shutil.copy(music / "0.flac", music / "copy.flac")
    summary, _ = index(fresh_db, music)
    assert (summary.copied, summary.windows) == (1, 4)
    shutil.copy(music / "1.flac", music / "later copy.flac")
    (music / "2.flac").rename(music / "moved.flac")
    tags = mutagen.File(music / "0.flac")
    tags["title"] = "Other"
    tags.save()
    before = {song_id: raw.frames for song_id, raw in fresh_db.iterate_raw_windows()}
    summary, _ = index(fresh_db, music)
    assert (summary.copied, summary.moved, summary.retagged, summary.windows) == (1, 1, 1, 1)
    after = {song_id: raw.frames for song_id, raw in fresh_db.iterate_raw_windows()}
    for new, old in (("later copy", "1"), ("moved", "2"), ("0", "0"), ("copy", "0")):
        np.testing.assert_array_equal(after[f"{new}.flac"], before[f"{old}.flac"])
    assert all_windows(fresh_db).keys() == after.keys()
    assert "2.flac" not in after


def test_a_copy_has_no_windows_if_none_are_wanted(fresh_db, music):
    index(fresh_db, music)
    shutil.copy(music / "0.flac", music / "copy.flac")
    index(fresh_db, music, windows=False)
    assert "copy.flac" not in all_windows(fresh_db)


def test_another_sound_at_a_path_gets_its_own_windows(fresh_db, music, make_tone):
    index(fresh_db, music)
    before = fresh_db.raw_windows_of("1.flac").frames
    # The old sound is found under a new path, after its own path has got another sound.
    shutil.copy(music / "1.flac", music / "9.flac")
    make_tone(music / "1.flac", frequency_hz=2_000, seconds=3.0)
    index(fresh_db, music)
    assert len(fresh_db.raw_windows_of("1.flac").frames) == 6
    np.testing.assert_array_equal(fresh_db.raw_windows_of("9.flac").frames, before)
    make_tone(music / "1.flac", frequency_hz=3_000, seconds=3.0)
    index(fresh_db, music, windows=False)
    assert fresh_db.raw_windows_of("1.flac") is None


def test_the_tracks_of_a_cue_sheet_have_windows(fresh_db, tmp_path, make_tone):
    folder = tmp_path / "music"
    make_tone(folder / "album.flac", seconds=8.0)
    tracks = "".join(
        f"  TRACK {number:02d} AUDIO\n    INDEX 01 00:{start:02d}:00\n" for number, start in ((1, 0), (2, 5))
    )
    (folder / "album.cue").write_text(f'FILE "album.flac" WAVE\n{tracks}')
    index(fresh_db, folder)
    assert {song_id: len(song) for song_id, song in all_windows(fresh_db).items()} == {
        "album.flac#01": 10,
        "album.flac#02": 6,
    }


def test_the_first_look_stores_no_windows_and_the_full_pass_does(fresh_db, tmp_path, make_tone):
    for number in range(12):
        make_tone(tmp_path / "music" / f"{number:02d}.flac", frequency_hz=100 * (number + 1), seconds=2.0)
    summary, _ = index(fresh_db, tmp_path / "music", first_look=2)
    assert (summary.looked, summary.windows) == (12, 12)
    assert {len(song) for song in all_windows(fresh_db).values()} == {4}


def test_a_reindex_makes_the_windows_and_the_basis_again(fresh_db, music, monkeypatch):
    index(fresh_db, music)
    (music / "2.flac").unlink()
    monkeypatch.setattr(windows_support, "REQUEST", replace(windows_support.REQUEST, reindex=True))
    index(fresh_db, music)
    assert list(all_windows(fresh_db)) == ["0.flac", "1.flac"]
    assert fresh_db.window_basis_songs() == 2


def test_windows_that_come_raw_after_the_basis_are_encoded(fresh_db, music, small_basis):
    index(fresh_db, music)
    raw = RawWindows(np.ones((5, 512), np.float16), 0.5)
    keeper = WindowKeeper(fresh_db)
    keeper.store("0.flac", raw)
    np.testing.assert_array_equal(
        fresh_db.windows_of("0.flac").codes, fresh_db.window_basis().encode(raw).codes
    )
    fresh_db.store_windows("1.flac", raw)
    keeper.finish()
    assert len(fresh_db.windows_of("1.flac")) == 5
    assert fresh_db.count_raw_windows() == 0


def test_enough_songs_for_a_basis_are_more_than_a_handful():
    assert BASIS_SONGS >= 32


@pytest.fixture
def with_songs(fresh_db):
    """A library with songs that have no windows: "000" to "127"."""
    with fresh_db.transaction():
        for number in range(BASIS_SONGS):
            fresh_db._rows("INSERT INTO songs VALUES (?, '{}')", (f"{number:03d}",))
    return fresh_db


def raw_windows(number):
    return RawWindows(np.random.default_rng(number).normal(size=(20, 512)).astype(np.float16), 0.5)


def test_songs_can_be_compared_long_before_the_basis_is_final(with_songs):
    keeper = WindowKeeper(with_songs)
    bases, encoded = [], []
    for number in range(BASIS_SONGS):
        keeper.store(f"{number:03d}", raw_windows(number))
        keeper.fit_if_enough()
        bases.append(with_songs.window_basis_songs())
        encoded.append(len(with_songs.songs_with_windows()))
    expected = [max(start for start in (0, 8, 16, 32, 64, 128) if start <= n) for n in range(1, 129)]
    assert [songs or 0 for songs in bases] == expected
    assert encoded == [n if n >= 8 else 0 for n in range(1, 129)]
    assert with_songs.count_raw_windows() == 0
    basis = with_songs.final_window_basis()
    codes = basis.encode(raw_windows(5)).codes
    np.testing.assert_array_equal(with_songs.windows_of("005").codes, codes)


def test_a_stopped_run_goes_on_with_its_basis(with_songs):
    keeper = WindowKeeper(with_songs)
    for number in range(9):
        keeper.store(f"{number:03d}", raw_windows(number))
        keeper.fit_if_enough()
    keeper = WindowKeeper(with_songs)
    keeper.store("099", raw_windows(99))
    keeper.fit_if_enough()
    assert with_songs.window_basis_songs() == 8
    codes = with_songs.window_basis().encode(raw_windows(99)).codes
    np.testing.assert_array_equal(with_songs.windows_of("099").codes, codes)
    keeper.finish()
    assert with_songs.window_basis_songs() == 10
    codes = with_songs.window_basis().encode(raw_windows(99)).codes
    np.testing.assert_array_equal(with_songs.windows_of("099").codes, codes)


def test_a_run_encodes_all_windows_in_its_last_basis(with_songs):
    keeper = WindowKeeper(with_songs)
    for number in range(8):
        keeper.store(f"{number:03d}", raw_windows(number))
    keeper.fit_if_enough()
    # As if the song was a copy of one that had been encoded in an older basis.
    with_songs._rows("UPDATE song_windows SET codes = zeroblob(length(codes)) WHERE song_id = '003'")
    keeper.finish()
    assert with_songs.windows_of("003").codes.any()
