import csv
import io
import os
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes, urlsplit
from xml.etree import ElementTree

import pytest

from explorer.database.songs import PlaylistSong
from explorer.errors import LibraryError
from explorer.exporting.file_paths import FilePaths
from explorer.exporting.playlists import COLUMNS, write_playlist
from explorer.library.music_file import Part

ROOT = "/music/Mine & yours"
XSPF = "{http://xspf.org/ns/0/}"
VLC = "{http://www.videolan.org/vlc/playlist/ns/0/}"
BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")

TEXTS = [
    "two\nlines\r\nand\x0bmore\u2028still",
    'commas, "quotes"; and \\ backslashes',
    "<img src=x onerror=alert(1)>",
    "safe\u202egpj.exe\u2066",
    "x" * 10_000,
    "&amp; ]]> \x00\x01\x1b[31m \ufffe\ud800",
    "=HYPERLINK(1)",
    "👩‍🎤 Ünïcode",
    "",
]
NAMES = [
    b"plain.mp3",
    b"#1 100% sure?.mp3",
    b" leading and trailing .mp3 ",
    b"caf\xe9.mp3",
    b"two\nlines.mp3",
    b"a/b & <c>/\xe9\x9f\xb3.flac",
    b"http:x.mp3",
    b"-rf.mp3",
    "naïve.ogg".encode(),
]


def song(**values):
    fields = {"song_id": "id", "title": "Title", "artist": "Artist", "root": ROOT, "path": b"a.mp3"}
    return PlaylistSong(**(fields | values))


def songs():
    """Return one song for each text, as title, artist and album, and one song for each file name."""
    texts = [song(title=text, artist=text, album=text, genres=(text,), duration_s=1.6) for text in TEXTS]
    return texts + [song(path=name, song_id=name.decode("utf-8", "replace")) for name in NAMES]


def written(form, paths="relative", playlist=None):
    playlist = songs() if playlist is None else playlist
    text, media_type = write_playlist(playlist, form=form, file_paths=FilePaths(playlist, paths=paths))
    text.encode("utf-8")
    return text, media_type


def file_of(line, *, root=ROOT):
    """Return the absolute path, as bytes, of the file that a player opens for a line."""
    if line.startswith("file://"):
        return unquote_to_bytes(urlsplit(line).path)
    return (
        os.path.normpath(os.fsencode(root) + b"/" + os.fsencode(line))
        if line[0] != "/"
        else os.fsencode(line)
    )


@pytest.mark.parametrize("paths", ["relative", "absolute"])
def test_an_m3u8_has_two_lines_a_song_and_players_find_every_file(paths):
    text, media_type = written("m3u8", paths)
    lines = text.removesuffix("\n").split("\n")
    assert media_type == "audio/x-mpegurl"
    assert lines[0] == "#EXTM3U"
    assert len(lines) == 1 + 2 * len(songs())
    assert len(text.splitlines()) == len(lines)
    for number, expected in enumerate(songs()):
        info, line = lines[1 + 2 * number : 3 + 2 * number]
        assert re.match(r"#EXTINF:(2|-1),", info)
        assert not line.startswith("#")
        assert line == line.strip()
        assert file_of(line) == os.fsencode(ROOT) + b"/" + expected.path
    assert not BIDI.search(text)


def test_an_m3u8_shows_artist_and_title_or_the_one_that_is_known():
    text, _ = written(
        "m3u8", playlist=[song(duration_s=61.4), song(artist="", duration_s=None), song(title="")]
    )
    assert [line for line in text.split("\n") if line.startswith("#EXTINF")] == [
        "#EXTINF:61,Artist - Title",
        "#EXTINF:-1,Title",
        "#EXTINF:-1,Artist",
    ]


