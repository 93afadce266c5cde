"""Sound for browsers: what they play as it is, and FLAC copies of what they do not."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

import numpy as np
import soundfile
import soxr

from explorer.audio.decoding import AudioStream, open_audio
from explorer.audio.excerpts import fold_down
from explorer.errors import AudioError

# https://developer.mozilla.org/en-US/docs/Web/Media/Guides/Formats/Containers: what all of Chromium,
# Firefox and Safari play. Container and codec are those of explorer.audio.decoding.
_PLAYABLE = {
    "mp3/mp3": "audio/mpeg",
    "flac/pcm_16": "audio/flac",
    "flac/pcm_24": "audio/flac",
    "flac/pcm_s8": "audio/flac",
    "flac/flac": "audio/flac",
    "wav/pcm_u8": "audio/wav",
    "wav/pcm_16": "audio/wav",
    "wav/pcm_24": "audio/wav",
    "wav/pcm_s16le": "audio/wav",
    "ogg/vorbis": "audio/ogg",
    "ogg/opus": "audio/ogg",
    "mov/aac": "audio/mp4",
    "aac/aac": "audio/aac",
}
MAX_CACHE_BYTES = 4 << 30
MAX_RATE_HZ = 96_000
_lock = threading.Lock()


def browser_type(format: str) -> str | None:
    """Return the media type under which browsers play a format as it is, or None."""
    return _PLAYABLE.get(format)


def transcode(source: Path, *, cache: Path, key: str) -> Path:
    """Return a FLAC copy of a file: the cached one, or a new one.

    Parameters
    ----------
    cache : Path
        A folder of copies; the least recently used go when it outgrows 4 GiB.
    key : str
        Names the copy: the source's fingerprint.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or the copy cannot be written.
    """
    copy = cache / f"{key}.flac"
    # One at a time: two listeners of one song must not write the same copy twice.
    with _lock:
        try:
            cache.mkdir(parents=True, exist_ok=True)
            if copy.exists():
                os.utime(copy)
                return copy
            _write_whole(open_audio(source), copy)
            _shrink(cache, keep=copy)
        except OSError as error:
            raise AudioError(
                f"{source.name} cannot be made playable in {cache}: {error.strerror}."
            ) from error
    return copy


def _write_whole(stream: AudioStream, copy: Path) -> None:
    """Write under another name first: a copy that exists is whole."""
    handle, name = tempfile.mkstemp(dir=copy.parent, suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        _write_flac(stream, part)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)


def _write_flac(stream: AudioStream, target: Path) -> None:
    channels = min(stream.channels, 2)
    rate = stream.sample_rate_hz
    resampler = None
    if rate > MAX_RATE_HZ:
        resampler = soxr.ResampleStream(rate, 48_000, channels, dtype="float32", quality="HQ")
        rate = 48_000
    try:
        with soundfile.SoundFile(
            target, "w", samplerate=rate, channels=channels, format="FLAC", subtype="PCM_16"
        ) as file:
            for block in stream.blocks():
                block = fold_down(block)
                file.write(resampler.resample_chunk(block) if resampler else block)
            if resampler:
                file.write(resampler.resample_chunk(np.empty((0, channels), np.float32), last=True))
    except soundfile.LibsndfileError as error:
        raise AudioError(f"{stream.path.name} cannot be made playable: {error}.") from error


def _shrink(cache: Path, *, keep: Path) -> None:
    copies = sorted(cache.glob("*.flac"), key=lambda path: path.stat().st_mtime)
    size = sum(path.stat().st_size for path in copies)
    for path in copies:
        if size <= MAX_CACHE_BYTES:
            return
        if path != keep:
            size -= path.stat().st_size
            path.unlink(missing_ok=True)
