"""Make previews: 20 seconds of each song, at -16 LUFS or quieter, as MP3, which every browser plays."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path

import numpy as np
import soundfile
import soxr

from explorer.audio.decoding import claimed_duration, open_audio
from explorer.audio.excerpts import read_excerpt
from explorer.audio.limiter import limit_samples
from explorer.audio.loudness import gain_to, true_peak_db
from explorer.audio.transcoding import reason_not_written
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Part

PREVIEW_S = 20.0
FADE_IN_S = 0.015
FADE_OUT_S = 0.4
LOUDNESS_LUFS = -16.0
"""Loudness of a preview. It is quieter if its peaks would exceed `PEAK_DB`, or the gain `MAX_GAIN_DB`."""

PEAK_DB = -1.0
"""All peaks of a decoded preview are below this level, in dBTP."""

MAX_GAIN_DB = 30.0
"""Sound that needs more gain is noise, or is meant to be almost inaudible."""

SILENT_DB = -60.0
SILENT_BELOW_LOUDEST_DB = -35.0
"""A level counts as silence if it is at most `SILENT_DB`, in dBFS, or at least this far below the loudest."""

_KBPS = {1: 64, 2: 96}
# libsndfile maps MPEG-1 bit rates to compression levels: 0 for 320 kbit/s, 1 for 32 kbit/s.
_MAX_KBPS, _MIN_KBPS = 320, 32
# LAME multiplies all samples by this factor before it encodes them.
_LAME_SCALE = 0.95
_PEAK_MARGIN_DB = 0.1
_START_SEARCH_S = 60.0


def write_preview(source: Path, target: Path, *, start_s: float | None, part: Part = WHOLE) -> None:
    """Write a song's preview.

    Parameters
    ----------
    source, target : Path
        The song's file, and the file to write.
    start_s : float or None
        Start of the preview in the song. If it is None, because the song has no embedding to choose it by,
        `find_start` chooses it.
    part : Part
        The part of the source that is the song, with an end.

    Raises
    ------
    AudioError
        If the source cannot be decoded or holds no sound, or the preview cannot be written.
    """
    seconds = PREVIEW_S
    if part.track:
        length_s = part.end_s - part.start_s
        seconds = min(PREVIEW_S, length_s)
        start_in_part_s = length_s / 3 if start_s is None else start_s
        start_s = part.start_s + min(start_in_part_s, length_s - seconds)
    elif start_s is None:
        start_s = find_start(source)
    samples, rate = read_excerpt(source, start_s=start_s, seconds=seconds)
    samples, rate = _resample_for_mp3(samples, rate)
    if not len(samples):
        raise AudioError(f"{source.name} is too short for a preview.")
    try:
        _encode_below_peak(target, _fade(samples, rate), rate)
    except soundfile.LibsndfileError as error:
        reason = reason_not_written(target, error)
        raise AudioError(f"The preview of {source.name} cannot be written: {reason}.") from error


def find_start(path: Path) -> float:
    """Choose the start of a preview without an embedding: a third into the song, after any silence.

    The start is the first half second with sound in the minute that begins after a third of the song. If
    that minute is silent, the start is the first half second with sound in the song's first minute.

    Returns
    -------
    float
        Seconds; 0 for a song that is shorter than a preview, or silent.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or holds no sound.
    """
    duration_s = _duration(path)
    if duration_s <= PREVIEW_S:
        return 0.0
    third_s = min(duration_s / 3, duration_s - PREVIEW_S)
    for search_start_s in (third_s, 0.0):
        # End 0.1 s before the end of the file: if an excerpt reaches beyond the end, `read_excerpt` returns
        # the file's last part, which starts earlier.
        seconds = min(_START_SEARCH_S, duration_s - search_start_s - 0.1)
        samples, rate = read_excerpt(path, start_s=search_start_s, seconds=seconds)
        silence_s = _leading_silence(samples, rate)
        if silence_s is not None:
            return max(0.0, min(search_start_s + silence_s, duration_s - PREVIEW_S))
    return 0.0


def _duration(path: Path) -> float:
    """Return a file's duration.

    If there is sound in the last second of the duration that the header claims, the header is right.
    Otherwise the whole file is decoded to measure its duration.
    """
    claimed_s = claimed_duration(path)
    if claimed_s > 0:
        # An AudioError means that seeking to that position fails, or the sound ends before it.
        with suppress(AudioError), closing(open_audio(path, start_s=max(0.0, claimed_s - 1.0))) as ending:
            if next(ending.blocks(), None) is not None:
                return claimed_s
    stream = open_audio(path)
    for _ in stream.blocks():
        pass
    return stream.duration_s


def _leading_silence(samples: np.ndarray, rate: int) -> float | None:
    """Return the seconds of silence at the beginning, in steps of 0.5 s; None if all samples are silent."""
    size = max(1, rate // 2)
    squares = np.square(samples, dtype=np.float64).mean(axis=1)
    power = np.add.reduceat(squares, np.arange(0, len(squares), size)) / size
    audible = np.flatnonzero(is_heard(10 * np.log10(np.maximum(power, 1e-20))))
    return float(audible[0]) / 2 if len(audible) else None


def is_heard(levels: np.ndarray) -> np.ndarray:
    """Return which levels are not silence.

    Parameters
    ----------
    levels : np.ndarray [shape=(n,)]
        In dBFS.

    Returns
    -------
    np.ndarray [shape=(n,), bool]
    """
    loudest = levels.max(initial=-np.inf)
    return levels > max(SILENT_DB, loudest + SILENT_BELOW_LOUDEST_DB)


def _fade(samples: np.ndarray, rate: int) -> np.ndarray:
    """Fade sound [shape=(n, channels)] in and out; each fade takes at most a quarter of the sound."""
    faded = samples.copy()
    n_in, n_out = (min(round(s * rate), len(samples) // 4) for s in (FADE_IN_S, FADE_OUT_S))
    faded[:n_in] *= np.hanning(2 * n_in)[:n_in, None]
    faded[len(faded) - n_out :] *= np.hanning(2 * n_out)[n_out:, None]
    return faded


def _resample_for_mp3(samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """Resample to 44.1 or 48 kHz: MP3 has other bit rates at lower sample rates, and lacks higher ones."""
    target = 44_100 if rate % 11_025 == 0 else 48_000
    if rate == target:
        return samples, rate
    return soxr.resample(samples, rate, target, quality="HQ").astype(np.float32, copy=False), target


def _encode_below_peak(target: Path, samples: np.ndarray, rate: int) -> None:
    """Write the MP3; while the encoder makes peaks above `PEAK_DB`, write it again with less gain."""
    gain_db = gain_to(samples, rate, loudness_lufs=LOUDNESS_LUFS, peak_db=PEAK_DB, max_gain_db=MAX_GAIN_DB)
    while True:
        _encode(target, samples * np.float32(10 ** (gain_db / 20)), rate)
        over_db = true_peak_db(soundfile.read(target, dtype="float32", always_2d=True)[0]) - PEAK_DB
        if over_db < 0:
            break
        gain_db -= over_db + _PEAK_MARGIN_DB


def _encode(target: Path, samples: np.ndarray, rate: int) -> None:
    channels = samples.shape[1]
    level = (_MAX_KBPS - _KBPS[channels]) / (_MAX_KBPS - _MIN_KBPS)
    soundfile.write(
        target,
        # Full scale is that of the samples after LAME has multiplied them.
        limit_samples(samples) * np.float32(1 / _LAME_SCALE),
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=level,
    )
