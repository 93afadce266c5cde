"""Decode some pieces of a file, and only these: seek over the sound between them, or skip its packets.

The samples are those of the whole decoded file, at the same positions, or the result is `NotExactError`.
Positions are counted in the samples of packets, because a decoder gives as many samples as the packet's
duration says. Each packet that is decoded must confirm it.
"""

from __future__ import annotations

import math
import re
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np

from explorer.audio.decoding import MAX_RATE_HZ, MIN_RATE_HZ, RAW_STREAMS, AudioStream
from explorer.audio.frame_converter import FrameConverter
from explorer.library.containers import file_parts, format_of, open_sound

_LEAD_S = 0.5
"""How much sound is decoded at the start of the file, where packets may give less than their durations say.
About so much is also decoded before each piece, and thrown away: a frame of MP3 may need 511 bytes of the
frames before it, one of AAC the frame before it, and Opus asks for 80 ms (RFC 7845)."""

_MIN_MPEG_PACKETS, _MIN_MPEG_BYTES = 4, 2048
"""So many packets and bytes are always enough for MP3."""

_VORBIS_PREROLL_PACKETS = 10
"""Vorbis needs only one packet, and its packets have different lengths."""

_INDEPENDENT_CODECS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape")
"""Codecs whose packets can be decoded without the packets before them, by the beginnings of their names."""

_SEEKABLE = ("wav", "aiff", "flac", "mov", "caf", "w64", "au")
"""FFmpeg's formats in which it finds each position exactly, because they have an index, or packets that tell
their position, or samples of one size. In other formats, all packets are read."""

_MIN_SEEK_S = 3.0
"""A shorter gap between two pieces is read, which is as fast as seeking over it."""

_VORBIS_SIZES_OFFSET = 28
"""Where the sizes of the blocks are in Vorbis's first header."""

_SYNC_WORD = re.compile(rb"\xff[\xe0-\xff]")
"""How a frame of MPEG audio begins."""


class NotExactError(Exception):
    """The pieces cannot be found without decoding the whole file."""


class Piece(NamedTuple):
    """Where a piece begins and ends, in samples from the file's first one; the file may end earlier."""

    start: int
    end: int


