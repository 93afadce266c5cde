"""Composes every piece of the demo's library and writes it as a tagged MP3 or FLAC file."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.demo.composer.harmony import NOTE_NAMES
from explorer.demo.composer.mastering import master
from explorer.demo.composer.naming import name_piece, random_stream
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ
from explorer.demo.composer.styles import COMPOSERS
from explorer.demo.sound_files import write_sound

STYLES = tuple(COMPOSERS)
PIECES_PER_STYLE = 5


@dataclass(frozen=True, eq=False)
class Piece:
    """A finished piece: stereo samples at 44.1 kHz, and the texts and numbers for its tags."""

    samples: np.ndarray
    title: str
    artist: str
    album: str
    genre: str
    year: int
    track: int
    bpm: float
    key: str

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


def compose(style: str, index: int, *, seed: int = 2026) -> Piece:
    """Compose one piece.

    Parameters
    ----------
    style : str
        One of STYLES.
    index : int
        The piece's number in its style, from 0; every number gives a different piece.
    seed : int
        The same seed gives the same piece.

    Returns
    -------
    Piece
        12 to 16 s, -20 LUFS or a little quieter, peak at most -2 dBTP.

    Raises
    ------
    ValueError
        If the style does not exist, or `index` or `seed` is negative.
    """
    if style not in COMPOSERS:
        raise ValueError(f"style={style!r} must be one of {', '.join(STYLES)}")
    if index < 0 or seed < 0:
        raise ValueError(f"index={index} and seed={seed} must not be negative")
    draft = COMPOSERS[style](random_stream(seed, style, index))
    names = name_piece(style, index, seed=seed)
    return Piece(
        samples=master(draft.mix),
        title=names.title,
        artist=names.artist,
        album=names.album,
        genre=style,
        year=names.year,
        track=names.track,
        bpm=draft.bpm,
        key=f"{NOTE_NAMES[draft.tonic]} {draft.mode}",
    )


def compose_library(
    folder: Path, *, seed: int = 2026, progress: Callable[[int, int], None] | None = None
) -> list[Path]:
    """Write the demo's songs into one folder per style; existing files stay unchanged.

    Encoding and most of the arithmetic release Python's global interpreter lock, so threads use several
    cores.

    Parameters
    ----------
    folder : Path
        The library's folder; created if it is missing.
    seed : int
        A different seed composes a different library, with different titles.
    progress : callable, optional
        Called with the number of songs that exist and the number of all songs, in the thread of the caller.

    Returns
    -------
    list of Path
        All songs, sorted by style and number.

    Raises
    ------
    AudioError
        If a file cannot be written.
    """
    pieces = {
        _piece_path(Path(folder), style, index, seed): (style, index)
        for style in STYLES
        for index in range(PIECES_PER_STYLE)
    }
    missing = [path for path in pieces if not path.exists()]
    done = len(pieces) - len(missing)
    report = progress or (lambda done, total: None)
    report(done, len(pieces))
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(_compose_file, path, *pieces[path], seed) for path in missing]
        try:
            for number, job in enumerate(as_completed(jobs), start=done + 1):
                job.result()
                report(number, len(pieces))
        except BaseException:
            # Cancel the queued songs: leaving the `with` block would otherwise wait for all of them.
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return list(pieces)


def _piece_path(folder: Path, style: str, index: int, seed: int) -> Path:
    """Return a piece's path: MP3 for a style's first piece, else FLAC, which encodes 15 times faster."""
    names = name_piece(style, index, seed=seed)
    suffix = "mp3" if index == 0 else "flac"
    return folder / style / f"{names.artist} - {names.title}.{suffix}"


def _compose_file(path: Path, style: str, index: int, seed: int) -> None:
    write_piece(path, compose(style, index, seed=seed))


def write_piece(path: Path, piece: Piece) -> None:
    """Encode a piece and write it with its tags; a failed write leaves no partial file.

    Parameters
    ----------
    path : Path
        Ends in `.mp3` or `.flac`; its folder is created if it is missing.
    piece : Piece

    Raises
    ------
    AudioError
        If the file cannot be written.
    """
    tags = {
        "title": piece.title,
        "artist": piece.artist,
        "album": piece.album,
        "genre": piece.genre,
        "date": str(piece.year),
        "tracknumber": str(piece.track),
        "bpm": str(round(piece.bpm)),
    }
    is_mp3 = path.suffix == ".mp3"
    options = {"compression_level": 0.65, "bitrate_mode": "VARIABLE"} if is_mp3 else {}
    write_sound(path, piece.samples, SAMPLE_RATE_HZ, tags=tags, **options)
