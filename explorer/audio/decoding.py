"""Files to samples, in blocks: no header is believed and no file is held whole.

libsndfile reads what it knows, FFmpeg (PyAV) the rest. A header may claim any length; only what is
decoded counts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile
import soxr

from explorer.errors import AudioError

BLOCK_SAMPLES = 65_536
HASH_BLOCK_BYTES = 1 << 20
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


def open_audio(path: Path) -> AudioStream:
    """Open a file for decoding.

    Raises
    ------
    AudioError
        If neither libsndfile nor FFmpeg knows what it is, or it cannot be read.
    """
    try:
        if path.stat().st_size == 0:
            raise AudioError(f"{path.name} is empty.")
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    try:
        return _open_with_sndfile(path)
    except (soundfile.LibsndfileError, RuntimeError):
        return _open_with_ffmpeg(path)


def _open_with_sndfile(path: Path) -> AudioStream:
    file = soundfile.SoundFile(path)
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


def _open_with_ffmpeg(path: Path) -> AudioStream:
    try:
        container = av.open(str(path), metadata_errors="replace")
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
                for frame in _frames(container, stream, path):
                    for out in resampler.resample(frame):
                        yield out.to_ndarray().T
        except (av.FFmpegError, ValueError) as error:
            raise AudioError(f"{path.name} is damaged: {_reason(error)}.") from error

    rate = context.sample_rate
    return AudioStream(path, names, rate, len(context.layout.channels), read())


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


def fingerprint(path: Path) -> str:
    """Return a file's BLAKE2b-128 in hexadecimal: the same bytes have the same one, wherever they lie.

    Raises
    ------
    AudioError
        If the file cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while block := file.read(HASH_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        raise AudioError(f"{path.name} cannot be read: {error.strerror}.") from error
    return digest.hexdigest()
