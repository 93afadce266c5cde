"""Decode audio files to samples, block by block.

FFmpeg (PyAV) decodes all formats that it recognises, and libsndfile the others. A header may claim a wrong
length, so durations are computed from the decoded samples. No file is held in memory as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from explorer.audio.channels import ChannelPowers, average_channels
from explorer.audio.frame_converter import FrameConverter, block_samples
from explorer.audio.losses import Losses
from explorer.errors import AudioError
from explorer.library.containers import FilePart, file_parts, format_of, open_container, open_sound, reason_of

MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 10_000_000
"""The range of real sample rates. A header that claims another rate could make a block gigabytes large."""

MAX_SAMPLE = 1e10
"""Larger samples are damage: squares of them overflow. Integers written as 32-bit floats are smaller."""

RAW_STREAMS = ("mp3", "aac", "loas")
"""FFmpeg's formats without a container: what is no sound in such a file is mostly a tag."""


@dataclass
class AudioStream:
    """A file that is being decoded.

    Attributes
    ----------
    format : str
        Container and codec, such as `"flac/flac"` or `"mov/alac"`.
    sample_rate_hz : int
    channels : int
    duration_s : float
        Duration of the sound decoded so far. It is the file's duration only after `blocks` has ended.
    claimed_s : float
        The file's duration as its header claims it, right or wrong; 0 if it claims nothing.
    n_invalid : int
        How many of the samples so far were infinite, above `MAX_SAMPLE` or not a number. They were taken as
        silence.
    """

    path: Path
    format: str
    sample_rate_hz: int
    channels: int
    _source: Iterator[np.ndarray]
    _close: Callable[[], None]
    duration_s: float = 0.0
    claimed_s: float = 0.0
    n_invalid: int = 0
    _losses: Losses = field(default_factory=Losses)
    _powers: ChannelPowers = field(default_factory=ChannelPowers)

    def close(self) -> None:
        """Close the file. Reading the sound to its end closes the file too."""
        self._source.close()
        self._close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the sound at the file's own rate and with its own channels. All samples are finite.

        Yields
        ------
        np.ndarray [shape=(m, channels), float32]

        Raises
        ------
        AudioError
            If the file is damaged.
        """
        for block in self._source:
            self.duration_s += len(block) / self.sample_rate_hz
            # The comparisons are false if a sample is not a number.
            if not (block.min(initial=0) > -MAX_SAMPLE and block.max(initial=0) < MAX_SAMPLE):
                invalid = ~(np.abs(block) < MAX_SAMPLE)
                self.n_invalid += int(invalid.sum())
                block = np.where(invalid, np.float32(0), block)
            yield block

    def unchecked_blocks(self) -> Iterator[np.ndarray]:
        """Return the sound as `blocks` does, but with samples that are not finite, for `part`."""
        return self._source

    def part(self, blocks: Iterator[np.ndarray], *, is_measured_together: bool = False) -> AudioStream:
        """Return a stream of some of this stream's blocks.

        Parameters
        ----------
        is_measured_together : bool
            Whether the part's samples also count for this stream's `louder_channel`.
        """
        powers = self._powers if is_measured_together else ChannelPowers()
        return replace(self, _source=blocks, duration_s=0.0, n_invalid=0, _powers=powers)

    def mono(self, *, sample_rate_hz: int | None = None, channel: int | None = None) -> Iterator[np.ndarray]:
        """Yield the average of the channels, resampled by soxr HQ if the rate differs.

        Parameters
        ----------
        sample_rate_hz : int, optional
            None keeps the file's own rate.
        channel : int, optional
            Yield this channel alone instead of the average: `louder_channel` tells when that is needed.

        Yields
        ------
        np.ndarray [shape=(m,), float32]
        """
        blocks = map(self._average, self.blocks()) if channel is None else self._only(channel)
        if sample_rate_hz in (None, self.sample_rate_hz):
            yield from blocks
            return
        resampler = soxr.ResampleStream(self.sample_rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
        for block in blocks:
            yield resampler.resample_chunk(block)
        yield resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True)

    @property
    def louder_channel(self) -> int | None:
        """The loudest channel if the channels cancel each other in `mono`'s average, else None.

        It is known after `mono` has ended. Stereo in opposite phase is the usual case: the average of the
        channels is silence, though each of them holds the sound.
        """
        return self._powers.louder_channel

    @property
    def note(self) -> str:
        """Sentences about samples that had to be replaced and sound that was left out; empty if none was."""
        if self.n_invalid == 1:
            invalid = "One sample is not a number and was taken as silence."
        else:
            invalid = f"{self.n_invalid:,} samples are not numbers and were taken as silence."
        return f"{invalid if self.n_invalid else ''} {self._losses.note}".strip()

    @property
    def channel_power(self) -> float:
        """The power of all channels together, divided by that of `mono`'s samples. Known after `mono`."""
        return self._powers.ratio

    def _only(self, channel: int) -> Iterator[np.ndarray]:
        for block in self.blocks():
            self._powers.add_alone(block, channel)
            yield block[:, channel]

    def _average(self, block: np.ndarray) -> np.ndarray:
        """Average the channels, and measure how much they cancel each other."""
        mean = average_channels(block)
        if block.shape[1] > 1:
            self._powers.add(block, mean)
        return mean


