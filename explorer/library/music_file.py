"""A music file as the library reads it: where it is, its tags and its fingerprints."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path


@dataclass(frozen=True)
class ScannedFile:
    """A file as the walk of a folder found it."""

    path: bytes
    """Relative to the root, as `os.fsencode` gives it, with `/`."""
    size_bytes: int
    modified_ns: int

    @property
    def text(self) -> str:
        """The path as text: bytes that are not UTF-8 become U+FFFD."""
        return self.path.decode("utf-8", "replace")

    def under(self, folder: Path) -> ScannedFile:
        """Return the same file as seen from further up: its path begins with a folder's."""
        return replace(self, path=os.fsencode((folder / self.native).as_posix()))

    @property
    def native(self) -> str:
        """The path as the operating system wants it."""
        return os.fsdecode(self.path)


@dataclass(frozen=True)
class Tags:
    """What a file says of itself."""

    title: str
    artists: tuple[str, ...] = ()
    album: str = ""
    genres: tuple[str, ...] = ()
    year: str = ""


@dataclass(frozen=True)
class Fingerprints:
    """What tells a file, and its sound, from others.

    Attributes
    ----------
    fingerprint : str
        Of the file's bytes.
    audio_fingerprint : str or None
        Of its encoded sound, whatever its tags say; None where there is none to be had.
    tags : Tags
    """

    fingerprint: str
    audio_fingerprint: str | None
    tags: Tags

    @property
    def all(self) -> frozenset[str]:
        """Both fingerprints, or the one that there is."""
        return frozenset(mark for mark in (self.fingerprint, self.audio_fingerprint) if mark)
