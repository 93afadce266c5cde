"""Compares the time of an index run of this version with that of another version of the program.

    .venv/bin/python benchmarks/versions.py [FOLDER] [--other CHECKOUT] [--rounds 3] [--precision int8]
        [--hop 0.5]

CHECKOUT is another checkout of the program; by default this version is compared with itself, which shows how
much the figures vary. Both run in the environment of this checkout. In each round, each version indexes the
songs of FOLDER (synthetic songs without FOLDER) into an empty database, without a map and previews; which one
is first alternates. Weights are untrained; the arithmetic is the same as with trained weights.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from common import ROOT, Options, make_music, print_head, print_table


def index(checkout: Path, folder: Path, arguments) -> float:
    """Index a folder into an empty database; return the seconds that the run reports."""
    with tempfile.TemporaryDirectory() as temporary:
        options = [
            "--db",
            f"{temporary}/songs.db",
            "--weights",
            "untrained",
            "--no-map",
            "--no-previews",
            "--json",
        ]
        options += ["--precision", arguments.precision, "--hop", str(arguments.hop)]
        command = [sys.executable, "-m", "explorer", "index", str(folder), *options]
        result = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    if result.returncode not in (0, 3):
        sys.exit(f"{checkout} cannot index {folder}: {result.stderr[-2000:]}")
    return json.loads(result.stdout.splitlines()[-1])["seconds"]


def rounds(folder: Path, arguments) -> Iterator[tuple]:
    """Yield a row for each round, and the medians."""
    times: list[tuple[float, float]] = []
    for number in range(arguments.rounds):
        checkouts = [ROOT, arguments.other.resolve()]
        order = checkouts if number % 2 == 0 else checkouts[::-1]
        seconds = [index(checkout, folder, arguments) for checkout in order]
        times.append(tuple(seconds if number % 2 == 0 else seconds[::-1]))
        yield number + 1, *(f"{value:.1f} s" for value in times[-1]), f"{times[-1][0] / times[-1][1]:.3f}"
    this, other = (statistics.median(column) for column in zip(*times, strict=True))
    yield "median", f"{this:.1f} s", f"{other:.1f} s", f"{this / other:.3f}"


def main() -> None:
    """Measure, and print the table."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--other", type=Path, default=ROOT, help="A checkout of another version.")
    options.add("--rounds", type=int, default=3, smallest=1)
    options.add("--precision", default="int8", smallest="float32")
    options.add("--hop", type=float, default=0.5, smallest=1.0)
    arguments = options.parse()
    songs, seconds = (2, 1.0) if arguments.smallest else (64, 30.0)
    print_head()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or make_music(Path(name) / "songs", songs=songs, seconds=seconds)
        print_table(("round", "this version", "other version", "ratio"), rounds(folder.resolve(), arguments))


if __name__ == "__main__":
    main()
