"""The messages from a decoding process to its parent. The parent imports no library that decodes."""

from __future__ import annotations

from typing import NamedTuple


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
    """What is known after a file was decoded: the attributes of `AudioStream` with these names."""

    duration_s: float
    note: str
    louder_channel: int | None
