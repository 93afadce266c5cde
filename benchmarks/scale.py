"""What a library's size costs: the map, the page and what one does on it, at several sizes.

    .venv/bin/python benchmarks/scale.py [--songs 1000 10000 100000] [--projections pca umap] [--starts 3]

Each size is a made-up library in a songs.db of its own. `map` makes its map, in a process of its own whose
peak memory is measured, and again after 100 more songs were added. Then `serve` is started (figures are
medians of so many starts) and asked for what the page asks for, as a browser would: compressed, over one
connection. Questions that are asked 50 times have a median and a worst time. Importing Dash and its
components alone is measured beside `serve`, because no Dash page can be there sooner.

The table has a column for each size, one for each growth from a size to the next, to be compared with the
growth of n log n in its head, and the bar, which is for the size it names and those below.
"""

from __future__ import annotations

import itertools
import json
import math
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from common import MIB, Options, Page, in_own_process, print_head, print_table, run, serving

ADDED, ASKED = 100, 50
CLUSTERS = (10, 8, 20, 40, 13, 30)
"""Numbers of clusters that are asked for; the first is not timed."""

ROWS = {
    "map": ("`map`, PCA and UMAP", "s", 60, 100_000),
    "map_mib": ("… its peak memory", "MiB", 3000, 100_000),
    "update": (f"`map` after {ADDED} songs were added", "s"),
    "update_mib": ("… its peak memory", "MiB"),
    "imports": ("importing Dash and its components alone", "s"),
    "first_byte": ("`serve` to the page's first byte", "s", 3, 100_000),
    "layout": ("… to its layout", "s"),
    "drawn": ("… to the first map", "s"),
    "data_mb": ("the map's data", "MB"),
    "sent_mb": ("… as sent to a browser that takes gzip", "MB", 1.3, 100_000),
    "details": ("a song's details", "ms", 20, 100_000),
    "details_worst": (f"… the worst of {ASKED}", "ms"),
    "search": ("a search", "ms", 50, 100_000),
    "search_worst": (f"… the worst of {ASKED}", "ms"),
    "neighbours": ("a song's neighbours", "ms", 20, 100_000),
    "neighbours_worst": (f"… the worst of {ASKED}", "ms"),
    "clusters": ("another number of clusters", "s", 0.3, 10_000),
    "clusters_worst": (f"… the worst of {len(CLUSTERS) - 1}", "s"),
    "memory": ("`serve`: memory after the first map", "MiB"),
    "memory_after": ("… after all these questions", "MiB", 1000, 100_000),
}
"""What is measured: its title, its unit, and what it may be up to which size."""


def store_songs(path: Path, first: int, last: int, n: int) -> None:
    """Store some songs of a made-up library of n."""
    from synthetic import make_library

    make_library(n).add_to(path, np.arange(first, last))


def measure_map(database: Path, n: int, projections: list[str]) -> dict[str, float]:
    """Map a library that has no map, and again with more songs."""
    options = [word for name in projections for word in ("--projection", name)]
    found = {}
    for name, first, last in (("map", 0, n), ("update", n, n + ADDED)):
        in_own_process(store_songs, database, first, last, n + ADDED)
        done = run("map", "--db", database, *options)
        found |= {name: done.seconds, f"{name}_mib": done.peak_mib}
    return found


def time_imports() -> float:
    """Return the seconds in which a process imports Dash, its components and Plotly."""
    started = time.perf_counter()
    code = "import dash, dash_mantine_components, plotly.graph_objects as go; go.Figure()"
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def start_page(database: Path, use: Callable[[Page], dict] | None = None) -> dict[str, float]:
    """Start the page, load it as a browser does, and use it if asked to; return what that took."""
    found = {"imports": time_imports()}
    with serving(database) as page:
        page.get("/")
        found["first_byte"] = time.perf_counter() - page.started
        page.get("/_dash-layout")
        found["layout"] = time.perf_counter() - page.started
        content, sent = page.call("drawing.data", look={"projection": "umap", "theme": "dark"})
        found["drawn"] = time.perf_counter() - page.started
        found |= {"data_mb": len(content) / 1e6, "sent_mb": sent / 1e6, "memory": memory_mib(page.process)}
        if use:
            found |= use(page)
            found["memory_after"] = memory_mib(page.process)
    return found


