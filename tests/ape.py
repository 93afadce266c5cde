"""Writes Monkey's Audio as its "fast" level and version 3.99 have it: FFmpeg reads it, and cannot write it.

A frame's samples are decorrelated (difference and middle), predicted from their neighbours by filters that
adapt with every sample, and what is left is written by a range coder, as quotient and rest of a number that
follows its mean size. It is the inverse of what FFmpeg's libavcodec/apedec.c does step by step.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np

VERSION, FAST = 3990, 1000
BLOCKS_PER_FRAME = 73_728
WITHOUT_WAV_HEADER = 32

# How often each quotient is expected, summed up; all from 20 on share the rest.
_CUMULATED = (
    0, 19578, 36160, 48417, 56323, 60899, 63265, 64435, 64971, 65232, 65351,
    65416, 65447, 65466, 65476, 65482, 65485, 65488, 65490, 65491,
)  # fmt: skip
_WIDTHS = (
    19578, 16582, 12257, 7906, 4576, 2366, 1170, 536, 261, 119, 65, 31, 19, 10, 6, 3, 3, 2, 1, 1,
)  # fmt: skip
_ESCAPE = 63
_TOP, _BOTTOM = 1 << 31, 1 << 23


def write_ape(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """Write 16-bit samples [shape=(n, 1 or 2), int16]."""
    samples = np.asarray(samples, np.int16)
    parts = [samples[begin : begin + BLOCKS_PER_FRAME] for begin in range(0, len(samples), BLOCKS_PER_FRAME)]
    frames = [_frame(part) for part in parts]
    begin = 52 + 24 + 4 * len(frames)
    places = begin + np.cumsum([0] + [len(frame) for frame in frames[:-1]])
    sound = b"".join(frames)
    descriptor = struct.pack(
        "<4sHHIIIIIII16s", b"MAC ", VERSION, 0, 52, 24, 4 * len(frames), 0, len(sound), 0, 0, bytes(16)
    )
    header = struct.pack(
        "<HHIIIHHI",
        FAST,
        WITHOUT_WAV_HEADER,
        BLOCKS_PER_FRAME,
        len(parts[-1]),
        len(frames),
        16,
        samples.shape[1],
        rate_hz,
    )
    path.write_bytes(descriptor + header + places.astype("<u4").tobytes() + sound)
    return path


def _frame(samples: np.ndarray) -> bytes:
    """Encode a frame: its checksum, and one number for each sample of each channel."""
    coder = _RangeCoder()
    for numbers in zip(*_residuals(samples.astype(np.int64)), strict=True):
        for channel, number in enumerate(numbers):
            coder.add(int(number), channel)
    content = struct.pack(">I", zlib.crc32(samples.tobytes()) >> 1) + coder.finished()
    content += bytes(-len(content) % 4)
    # The file holds words of 32 bits, the least significant byte first.
    return np.frombuffer(content, ">u4").astype("<u4").tobytes()


def _residuals(samples: np.ndarray) -> list[list[int]]:
    if samples.shape[1] == 1:
        return [_mono(samples[:, 0].tolist())]
    left, right = samples.T
    difference = right - left
    # Rounded towards zero, as C divides.
    middle = left + np.trunc(difference / 2).astype(np.int64)
    return _stereo(difference.tolist(), middle.tolist())


def _sign(value: int) -> int:
    """Return the opposite of a number's sign."""
    return (value < 0) - (value > 0)


class _Taps:
    """A filter over a signal's last value and its last differences, with weights that adapt."""

    def __init__(self, weights: tuple[int, ...]) -> None:
        self.weights = list(weights)
        self.values = [0] * len(weights)
        self.signs = [0] * len(weights)

    def predict(self, value: int) -> int:
        """Take the newest value in; predict the next."""
        # What was the newest becomes its difference to the value, and all others are a step older.
        self.values = [value, value - self.values[0], *self.values[1:-1]]
        self.signs = [_sign(value), _sign(self.values[1]), *self.signs[1:-1]]
        return sum(a * b for a, b in zip(self.values, self.weights, strict=True))

    def adapt(self, residual: int) -> None:
        """Move the weights by the sign of what was not foreseen."""
        if sign := _sign(residual):
            self.weights = [a + b * sign for a, b in zip(self.weights, self.signs, strict=True)]


