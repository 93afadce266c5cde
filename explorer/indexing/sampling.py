"""Reads a few windows of a song, spread evenly over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.audio.decoder import Decoder
from explorer.embedding.frontend import SAMPLE_RATE_HZ, windows
from explorer.library.music_file import WHOLE, Part


@dataclass(frozen=True, eq=False)
class SampledWindows:
    """Some windows of a song: their samples, their numbers, and what decoding found out."""

    windows: np.ndarray
    numbers: np.ndarray
    duration_s: float
    format: str
    note: str


def sampled_windows(
    decoder: Decoder, path: Path, *, count: int, hop_s: float, part: Part = WHOLE, channel: int | None = None
) -> SampledWindows:
    """Decode a song, and return `count` of its windows, or all of them if it has no more."""
    if part.track:
        (sound,) = decoder.sounds(path, rate_hz=SAMPLE_RATE_HZ, parts={part: channel})
    else:
        sound = decoder.sound(path, rate_hz=SAMPLE_RATE_HZ, channel=channel)
    rows = np.concatenate(list(windows(sound.blocks(), hop_s=hop_s, batch_size=8)))
    numbers = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))
    return SampledWindows(rows[numbers], numbers, sound.duration_s, sound.format, sound.note)
