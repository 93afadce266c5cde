"""Files to samples, in blocks: no header is believed and no file is held whole.

libsndfile reads what it knows, FFmpeg (PyAV) the rest. A header may claim any length; only what is
decoded counts.
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
LEAST_RATE_HZ, MOST_RATE_HZ = 1_000, 10_000_000
"""No sound has another rate: a header that claims one would turn a block into gigabytes."""

_USUAL_CHANNELS = 8
OPENING = {"protocol_whitelist": "file"}
"""FFmpeg takes some playlists for music, and would go to the network for them."""

_SNDFILE_FORMATS = {"WAVEX": "wav", "MPEG": "mp3"}
_SNDFILE_CODECS = {"MPEG_LAYER_III": "mp3"}


@dataclass
class AudioStream:
    """A file being decoded.

    Attributes
    ----------
    format : str
        Container and codec, as `"flac/pcm_16"` or `"mov/alac"`.
    sample_rate_hz : int
    channels : int
    duration_s : float
        Of what was decoded so far: true only when `blocks` has ended.
    """

    path: Path
    format: str
    sample_rate_hz: int
    channels: int
    _source: Iterator[np.ndarray]
    _file: soundfile.SoundFile | av.container.InputContainer
    duration_s: float = 0.0

    def close(self) -> None:
        """Close the file; it closes itself where its sound is read to the end."""
        self._file.close()

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the sound as decoded.

        Yields
        ------
        np.ndarray [shape=(m, channels), float32]

        Raises
        ------
        AudioError
            If the file turns out to be damaged.
        """
        for block in self._source:
            self.duration_s += len(block) / self.sample_rate_hz
            yield block

    def mono(self, *, sample_rate_hz: int) -> Iterator[np.ndarray]:
        """Yield the channels' average, resampled by soxr HQ where the rate differs.

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
    """Average channels; of two by hand, because NumPy is slow along so short an axis."""
    if block.shape[1] == 2:
        return (block[:, 0] + block[:, 1]) * np.float32(0.5)
    return block.mean(axis=1, dtype=np.float32)


def open_audio(path: Path, *, start_s: float = 0.0) -> AudioStream:
    """Open a file for decoding.

    Parameters
    ----------
    start_s : float
        Seconds to pass over by seeking. A file may lie about its length or be unable to seek: see
        `explorer.audio.excerpts`, which decodes what cannot be passed over.

    Raises
    ------
    AudioError
        If neither libsndfile nor FFmpeg knows what it is, it cannot be read, it cannot seek there, or it
        claims a rate that no sound has.
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
    if not LEAST_RATE_HZ <= stream.sample_rate_hz <= MOST_RATE_HZ:
        rate_hz = stream.sample_rate_hz
        stream.close()
        raise AudioError(
            f"{path.name} claims {rate_hz:,} samples a second: no sound has fewer than {LEAST_RATE_HZ:,}, or "
            f"more than {MOST_RATE_HZ:,}."
        )
    return stream


class _Forward(soundfile.SoundFile):
    """A file that is read from its start, or from one place on, to its end.

    soundfile seeks to where it is after every block that it has read. libsndfile's MP3 decoder then starts
    anew, without the bits of earlier frames that a frame may lean on (its reservoir), and what follows is
    wrong: by up to 0.8 of full scale in files of variable rate. It does not seek where it is told that it
    cannot.
    """

    def seekable(self) -> bool:
        """Say that there is no seeking."""
        return False


