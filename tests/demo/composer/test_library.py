from collections import Counter

import numpy as np
import pytest
import soundfile
from scipy import signal

from explorer.audio.loudness import integrated_loudness
from explorer.demo import sound_files
from explorer.demo.composer import STYLES, compose, compose_library, library, write_piece
from explorer.demo.composer.mastering import TARGET_LUFS
from explorer.errors import AudioError


def _times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def two_pieces(monkeypatch):
    """Reduce the library to two pieces that are composed quickly."""
    monkeypatch.setattr(library, "STYLES", ("Chiptune", "Waltz"))
    monkeypatch.setattr(library, "PIECES_PER_STYLE", 1)


def test_library_is_large_and_varied(songs):
    genres = Counter(song.tags["genre"] for song in songs)
    assert len(songs) >= 60
    assert len(genres) >= 8
    assert set(genres) == set(STYLES)
    assert min(genres.values()) >= 5


def test_every_song_is_stereo_and_12_to_20_s_long(songs):
    for song in songs:
        assert song.sample_rate_hz == 44_100
        assert song.samples.shape[1] == 2
        assert 12 <= len(song.samples) / 44_100 <= 20, song.path.name


def test_no_song_clips_even_between_samples(songs):
    for song in songs:
        peak = np.abs(signal.resample_poly(song.samples, 2, 1, axis=0)).max()
        assert peak < 10 ** (-0.7 / 20), song.path.name


def test_all_songs_are_equally_loud(songs):
    for song in songs:
        assert abs(integrated_loudness(song.samples, 44_100) - TARGET_LUFS) < 1.0, song.path.name


def test_songs_have_no_dc_offset_no_long_gap_and_silent_ends(songs):
    for song in songs:
        assert np.abs(song.samples.mean(axis=0)).max() < 1e-3
        assert np.abs(song.samples[[0, -1]]).max() < 1e-2, song.path.name
        tenths = song.samples[: len(song.samples) // 4410 * 4410].reshape(-1, 4410 * 2)
        sounding = np.flatnonzero(np.sqrt((tenths**2).mean(axis=1)) > 10 ** (-50 / 20))
        gaps = np.diff(np.concatenate([[-1], sounding, [len(tenths)]]))
        assert gaps.max() <= 13, song.path.name


def test_tags_match_the_file_name_and_folder(songs):
    for song in songs:
        assert song.path.stem == f"{song.tags['artist']} - {song.tags['title']}"
        assert song.path.parent.name == song.tags["genre"]
        assert song.tags["album"]
        assert 1960 < int(song.tags["date"]) < 2030
        assert int(song.tags["tracknumber"]) >= 1


def test_titles_are_unique(songs):
    titles = [song.tags["title"] for song in songs]
    assert len(set(titles)) == len(titles)


def test_files_are_mp3_or_flac_which_every_browser_plays(songs):
    assert {song.path.suffix for song in songs} == {".mp3", ".flac"}
    assert {soundfile.info(song.path).format for song in songs} == {"MP3", "FLAC"}


def test_progress_counts_every_song_once(composed):
    _, paths, progress = composed
    assert progress == [(done, len(paths)) for done in range(len(paths) + 1)]


def test_running_again_changes_no_file(composed):
    folder, paths, _ = composed
    before = _times(folder)
    assert set(before) == set(paths)
    calls = []
    assert compose_library(folder, progress=lambda *counts: calls.append(counts)) == paths
    assert _times(folder) == before
    assert calls == [(len(paths), len(paths))]


def test_a_deleted_song_is_composed_again_identically_and_others_stay(tmp_path, two_pieces):
    deleted, kept = compose_library(tmp_path)
    content, time = deleted.read_bytes(), kept.stat().st_mtime_ns
    deleted.unlink()
    compose_library(tmp_path)
    assert deleted.read_bytes() == content
    assert kept.stat().st_mtime_ns == time


def test_a_song_that_the_user_changed_is_kept(tmp_path, two_pieces):
    changed = compose_library(tmp_path)[0]
    changed.write_bytes(b"my own")
    compose_library(tmp_path)
    assert changed.read_bytes() == b"my own"


def test_another_seed_adds_different_songs(tmp_path, two_pieces):
    first, second = compose_library(tmp_path), compose_library(tmp_path, seed=7)
    assert not set(first) & set(second)
    assert all(path.exists() for path in first + second)


def test_a_song_appears_only_when_it_is_complete(tmp_path, monkeypatch):
    target, write_tags, exists_while_tagging = tmp_path / "Waltz" / "song.flac", sound_files._write_tags, []

    def record_and_write(path, file_format, tags):
        exists_while_tagging.append(target.exists())
        write_tags(path, file_format, tags)

    monkeypatch.setattr(sound_files, "_write_tags", record_and_write)
    write_piece(target, compose("Chiptune", 0))
    assert exists_while_tagging == [False]
    assert list(target.parent.iterdir()) == [target]


def test_a_failed_write_leaves_no_file(tmp_path, monkeypatch):
    def fail(path, file_format, tags):
        raise OSError("No space left on device")

    monkeypatch.setattr(sound_files, "_write_tags", fail)
    target = tmp_path / "Waltz" / "song.flac"
    with pytest.raises(AudioError, match="No space left"):
        write_piece(target, compose("Chiptune", 0))
    assert list(target.parent.iterdir()) == []


def test_a_folder_that_is_a_file_is_named_in_the_error(tmp_path):
    blocked = tmp_path / "music"
    blocked.write_text("")
    with pytest.raises(AudioError, match="music"):
        compose_library(blocked)


@pytest.mark.parametrize("style", ["Chiptune", "Waltz", "Choir", "Ambient"])
def test_equal_seeds_make_equal_samples(style):
    first = compose(style, 1, seed=3)
    compose("Choir", 2, seed=3)
    again = compose(style, 1, seed=3)
    assert np.array_equal(first.samples, again.samples)
    assert (first.title, first.key, first.bpm) == (again.title, again.key, again.bpm)


@pytest.mark.parametrize("other", [{"index": 2, "seed": 3}, {"index": 1, "seed": 4}])
def test_another_number_or_seed_makes_different_music(other):
    first, second = compose("Chiptune", 1, seed=3), compose("Chiptune", **other)
    count = min(len(first.samples), len(second.samples))
    correlation = np.corrcoef(first.samples[:count, 0], second.samples[:count, 0])[0, 1]
    assert first.title != second.title
    assert abs(correlation) < 0.3


def test_unknown_styles_and_negative_numbers_are_refused():
    with pytest.raises(ValueError, match="Polka"):
        compose("Polka", 0)
    with pytest.raises(ValueError, match="index=-1"):
        compose("Waltz", -1)