def open_audio(path: Path, *, start_s: float = 0.0) -> AudioStream:
    """Open a file for decoding.

    Parameters
    ----------
    start_s : float
        Seconds to skip by seeking. If seeking fails, or leads to too little sound because the header claims a
        wrong length, `explorer.audio.excerpts` decodes the file from its beginning instead.

    Raises
    ------
    AudioError
        If the file cannot be read, neither FFmpeg nor libsndfile recognises it, it holds no sound or a codec
        without a decoder, it cannot seek to `start_s`, or it claims a sample rate outside `MIN_RATE_HZ` to
        `MAX_RATE_HZ`.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioError(f"{path.name} is empty.")
        parts = file_parts(path)
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    losses = Losses(n_parts=len(parts))
    try:
        container, track, more_parts = _first_sound(path, parts, losses)
    except AudioError as error:
        stream = _open_with_sndfile(path, start_s, error)
    else:
        stream = _open_with_ffmpeg(path, container, track, more_parts, start_s, losses)
    if not MIN_RATE_HZ <= stream.sample_rate_hz <= MAX_RATE_HZ:
        rate_hz = stream.sample_rate_hz
        stream.close()
        raise AudioError(
            f"{path.name} claims a sample rate of {rate_hz:,} Hz: only rates from {MIN_RATE_HZ:,} Hz to "
            f"{MAX_RATE_HZ:,} Hz can be decoded."
        )
    return stream


def _first_sound(path: Path, parts: list[FilePart], losses: Losses) -> tuple[object, object, list[FilePart]]:
    """Open the first part that holds sound; return its container and track, and the parts after it."""
    problems = []
    for number, part in enumerate(parts):
        try:
            container, track = open_sound(path, part)
        except AudioError as error:
            problems.append(error)
        else:
            losses.n_bad_parts = number
            return container, track, parts[number + 1 :]
    raise problems[0]


def _open_with_sndfile(path: Path, start_s: float, ffmpeg_error: AudioError) -> AudioStream:
    """Open a file that FFmpeg does not recognise, such as an AIFF file whose header claims no samples."""
    try:
        # On POSIX, a path need not be valid text.
        file = soundfile.SoundFile(os.fsencode(path) if os.name == "posix" else str(path))
    except (soundfile.LibsndfileError, RuntimeError):
        raise ffmpeg_error from None
    if file.format == "RAW" or (file.format == "MP3" and not _is_mp3(path)):
        # libsndfile takes nearly any bytes for MP3, and any bytes with a name such as `x.snd` for samples. It
        # is asked for MP3 without a bit rate ("free format"), which FFmpeg recognises but cannot decode.
        file.close()
        raise ffmpeg_error
    if start_s:
        try:
            file.seek(round(start_s * file.samplerate))
        except (soundfile.LibsndfileError, RuntimeError, OverflowError) as error:
            file.close()
            raise _seek_error(path, start_s, error) from error

    def read() -> Iterator[np.ndarray]:
        try:
            with file:
                while len(block := file.read(block_samples(file.channels), dtype="float32", always_2d=True)):
                    yield block
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise _damage_error(path, error) from error

    format_name = f"{file.format.lower()}/{file.subtype.lower()}"
    claimed_s = file.frames / file.samplerate
    return AudioStream(
        path, format_name, file.samplerate, file.channels, read(), file.close, claimed_s=claimed_s
    )


def _is_mp3(path: Path) -> bool:
    with suppress(AudioError), open_container(path) as container:
        return container.format.name == "mp3"
    return False


def claimed_duration(path: Path) -> float:
    """Return the seconds that a file's header claims, right or wrong; 0 if it claims nothing."""
    try:
        with open_container(path) as container:
            return (container.duration or 0) / av.time_base
    except AudioError:
        return 0.0


