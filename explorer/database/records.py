"""What passes between songs.db and the rest: plain records, no SQL."""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile, Tags
from explorer.library.remote import RemotePath, as_root, is_missing

VECTOR_SIZE = 512


@dataclass(frozen=True)
class Song:
    """A song ready to be stored: its file, its tags and how it was read."""

    file: ScannedFile
    tags: Tags
    fingerprint: str
    format: str
    """Container and codec, as `"mp3/mp3"` or `"mp4/alac"`: what a browser can play depends on it."""
    duration_s: float
    preview_start_s: float | None = None
    """Where the part begins that is most like the whole; None where nobody has looked."""
    audio_fingerprint: str | None = None
    """Of the sound alone, as `Fingerprints` has it."""


@dataclass(frozen=True)
class SameSound:
    """A song that has a vector and the same sound as a file."""

    song_id: str
    root_id: int
    root: Path | RemotePath
    path: bytes
    format: str
    duration_s: float
    preview_start_s: float | None
    was_missed: bool
    fingerprints: frozenset[str]
    """Its fingerprints, of bytes and of sound."""

    @property
    def is_gone(self) -> bool:
        """Whether its file is not there any more; of a folder of music that is away nothing is known."""
        there = absolute_path(str(self.root), self.path)
        return self.was_missed or is_missing(self.root, there)


@dataclass(frozen=True)
class KnownFile:
    """What songs.db remembers of a file, whether it became a song or failed."""

    size_bytes: int
    modified_ns: int
    song_id: str | None
    failed: bool
    gone: bool = False
    """Whether it was missed by an earlier run."""

    def is_unchanged(self, file: ScannedFile) -> bool:
        """Tell whether the file still is the one that was read."""
        return (self.size_bytes, self.modified_ns) == (file.size_bytes, file.modified_ns)


@dataclass(frozen=True)
class StoredFile:
    """Where a song's sound is."""

    path: Path | RemotePath
    format: str
    fingerprint: str
    title: str
    preview_start_s: float | None = None


@dataclass(frozen=True)
class Map:
    """Everything `map` computes, to be stored as one."""

    song_ids: list[str]
    positions: dict[str, np.ndarray]
    """Projection name to positions [shape=(n, 2)]."""
    parameters: dict[str, dict]
    quality: dict[str, dict]
    labels: np.ndarray
    """Cluster of each song [shape=(n,), int]."""
    cluster_names: list[str]
    representatives: list[str]
    """The song id nearest each cluster's centre."""
    near: dict[str, np.ndarray] = field(default_factory=dict)
    """Projection name to how many of each song's true neighbours are near it [shape=(n,), uint8]."""
    neighbourhood: dict = field(default_factory=dict)
    """What is known of the true neighbours: hubness, and genre purity beside chance."""
    cluster_count: int | None = None
    """How many clusters a user asked for; None where it follows the music."""


@dataclass(frozen=True)
class SongRow:
    """A song as the page and the command line show it."""

    song_id: str
    title: str
    artist: str
    album: str
    genres: tuple[str, ...] = field(default=())
    duration_s: float | None = None
    year: str = ""
    """Four digits, or nothing."""
    preview_start_s: float | None = None
    gone_since: str | None = None
    """When its file was first missed, UTC as ISO 8601; None while it is there."""

    def document(self) -> dict:
        """Return what clusters are named after."""
        return {
            "genres": list(self.genres),
            "artist": self.artist,
            "album": self.album,
            "title": self.title,
        }


@dataclass(frozen=True)
class SongFacts:
    """What a song is filtered by, beside its genres."""

    artists: tuple[str, ...] = ()
    year: int | None = None
    duration_s: float | None = None


_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?:(?!\d)|(?=(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?!\d)))")


def year_of(value: object) -> int | None:
    """Return the year that a date begins with or holds, as 1999, "1999-05-12", "19990512" or "12.5.1999"."""
    found = _YEAR.search(str(value)[:100])
    return int(found[1]) if found else None


def encode_vector(vector: np.ndarray) -> bytes:
    """Write a song's vector as `np.save` does: 512 float64, no pickle, 4,224 bytes."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(vector, dtype="<f8"), allow_pickle=False)
    return buffer.getvalue()


_NPY_HEADER = encode_vector(np.zeros(VECTOR_SIZE))[: -VECTOR_SIZE * 8]
"""What np.save writes before a vector's 4,096 bytes."""


def decode_vector(blob: bytes, *, song_id: str) -> np.ndarray:
    """Read a vector written by `np.save`, or as raw little-endian float64.

    Returns
    -------
    np.ndarray [shape=(512,), float64]

    Raises
    ------
    LibraryError
        If it is neither, or of another size.
    """
    try:
        return read_vector(blob)
    except ValueError as error:
        raise LibraryError(
            f"The vector of {song_id!r} is not 512 float64 ({error}): index the song again with --reindex."
        ) from None


def read_vector(blob: object) -> np.ndarray:
    """Read a vector as `decode_vector` does.

    Raises
    ------
    ValueError
        If it is something else; its text says what.
    """
    if not isinstance(blob, bytes):
        raise ValueError("nothing" if blob is None else f"of the type {type(blob).__name__}")
    if len(blob) == len(_NPY_HEADER) + VECTOR_SIZE * 8 and blob.startswith(_NPY_HEADER):
        # As nearly all are: np.load takes twenty times as long.
        return np.frombuffer(blob, dtype="<f8", offset=len(_NPY_HEADER)).astype(np.float64)
    try:
        is_npy = blob[:6] == b"\x93NUMPY"
        vector = np.load(io.BytesIO(blob), allow_pickle=False) if is_npy else np.frombuffer(blob, dtype="<f8")
    except Exception:
        # A damaged header is parsed as Python, and believed about how much memory to take.
        raise ValueError(f"{len(blob)} bytes") from None
    if vector.shape != (VECTOR_SIZE,) or vector.dtype.kind != "f" or vector.dtype.itemsize != 8:
        raise ValueError(f"{vector.dtype.name}, shape {vector.shape}" if is_npy else f"{len(blob)} bytes")
    return vector.astype(np.float64)


def absolute_path(root: str, path: bytes) -> Path | RemotePath:
    """Join a root folder, or URL, and a stored path."""
    return as_root(root) / os.fsdecode(path)
