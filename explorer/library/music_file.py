"""Describes a music file: its path, size and time, its tags, its fingerprints and its tracks."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from explorer.library.remote import RemotePath

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
    sheets: tuple[bytes, ...] = ()
    """The names of the cue sheets in the file's folder."""
    sheets_state: str | None = ""
    """A text that changes if one of these cue sheets does; None if cue sheets are not used."""
    link_target: bytes | None = None
    """Where the file is, if links lead out of the root: see `stored_paths`; None if it is inside the root."""

    @property
    def text(self) -> str:
        """The path as text; bytes that are not UTF-8 become U+FFFD."""
        return self.path.decode("utf-8", "replace")

    @property
    def native(self) -> str:
        """The path as the operating system's functions take it."""
        return os.fsdecode(self.path)

    def sheet_paths(self, root: Path | RemotePath) -> list[Path | RemotePath]:
        """Return the paths of the cue sheets in the file's folder."""
        folder = self.path[: self.path.rfind(b"/") + 1]
        return [root / os.fsdecode(folder + name) for name in self.sheets]


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
    bpm: str = ""
    """Beats per minute, as the tags have them: see `structure.tempo`."""
    key: str = ""
    """The musical key, as the tags have it: see `structure.keys`."""


@dataclass(frozen=True)
class Cover:
    """A cover picture.

    Attributes
    ----------
    data : bytes
    media_type : str
        The media type of a JPEG, PNG, WebP or GIF picture. The first bytes of the data decide it, because the
        type that the tags name is often wrong.
    """

    data: bytes
    media_type: str


@dataclass(frozen=True)
class Part:
    """The part of a file that is a song: the whole file, or one track of a cue sheet.

    Attributes
    ----------
    track : int
        The track's number in the cue sheet, from 1 to 99; 0 for the whole file.
    start_s : float
    end_s : float or None
        None for the end of the file.
    """

    track: int = 0
    start_s: float = 0.0
    end_s: float | None = None

    def samples(self, rate_hz: int) -> tuple[int, int | None]:
        """Return the first sample of the part and the first sample after it; None for the end of the file."""
        return round(self.start_s * rate_hz), None if self.end_s is None else round(self.end_s * rate_hz)

    def fingerprint(self, of_file: str) -> str:
        """Return the fingerprint of the part, made from a fingerprint of its file."""
        if not self.track:
            return of_file
        text = f"{of_file} {self.start_s!r} {self.end_s!r}"
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


WHOLE = Part()


@dataclass(frozen=True)
class Track:
    """A song that is a part of a file."""

    part: Part
    tags: Tags


@dataclass(frozen=True)
class Fingerprints:
    """The fingerprints that identify a file's bytes and its sound, its tags, and its tracks.

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
    tracks : tuple of Track
        The songs that a cue sheet divides the file into; empty if the file is one song.
    cue_problem : str
        A sentence that says why a cue sheet of the file is not used; empty if there is none.
    """

    fingerprint: str
    audio_fingerprint: str | None
    tags: Tags
    format: str = ""
    tracks: tuple[Track, ...] = ()
    cue_problem: str = ""

    @property
    def all(self) -> frozenset[str]:
        """The fingerprints that the file has: both, or only that of its bytes."""
        return frozenset(text for text in (self.fingerprint, self.audio_fingerprint) if text)

    def of_track(self, track: Track) -> Fingerprints:
        """Return the fingerprints and tags of one track."""
        audio = self.audio_fingerprint and track.part.fingerprint(self.audio_fingerprint)
        return Fingerprints(track.part.fingerprint(self.fingerprint), audio, track.tags, self.format)
