"""Finds every block of tags in a file that mutagen can read: the container's own, ID3 and APEv2.

The file's first bytes decide which container it is, never its name. `mutagen.File` would take the name into
account, look for ID3 tags and no others in MP3 files, and fail if it cannot measure the sound.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from functools import partial
from io import BytesIO
from typing import BinaryIO

import mutagen
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.dsdiff import DSDIFF
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.id3 import ID3
from mutagen.mp4 import MP4
from mutagen.oggflac import OggFLAC
from mutagen.oggopus import OggOpus
from mutagen.oggspeex import OggSpeex
from mutagen.oggtheora import OggTheora
from mutagen.oggvorbis import OggVorbis

from explorer.library.id3_headers import HEADER_BYTES, id3_size, id3_tags
from explorer.library.mobile_tags import mobile_tags
from explorer.library.riff_tags import RIFF_MARKS, riff_tags
from explorer.util.text import text_of

Block = mutagen.FileType | mutagen.Metadata | dict[str, list[str]]
"""What mutagen returns, or texts by the name of the field."""

_Reader = Callable[[BinaryIO], Block]

_ID3V1_SIZE = 128
_MAX_ID3_TAGS = 4
_MAX_TAG_BYTES = 64 << 20
_MAX_APE_ITEMS = 1_000

_OGG = ((b"\x01vorbis", OggVorbis), (b"OpusHead", OggOpus), (b"Speex   ", OggSpeex), (b"\x7fFLAC", OggFLAC))
_APE_FORMATS = (b"MAC ", b"wvpk", b"MPCK", b"MP+", b"TTA", b"tBaK", b"OFR ")
"""How the formats begin whose players write APEv2 tags, and read ID3 tags only if there are no others."""


def tag_blocks(file: BinaryIO) -> Iterator[Block]:
    """Yield the blocks of tags in a file; first the one that players of this kind of file read first.

    Blocks that are missing or damaged are left out.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    starts, sound_start = id3_tags(file)
    file.seek(sound_start)
    head = file.read(64)
    front = [partial(_read_id3, start=start) for start in starts[:_MAX_ID3_TAGS]]
    back: list[_Reader] = [_read_ape, _read_ape_texts]
    blocks = back + front if head.startswith(_APE_FORMATS) else front + back
    if head.startswith(RIFF_MARKS):
        yield from riff_tags(file, start=sound_start)
    elif container := _container(head):
        blocks = [container, *([mobile_tags] if container is MP4 else []), *blocks]
    for read in (*blocks, _read_id3v1, _read_appended_id3):
        try:
            file.seek(0)
            block = read(file)
        except Exception:
            # mutagen can raise any exception for missing and damaged tags.
            continue
        yield block


def _container(head: bytes) -> _Reader | None:
    """Return mutagen's reader of a container with tags of its own, from the container's first bytes."""
    if head.startswith(b"OggS"):
        return next((reader for mark, reader in _OGG if mark in head), OggTheora)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"):
        return MP4
    if head.startswith(b"FORM") and head[8:12] in (b"AIFF", b"AIFC"):
        return AIFF
    starts = {b"fLaC": FLAC, b"DSD ": DSF, b"FRM8": DSDIFF, b"\x30\x26\xb2\x75": ASF}
    return starts.get(head[:4])


def _read_id3(file: BinaryIO, *, start: int) -> ID3:
    file.seek(start)
    # Without `translate=False`, mutagen would parse dates and lose a year that is written in an unusual way.
    return ID3(file, load_v1=False, translate=False)


def _read_ape(file: BinaryIO) -> APEv2:
    return APEv2(file)


def _read_ape_texts(file: BinaryIO) -> dict[str, list[str]]:
    """Read the texts of an APE tag that mutagen refuses because one of them is not UTF-8."""
    end = file.seek(0, 2)
    for footer in (end - 32, end - 32 - _ID3V1_SIZE):
        file.seek(max(footer, 0))
        name, _, size, count = struct.unpack("<8sIII", file.read(20))
        if name == b"APETAGEX" and 32 <= size <= min(footer + 32, _MAX_TAG_BYTES):
            file.seek(footer + 32 - size)
            return dict(_ape_items(file.read(size - 32), min(count, _MAX_APE_ITEMS)))
    raise mutagen.MutagenError("no APE tag at the end")


def _ape_items(data: bytes, count: int) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the values of each text in an APE tag, up to the first damaged item."""
    position = 0
    for _ in range(count):
        end_of_name = data.find(b"\0", position + 8)
        if end_of_name < 0:
            return
        size, flags = struct.unpack_from("<II", data, position)
        name = data[position + 8 : end_of_name]
        position = end_of_name + 1 + size
        if not flags & 0b110:  # Neither bytes nor a link.
            yield text_of(name), text_of(data[end_of_name + 1 : position]).split("\0")


def _read_id3v1(file: BinaryIO) -> ID3:
    # mutagen looks for an ID3v1 tag at the end of the file only if there is no ID3v2 tag at this position.
    file.seek(-_ID3V1_SIZE, 2)
    return ID3(file, translate=False)


def _read_appended_id3(file: BinaryIO) -> ID3:
    """Read an ID3v2 tag at the end of a file, also before an ID3v1 tag: only its footer tells where it is."""
    end = file.seek(0, 2)
    for footer in (end - HEADER_BYTES, end - HEADER_BYTES - _ID3V1_SIZE):
        file.seek(max(footer, 0))
        size = id3_size(file.read(HEADER_BYTES), mark=b"3DI")
        if size is not None and size <= min(footer + HEADER_BYTES, _MAX_TAG_BYTES):
            file.seek(footer + HEADER_BYTES - size)
            return ID3(BytesIO(file.read(size)), load_v1=False, translate=False)
    raise mutagen.MutagenError("no ID3v2 tag at the end")
