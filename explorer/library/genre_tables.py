"""Reads tables that list the genres of songs: any CSV with a header, or FMA's tracks.csv.

A row is matched to a song by the path of the song's file, or else by artist and title. If several rows may
describe a song and their genres differ, the song gets no genres from the table: a missing genre is better
than a wrong genre.
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
from explorer.util.spreadsheets import unescape_formula

COLUMNS = {
    "path": ("path", "file", "filename", "file_name", "filepath", "file_path"),
    "track_id": ("track_id",),
    "title": ("title", "name", "track", "song", "track_title", "track_name", "song_title", "song_name"),
    "artist": ("artist", "artists", "artist_name", "artist_names"),
    "genre": ("genre_top", "genre", "genres", "track_genre", "track_genres"),
    "other genre": ("style", "styles", "label"),
}
"""Accepted column names, in any case. "other genre" is used only if the table has no column of "genre"."""

_CP1252_FALLBACK = "explorer.cp1252_fallback"
"""The name of our codec error handler: it decodes bytes that are not valid UTF-8 as Windows-1252."""

_MAX_CELL_LENGTH = 16_000_000
_MAX_GENRE_LENGTH = 1_000
_MAX_CACHED_CELLS = 50_000
_MAX_COLUMNS_SHOWN = 12
_MAX_NUMBER_LENGTH = 11
_DELIMITERS = ",;\t|"
_SEPARATORS = re.compile(r"[;|]")
_GENRE_NAME_KEYS = ("genre_title", "title", "name", "genre")


class Row(NamedTuple):
    """The values of one row of a table; an empty string for a column that the table lacks."""

    path: str
    track_id: str
    title: str
    artist: str
    genres: tuple[str, ...]


def read_genre_table(path: Path, *, paths: Iterable[str]) -> GenreTable:
    """Read a table with a header, in UTF-8, UTF-16 or Windows-1252.

    Commas, semicolons, tabs or `|` separate its cells. `COLUMNS` lists the accepted column names. A cell may
    contain several genres: separated by `;` or `|`, or as a list in JSON or Python syntax. Several rows may
    describe one song. FMA's tracks.csv is accepted too. Its genre numbers get their names from FMA's
    genres.csv, which must be in the same folder.

    Parameters
    ----------
    path : Path
    paths : iterable of str
        The path of each file of the library, relative to the root folder, with `/`.

    Raises
    ------
    LibraryError
        If the file does not exist, cannot be read, contains no genre, or has no column that identifies songs.
    """
    table = GenreTable(paths)
    try:
        genre_names = _read_genre_names(path.with_name("genres.csv"))
        with path.open(encoding=_encoding(path), errors=_CP1252_FALLBACK, newline="") as file:
            for row in _rows(file, path, genre_names):
                table.add(row)
    except FileNotFoundError:
        raise LibraryError(
            f"There is no file {path}: choose auto, tags, folder or a CSV file of genres."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LibraryError(f"{path} cannot be read ({reason}): choose a CSV file of genres.") from error
    except csv.Error as error:
        raise LibraryError(f"{path} is not a CSV table ({error}): save the table as CSV in UTF-8.") from error
    if not table.finish():
        raise LibraryError(f"{path} gives no song a genre: fill in its genre column, or use another table.")
    return table


class GenreTable:
    """The genres of songs. A song is found by its path, by its track id, or by artist and title.

    Parameters
    ----------
    paths : iterable of str
        The paths of all files of the library. If several files have the same name, that name alone does not
        match a row.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._files = {_normalised_path(path) for path in paths}
        self._names = Counter(map(_file_name, self._files))
        self._stems = Counter(_without_extension(_file_name(path)) for path in self._files)
        self._songs: dict[tuple[str, ...], dict[str, None]] = {}
        # For each key that may identify a song: the genres of each song in the table that has this key.
        self._genres_of_candidates: dict[tuple[str, ...], list[dict[str, None]]] = {}
        # The genres of each key whose songs all have the same genres.
        self._genres: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, row: Row) -> None:
        """Add the genres of a row to the genres of earlier rows about the same song."""
        path, title, artist = _normalised_path(row.path), _normalised(row.title), _normalised(row.artist)
        if path:
            identity = ("path", path)
        else:
            identity = ("track", row.track_id) if row.track_id else ("texts", artist, title)
        if not row.genres or not any(identity[1:]):
            return
        genres = self._songs.setdefault(identity, {})
        genres.update(dict.fromkeys(row.genres))
        for key in self._row_keys(row, path, title, artist):
            candidates = self._genres_of_candidates.setdefault(key, [])
            if not candidates or candidates[-1] is not genres:
                candidates.append(genres)

    def _row_keys(self, row: Row, path: str, title: str, artist: str) -> Iterator[tuple[str, ...]]:
        """Yield the keys under which the song of a row can be found."""
        if path:
            yield "path", path
            yield from (("ending", ending) for ending in _path_endings(path)[1:] if ending in self._files)
            yield "name", _file_name(path)
            yield "path without extension", _without_extension(path)
            yield "stem", _without_extension(_file_name(path))
        if row.track_id:
            yield "track id", _normalised_track_id(row.track_id)
        if title:
            yield "title", title
            for name in {artist, *map(_normalised, _parse_list(row.artist) or artist.split(";"))} - {""}:
                yield "artist and title", name, title
            if not artist:
                yield "title alone", title

    def finish(self) -> int:
        """Prepare the table for `find` after the last row: drop the keys whose songs have different genres.

        Returns
        -------
        int
            The number of songs in the table.
        """
        self._genres = {
            key: tuple(candidates[0])
            for key, candidates in self._genres_of_candidates.items()
            if all(genres == candidates[0] for genres in candidates)
        }
        self._genres_of_candidates = {}
        return len(self._songs)

    def find(self, path: bytes, tags: Tags) -> tuple[str, ...]:
        """Return the genres of a file, or an empty tuple if no row matches it without doubt."""
        matches = (self._genres.get(key) for key in self._file_keys(path, tags))
        return next(filter(None, matches), ())

    def _file_keys(self, path: bytes, tags: Tags) -> Iterator[tuple[str, ...]]:
        """Yield the keys under which a file may be in the table, the most reliable key first."""
        text = _normalised_path(path.decode("utf-8", "replace"))
        name, stem = _file_name(text), _without_extension(text)
        yield "path", text
        # A table that this program exported contains a URI instead of a path with a line break.
        yield "path", _normalised_path(quote_from_bytes(path))
        yield "ending", text
        yield from (("path", ending) for ending in _path_endings(text)[1:])
        if self._names[name] <= 1:
            yield "name", name
        yield from (("path without extension", ending) for ending in _path_endings(stem))
        yield "track id", _normalised_track_id(_file_name(stem))
        if self._stems[_file_name(stem)] <= 1:
            yield "stem", _file_name(stem)
        title = _normalised(tags.title)
        for artist in (", ".join(tags.artists), *tags.artists):
            yield "artist and title", _normalised(artist), title
        yield "title alone" if tags.artists else "title", title


