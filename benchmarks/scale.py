"""Measures the map and the page at several sizes of the library.

    .venv/bin/python benchmarks/scale.py [--songs 1000 10000 100000] [--projections pca umap] [--starts 3]

Each size is a synthetic library in its own songs.db. `map` makes its map in a separate process, whose peak
memory is measured, and updates it after 100 more songs were added. Then `serve` is started --starts times
(figures are medians). The benchmark sends it the requests of the page as a browser does: compressed, over one
connection. Requests that are sent 50 times have a median and a worst time. Importing only Dash and its
components is measured too, because no Dash page can start faster.

The table has a column for each size. The next columns show by which factor each figure grows from one size to
the next; their heads give the factor of n log n for comparison. The last column is the limit: the value that
should not be exceeded at the given size and at smaller sizes.
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

ADDED_SONGS, REQUESTS = 100, 50
CLUSTERS = (10, 8, 20, 40, 13, 30)
"""The requested numbers of clusters; the first request is not timed."""

ROWS = {
    "map": ("`map`, PCA and UMAP", "s", 45, 100_000),
    "map_mib": ("… its peak memory", "MiB", 1500, 100_000),
    "update": (f"`map` after {ADDED_SONGS} songs were added", "s", 4, 100_000),
    "update_mib": ("… its peak memory", "MiB", 1500, 100_000),
    "imports": ("importing Dash and its components alone", "s"),
    "first_byte": ("`serve` to the page's first byte", "s", 3, 100_000),
    "layout": ("… to its layout", "s"),
    "drawn": ("… to the first map", "s"),
    "data_mb": ("the map's data", "MB"),
    "sent_mb": ("… as sent to a browser that takes gzip", "MB", 1.3, 100_000),
    "details": ("a song's details", "ms", 20, 100_000),
    "details_worst": (f"… the worst of {REQUESTS}", "ms"),
    "search": ("a search", "ms", 50, 100_000),
    "search_worst": (f"… the worst of {REQUESTS}", "ms"),
    "neighbours": ("a song's neighbours", "ms", 20, 100_000),
    "neighbours_worst": (f"… the worst of {REQUESTS}", "ms"),
    "clusters": ("another number of clusters", "s", 0.3, 10_000),
    "clusters_worst": (f"… the worst of {len(CLUSTERS) - 1}", "s"),
    "memory": ("`serve`: memory after the first map", "MiB"),
    "memory_after": ("… after all these requests", "MiB", 1000, 100_000),
}
"""The measures: title, unit, and the limit with the largest size to which it applies."""


def store_songs(path: Path, first: int, last: int, n: int) -> None:
    """Store the songs `first` to `last` - 1 of a synthetic library of n songs."""
    from synthetic import make_library

    make_library(n).add_to(path, np.arange(first, last))


def measure_map(database: Path, n: int, projections: list[str]) -> dict[str, float]:
    """Make the map of a library, and update it after songs were added."""
    options = [word for name in projections for word in ("--projection", name)]
    figures = {}
    for name, first, last in (("map", 0, n), ("update", n, n + ADDED_SONGS)):
        in_own_process(store_songs, database, first, last, n + ADDED_SONGS)
        result = run("map", "--db", database, *options)
        figures |= {name: result.seconds, f"{name}_mib": result.peak_mib}
    return figures


def time_imports() -> float:
    """Return the seconds that a process needs to import Dash, its components and Plotly."""
    started = time.perf_counter()
    code = "import dash, dash_mantine_components, plotly.graph_objects as go; go.Figure()"
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def start_page(database: Path, use: Callable[[Page], dict] | None = None) -> dict[str, float]:
    """Start the server, load the page as a browser does, call `use`, and return the figures."""
    figures = {"imports": time_imports()}
    with serving(database) as page:
        page.get("/")
        figures["first_byte"] = time.perf_counter() - page.started
        page.get("/_dash-layout")
        figures["layout"] = time.perf_counter() - page.started
        content, sent = page.call("drawing.data", look={"projection": "umap", "theme": "dark"})
        figures["drawn"] = time.perf_counter() - page.started
        figures |= {"data_mb": len(content) / 1e6, "sent_mb": sent / 1e6, "memory": memory_mib(page.process)}
        if use:
            figures |= use(page)
            figures["memory_after"] = memory_mib(page.process)
    return figures


def memory_mib(process: int) -> float:
    """Return a process's resident memory; NaN if the system has no /proc."""
    status = Path(f"/proc/{process}/status")
    return (
        int(re.search(r"VmRSS:\s+(\d+)", status.read_text())[1]) * 1024 / MIB if status.exists() else math.nan
    )


