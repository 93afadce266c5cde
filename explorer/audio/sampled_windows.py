"""Read a few windows of a song, spread evenly over it, without decoding all of its sound."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

import av
import numpy as np

from explorer.audio.decoder_messages import Answer, SampledWindows
from explorer.audio.decoding import AudioStream
from explorer.audio.song_parts import open_part
from explorer.audio.sparse_decoding import NotExactError, Piece, SparseDecoder
from explorer.embedding.window_grid import (
    PADDING_SAMPLES,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    choose_windows,
    count_windows,
    hop_samples,
)
from explorer.errors import AudioError
from explorer.library.music_file import Part

RUN_IN_S = 0.05
"""How much sound before and after a window is resampled with it. The resampler's filter is shorter, so the
window's samples do not depend on what lies further away."""

MAX_SHARE = 0.5
"""If more than this share of a song would be decoded, all of it is decoded, which is as fast."""

_MAX_PASSES = 4
_ALIVE_EVERY_S = 600.0
"""How much sound is decoded between two signs of life."""


class _Windows:
    """The windows that are read in one pass over a song.

    Parameters
    ----------
    n_samples : int
        The song's length at 48 kHz, right or wrong; 0 if nothing is known about it.
    """

    def __init__(self, n_samples: int, *, count: int, hop_s: float) -> None:
        self.n_windows = count_windows(n_samples, hop_s=hop_s) if n_samples else 0
        self.numbers = choose_windows(self.n_windows, count=count)
        starts = self.numbers * hop_samples(hop_s=hop_s) - PADDING_SAMPLES
        self.ranges = [(max(0, start), start + WINDOW_SAMPLES) for start in starts.tolist()]
        self.rows = np.zeros((len(self.ranges), WINDOW_SAMPLES), np.float32)

    def result(self, stream: AudioStream, duration_s: float, decoded_s: float) -> SampledWindows:
        """Return the windows, and what a stream knows about the song."""
        return SampledWindows(
            self.rows,
            self.numbers,
            self.n_windows,
            duration_s,
            decoded_s,
            stream.format,
            stream.note,
            stream.louder_channel,
        )

    def add(self, number: int, position: int, samples: np.ndarray) -> None:
        """Put samples at 48 kHz into the window at an index; those outside the window are left out."""
        start, end = self.ranges[number]
        first, last = max(start, position), min(end, position + len(samples))
        if first < last:
            offset = end - WINDOW_SAMPLES
            self.rows[number, first - offset : last - offset] = samples[first - position : last - position]


def resampled_length(n_samples: int, *, rate_hz: int) -> int:
    """Return how many samples at 48 kHz the resampler makes of a sound: the nearest number, or the larger."""
    return (2 * n_samples * SAMPLE_RATE_HZ + rate_hz) // (2 * rate_hz)


def sample_windows(
    path: Path,
    send: Callable[[Answer], None],
    *,
    count: int,
    hop_s: float,
    part: Part,
    channel: int | None,
    limit_s: float,
) -> SampledWindows:
    """Read windows of a song of up to `limit_s`: see `Decoder.sampled_windows`."""
    make_windows = partial(_Windows, count=count, hop_s=hop_s)
    try:
        with closing(SparseDecoder(path)) as decoder:
            sampled = _read_sparsely(decoder, make_windows, part, channel, limit_s)
    except (NotExactError, AudioError, av.FFmpegError, OSError):
        # Decoding the whole file works, or tells the problem.
        return _read_whole(path, send, make_windows, part, channel, limit_s)
    _check_length(path, part, sampled.duration_s, limit_s)
    return sampled


def _check_length(path: Path, part: Part, duration_s: float, limit_s: float) -> None:
    if part.start_s + duration_s > limit_s:
        raise AudioError(f"{path.name} is longer than {limit_s / 3600:g} hours.")


