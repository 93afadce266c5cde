"""Finds the genres of songs: in their tags, in the names of their folders, or in a table.

A table is read once, by `explorer.library.genre_tables`. The other choices need only tags and paths.
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
from explorer.util.text import unique_ignoring_case

KINDS = ("auto", "tags", "folder")
"""The sources that are not a table."""

_Finder = Callable[[ScannedFile, Tags], tuple[str, ...]]

DROPPED_FOLDER = "Dropped songs"
"""The folder, inside the first root folder, for songs that users drop onto the page."""

_MIN_SHARE_AT_DEPTH = 0.9
"""`FolderLayout.genre_folder` needs at least this share of the files at the same depth: directly in a folder
of the first level at which the paths differ."""

_SEPARATORS = re.compile(r"[\s_.,-]+")
_NUMBER_OR_HASH = re.compile(r"(?=.*\d)[0-9a-f]+|[0-9a-f]{8,}", re.IGNORECASE)
_NUMBER_AT_END = re.compile(r"\s*\d+$")
_GENERAL_WORDS = frozenset(
    """album albums all archive artist artists audio cd clip clips collection copy data dataset demo demos
    disc disk download downloads file files folder fold full genre genres genres_original incoming
    itunes library media misc miscellaneous mix music musica musik musique my_music new new_folder
    original other others part playlist playlists preview previews recording recordings sample
    samples set side single singles song songs sound sounds temp test tmp track tracks train unknown
    unknown_album unknown_artist unknown_genre unsorted untagged untitled untitled_folder va val
    valid validation various various_artists vol volume""".split()
)


class GenreSource:
    """Finds the genres of one song at a time. Several threads may use one object.

    Attributes
    ----------
    choice : str
        `auto`, `tags`, `folder`, or the path of a table.
    known, unknown : int
        How many songs this source found genres for, and how many not. Songs of the second kind get the genres
        of their tags, if they have any.
    """

    def __init__(self, choice: str, find: _Finder) -> None:
        self.choice = choice
        self.known = self.unknown = 0
        self._find = find
        self._lock = threading.Lock()

    def genres(self, file: ScannedFile, tags: Tags) -> tuple[str, ...]:
        """Return the genres of a song. The first genre decides the colour of the song on the map.

        Parameters
        ----------
        file : ScannedFile
            Its path is relative to the same root folder as the `paths` of `open_genre_source`.
        tags : Tags

        Returns
        -------
        tuple of str
            If names differ only in case, only the first of them.
        """
        genres = unique_ignoring_case(self._find(file, tags))
        with self._lock:
            self.known += bool(genres)
            self.unknown += not genres
        return genres or unique_ignoring_case(tags.genres)


def open_genre_source(choice: str, *, paths: Iterable[bytes]) -> GenreSource:
    """Open a source of genres.

    Parameters
    ----------
    choice : str
        `tags`: the files' tags.

        `folder`: the name of the folder at the first level at which the paths differ. So the genre is
        `blues` in `genres_original/blues/x.wav`, if all paths begin with `genres_original`, and `Rock` in
        `Rock/Artist/Album/x.mp3`.

        `auto`: the tags. If the tags of a file name no genre and no artist, the name of the folder that
        directly contains the file, if the name can be a genre and nearly all files are in folders at that
        depth (see `FolderLayout.genre_folder`).

        Anything else is the path of a table: see `read_genre_table`.
    paths : iterable of bytes
        The paths of all files, relative to the root folder, as `os.fsencode` returns them, with `/`. They
        are needed to find the folders that are genres.

    Raises
    ------
    LibraryError
        If the table does not exist, cannot be read, contains no genre, or has no column that identifies
        songs.
    """
    if choice == "tags":
        return GenreSource(choice, lambda _, tags: tags.genres)
    if choice == "folder":
        layout = FolderLayout(paths)
        return GenreSource(choice, lambda file, _: _as_genre(layout.folder(file.text)))
    if choice == "auto":
        layout = FolderLayout(paths)
        return GenreSource(choice, lambda file, tags: _find_in_tags_or_folder(layout, file, tags))
    table = read_genre_table(Path(choice), paths=[path.decode("utf-8", "replace") for path in paths])
    return GenreSource(choice, lambda file, tags: table.find(file.path, tags))


class FolderLayout:
    """The folders of a library: at which depth their names may be genres.

    Parameters
    ----------
    paths : iterable of bytes
        Relative to the root folder. Files directly in the root, and songs that users dropped onto the page,
        are ignored.
    """

    def __init__(self, paths: Iterable[bytes]) -> None:
        folder_lists = [folders for path in paths if (folders := _folders(path.decode("utf-8", "replace")))]
        # The level of the folders that may be genres: the first level at which the paths differ.
        self._level = _first_different_level(folder_lists)
        depths = Counter(map(len, folder_lists))
        count_at_depth = 0 if self._level is None else depths[self._level + 1]
        self._has_one_depth = count_at_depth >= _MIN_SHARE_AT_DEPTH * max(len(folder_lists), 1)

    def folder(self, path: str) -> str:
        """Return the name of a file's folder at the first level at which the paths differ.

        If all files are in the same folder, return its name. Return "" for a file above that level, because
        its folder contains all genres.
        """
        folders = _folders(path)
        if self._level is None:
            return folders[-1] if folders else ""
        return folders[self._level] if len(folders) > self._level else ""

    def genre_folder(self, path: str) -> str:
        """Return the name of the folder that directly contains a file, or "" if it is probably not a genre.

        It is probably not a genre if the name is a number, a date or a general word such as "music", or if
        there is only one folder, or if this file or more than a tenth of all files are at another depth.
        """
        folders = _folders(path)
        if self._level is None or not self._has_one_depth or len(folders) != self._level + 1:
            return ""
        return folders[-1] if can_be_genre(folders[-1]) else ""


def can_be_genre(folder: str) -> bool:
    """Return whether the name of a folder can be a genre, because it is no number and no general word."""
    letters = _SEPARATORS.sub("", folder)
    if len(letters) < 2 or _NUMBER_OR_HASH.fullmatch(letters) or not re.search(r"[^\W\d_]", letters):
        return False
    words = _NUMBER_AT_END.sub("", " ".join(_SEPARATORS.split(folder)).casefold()).strip()
    return words.replace(" ", "_") not in _GENERAL_WORDS and f".{words}" not in AUDIO_EXTENSIONS


def _folders(path: str) -> list[str]:
    """Return the names of the folders in a path; an empty list for a song dropped onto the page."""
    folders = path.split("/")[:-1]
    return [] if folders[:1] == [DROPPED_FOLDER] else folders


def _first_different_level(folder_lists: list[list[str]]) -> int | None:
    """Return the first level that has more than one folder, or None. Levels start at 0."""
    for level in range(max(map(len, folder_lists), default=0)):
        if len({folders[level] for folders in folder_lists if len(folders) > level}) > 1:
            return level
    return None


def _find_in_tags_or_folder(layout: FolderLayout, file: ScannedFile, tags: Tags) -> tuple[str, ...]:
    if tags.genres or (tags.artists and not tags.artists_from_name):
        return tags.genres
    return _as_genre(layout.genre_folder(file.text))


def _as_genre(folder: str) -> tuple[str, ...]:
    """Return a tuple with the name of a folder as a genre, or an empty tuple for an empty name."""
    name = " ".join(folder.replace("_", " ").split())
    return (name,) if name else ()
