"""Fingerprints of files and of their sound: by them a moved, copied or retagged file is known again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import av

from explorer.audio.decoding import OPENING
from explorer.errors import AudioError

HASH_BLOCK_BYTES = 1 << 20
_TELLING_BYTES = 32 << 20


def fingerprint(path: Path, *, alive: Callable[[], None] = lambda: None) -> str:
    """Return a file's BLAKE2b-128 in hexadecimal: the same bytes have the same one, wherever they lie.

    Parameters
    ----------
    alive : callable
        Called now and then while a large file is read.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    read, told = 0, 0
    try:
        with path.open("rb") as file:
            while block := file.read(HASH_BLOCK_BYTES):
                digest.update(block)
                read += len(block)
                if read - told >= _TELLING_BYTES:
                    told = read
                    alive()
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()


def audio_fingerprint(path: Path, *, alive: Callable[[], None] = lambda: None) -> str | None:
    """Return the BLAKE2b-128 of a file's encoded sound: it outlasts any change of tags and pictures.

    The packets that FFmpeg takes out of the container are hashed, and not decoded: the file's tags are
    in none of them.

    Parameters
    ----------
    alive : callable
        Called now and then while a large file is read.

    Returns
    -------
    str or None
        Hexadecimal; None where FFmpeg finds no sound in the file.
    """
    digest = hashlib.blake2b(digest_size=16)
    read, told = 0, 0
    try:
        with av.open(str(path), metadata_errors="replace", options=OPENING) as container:
            stream = next(iter(container.streams.audio), None)
            if stream is None:
                return None
            context = stream.codec_context
            digest.update(f"{context.name} {context.sample_rate} {context.channels}".encode())
            for packet in container.demux(stream):
                digest.update(packet)
                read += packet.size
                if read - told >= _TELLING_BYTES:
                    told = read
                    alive()
    except (av.FFmpegError, OSError, ValueError):
        # What can be had of a damaged file is its sound; only without any there is no mark.
        pass
    return digest.hexdigest() if read else None
