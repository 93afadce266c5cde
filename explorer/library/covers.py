"""Reads a cover picture that browsers can show from the tags of a file."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import mutagen
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.flac import Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

from explorer.library.music_file import Cover
from explorer.library.tag_blocks import Block, tag_blocks

MAX_BYTES = 8 << 20
FRONT_COVER = 3
"""The number of the front cover among ID3's picture types, which FLAC, Ogg and ASF use too."""


def read_cover(path: Path) -> Cover | None:
    """Return the front cover of a file, or else its first picture, or else None.

    Pictures larger than 8 MB or of other types than JPEG, PNG, WebP and GIF are ignored.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    with path.open("rb") as file:
        for block in tag_blocks(file):
            if cover := _cover_of(block):
                return cover
    return None


def _cover_of(block: Block) -> Cover | None:
    try:
        pictures = list(_pictures(block))
    except Exception:
        # mutagen can raise any exception for damaged tags. Treat them as tags without a picture.
        return None
    # sorted() is stable: the front cover comes first, the others keep their order.
    for _, data in sorted(pictures, key=lambda picture: picture[0] != FRONT_COVER):
        media_type = picture_type(data)
        if media_type and len(data) <= MAX_BYTES:
            return Cover(data, media_type)
    return None


def picture_type(data: bytes) -> str | None:
    """Return the media type of a picture from its first bytes, or None for an unsupported type."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _pictures(block: Block) -> Iterator[tuple[int, bytes]]:
    """Yield the type number and the bytes of each picture in a block of tags."""
    for picture in getattr(block, "pictures", ()):
        yield picture.type, picture.data
    tags = block.tags if isinstance(block, mutagen.FileType) else block
    if isinstance(tags, ID3):
        for frame in tags.getall("APIC"):
            yield int(frame.type), frame.data
    elif isinstance(tags, MP4Tags):
        for data in tags.get("covr", ()):
            yield FRONT_COVER, bytes(data)
    elif isinstance(tags, APEv2):
        yield from _ape_pictures(tags)
    elif isinstance(tags, ASFTags):
        yield from _decode_each(_asf_picture, (value.value for value in tags.get("WM/Picture", ())))
    elif tags is not None:
        # Vorbis comments, in Ogg and other containers.
        yield from _decode_each(_vorbis_picture, tags.get("metadata_block_picture", ()))
        yield from _decode_each(lambda text: (FRONT_COVER, base64.b64decode(text)), tags.get("coverart", ()))


def _decode_each(decode: Callable, values: Iterable) -> Iterator[tuple[int, bytes]]:
    """Decode and yield each value. Skip damaged values."""
    for value in values:
        try:
            yield decode(value)
        except (ValueError, TypeError, struct.error, mutagen.MutagenError):
            continue


def _vorbis_picture(text: str) -> tuple[int, bytes]:
    picture = Picture(base64.b64decode(text))
    return picture.type, picture.data


def _ape_pictures(tags: APEv2) -> Iterator[tuple[int, bytes]]:
    for key, value in tags.items():
        if key.lower().startswith("cover art"):
            _, _, data = bytes(value.value).partition(b"\0")
            yield (FRONT_COVER if "front" in key.lower() else 0), data


def _asf_picture(value: bytes) -> tuple[int, bytes]:
    """Decode a WM/Picture value.

    It holds the type (1 byte), the size of the data (4 bytes), the media type and the description (UTF-16,
    zero-terminated), and the data.
    """
    picture_number, size = struct.unpack_from("<BI", value)
    return picture_number, value[len(value) - size :] if 0 < size <= len(value) - 9 else b""
