"""Decode audio files to samples, block by block.

libsndfile decodes the formats that it supports; FFmpeg (PyAV) decodes all others. A header may claim a wrong
length, so durations are computed from the decoded samples. No file is held in memory as a whole.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from explorer.errors import AudioError

BLOCK_SAMPLES = 65_536
MIN_RATE_HZ, MAX_RATE_HZ = 1_000, 10_000_000
"""The range of real sample rates. A header that claims another rate could make a block gigabytes large."""

_FULL_BLOCK_CHANNELS = 8
"""Files with more channels are read in shorter blocks, because a header may claim a thousand channels."""

FFMPEG_OPTIONS = {"protocol_whitelist": "file"}
"""FFmpeg accepts some playlists as music. Without this option it would open the URLs in them."""

_SNDFILE_FORMATS = {"WAVEX": "wav", "MPEG": "mp3"}
_SNDFILE_CODECS = {"MPEG_LAYER_III": "mp3"}


@dataclass
class AudioStream:
    """A file that is being decoded.

    Attributes
    ----------
    format : str
        Container and codec, such as `"flac/pcm_16"` or `"mov/alac"`.
    sample_rate_hz : int
    channels : int
    duration_s : float
        Duration of the sound decoded so far. It is the file's duration only after `blocks` has ended.
    """

    path: Path
    format: str
    sample_rate_hz: int
    channels: int
    _source: Iterator[np.ndarray]
    _file: soundfile.SoundFile | av.container.InputContainer
    duration_s: float = 0.0

    def close(self) -> None:
        """Close the file. Reading the sound to its end closes the file too."""
        self._file.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the sound at the file's own rate and with its own channels.

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
            yield block

    def mono(self, *, sample_rate_hz: int) -> Iterator[np.ndarray]:
        """Yield the average of the channels, resampled by soxr HQ if the rate differs.

        Yields
        ------
        np.ndarray [shape=(m,), float32]
        """
        if sample_rate_hz == self.sample_rate_hz:
            yield from map(_average, self.blocks())
            return
        resampler = soxr.ResampleStream(self.sample_rate_hz, sample_rate_hz, 1, dtype="float32", quality="HQ")
        for block in self.blocks():
            yield resampler.resample_chunk(_average(block))
        yield resampler.resample_chunk(np.empty(0, dtype=np.float32), last=True)


def _average(block: np.ndarray) -> np.ndarray:
    """Average the channels. Stereo is a special case, because NumPy is slow along an axis of length 2."""
    if block.shape[1] == 2:
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    return block.mean(axis=1, dtype=np.float32)


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
        If the file cannot be read, neither libsndfile nor FFmpeg recognises it, it cannot seek to
        `start_s`, or it claims a sample rate outside `MIN_RATE_HZ` to `MAX_RATE_HZ`.
    """
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise AudioError(f"{path.name} is empty.")
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    try:
        stream = _open_with_sndfile(path, start_s)
    except (soundfile.LibsndfileError, RuntimeError):
        stream = _open_with_ffmpeg(path, start_s)
    if not MIN_RATE_HZ <= stream.sample_rate_hz <= MAX_RATE_HZ:
        rate_hz = stream.sample_rate_hz
        stream.close()
        raise AudioError(
            f"{path.name} claims a sample rate of {rate_hz:,} Hz: only rates from {MIN_RATE_HZ:,} Hz to "
            f"{MAX_RATE_HZ:,} Hz can be decoded."
        )
    return stream


class _ForwardSoundFile(soundfile.SoundFile):
    """A file that is read forwards only, from its start or from one seek position.

    soundfile seeks to the current position after every block that it reads. After a seek, libsndfile's MP3
    decoder has lost the bits of earlier frames that later frames refer to (the bit reservoir), and decodes
    wrong samples: in files of variable bit rate, the error is up to 0.8 of full scale. soundfile does not
    seek if `seekable` returns False.
    """

    def seekable(self) -> bool:
        """Return False, so that soundfile does not seek."""
        return False


