"""Compute fingerprints of files and of their encoded sound, to recognise moved, copied and retagged files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import av

from explorer.errors import AudioError
from explorer.library.containers import file_parts, format_of, open_sound

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
    return hash_sound(path, alive=alive)[0]


def hash_sound(path: Path, *, alive: Callable[[], None] = lambda: None) -> tuple[str | None, str]:
    """Return a file's `audio_fingerprint`, and its format as `AudioStream.format` has it.

    The format is empty if FFmpeg finds no sound in the file.
    """
    digest = hashlib.blake2b(digest_size=16)
    n_read, last_alive, format_name = 0, 0, ""
    try:
        parts = file_parts(path)
    except OSError:
        parts = []
    for part in parts:
        try:
            container, track = open_sound(path, part)
            with container:
                context = track.codec_context
                format_name = format_name or format_of(container, track)
                digest.update(f"{context.name} {context.sample_rate} {context.channels}".encode())
                for packet in container.demux(track):
                    digest.update(packet)
                    n_read += packet.size
                    if n_read - last_alive >= _ALIVE_EVERY_BYTES:
                        last_alive = n_read
                        alive()
        except (AudioError, av.FFmpegError, OSError, ValueError):
            # The fingerprint of a damaged part covers the packets before the damage.
            continue
    return (digest.hexdigest() if n_read else None), format_name