def memory_mib(process: int) -> float:
    """Return a process's resident memory; not a number where the system does not tell."""
    status = Path(f"/proc/{process}/status")
    return (
        int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) * 1024 / MIB if status.exists() else math.nan
    )


def timed(name: str, scale: float, ask: Callable[[object], object], questions: list) -> dict[str, float]:
    """Ask, and return the median and the worst time."""
    taken = []
    for question in questions:
        started = time.perf_counter()
        ask(question)
        taken.append(scale * (time.perf_counter() - started))
    return {name: statistics.median(taken), f"{name}_worst": max(taken)}


def use_page(page: Page) -> dict[str, float]:
    """Ask for songs, their neighbours, searches and other numbers of clusters."""
    latest = json.loads(page.get("/latest")[0])
    revision = latest["revision"]
    songs = np.random.default_rng(0).integers(0, latest["songs"], ASKED).tolist()
    texts = []

    def details(index: int) -> None:
        song = json.loads(page.get(f"/songs/{revision}/{index}")[0])
        texts.append(song[("title", "artist")[len(texts) % 2]])

    def draw(clusters: int) -> None:
        page.call("drawing.data", look={"projection": "umap", "theme": "dark", "clusters": clusters})

    found = timed("details", 1000, details, songs)
    typed = [text[: 1 + number % 12] for number, text in enumerate(texts)]
    found |= timed("search", 1000, lambda text: page.call("search.data", search=text), typed)
    found |= timed("neighbours", 1000, lambda index: page.get(f"/neighbours/{revision}/{index}"), songs)
    draw(CLUSTERS[0])
    return found | timed("clusters", 1, draw, list(CLUSTERS[1:]))


def measure(place: Path, n: int, *, starts: int, projections: list[str]) -> dict[str, float]:
    """Measure everything at one size."""
    database = place / str(n) / "songs.db"
    found = measure_map(database, n, projections)
    pages = [start_page(database, use_page if number == 0 else None) for number in range(starts)]
    print(f"{n:,} songs are measured", file=sys.stderr, flush=True)
    return found | {name: statistics.median(one[name] for one in pages if name in one) for name in pages[0]}


def table_rows(measured: dict[int, dict[str, float]]):
    """Yield a row for each measure: its value at each size, how it grows, and its bar."""
    for name, (title, unit, *bar) in ROWS.items():
        values = {n: found[name] for n, found in measured.items()}
        cells = []
        for n, value in values.items():
            missed = " **missed**" if bar and n <= bar[1] and value > bar[0] else ""
            cells.append(f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}{missed}")
        cells += [f"{more / one:.1f}" for one, more in itertools.pairwise(values.values())]
        yield title, *cells, f"{bar[0]:g} {unit} at {bar[1]:,}" if bar else ""


def main() -> None:
    """Measure each size, and print the table."""
    options = Options(__doc__)
    options.add("--songs", type=int, nargs="+", default=[1000, 10_000, 100_000], smallest=[60])
    options.add("--projections", nargs="+", default=["pca", "umap"], smallest=["pca"])
    options.add("--starts", type=int, default=3, smallest=1)
    arguments = options.parse()
    choices = {"starts": arguments.starts, "projections": arguments.projections}
    print_head()
    with tempfile.TemporaryDirectory() as place:
        measured = {n: measure(Path(place), n, **choices) for n in sorted(arguments.songs)}
    growths = [
        f"{more:,} / {n:,} (n log n: {more * math.log(more) / (n * math.log(n)):.1f})"
        for n, more in itertools.pairwise(measured)
    ]
    print_table(("", *(f"{n:,} songs" for n in measured), *growths, "bar"), table_rows(measured))


if __name__ == "__main__":
    main()
