"""Measures the features of songs that are in the library already, by decoding their file once more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from explorer.audio.decoding import open_audio
from explorer.audio.feature_meter import METER_RATE_HZ, FeatureMeter
from explorer.audio.song_parts import Cutter
from explorer.errors import AudioError
from explorer.library.music_file import Part
from explorer.structure.song_features import SongFeatures

_ALIVE_EVERY_S = 60.0
"""Seconds of sound: decoding them takes a fraction of a second."""


def measure_parts(
    path: Path, parts: Sequence[Part], *, alive: Callable[[], object], limit_s: float
) -> list[SongFeatures]:
    """Measure the features of parts of a file, as an index run does while it embeds them.

    Parameters
    ----------
    parts : sequence of Part
        In their order, without overlaps.
    alive : callable
        Called again and again while the file is decoded.
    limit_s : float
        The file fails if it is longer.

    Returns
    -------
    list of SongFeatures
        One for each part. If its channels cancel each other, they are those of its louder channel.

    Raises
    ------
    AudioError
        If the file cannot be decoded, or is too long.
    """
    measured: dict[Part, SongFeatures] = {}
    channels: Mapping[Part, int | None] = dict.fromkeys(parts)
    while channels:
        channels = _measure(path, channels, measured, alive=alive, limit_s=limit_s)
    return [measured[part] for part in parts]


def _measure(
    path: Path,
    channels: Mapping[Part, int | None],
    measured: dict[Part, SongFeatures],
    *,
    alive: Callable[[], object],
    limit_s: float,
) -> dict[Part, int | None]:
    """Measure parts, and return those that must be measured again, with the channel to use."""
    again: dict[Part, int | None] = {}
    stream = open_audio(path)
    cutter = Cutter(stream.unchecked_blocks())
    for part, channel in channels.items():
        piece, meter = stream.part(cutter.take(*part.samples(stream.sample_rate_hz))), FeatureMeter()
        told_s = 0.0
        for block in piece.mono(sample_rate_hz=METER_RATE_HZ, channel=channel):
            meter.add(block)
            if piece.duration_s > told_s + _ALIVE_EVERY_S:
                told_s = piece.duration_s
                alive()
            if part.start_s + piece.duration_s > limit_s:
                raise AudioError(f"{path.name} is longer than {limit_s / 3600:g} hours.")
        if channel is None and piece.louder_channel is not None:
            again[part] = piece.louder_channel
        else:
            measured[part] = meter.features(channel_power=piece.channel_power)
    stream.close()
    return again
