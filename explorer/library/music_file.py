"""Describes a music file: its path and state, its tags and its fingerprints."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class ScannedFile:
    """A file that a scan found."""

    path: bytes
    """Relative to the root, encoded by `os.fsencode`, with `/`."""
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


@dataclass(frozen=True)
class Fingerprints:
    """Identifies a file's bytes and its sound.

    Attributes
    ----------
    fingerprint : str
        Of the file's bytes.
    audio_fingerprint : str or None
        Of its encoded sound, whatever its tags; None if FFmpeg finds no sound in the file.
    tags : Tags
    """

    fingerprint: str
    audio_fingerprint: str | None
    tags: Tags

    @property
    def all(self) -> frozenset[str]:
        """Both fingerprints, or the only one."""
        return frozenset(text for text in (self.fingerprint, self.audio_fingerprint) if text)
