"""Compute fingerprints of files and of their encoded sound, to recognise moved, copied and retagged files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import av

from explorer.audio.decoding import FFMPEG_OPTIONS
from explorer.errors import AudioError

HASH_BLOCK_BYTES = 1 << 20
_ALIVE_EVERY_BYTES = 32 << 20


def fingerprint(path: Path, *, alive: Callable[[], None] = lambda: None) -> str:
    """Return the BLAKE2b-128 hash of a file's bytes in hexadecimal.

    Parameters
    ----------
    alive : callable
        Called about every 32 MiB while the file is read, to show that the work goes on.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    n_read, last_alive = 0, 0
    try:
        with path.open("rb") as file:
            while block := file.read(HASH_BLOCK_BYTES):
                digest.update(block)
                n_read += len(block)
                if n_read - last_alive >= _ALIVE_EVERY_BYTES:
                    last_alive = n_read
                    alive()
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def audio_fingerprint(path: Path, *, alive: Callable[[], None] = lambda: None) -> str | None:
    """Return the BLAKE2b-128 hash of a file's encoded sound; new tags or pictures do not change it.

    The function hashes the packets that FFmpeg takes out of the container, without decoding them. The
    packets do not hold the file's tags.

    Parameters
    ----------
    alive : callable
        Called about every 32 MiB while the file is read, to show that the work goes on.

    Returns
    -------
    str or None
        Hexadecimal; None if FFmpeg finds no sound in the file.
    """
    digest = hashlib.blake2b(digest_size=16)
    n_read, last_alive = 0, 0
    try:
        with av.open(str(path), metadata_errors="replace", options=FFMPEG_OPTIONS) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                return None
            context = stream.codec_context
            digest.update(f"{context.name} {context.sample_rate} {context.channels}".encode())
            for packet in container.demux(stream):
                digest.update(packet)
                n_read += packet.size
                if n_read - last_alive >= _ALIVE_EVERY_BYTES:
                    last_alive = n_read
                    alive()
    except (av.FFmpegError, OSError, ValueError):
        # The fingerprint of a damaged file covers the packets before the damage.
        pass
    return digest.hexdigest() if n_read else None
