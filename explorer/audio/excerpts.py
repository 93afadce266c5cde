"""Read a part of a file, by seeking if possible, else by decoding from the beginning."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.audio.decoding import AudioStream, open_audio
from explorer.errors import AudioError


def read_excerpt(path: Path, *, start_s: float, seconds: float) -> tuple[np.ndarray, int]:
    """Read a part of a file, as mono or stereo.

    The function seeks to the part. If that fails, or the header claims a wrong length, it decodes the file
    from the beginning and drops the samples before the part. If the file ends before the part does, the
    result is the file's last `seconds`.

    Parameters
    ----------
    start_s : float
        Start of the part, in seconds from the file's start.
    seconds : float
        Length of the part.

    Returns
    -------
    samples : np.ndarray [shape=(n, channels), float32]
        Finite, with one or two channels; see `downmix`. It has fewer samples than requested only if the whole
        file is shorter.
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
            pass  # Decoding from the beginning may still work.
    samples, rate = _read(open_audio(path), start_s, seconds)
    if not len(samples):
        raise AudioError(f"{path.name} holds no sound.")
    return samples, rate


def downmix(block: np.ndarray) -> np.ndarray:
    """Convert more than two channels to stereo [shape=(m, 2)], with the average of all in both channels."""
    if block.shape[1] <= 2:
        return block
    return np.repeat(block.mean(axis=1, keepdims=True, dtype=np.float32), 2, axis=1)


def _read(stream: AudioStream, start_s: float, seconds: float) -> tuple[np.ndarray, int]:
    """Return a part of a stream; if the stream ends before the part does, the stream's last part."""
    rate = stream.sample_rate_hz
    n_wanted = round(seconds * rate)
    end = round(start_s * rate) + n_wanted
    blocks, n_held, n_decoded = [np.empty((0, min(stream.channels, 2)), np.float32)], 0, 0
    for block in map(downmix, stream.blocks()):
        blocks.append(block)
        n_decoded += len(block)
        n_held += len(block)
        # Drop the first block only if the blocks between it and the last one contain `n_wanted` samples: the
        # last block may reach beyond the part.
        while n_held - len(blocks[0]) - len(block) >= n_wanted:
            n_held -= len(blocks.pop(0))
        if n_decoded >= end:
            break
    n_beyond = max(0, n_decoded - end)
    samples = np.concatenate(blocks)
    samples = samples[: len(samples) - n_beyond]
    return samples[max(0, len(samples) - n_wanted) :], rate
