"""Writes playlists as text: M3U8 and XSPF for players, CSV for spreadsheets.

Texts of tags are written on one line and without control characters, which could end a line early or change
how it is displayed. Paths are written so that a player finds the file, whatever bytes its name contains.

Playlists cannot express that a song is a part of a file, as a track of a cue sheet is. VLC reads the part
from options of its own, which are written for such songs; other players play the whole file.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable
from xml.etree import ElementTree

from explorer.database.songs import PlaylistSong
from explorer.errors import LibraryError
from explorer.exporting.file_paths import FilePaths, absolute_uri
from explorer.util.spreadsheets import escape_formula, is_formula
from explorer.util.text import is_one_line, one_line

FORMATS = {
    "m3u8": "audio/x-mpegurl",
    "xspf": "application/xspf+xml",
    "csv": "text/csv",
}
"""The media type of each format."""

COLUMNS = ("title", "artist", "album", "genres", "year", "duration_s", "path", "song_id")

_MAX_NAME_LENGTH = 500
_VLC_APPLICATION = "http://www.videolan.org/vlc/playlist/0"
_VLC_NAMESPACE = "http://www.videolan.org/vlc/playlist/ns/0/"
ElementTree.register_namespace("vlc", _VLC_NAMESPACE)
_URI_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")


def write_playlist(songs: Iterable[PlaylistSong], *, form: str, file_paths: FilePaths) -> tuple[str, str]:
    """Write a playlist as text.

    Parameters
    ----------
    songs : iterable of PlaylistSong
        In the order of the playlist. Songs without a file are left out.
    form : {"m3u8", "xspf", "csv"}
        The format. In a CSV, text that a spreadsheet would read as a formula gets an apostrophe in front.
    file_paths : FilePaths
        Writes the paths of these songs. In an M3U8, a name that one line cannot hold is always written as an
        absolute URI.

    Returns
    -------
    text : str
        Can be encoded as UTF-8.
    media_type : str

    Raises
    ------
    LibraryError
        If `form` is not one of these values.
    """
    if form not in FORMATS:
        raise LibraryError(f"form={form!r} is not a playlist format: choose one of {', '.join(FORMATS)}.")
    write = {"m3u8": _m3u8, "xspf": _xspf, "csv": _csv}[form]
    with_file = (song for song in songs if song.path is not None and song.root is not None)
    return write(with_file, file_paths), FORMATS[form]


def _m3u8(songs: Iterable[PlaylistSong], file_paths: FilePaths) -> str:
    lines = ["#EXTM3U"]
    for song in songs:
        seconds = -1 if song.duration_s is None else round(song.duration_s)
        names = (one_line(song.artist)[:_MAX_NAME_LENGTH], one_line(song.title)[:_MAX_NAME_LENGTH])
        lines.append(f"#EXTINF:{seconds}," + " - ".join(filter(None, names)))
        lines += [f"#EXTVLCOPT:{option}" for option in _vlc_options(song)]
        lines.append(_m3u8_path(song, file_paths))
    return "\n".join(lines) + "\n"


def _m3u8_path(song: PlaylistSong, file_paths: FilePaths) -> str:
    """Return a file's path, or its URI if the path cannot be written on one line."""
    name = file_paths.native(song)
    if not is_one_line(name) or name != name.rstrip():
        return absolute_uri(song)
    # Without `./`, a player would read such a name as a comment or as a URI.
    if file_paths.is_relative(song) and (name[0] in "# \t" or _URI_SCHEME.match(os.fsencode(name))):
        return f"./{name}"
    return name


def _vlc_options(song: PlaylistSong) -> list[str]:
    """Return the options by which VLC plays only a part of a file."""
    if not song.part.track:
        return []
    return [f"start-time={song.part.start_s:.3f}", f"stop-time={song.part.end_s:.3f}"]


def _xspf(songs: Iterable[PlaylistSong], file_paths: FilePaths) -> str:
    playlist = ElementTree.Element("playlist", version="1", xmlns="http://xspf.org/ns/0/")
    tracks = ElementTree.SubElement(playlist, "trackList")
    for song in songs:
        fields = {
            "location": file_paths.uri(song),
            "title": one_line(song.title),
            "creator": one_line(song.artist),
            "album": one_line(song.album),
            "duration": "" if song.duration_s is None else str(round(song.duration_s * 1000)),
        }
        track = ElementTree.SubElement(tracks, "track")
        for name, text in fields.items():
            if text:
                ElementTree.SubElement(track, name).text = text
        if options := _vlc_options(song):
            extension = ElementTree.SubElement(track, "extension", application=_VLC_APPLICATION)
            for option in options:
                ElementTree.SubElement(extension, f"{{{_VLC_NAMESPACE}}}option").text = option
    ElementTree.indent(playlist)
    return ElementTree.tostring(playlist, "UTF-8", xml_declaration=True).decode() + "\n"


def _csv(songs: Iterable[PlaylistSong], file_paths: FilePaths) -> str:
    target = io.StringIO()
    table = csv.DictWriter(target, COLUMNS, extrasaction="ignore")
    table.writeheader()
    for song in songs:
        table.writerow(song_cells(song, table_cell) | {"path": path_cell(song, file_paths)})
    return target.getvalue()


def song_cells(song: PlaylistSong, cell: Callable[[str], str]) -> dict[str, str]:
    """Return a song's cells for a table, by column; `cell` converts a text to a cell."""
    return {
        **{name: cell(getattr(song, name)) for name in ("song_id", "title", "artist", "album", "year")},
        "genre": cell(song.genres[0]) if song.genres else "",
        "genres": cell("; ".join(song.genres)),
        "duration_s": "" if song.duration_s is None else f"{song.duration_s:.3f}",
    }


def table_cell(text: str) -> str:
    """Return a text as a cell: on one line, with an apostrophe in front if it looks like a formula."""
    return escape_formula(one_line(text))


def path_cell(song: PlaylistSong, file_paths: FilePaths) -> str:
    """Return a song's path as a cell, with `./` in front if it looks like a formula."""
    path = file_paths.text(song)
    return f"./{path}" if is_formula(path) else path
