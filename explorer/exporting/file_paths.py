"""Writes the paths of songs' files in exports: relative to a folder, or absolute.

A relative path has a meaning only with the folder that it is relative to. Two folders of music may hold files
with the same relative path, so the paths of such songs are never relative to their own folders of music.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote_from_bytes

from explorer.database.records import absolute_path
from explorer.database.songs import PlaylistSong
from explorer.errors import LibraryError
from explorer.library.remote import RemotePath, as_root
from explorer.util.text import is_one_line, one_line

PATHS = ("relative", "absolute")


class FilePaths:
    """The paths of songs' files, as an export writes them.

    Parameters
    ----------
    songs : iterable of PlaylistSong
        The songs of the export.
    paths : {"relative", "absolute"}
    folder : Path, optional
        The folder of the exported file: relative paths begin there. By default they begin at the folder of
        music if all songs are in the same one; otherwise all paths are absolute.

    Raises
    ------
    LibraryError
        If `paths` is not one of these values.
    """

    def __init__(self, songs: Iterable[PlaylistSong], *, paths: str, folder: Path | None = None) -> None:
        if paths not in PATHS:
            raise LibraryError(f"paths={paths!r} is not valid: choose one of {', '.join(PATHS)}.")
        roots = {song.root for song in songs if song.root is not None}
        self._start = None if folder is None else os.path.realpath(folder)
        """The folder that relative paths begin at; None if they begin at the only folder of music."""
        self._relative_roots: dict[str, str] = {}
        """The folders of music whose files get relative paths, and the same folders with links resolved."""
        if paths == "relative" and (self._start is not None or len(roots) == 1):
            self._relative_roots = {root: os.path.realpath(root) for root in roots if self._reaches(root)}
        self._missed_roots = roots - self._relative_roots.keys() if paths == "relative" else set()

    def _reaches(self, root: str) -> bool:
        """Return whether a relative path can lead to the files of a folder of music."""
        if self._start is None:
            return True
        if isinstance(as_root(root), RemotePath):
            return False
        # On Windows, no relative path leads to another drive.
        return os.path.splitdrive(self._start)[0] == os.path.splitdrive(os.path.realpath(root))[0]

    @property
    def problem(self) -> str:
        """Why some or all paths are absolute although relative ones were wanted, as a sentence; or ""."""
        if not self._missed_roots:
            return ""
        if self._start is None:
            return f"The paths are absolute: the songs are in {len(self._missed_roots)} folders of music."
        names = one_line(", ".join(sorted(self._missed_roots)))
        return f"The paths of songs in {names} are absolute: no relative path leads there."

    def is_relative(self, song: PlaylistSong) -> bool:
        """Return whether the path of a song's file is written as a relative path."""
        return song.root in self._relative_roots

    def native(self, song: PlaylistSong) -> str:
        """Return the path of a song's file; its bytes that are not valid UTF-8 become surrogates."""
        if not self.is_relative(song):
            return str(absolute_path(song.root, song.path))
        path = os.fsdecode(song.path)
        if self._start is None:
            return path
        file = Path(self._relative_roots[song.root], path)
        return Path(os.path.relpath(file, self._start)).as_posix()

    def uri(self, song: PlaylistSong) -> str:
        """Return the URI of a song's file, relative or absolute."""
        if self.is_relative(song):
            return quote_from_bytes(os.fsencode(self.native(song)))
        return absolute_uri(song)

    def text(self, song: PlaylistSong) -> str:
        """Return the path of a song's file, or its URI if the path is not one line; "" without a file."""
        if song.path is None or song.root is None:
            return ""
        path = self.native(song)
        return path if is_one_line(path) else self.uri(song)


def absolute_uri(song: PlaylistSong) -> str:
    """Return the absolute URI of a song's file."""
    return absolute_path(song.root, song.path).absolute().as_uri()
