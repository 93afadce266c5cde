"""Finds headers that claim less sound than a file holds, and the right size in their place.

A recorder that is switched off leaves the size that it wrote last, and a program that writes to a pipe
cannot go back to write it. FFmpeg believes most of these sizes.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO, NamedTuple

_MIN_MISSED_BYTES = 1024
_EMPTY_BYTES = 8
"""An AIFF chunk of samples begins with this many bytes that are no samples."""

_CHUNK_NAME = re.compile(rb"[ -~]{4}", re.DOTALL)
_TAG = re.compile(rb"ID3|TAG|APETAGEX|LYRICSBEGIN|LIST|RIFF|\0*$", re.DOTALL)
"""What may follow the samples though its size, read as that of a chunk, is too large for the file."""


class _Layout(NamedTuple):
    """How a format is divided into chunks, each with a name and a size in front."""

    first: int
    sound: bytes
    size_format: str
    name_bytes: int = 4
    alignment: int = 2
    size_counts_header: bool = False

    @property
    def header_bytes(self) -> int:
        return self.name_bytes + struct.calcsize(self.size_format)

    def read(self, header: bytes) -> int:
        """Return the size of a chunk without its header."""
        (size,) = struct.unpack(self.size_format, header[self.name_bytes : self.header_bytes])
        return size - (self.header_bytes if self.size_counts_header else 0)

    def write(self, size: int) -> bytes:
        """Return a size as bytes; the largest one if the size has no place there."""
        size += self.header_bytes if self.size_counts_header else 0
        n_bits = 8 * struct.calcsize(self.size_format) - self.size_format[-1].islower()
        return struct.pack(self.size_format, min(size, (1 << n_bits) - 1))


_LAYOUTS = {
    b"RIFF": _Layout(12, b"data", "<I"),
    b"RF64": _Layout(12, b"data", "<I"),
    b"BW64": _Layout(12, b"data", "<I"),
    b"riff": _Layout(40, b"data", "<q", name_bytes=16, alignment=8, size_counts_header=True),
    b"FORM": _Layout(12, b"SSND", ">I"),
    b"FRM8": _Layout(16, b"DSD ", ">q"),
    b"caff": _Layout(8, b"data", ">q", alignment=1),
}
"""Formats by their first bytes: WAV, RF64 and BW64, W64, AIFF, DSDIFF and CAF."""


def find_repair(file: BinaryIO, start: int, magic: bytes) -> tuple[int, bytes] | None:
    """Return where a header claims too little and the bytes that should be there; None if it is right.

    Parameters
    ----------
    start : int
        Where the format begins in the file.
    magic : bytes
        The format's first four bytes.
    """
    if magic == b".snd":
        file.seek(start + 8)
        return (start + 8, b"\xff" * 4) if file.read(4) == bytes(4) else None
    layout = _LAYOUTS.get(magic)
    if layout is None:
        return None
    file_bytes = file.seek(0, 2)
    position, long_size = start + layout.first, None
    while True:
        file.seek(position)
        header = file.read(layout.header_bytes)
        if len(header) < layout.header_bytes:
            return None
        size, body = layout.read(header), position + layout.header_bytes
        if header.startswith(layout.sound):
            break
        if header[:4] == b"ds64" and magic != b"RIFF":
            long_size = body + 8
        if not 0 <= size <= file_bytes:
            return None
        position = body + size + -size % layout.alignment
    if magic == b"RIFF" and size in (0, 0xFFFFFFFF):
        return None  # FFmpeg knows that this means "to the end of the file".
    if magic == b"caff" and size == -1:
        return None
    if long_size is not None:
        file.seek(long_size)
        (size,) = struct.unpack("<q", file.read(8).ljust(8, b"\0"))
    if size >= 0 and not _sound_follows(file, layout, body + size, size, file_bytes):
        return None
    missed = file_bytes - body
    if long_size is not None:
        return long_size, struct.pack("<Q", missed)
    return position + layout.name_bytes, layout.write(missed)


def _sound_follows(file: BinaryIO, layout: _Layout, end: int, size: int, file_bytes: int) -> bool:
    """Return whether samples follow where a header says that its samples end."""
    if end > file_bytes:
        return False
    file.seek(end)
    following = file.read(_MIN_MISSED_BYTES)
    if len(following) < _MIN_MISSED_BYTES or not (any(following) or size <= _EMPTY_BYTES):
        return False
    for offset in range(layout.alignment):
        header = following[offset : offset + layout.header_bytes]
        # Samples may look like a name, but then their size does not fit into the file.
        if _CHUNK_NAME.match(header) and 0 <= layout.read(header) <= file_bytes - end:
            return False
        if any(following) and _TAG.match(following, offset):
            return False
    return True
