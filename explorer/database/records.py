"""Dataclasses that the queries of songs.db take and return, and the format of a stored vector."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from explorer.errors import UnusableLibraryError
from explorer.library.confirmed_roots import is_confirmed
from explorer.library.music_file import WHOLE, Part, ScannedFile, Tags
from explorer.library.remote import RemotePath, as_root, is_missing
from explorer.library.stored_paths import locate

VECTOR_SIZE = 512
MAX_VALUE = 1e15
"""The map cannot be computed from larger values. A vector that holds one is damaged; it is not imported."""


@dataclass(frozen=True)
class Song:
    """A song to be stored: its file, its tags and the results of decoding."""

    file: ScannedFile
    tags: Tags
    fingerprint: str
    format: str
    """Container and codec, such as `"mp3/mp3"` or `"mp4/alac"`. Browsers cannot play all of them."""
    duration_s: float
    preview_start_s: float | None = None
    """Start of the most typical part of the song; None if it was not computed."""
    audio_fingerprint: str | None = None
    """Fingerprint of the encoded audio without the tags, from `Fingerprints`."""
    note: str = ""
    """What was unusual about decoding the file, as a sentence for the user; empty if nothing was."""
    part: Part = WHOLE
    """The part of the file that is the song."""

    @property
    def closed_part(self) -> Part:
        """The part of the file that is the song, with the end of the last track filled in."""
        if not self.part.track:
            return WHOLE
        return replace(self.part, end_s=self.part.end_s or self.part.start_s + self.duration_s)

    @property
    def info(self) -> dict:
        """What the column `songs.info` holds, in the form of the original experiment."""
        musical = {"bpm": self.tags.bpm, "key": self.tags.key}
        return {
            "name": self.tags.title,
            "artists": [{"name": name} for name in self.tags.artists],
            "album": {"name": self.tags.album},
            "year": self.tags.year,
            "duration_ms": round(self.duration_s * 1000),
            "path": self.file.text,
        } | {name: text for name, text in musical.items() if text}


@dataclass(frozen=True)
class SameSound:
    """A song in songs.db that has a vector and the same audio as a file."""

    song_id: str
    root_id: int
    root: Path | RemotePath
    path: bytes
    format: str
    duration_s: float
    preview_start_s: float | None
    was_marked_gone: bool
    """Whether an earlier run found that the file of the song was gone."""
    fingerprints: frozenset[str]
    """Fingerprints of the file's bytes and of its audio."""
    note: str = ""
    track: int = 0
    """The track's number in the file's cue sheet; 0 if the song is the whole file."""

    @property
    def is_gone(self) -> bool:
        """Whether the file of the song is gone; False if its root cannot be reached, or must not be read."""
        path = absolute_path(str(self.root), self.path)
        is_allowed = is_confirmed(self.root) or is_confirmed(path)
        return self.was_marked_gone or (is_allowed and is_missing(self.root, path))


@dataclass(frozen=True)
class KnownFile:
    """What songs.db holds about a file that was indexed or that failed."""

    size_bytes: int
    modified_ns: int
    song_id: str | None
    failed: bool
    gone: bool = False
    """Whether an earlier run found that the file was gone."""
    is_outdated: bool = False
    """Whether an older version of this program read the file: see `READ_VERSION`."""
    is_video: bool = False
    """Whether the file failed because it is a video."""
    has_tracks: bool = False
    """Whether its songs are the tracks of a cue sheet."""
    sheets_state: str | None = ""
    """`ScannedFile.sheets_state` when the file was read."""
    link_target: bytes | None = None
    """`ScannedFile.link_target` when the file was read, or when the last index run found it."""
    is_coarse: bool = False
    """Whether one of its songs has only a coarse vector."""

    def is_unchanged(self, file: ScannedFile) -> bool:
        """Return whether the file has the stored size and time, and its cue sheets are still the same.

        If cue sheets are not used, only files that were divided into tracks have changed.
        """
        if (self.size_bytes, self.modified_ns) != (file.size_bytes, file.modified_ns):
            return False
        if file.sheets_state is None:
            return not self.has_tracks
        return self.failed or self.sheets_state == file.sheets_state


@dataclass(frozen=True)
class StoredFile:
    """A song's audio file.

    Attributes
    ----------
    fingerprint : str
        Of the song: for a track of a cue sheet, of its part of the file.
    preview_start_s : float or None
        In seconds from the song's start.
    part : Part
        The part of the file that is the song. The end of a track is never None.
    copy_key : str
        The key of a local copy of a remote file: all tracks of a file have the same one.
    root : str
        The root folder or URL, as songs.db has it.
    inside : bytes
        The path relative to the root.
    link_target : bytes or None
        As `locate` takes it.
    """

    path: Path | RemotePath
    format: str
    fingerprint: str
    title: str
    preview_start_s: float | None = None
    part: Part = WHOLE
    copy_key: str = ""
    root: str = ""
    inside: bytes = b""
    link_target: bytes | None = None

    def located(self, *, folder: Path | None = None) -> StoredFile:
        """Return this with the path to open. `path` is only a name before: nobody has checked it.

        Parameters
        ----------
        folder : Path, optional
            The folder that the songs are in now, if it is not the root.

        Raises
        ------
        ForbiddenFileError
            As `locate` does.
        """
        target = None if folder else self.link_target
        return replace(self, path=locate(folder or self.root, self.inside, link_target=target))


