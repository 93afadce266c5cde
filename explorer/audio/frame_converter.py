"""Convert FFmpeg's frames to blocks of samples of one rate and one channel layout."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

_BLOCK_SAMPLES = 65_536

_FULL_BLOCK_CHANNELS = 8
"""Files with more channels are read in shorter blocks, because a header may claim a thousand channels."""


def block_samples(channels: int) -> int:
    """Return how many samples a block of a file with so many channels has."""
    return max(1, _BLOCK_SAMPLES * _FULL_BLOCK_CHANNELS // max(_FULL_BLOCK_CHANNELS, channels))


class FrameConverter:
    """Converts all frames to one sample rate and channel layout, and joins them to blocks.

    A file may change its rate and layout midway.
    """

    def __init__(self, layout: object, rate: int) -> None:
        self._layout = layout
        self._rate = rate
        self._n_channels = len(layout.channels)
        self._resampler: av.AudioResampler | None = None
        self._input_kind: tuple | None = None

    def blocks(self, frame: object | None) -> Iterator[np.ndarray]:
        """Convert a frame, and yield arrays [shape=(m, channels), float32]; None flushes the resampler."""
        kind = frame and (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._input_kind:
            if self._resampler:
                yield from self._arrays(None)
            # "flt", not planar "fltp": with the eight planes of 7.1, PyAV reads past the planes and crashes.
            self._resampler = av.AudioResampler(
                format="flt",
                layout=self._layout,
                rate=self._rate,
                frame_size=block_samples(self._n_channels),
            )
            self._input_kind = kind
        if frame:
            yield from self._arrays(frame)

    def _arrays(self, frame: object | None) -> Iterator[np.ndarray]:
        for out in self._resampler.resample(frame):
            if out is not None:
                yield out.to_ndarray().reshape(-1, self._n_channels)