def _open_with_sndfile(path: Path, start_s: float) -> AudioStream:
    file = _ForwardSoundFile(_sndfile_path(path))
    if start_s:
        try:
            file.seek(round(start_s * file.samplerate))
        except (soundfile.LibsndfileError, RuntimeError, OverflowError) as error:
            file.close()
            raise _seek_error(path, start_s, error) from error
    container = _SNDFILE_FORMATS.get(file.format, file.format.lower())
    codec = _SNDFILE_CODECS.get(file.subtype, file.subtype.lower())
    block_frames = max(1, BLOCK_SAMPLES * _FULL_BLOCK_CHANNELS // max(_FULL_BLOCK_CHANNELS, file.channels))

    def read() -> Iterator[np.ndarray]:
        n_read = 0
        try:
            with file:
                while len(block := file.read(block_frames, dtype="float32", always_2d=True)):
                    n_read += len(block)
                    yield block
        except (soundfile.LibsndfileError, RuntimeError) as error:
            if start_s:
                raise _damage_error(path, error) from error
            yield from _rest_with_ffmpeg(path, n_read, (rate, channels), error)

    rate, channels = file.samplerate, file.channels
    return AudioStream(path, f"{container}/{codec}", rate, channels, read(), file)


def _rest_with_ffmpeg(
    path: Path, n_read: int, rate_and_channels: tuple[int, int], error: Exception
) -> Iterator[np.ndarray]:
    """Yield the samples after the first `n_read`: FFmpeg continues after damage, as music players do."""
    damaged = _damage_error(path, error)
    try:
        stream = _open_with_ffmpeg(path, 0.0)
    except AudioError:
        raise damaged from error
    if (stream.sample_rate_hz, stream.channels) != rate_and_channels:
        stream.close()
        raise damaged from error
    n_decoded = 0
    for block in stream.blocks():
        if n_decoded + len(block) > n_read:
            yield block[max(0, n_read - n_decoded) :]
        n_decoded += len(block)
    if not max(n_decoded, n_read):
        raise damaged from error


def _sndfile_path(path: Path) -> bytes | str:
    """Return a path for libsndfile: bytes on POSIX, where a path need not be valid text."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def claimed_duration(path: Path) -> float:
    """Return the seconds that a file's header claims, right or wrong; 0 if it claims nothing."""
    try:
        with soundfile.SoundFile(_sndfile_path(path)) as file:
            return file.frames / file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, ZeroDivisionError):
        pass
    try:
        with av.open(str(path), metadata_errors="replace", options=FFMPEG_OPTIONS) as container:
            return (container.duration or 0) / av.time_base
    except (av.FFmpegError, OSError, ValueError):
        return 0.0


def _open_with_ffmpeg(path: Path, start_s: float) -> AudioStream:
    try:
        container = av.open(str(path), metadata_errors="replace", options=FFMPEG_OPTIONS)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{path.name} is not audio that can be decoded: {_reason(error)}.") from error
    streams = container.streams.audio
    if not streams or not streams[0].codec_context.sample_rate:
        container.close()
        raise AudioError(f"{path.name} holds no sound.")
    stream = streams[0]
    context = stream.codec_context
    format_name = f"{container.format.name.split(',')[0]}/{context.name}"

    def read() -> Iterator[np.ndarray]:
        converter = _Converter(context.layout, rate)
        try:
            with container:
                # Samples still to skip; None until the first frame shows which position the seek has reached.
                to_skip = None if start_s else 0
                for frame in _frames(container, stream, path):
                    if to_skip is None:
                        to_skip = _samples_before(start_s, frame, stream, path)
                    for block in converter.blocks(frame):
                        if to_skip < len(block):
                            yield block[to_skip:]
                        to_skip = max(0, to_skip - len(block))
        except (av.FFmpegError, ValueError) as error:
            raise _damage_error(path, error) from error

    if start_s:
        _seek(container, stream, start_s, path)
    rate = context.sample_rate
    return AudioStream(path, format_name, rate, len(context.layout.channels), read(), container)


class _Converter:
    """Converts all frames to one sample rate and channel layout: a file may change them midway."""

    def __init__(self, layout: object, rate: int) -> None:
        self._layout = layout
        self._rate = rate
        self._resampler: av.AudioResampler | None = None
        self._input_kind: tuple | None = None

    def blocks(self, frame: object | None) -> Iterator[np.ndarray]:
        """Convert a frame, and yield arrays [shape=(m, channels), float32]; None flushes the resampler."""
        kind = frame and (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._input_kind:
            if self._resampler:
                yield from self._arrays(None)
            # "flt", not planar "fltp": with the eight planes of 7.1, PyAV reads past the planes and crashes.
            self._resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self._rate)
            self._input_kind = kind
        if frame:
            yield from self._arrays(frame)

    def _arrays(self, frame: object | None) -> Iterator[np.ndarray]:
        for out in self._resampler.resample(frame):
            if out is not None:
                yield out.to_ndarray().reshape(-1, len(self._layout.channels))


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


def _frames(container: object, stream: object, path: Path) -> Iterator[object]:
    """Yield decoded frames, then None, which marks the end; skip damaged packets, as music players do."""
    n_decoded = 0
    problem: Exception | None = None
    packets = container.demux(stream)
    while True:
        try:
            if (packet := next(packets, None)) is None:
                break
        except av.InvalidDataError as error:
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
    if problem and not n_decoded:
        raise _damage_error(path, problem) from problem
    yield None


def _damage_error(path: Path, error: Exception) -> AudioError:
    return AudioError(f"{path.name} is damaged: {_reason(error)}.")


def _seek_error(path: Path, start_s: float, error: Exception | None = None) -> AudioError:
    reason = f": {_reason(error)}" if error else ""
    return AudioError(f"{path.name} cannot be read from {start_s:g} s onwards{reason}.")


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error).rstrip(".")
