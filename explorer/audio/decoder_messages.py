"""The messages from a decoding process to its parent. The parent imports no library that decodes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from explorer.structure.song_features import SongFeatures


class Answer(NamedTuple):
    """One message to the parent process.

    Attributes
    ----------
    kind : {"ready", "alive", "format", "sound", "part", "end", "failed"}
    value : object
        By kind: "ready" and "alive" None; "format" the format's name and the duration that the header claims;
        "sound" samples [shape=(m,), float32]; "part" what is known after a part of the file was decoded;
        "end" the job's result; "failed" the error message.
    duration_s : float
        For "sound": duration of the sound decoded so far.
    """

    kind: str
    value: object = None
    duration_s: float = 0.0


class SoundEnd(NamedTuple):
    """What is known after a file was decoded: the attributes of `AudioStream` with these names.

    `features` is None unless the job was asked to measure them.
    """

    duration_s: float
    note: str
    louder_channel: int | None
    features: SongFeatures | None = None


class SampledWindows(NamedTuple):
    """Some windows of a song, spread evenly over it.

    Attributes
    ----------
    windows : np.ndarray [shape=(k, 48000), float32]
        Mono samples at 48 kHz, with the zeros before the song's first and after its last sample.
    numbers : np.ndarray [shape=(k,), int64]
        Which windows they are, counted from 0 as the full pass counts.
    n_windows : int
        How many windows the song has in all.
    duration_s : float
        The song's duration.
    decoded_s : float
        How much sound was decoded for it; more than `duration_s` if the song was decoded twice.
    format : str
        Container and codec.
    note : str
        A sentence about what was unusual in the sound that was decoded; usually empty.
    louder_channel : int or None
        See `AudioStream.louder_channel`: only the sound that was decoded is compared.
    """

    windows: np.ndarray
    numbers: np.ndarray
    n_windows: int
    duration_s: float
    decoded_s: float
    format: str
    note: str
    louder_channel: int | None
