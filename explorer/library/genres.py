"""Where songs' genres come from: their tags, the folders they lie in, or a table.

Three of the kinds are judged by the names of folders alone, so nothing is read for them; a table is read
once, by `explorer.library.genre_tables`.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from explorer.library.genre_tables import read_genre_table
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.scanning import AUDIO_EXTENSIONS
from explorer.util.text import distinct

KINDS = ("auto", "tags", "folder")
"""What may be chosen beside a table."""

_Finder = Callable[[ScannedFile, Tags], tuple[str, ...]]

DROPPED = "Dropped songs"
"""The folder, inside the first folder of music, of the songs that the page copies into the library."""

_MOSTLY = 0.9
_SEPARATORS = re.compile(r"[\s_.,-]+")
_NUMBERS = re.compile(r"(?=.*\d)[0-9a-f]+|[0-9a-f]{8,}", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"\s*\d+$")
_GENERIC = frozenset(
    """album albums all archive artist artists audio cd clip clips collection copy data dataset demo demos
    disc disk download downloads file files folder fold full genre genres genres_original incoming
    itunes library media misc miscellaneous mix music musica musik musique my_music new new_folder
    original other others part playlist playlists preview previews recording recordings sample
    samples set side single singles song songs sound sounds temp test tmp track tracks train unknown
    unknown_album unknown_artist unknown_genre unsorted untagged untitled untitled_folder va val
    valid validation various various_artists vol volume""".split()
)


class GenreSource:
    """Tells the genres of one song after another; threads may share it.

    Attributes
    ----------
    choice : str
        `auto`, `tags`, `folder`, or the path of a table.
    known, unknown : int
        How many songs it was asked for and knew, and knew nothing of: these have their tags' genres, if any.
    """

    def __init__(self, choice: str, find: _Finder) -> None:
        self.choice = choice
        self.known = self.unknown = 0
        self._find = find
        self._lock = threading.Lock()

    def genres(self, file: ScannedFile, tags: Tags) -> tuple[str, ...]:
        """Return a song's genres, the one it is coloured by first.

        Parameters
        ----------
        file : ScannedFile
            Its path is relative to the folder that the source was opened for.
        tags : Tags

        Returns
        -------
        tuple of str
            Each once, whatever its case.
        """
        found = distinct(self._find(file, tags))
        with self._lock:
            self.known += bool(found)
            self.unknown += not found
        return found or distinct(tags.genres)


def open_genre_source(choice: str, *, paths: Iterable[bytes]) -> GenreSource:
    """Open what songs' genres are to be taken from.

    Parameters
    ----------
    choice : str
        `tags`: what the files say. `folder`: the name of the first folder at which the paths part, so that
        both `genres_original/blues/x.wav` and `Rock/Artist/Album/x.mp3` are understood. `auto`: the tags;
        for files that name neither a genre nor an artist, the folder that they lie right in, where it can
        be a genre's name and all is laid out so. Anything else is a table's path: see `read_genre_table`.
    paths : iterable of bytes
        All the files' paths relative to the folder of music, as `os.fsencode` gives them, with `/`: how they
        are laid out is judged by them.

    Raises
    ------
    LibraryError
        If there is no such table, or it does not say which genre which song has.
    """
    if choice == "tags":
        return GenreSource(choice, lambda _, tags: tags.genres)
    if choice == "folder":
        layout = Layout(paths)
        return GenreSource(choice, lambda file, _: _named(layout.folder(file.text)))
    if choice == "auto":
        layout = Layout(paths)
        return GenreSource(choice, lambda file, tags: _by_tags_or_folder(layout, file, tags))
    table = read_genre_table(Path(choice), paths=[path.decode("utf-8", "replace") for path in paths])
    return GenreSource(choice, lambda file, tags: table.find(file.path, tags))


class Layout:
    """How files lie in folders.

    Parameters
    ----------
    paths : iterable of bytes
        Relative to the folder of music. Songs that were dropped onto the page do not count, nor those
        that lie in no folder.
    """

    def __init__(self, paths: Iterable[bytes]) -> None:
        folders = [found for path in paths if (found := _folders(path.decode("utf-8", "replace")))]
        self._level = _level_of_parting(folders)
        depths = Counter(map(len, folders))
        right = 0 if self._level is None else depths[self._level + 1]
        self._is_flat = right >= _MOSTLY * max(len(folders), 1)

    def folder(self, path: str) -> str:
        """Return the folder that parts a file from others, "" where none does.

        Where all lie in one folder it is that one. A file above where the others part has none: what holds
        all genres is none itself.
        """
        folders = _folders(path)
        if self._level is None:
            return folders[-1] if folders else ""
        return folders[self._level] if len(folders) > self._level else ""

    def plausible_folder(self, path: str) -> str:
        """Return the folder that a file lies right in, "" where it is not likely to be a genre's.

        It is not where the songs lie in other depths, where there is but one folder, or where its name is
        a number, a date or a word for any music.
        """
        folders = _folders(path)
        if self._level is None or not self._is_flat or len(folders) != self._level + 1:
            return ""
        return folders[-1] if is_plausible(folders[-1]) else ""


def is_plausible(folder: str) -> bool:
    """Tell whether a folder's name may be a genre's: neither a number nor a word for any music."""
    parts = _SEPARATORS.sub("", folder)
    if len(parts) < 2 or _NUMBERS.fullmatch(parts) or not re.search(r"[^\W\d_]", parts):
        return False
    words = _NUMBER_AT_END.sub("", " ".join(_SEPARATORS.split(folder)).casefold()).strip()
    return words.replace(" ", "_") not in _GENERIC and f".{words}" not in AUDIO_EXTENSIONS


def _folders(path: str) -> list[str]:
    folders = path.split("/")[:-1]
    return [] if folders[:1] == [DROPPED] else folders


def _level_of_parting(folders: list[list[str]]) -> int | None:
    """Return the first depth at which there is more than one folder, None where there is none."""
    for level in range(max(map(len, folders), default=0)):
        if len({names[level] for names in folders if len(names) > level}) > 1:
            return level
    return None


def _by_tags_or_folder(layout: Layout, file: ScannedFile, tags: Tags) -> tuple[str, ...]:
    if tags.genres or tags.artists:
        return tags.genres
    return _named(layout.plausible_folder(file.text))


def _named(folder: str) -> tuple[str, ...]:
    """Return a folder's name as a genre."""
    name = " ".join(folder.replace("_", " ").split())
    return (name,) if name else ()
