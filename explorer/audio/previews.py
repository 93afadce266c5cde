"""Previews: twenty seconds of each song, equally loud, as MP3, which every browser plays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from explorer.audio.caching import cached_path, one_at_a_time, writing
from explorer.audio.decoding import claimed_duration, open_audio
from explorer.audio.excerpts import read_excerpt
from explorer.audio.loudness import bring_to, integrated_loudness, to_decibels, true_peaks
from explorer.errors import AudioError

PREVIEW_S = 20.0
FADE_IN_S = 0.015
FADE_OUT_S = 0.4
LOUDNESS_LUFS = -16.0
PEAK_DB = -1.0
"""dBTP that no decoded preview reaches."""

MOST_GAIN_DB = 30.0
"""What is quieter than this can lift is noise, or meant to be hardly there."""

SILENT_DB = -60.0
SILENT_BELOW_LOUDEST_DB = -35.0
"""Sound is silence below either: dBFS, and dB relative to the loudest moment."""

_KBPS = {1: 64, 2: 96}
# libsndfile's scale of MPEG-1 bit rates: 0 for 320 kbit/s, 1 for 32.
_MOST_KBPS, _LEAST_KBPS = 320, 32
# LAME makes everything a little quieter, so that less of it clips.
_LAMES_SCALE = 0.95
# An encoder moves peaks by a decibel or more, and loudness by what it leaves out.
_HEADROOM_DB = 1.0
_TOLERANCE_LU = 0.3
_ATTEMPTS = 5
_SEARCHED_S = 60.0


def preview(
    source: Path, *, cache: Path, key: str, start_s: float | None, seconds: float = PREVIEW_S
) -> Path:
    """Return a song's preview: the cached one, or a new one.

    Parameters
    ----------
    cache : Path
        The folder of previews.
    key : str
        Names the preview: the source's fingerprint.
    start_s : float or None
        Where the song is most itself; None where nobody knows, and then it begins a third into the
        song, past silence.
    seconds : float
        How long it is; a song shorter than that is taken whole.

    Raises
    ------
    AudioError
        If the source cannot be decoded or holds no sound, or the preview cannot be written.
    """
    target = preview_path(cache, key)
    with one_at_a_time(target):
        if not target.exists():
            write_preview(source, cache=cache, key=key, start_s=start_s, seconds=seconds)
    return target


def preview_path(cache: Path, key: str) -> Path:
    """Return where a preview is, or would be."""
    return cached_path(cache, key, ".mp3")


def write_preview(
    source: Path, *, cache: Path, key: str, start_s: float | None, seconds: float = PREVIEW_S
) -> None:
    """Make a preview, also where there is one: parameters and errors as in `preview`."""
    if start_s is None:
        start_s = find_start(source, seconds=seconds)
    samples, rate = read_excerpt(source, start_s=start_s, seconds=seconds)
    samples, rate = _at_encoders_rate(samples, rate)
    samples = fade(samples, rate)
    try:
        with writing(preview_path(cache, key), cache=cache) as part:
            _encode_loud_enough(part, samples, rate)
    except OSError as error:
        raise AudioError(
            f"The preview of {source.name} cannot be written in {cache}: {error.strerror}."
        ) from error
    except soundfile.LibsndfileError as error:
        raise AudioError(f"The preview of {source.name} cannot be written: {error}.") from error


def find_start(path: Path, *, seconds: float = PREVIEW_S) -> float:
    """Choose where a preview begins by the sound alone: a third into the song, past silence.

    The first half second that is not silent among the minute that begins a third into the song; where
    there is none, or no length can be had, the song's first that is not silent.

    Returns
    -------
    float
        Seconds; 0 for a song that is shorter than `seconds`, or silent.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or holds no sound.
    """
    duration_s = _likely_duration(path)
    if duration_s <= seconds:
        return 0.0
    third = min(duration_s / 3, duration_s - seconds)
    for begin in (third, 0.0):
        # Asked for more than there is, it would give the file's last part instead.
        searched_s = min(_SEARCHED_S, duration_s - begin - 0.1)
        samples, rate = read_excerpt(path, start_s=begin, seconds=searched_s)
        passed = _silence_s(samples, rate)
        if passed is not None:
            return max(0.0, min(begin + passed, duration_s - seconds))
    return 0.0


def _likely_duration(path: Path) -> float:
    """Return a file's duration by its header, where sound is found near its end; else by decoding."""
    claimed_s = claimed_duration(path)
    if claimed_s > 0:
        try:
            ending = open_audio(path, start_s=max(0.0, claimed_s - 1.0)).blocks()
            if next(ending, None) is not None:
                return claimed_s
        except AudioError:
            pass  # It cannot seek there, or ends before.
    stream = open_audio(path)
    for _ in stream.blocks():
        pass
    return stream.duration_s


