"""Damaged windows and features: they cost the song that they belong to, and are named."""

import pytest
from damage_support import INSIDE, SONG, force, store_inside

from explorer.database.database import Database
from explorer.errors import UnusableLibraryError

OTHER = "004.flac"


@pytest.fixture
def inside(library):
    path, song_ids = library
    store_inside(path)
    return path, song_ids


def test_sound_windows_and_features_are_not_called_damaged(inside):
    path, song_ids = inside
    with Database.open_readonly(path) as database:
        assert database.damaged_songs() == {}
        assert [song_id for song_id, _ in database.iterate_windows()] == sorted(song_ids)
        assert database.songs_with_windows() == sorted(song_ids)
        assert database.features_of(SONG).key == "A minor"
        assert database.left_out == {}


@pytest.mark.parametrize("damage", INSIDE)
def test_damage_is_found_and_named(inside, damage):
    path, _ = inside
    force(path, INSIDE[damage])
    with Database.open_readonly(path) as database:
        found = database.damaged_songs()
    assert len(found) == 1
    assert SONG in found or "UTF-8" in next(iter(found.values()))


@pytest.mark.parametrize("damage", [name for name, sql in INSIDE.items() if "song_windows" in sql])
def test_damaged_windows_are_not_read(inside, damage):
    path, song_ids = inside
    force(path, INSIDE[damage])
    with Database.open_readonly(path) as database:
        assert database.windows_of(SONG) is None
        assert SONG in database.left_out
        assert len(database.windows_of(OTHER)) == 5
        assert {song_id for song_id, _ in database.iterate_windows()} == {*song_ids} - {SONG}
        assert database.features_of(SONG).tempo_bpm == 120.0


@pytest.mark.parametrize("damage", [name for name, sql in INSIDE.items() if "song_features" in sql])
def test_damaged_features_are_not_read(inside, damage):
    path, song_ids = inside
    force(path, INSIDE[damage])
    with Database.open_readonly(path) as database:
        assert database.features_of(SONG) is None
        assert database.features_of(OTHER).tempo_bpm == 120.0
        is_scalar = not {"beats", "loudness"} & set(INSIDE[damage].split())
        assert (database.feature_row(SONG).tempo_bpm is None) == is_scalar
        rows = dict(database.iterate_feature_rows())
        assert {*song_ids} - {SONG} <= rows.keys()
        assert rows[OTHER].key == "A minor"
        assert len(database.windows_of(SONG)) == 5


def test_curves_that_are_not_finite_are_not_read(inside):
    path, _ = inside
    force(path, f"UPDATE song_features SET brightness = x'0000c07f' WHERE song_id = '{SONG}'")
    with Database.open_readonly(path) as database:
        assert database.features_of(SONG) is None
        assert SONG in database.left_out_sentence


@pytest.mark.parametrize(
    "harm", ["mean = x'00'", "axes = substr(axes, 1, 2048)", "mean = 'text'", "mean = zeroblob(0)"]
)
def test_a_damaged_basis_is_an_error_that_says_so(inside, harm):
    path, _ = inside
    force(path, f"UPDATE window_basis SET {harm}")
    with Database.open_readonly(path) as database:
        assert database.damaged_songs() == {}
        with pytest.raises(UnusableLibraryError, match="is damaged"):
            database.window_basis()


@pytest.mark.parametrize("harm", ["frames = substr(frames, 1, 1000)", "frames = 'text'", "step_s = -1"])
def test_damaged_windows_that_wait_for_a_basis_are_left_out(inside, harm):
    path, _ = inside
    force(
        path,
        f"INSERT INTO raw_windows VALUES ('{SONG}', 0.5, zeroblob(2048)), ('{OTHER}', 0.5, zeroblob(2048))",
        f"UPDATE raw_windows SET {harm} WHERE song_id = '{SONG}'",
    )
    with Database.open_readonly(path) as database:
        assert [song_id for song_id, _ in database.iterate_raw_windows()] == [OTHER]
        assert SONG in database.left_out
        assert database.damaged_songs().keys() == {SONG}
