"""Make FLAC copies of files in formats that browsers do not play, and of tracks."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr

from explorer.audio.excerpts import downmix
from explorer.audio.limiter import limit_samples
from explorer.audio.song_parts import open_part
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Part

MAX_COPY_RATE_HZ = 96_000
MAX_COPY_BYTES = 4 << 30
"""About ten hours of music. A small file can hold days of sound, whose copy would fill the disk."""

_FULL_BELOW_BYTES = 1 << 20


def write_copy(source: Path, target: Path, *, part: Part = WHOLE) -> None:
    """Write a FLAC copy of a song.

    Parameters
    ----------
    source, target : Path
        The song's file, and the file to write.
    part : Part
        The part of the source that is the song.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or the copy cannot be written.
    """
    stream = open_part(source, part)
    channels = min(stream.channels, 2)
    rate = stream.sample_rate_hz
    resampler = None
    if rate > MAX_COPY_RATE_HZ:
        resampler = soxr.ResampleStream(rate, 48_000, channels, dtype="float32", quality="HQ")
        rate = 48_000
    try:
        with soundfile.SoundFile(
            target, "w", samplerate=rate, channels=channels, format="FLAC", subtype="PCM_16"
        ) as file:
            for block in stream.blocks():
                block = downmix(block)
                if target.stat().st_size > MAX_COPY_BYTES:
                    raise AudioError(
                        f"{source.name} is too long: its playable copy would be larger than "
                        f"{MAX_COPY_BYTES >> 30} GB."
                    )
                file.write(limit_samples(resampler.resample_chunk(block) if resampler else block))
            if resampler:
                rest = resampler.resample_chunk(np.empty((0, channels), np.float32), last=True)
                file.write(limit_samples(rest))
    except soundfile.LibsndfileError as error:
        reason = reason_not_written(target, error)
        raise AudioError(f"A playable copy of {source.name} cannot be written: {reason}.") from error


def reason_not_written(target: Path, error: soundfile.LibsndfileError) -> str:
    """Return why a sound file cannot be written; libsndfile does not tell that the disk is full."""
    with suppress(OSError):
        if shutil.disk_usage(target.parent).free < _FULL_BELOW_BYTES:
            return f"the disk of {target.parent} is full, so make room there"
    return error.error_string.rstrip(".")