def _silence_s(samples: np.ndarray, rate: int) -> float | None:
    """Return how much silence sound begins with, in steps of 0.5 s; None where there is nothing else."""
    levels = levels_db(samples.reshape(-1), max(1, rate // 2) * samples.shape[1])
    heard = np.flatnonzero(is_heard(levels))
    return None if not len(heard) else float(heard[0]) / 2


def levels_db(samples: np.ndarray, size: int) -> np.ndarray:
    """Return the RMS of each stretch of samples, in dBFS.

    Parameters
    ----------
    samples : np.ndarray [shape=(n,)]
    size : int
        Samples in a stretch; what remains at the end has one of its own.

    Returns
    -------
    np.ndarray [shape=(ceil(n / size),), float64]
    """
    padded = np.zeros(-(-len(samples) // size) * size, np.float64)
    padded[: len(samples)] = samples
    power = np.square(padded).reshape(-1, size).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-20))


def is_heard(levels: np.ndarray) -> np.ndarray:
    """Tell sound from silence.

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


def fade(samples: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """Let sound come and go: 15 ms and 400 ms, each at most a quarter of it.

    Parameters
    ----------
    samples : np.ndarray [shape=(n, channels), float32]

    Returns
    -------
    np.ndarray [shape=(n, channels), float32]
    """
    faded = samples.copy()
    coming = min(round(FADE_IN_S * sample_rate_hz), len(samples) // 4)
    going = min(round(FADE_OUT_S * sample_rate_hz), len(samples) // 4)
    faded[:coming] *= _rise(coming)[:, None]
    faded[len(faded) - going :] *= _rise(going)[::-1, None]
    return faded


def _rise(count: int) -> np.ndarray:
    """From 0 to 1 along half a cosine, without corners."""
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(count, 1))).astype(np.float32)


def _at_encoders_rate(samples: np.ndarray, rate: int) -> tuple[np.ndarray, int]:
    """Resample to 44.1 or 48 kHz: MP3's other rates have other bit rates, and higher ones it has not."""
    target = 44_100 if rate % 11_025 == 0 else 48_000
    if rate == target:
        return samples, rate
    return soxr.resample(samples, rate, target, quality="HQ").astype(np.float32, copy=False), target


def _encode_loud_enough(target: Path, samples: np.ndarray, rate: int) -> None:
    """Write the MP3 again until, decoded, it has its loudness and no peak above the limit."""
    wanted, ceiling = LOUDNESS_LUFS, PEAK_DB - _HEADROOM_DB
    for attempt in range(_ATTEMPTS):
        louder = bring_to(samples, rate, loudness_lufs=wanted, ceiling_db=ceiling, most_gain_db=MOST_GAIN_DB)
        _encode(target, louder, rate)
        decoded, _ = soundfile.read(target, dtype="float32", always_2d=True)
        over = to_decibels(float(true_peaks(decoded).max(initial=0.0))) - PEAK_DB
        # Of what the gain's limit has left quieter, only what the encoder took is made up for.
        aimed = min(LOUDNESS_LUFS, integrated_loudness(louder, rate) + LOUDNESS_LUFS - wanted)
        missing = aimed - integrated_loudness(decoded, rate)
        # Of silence nothing is missing: that is NaN.
        if over < -0.05 and not abs(missing) > _TOLERANCE_LU:
            return
        if over >= -0.05:
            ceiling -= over + 0.3 * (attempt + 1)
        if np.isfinite(missing):
            wanted += missing
    if over >= 0:
        # Rather a little quieter than clipped.
        _encode(target, louder * np.float32(10 ** (-(over + 1) / 20)), rate)


def _encode(target: Path, samples: np.ndarray, rate: int) -> None:
    channels = samples.shape[1]
    level = (_MOST_KBPS - _KBPS[channels]) / (_MOST_KBPS - _LEAST_KBPS)
    soundfile.write(
        target,
        samples * np.float32(1 / _LAMES_SCALE),
        rate,
        format="MP3",
        subtype="MPEG_LAYER_III",
        bitrate_mode="CONSTANT",
        compression_level=level,
    )
