"""A part of a file, without decoding what lies before it wherever that is possible."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from explorer.audio.decoding import AudioStream, open_audio
from explorer.errors import AudioError


def read_excerpt(path: Path, *, start_s: float, seconds: float) -> tuple[np.ndarray, int]:
    """Read a part of a file, as mono or stereo.

    The file is sought; where its header lies or its format cannot seek, it is decoded from the beginning and
    what lies before the part is dropped. A file that ends before the part does gives its last `seconds`.

    Parameters
    ----------
    start_s : float
        Where the part begins, in seconds from the file's start.
    seconds : float
        How long it is.

    Returns
    -------
    samples : np.ndarray [shape=(n, channels), float32]
        Finite; one or two channels, surround folded down to both sides. Fewer than asked for only
        where the whole file is shorter.
    sample_rate_hz : int

    Raises
    ------
    AudioError
        If the file cannot be decoded, or holds no sound.
    """
    if start_s > 0:
        try:
            samples, rate = _read(open_audio(path, start_s=start_s), 0.0, seconds)
            if len(samples) >= round(seconds * rate):
                return samples, rate
        except AudioError:
            pass  # It may still be possible to decode it from its beginning.
    samples, rate = _read(open_audio(path), start_s, seconds)
    if not len(samples):
        raise AudioError(f"{path.name} holds no sound.")
    return samples, rate


def fold_down(block: np.ndarray) -> np.ndarray:
    """Reduce surround [shape=(m, channels)] to the average on both sides [shape=(m, 2)]."""
    if block.shape[1] <= 2:
        return block
    return np.repeat(block.mean(axis=1, keepdims=True, dtype=np.float32), 2, axis=1)


def _read(stream: AudioStream, start_s: float, seconds: float) -> tuple[np.ndarray, int]:
    """Return a part of a stream; where the stream ends before the part does, the stream's last part."""
    rate = stream.sample_rate_hz
    wanted = round(seconds * rate)
    end = round(start_s * rate) + wanted
    kept, held, count = [np.empty((0, min(stream.channels, 2)), np.float32)], 0, 0
    for block in _tidy(stream):
        kept.append(block)
        count += len(block)
        held += len(block)
        # The last block may reach beyond the part: so much more must be held.
        while held - len(kept[0]) - len(block) >= wanted:
            held -= len(kept.pop(0))
        if count >= end:
            break
    surplus = max(0, count - end)
    samples = np.concatenate(kept)
    samples = samples[: len(samples) - surplus]
    return samples[max(0, len(samples) - wanted) :], rate


def _tidy(stream: AudioStream) -> Iterator[np.ndarray]:
    for block in stream.blocks():
        yield np.nan_to_num(fold_down(block), nan=0.0, posinf=0.0, neginf=0.0)