@dataclass(frozen=True)
class Map:
    """Everything that the command `map` computes, stored in one transaction."""

    song_ids: list[str]
    positions: dict[str, np.ndarray]
    """The positions of the songs [shape=(n, 2)], by name of the projection."""
    parameters: dict[str, dict]
    quality: dict[str, dict]
    labels: np.ndarray
    """Cluster of each song [shape=(n,), int]."""
    cluster_names: list[str]
    representatives: list[str]
    """The id of the song nearest each cluster's centre."""
    near: dict[str, np.ndarray] = field(default_factory=dict)
    """How many of the ten songs with the most similar vectors lie near each song on the map, by name of the
    projection [shape=(n,), uint8]."""
    neighbourhood: dict = field(default_factory=dict)
    """Measures of neighbours by vector: hubness, and genre purity compared with chance."""
    cluster_count: int | None = None
    """How many clusters the user asked for; None if the number is chosen automatically."""


@dataclass(frozen=True)
class SongRow:
    """The fields of a song that the page and the command line show."""

    song_id: str
    title: str
    artist: str
    album: str
    genres: tuple[str, ...] = field(default=())
    duration_s: float | None = None
    year: str = ""
    """Four digits, or empty."""
    preview_start_s: float | None = None
    gone_since: str | None = None
    """When its file was first found gone, in UTC, ISO 8601; None while the file exists."""
    note: str = ""
    """What was unusual about decoding its file, as a sentence; empty if nothing was."""

    def document(self) -> dict:
        """Return the fields from which the clusters get their names."""
        return {
            "genres": list(self.genres),
            "artist": self.artist,
            "album": self.album,
            "title": self.title,
        }


@dataclass(frozen=True)
class SongFacts:
    """The fields by which the page filters songs, apart from genres."""

    artists: tuple[str, ...] = ()
    year: int | None = None
    duration_s: float | None = None


def encode_vector(vector: np.ndarray) -> bytes:
    """Encode a song's vector in the .npy format of `np.save`: 512 float64, no pickle, 4,224 bytes."""
    buffer = io.BytesIO()
    np.save(buffer, np.asarray(vector, dtype="<f8"), allow_pickle=False)
    return buffer.getvalue()


_NPY_HEADER = encode_vector(np.zeros(VECTOR_SIZE))[: -VECTOR_SIZE * 8]
"""The header that np.save writes before the 4,096 bytes of a vector's values."""


def decode_vector(blob: bytes, *, song_id: str) -> np.ndarray:
    """Decode a vector: the .npy format of `np.save`, or raw little-endian float64.

    Returns
    -------
    np.ndarray [shape=(512,), float64]

    Raises
    ------
    UnusableLibraryError
        If the blob is in neither of these formats, the vector does not have 512 values, or a value is not
        finite.
    """
    try:
        vector = read_vector(blob)
        if not are_possible(vector[np.newaxis])[0]:
            raise ValueError("a value is not finite, or too large")
        return vector
    except ValueError as error:
        raise UnusableLibraryError(
            f"The vector of {song_id!r} is not 512 float64 ({error}): index the song again with --reindex."
        ) from None


def read_vector(blob: object) -> np.ndarray:
    """Decode a vector like `decode_vector`, from a value of any type.

    Raises
    ------
    ValueError
        If the value is not a vector. The message says what it is, for example its type or size.
    """
    if not isinstance(blob, bytes):
        raise ValueError("nothing" if blob is None else f"of the type {type(blob).__name__}")
    if len(blob) == len(_NPY_HEADER) + VECTOR_SIZE * 8 and blob.startswith(_NPY_HEADER):
        # Nearly all vectors have this header. np.load would take twenty times as long.
        return np.frombuffer(blob, dtype="<f8", offset=len(_NPY_HEADER)).astype(np.float64)
    try:
        is_npy = blob[:6] == b"\x93NUMPY"
        vector = np.load(io.BytesIO(blob), allow_pickle=False) if is_npy else np.frombuffer(blob, dtype="<f8")
    except Exception:
        # np.load can raise any exception for a damaged header: it evaluates the header as Python and then
        # allocates an array of the size that the header names.
        raise ValueError(f"{len(blob)} bytes") from None
    if vector.shape != (VECTOR_SIZE,) or vector.dtype.kind != "f" or vector.dtype.itemsize != 8:
        raise ValueError(f"{vector.dtype.name}, shape {vector.shape}" if is_npy else f"{len(blob)} bytes")
    return vector.astype(np.float64)


def read_vectors(blobs: Sequence[object]) -> np.ndarray | None:
    """Decode many vectors at once, [shape=(n, 512), float64]; None unless all have the usual format."""
    size = len(_NPY_HEADER) + VECTOR_SIZE * 8
    if not all(type(blob) is bytes and len(blob) == size and blob.startswith(_NPY_HEADER) for blob in blobs):
        return None
    content = np.frombuffer(b"".join(blobs), dtype=np.uint8).reshape(len(blobs), size)
    return np.ascontiguousarray(content[:, len(_NPY_HEADER) :]).view("<f8")


def are_possible(vectors: np.ndarray) -> np.ndarray:
    """Return which vectors [shape=(n, d)] have only values that a sound can have [shape=(n,), bool]."""
    # For NaN, comparisons are false.
    return (vectors.max(axis=1) <= MAX_VALUE) & (vectors.min(axis=1) >= -MAX_VALUE)


def absolute_path(root: str, path: bytes) -> Path | RemotePath:
    """Join a root folder or URL with a stored path, to name a file. To open it, call `locate`."""
    return as_root(root) / os.fsdecode(path)
