"""Cue sheets: the tracks of a long file are songs, whatever happens to the file and its sheet."""

import os
import shutil

import mutagen
import numpy as np
import pytest
import soundfile

from explorer.config import Settings
from explorer.embedding.engines import Engine
from explorer.indexing.dry_run import plan_dry_run
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)
RATE_HZ = 44_100
# The second track starts between two seconds, at frame 37 of 75.
STARTS = (0, 2 * RATE_HZ + 37 * RATE_HZ // 75, 4 * RATE_HZ)
SHEET = """REM GENRE Jazz
PERFORMER "The Band"
TITLE "The Album"
FILE "album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "One"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Two"
    INDEX 00 00:02:00
    INDEX 01 00:02:37
  TRACK 03 AUDIO
    TITLE "Three"
    INDEX 01 00:04:00
"""
IDS = ["album.flac#01", "album.flac#02", "album.flac#03"]


def make_album():
    """Return 6.3 s of stereo sound whose three tracks differ."""
    rng = np.random.default_rng(5)
    time = np.arange(int(6.3 * RATE_HZ)) / RATE_HZ
    hertz = np.select([time < STARTS[1] / RATE_HZ, time < 4], [300.0, 900.0], 2500.0)
    left = 0.3 * np.sin(2 * np.pi * hertz * time)
    sound = np.stack([left, 0.5 * left + rng.normal(scale=0.02, size=len(time))], axis=1)
    return np.round(sound * 32767).astype(np.int16)


ALBUM = make_album()


@pytest.fixture
def music(tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    soundfile.write(folder / "album.flac", ALBUM, RATE_HZ)
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


def write_sheet(folder, text=SHEET, *, name="album.cue", encoding="utf-8"):
    (folder / name).write_bytes(text.encode(encoding))


def index(database, folder, **options):
    options.setdefault("reporter", Reporter())
    return index_folder(IndexRun(database, folder, request=REQUEST, **options))


def counts(summary):
    names = ("indexed", "songs", "skipped", "failed", "copied", "moved", "retagged", "gone")
    return {name: getattr(summary, name) for name in names if getattr(summary, name)}


def ids(database):
    return [song.song_id for song in database.songs()]


def titles(database):
    return [song.title for song in database.songs()]


def cut_files(tmp_path, suffix=".flac"):
    """Write each track as a file of its own, and return the folder."""
    folder = tmp_path / "cut"
    folder.mkdir()
    for number, (begin, end) in enumerate(zip(STARTS, (*STARTS[1:], None), strict=True), 1):
        soundfile.write(folder / f"{number}{suffix}", ALBUM[begin:end], RATE_HZ)
    return folder


def test_tracks_have_the_vectors_of_files_that_were_cut_there(fresh_db, music, tmp_path):
    write_sheet(music)
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3}
    assert ids(fresh_db) == IDS
    index(fresh_db, cut_files(tmp_path))
    for number, song_id in enumerate(IDS, 1):
        np.testing.assert_array_equal(fresh_db.vector(song_id), fresh_db.vector(f"{number}.flac"))
        file, cut = fresh_db.file_of(song_id), fresh_db.file_of(f"{number}.flac")
        assert file.preview_start_s == cut.preview_start_s
        assert fresh_db.song(song_id).duration_s == pytest.approx(fresh_db.song(f"{number}.flac").duration_s)


def test_tracks_have_the_texts_of_the_sheet(fresh_db, music):
    write_sheet(music)
    index(fresh_db, music)
    song = fresh_db.song(IDS[1])
    assert (song.title, song.artist, song.album, song.genres) == ("Two", "The Band", "The Album", ("Jazz",))
    assert song.duration_s == pytest.approx((STARTS[2] - STARTS[1]) / RATE_HZ)
    assert fresh_db.search("three") == [IDS[2]]


def test_a_second_run_reads_nothing(fresh_db, music, embedded):
    write_sheet(music)
    index(fresh_db, music)
    embedded.clear()
    assert counts(index(fresh_db, music)) == {"skipped": 1}
    assert not embedded


def test_a_sheet_that_appears_later_divides_the_file(fresh_db, music):
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 1}
    assert ids(fresh_db) == ["album.flac"]
    write_sheet(music)
    # Older than the file: only the folder's list of sheets has changed.
    os.utime(music / "album.cue", (1e9, 1e9))
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3}
    assert ids(fresh_db) == IDS


def test_a_sheet_that_disappears_makes_the_file_one_song_again(fresh_db, music):
    write_sheet(music)
    index(fresh_db, music)
    (music / "album.cue").unlink()
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 1}
    assert ids(fresh_db) == ["album.flac"]
    assert counts(index(fresh_db, music)) == {"skipped": 1}


def test_new_titles_in_a_sheet_need_no_decoding(fresh_db, music, embedded):
    write_sheet(music)
    index(fresh_db, music)
    embedded.clear()
    write_sheet(music, SHEET.replace('"Two"', '"Zwei"'))
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3, "retagged": 1}
    assert (ids(fresh_db), titles(fresh_db)) == (IDS, ["One", "Zwei", "Three"])
    assert not embedded