def _open_with_ffmpeg(
    path: Path,
    container: object,
    track: object,
    more_parts: list[FilePart],
    start_s: float,
    losses: Losses,
) -> AudioStream:
    if start_s and more_parts:
        container.close()
        raise _seek_error(path, start_s)
    if start_s:
        _seek(container, track, start_s, path)
    rate, layout = track.codec_context.sample_rate, track.codec_context.layout

    def read() -> Iterator[np.ndarray]:
        converter = FrameConverter(layout, rate)
        # Samples still to skip; None until the first frame shows which position the seek has reached.
        to_skip = None if start_s else 0
        try:
            for frame in _frames_of_parts(path, container, track, more_parts, losses):
                if to_skip is None:
                    to_skip = _samples_before(start_s, frame, track, path)
                for block in converter.blocks(frame):
                    if to_skip < len(block):
                        yield block[to_skip:]
                    to_skip = max(0, to_skip - len(block))
        except (av.FFmpegError, ValueError) as error:
            raise _damage_error(path, error) from error

    claimed_s = 0.0 if more_parts else (container.duration or 0) / av.time_base
    return AudioStream(
        path,
        format_of(container, track),
        rate,
        len(layout.channels),
        read(),
        container.close,
        claimed_s=claimed_s,
        _losses=losses,
    )


def _frames_of_parts(
    path: Path, container: object, track: object, more_parts: list[FilePart], losses: Losses
) -> Iterator[object]:
    """Yield the frames of all parts of a file, then None; fail only if no part can be decoded."""
    n_frames = 0
    problem = None
    for part in [None, *more_parts]:
        try:
            if part is not None:
                container, track = open_sound(path, part)
            with container:
                for frame in _frames(container, track, path, losses):
                    n_frames += 1
                    yield frame
        except AudioError as error:
            problem = problem or error
            losses.n_bad_parts += 1
    if problem and not n_frames:
        raise problem
    yield None


def _seek(container: object, stream: object, start_s: float, path: Path) -> None:
    # Seek to 0.2 s before the start, because the first frame after a seek is decoded without the frame
    # before it.
    try:
        container.seek(int((_stream_start_s(stream) + max(0.0, start_s - 0.2)) * av.time_base))
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        container.close()
        raise _seek_error(path, start_s, error) from error


def _stream_start_s(stream: object) -> float:
    return float((stream.start_time or 0) * (stream.time_base or 0))


def _samples_before(start_s: float, frame: object | None, stream: object, path: Path) -> int:
    """Return the number of samples between the first frame after a seek and `start_s`."""
    if frame is None:
        return 0
    frame_s = None if frame.time is None else frame.time - _stream_start_s(stream)
    if frame_s is None or frame_s > start_s + 0.5:
        raise _seek_error(path, start_s)
    return max(0, round((start_s - frame_s) * frame.sample_rate))


def _frames(container: object, track: object, path: Path, losses: Losses) -> Iterator[object]:
    """Yield decoded frames; skip damaged packets, as music players do."""
    n_decoded = 0
    problem: Exception | None = None
    packets = container.demux(track)
    while True:
        try:
            if (packet := next(packets, None)) is None:
                break
        except av.FFmpegError as error:
            # The container is damaged here: FFmpeg finds no more packets.
            problem = error
            break
        try:
            for frame in packet.decode():
                n_decoded += frame.samples
                yield frame
        except av.FFmpegError as error:
            # Each decoder has its own error numbers for damage, so every FFmpeg error counts as damage.
            if isinstance(error, MemoryError):
                raise
            problem = error
            if container.format.name not in RAW_STREAMS:
                losses.damaged_s += float((packet.duration or 0) * (packet.time_base or 0))
    if problem and not n_decoded:
        raise _damage_error(path, problem) from problem


def _damage_error(path: Path, error: Exception) -> AudioError:
    return AudioError(f"{path.name} is damaged: {reason_of(error) or 'its sound cannot be decoded'}.")


def _seek_error(path: Path, start_s: float, error: Exception | None = None) -> AudioError:
    reason = f": {said}" if error and (said := reason_of(error)) else ""
    return AudioError(f"{path.name} cannot be read from {start_s:g} s onwards{reason}.")