def timed(name: str, scale: float, send: Callable[[object], object], values: list) -> dict[str, float]:
    """Send a request for each value; return the median and the worst time, in seconds times `scale`."""
    times = []
    for value in values:
        started = time.perf_counter()
        send(value)
        times.append(scale * (time.perf_counter() - started))
    return {name: statistics.median(times), f"{name}_worst": max(times)}


def use_page(page: Page) -> dict[str, float]:
    """Request songs, their neighbours, searches and other numbers of clusters; return the figures."""
    latest = json.loads(page.get("/latest")[0])
    revision = latest["revision"]
    songs = np.random.default_rng(0).integers(0, latest["songs"], REQUESTS).tolist()
    texts = []

    def details(index: int) -> None:
        song = json.loads(page.get(f"/songs/{revision}/{index}")[0])
        texts.append(song[("title", "artist")[len(texts) % 2]])

    def draw(clusters: int) -> None:
        page.call("drawing.data", look={"projection": "umap", "theme": "dark", "clusters": clusters})

    figures = timed("details", 1000, details, songs)
    typed = [text[: 1 + number % 12] for number, text in enumerate(texts)]
    figures |= timed("search", 1000, lambda text: page.call("search.data", search=text), typed)
    figures |= timed("neighbours", 1000, lambda index: page.get(f"/neighbours/{revision}/{index}"), songs)
    draw(CLUSTERS[0])
    return figures | timed("clusters", 1, draw, list(CLUSTERS[1:]))


def measure(temporary: Path, n: int, *, starts: int, projections: list[str]) -> dict[str, float]:
    """Return all figures at one size."""
    database = temporary / str(n) / "songs.db"
    figures = measure_map(database, n, projections)
    pages = [start_page(database, use_page if number == 0 else None) for number in range(starts)]
    print(f"{n:,} songs: measured", file=sys.stderr, flush=True)
    medians = {name: statistics.median(page[name] for page in pages if name in page) for name in pages[0]}
    return figures | medians


def table_rows(measured: dict[int, dict[str, float]]):
    """Yield a row for each measure: its value at each size, its growth, and its limit."""
    for name, (title, unit, *limit) in ROWS.items():
        values = {n: figures[name] for n, figures in measured.items()}
        cells = []
        for n, value in values.items():
            exceeded = " **exceeded**" if limit and n <= limit[1] and value > limit[0] else ""
            cells.append(f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}{exceeded}")
        cells += [f"{larger / smaller:.1f}" for smaller, larger in itertools.pairwise(values.values())]
        yield title, *cells, f"{limit[0]:g} {unit} at {limit[1]:,}" if limit else ""


def main() -> None:
    """Measure all sizes, and print the table."""
    options = Options(__doc__)
    options.add("--songs", type=int, nargs="+", default=[1000, 10_000, 100_000], smallest=[60])
    options.add("--projections", nargs="+", default=["pca", "umap"], smallest=["pca"])
    options.add("--starts", type=int, default=3, smallest=1)
    arguments = options.parse()
    options = {"starts": arguments.starts, "projections": arguments.projections}
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        measured = {n: measure(Path(temporary), n, **options) for n in sorted(arguments.songs)}
    growths = [
        f"{larger:,} / {n:,} (n log n: {larger * math.log(larger) / (n * math.log(n)):.1f})"
        for n, larger in itertools.pairwise(measured)
    ]
    print_table(("", *(f"{n:,} songs" for n in measured), *growths, "limit"), table_rows(measured))


if __name__ == "__main__":
    main()
