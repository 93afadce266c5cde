"""Reads the tags that FFmpeg finds in a file: Matroska, CAF, AU, W64, texts of AIFF, and many more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av

from explorer.library.containers import open_container
from explorer.util.text import text_of

_MAX_TEXT_BYTES = 100_000


def ffmpeg_tags(path: Path) -> dict[str, list[str]]:
    """Return the texts by name, in lower case. The container's texts win over those of its sound.

    Raises
    ------
    AudioError
        If FFmpeg cannot open the file.
    """
    with open_container(path) as container:
        tags: dict[str, list[str]] = {}
        for name, text in _entries(container):
            # PyAV gives one character for each byte.
            data = text[:_MAX_TEXT_BYTES].encode("latin-1")
            tags.setdefault(name.lower(), text_of(data).split("\0"))
        return tags


def _entries(container: av.container.InputContainer) -> Iterator[tuple[str, str]]:
    yield from container.metadata.items()
    # Ogg files have their tags in the stream.
    for stream in container.streams.audio[:1]:
        yield from stream.metadata.items()
