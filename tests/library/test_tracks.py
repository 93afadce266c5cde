"""Which cue sheet divides a file, beside it and inside it, and what its tracks are called."""

import struct

import av
import mutagen
import numpy as np
import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC, CueSheet, CueSheetTrack, CueSheetTrackIndex
from mutagen.id3 import ID3, TXXX
from mutagen.mp4 import MP4, MP4FreeForm

from explorer.library.music_file import Tags
from explorer.library.tracks import find_tracks

TAGS = Tags("The file", ("File artist",), "File album", ("File genre",), "1999", bpm="128", key="Am")
"""Tempo and key of a file are not those of each of its tracks."""
SHEET = """PERFORMER "The Band"
TITLE "The Album"
FILE "{name}" WAVE
  TRACK 01 AUDIO
    TITLE "One"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Two"
    INDEX 00 00:01:50
    INDEX 01 00:02:00
"""


def titles(path, sheets=(), tags=TAGS):
    tracks, _ = find_tracks(path, tags, sheets=sheets)
    return [track.tags.title for track in tracks]


def write_sheet(path, name="album.wav", text=SHEET):
    path.write_text(text.replace("{name}", name), encoding="utf-8")
    return path


@pytest.fixture
def album(tmp_path, make_tone):
    return make_tone(tmp_path / "album.flac", seconds=4.0)


@pytest.mark.parametrize(
    ("sheet_name", "name"),
    [
        ("album.cue", "album.flac"),
        ("album.cue", "album.wav"),
        ("ALBUM.CUE", "anything.wav"),
        ("album.flac.cue", "CDImage.ape"),
        ("other.cue", "ALBUM.FLAC"),
        ("other.cue", "C:\\rips\\album.wav"),
        ("other.cue", "rips/album.ape"),
        ("other.cue", "album"),
    ],
)
def test_sheets_that_describe_a_file(album, sheet_name, name):
    assert titles(album, [write_sheet(album.parent / sheet_name, name)]) == ["One", "Two"]


@pytest.mark.parametrize(
    ("sheet_name", "name"), [("other.cue", "other.wav"), ("album 2.cue", "album 2.wav"), ("other.cue", "")]
)
def test_sheets_that_describe_another_file(album, sheet_name, name):
    sheet = write_sheet(album.parent / sheet_name, name)
    assert find_tracks(album, TAGS, sheets=[sheet]) == ((), "")


def test_a_sheet_named_after_the_file_describes_it_even_without_a_file_line(album):
    text = SHEET.replace('FILE "{name}" WAVE\n', "")
    assert titles(album, [write_sheet(album.parent / "album.cue", text=text)]) == ["One", "Two"]
    assert titles(album, [write_sheet(album.parent / "other.cue", text=text)]) == []


def test_composed_letters_are_compared_as_one(tmp_path, make_tone):
    album = make_tone(tmp_path / "Cafe\u0301.flac")
    assert titles(album, [write_sheet(tmp_path / "x.cue", "CAF\u00c9.wav")]) == ["One", "Two"]


def test_a_sheet_with_one_file_per_track_divides_nothing(tmp_path, make_tone):
    first = make_tone(tmp_path / "01.flac")
    text = "".join(
        f'FILE "{n:02d}.wav" WAVE\n  TRACK {n:02d} AUDIO\n    INDEX 01 00:00:00\n' for n in range(1, 4)
    )
    for name in ("album.cue", "01.cue"):
        assert find_tracks(first, TAGS, sheets=[write_sheet(tmp_path / name, text=text)]) == ((), "")


def test_a_sheet_of_two_long_files_divides_each(tmp_path, make_tone):
    text = SHEET.replace("{name}", "a.wav") + SHEET.replace("{name}", "b.wav").replace("TRACK 0", "TRACK 1")
    sheet = write_sheet(tmp_path / "vinyl.cue", text=text)
    (tracks, _), (others, _) = (
        find_tracks(make_tone(tmp_path / name), TAGS, sheets=[sheet]) for name in ("a.flac", "b.flac")
    )
    assert [track.part.track for track in tracks] == [1, 2]
    assert [track.part.track for track in others] == [11, 12]


