"""Measures the map and the page at several sizes of the library.

    .venv/bin/python benchmarks/scale.py [--songs 1000 10000 100000] [--projections pca umap] [--starts 3]
    .venv/bin/python benchmarks/scale.py --songs 1000000 --made-up-map [--starts 1]
    .venv/bin/python benchmarks/scale.py --database songs.db

Each size is a synthetic library in its own songs.db. `map` makes its map in a separate process, whose peak
memory is measured, and updates it after 100 more songs were added. Then `serve` is started --starts times
(figures are medians). The benchmark sends it the requests of the page as a browser does: compressed, over one
connection. Requests that are sent 50 times have a median and a worst time. Importing only Dash and its
components is measured too, because no Dash page can start faster.

The table has a column for each size. The next columns show by which factor each figure grows from one size to
the next; their heads give the factor of n log n for comparison. The last column is the limit: the value that
should not be exceeded at the given size and at smaller sizes.

With --made-up-map, `map` is not measured, and the maps are made up: see `bulk_library.py`. With --database,
an existing library is measured with its own map. The first song's details and neighbours, and the first
search, wait until the server has read what they need; the figures of 50 requests come after that.
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

MANY_SONGS = 200_000
"""With more songs, only one other number of clusters is requested."""

ROWS = {
    "map": ("`map`, PCA and UMAP", "s", (45, 100_000)),
    "map_mib": ("… its peak memory", "MiB", (1500, 100_000)),
    "update": (f"`map` after {ADDED_SONGS} songs were added", "s", (4, 100_000)),
    "update_mib": ("… its peak memory", "MiB", (1500, 100_000)),
    "imports": ("importing Dash and its components alone", "s"),
    "ready": ("`serve` until it listens", "s"),
    "first_byte_ready": ("… from then to the page's first byte", "s"),
    "first_byte": ("`serve` to the page's first byte", "s", (3, 100_000), (5, 1_000_000)),
    "layout": ("… to its layout", "s"),
    "drawn": ("… to the first map", "s"),
    "positions": ("the map's arrays: positions", "ms"),
    "groups": ("… a new colouring", "ms"),
    "flags": ("… a filter by genre", "ms"),
    "data_mb": ("the map's data", "MB"),
    "sent_mb": ("… as sent to a browser that takes gzip", "MB", (1.3, 100_000), (10, 1_000_000)),
    "details_first": ("the first song's details", "s"),
    "neighbours_first": ("the first song's neighbours", "s"),
    "search_first": ("the first search", "s"),
    "details": ("a song's details", "ms", (20, 100_000), (50, 1_000_000)),
    "details_worst": (f"… the worst of {REQUESTS}", "ms"),
    "search": ("a search", "ms", (50, 100_000), (300, 1_000_000)),
    "search_worst": (f"… the worst of {REQUESTS}", "ms"),
    "search_nothing": ("a search that finds nothing", "ms"),
    "neighbours": ("a song's neighbours", "ms", (20, 100_000), (100, 1_000_000)),
    "neighbours_worst": (f"… the worst of {REQUESTS}", "ms"),
    "filters": ("the filter's choices", "ms"),
    "state": ("whether something has changed (`/latest`)", "ms"),
    "clusters": ("another number of clusters", "s", (0.3, 10_000)),
    "clusters_worst": ("… the worst of them", "s"),
    "memory_page": ("`serve`: memory with the page", "MiB"),
    "memory": ("… after the first map", "MiB"),
    "memory_first": ("… after the first song and the first search", "MiB"),
    "memory_after": ("… after all these requests", "MiB", (1000, 100_000)),
    "memory_peak": ("… at its peak", "MiB", (2384, 1_000_000)),
}
"""The measures: title, unit, and limits, each with the largest size to which it applies."""


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
        figures["ready"] = time.perf_counter() - page.started
        page.get("/")
        figures["first_byte"] = time.perf_counter() - page.started
        figures["first_byte_ready"] = figures["first_byte"] - figures["ready"]
        page.get("/_dash-layout")
        figures["layout"] = time.perf_counter() - page.started
        figures["memory_page"] = memory_mib(page.process)
        figures |= draw_map(page)
        figures["memory"] = memory_mib(page.process)
        if use:
            figures |= use(page)
            figures["memory_after"] = memory_mib(page.process)
        figures["memory_peak"] = memory_mib(page.process, "VmHWM")
    return figures


def draw_map(page: Page) -> dict[str, float]:
    """Request the first map as the page does: its description, and the three arrays; return the figures."""
    view = {"projection": "umap", "theme": "dark"}
    drawing = json.loads(page.call("drawing.data", look=view)[0])["response"]["drawing"]["data"]
    address = f"/map/{drawing['revision']}"
    requests = {
        "positions": lambda: page.get(f"{address}/positions/{drawing['projection']}"),
        "groups": lambda: page.get(f"{address}/groups?projection={drawing['projection']}&colouring=cluster"),
        "flags": lambda: page.post(f"{address}/flags", drawing["view"]),
    }
    figures, sizes = {}, []
    for name, send in requests.items():
        started = time.perf_counter()
        content, sent = send()
        sizes.append((len(content) / 1e6, sent / 1e6))
        figures[name] = 1000 * (time.perf_counter() - started)
    figures["drawn"] = time.perf_counter() - page.started
    figures["data_mb"], figures["sent_mb"] = (sum(size) for size in zip(*sizes, strict=True))
    return figures


def memory_mib(process: int, what: str = "VmRSS") -> float:
    """Return a process's resident memory, or its peak (VmHWM); NaN if the system has no /proc."""
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        return math.nan
    return int(re.search(rf"{what}:\s+(\d+)", status.read_text())[1]) * 1024 / MIB


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
    texts, drawn = [], {"projection": "umap", "theme": "dark"}

    def details(index: int) -> None:
        song = json.loads(page.get(f"/songs/{revision}/{index}")[0])
        texts.append(song[("title", "artist")[len(texts) % 2]])

    def neighbours(index: int) -> None:
        page.get(f"/neighbours/{revision}/{index}")

    def search(text: str) -> None:
        page.call("searched.data", search=text)

    def draw(clusters: int) -> None:
        page.call("drawing.data", look=drawn | {"clusters": clusters})

    def filter_by(genre: str) -> None:
        view = drawn | {"revision": revision, "changes": latest["changes"], "filter": {"genres": [genre]}}
        page.post(f"/map/{revision}/flags", view)

    def open_filters(clicks: int) -> None:
        page.call("filter-genres.data", **{"filter-toggle": clicks})

    def colour_by(colouring: str) -> None:
        page.get(f"/map/{revision}/groups?projection=umap&colouring={colouring}")

    figures = {}
    for name, send, value in (
        ("details", details, 0),
        ("neighbours", neighbours, 0),
        ("search", search, "a"),
    ):
        figures[f"{name}_first"] = timed(name, 1, send, [value])[name]
    figures["memory_first"] = memory_mib(page.process)
    figures |= timed("details", 1000, details, songs)
    typed = [text[: 1 + number % 12] for number, text in enumerate(texts[1:])]
    figures |= timed("search", 1000, search, typed)
    figures |= timed("search_nothing", 1000, search, ["xqwz", "zzkk", "gar xylophon"])
    figures |= timed("neighbours", 1000, neighbours, songs)
    figures |= timed(
        "filters", 1000, lambda n: page.call("filter-genres.data", **{"filter-toggle": n}), [1, 2, 3]
    )
    figures |= timed("flags", 1000, filter_by, ["Jazz", "Techno", "Opera"])
    figures |= timed("groups", 1000, colour_by, ["genre", "artist", "genre", "artist", "genre"])
    figures |= timed("state", 1000, lambda _: page.get("/latest"), list(range(5)))
    draw(CLUSTERS[0])
    counts = CLUSTERS[1:] if latest["songs"] <= MANY_SONGS else CLUSTERS[1:2]
    return figures | timed("clusters", 1, draw, list(counts))