def _rows(file: TextIO, path: Path, genre_names: dict[int, str]) -> Iterator[Row]:
    # Some cells of FMA's table contain long texts, beyond the default limit of the csv module.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_CELL_LENGTH))
    rows = csv.reader(file, delimiter=_delimiter(file))
    header = next(filter(any, rows), None)
    if header is None:
        raise LibraryError(f"{path} is empty: a table of genres needs a header and one row per song.")
    columns = _fma_columns(header, rows) if "track" in header and not header[0] else None
    columns = columns or _column_numbers(header, path)
    for row in rows:
        *texts, genre_cells = (
            [unescape_formula(row[i]) for i in numbers if i < len(row)] for numbers in columns
        )
        listed = (genre for cell in genre_cells for genre in _parse_genres(cell))
        genres = (genre_names.get(genre, "") if isinstance(genre, int) else genre for genre in listed)
        yield Row(*(text[0] if text else "" for text in texts), tuple(filter(None, genres)))


def _column_numbers(header: list[str], path: Path) -> list[list[int]]:
    """Return five lists of column numbers: for path, track id, title, artist and genres."""
    names = [name.strip().casefold().replace("(s)", "s").replace(" ", "_") for name in header]
    columns = {
        kind: [names.index(name) for name in accepted if name in names] for kind, accepted in COLUMNS.items()
    }
    shown = ", ".join(name[:40] for name in header[:_MAX_COLUMNS_SHOWN]) + ", …" * (
        len(header) > _MAX_COLUMNS_SHOWN
    )
    genres = columns["genre"] or columns["other genre"]
    if not genres:
        raise LibraryError(f"{path} has no column called genre, only {shown}: rename the column of genres.")
    if not (columns["path"] or columns["track_id"] or columns["title"]):
        raise LibraryError(f"{path} has no column called path or title, only {shown}: add one of them.")
    return [*(columns[kind][:1] for kind in ("path", "track_id", "title", "artist")), genres]