def test_each_track_ends_where_the_next_one_starts(album):
    tracks, _ = find_tracks(album, TAGS, sheets=[write_sheet(album.parent / "album.cue")])
    assert [(t.part.track, t.part.start_s, t.part.end_s) for t in tracks] == [(1, 0.0, 2.0), (2, 2.0, None)]


def test_data_tracks_and_very_short_tracks_are_no_songs_but_end_the_track_before(album):
    text = SHEET + "".join(
        f"  TRACK {number:02d} {kind}\n    INDEX 01 {position}\n"
        for number, kind, position in (
            (3, "MODE1/2352", "00:05:00"),
            (4, "AUDIO", "00:07:00"),
            (5, "AUDIO", "00:07:50"),
        )
    )
    tracks, _ = find_tracks(album, TAGS, sheets=[write_sheet(album.parent / "album.cue", text=text)])
    assert [(t.part.track, t.part.end_s) for t in tracks] == [(1, 2.0), (2, 5.0), (5, None)]


def test_texts_come_from_the_track_then_the_sheet_then_the_file(album):
    text = SHEET.replace('    TITLE "Two"\n', '    PERFORMER "A Guest"\n    REM DATE 2001\n')
    tracks, _ = find_tracks(
        album, TAGS, sheets=[write_sheet(album.parent / "album.cue", text="REM GENRE Jazz\n" + text)]
    )
    assert [track.tags for track in tracks] == [
        Tags("One", ("The Band",), "The Album", ("Jazz",), "1999"),
        Tags("Track 02", ("A Guest",), "The Album", ("Jazz",), "2001"),
    ]
    bare = "\n".join(line for line in SHEET.splitlines() if line.split()[0] not in ("PERFORMER", "TITLE"))
    tracks, _ = find_tracks(album, TAGS, sheets=[write_sheet(album.parent / "album.cue", text=bare)])
    assert [track.tags for track in tracks] == [
        Tags(f"Track 0{n}", TAGS.artists, TAGS.album, TAGS.genres, TAGS.year) for n in (1, 2)
    ]


def test_a_bad_sheet_leaves_the_file_one_song_and_says_why(album):
    sheet = write_sheet(album.parent / "album.cue", text=SHEET.replace("00:02:00", "00:00:00"))
    tracks, problem = find_tracks(album, TAGS, sheets=[sheet])
    assert tracks == ()
    assert "album.cue" in problem and "track 2" in problem


def test_a_bad_sheet_of_another_file_is_not_mentioned(album):
    text = SHEET.replace("00:02:00", "00:00:00")
    sheet = write_sheet(album.parent / "other.cue", "other.wav", text)
    assert find_tracks(album, TAGS, sheets=[sheet]) == ((), "")


def test_a_good_sheet_is_used_in_place_of_a_bad_one(album):
    bad = write_sheet(album.parent / "album.cue", text=SHEET.replace("00:02:00", "x"))
    good = write_sheet(album.parent / "other.cue")
    assert titles(album, [bad, good]) == ["One", "Two"]


def test_a_sheet_that_is_too_large_or_gone_is_said(album):
    sheet = album.parent / "album.cue"
    sheet.write_bytes(b"x" * ((1 << 20) + 1))
    assert "1 MB" in find_tracks(album, TAGS, sheets=[sheet])[1]
    sheet.unlink()
    assert "cannot be read" in find_tracks(album, TAGS, sheets=[sheet])[1]


# Sheets inside the file


def tag_vorbis(path):
    file = mutagen.File(path)
    file["CUESHEET"] = SHEET.replace("\n", "\r\n")
    file.save()


def tag_id3(path):
    tags = ID3()
    tags.add(TXXX(encoding=3, desc="CUESHEET", text=SHEET))
    tags.save(path)


def tag_ape(path):
    tags = APEv2()
    tags["Cuesheet"] = SHEET
    tags.save(path)


