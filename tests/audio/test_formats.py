"""The same music has the same vector in every audio format."""

import os
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from explorer.audio.decoding import open_audio
from explorer.config import Settings
from explorer.embedding.engines import open_engine
from explorer.embedding.frontend import windows
from explorer.embedding.model_weights import find_weights
from explorer.embedding.pooling import pool
from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.library.scanning import AUDIO_EXTENSIONS

SECONDS = 3
HOP_S = 1.0
LOSSLESS, LOSSY = 0.99, 0.95
DATA = Path(__file__).resolve().parents[1] / "data"

# Name, codec, sample format, rate in Hz, channels, minimum cosine.
FORMATS = [
    ("u8.wav", "pcm_u8", "u8", 48_000, 2, LOSSLESS),
    ("s16.wav", "pcm_s16le", "s16", 48_000, 2, LOSSLESS),
    ("s24.wav", "pcm_s24le", "s32", 48_000, 2, LOSSLESS),
    ("s32.wav", "pcm_s32le", "s32", 48_000, 2, LOSSLESS),
    ("f32.wav", "pcm_f32le", "flt", 48_000, 2, LOSSLESS),
    ("f64.wav", "pcm_f64le", "dbl", 48_000, 2, LOSSLESS),
    ("mono.wav", "pcm_s16le", "s16", 48_000, 1, LOSSLESS),
    ("2.1.wav", "pcm_s16le", "s16", 48_000, 3, LOSSLESS),
    ("quad.wav", "pcm_s16le", "s16", 48_000, 4, LOSSLESS),
    ("5.0.wav", "pcm_s16le", "s16", 48_000, 5, LOSSLESS),
    ("5.1.wav", "pcm_s16le", "s16", 48_000, 6, LOSSLESS),
    ("6.1.wav", "pcm_s16le", "s16", 48_000, 7, LOSSLESS),
    ("7.1.wav", "pcm_s16le", "s16", 48_000, 8, LOSSLESS),
    ("8k.wav", "pcm_s16le", "s16", 8_000, 2, LOSSLESS),
    ("11k.wav", "pcm_s16le", "s16", 11_025, 2, LOSSLESS),
    ("22k.wav", "pcm_s16le", "s16", 22_050, 2, LOSSLESS),
    ("44k.wav", "pcm_s16le", "s16", 44_100, 2, LOSSLESS),
    ("88k.wav", "pcm_s24le", "s32", 88_200, 2, LOSSLESS),
    ("96k.wav", "pcm_f32le", "flt", 96_000, 2, LOSSLESS),
    ("192k.wav", "pcm_s24le", "s32", 192_000, 2, LOSSLESS),
    ("big.w64", "pcm_s16le", "s16", 48_000, 2, LOSSLESS),
    ("s16.flac", "flac", "s16", 48_000, 2, LOSSLESS),
    ("96k.flac", "flac", "s32", 96_000, 2, LOSSLESS),
    ("8k.flac", "flac", "s16", 8_000, 1, LOSSLESS),
    ("192k.flac", "flac", "s32", 192_000, 2, LOSSLESS),
    ("5.1.flac", "flac", "s16", 48_000, 6, LOSSLESS),
    ("7.1.flac", "flac", "s16", 48_000, 8, LOSSLESS),
    ("s16.aiff", "pcm_s16be", "s16", 44_100, 2, LOSSLESS),
    ("s8.aiff", "pcm_s8", "u8", 44_100, 2, LOSSLESS),
    ("s24.aiff", "pcm_s24be", "s32", 88_200, 2, LOSSLESS),
    ("f64.aifc", "pcm_f64be", "dbl", 48_000, 2, LOSSLESS),
    ("alac.m4a", "alac", "s16p", 44_100, 2, LOSSLESS),
    ("24.m4a", "alac", "s32p", 96_000, 2, LOSSLESS),
    ("5.1.m4a", "alac", "s16p", 48_000, 6, LOSSLESS),
    ("s16.wv", "wavpack", "s16p", 44_100, 2, LOSSLESS),
    ("u8.wv", "wavpack", "u8p", 44_100, 2, LOSSLESS),
    ("s32.wv", "wavpack", "s32p", 192_000, 2, LOSSLESS),
    ("7.1.wv", "wavpack", "s16p", 48_000, 8, LOSSLESS),
    ("f32.wv", "wavpack", "fltp", 48_000, 2, LOSSLESS),
    ("s16.tta", "tta", "s16", 44_100, 2, LOSSLESS),
    ("s16.caf", "pcm_s16be", "s16", 44_100, 2, LOSSLESS),
    ("alac.mka", "alac", "s16p", 48_000, 2, LOSSLESS),
    ("mulaw.au", "pcm_mulaw", "s16", 44_100, 2, LOSSY),
    ("128k.mp3", "libmp3lame", "s16p", 44_100, 2, LOSSY),
    ("22k.mp3", "libmp3lame", "s16p", 22_050, 1, LOSSY),
    ("128k.mp2", "mp2", "s16", 44_100, 2, LOSSY),
    ("128k.ogg", "vorbis", "fltp", 44_100, 2, LOSSY),
    ("128k.opus", "libopus", "s16", 48_000, 2, LOSSY),
    ("mono.mp3", "libmp3lame", "s16p", 48_000, 1, LOSSY),
    ("mono.opus", "libopus", "s16", 48_000, 1, LOSSY),
    ("mono.m4a", "aac", "fltp", 48_000, 1, LOSSY),
    ("mono.wma", "wmav2", "fltp", 44_100, 1, LOSSY),
    ("5.1.opus", "libopus", "s16", 48_000, 6, LOSSY),
    ("7.1.opus", "libopus", "s16", 48_000, 8, LOSSY),
    ("5.1.aac.m4a", "aac", "fltp", 48_000, 6, LOSSY),
    ("7.1.aac.m4a", "aac", "fltp", 48_000, 8, LOSSY),
    ("96k.m4a", "aac", "fltp", 96_000, 2, LOSSY),
    ("128k.m4a", "aac", "fltp", 44_100, 2, LOSSY),
    ("128k.aac", "aac", "fltp", 44_100, 2, LOSSY),
    ("128k.mp4", "aac", "fltp", 48_000, 2, LOSSY),
    ("128k.webm", "libopus", "s16", 48_000, 2, LOSSY),
    ("128k.wma", "wmav2", "fltp", 44_100, 2, LOSSY),
    ("5.1.ac3", "ac3", "fltp", 48_000, 6, LOSSY),
]
LAYOUTS = {1: "mono", 2: "stereo", 3: "2.1", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


def piece(rate_hz: int, *, transposed: float = 1.0) -> np.ndarray:
    """Return three chords with a beat, with no sound above 3.5 kHz [shape=(n,), float64]."""
    time = np.arange(SECONDS * rate_hz) / rate_hz
    roots = np.array([220.0, 261.63, 329.63])[time.astype(int)] * transposed
    phase = 2 * np.pi * np.cumsum(roots) / rate_hz
    tone = sum(np.sin(k * phase + k) / k for k in range(1, 9))
    beat = np.exp(-8 * (time % 0.5)) * np.sin(2 * np.pi * 90 * time)
    hum = sum(np.sin(2 * np.pi * 37.3 * k * time + k * k) for k in range(2, 90)) / 90
    return 0.16 * tone + 0.3 * beat + 0.2 * hum


def encode(path: Path, codec: str, sample_format: str, rate_hz: int, channels: int) -> Path:
    """Write the piece with FFmpeg; all channels are equal."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate_hz, layout=LAYOUTS[channels], format=sample_format)
        if codec in ("libmp3lame", "mp2", "vorbis", "libopus", "aac", "wmav2"):
            stream.bit_rate = 128_000
        if codec == "vorbis":
            stream.codec_context.options = {"strict": "experimental"}
        stream.codec_context.open()
        resampler = av.AudioResampler(
            format=sample_format,
            layout=LAYOUTS[channels],
            rate=rate_hz,
            frame_size=stream.codec_context.frame_size or 4096,
        )
        samples = np.repeat(piece(rate_hz).astype(np.float32), channels)[None]
        frame = av.AudioFrame.from_ndarray(samples, "flt", LAYOUTS[channels])
        frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def engine():
    weights = find_weights("untrained", models_dir=Settings().models)
    return open_engine("openvino", weights, precision="float32")


@pytest.fixture(scope="module")
def expected(engine):
    return embed(engine, [piece(SAMPLE_RATE_HZ).astype(np.float32)])


@pytest.fixture(scope="module")
def transposed(engine):
    """The vector of the same piece a fifth higher."""
    return embed(engine, [piece(SAMPLE_RATE_HZ, transposed=1.5).astype(np.float32)])


def embed(engine, blocks) -> np.ndarray:
    batches = windows(iter(blocks), hop_s=HOP_S, batch_size=engine.batch_size)
    return pool(np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches]))


@pytest.mark.parametrize(("name", "codec", "sample_format", "rate_hz", "channels", "min_cosine"), FORMATS)
def test_the_vector_does_not_depend_on_the_format(
    tmp_path, engine, expected, transposed, name, codec, sample_format, rate_hz, channels, min_cosine
):
    path = encode(tmp_path / name, codec, sample_format, rate_hz, channels)
    assert path.suffix in AUDIO_EXTENSIONS
    stream = open_audio(path)
    assert (stream.sample_rate_hz, stream.channels) == (rate_hz, channels)
    vector = embed(engine, stream.mono(sample_rate_hz=SAMPLE_RATE_HZ))
    assert stream.duration_s == pytest.approx(SECONDS, abs=0.15)
    cosine = vector @ expected / np.linalg.norm(vector) / np.linalg.norm(expected)
    assert cosine >= min_cosine
    # Any two sounds have a high cosine, so the vector must also be nearer to its own piece than to another.
    assert np.linalg.norm(vector - expected) < np.linalg.norm(vector - transposed)


@pytest.mark.parametrize(("name", "codec", "sample_format", "rate_hz", "channels", "_"), FORMATS)
def test_no_format_is_decoded_shorter_than_by_ffmpeg(
    tmp_path, name, codec, sample_format, rate_hz, channels, _
):
    """The program ffmpeg decodes the same files; our sound may be at most 50 ms shorter."""
    if shutil.which("ffmpeg") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("the program ffmpeg was not found")
    path = encode(tmp_path / name, codec, sample_format, rate_hz, channels)
    output = ["-map", "0:a:0", "-f", "u8", "-ac", "1", "-ar", "8000", "-"]
    result = subprocess.run(["ffmpeg", "-nostdin", "-i", str(path), *output], capture_output=True, check=True)
    stream = open_audio(path)
    for _ in stream.blocks():
        pass
    assert stream.duration_s >= len(result.stdout) / 8000 - 0.05


def test_monkeys_audio_is_decoded_exactly():
    """FFmpeg cannot write this format, so the file is committed.

    Our own encoder wrote it: it inverts FFmpeg's libavcodec/apedec.c step by step ("fast" level, version
    3.99). The file holds two frames of at most 4,096 samples: the piece's first 5,000 samples at 8 kHz,
    times 3,000 on the left and times 1,500 on the right.
    """
    stream = open_audio(DATA / "piece.ape")
    assert ".ape" in AUDIO_EXTENSIONS
    assert (stream.format, stream.sample_rate_hz, stream.channels) == ("ape/ape", 8_000, 2)
    left = 3_000 * piece(8_000)[:5_000]
    samples = np.concatenate(list(stream.blocks())) * 32_768
    # This platform's sine may round differently from that of the machine that wrote the file.
    np.testing.assert_allclose(samples, np.rint(np.column_stack([left, left / 2])), atol=1)
    assert stream.duration_s == 5_000 / 8_000
