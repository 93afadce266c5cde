"""Playlists of some songs, as text: M3U8 and XSPF for players, CSV for tables.

What tags say is shown on one line and without characters that only steer how text is shown: they could
make a line end early, or read otherwise than it is. Files are named so that a player finds them, whatever
bytes their names are made of.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Callable, Iterable
from urllib.parse import quote_from_bytes
from xml.etree import ElementTree

from explorer.database.records import absolute_path
from explorer.database.songs import FiledSong
from explorer.errors import LibraryError
from explorer.util.text import fits_one_line, shown

FORMS = {
    "m3u8": "audio/x-mpegurl",
    "xspf": "application/xspf+xml",
    "csv": "text/csv",
}
"""Each form's media type."""

PATHS = ("relative", "absolute")

COLUMNS = ("title", "artist", "album", "genres", "year", "duration_s", "path", "song_id")

_MOST_SHOWN = 500
# A spreadsheet reads a cell that begins like this as a formula.
_FORMULA = ("=", "+", "-", "@")
_SCHEME = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:")


def write_playlist(songs: Iterable[FiledSong], *, form: str, paths: str) -> tuple[str, str]:
    """Write a playlist.

    Parameters
    ----------
    songs : iterable of FiledSong
        In the playlist's order; those without a file are left out.
    form : {"m3u8", "xspf", "csv"}
        In a table, text that a spreadsheet would take for a formula has an apostrophe before it.
    paths : {"relative", "absolute"}
        Relative ones are relative to the folder of music that holds the song: the playlist belongs there.
        Names that a line cannot hold are absolute URIs in an M3U8 anyhow.

    Returns
    -------
    text : str
        What UTF-8 can say.
    media_type : str

    Raises
    ------
    LibraryError
        If there is no such form, or paths are to be something else.
    """
    if form not in FORMS:
        raise LibraryError(f"form={form!r} is no playlist: choose one of {', '.join(FORMS)}.")
    if paths not in PATHS:
        raise LibraryError(f"paths={paths!r} is neither of {' and '.join(PATHS)}.")
    write = {"m3u8": _m3u8, "xspf": _xspf, "csv": _csv}[form]
    there = (song for song in songs if song.path is not None and song.root is not None)
    return write(there, paths == "relative"), FORMS[form]


def _m3u8(songs: Iterable[FiledSong], relative: bool) -> str:
    lines = ["#EXTM3U"]
    for song in songs:
        seconds = -1 if song.duration_s is None else round(song.duration_s)
        names = (shown(song.artist)[:_MOST_SHOWN], shown(song.title)[:_MOST_SHOWN])
        lines.append(f"#EXTINF:{seconds}," + " - ".join(filter(None, names)))
        lines.append(_m3u8_path(song, relative))
    return "\n".join(lines) + "\n"


def _m3u8_path(song: FiledSong, relative: bool) -> str:
    """Return a file's path as a line, or its URI if the path cannot be written as a line."""
    name = _native_path(song, relative)
    if not fits_one_line(name) or name != name.rstrip():
        return _uri(song, relative=False)
    if relative and (name[0] in "# \t" or _SCHEME.match(song.path)):
        return f"./{name}"
    return name


def _xspf(songs: Iterable[FiledSong], relative: bool) -> str:
    playlist = ElementTree.Element("playlist", version="1", xmlns="http://xspf.org/ns/0/")
    tracks = ElementTree.SubElement(playlist, "trackList")
    for song in songs:
        fields = {
            "location": _uri(song, relative=relative),
            "title": shown(song.title),
            "creator": shown(song.artist),
            "album": shown(song.album),
            "duration": "" if song.duration_s is None else str(round(song.duration_s * 1000)),
        }
        track = ElementTree.SubElement(tracks, "track")
        for name, text in fields.items():
            if text:
                ElementTree.SubElement(track, name).text = text
    ElementTree.indent(playlist)
    return ElementTree.tostring(playlist, "UTF-8", xml_declaration=True).decode() + "\n"


def _csv(songs: Iterable[FiledSong], relative: bool) -> str:
    target = io.StringIO()
    table = csv.DictWriter(target, COLUMNS, extrasaction="ignore")
    table.writeheader()
    for song in songs:
        table.writerow(song_cells(song, table_cell) | {"path": path_cell(song, relative=relative)})
    return target.getvalue()


def song_cells(song: FiledSong, cell: Callable[[str], str]) -> dict[str, str]:
    """Return a song's texts for a table, by column; `cell` makes a text a cell."""
    return {
        **{name: cell(getattr(song, name)) for name in ("song_id", "title", "artist", "album", "year")},
        "genre": cell(song.genres[0]) if song.genres else "",
        "genres": cell("; ".join(song.genres)),
        "duration_s": "" if song.duration_s is None else f"{song.duration_s:.3f}",
    }


def table_cell(text: str) -> str:
    """Return a text as a cell: on one line, with an apostrophe if a spreadsheet would read a formula."""
    line = shown(text)
    return f"'{line}" if line.startswith(_FORMULA) else line


def path_text(song: FiledSong, *, relative: bool) -> str:
    """Return a song's path as text, or its URI where no line can hold it; "" where there is no file."""
    if song.path is None or song.root is None:
        return ""
    path = _native_path(song, relative)
    return path if fits_one_line(path) else _uri(song, relative=relative)


def path_cell(song: FiledSong, *, relative: bool) -> str:
    """Return a song's path as a cell: `./` comes first if a spreadsheet would read a formula."""
    path = path_text(song, relative=relative)
    return f"./{path}" if path.startswith(_FORMULA) else path


def _native_path(song: FiledSong, relative: bool) -> str:
    return os.fsdecode(song.path) if relative else str(absolute_path(song.root, song.path))


def _uri(song: FiledSong, *, relative: bool) -> str:
    if relative:
        return quote_from_bytes(song.path)
    return absolute_path(song.root, song.path).absolute().as_uri()
