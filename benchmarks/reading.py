"""Compares how much sound our decoder and the program ffmpeg find in each file of a folder, and their times.

    .venv/bin/python benchmarks/reading.py [FOLDER] [--files]

Without FOLDER, the benchmark writes tones in four formats. A file that only one of the two can read is listed
with 0 s for the other. The program ffmpeg must be installed. --files prints a row for each file. The ratio of
the times contains the start of a process for each file on ffmpeg's side.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from itertools import groupby
from pathlib import Path

from common import Options, make_music, print_head, print_table

from explorer.audio.decoding import open_audio
from explorer.errors import AudioError
from explorer.library.scanning import scan_folder

RATE_HZ, BYTES = 48_000, 4


def decode(path: Path) -> float:
    """Return the duration that our decoder finds, in seconds; 0 if it refuses the file."""
    try:
        stream = open_audio(path)
        for _ in stream.mono(sample_rate_hz=RATE_HZ):
            pass
    except AudioError:
        return 0.0
    return stream.duration_s


def decode_with_ffmpeg(path: Path) -> float:
    """Return the duration that the program ffmpeg finds, in seconds; 0 if it refuses the file."""
    output = ["-map", "0:a:0", "-f", "f32le", "-ac", "1", "-ar", str(RATE_HZ), "-"]
    command = ["ffmpeg", "-v", "quiet", "-nostdin", "-i", str(path), *output]
    return len(subprocess.run(command, capture_output=True).stdout) / BYTES / RATE_HZ


def measure(path: Path) -> tuple[str, float, float, float, float]:
    """Return a file's extension, both durations, and both times in seconds."""
    started = time.perf_counter()
    ours = decode(path)
    between = time.perf_counter()
    theirs = decode_with_ffmpeg(path)
    return path.suffix.lower(), ours, theirs, between - started, time.perf_counter() - between


def main() -> None:
    """Decode the files and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--files", action="store_true")
    options.add("--seconds", type=float, default=60.0, smallest=1.0)
    arguments = options.parse()
    if shutil.which("ffmpeg") is None:
        sys.exit("The program ffmpeg is not installed: install the package ffmpeg.")
    print_head()
    with tempfile.TemporaryDirectory() as scratch:
        suffixes = (".flac", ".mp3", ".ogg", ".wav")
        folder = arguments.folder or make_music(
            Path(scratch) / "music", songs=4, seconds=arguments.seconds, suffixes=suffixes
        )
        files = [folder / file.native for file in scan_folder(folder)]
        results = [(file, *measure(file)) for file in files]
    if arguments.files:
        rows = (
            (file.relative_to(folder), f"{ours:.3f}", f"{theirs:.3f}")
            for file, _, ours, theirs, *_ in results
        )
        print_table(["file", "seconds", "ffmpeg's seconds"], rows)
        return
    results = sorted((result[1:] for result in results), key=lambda result: result[0])
    head = [
        "format",
        "files",
        "seconds",
        "ffmpeg's seconds",
        "most that is missing, ms",
        "time / ffmpeg's time",
    ]
    print_table(head, (summarise(*group) for group in groupby(results, key=lambda result: result[0])))


def summarise(suffix: str, results: object) -> list[object]:
    """Return a row of the table: the results of the files with one extension."""
    _, ours, theirs, our_times, their_times = zip(*results, strict=True)
    missing_ms = max(0.0, *(1000 * (b - a) for a, b in zip(ours, theirs, strict=True)))
    ratio = sum(our_times) / sum(their_times)
    return [suffix, len(ours), f"{sum(ours):.1f}", f"{sum(theirs):.1f}", f"{missing_ms:.0f}", f"{ratio:.2f}"]


if __name__ == "__main__":
    main()
