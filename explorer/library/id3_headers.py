"""Finds the ID3v2 tags at the start of a file, from their headers. Any format can come after them."""

from __future__ import annotations

from typing import BinaryIO

HEADER_BYTES = 10
_MAX_TAGS = 100


def id3_tags(file: BinaryIO) -> tuple[list[int], int]:
    """Return where the ID3v2 tags at the start of a file begin, and where the last of them ends.

    There can be several: some programs write a new tag in front of the old one.
    """
    starts, position = [], 0
    while len(starts) < _MAX_TAGS:
        file.seek(position)
        size = id3_size(file.read(HEADER_BYTES))
        if size is None:
            break
        starts.append(position)
        position += size
    return starts, position


def id3_size(header: bytes, *, mark: bytes = b"ID3") -> int | None:
    """Return the size of a tag with its header and footer, or None if the bytes are no header of a tag.

    Parameters
    ----------
    header : bytes
        The ten bytes of the header or of the footer.
    mark : {b"ID3", b"3DI"}
        How a header or a footer begins.
    """
    if len(header) < HEADER_BYTES or header[:3] != mark or max(header[6:10]) > 0x7F:
        return None
    # Each of the four bytes of the size holds seven bits. Flag 0x10 stands for a footer (ID3v2.4, 3.1).
    size = sum(byte << shift for byte, shift in zip(header[6:10], (21, 14, 7, 0), strict=True))
    return size + HEADER_BYTES * (2 if header[5] & 0x10 else 1)
