"""Reads tables that list the genres of songs: any CSV with a header, or FMA's tracks.csv.

A row is matched to a song by the path of its file, else by artist and title. If several rows may match a song
and their genres differ, the song gets none of them: no genre is better than a wrong one.
"""

from __future__ import annotations

import ast
import codecs
import csv
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, TextIO
from urllib.parse import quote_from_bytes, unquote

from explorer.errors import LibraryError
from explorer.library.music_file import Tags
from explorer.library.scanning import AUDIO_EXTENSIONS

COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path"),
    "track_id": ("track_id",),
    "title": ("title", "name", "track", "song", "track_title", "track_name", "song_title", "song_name"),
    "artist": ("artist", "artists", "artist_name", "artist_names"),
    "genre": ("genre_top", "genre", "genres", "track_genre", "track_genres"),
    "other genre": ("style", "styles", "label"),
}
"""Accepted column names, in any case; "other genre" is used only if no column of "genre" exists."""

_CP1252_FALLBACK = "explorer.cp1252_fallback"
"""The name of the error handler that decodes invalid UTF-8 as Windows-1252."""

_MAX_CELL_LENGTH = 16_000_000
_MAX_GENRE_LENGTH = 1_000
_MAX_CACHED_CELLS = 50_000
_MAX_COLUMNS_SHOWN = 12
_MAX_NUMBER_LENGTH = 11
_DELIMITERS = ",;\t|"
_SEPARATORS = re.compile(r"[;|]")
_ESCAPED_FORMULAS = ("'=", "'+", "'-", "'@")
_NAME_KEYS = ("genre_title", "title", "name", "genre")


class Row(NamedTuple):
    """The cells of a table that describe one song."""

    path: str
    track_id: str
    title: str
    artist: str
    genres: tuple[str, ...]


