"""List the formats that browsers play, and find what was made for them: FLAC copies and previews.

This module imports no library that decodes, because the web server imports it.
"""

from __future__ import annotations

from pathlib import Path

from explorer.util.cache import Cache

# Formats that Chromium, Firefox and Safari all play, from
# https://developer.mozilla.org/en-US/docs/Web/Media/Guides/Formats/Containers.
# The keys are the values of `AudioStream.format`: libsndfile and FFmpeg have different names for codecs, and
# songs.db keeps the name that the decoder gave when the song was indexed.
_PLAYABLE = {
    "mp3/mp3": "audio/mpeg",
    "mp3/mp3float": "audio/mpeg",
    "flac/flac": "audio/flac",
    "flac/pcm_s8": "audio/flac",
    "flac/pcm_16": "audio/flac",
    "flac/pcm_24": "audio/flac",
    "wav/pcm_u8": "audio/wav",
    "wav/pcm_16": "audio/wav",
    "wav/pcm_24": "audio/wav",
    "wav/pcm_s16le": "audio/wav",
    "wav/pcm_s24le": "audio/wav",
    "ogg/vorbis": "audio/ogg",
    "ogg/opus": "audio/ogg",
    "mov/aac": "audio/mp4",
    "aac/aac": "audio/aac",
}
HEAD_BYTES = 12
"""How many of a file's first bytes `playable_media_type` needs."""

MAX_CACHE_BYTES = 4 << 30
"""Limit of the folder of FLAC copies."""


def playable_media_type(format: str, head: bytes | None = None) -> str | None:
    """Return the media type of a file that browsers play without conversion; None for other files.

    Parameters
    ----------
    format : str
        The format that the library knows, such as `"mp3/mp3"`.
    head : bytes, optional
        The first `HEAD_BYTES` of the file. If they are those of another container than `format` names, the
        library's format is wrong: the file was replaced, or an older version gave it the format of another
        song with the same sound.
    """
    media_type = _PLAYABLE.get(format)
    if media_type is None or head is None:
        return media_type
    return media_type if _container_of(head) in (format.partition("/")[0], None) else None


def _container_of(head: bytes) -> str | None:
    """Return the container that a file's first bytes tell; None if they may be those of an MP3 or AAC file.

    Such files begin with a tag, a frame, or bytes that do not belong to the sound.
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide"):
        return "mov"
    names = {b"fLaC": "flac", b"OggS": "ogg", b"FORM": "aiff", b"RF64": "rf64", b"\x1aE\xdf\xa3": "matroska"}
    return names.get(head[:4])


def copies_in(cache: Path) -> Cache:
    """Return the cache of FLAC copies in a folder."""
    return Cache(cache, suffix=".flac", max_bytes=MAX_CACHE_BYTES)


def previews_in(cache: Path) -> Cache:
    """Return the cache of previews in a folder."""
    return Cache(cache, suffix=".mp3")


def preview_path(cache: Path, key: str) -> Path:
    """Return the path of a preview, whether it exists or not."""
    return previews_in(cache).path(key)
