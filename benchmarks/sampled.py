"""Measures what a few windows of a song cost beside its fingerprints and beside decoding all of it.

    .venv/bin/python benchmarks/sampled.py [FOLDER] [--seconds S] [--count N]

The sound of FOLDER's files, one after the other, is written as one song in each format. Without FOLDER, the
sound is made up. All times are the processor's, in one process, the best of several runs. The windows of both
ways are compared too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path

import av
import numpy as np
import soundfile
from common import Options, make_music, print_head, print_table

from explorer.audio.decoder_process import read_fingerprints
from explorer.audio.decoding import open_audio
from explorer.audio.sampled_windows import sample_windows
from explorer.embedding.frontend import windows
from explorer.library.music_file import WHOLE
from explorer.library.scanning import scan_folder

HOP_S, LIMIT_S, RUNS = 0.5, 86_400.0, 5
FORMATS = {
    "MP3, 192 kbit/s": (".mp3", "libmp3lame", 44_100),
    "MP4, AAC, 160 kbit/s": (".m4a", "aac", 44_100),
    "Ogg Vorbis": (".ogg", "", 44_100),
    "Opus, 128 kbit/s": (".opus", "libopus", 48_000),
    "FLAC": (".flac", "flac", 44_100),
    "WAV": (".wav", "pcm_s16le", 44_100),
}
"""The extension, FFmpeg's encoder, and the sample rate; libsndfile writes Vorbis."""

BIT_RATES = {"libmp3lame": 192_000, "aac": 160_000, "libopus": 128_000}


def stereo_sound(folder: Path, rate_hz: int, seconds: float) -> np.ndarray:
    """Return the sound of a folder's files [shape=(2, n), float32], with different channels."""
    blocks, missing = [], int(seconds * rate_hz)
    for file in cycle(list(scan_folder(folder))):
        for block in open_audio(folder / file.native).mono(sample_rate_hz=rate_hz):
            blocks.append(block[:missing])
            missing -= len(blocks[-1])
            if not missing:
                mono = np.concatenate(blocks)
                return np.stack([mono, np.roll(mono, 40)])
    raise AssertionError("cycle has no end")


def encode(path: Path, samples: np.ndarray, codec: str, rate_hz: int) -> None:
    """Write a song."""
    if not codec:
        with soundfile.SoundFile(path, "w", rate_hz, 2, format="OGG", subtype="VORBIS") as file:
            for start in range(0, samples.shape[1], 4096):
                file.write(samples.T[start : start + 4096])
        return
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="stereo")
        stream.bit_rate = BIT_RATES.get(codec, 0)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(stream.format, "stereo", rate_hz, stream.frame_size or 4096)
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))


def cpu_s(function: Callable[[], object]) -> float:
    """Return the least processor time of several runs."""
    times = []
    for _ in range(RUNS):
        started = time.process_time()
        function()
        times.append(time.process_time() - started)
    return min(times)


def measure(folder: Path, source: Path, seconds: float, count: int) -> Iterator[tuple]:
    """Yield a row for each format."""
    for name, (suffix, codec, rate_hz) in FORMATS.items():
        path = folder / f"song{suffix}"
        encode(path, stereo_sound(source, rate_hz, seconds), codec, rate_hz)

        def sample(path: Path = path) -> object:
            options = {"hop_s": HOP_S, "part": WHOLE, "channel": None, "limit_s": LIMIT_S}
            return sample_windows(path, lambda _: None, count=count, **options)

        def decode(path: Path = path) -> Iterator[np.ndarray]:
            return open_audio(path).mono(sample_rate_hz=48_000)

        def fingerprint(path: Path = path) -> object:
            return read_fingerprints(path, lambda _: None, sheets=[])

        sampled = sample()
        expected = np.concatenate(list(windows(decode(), hop_s=HOP_S, batch_size=64)))[sampled.numbers]
        noise = ((sampled.windows - expected.astype(float)) ** 2).sum() / (expected.astype(float) ** 2).sum()
        few_s, prints_s, all_s = cpu_s(sample), cpu_s(fingerprint), cpu_s(lambda: list(decode()))
        yield (
            name,
            f"{1000 * prints_s:.0f} ms",
            f"{1000 * few_s:.0f} ms",
            f"{1000 * all_s:.0f} ms",
            f"{few_s / all_s:.0%}",
            f"{10 * np.log10(max(noise, 1e-20)):.0f} dB",
        )


def main() -> None:
    """Measure and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--seconds", type=float, default=200.0, smallest=12.0)
    options.add("--count", type=int, default=12, smallest=2)
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        source = arguments.folder or make_music(Path(temporary) / "made", songs=3, seconds=5.0)
        head = (
            *("format", "fingerprints", f"{arguments.count} windows", "whole song"),
            *("windows / whole song", "difference of the windows"),
        )
        print_table(head, measure(Path(temporary), source, arguments.seconds, arguments.count))


if __name__ == "__main__":
    main()