def make_up_library(database: Path, n: int) -> None:
    """Store a library with a made-up map."""
    from bulk_library import store_library

    store_library(database, n)


def measure_library(database: Path, n: int, *, starts: int, figures: dict[str, float]) -> dict[str, float]:
    """Return `figures`, and those of the page of a library of n songs."""
    pages = [start_page(database, use_page if number == 0 else None) for number in range(starts)]
    print(f"{n:,} songs: measured", file=sys.stderr, flush=True)
    medians = {name: statistics.median(page[name] for page in pages if name in page) for name in pages[0]}
    return figures | medians


def measure(temporary: Path, n: int, *, starts: int, projections: list[str] | None) -> dict[str, float]:
    """Return all figures at one size; without those of `map` if `projections` is None: the map is made up."""
    database, figures = temporary / str(n) / "songs.db", {}
    if projections is None:
        in_own_process(make_up_library, database, n)
    else:
        figures = measure_map(database, n, projections)
    return measure_library(database, n, starts=starts, figures=figures)


def count_songs(database: Path) -> int:
    """Return how many songs a library has."""
    from explorer.database.database import Database

    with Database.open_readonly(database) as library:
        return library.count_vectors()


def table_rows(measured: dict[int, dict[str, float]]):
    """Yield a row for each measure: its value at each size, its growth, and its limit."""
    for name, (title, unit, *limits) in ROWS.items():
        values = {n: figures[name] for n, figures in measured.items() if name in figures}
        if len(values) < len(measured):
            continue
        cells = []
        for n, value in values.items():
            limit = next((limit for limit, size in limits if n <= size), math.inf)
            exceeded = " **exceeded**" if value > limit else ""
            cells.append(f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}{exceeded}")
        cells += [f"{larger / smaller:.1f}" for smaller, larger in itertools.pairwise(values.values())]
        yield title, *cells, ", ".join(f"{limit:g} {unit} at {size:,}" for limit, size in limits)


def main() -> None:
    """Measure all sizes, and print the table."""
    options = Options(__doc__)
    options.add("--songs", type=int, nargs="+", default=[1000, 10_000, 100_000], smallest=[60])
    options.add("--projections", nargs="+", default=["pca", "umap"], smallest=["pca"])
    options.add("--starts", type=int, default=3, smallest=1)
    options.add("--made-up-map", action="store_true", help="Make up the maps, instead of measuring `map`.")
    options.add("--database", type=Path, help="Measure this library instead, with its map.")
    arguments = options.parse()
    print_head()
    if arguments.database:
        database, n = arguments.database.resolve(), in_own_process(count_songs, arguments.database.resolve())
        measured = {n: measure_library(database, n, starts=arguments.starts, figures={})}
    else:
        options = {"starts": arguments.starts}
        options["projections"] = None if arguments.made_up_map else arguments.projections
        with tempfile.TemporaryDirectory() as temporary:
            measured = {n: measure(Path(temporary), n, **options) for n in sorted(arguments.songs)}
    growths = [
        f"{larger:,} / {n:,} (n log n: {larger * math.log(larger) / (n * math.log(n)):.1f})"
        for n, larger in itertools.pairwise(measured)
    ]
    print_table(("", *(f"{n:,} songs" for n in measured), *growths, "limit"), table_rows(measured))


if __name__ == "__main__":
    main()
