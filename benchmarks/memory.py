"""How much memory an index run takes, with short songs, with many, and with one of three hours.

    .venv/bin/python benchmarks/memory.py [--hours 3] [--hop 1.0] [--precision bfloat16]

Each run is a process of its own, over noise written as FLAC: one song of a minute, a hundred of ten
seconds, and one of three hours. Printed is each process's peak resident memory. Half precision only
makes it quicker: float32 takes about as much.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

ROOT = Path(__file__).resolve().parent.parent
RATE_HZ = 48_000


def write_noise(path: Path, *, seconds: int, seed: int) -> None:
    """Write a FLAC file, a second at a time."""
    random = np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format="FLAC") as file:
        for _ in range(seconds):
            file.write(random.normal(scale=0.1, size=RATE_HZ).clip(-1, 1).astype(np.float32))


def peak_of_index(folder: Path, *, hop: float, precision: str) -> tuple[dict, float]:
    """Index a folder in a process of its own; return its summary and its peak memory in MiB."""
    code = (
        "import resource, sys; sys.path.insert(0, sys.argv[1]);"
        "from explorer.cli import run; status = run(sys.argv[2:]);"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss); sys.exit(status)"
    )
    options = ["--weights", "untrained", "--hop", str(hop), "--precision", precision, "--no-map", "--json"]
    command = [sys.executable, "-c", code, str(ROOT), "index", str(folder), *options]
    command += ["--db", str(folder.with_suffix(".db"))]
    result = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    summary, memory = result.stdout.strip().splitlines()[-2:]
    return json.loads(summary), int(memory) / 1024


def main() -> None:
    """Make the songs, index them and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--hop", type=float, default=1.0)
    parser.add_argument("--precision", default="bfloat16")
    arguments = parser.parse_args()
    cases = {
        "1 song of 1 minute": [60],
        "100 songs of 10 s": [10] * 100,
        f"1 song of {arguments.hours:g} hours": [int(arguments.hours * 3600)],
    }
    print("| | windows | peak memory |")
    print("|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for number, (what, lengths) in enumerate(cases.items()):
            folder = Path(name) / str(number)
            folder.mkdir()
            for seed, seconds in enumerate(lengths):
                write_noise(folder / f"{seed:03d}.flac", seconds=seconds, seed=seed)
            summary, memory = peak_of_index(folder, hop=arguments.hop, precision=arguments.precision)
            windows = round(summary["audio_seconds"] / arguments.hop)
            print(f"| {what} | {windows:,} | {memory:.0f} MiB |", flush=True)


if __name__ == "__main__":
    main()
