"""Average the channels of a sound, and find out whether they cancel each other."""

from __future__ import annotations

import numpy as np

CANCELLED_BELOW = 0.01
"""The channels cancel each other if their average has less than this share of their own power: -20 dB."""


def average_channels(block: np.ndarray) -> np.ndarray:
    """Average the channels of a block [shape=(m, channels), float32]."""
    if block.shape[1] == 2:
        # NumPy is slow along an axis of length 2.
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    return block.mean(axis=1, dtype=np.float32) if block.shape[1] > 1 else block[:, 0]


def audible_average(block: np.ndarray) -> np.ndarray:
    """Average the channels of a block, or return the loudest one if they cancel each other."""
    powers = ChannelPowers()
    powers.add(block, mean := average_channels(block))
    return mean if powers.louder_channel is None else block[:, powers.louder_channel]


def cancelled_note(channel: int) -> str:
    """Return the sentence for a song if one of its channels is embedded instead of their average."""
    return f"The channels cancel each other, so channel {channel + 1} alone was embedded."


class ChannelPowers:
    """Sums the power of channels and of their average, to find out whether they cancel each other."""

    def __init__(self) -> None:
        self._of_channels = self._of_mean = 0.0
        self._by_channel = 0.0
        self._of_all = self._of_mono = 0.0

    def add(self, block: np.ndarray, mean: np.ndarray) -> None:
        """Add a block [shape=(m, channels)] and its average [shape=(m,)]."""
        of_channels = float(np.vdot(block, block)) / block.shape[1]
        of_mean = float(np.vdot(mean, mean))
        self._of_channels += of_channels
        self._of_mean += of_mean
        self._of_all += of_channels * block.shape[1]
        self._of_mono += of_mean
        # The song as a whole cancels only if its loudest blocks do: compare the channels there.
        if of_mean < CANCELLED_BELOW * of_channels:
            self._by_channel = self._by_channel + np.einsum("nc,nc->c", block, block, dtype=np.float64)

    def add_alone(self, block: np.ndarray, channel: int) -> None:
        """Add a block of which only one channel is used, for `ratio`."""
        self._of_all += float(np.vdot(block, block))
        self._of_mono += float(np.vdot(block[:, channel], block[:, channel]))

    @property
    def ratio(self) -> float:
        """The power of all channels together, divided by that of the mono sound; 1 for silence."""
        return self._of_all / self._of_mono if self._of_mono > 0 else 1.0

    @property
    def louder_channel(self) -> int | None:
        """The loudest channel if the channels cancel each other, else None."""
        if self._of_mean < CANCELLED_BELOW * self._of_channels:
            return int(np.argmax(self._by_channel))
        return None