def _read_sparsely(
    decoder: SparseDecoder,
    make_windows: Callable[[int], _Windows],
    part: Part,
    channel: int | None,
    limit_s: float,
) -> SampledWindows:
    """Decode only the windows, by seeking, or else by skipping packets.

    The header's length decides which windows are read. If the file turns out to have another number of
    windows, it is read again.
    """
    rate = decoder.stream.sample_rate_hz
    start, end = part.samples(rate)
    n_samples = max(0, min(end or decoder.claimed_samples or 0, int(limit_s * rate)) - start)
    for _ in range(_MAX_PASSES):
        windows = make_windows(resampled_length(n_samples, rate_hz=rate))
        pieces = [_piece(*window, rate, start, end) for window in windows.ranges]
        if sum(piece.end - piece.start for piece in pieces) > MAX_SHARE * n_samples > 0:
            break
        try:
            blocks = _collect(decoder.blocks(pieces, end=end), pieces)
        except NotExactError:
            if not decoder.seeks:
                raise
            decoder.seeks = False
            continue
        n_samples = (end if decoder.n_samples is None else min(decoder.n_samples, end or math.inf)) - start
        if n_samples <= 0:
            break
        if windows.n_windows == make_windows(resampled_length(n_samples, rate_hz=rate)).n_windows:
            stream = _resample(decoder.stream, windows, pieces, blocks, start, channel)
            return windows.result(stream, n_samples / rate, decoder.n_decoded / rate)
    raise NotExactError


def _piece(window_start: int, window_end: int, rate: int, start: int, end: int | None) -> Piece:
    """Return the samples of a file that a window is made of, in a song from `start` to `end`.

    The piece begins at a sample that lies on the grid of 48 kHz.
    """
    if rate == SAMPLE_RATE_HZ:
        first, last = window_start, window_end
    else:
        run_in, step = math.ceil(RUN_IN_S * rate), rate // math.gcd(rate, SAMPLE_RATE_HZ)
        first = max(0, window_start * rate // SAMPLE_RATE_HZ - run_in) // step * step
        last = -(-window_end * rate // SAMPLE_RATE_HZ) + run_in
    return Piece(start + first, start + last if end is None else min(end, start + last))


def _collect(blocks: Iterator[tuple[int, np.ndarray]], pieces: Sequence[Piece]) -> list[list[np.ndarray]]:
    """Return the blocks of each piece."""
    by_piece: list[list[np.ndarray]] = [[] for _ in pieces]
    for position, block in blocks:
        for piece, of_piece in zip(pieces, by_piece, strict=True):
            first, last = max(piece.start, position), min(piece.end, position + len(block))
            if first < last:
                of_piece.append(block[first - position : last - position])
    return by_piece


def _resample(
    stream: AudioStream,
    windows: _Windows,
    pieces: Sequence[Piece],
    blocks: list[list[np.ndarray]],
    start: int,
    channel: int | None,
) -> AudioStream:
    """Fill the windows from their pieces; return a stream that knows the channels' powers."""
    whole = stream.part(iter(()))
    for number, (piece, of_piece) in enumerate(zip(pieces, blocks, strict=True)):
        position = (piece.start - start) * SAMPLE_RATE_HZ // stream.sample_rate_hz
        stream_of_piece = whole.part(iter(of_piece), is_measured_together=True)
        for block in stream_of_piece.mono(sample_rate_hz=SAMPLE_RATE_HZ, channel=channel):
            windows.add(number, position, block)
            position += len(block)
        whole.n_invalid += stream_of_piece.n_invalid
    return whole


def _read_whole(
    path: Path,
    send: Callable[[Answer], None],
    make_windows: Callable[[int], _Windows],
    part: Part,
    channel: int | None,
    limit_s: float,
) -> SampledWindows:
    """Decode the whole song as the full pass does; twice if its header claims a wrong number of windows."""
    n_samples, decoded_s = 0, 0.0
    while True:
        stream = open_part(path, part, exact=True)
        if not n_samples:
            claimed_s = stream.claimed_s if part.end_s is None else part.end_s
            n_samples = max(1, round((min(claimed_s, limit_s) - part.start_s) * SAMPLE_RATE_HZ))
        windows, position, last_alive_s = make_windows(n_samples), 0, 0.0
        for block in stream.mono(sample_rate_hz=SAMPLE_RATE_HZ, channel=channel):
            for number in range(len(windows.ranges)):
                windows.add(number, position, block)
            position += len(block)
            _check_length(path, part, stream.duration_s, limit_s)
            if stream.duration_s > last_alive_s + _ALIVE_EVERY_S:
                last_alive_s = stream.duration_s
                send(Answer("alive"))
        decoded_s += stream.duration_s
        n_samples = position
        if not n_samples:
            raise AudioError("The sound holds no sample at all, so there is nothing to embed.")
        if windows.n_windows == make_windows(n_samples).n_windows:
            return windows.result(stream, stream.duration_s, decoded_s)
