"""Describes a music file: its path, size and time, its tags and its fingerprints."""

from __future__ import annotations

import os
from dataclasses import dataclass

READ_VERSION = 2
"""The version of this program's reading of files; songs and failures are stored with it. Increase it when
files may give another sound or other tags than before: index runs read the files of older versions again."""


@dataclass(frozen=True)
class ScannedFile:
    """A file that a scan found."""

    path: bytes
    """Relative to the root, with `/` between folders, encoded by `os.fsencode`."""
    size_bytes: int
    modified_ns: int

    @property
    def text(self) -> str:
        """The path as text; bytes that are not UTF-8 become U+FFFD."""
        return self.path.decode("utf-8", "replace")

    @property
    def native(self) -> str:
        """The path as the operating system's functions take it."""
        return os.fsdecode(self.path)


@dataclass(frozen=True)
class Tags:
    """A song's tags."""

    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    genres: tuple[str, ...] = ()
    year: str = ""
    artists_from_name: bool = False
    """Whether only the name of the file says who the artists are."""


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprints that identify a file's bytes and its sound, and its tags.

    Attributes
    ----------
    fingerprint : str
        A hash of the file's bytes.
    audio_fingerprint : str or None
        A hash of its encoded sound, which stays the same when its tags change. None if FFmpeg finds no
        sound in the file.
    tags : Tags
    format : str
        Container and codec; empty if FFmpeg finds no sound in the file.
    """

    fingerprint: str
    audio_fingerprint: str | None
    tags: Tags
    format: str = ""

    @property
    def all(self) -> frozenset[str]:
        """The fingerprints that the file has: both, or only that of its bytes."""
        return frozenset(text for text in (self.fingerprint, self.audio_fingerprint) if text)
