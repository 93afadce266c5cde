"""Reads the tags that FFmpeg finds in a file: Matroska, CAF, AU, W64, INFO chunks of WAV, and many more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

OPTIONS = {
    "protocol_whitelist": "file",
    # Lists of other files, such as ffconcat and HLS, are not among these.
    "format_whitelist": "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dsf,dts,dtshd,eac3,flac,flv,iff,matroska,mov,"
    "mp3,mpc,mpc8,mpegts,ogg,oma,rm,tak,tta,voc,w64,wav,wv,xwma",
    # FFmpeg need not decode any sound to find the tags.
    "analyzeduration": "1",
}
_TIMEOUT_S = 10.0
_MAX_TEXT_BYTES = 100_000


def ffmpeg_tags(path: Path) -> dict[str, str]:
    """Return the tags by name, in lower case. The container's tags win over those of its sound.

    A text that is not UTF-8 has one character for each byte (Latin-1).

    Raises
    ------
    av.FFmpegError
        If FFmpeg cannot open the file.
    """
    # Latin-1 keeps all bytes. PyAV's own ways to treat text that is not UTF-8 lose them.
    with av.open(str(path), metadata_encoding="latin-1", options=OPTIONS, timeout=_TIMEOUT_S) as container:
        tags: dict[str, str] = {}
        for key, text in _entries(container):
            tags.setdefault(_decoded(key).lower(), _decoded(text))
        return tags


def _entries(container: av.container.InputContainer) -> Iterator[tuple[str, str]]:
    yield from container.metadata.items()
    # Ogg files have their tags in the stream.
    for stream in container.streams.audio[:1]:
        yield from stream.metadata.items()


def _decoded(text: str) -> str:
    return text_of(text[:_MAX_TEXT_BYTES].encode("latin-1"))


def text_of(data: bytes) -> str:
    """Decode UTF-8. Other bytes become one character each, so that no byte is lost."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
