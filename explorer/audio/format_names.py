"""The names that users know for audio formats."""

from __future__ import annotations

_MANY_CODECS = ("ogg", "mov", "matroska", "asf")
"""Containers that say little about the sound: their codec names the format."""

_NAMES = {"vorbis": "Vorbis", "opus": "Opus", "speex": "Speex", "wv": "WavPack", "iff": "DSD"}


def format_name(format: str) -> str:
    """Return the name of a format for users, such as "FLAC" for "flac/pcm_16", or "AAC" for "mov/aac"."""
    container, _, codec = format.partition("/")
    if container not in _MANY_CODECS:
        return _NAMES.get(container, container.upper())
    return "WMA" if codec.startswith("wma") else _NAMES.get(codec, codec.upper())
