"""Tables that say which genres songs have: anybody's CSV, or FMA's tracks.csv.

A row is found by its song's file, else by artist and title. Where rows that might be a song's disagree, none
is taken: no genre is better than a wrong one.
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
"""What columns may be called, whatever their case; labels and styles count where nothing else is a genre."""

_AS_WINDOWS = "explorer.as_windows_wrote"
_MOST_CELL_CHARACTERS = 16_000_000
_MOST_GENRE_CHARACTERS = 1_000
_MOST_REMEMBERED = 50_000
_MOST_SHOWN = 12
_DELIMITERS = ",;\t|"
_SEPARATORS = re.compile(r"[;|]")
_GUARDED = ("'=", "'+", "'-", "'@")
_NAMES_IN_A_LIST = ("genre_title", "title", "name", "genre")


class Row(NamedTuple):
    """What a table says of one song."""

    path: str
    track_id: str
    title: str
    artist: str
    genres: tuple[str, ...]


def read_genre_table(path: Path, *, paths: Iterable[str]) -> GenreTable:
    """Read a table with a header, in UTF-8, UTF-16 or Windows' code page.

    Comma, semicolon, tab or `|` part its cells.
    `COLUMNS` lists the columns that are understood. A cell may hold several genres, parted by `;` or `|`
    or as a list in JSON or Python, and several rows may speak of one song. FMA's tracks.csv is understood
    as it is, and the numbers of genres where its genres.csv lies beside it.

    Parameters
    ----------
    path : Path
    paths : iterable of str
        All the library's files, relative to its folder, with `/`.

    Raises
    ------
    LibraryError
        If there is no such file, it holds no genre, or nothing that tells whose it is.
    """
    table = GenreTable(paths)
    try:
        names = _genre_numbers(path.with_name("genres.csv"))
        with path.open(encoding=_encoding(path), errors=_AS_WINDOWS, newline="") as file:
            for row in _rows(file, path, names):
                table.add(row)
    except FileNotFoundError:
        raise LibraryError(f"There is no {path}: choose auto, tags, folder, or a CSV of genres.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise LibraryError(f"{path} cannot be read ({reason}): name a CSV of genres.") from error
    except csv.Error as error:
        raise LibraryError(f"{path} is no table ({error}): save it as CSV in UTF-8.") from error
    if not table.close():
        raise LibraryError(f"{path} names no song's genre: fill its column of genres, or take another table.")
    return table


class GenreTable:
    """Genres by file, by track id, and by artist and title.

    Parameters
    ----------
    paths : iterable of str
        All the library's files: a name that several of them have in different folders tells nothing.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._files = {_folded_path(path) for path in paths}
        self._names = Counter(map(_name, self._files))
        self._stems = Counter(_stem(_name(path)) for path in self._files)
        self._songs: dict[tuple[str, ...], dict[str, None]] = {}
        # By each thing that a song may be known by. Several rows may share it: it counts only if they agree.
        self._claims: dict[tuple[str, ...], list[dict[str, None]]] = {}
        self._agreed: dict[tuple[str, ...], tuple[str, ...]] = {}

    def add(self, row: Row) -> None:
        """Take in a row; what it says of a song joins what earlier ones said of it."""
        path, title, artist = _folded_path(row.path), _folded(row.title), _folded(row.artist)
        if path:
            identity = ("path", path)
        else:
            identity = ("track", row.track_id) if row.track_id else ("texts", artist, title)
        if not row.genres or not any(identity[1:]):
            return
        song = self._songs.setdefault(identity, {})
        song.update(dict.fromkeys(row.genres))
        for key in self._keys(row, path, title, artist):
            claims = self._claims.setdefault(key, [])
            if not claims or claims[-1] is not song:
                claims.append(song)

    def _keys(self, row: Row, path: str, title: str, artist: str) -> Iterator[tuple[str, ...]]:
        """Yield what a row's song may be known by."""
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
            for one in {artist, *map(_folded, _listed(row.artist) or artist.split(";"))} - {""}:
                yield "artist and title", one, title
            if not artist:
                yield "title alone", title

    def close(self) -> int:
        """Settle what rows agree upon, and return how many songs the table knows."""
        agreed = ((key, songs) for key, songs in self._claims.items() if all(s == songs[0] for s in songs))
        self._agreed = {key: tuple(songs[0]) for key, songs in agreed}
        self._claims = {}
        return len(self._songs)

    def find(self, path: bytes, tags: Tags) -> tuple[str, ...]:
        """Return a file's genres, or nothing where no row is surely its own."""
        found = (self._agreed.get(key) for key in self._possible_keys(path, tags))
        return next(filter(None, found), ())

    def _possible_keys(self, path: bytes, tags: Tags) -> Iterator[tuple[str, ...]]:
        """Yield what a file may be known by, the surest first."""
        text = _folded_path(path.decode("utf-8", "replace"))
        name, stem = _name(text), _stem(text)
        yield "path", text
        # A name that no line can hold is a URI in this program's tables.
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
    # FMA's albums bring whole articles along.
    csv.field_size_limit(max(csv.field_size_limit(), _MOST_CELL_CHARACTERS))
    rows = csv.reader(file, delimiter=_delimiter(file))
    header = next(filter(any, rows), None)
    if header is None:
        raise LibraryError(f"{path} is empty: a table of genres has a header and a row a song.")
    columns = _columns_of_fma(header, rows) if "track" in header and not header[0] else None
    columns = columns or _columns(header, path)
    for row in rows:
        *texts, genres = ([_cell(row[at]) for at in kind if at < len(row)] for kind in columns)
        listed = (genre for cell in genres for genre in _genres(cell))
        found = (genre_names.get(genre, "") if isinstance(genre, int) else genre for genre in listed)
        yield Row(*(text[0] if text else "" for text in texts), tuple(filter(None, found)))