@pytest.mark.parametrize("paths", ["relative", "absolute"])
def test_an_xspf_is_xml_with_escaped_uris(paths):
    text, media_type = written("xspf", paths)
    assert media_type == "application/xspf+xml"
    tracks = ElementTree.fromstring(text.encode()).findall(f"{XSPF}trackList/{XSPF}track")
    assert len(tracks) == len(songs())
    for track, expected in zip(tracks, songs(), strict=True):
        location = track.find(f"{XSPF}location").text
        assert re.fullmatch(r"[A-Za-z0-9/%._~:-]+", location)
        assert location.startswith("file:///") == (paths == "absolute")
        assert urlsplit(location).scheme == ("file" if paths == "absolute" else "")
        path = unquote_to_bytes(urlsplit(location).path)
        assert path == (os.fsencode(ROOT) + b"/" if paths == "absolute" else b"") + expected.path
    first = {child.tag.removeprefix(XSPF): child.text for child in tracks[0]}
    assert first["title"] == first["creator"] == first["album"] == "two lines and more still"
    assert first["duration"] == "1600"
    assert tracks[2].find(f"{XSPF}title").text == "<img src=x onerror=alert(1)>"
    assert tracks[7].find(f"{XSPF}title").text == "👩‍🎤 Ünïcode"


@pytest.mark.parametrize("paths", ["relative", "absolute"])
def test_a_csv_contains_no_formulas(paths):
    text, media_type = written("csv", paths)
    assert media_type == "text/csv"
    assert text.endswith("\r\n")
    header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert tuple(header) == COLUMNS
    assert len(rows) == len(songs())
    for row, expected in zip(rows, songs(), strict=True):
        assert len(row) == len(COLUMNS)
        assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for cell in row)
        cells = dict(zip(header, row, strict=True))
        if expected.path != b"caf\xe9.mp3" and b"\n" not in expected.path:
            assert file_of(cells["path"]) == os.fsencode(ROOT) + b"/" + expected.path
    assert rows[1][0] == TEXTS[1]
    assert rows[6][0] == "'=HYPERLINK(1)"
    assert rows[0][5] == "1.600"


def test_tracks_of_a_file_tell_vlc_their_times():
    album = [
        song(path=b"album.flac", part=Part(1, 0.0, 61.5)),
        song(path=b"album.flac", part=Part(2, 61.5, 100.0)),
        song(),
    ]
    times = [["start-time=0.000", "stop-time=61.500"], ["start-time=61.500", "stop-time=100.000"], []]
    lines = written("m3u8", playlist=album)[0].splitlines()[1:]
    assert [line for line in lines if not line.startswith("#")] == ["album.flac", "album.flac", "a.mp3"]
    assert [line for line in lines if "VLC" in line] == [
        f"#EXTVLCOPT:{text}" for two in times for text in two
    ]
    root = ElementTree.fromstring(written("xspf", playlist=album)[0])
    options = [[option.text for option in track.iter(f"{VLC}option")] for track in root.iter(f"{XSPF}track")]
    assert options == times


def test_songs_without_a_file_are_left_out_and_the_order_is_kept():
    playlist = [song(title="b"), song(title="gone", path=None, root=None), song(title="a")]
    for form in ("m3u8", "xspf", "csv"):
        text, _ = written(form, playlist=playlist)
        assert "gone" not in text
        assert len(re.findall(r"a\.mp3", text)) == 2
    assert [row[0] for row in csv.reader(io.StringIO(written("csv", playlist=playlist)[0]))] == [
        "title",
        "b",
        "a",
    ]


def test_another_format_is_an_error():
    with pytest.raises(LibraryError, match="pls"):
        write_playlist([], form="pls", file_paths=FilePaths([], paths="relative"))


@pytest.mark.skipif(os.name == "nt", reason="file names are text on Windows")
def test_a_playlist_finds_files_with_any_name(tmp_path):
    for name in NAMES:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    text, _ = written("m3u8", playlist=[song(path=name, root=str(tmp_path)) for name in NAMES])
    for line in text.split("\n")[2::2]:
        assert Path(os.fsdecode(file_of(line, root=tmp_path))).exists(), line
