"""Reads the tags of a WAV file: its INFO texts and its ID3 tag. Either may be before or after the sound.

mutagen reads only the ID3 tag, and both mutagen and FFmpeg lose tags after a chunk of odd length without the
byte of padding that the format demands. Many programs forget that byte.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from mutagen.id3 import ID3

from explorer.util.text import text_of

RIFF_MARKS = (b"RIFF", b"RF64", b"BW64")
_INFO_NAMES = {b"INAM": "title", b"IART": "artist", b"IPRD": "album", b"IGNR": "genre", b"ICRD": "date"}
_MAX_CHUNKS = 1_000
_MAX_INFO_BYTES = 1 << 20
_MAX_ID3_BYTES = 64 << 20


def riff_tags(file: BinaryIO, *, start: int = 0) -> Iterator[ID3 | dict[str, list[str]]]:
    """Yield the ID3 tag of a WAV file, if it is not damaged, then the texts of its INFO chunks by field.

    Parameters
    ----------
    start : int
        The position of the WAV file's first byte in `file`: another tag may come before it.
    """
    end = file.seek(0, 2)
    info: dict[str, list[str]] = {}
    for name, begin, size in _chunks(file, start + 12, end):
        file.seek(begin)
        if name in (b"id3 ", b"ID3 ") and size <= _MAX_ID3_BYTES:
            try:
                yield ID3(BytesIO(file.read(size)), load_v1=False, translate=False)
            except Exception:
                # mutagen can raise any exception for damaged tags.
                continue
        elif name == b"LIST" and size >= 4 and file.read(4) == b"INFO":
            texts = BytesIO(file.read(min(size - 4, _MAX_INFO_BYTES)))
            for key, text_start, length in _chunks(texts, 0, len(texts.getbuffer())):
                if key in _INFO_NAMES:
                    texts.seek(text_start)
                    # The text ends at the first zero byte; some programs leave rubbish behind it.
                    text = text_of(texts.read(length).partition(b"\0")[0])
                    info.setdefault(_INFO_NAMES[key], [text])
    yield info


def _chunks(file: BinaryIO, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name, start and size of each chunk; the last one may claim more bytes than there are."""
    long_size = None
    for _ in range(_MAX_CHUNKS):
        file.seek(position)
        header = file.read(8)
        if len(header) < 8:
            return
        name, size = struct.unpack("<4sI", header)
        start = position + 8
        if name == b"ds64":
            long_size = int.from_bytes(file.read(16)[8:], "little")
        elif name == b"data" and size == 0xFFFFFFFF and long_size:
            size = long_size
        yield name, start, min(size, end - start)
        position = start + size
        if size % 2:
            file.seek(position)
            # If the name of the next chunk begins here, there is no padding.
            position += not _is_name(file.read(4))


def _is_name(data: bytes) -> bool:
    """Return whether four bytes can be the name of a chunk, such as "LIST" and "id3 "."""
    return len(data) == 4 and data[:1].isalnum() and all(0x20 <= byte < 0x7F for byte in data)