def _cell(text: str) -> str:
    # Tables of this program have an apostrophe before what a spreadsheet would compute.
    return text[1:] if text.startswith(_GUARDED) else text


def _columns(header: list[str], path: Path) -> list[list[int]]:
    """Return where path, track id, title, artist and genres are."""
    names = [name.strip().casefold().replace("(s)", "s").replace(" ", "_") for name in header]
    found = {kind: [names.index(name) for name in known if name in names] for kind, known in COLUMNS.items()}
    shown = ", ".join(name[:40] for name in header[:_MOST_SHOWN]) + ", …" * (len(header) > _MOST_SHOWN)
    genres = found["genre"] or found["other genre"]
    if not genres:
        raise LibraryError(f"{path} has no column called genre, but {shown}: rename the one that names them.")
    if not (found["path"] or found["track_id"] or found["title"]):
        raise LibraryError(f"{path} tells no song by its path or title, but has {shown}: add such a column.")
    return [*(found[kind][:1] for kind in ("path", "track_id", "title", "artist")), genres]


def _columns_of_fma(groups: list[str], rows: Iterator[list[str]]) -> list[list[int]] | None:
    """Read the rest of what heads FMA's tracks.csv: groups, names, and what the rows are numbered by."""
    names, numbered = next(rows, []), next(rows, [])
    if numbered[:1] != ["track_id"]:
        return None
    at = {pair: [column] for column, pair in enumerate(zip(groups, names, strict=False))}
    texts = (at.get(pair, []) for pair in (("track", "title"), ("artist", "name")))
    return [[], [0], *texts, [*at.get(("track", "genre_top"), []), *at.get(("track", "genres"), [])]]


def _genre_numbers(path: Path) -> dict[int, str]:
    """Read FMA's genres.csv: what the numbers of its genres stand for."""
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = csv.DictReader(file)
        if not {"genre_id", "title"} <= set(rows.fieldnames or ()):
            return {}
        return {
            int(row["genre_id"]): row["title"] or "" for row in rows if (row["genre_id"] or "").isdecimal()
        }


def _as_windows_wrote(error: UnicodeError) -> tuple[str, int]:
    """Read bytes that are no UTF-8 by themselves: spreadsheets save CSV in Windows' code page."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_AS_WINDOWS, _as_windows_wrote)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-16" if file.read(2) in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"


def _delimiter(file: TextIO) -> str:
    """Return what parts the header into the most cells; the file is read from its beginning afterwards."""
    line = next((line for line in file if line.strip()), "")
    file.seek(0)
    return max(_DELIMITERS, key=lambda sign: sum(map(len, csv.reader([line], delimiter=sign))))


@lru_cache(_MOST_REMEMBERED)
def _genres(cell: str) -> tuple[str | int, ...]:
    """Read the genres in a cell; those of a list may be numbers."""
    listed = _listed(cell)
    if listed and all(item.isdecimal() for item in listed):
        return tuple(map(int, listed))
    parts = _SEPARATORS.split(cell) if listed is None else listed
    texts = (" ".join(text.split())[:_MOST_GENRE_CHARACTERS] for text in parts)
    return tuple(dict.fromkeys(filter(None, texts)))


def _listed(cell: str) -> list[str] | None:
    """Read a list as JSON or Python write it, or return None."""
    if not cell.lstrip().startswith("["):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            items = read(cell)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        named = (_called(item) if isinstance(item, dict) else item for item in items)
        return [str(item) for item in named if isinstance(item, str | int)]
    return None


def _called(item: dict) -> object:
    return next((item[key] for key in _NAMES_IN_A_LIST if key in item), None)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _folded_path(text: str) -> str:
    """Return a path as files are told apart by it, whatever system wrote it: `./B/x.MP3` is `b/x.mp3`."""
    if text.startswith("file://"):
        text = unquote(text.removeprefix("file://"), errors="replace")
    text = unicodedata.normalize("NFC", text.strip()).casefold().replace("\\", "/")
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def _endings(path: str) -> list[str]:
    """Return a path as seen from each folder on its way, itself first."""
    parts = path.split("/")
    return ["/".join(parts[first:]) for first in range(len(parts))]


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(path: str) -> str:
    start, dot, extension = path.rpartition(".")
    return start if f"{dot}{extension}" in AUDIO_EXTENSIONS else path


def _number(stem: str) -> str:
    """Return what a track is numbered by: FMA's 2 is the file 000002.mp3."""
    text = stem.strip().casefold()
    return str(int(text)) if text.isdecimal() and len(text) < _MOST_SHOWN else text
