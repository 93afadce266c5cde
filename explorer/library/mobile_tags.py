"""Reads the tags of 3GP files (3GPP TS 26.244, section 8), which neither mutagen nor FFmpeg reads."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from explorer.util.text import text_of

_NAMES = {
    b"titl": "title",
    b"perf": "artist",
    b"auth": "author",
    b"albm": "album",
    b"gnre": "genre",
    b"yrrc": "year",
}
_MAX_BOXES = 1_000
_MAX_TEXT_BYTES = 4_000
_FULL_BOX_BYTES = 4
_LANGUAGE_BYTES = 2


def mobile_tags(file: BinaryIO) -> dict[str, list[str]]:
    """Return the texts of a 3GP file's user data by the name of the field; none for other files."""
    tags: dict[str, list[str]] = {}
    end = file.seek(0, 2)
    for start, stop in _boxes_named(file, b"moov", 0, end):
        for data_start, data_stop in _boxes_named(file, b"udta", start, stop):
            for name, text_start, text_stop in _boxes(file, data_start, data_stop):
                if name in _NAMES:
                    file.seek(text_start + _FULL_BOX_BYTES)
                    data = file.read(max(0, min(text_stop - text_start - _FULL_BOX_BYTES, _MAX_TEXT_BYTES)))
                    tags.setdefault(_NAMES[name], [_text(name, data)])
    return tags


def _text(name: bytes, data: bytes) -> str:
    if name == b"yrrc":
        return str(int.from_bytes(data[:2], "big"))
    data = data[_LANGUAGE_BYTES:]
    if data.startswith((b"\xfe\xff", b"\xff\xfe")):
        return data.decode("utf-16", "replace").partition("\0")[0]
    return text_of(data.partition(b"\0")[0])


def _boxes_named(file: BinaryIO, wanted: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    return ((begin, stop) for name, begin, stop in _boxes(file, start, end) if name == wanted)


def _boxes(file: BinaryIO, position: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield the name of each box between two positions, and where its content begins and ends."""
    for _ in range(_MAX_BOXES):
        file.seek(position)
        header = file.read(16)
        if len(header) < 8 or position + 8 > end:
            return
        size, name, start = int.from_bytes(header[:4], "big"), header[4:8], position + 8
        if size == 1 and len(header) == 16:
            size, start = struct.unpack_from(">Q", header, 8)[0], position + 16
        stop = end if size == 0 else min(position + size, end)
        if stop < start:
            return
        yield name, start, stop
        position = stop