def write_wavpack(path):
    """Write a WavPack header that mutagen accepts; its sound is not decoded here."""
    header = struct.pack("<4sIHBBIIIIII", b"wvpk", 24, 0x410, 0, 0, 44_100, 0, 44_100, 0x04800009, 0, 0)
    path.write_bytes(header)
    return path


@pytest.mark.parametrize("name", ["a.flac", "a.ogg"])
def test_a_sheet_in_vorbis_comments(tmp_path, make_tone, name):
    path = make_tone(tmp_path / name)
    tag_vorbis(path)
    assert titles(path) == ["One", "Two"]


def test_a_sheet_in_id3_and_in_ape_tags(tmp_path, make_tone):
    path = make_tone(tmp_path / "a.mp3")
    tag_id3(path)
    assert titles(path) == ["One", "Two"]
    for path in (write_wavpack(tmp_path / "a.wv"), make_tone(tmp_path / "b.mp3")):
        tag_ape(path)
        assert titles(path) == ["One", "Two"]


def test_a_sheet_in_the_tags_of_mp4_and_of_matroska(tmp_path, make_sound):
    path = make_sound(tmp_path / "a.m4a", np.zeros(4096))
    file = MP4(path)
    file["----:com.apple.iTunes:CUESHEET"] = MP4FreeForm(SHEET.encode())
    file.save()
    assert titles(path) == ["One", "Two"]
    with av.open(str(tmp_path / "a.mka"), "w") as container:
        container.metadata["CUESHEET"] = SHEET
        stream = container.add_stream("flac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 4096), np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = 8000, 0
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    assert titles(tmp_path / "a.mka") == ["One", "Two"]


def add_block(path, starts, *, kind=0):
    sheet = CueSheet(None)
    sheet.media_catalog_number, sheet.lead_in_samples, sheet.compact_disc = b"", 88_200, False
    for number, start in enumerate(starts, 1):
        track = CueSheetTrack(number, start, type_=kind if number == len(starts) else 0)
        track.indexes = [CueSheetTrackIndex(0, 0), CueSheetTrackIndex(1, 100)]
        sheet.tracks.append(track)
    sheet.tracks.append(CueSheetTrack(255, 4 * 44_100))
    file = FLAC(path)
    file.cuesheet = sheet
    file.metadata_blocks.append(sheet)
    file.save()


def test_the_cuesheet_block_of_flac_has_no_titles(album):
    add_block(album, [0, 88_200, 132_301])
    tracks, problem = find_tracks(album, TAGS)
    assert problem == ""
    assert [track.tags.title for track in tracks] == ["Track 01", "Track 02", "Track 03"]
    assert [track.part.samples(44_100) for track in tracks] == [
        (100, 88_300),
        (88_300, 132_401),
        (132_401, None),
    ]


def test_the_tag_is_preferred_to_the_block_and_the_sheet_beside_to_both(album):
    add_block(album, [0, 88_200])
    tag_vorbis(album)
    assert titles(album) == ["One", "Two"]
    beside = write_sheet(album.parent / "album.cue", text=SHEET.replace("One", "Uno"))
    assert titles(album, [beside]) == ["Uno", "Two"]


def test_a_sheet_of_a_whole_album_in_the_file_of_one_track_is_ignored(tmp_path, make_tone):
    path = make_tone(tmp_path / "01.flac")
    file = mutagen.File(path)
    file["CUESHEET"] = "".join(
        f'FILE "{n:02d}.wav" WAVE\n  TRACK {n:02d} AUDIO\n    INDEX 01 00:00:00\n' for n in range(1, 4)
    )
    file.save()
    assert find_tracks(path, TAGS) == ((), "")


def test_damaged_tags_and_files_that_are_gone_have_no_tracks(tmp_path):
    (tmp_path / "x.flac").write_bytes(b"fLaC\x05\x00")
    for name in ("x.flac", "gone.flac"):
        assert find_tracks(tmp_path / name, TAGS) == ((), "")