class SparseDecoder:
    """Decodes pieces of one file.

    Attributes
    ----------
    stream : AudioStream
        The file, for the attributes that its parts share; it yields no sound itself.
    claimed_samples : int or None
        The file's length as its header claims it, or FFmpeg's estimate; None if there is none.
    n_samples : int or None
        The file's length. It is known after pieces were read, unless the end of the file was not read.
    seeks : bool
        Whether to seek over the sound between the pieces. False reads all packets; it is False from the start
        for formats in which a seek may not find the exact position.
    n_decoded : int
        How many samples were decoded so far.

    Raises
    ------
    AudioError
        As `open_sound`.
    NotExactError
        If the file consists of several files.
    """

    def __init__(self, path: Path) -> None:
        parts = file_parts(path)
        if len(parts) > 1:
            raise NotExactError
        self._part, self._is_fresh = parts[0], True
        self._container, self._track = container, track = open_sound(path, self._part)
        self._context = context = track.codec_context
        self._layout, self._rate = context.layout, context.sample_rate
        if not MIN_RATE_HZ <= self._rate <= MAX_RATE_HZ:
            raise NotExactError
        self._samples_per_tick = Fraction(track.time_base or 0) * self._rate
        self._exact_lengths: dict[int, int] = {}
        self._kind: tuple | None = None
        name = context.codec.canonical_name
        self._lead = int(_LEAD_S * self._rate)
        self._has_sync_words = name in ("mp1", "mp2", "mp3")
        self._preroll = 0 if name.startswith(_INDEPENDENT_CODECS) else self._lead
        self._block_sizes = _vorbis_block_sizes(context) if name == "vorbis" else ()
        self.claimed_samples = None
        if container.format.name not in RAW_STREAMS:
            self.claimed_samples = round((container.duration or 0) / av.time_base * self._rate) or None
        with suppress(NotExactError):
            self.claimed_samples = self._samples(track.duration or 0) or self.claimed_samples
        if name == "opus" and container.format.name == "ogg" and self.claimed_samples:
            # FFmpeg counts the samples that the decoder leaves out at the start.
            self.claimed_samples -= context.delay
        can_seek = container.format.name.split(",")[0] in _SEEKABLE and self.claimed_samples
        self.seeks = bool(can_seek)
        self.n_samples: int | None = None
        self.n_decoded = 0
        n_channels = len(self._layout.channels)
        format_name = format_of(container, track)
        self.stream = AudioStream(path, format_name, self._rate, n_channels, iter(()), container.close)

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def blocks(self, pieces: Sequence[Piece], *, end: int | None = None) -> Iterator[tuple[int, np.ndarray]]:
        """Yield blocks that contain the pieces, and may contain more.

        Parameters
        ----------
        pieces : sequence of Piece
            In ascending order of their starts; they may overlap.
        end : int, optional
            Stop when the file is known to reach this sample. None reads the end of the file, and so finds out
            `n_samples`.

        Yields
        ------
        position : int
            The block's first sample, counted from the file's first one.
        block : np.ndarray [shape=(m, channels), float32]

        Raises
        ------
        NotExactError
        """
        try:
            yield from self._blocks(pieces, end)
        except (av.FFmpegError, OSError, ValueError) as error:
            raise NotExactError from error

    def _blocks(self, pieces: Sequence[Piece], end: int | None) -> Iterator[tuple[int, np.ndarray]]:
        self._restart()
        for start, piece_end in _joined([Piece(0, self._lead), *pieces], max_gap=2 * self._preroll):
            self._skip_to(start)
            yield from self._decode_to(piece_end)
        if end is None or self._position < end:
            self._read_to_end()

    def _restart(self) -> None:
        """Go to the first packet."""
        if not self._is_fresh:
            self.close()
            self._container, self._track = open_sound(self.stream.path, self._part)
            self._context = self._track.codec_context
        self._is_fresh = False
        self._recent: deque[tuple[av.Packet, int]] = deque(
            maxlen=_VORBIS_PREROLL_PACKETS if self._preroll else 1
        )
        self._reference: tuple[int, int] | None = None
        self._position, self._is_short = 0, False
        self._usual_length: int | None = None
        self._block = 0
        self.n_samples = None
        self._packets = self._container.demux(self._track)
        self._next_packet()

    def _next_packet(self) -> None:
        """Read a packet: None at the end of the file."""
        packet = next(self._packets, None)
        if packet is None or (packet.pts is None and not packet.size):
            self._packet = None
            return
        if packet.is_discard and self._position >= self._lead:
            raise NotExactError
        self._packet, self._packet_samples = packet, self._length_of(packet)

    def _skip_to(self, start: int) -> None:
        """Skip the packets before the one that holds a sample."""
        if self.seeks and start - self._position > _MIN_SEEK_S * self._rate:
            self._seek(start)
        while self._packet is not None and self._position < start:
            if self._position + self._packet_samples > start:
                break
            self._pass_packet(self._packet_samples)

    def _pass_packet(self, n_samples: int) -> None:
        """Go to the next packet, after one that held `n_samples`."""
        self._recent.append((self._packet, self._position))
        self._position += n_samples
        self._next_packet()
        is_checked = self.seeks and self._reference and self._packet is not None
        if is_checked and self._position_of(self._packet) != self._position:
            raise NotExactError

    def _seek(self, start: int) -> None:
        """Go to a packet that lies before a sample, far enough for the decoder to warm up."""
        pts, position = self._reference or (None, None)
        if pts is None:
            raise NotExactError
        target = pts + int((start - 2 * self._preroll - position) / self._samples_per_tick)
        before = self._position
        self._container.seek(target, stream=self._track)
        self._packets = self._container.demux(self._track)
        self._recent.clear()
        self._next_packet()
        if self._packet is None:
            raise NotExactError
        self._position = self._position_of(self._packet)
        if not before <= self._position <= start - self._preroll:
            raise NotExactError

    def _position_of(self, packet: av.Packet) -> int:
        """Return a packet's position by its timestamp."""
        if packet.pts is None:
            raise NotExactError
        pts, position = self._reference
        return position + self._samples(packet.pts - pts)

    def _length_of(self, packet: av.Packet) -> int | None:
        """Return how many samples a packet should hold; None if that is not known yet."""
        if self._block_sizes:
            if not packet.size:
                raise NotExactError
            # FFmpeg computes wrong durations of Vorbis: a packet gives half of its block and of the last one.
            before, self._block = self._block, self._block_sizes[memoryview(packet)[0] >> 1 & 1]
            return (before + self._block) // 4
        if self._has_sync_words and not _SYNC_WORD.match(packet):
            # A tag or damage between the frames: FFmpeg gives it a duration, but it holds no sound.
            return 0
        ticks = packet.duration or 0
        if ticks not in self._exact_lengths:
            samples = ticks * self._samples_per_tick
            self._exact_lengths[ticks] = samples.numerator if samples.denominator == 1 else 0
        if samples := self._exact_lengths[ticks]:
            return samples
        # The container rounds durations: each packet must be as long as the first ones.
        if self._position < self._lead:
            return None
        expected = self._usual_length
        if expected is None or (ticks and abs(expected / self._samples_per_tick - ticks) > 1):
            raise NotExactError
        return expected

    def _samples(self, ticks: int) -> int:
        """Convert a duration of the container to samples."""
        samples = ticks * self._samples_per_tick
        if samples.denominator != 1:
            raise NotExactError
        return samples.numerator

    def _decode_to(self, end: int) -> Iterator[tuple[int, np.ndarray]]:
        """Decode the packets up to the one that holds the sample before `end`."""
        if self._packet is None:
            return
        if self._position:
            self._warm_up()
        converter, position = FrameConverter(self._layout, self._rate), self._position
        while self._packet is not None and self._position < end:
            n_samples = 0
            for frame in self._frames(self._packet):
                n_samples += frame.samples
                for block in converter.blocks(frame):
                    yield position, block
                    position += len(block)
            self._check(n_samples)
            self._pass_packet(n_samples)
        if self._packet is None:
            for frame in self._frames(None):
                self._position += frame.samples
                for block in converter.blocks(frame):
                    yield position, block
                    position += len(block)
            self.n_samples = self._position
        for block in converter.blocks(None):
            yield position, block
            position += len(block)

    def _warm_up(self) -> None:
        """Decode the packets before the next one, and throw their sound away."""
        self._context.flush_buffers()
        packets = [packet for packet, _ in self._recent]
        if self._has_sync_words:
            while len(packets) > _MIN_MPEG_PACKETS and sum(p.size for p in packets[1:]) > _MIN_MPEG_BYTES:
                packets.pop(0)
        for packet in packets:
            # The first packets may refer to earlier ones, which the decoder calls damage.
            with suppress(av.FFmpegError):
                self.n_decoded += sum(frame.samples for frame in packet.decode())

    def _frames(self, packet: av.Packet | None) -> Iterator[av.AudioFrame]:
        """Decode a packet; None gives what the decoder still holds at the end."""
        if packet and self._packet_samples == 0:
            return
        for number, frame in enumerate(self._context.decode(packet)):
            kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            self._kind = self._kind or kind
            if kind != self._kind or frame.sample_rate != self._rate:
                raise NotExactError
            # A decoder that gives a packet's samples later than the packet would shift the piece.
            if number == 0 and packet and self._position >= self._lead and frame.pts != packet.pts:
                raise NotExactError
            self.n_decoded += frame.samples
            yield frame

    def _check(self, n_samples: int) -> None:
        """Compare the samples of a packet with its duration; the first and last packets may be cut."""
        if n_samples and self._is_short:
            raise NotExactError
        if n_samples and self._preroll and self._position < self._lead and not self._block_sizes:
            self._recent = deque(self._recent, maxlen=math.ceil(self._lead / n_samples))
        if self._packet_samples is None:
            self._usual_length = n_samples
        elif n_samples == self._packet_samples:
            self._reference = self._reference or (self._packet.pts, self._position)
        elif self._position >= self._lead:
            self._is_short = True

    def _read_to_end(self) -> None:
        """Find out the length of the file."""
        if self._packet is not None:
            if self.seeks:
                self._skip_to(self.claimed_samples - self._lead)
            while self._packet is not None:
                self._pass_packet(self._packet_samples)
        if self.n_samples is None:
            self.n_samples = self._count_last_samples()

    def _count_last_samples(self) -> int:
        """Decode the last packets, because what a decoder leaves out at the end is known only then."""
        self._context.flush_buffers()
        end = 0
        for packet, position in self._recent:
            with suppress(av.FFmpegError):
                if n_samples := sum(frame.samples for frame in packet.decode()):
                    end = position + n_samples
        with suppress(av.FFmpegError):
            end += sum(frame.samples for frame in self._context.decode(None))
        return end


def _vorbis_block_sizes(context: av.AudioCodecContext) -> tuple[int, int]:
    """Return the sizes of Vorbis's short and long blocks (Vorbis I, section 4.2.2).

    A packet's second bit tells its block, if there are two modes, as all encoders make them. If there are
    others, the decoded packets do not have the lengths that are computed.
    """
    header = context.extradata or b""
    position = header.find(b"\x01vorbis") + _VORBIS_SIZES_OFFSET
    if not _VORBIS_SIZES_OFFSET <= position < len(header):
        raise NotExactError
    return 1 << (header[position] & 15), 1 << (header[position] >> 4)


def _joined(pieces: Sequence[Piece], *, max_gap: int) -> list[Piece]:
    """Join pieces that overlap, or have only a small gap between them."""
    joined = [pieces[0]]
    for piece in pieces[1:]:
        if piece.start - joined[-1].end <= max_gap:
            joined[-1] = Piece(joined[-1].start, max(joined[-1].end, piece.end))
        else:
            joined.append(piece)
    return joined
