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
    duration_s: float = 0.0

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
        If neither libsndfile nor FFmpeg knows what it is, it cannot be read, or it cannot seek there.
    """
    try:
        if path.stat().st_size == 0:
            raise AudioError(f"{path.name} is empty.")
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    try:
        return _open_with_sndfile(path, start_s)
    except (soundfile.LibsndfileError, RuntimeError):
        return _open_with_ffmpeg(path, start_s)


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

    def read() -> Iterator[np.ndarray]:
        try:
            with file:
                while len(block := file.read(BLOCK_SAMPLES, dtype="float32", always_2d=True)):
                    yield block
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise AudioError(f"{path.name} is damaged: {error}.") from error

    return AudioStream(path, f"{container}/{codec}", file.samplerate, file.channels, read())


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
        # A constant rate and layout, even where the file changes them on its way.
        resampler = av.AudioResampler(format="fltp", layout=context.layout, rate=rate)
        try:
            with container:
                early = None if start_s else 0
                for frame in _frames(container, stream, path):
                    if early is None:
                        early = _samples_before(start_s, frame, stream, path)
                    for out in resampler.resample(frame):
                        block = out.to_ndarray().T
                        if early < len(block):
                            yield block[early:]
                        early = max(0, early - len(block))
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(f"{path.name} is damaged: {_reason(error)}.") from error

    if start_s:
        _seek(container, stream, start_s, path)
    rate = context.sample_rate
    return AudioStream(path, names, rate, len(context.layout.channels), read())


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
    for packet in container.demux(stream):
        try:
            for frame in packet.decode():
                decoded += frame.samples
                yield frame
        except av.InvalidDataError as error:
            problem = error
    if problem and not decoded:
        raise AudioError(f"{path.name} is damaged: {_reason(problem)}.") from problem
    yield None


def _reason(error: Exception) -> str:
    return str(getattr(error, "strerror", "") or error).rstrip(".")