def _fma_columns(groups: list[str], rows: Iterator[list[str]]) -> list[list[int]] | None:
    """Return the column numbers of FMA's tracks.csv like `_column_numbers`, or None for another table.

    Its header has three rows: the group of each column, the name of each column, and the first column's name.
    """
    names, index_name = next(rows, []), next(rows, [])
    if index_name[:1] != ["track_id"]:
        return None
    at = {pair: [column] for column, pair in enumerate(zip(groups, names, strict=False))}
    texts = (at.get(pair, []) for pair in (("track", "title"), ("artist", "name")))
    genres = [*at.get(("track", "genre_top"), []), *at.get(("track", "genres"), [])]
    return [[], [0], *texts, genres]


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
    """Decode bytes that are not valid UTF-8 as Windows-1252, in which many spreadsheets save CSV files."""
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
    return max(_DELIMITERS, key=lambda delimiter: sum(map(len, csv.reader([line], delimiter=delimiter))))


@lru_cache(_MAX_CACHED_CELLS)
def _parse_genres(cell: str) -> tuple[str | int, ...]:
    """Return the genres in a cell: names, or numbers if the cell is a list of numbers (FMA)."""
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
        values = (_genre_name_in(item) if isinstance(item, dict) else item for item in items)
        return [str(value) for value in values if isinstance(value, str | int)]
    return None


def _genre_name_in(item: dict) -> object:
    return next((item[key] for key in _GENRE_NAME_KEYS if key in item), None)


def _normalised(text: str) -> str:
    """Return a text in lower case, with single spaces and composed Unicode characters, for comparisons."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _normalised_path(text: str) -> str:
    """Return a path of any operating system in one form, for comparisons: `./B/x.MP3` becomes `b/x.mp3`."""
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"), errors="replace")
    text = unicodedata.normalize("NFC", text.strip()).casefold().replace("\\", "/")
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def _path_endings(path: str) -> list[str]:
    """Return a path, the path without its first folder, without its first two folders, and so on."""
    parts = path.split("/")
    return ["/".join(parts[first:]) for first in range(len(parts))]


def _file_name(path: str) -> str:
    return path.rpartition("/")[2]


def _without_extension(path: str) -> str:
    """Return a path without its extension, if that is the extension of an audio file."""
    start, dot, extension = path.rpartition(".")
    return start if f"{dot}{extension}" in AUDIO_EXTENSIONS else path


def _normalised_track_id(stem: str) -> str:
    """Return a track id without leading zeros: FMA's track 2 is the file 000002.mp3."""
    text = stem.strip().casefold()
    return str(int(text)) if text.isdecimal() and len(text) <= _MAX_NUMBER_LENGTH else text
