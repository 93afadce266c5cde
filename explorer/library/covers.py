"""Cover pictures out of files' tags: only what a browser shows as a picture, by its first bytes."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import mutagen
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.flac import Picture
from mutagen.id3 import ID3
from mutagen.mp4 import MP4Tags

MOST_BYTES = 8 << 20
FRONT = 3
"""The front cover's number among ID3's kinds of pictures, which FLAC, Ogg and ASF share."""


@dataclass(frozen=True)
class Cover:
    """A picture.

    Attributes
    ----------
    data : bytes
    media_type : str
        By its content, whatever the tags say: JPEG, PNG, WebP or GIF.
    """

    data: bytes
    media_type: str


def read_cover(path: Path) -> Cover | None:
    """Return a file's front cover, else its first picture, or None.

    Pictures beyond 8 MB, and of kinds other than JPEG, PNG, WebP and GIF, count as none.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    with path.open("rb") as file:
        try:
            pictures = list(_pictures(mutagen.File(file)))
        except Exception:
            # Damaged tags raise whatever the parser stumbles over: they are no picture.
            return None
    # sorted() keeps the order of equals.
    for _, data in sorted(pictures, key=lambda picture: picture[0] != FRONT):
        media_type = picture_type(data)
        if media_type and len(data) <= MOST_BYTES:
            return Cover(data, media_type)
    return None


def picture_type(data: bytes) -> str | None:
    """Return a picture's media type by its first bytes, or None for anything else."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _pictures(file: mutagen.FileType | None) -> Iterator[tuple[int, bytes]]:
    """Yield each picture's kind and bytes."""
    if file is None:
        return
    for picture in getattr(file, "pictures", ()):
        yield picture.type, picture.data
    tags = file.tags
    if isinstance(tags, ID3):
        for frame in tags.getall("APIC"):
            yield int(frame.type), frame.data
    elif isinstance(tags, MP4Tags):
        for data in tags.get("covr", ()):
            yield FRONT, bytes(data)
    elif isinstance(tags, APEv2):
        yield from _ape_pictures(tags)
    elif isinstance(tags, ASFTags):
        yield from _each(_asf_picture, (value.value for value in tags.get("WM/Picture", ())))
    elif tags is not None:
        # Vorbis comments, in Ogg and elsewhere.
        yield from _each(_vorbis_picture, tags.get("metadata_block_picture", ()))
        yield from _each(lambda text: (FRONT, base64.b64decode(text)), tags.get("coverart", ()))


def _each(read: Callable, values: Iterable) -> Iterator[tuple[int, bytes]]:
    """Read each value; a damaged one does not cost the others."""
    for value in values:
        try:
            yield read(value)
        except (ValueError, TypeError, struct.error, mutagen.MutagenError):
            continue


def _vorbis_picture(text: str) -> tuple[int, bytes]:
    picture = Picture(base64.b64decode(text))
    return picture.type, picture.data


def _ape_pictures(tags: APEv2) -> Iterator[tuple[int, bytes]]:
    for key, value in tags.items():
        if key.lower().startswith("cover art"):
            _, _, data = bytes(value.value).partition(b"\0")
            yield (FRONT if "front" in key.lower() else 0), data


def _asf_picture(value: bytes) -> tuple[int, bytes]:
    """Read kind (1 byte), size (4), media type and description (UTF-16, each ending in two zeros), data."""
    kind, size = struct.unpack_from("<BI", value)
    return kind, value[len(value) - size :] if 0 < size <= len(value) - 9 else b""
