"""Makes a large library of MP3 files from a few hours of music, in minutes.

Encoding 1,000 songs would take most of an hour. So only a part of the music is encoded, as *takes*: each is a
passage of one file, at another pitch and with another balance of bass and treble. A song joins the encoded
frames of three takes, so making it costs no encoding. MP3 allows that if no frame uses bits of the frame
before it, as `-reservoir 0` demands.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from explorer.library.scanning import scan_folder

MAX_TAKES = 100
TAKE_SHARE = 0.6
"""A take's length as a share of a song's."""

SONG_SHARES = (0.5, 0.3, 0.2)
"""How much of a song comes from each of its takes."""

PROCESSES = 2
_BITRATE_KBPS, _RATE_HZ, _SAMPLES_PER_FRAME = 128, 44_100, 1_152
_FRAMES_PER_S = _RATE_HZ / _SAMPLES_PER_FRAME


def make_mp3_library(folder: Path, music: Path, *, songs: int, seconds: float) -> int:
    """Make MP3 files in a folder, unless enough are there; return how many were made.

    The same music gives the same songs. Every song is another one. The songs that share their first take have
    the same artist.

    Parameters
    ----------
    folder : Path
        It gets a folder for each artist.
    music : Path
        A folder of songs.
    songs : int
        How many songs the folder shall have.
    seconds : float
        Each song's length.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sum(1 for _ in folder.rglob("*.mp3")) >= songs:
        return 0
    files = [music / file.native for file in scan_folder(music)]
    if not files:
        sys.exit(f"{music} holds no music: give a folder of songs.")
    n_takes = min(MAX_TAKES, len(files))
    missing = [number for number in range(songs) if not _song_path(folder, number, n_takes).exists()]
    encode = partial(_encode_take, files, n_takes, TAKE_SHARE * seconds)
    with ThreadPoolExecutor(PROCESSES) as pool:
        takes = list(pool.map(encode, range(n_takes)))
        list(pool.map(partial(_write_song, folder, takes, seconds), missing))
    return len(missing)


def _song_path(folder: Path, number: int, n_takes: int) -> Path:
    return folder / f"artist {number % n_takes:03d}" / f"song {number:04d}.mp3"


def _encode_take(files: Sequence[Path], n_takes: int, seconds: float, number: int) -> list[bytes]:
    """Encode a passage of one of the files; return its MP3 frames."""
    rng = np.random.default_rng(number)
    rate = _RATE_HZ * 2 ** (rng.integers(-3, 4) / 12)
    filters = (
        f"aresample={_RATE_HZ},asetrate={rate:.0f},aresample={_RATE_HZ},"
        f"bass=gain={rng.uniform(-4, 4):.1f},treble=gain={rng.uniform(-4, 4):.1f},volume=-6dB"
    )
    # The passage is repeated if the file is too short for it.
    selection = ["-map", "0:a:0", "-af", filters, "-t", f"{seconds + 1:.3f}", "-ac", "2"]
    encoder = ["-c:a", "libmp3lame", "-b:a", f"{_BITRATE_KBPS}k", "-compression_level", "9"]
    plain = ["-reservoir", "0", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "-"]
    first = number * len(files) // n_takes
    for path in [*files[first:], *files[:first]]:
        source = ["-stream_loop", "-1", "-i", f"file:{path}"]
        result = _ffmpeg([*source, *selection, *encoder, *plain])
        if result.returncode == 0 and (frames := _split_frames(result.stdout)):
            return frames[: round(seconds * _FRAMES_PER_S)]
    sys.exit(f"FFmpeg can read none of the songs: {result.stderr.decode(errors='replace')[-500:]}")


def _split_frames(data: bytes) -> list[bytes]:
    """Cut MP3 data of a constant bit rate into its frames."""
    frames, position = [], 0
    while position + 4 <= len(data) and data[position] == 0xFF:
        has_padding = data[position + 2] >> 1 & 1
        length = _SAMPLES_PER_FRAME // 8 * _BITRATE_KBPS * 1000 // _RATE_HZ + has_padding
        frames.append(data[position : position + length])
        position += length
    return frames


def _write_song(folder: Path, takes: Sequence[list[bytes]], seconds: float, number: int) -> None:
    """Write a song: frames of its artist's take, then of two others."""
    rng = np.random.default_rng([len(takes), number])
    chosen = [number % len(takes), *rng.integers(0, len(takes), 2)]
    frames: list[bytes] = []
    for take, share in zip(chosen, SONG_SHARES, strict=True):
        # A take of a damaged file can be shorter than it ought to be.
        count = round(share * seconds * _FRAMES_PER_S)
        start = rng.integers(0, max(1, len(takes[take]) - count))
        frames += takes[take][start : start + count]
    path = _song_path(folder, number, len(takes))
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(".part")
    tags = {"title": f"Song {number}", "artist": f"Artist {number % len(takes)}"}
    metadata = [word for name, text in tags.items() for word in ("-metadata", f"{name}={text}")]
    # FFmpeg copies the frames, and writes the tags and the header that players use for seeking.
    copy = ["-f", "mp3", "-i", "-", "-c", "copy", *metadata, "-f", "mp3", "-y", f"file:{part}"]
    _ffmpeg(copy, b"".join(frames)).check_returncode()
    part.replace(path)


def _ffmpeg(arguments: Sequence[object], data: bytes = b"") -> subprocess.CompletedProcess:
    command = ["ffmpeg", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, input=data, capture_output=True, check=False)