def test_only_tracks_with_other_times_are_embedded_again(fresh_db, music, embedded):
    write_sheet(music)
    index(fresh_db, music)
    before = {song_id: fresh_db.vector(song_id) for song_id in IDS}
    embedded.clear()
    write_sheet(music, SHEET.replace("00:02:37", "00:01:50"))
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3}
    changed = [not np.array_equal(before[song_id], fresh_db.vector(song_id)) for song_id in IDS]
    assert changed == [True, True, False]
    assert sum(embedded) == 3 + 3


def test_tracks_that_get_other_numbers_keep_their_vectors(fresh_db, music, embedded):
    write_sheet(music)
    index(fresh_db, music)
    before = {song_id: fresh_db.vector(song_id) for song_id in IDS}
    embedded.clear()
    for old, new in (("03", "04"), ("02", "03"), ("01", "02")):
        write_sheet(music, (music / "album.cue").read_text().replace(f"TRACK {old}", f"TRACK {new}"))
    index(fresh_db, music)
    assert ids(fresh_db) == [*IDS[1:], "album.flac#04"]
    assert not embedded
    for old, new in zip(IDS, ids(fresh_db), strict=True):
        np.testing.assert_array_equal(fresh_db.vector(new), before[old])


def test_a_moved_album_keeps_its_vectors_and_a_copy_shares_them(fresh_db, music, embedded):
    write_sheet(music)
    index(fresh_db, music)
    before = {song_id: fresh_db.vector(song_id) for song_id in IDS}
    embedded.clear()
    (music / "moved").mkdir()
    for name in ("album.flac", "album.cue"):
        (music / name).rename(music / "moved" / name)
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3, "moved": 1}
    assert ids(fresh_db) == [f"moved/{song_id}" for song_id in IDS]
    shutil.copytree(music / "moved", music / "copy")
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3, "copied": 1, "skipped": 1}
    assert fresh_db.duplicates() == [[f"copy/{song_id}", f"moved/{song_id}"] for song_id in IDS]
    assert not embedded
    for song_id in IDS:
        np.testing.assert_array_equal(fresh_db.vector(f"moved/{song_id}"), before[song_id])


def test_a_copy_that_is_read_in_the_same_run_shares_the_vectors(fresh_db, music):
    write_sheet(music)
    shutil.copytree(music, music / "copy")
    assert counts(index(fresh_db, music)) == {"indexed": 2, "songs": 6, "copied": 1}
    assert len(fresh_db.duplicates()) == 3


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: text.replace("00:04:00", "00:02:00"), "track 3"),
        (lambda text: text.replace("00:04:00", "00:59:00"), "track 3"),
        (lambda text: text[: text.index("  TRACK 01")], "track"),
    ],
)
def test_a_sheet_that_cannot_be_used_leaves_one_song_with_a_note(fresh_db, music, change, fault):
    write_sheet(music, change(SHEET))
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 1}
    assert ids(fresh_db) == ["album.flac"]
    note = fresh_db._value("SELECT note FROM files")
    assert "cue" in note and fault in note
    assert counts(index(fresh_db, music)) == {"skipped": 1}


def test_a_last_track_of_less_than_a_second_is_no_song(fresh_db, music):
    write_sheet(music, SHEET + "  TRACK 04 AUDIO\n    INDEX 01 00:06:00\n")
    assert counts(index(fresh_db, music)) == {"indexed": 1, "songs": 3}
    assert ids(fresh_db) == IDS


def test_a_bad_sheet_does_not_change_the_vector(fresh_db, music):
    index(fresh_db, music)
    expected = fresh_db.vector("album.flac")
    fresh_db.forget_everything()
    write_sheet(music, SHEET.replace("00:04:00", "00:59:00"))
    index(fresh_db, music)
    np.testing.assert_array_equal(fresh_db.vector("album.flac"), expected)


def test_a_damaged_file_fails_once_and_keeps_its_tracks(fresh_db, music):
    write_sheet(music)
    index(fresh_db, music)
    (music / "album.flac").write_bytes(b"fLaC")
    assert counts(index(fresh_db, music)) == {"failed": 1}
    assert ids(fresh_db) == IDS
    assert counts(index(fresh_db, music)) == {"skipped": 1}


def test_a_sheet_inside_the_file(fresh_db, music):
    file = mutagen.File(music / "album.flac")
    file["CUESHEET"] = SHEET
    file.save()
    index(fresh_db, music)
    assert titles(fresh_db) == ["One", "Two", "Three"]


