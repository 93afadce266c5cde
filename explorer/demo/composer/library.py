"""The demo's library: composes every piece, writes it as MP3 or FLAC, and tags it."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.demo.composer.harmony import NOTE_NAMES
from explorer.demo.composer.mastering import master
from explorer.demo.composer.naming import Names, name_piece, stream
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ
from explorer.demo.composer.styles import COMPOSERS
from explorer.demo.sound_files import write_sound

STYLES = tuple(COMPOSERS)
PIECES_PER_STYLE = 5


@dataclass(frozen=True, eq=False)
class Piece:
    """A finished piece: stereo samples at 44.1 kHz and what its tags say."""

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
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ


def compose(style: str, index: int, *, seed: int = 2026) -> Piece:
    """Compose one piece.

    Parameters
    ----------
    style : str
        One of STYLES.
    index : int
        The piece's number in its style, from 0; any number gives another piece.
    seed : int
        Equal seeds give equal pieces.

    Returns
    -------
    Piece
        12 to 16 s, -20 LUFS or a little quieter, peak at most -2 dBTP.

    Raises
    ------
    ValueError
        If there is no such style, or a number is negative.
    """
    if style not in COMPOSERS:
        raise ValueError(f"style={style!r} must be one of {', '.join(STYLES)}")
    if index < 0 or seed < 0:
        raise ValueError(f"index={index} and seed={seed} must not be negative")
    draft = COMPOSERS[style](stream(seed, style, index))
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
    """Write the demo's songs, a folder a style, and leave alone what is there already.

    Encoding and most of the arithmetic happen outside Python's lock, so threads use several cores.

    Parameters
    ----------
    folder : Path
        Where the library goes; made where it is missing.
    seed : int
        Another seed composes another library, under other titles.
    progress : callable, optional
        Called in this thread with the number of songs there and the number wanted.

    Returns
    -------
    list of Path
        All songs, sorted by style and number.

    Raises
    ------
    AudioError
        If a file cannot be written.
    """
    wanted = {
        _path(Path(folder), style, index, seed): (style, index)
        for style in STYLES
        for index in range(PIECES_PER_STYLE)
    }
    missing = [path for path in wanted if not path.exists()]
    done = len(wanted) - len(missing)
    report = progress or (lambda done, total: None)
    report(done, len(wanted))
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        jobs = [pool.submit(_compose_file, path, *wanted[path], seed) for path in missing]
        try:
            for number, job in enumerate(as_completed(jobs), start=done + 1):
                job.result()
                report(number, len(wanted))
        except BaseException:
            # Without this, leaving the block would wait for every song that is still to come.
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return list(wanted)


def _path(folder: Path, style: str, index: int, seed: int) -> Path:
    """Give a piece's file: FLAC, which is written in a fifteenth of MP3's time, but for one of each style."""
    names: Names = name_piece(style, index, seed=seed)
    suffix = "mp3" if index == 0 else "flac"
    return folder / style / f"{names.artist} - {names.title}.{suffix}"


def _compose_file(path: Path, style: str, index: int, seed: int) -> None:
    write_piece(path, compose(style, index, seed=seed))


def write_piece(path: Path, piece: Piece) -> None:
    """Encode and tag a piece, so that the file is either absent or whole.

    Parameters
    ----------
    path : Path
        Ends in `.mp3` or `.flac`; its folder is made where it is missing.
    piece : Piece
        What to write.

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
