"""Measures each step of `map` for a very large library: seconds, processor time and peak memory.

    .venv/bin/python benchmarks/million_map.py [songs.db] [--songs 1000000] [--projections pca umap]

Without a songs.db, a made-up library of --songs songs is written to a temporary folder. With one, its map
gets a new layout. Rows are printed while `map` runs, which can take hours. The system resets the peak memory
of a process only under Linux: elsewhere, the columns about the process have no figures.
"""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from common import EXPLORER, MIB, ROOT, Options, in_own_process, print_head, print_table

_NO_STEP = re.compile(r": \d+%|\.$")
"""A line that tells how far a step is, or a sentence; other lines are the names of steps."""


def make_library(path: Path, n: int) -> None:
    """Write a made-up library of n songs."""
    import bulk_library

    bulk_library.store_library(path, n)


def peak_mib(process: int) -> float:
    """Return a process's peak memory since the last call, and reset it; NaN without /proc."""
    folder = Path(f"/proc/{process}")
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text())
        (folder / "clear_refs").write_text("5")
        return int(found[1]) * 1024 / MIB
    return math.nan


def processor_s(process: int) -> float:
    """Return the processor time that a process has used, in seconds; NaN without /proc."""
    with suppress(OSError):
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return math.nan


def measure(database: Path, projections: list[str]) -> Iterator[tuple]:
    """Run `map`; yield a row for each step that it tells, and one for the whole."""
    options = [word for name in projections for word in ("--projection", name)]
    command = [*EXPLORER, "map", "--relayout", "--json", "--db", str(database), *options]
    began = started = time.perf_counter()
    step, used_s, largest = "start", 0.0, 0.0
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as process:
        for line in process.stderr:
            if _NO_STEP.search(line):
                print(line, end="", file=sys.stderr, flush=True)
                continue
            now, total_s, peak = time.perf_counter(), processor_s(process.pid), peak_mib(process.pid)
            largest = max(largest, peak)
            yield step, f"{now - started:,.1f}", f"{total_s - used_s:,.1f}", f"{peak:,.0f}"
            step, started, used_s = line.strip(), now, total_s
        result = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    now, total_s = time.perf_counter(), usage.ru_utime + usage.ru_stime
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with status {process.returncode}")
    yield step, f"{now - started:,.1f}", f"{total_s - used_s:,.1f}", ""
    peak = max(largest, usage.ru_maxrss * 1024 / MIB)
    yield "all", f"{now - began:,.1f}", f"{total_s:,.1f}", f"{peak:,.0f}"
    print(f"\n{json.loads(result)['quality']}", file=sys.stderr)


def main() -> None:
    """Measure `map`, and print the table."""
    options = Options(__doc__)
    options.add("database", type=Path, nargs="?")
    options.add("--songs", type=int, default=1_000_000, smallest=200)
    options.add("--projections", nargs="+", default=["pca", "umap"], smallest=["pca"])
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        database = arguments.database
        if database is None:
            database = Path(temporary) / "songs.db"
            in_own_process(make_library, database, arguments.songs)
        print_table(
            ("step", "seconds", "processor seconds", "peak memory in MiB"),
            measure(database.resolve(), arguments.projections),
        )


if __name__ == "__main__":
    main()