@pytest.mark.parametrize("is_inside", [False, True])
def test_without_cue_sheets_a_file_is_one_song_until_they_are_used_again(fresh_db, music, is_inside):
    if is_inside:
        file = mutagen.File(music / "album.flac")
        file["CUESHEET"] = SHEET
        file.save()
    else:
        write_sheet(music)
    assert index(fresh_db, music).songs == 3
    assert counts(index(fresh_db, music, cue=False)) == {"indexed": 1, "songs": 1}
    assert ids(fresh_db) == ["album.flac"]
    # Remembered, and the file is not read again.
    assert counts(index(fresh_db, music)) == {"skipped": 1}
    assert plan_dry_run(fresh_db, music, retry=False, reporter=Reporter()).unchanged == 1
    assert plan_dry_run(fresh_db, music, retry=False, cue=True, reporter=Reporter()).to_embed == 1
    assert counts(index(fresh_db, music, cue=True)) == {"indexed": 1, "songs": 3}
    assert (ids(fresh_db), counts(index(fresh_db, music))) == (IDS, {"skipped": 1})


def test_the_choice_of_cue_sheets_goes_to_a_folder_above(fresh_db, music):
    write_sheet(music)
    index(fresh_db, music, cue=False)
    assert counts(index(fresh_db, music.parent)) == {"skipped": 1}
    assert ids(fresh_db) == ["album.flac"]


def test_titles_in_a_national_encoding(fresh_db, music):
    text = SHEET.replace("One", "Группа крови").replace("Two", "Спокойная ночь").replace("Three", "Мама")
    write_sheet(music, text, encoding="cp1251")
    index(fresh_db, music)
    assert titles(fresh_db) == ["Группа крови", "Спокойная ночь", "Мама"]


def test_a_track_in_opposite_phase_has_the_vector_of_a_file_that_was_cut_there(fresh_db, music, tmp_path):
    album = ALBUM.copy()
    album[STARTS[1] : STARTS[2], 1] = -album[STARTS[1] : STARTS[2], 0]
    soundfile.write(music / "album.flac", album, RATE_HZ)
    write_sheet(music)
    index(fresh_db, music)
    folder = tmp_path / "cut"
    folder.mkdir()
    # Only the louder channel counts, so a mono file has the same sound.
    soundfile.write(folder / "2.flac", album[STARTS[1] : STARTS[2], 0], RATE_HZ)
    index(fresh_db, folder)
    np.testing.assert_array_equal(fresh_db.vector(IDS[1]), fresh_db.vector("2.flac"))
    assert ids(fresh_db) == ["2.flac", *IDS]


def test_lossy_files_are_divided_too(fresh_db, music):
    (music / "album.flac").unlink()
    soundfile.write(music / "album.mp3", ALBUM, RATE_HZ)
    write_sheet(music)
    index(fresh_db, music)
    durations = [song.duration_s for song in fresh_db.songs()]
    assert durations[:2] == pytest.approx([STARTS[1] / RATE_HZ, (STARTS[2] - STARTS[1]) / RATE_HZ], abs=1e-4)
    assert durations[2] == pytest.approx(2.3, abs=0.1)


def test_previews_of_tracks_are_made_from_their_parts(fresh_db, music, tmp_path):
    write_sheet(music)
    assert index(fresh_db, music, previews=tmp_path / "previews").previews == 3
    previews = sorted((tmp_path / "previews").rglob("*.mp3"))
    lengths = sorted(soundfile.info(path).duration for path in previews)
    assert lengths == pytest.approx([(STARTS[2] - STARTS[1]) / RATE_HZ, 2.3, STARTS[1] / RATE_HZ], abs=0.1)


def test_new_genres_reach_tracks_too(fresh_db, music):
    write_sheet(music)
    index(fresh_db, music)
    fresh_db.store_genres(dict.fromkeys(IDS, ("Old",)))
    assert index(fresh_db, music, genre_from="tags").genres_changed == 3
    assert [song.genres for song in fresh_db.songs()] == [("Jazz",)] * 3


def test_a_dry_run_counts_files(fresh_db, music):
    write_sheet(music)
    assert plan_dry_run(None, music, retry=False, reporter=Reporter()).to_embed == 1
    index(fresh_db, music)
    write_sheet(music, SHEET.replace("One", "Uno"))
    plan = plan_dry_run(fresh_db, music, retry=False, reporter=Reporter())
    assert (plan.to_embed, plan.retagged) == (0, [str(music / "album.flac")])
    write_sheet(music, SHEET.replace("00:02:37", "00:01:50"))
    plan = plan_dry_run(fresh_db, music, retry=False, reporter=Reporter())
    assert plan.changed == [str(music / "album.flac")]
    (music / "album.flac").rename(music / "moved.flac")
    (music / "album.cue").unlink()
    write_sheet(music, name="moved.cue")
    plan = plan_dry_run(fresh_db, music, retry=False, reporter=Reporter())
    assert plan.moved == [(str(music / "album.flac"), str(music / "moved.flac"))]


def test_the_tracks_of_a_file_that_is_left_out_are_counted(fresh_db, music):
    write_sheet(music)
    index(fresh_db, music)
    summary = index(fresh_db, music, exclude=["*.flac"])
    assert (summary.gone, summary.left_out) == (3, 3)