_FIRST_WEIGHTS = (360, 317, -109, 98)


def _mono(signal: list[int]) -> list[int]:
    taps, last, smooth, residuals = _Taps(_FIRST_WEIGHTS), 0, 0, []
    for sample in signal:
        prediction = taps.predict(last) >> 10
        last = sample - (smooth * 31 >> 5)
        smooth = sample
        residuals.append(last - prediction)
        taps.adapt(residuals[-1])
    return residuals


def _stereo(difference: list[int], middle: list[int]) -> list[list[int]]:
    """Predict each channel from itself and from the other."""
    own = [_Taps(_FIRST_WEIGHTS) for _ in range(2)]
    other = [_Taps((0,) * 5) for _ in range(2)]
    last, smooth, crossed = [0, 0], [0, 0], [0, 0]
    residuals: list[list[int]] = [[], []]
    for samples in zip(difference, middle, strict=True):
        for channel, sample in enumerate(samples):
            prediction = own[channel].predict(last[channel])
            beside = smooth[1 - channel]
            prediction += other[channel].predict(beside - (crossed[channel] * 31 >> 5)) >> 1
            crossed[channel] = beside
            last[channel] = sample - (smooth[channel] * 31 >> 5)
            smooth[channel] = sample
            residual = last[channel] - (prediction >> 10)
            residuals[channel].append(residual)
            own[channel].adapt(residual)
            other[channel].adapt(residual)
    return residuals


class _RangeCoder:
    """Numbers to bytes: a carry runs back through what is written already."""

    def __init__(self) -> None:
        # The first byte means nothing.
        self._bytes = bytearray(1)
        self._low, self._range = 0, _TOP
        self._sums = [(1 << 10) * 16] * 2

    def add(self, number: int, channel: int) -> None:
        """Write a number; each channel has a mean size of its own."""
        size = 2 * number - 1 if number > 0 else -2 * number
        pivot = max(self._sums[channel] >> 5, 1)
        quotient, rest = divmod(size, pivot)
        self._quotient(quotient)
        if pivot < 0x10000:
            self._put(rest, 1, pivot)
        else:
            bits = max(0, pivot.bit_length() - 16)
            self._put(rest >> bits, 1, (pivot >> bits) + 1)
            self._put(rest & ((1 << bits) - 1), 1, 1 << bits)
        self._sums[channel] += (size + 1) // 2 - ((self._sums[channel] + 16) >> 5)

    def finished(self) -> bytes:
        """Return all bytes."""
        for _ in range(4):
            self._bytes.append(self._low >> 23)
            self._low = (self._low & (_BOTTOM - 1)) << 8
        return bytes(self._bytes) + bytes(4)

    def _quotient(self, quotient: int) -> None:
        if quotient < len(_WIDTHS):
            self._put(_CUMULATED[quotient], _WIDTHS[quotient], 1 << 16)
        elif quotient < _ESCAPE:
            self._put(quotient + 65_535 - _ESCAPE, 1, 1 << 16)
        else:
            self._put(65_535, 1, 1 << 16)
            self._put(quotient >> 16, 1, 1 << 16)
            self._put(quotient & 0xFFFF, 1, 1 << 16)

    def _put(self, begin: int, width: int, total: int) -> None:
        """Narrow the range down to a part of it."""
        while self._range <= _BOTTOM:
            self._bytes.append(self._low >> 23)
            self._low = (self._low & (_BOTTOM - 1)) << 8
            self._range <<= 8
        step = self._range // total
        self._low += step * begin
        self._range = step * width
        if self._low >= _TOP:
            self._low -= _TOP
            place = len(self._bytes) - 1
            while self._bytes[place] == 0xFF:
                self._bytes[place] = 0
                place -= 1
            self._bytes[place] += 1