def _open_with_sndfile(path: Path, start_s: float) -> AudioStream:
    file = _Forward(_name(path))
    if start_s:
        try:
            file.seek(round(start_s * file.samplerate))
        except (soundfile.LibsndfileError, RuntimeError, OverflowError) as error:
            file.close()
            raise AudioError(f"{path.name} cannot be read from {start_s:g} s on: {error}.") from error
    container = _SNDFILE_FORMATS.get(file.format, file.format.lower())
    codec = _SNDFILE_CODECS.get(file.subtype, file.subtype.lower())

    # A header may claim a thousand channels.
    frames = max(1, BLOCK_SAMPLES * _USUAL_CHANNELS // max(_USUAL_CHANNELS, file.channels))

    def read() -> Iterator[np.ndarray]:
        count = 0
        try:
            with file:
                while len(block := file.read(frames, dtype="float32", always_2d=True)):
                    count += len(block)
                    yield block
        except (soundfile.LibsndfileError, RuntimeError) as error:
            if start_s:
                raise AudioError(f"{path.name} is damaged: {_reason(error)}.") from error
            yield from _rest_with_ffmpeg(path, count, rate, channels, error)

    rate, channels = file.samplerate, file.channels
    return AudioStream(path, f"{container}/{codec}", rate, channels, read(), file)


def _rest_with_ffmpeg(
    path: Path, count: int, rate: int, channels: int, error: Exception
) -> Iterator[np.ndarray]:
    """Yield what FFmpeg finds beyond the samples that libsndfile could read: as any player, it goes on."""
    damaged = AudioError(f"{path.name} is damaged: {_reason(error)}.")
    try:
        stream = _open_with_ffmpeg(path, 0.0)
    except AudioError:
        raise damaged from error
    if (stream.sample_rate_hz, stream.channels) != (rate, channels):
        stream.close()
        raise damaged from error
    passed = 0
    for block in stream.blocks():
        if passed + len(block) > count:
            yield block[max(0, count - passed) :]
        passed += len(block)
    if not max(passed, count):
        raise damaged from error


def _name(path: Path) -> bytes | str:
    """Return a path as libsndfile takes it: on POSIX it need not be valid text."""
    return os.fsencode(path) if os.name == "posix" else str(path)


def claimed_duration(path: Path) -> float:
    """Return how many seconds a file's header claims, which may be anything; 0 where it claims none."""
    try:
        with soundfile.SoundFile(_name(path)) as file:
            return file.frames / file.samplerate
    except (soundfile.LibsndfileError, RuntimeError, ZeroDivisionError):
        pass
    try:
        with av.open(str(path), metadata_errors="replace", options=OPENING) as container:
            return (container.duration or 0) / av.time_base
    except (av.FFmpegError, OSError, ValueError):
        return 0.0


def _open_with_ffmpeg(path: Path, start_s: float) -> AudioStream:
    try:
        container = av.open(str(path), metadata_errors="replace", options=OPENING)
    except (av.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{path.name} is not audio that can be decoded: {_reason(error)}.") from error
    streams = container.streams.audio
    if not streams or not streams[0].codec_context.sample_rate:
        container.close()
        raise AudioError(f"{path.name} holds no sound.")
    stream = streams[0]
    context = stream.codec_context
    names = f"{container.format.name.split(',')[0]}/{context.name}"

    def read() -> Iterator[np.ndarray]:
        converter = _Converter(context.layout, rate)
        try:
            with container:
                early = None if start_s else 0
                for frame in _frames(container, stream, path):
                    if early is None:
                        early = _samples_before(start_s, frame, stream, path)
                    for block in converter.blocks(frame):
                        if early < len(block):
                            yield block[early:]
                        early = max(0, early - len(block))
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(f"{path.name} is damaged: {_reason(error)}.") from error

    if start_s:
        _seek(container, stream, start_s, path)
    rate = context.sample_rate
    return AudioStream(path, names, rate, len(context.layout.channels), read(), container)


class _Converter:
    """Keeps rate and layout constant, even where a file changes them on its way."""

    def __init__(self, layout: object, rate: int) -> None:
        self._layout = layout
        self._rate = rate
        self._resampler: av.AudioResampler | None = None
        self._kind: tuple | None = None

    def blocks(self, frame: object | None) -> Iterator[np.ndarray]:
        """Convert a frame, or with None what is left; yield arrays [shape=(m, channels), float32]."""
        kind = frame and (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != self._kind:
            if self._resampler:
                yield from self._arrays(None)
            # Not planar: PyAV looks for the end of eight planes beyond them, and crashes over 7.1.
            self._resampler = av.AudioResampler(format="flt", layout=self._layout, rate=self._rate)
            self._kind = kind
        if frame:
            yield from self._arrays(frame)

    def _arrays(self, frame: object | None) -> Iterator[np.ndarray]:
        for out in self._resampler.resample(frame):
            if out is not None:
                yield out.to_ndarray().reshape(-1, len(self._layout.channels))


def _seek(container: object, stream: object, start_s: float, path: Path) -> None:
    # A little earlier than asked for: a codec's first frame after a leap still misses its neighbour.
    try:
        container.seek(int((_begin_s(stream) + max(0.0, start_s - 0.2)) * av.time_base))
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        container.close()
        raise AudioError(f"{path.name} cannot be read from {start_s:g} s on: {_reason(error)}.") from error


def _begin_s(stream: object) -> float:
    return float((stream.start_time or 0) * (stream.time_base or 0))


def _samples_before(start_s: float, frame: object | None, stream: object, path: Path) -> int:
    """Count the samples between where a leap has led and where it was to lead."""
    if frame is None:
        return 0
    landed_s = None if frame.time is None else frame.time - _begin_s(stream)
    if landed_s is None or landed_s > start_s + 0.5:
        raise AudioError(f"{path.name} cannot be read from {start_s:g} s on.")
    return max(0, round((start_s - landed_s) * frame.sample_rate))


def _frames(container: object, stream: object, path: Path) -> Iterator[object]:
    """Decode packet by packet: a damaged packet costs itself, as in any player, and not the song."""
    decoded = 0
    problem: Exception | None = None
    packets = container.demux(stream)
    while True:
        try:
            if (packet := next(packets, None)) is None:
                break
        except av.InvalidDataError as error:
            # The container is damaged: there are no packets beyond.
            problem = error
            break
        try:
            for frame in packet.decode():
                decoded += frame.samples
                yield frame
        except av.FFmpegError as error:
            # Decoders have numbers of their own for what they stumble over.
            if isinstance(error, MemoryError):
                raise
            problem = error
    if problem and not decoded:
        raise AudioError(f"{path.name} is damaged: {_reason(problem)}.") from problem
    yield None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error).rstrip(".")
