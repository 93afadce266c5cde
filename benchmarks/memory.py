"""How much memory `index` takes, with one short song, with many songs, and with one of hours.

    .venv/bin/python benchmarks/memory.py [--hours 3] [--hop 5.0] [--precision bfloat16]

Each run is a process of its own, over noise written as FLAC. Printed is each process's peak resident
memory, its decoders not included. Neither the hop nor the precision changes it by much.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import soundfile
from common import Options, print_head, print_table, run

RATE_HZ = 48_000


def write_noise(path: Path, *, seconds: int, seed: int) -> None:
    """Write a FLAC file, a second at a time."""
    random = np.random.default_rng(seed)
    with soundfile.SoundFile(path, "w", RATE_HZ, 1, format="FLAC") as file:
        for _ in range(seconds):
            file.write(random.uniform(-0.5, 0.5, RATE_HZ))


def main() -> None:
    """Make the songs, index them and print the table."""
    options = Options(__doc__)
    options.add("--hours", type=float, default=3.0, smallest=0.002)
    options.add("--songs", type=int, default=100, smallest=2, help="Of 10 s, in the run of many.")
    options.add("--hop", type=float, default=5.0)
    options.add("--precision", default="bfloat16", smallest="float32")
    arguments = options.parse()
    cases = {
        f"{arguments.songs} songs of 10 s": [10] * arguments.songs,
        f"1 song of {arguments.hours:g} hours": [round(arguments.hours * 3600)],
    }
    if not arguments.smallest:
        cases = {"1 song of 1 minute": [60], **cases}

    def rows():
        for number, (what, lengths) in enumerate(cases.items()):
            folder = Path(place) / str(number)
            folder.mkdir()
            for seed, seconds in enumerate(lengths):
                write_noise(folder / f"{seed:03d}.flac", seconds=seconds, seed=seed)
            choices = ("--weights", "untrained", "--hop", arguments.hop, "--precision", arguments.precision)
            database = folder.with_suffix(".db")
            done = run("index", folder, "--db", database, *choices, "--no-map", "--no-previews", "--json")
            windows = round(done.result["audio_seconds"] / arguments.hop)
            yield what, f"{windows:,}", f"{done.peak_mib:.0f} MiB"

    print_head()
    with tempfile.TemporaryDirectory() as place:
        print_table(("", "windows", "peak memory"), rows())


if __name__ == "__main__":
    main()
