"""`index --windows`: songs without windows get them, and stay as they are otherwise."""

import os
import shutil
import signal

import pytest

from tests.windows_support import embed, index, use_fast_engine


@pytest.fixture(autouse=True)
def fast_engine(monkeypatch):
    use_fast_engine(monkeypatch)


@pytest.fixture
def music(tmp_path, make_tone):
    for number in range(4):
        make_tone(tmp_path / "music" / f"{number}.flac", frequency_hz=150 * (number + 1), seconds=2.0)
    return tmp_path / "music"


def stored(database):
    """Everything of the songs but the windows."""
    tables = "songs songs_vectors files songs_genres positions song_features failures".split()
    return {table: database._rows(f"SELECT * FROM {table} ORDER BY 1") for table in tables}


def names(database):
    return [song_id for song_id, _ in database.iterate_windows()]


def test_songs_get_windows_and_keep_all_the_rest(fresh_db, music, tmp_path):
    index(fresh_db, music, windows=False)
    fresh_db._rows("INSERT INTO projections VALUES ('pca', '{}', '{}')")
    fresh_db._rows("INSERT INTO positions VALUES ('pca', '0.flac', 1, 2, NULL)")
    fresh_db._rows("UPDATE songs_vectors SET embedding = zeroblob(4096) WHERE song_id = '0.flac'")
    fresh_db._rows("UPDATE files SET preview_start_s = 0.125")
    before = stored(fresh_db)
    summary, _ = index(fresh_db, music, windows=True)
    assert (summary.indexed, summary.windows, summary.without_windows) == (0, 4, 0)
    assert stored(fresh_db) == before
    assert names(fresh_db) == ["0.flac", "1.flac", "2.flac", "3.flac"]
    assert len(fresh_db.windows_of("3.flac")) == 4


def test_songs_that_have_windows_are_not_embedded_again(fresh_db, music, monkeypatch):
    index(fresh_db, music)

    def refuse(inputs):
        raise AssertionError("A song was embedded again.")

    use_fast_engine(monkeypatch, refuse)
    summary, _ = index(fresh_db, music, windows=True)
    assert (summary.filled_files, summary.windows) == (0, 0)


def test_without_the_option_known_songs_get_none(fresh_db, music):
    index(fresh_db, music, windows=False)
    index(fresh_db, music)
    assert names(fresh_db) == []


def test_a_stopped_run_goes_on_with_the_other_songs(fresh_db, music, monkeypatch):
    index(fresh_db, music, windows=False)
    embedded = []

    def stop_after_the_first(inputs):
        if not embedded:
            os.kill(os.getpid(), signal.SIGINT)
        embedded.append(len(inputs))
        return embed(inputs)

    use_fast_engine(monkeypatch, stop_after_the_first)
    summary, _ = index(fresh_db, music, windows=True)
    assert summary.interrupted
    done = fresh_db.count_windows()["songs"]
    assert 0 < done < 4
    embedded[:] = [0]
    summary, _ = index(fresh_db, music, windows=True)
    assert not summary.interrupted
    assert summary.windows == 4 - done
    assert sum(embedded) == 4 * (4 - done)
    assert len(names(fresh_db)) == 4


def test_new_files_and_known_songs_in_one_run(fresh_db, music, make_tone):
    index(fresh_db, music, windows=False)
    make_tone(music / "new.flac", frequency_hz=777, seconds=2.0)
    shutil.copy(music / "0.flac", music / "copy.flac")
    summary, _ = index(fresh_db, music, windows=True)
    assert (summary.indexed, summary.copied, summary.windows) == (2, 1, 6)
    assert len(names(fresh_db)) == 6


def test_a_copy_gets_the_windows_of_the_song_that_has_them(fresh_db, music, monkeypatch):
    index(fresh_db, music)
    shutil.copy(music / "0.flac", music / "copy.flac")
    index(fresh_db, music, windows=False)
    assert "copy.flac" not in names(fresh_db)

    def refuse(inputs):
        raise AssertionError("The copy was embedded.")

    use_fast_engine(monkeypatch, refuse)
    summary, _ = index(fresh_db, music, windows=True)
    assert summary.windows == 1
    assert "copy.flac" in names(fresh_db)


def test_songs_whose_files_are_missing_are_counted(fresh_db, music):
    index(fresh_db, music, windows=False)
    (music / "1.flac").unlink()
    summary, _ = index(fresh_db, music, windows=True)
    assert (summary.windows, summary.without_windows, summary.gone) == (3, 1, 1)
    again, _ = index(fresh_db, music, windows=True)
    assert (again.windows, again.without_windows) == (0, 1)


def test_a_file_that_cannot_be_read_now_keeps_its_song(fresh_db, music):
    index(fresh_db, music, windows=False)
    path = music / "1.flac"
    before, state = path.read_bytes(), path.stat()
    path.write_bytes(bytes(len(before)))
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    summary, said = index(fresh_db, music, windows=True)
    assert (summary.windows, summary.without_windows, summary.failed) == (3, 1, 0)
    assert "1.flac" in said
    assert len(fresh_db.songs()) == 4
    assert fresh_db.failures() == []


def test_a_file_with_another_sound_but_the_same_state_gets_none(fresh_db, music):
    index(fresh_db, music, windows=False)
    fresh_db._rows("UPDATE files SET fingerprint = 'x', audio_fingerprint = 'y' WHERE song_id = '2.flac'")
    summary, _ = index(fresh_db, music, windows=True)
    assert (summary.windows, summary.without_windows) == (3, 1)
    assert "2.flac" not in names(fresh_db)


def test_a_limit_counts_the_known_songs_too(fresh_db, music):
    index(fresh_db, music, windows=False)
    index(fresh_db, music, windows=True, limit=3)
    assert len(names(fresh_db)) == 3


def test_only_the_tracks_without_windows_get_them(fresh_db, tmp_path, make_tone):
    folder = tmp_path / "music"
    make_tone(folder / "album.flac", seconds=8.0)
    tracks = ("  TRACK 01 AUDIO", "    INDEX 01 00:00:00", "  TRACK 02 AUDIO", "    INDEX 01 00:05:00")
    (folder / "album.cue").write_text("\n".join(('FILE "album.flac" WAVE', *tracks)))
    index(fresh_db, folder)
    fresh_db.forget_windows("album.flac#02")
    summary, _ = index(fresh_db, folder, windows=True)
    assert (summary.windows, summary.without_windows) == (1, 0)
    assert names(fresh_db) == ["album.flac#01", "album.flac#02"]


def test_songs_of_other_folders_are_not_read(fresh_db, music, make_tone):
    make_tone(music / "inside" / "5.flac", frequency_hz=999, seconds=2.0)
    index(fresh_db, music, windows=False)
    summary, _ = index(fresh_db, music / "inside", windows=True)
    assert names(fresh_db) == ["inside/5.flac"]
    assert summary.without_windows == 0