def read_genre_table(path: Path, *, paths: Iterable[str]) -> GenreTable:
    """Read a table with a header, in UTF-8, UTF-16 or Windows-1252.

    Its cells are separated by commas, semicolons, tabs or `|`. `COLUMNS` lists the accepted column names. A
    cell may hold several genres, separated by `;` or `|` or as a list in JSON or Python. Several rows may
    describe one song. FMA's tracks.csv is accepted too; its genre numbers need FMA's genres.csv beside it.

    Parameters
    ----------
    path : Path
    paths : iterable of str
        All files of the library, relative to the root folder, with `/`.

    Raises
    ------
    LibraryError
        If the file does not exist or cannot be read, names no genre, or has no column that identifies songs.
    """
    table = GenreTable(paths)
    try:
        genre_names = _read_genre_names(path.with_name("genres.csv"))
        with path.open(encoding=_encoding(path), errors=_CP1252_FALLBACK, newline="") as file:
            for row in _rows(file, path, genre_names):
                table.add(row)
    except FileNotFoundError:
        raise LibraryError(f"There is no {path}: choose auto, tags, folder or a CSV of genres.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LibraryError(f"{path} cannot be read ({reason}): name a CSV of genres.") from error
    except csv.Error as error:
        raise LibraryError(f"{path} is not a CSV table ({error}): save it as CSV in UTF-8.") from error
    if not table.close():
        raise LibraryError(f"{path} gives no song a genre: fill its genre column, or use another table.")
    return table


class GenreTable:
    """Genres of songs, found by file, by track id, or by artist and title.

    Parameters
    ----------
    paths : iterable of str
        All files of the library. If several files in different folders have the same name, rows are not
        matched by that name.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._files = {_folded_path(path) for path in paths}
        self._names = Counter(map(_name, self._files))
        self._stems = Counter(_stem(_name(path)) for path in self._files)
        self._songs: dict[tuple[str, ...], dict[str, None]] = {}
        # For each key that identifies a song: the genres of all songs of the table with this key.
        self._candidates: dict[tuple[str, ...], list[dict[str, None]]] = {}
        # The keys whose candidates have equal genres.
        self._genres: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, row: Row) -> None:
        """Add a row; its genres join those of earlier rows about the same song."""
        path, title, artist = _folded_path(row.path), _folded(row.title), _folded(row.artist)
        if path:
            identity = ("path", path)
        else:
            identity = ("track", row.track_id) if row.track_id else ("texts", artist, title)
        if not row.genres or not any(identity[1:]):
            return
        genres = self._songs.setdefault(identity, {})
        genres.update(dict.fromkeys(row.genres))
        for key in self._row_keys(row, path, title, artist):
            candidates = self._candidates.setdefault(key, [])
            if not candidates or candidates[-1] is not genres:
                candidates.append(genres)

    def _row_keys(self, row: Row, path: str, title: str, artist: str) -> Iterator[tuple[str, ...]]:
        """Yield the keys that identify a row's song."""
        if path:
            yield "path", path
            yield from (("ending", ending) for ending in _endings(path)[1:] if ending in self._files)
            yield "name", _name(path)
            yield "path without extension", _stem(path)
            yield "stem", _stem(_name(path))
        if row.track_id:
            yield "track id", _number(row.track_id)
        if title:
            yield "title", title
            for name in {artist, *map(_folded, _parse_list(row.artist) or artist.split(";"))} - {""}:
                yield "artist and title", name, title
            if not artist:
                yield "title alone", title

    def close(self) -> int:
        """Finish adding: keep the keys whose rows agree, and return the number of songs in the table."""
        self._genres = {
            key: tuple(candidates[0])
            for key, candidates in self._candidates.items()
            if all(genres == candidates[0] for genres in candidates)
        }
        self._candidates = {}
        return len(self._songs)

    def find(self, path: bytes, tags: Tags) -> tuple[str, ...]:
        """Return a file's genres, or an empty tuple if no row certainly describes it."""
        matches = (self._genres.get(key) for key in self._file_keys(path, tags))
        return next(filter(None, matches), ())

    def _file_keys(self, path: bytes, tags: Tags) -> Iterator[tuple[str, ...]]:
        """Yield the keys under which a file may be listed, most certain first."""
        text = _folded_path(path.decode("utf-8", "replace"))
        name, stem = _name(text), _stem(text)
        yield "path", text
        # Tables that this program exports hold a URI if the file name contains a line break.
        yield "path", _folded_path(quote_from_bytes(path))
        yield "ending", text
        yield from (("path", ending) for ending in _endings(text)[1:])
        if self._names[name] <= 1:
            yield "name", name
        yield from (("path without extension", ending) for ending in _endings(stem))
        yield "track id", _number(_name(stem))
        if self._stems[_name(stem)] <= 1:
            yield "stem", _name(stem)
        title = _folded(tags.title)
        for artist in (", ".join(tags.artists), *tags.artists):
            yield "artist and title", _folded(artist), title
        yield "title alone" if tags.artists else "title", title


def _rows(file: TextIO, path: Path, genre_names: dict[int, str]) -> Iterator[Row]:
    # Some cells of FMA's table hold whole articles.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_LENGTH))
    rows = csv.reader(file, delimiter=_delimiter(file))
    header = next(filter(any, rows), None)
    if header is None:
        raise LibraryError(f"{path} is empty: a table of genres needs a header and one row per song.")
    columns = _fma_columns(header, rows) if "track" in header and not header[0] else None
    columns = columns or _columns(header, path)
    for row in rows:
        *texts, genre_cells = ([_unescape(row[at]) for at in kind if at < len(row)] for kind in columns)
        listed = (genre for cell in genre_cells for genre in _parse_genres(cell))
        genres = (genre_names.get(genre, "") if isinstance(genre, int) else genre for genre in listed)
        yield Row(*(text[0] if text else "" for text in texts), tuple(filter(None, genres)))


def _unescape(text: str) -> str:
    """Remove the apostrophe that this program's exports put before text that a spreadsheet would compute."""
    return text[1:] if text.startswith(_ESCAPED_FORMULAS) else text


def _columns(header: list[str], path: Path) -> list[list[int]]:
    """Return the column numbers of path, track id, title, artist and genres, one list for each."""
    names = [name.strip().casefold().replace("(s)", "s").replace(" ", "_") for name in header]
    columns = {
        kind: [names.index(name) for name in accepted if name in names] for kind, accepted in COLUMNS.items()
    }
    shown = ", ".join(name[:40] for name in header[:_MAX_COLUMNS_SHOWN]) + ", …" * (
        len(header) > _MAX_COLUMNS_SHOWN
    )
    genres = columns["genre"] or columns["other genre"]
    if not genres:
        raise LibraryError(f"{path} has no column called genre, but {shown}: rename the column of genres.")
    if not (columns["path"] or columns["track_id"] or columns["title"]):
        raise LibraryError(f"{path} has no column called path or title, but {shown}: add such a column.")
    return [*(columns[kind][:1] for kind in ("path", "track_id", "title", "artist")), genres]


def _fma_columns(groups: list[str], rows: Iterator[list[str]]) -> list[list[int]] | None:
    """Return the column numbers of FMA's tracks.csv like `_columns`, or None for another table.

    Its header has three rows: groups of columns, names of columns, and the name of the first column.
    """
    names, index_name = next(rows, []), next(rows, [])
    if index_name[:1] != ["track_id"]:
        return None
    at = {pair: [column] for column, pair in enumerate(zip(groups, names, strict=False))}
    texts = (at.get(pair, []) for pair in (("track", "title"), ("artist", "name")))
    return [[], [0], *texts, [*at.get(("track", "genre_top"), []), *at.get(("track", "genres"), [])]]


def _read_genre_names(path: Path) -> dict[int, str]:
    """Read the name of each genre number from FMA's genres.csv, if it exists."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        if not {"genre_id", "title"} <= set(rows.fieldnames or ()):
            return {}
        return {
            int(row["genre_id"]): row["title"] or "" for row in rows if (row["genre_id"] or "").isdecimal()
        }


def _decode_cp1252(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not valid UTF-8 as Windows-1252, in which many spreadsheets save CSV."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_CP1252_FALLBACK, _decode_cp1252)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _delimiter(file: TextIO) -> str:
    """Return the delimiter that splits the header into the most cells, and rewind the file."""
    line = next((line for line in file if line.strip()), "")
    file.seek(0)
    return max(_DELIMITERS, key=lambda sign: sum(map(len, csv.reader([line], delimiter=sign))))


@lru_cache(_MAX_CACHED_CELLS)
def _parse_genres(cell: str) -> tuple[str | int, ...]:
    """Return the genres in a cell: names, or the numbers of a list."""
    listed = _parse_list(cell)
    if listed and all(item.isdecimal() for item in listed):
        return tuple(map(int, listed))
    parts = _SEPARATORS.split(cell) if listed is None else listed
    texts = (" ".join(text.split())[:_MAX_GENRE_LENGTH] for text in parts)
    return tuple(dict.fromkeys(filter(None, texts)))


def _parse_list(cell: str) -> list[str] | None:
    """Return the items of a list in JSON or Python syntax, or None if the cell holds no list."""
    if not cell.lstrip().startswith("["):
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            items = parse(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        values = (_name_in(item) if isinstance(item, dict) else item for item in items)
        return [str(value) for value in values if isinstance(value, str | int)]
    return None


def _name_in(item: dict) -> object:
    return next((item[key] for key in _NAME_KEYS if key in item), None)


def _folded(text: str) -> str:
    """Return a text without differences of case, white space and Unicode composition."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _folded_path(text: str) -> str:
    """Return a path from any operating system in one spelling: `./B/x.MP3` becomes `b/x.mp3`."""
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"), errors="replace")
    text = unicodedata.normalize("NFC", text.strip()).casefold().replace("\\", "/")
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def _endings(path: str) -> list[str]:
    """Return a path and its endings without the first folder, the first two folders, and so on."""
    parts = path.split("/")
    return ["/".join(parts[first:]) for first in range(len(parts))]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    """Return a path without an audio file's extension."""
    start, dot, extension = path.rpartition(".")
    return start if f"{dot}{extension}" in AUDIO_EXTENSIONS else path


def _number(stem: str) -> str:
    """Return a track id without leading zeros: FMA's track 2 is the file 000002.mp3."""
    text = stem.strip().casefold()
    return str(int(text)) if text.isdecimal() and len(text) <= _MAX_NUMBER_LENGTH else text
