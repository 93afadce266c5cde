"""What a library's size costs: the map, the page and what one does on it, at several sizes.

    .venv/bin/python benchmarks/scale.py [--songs 1000 --songs 10000 --songs 100000] [--tsne] [--json]
        [--keep FOLDER] [--starts 3]

Each size is a made-up library in a songs.db of its own. It is mapped by `run.py map`, in a process of its
own whose peak memory is told, and again after 100 more songs were added. Then `run.py serve` is started
(the median of so many starts) and asked for what the page asks for, as a browser would: compressed, over
one connection. Questions that are asked 50 times are told by their median, to which the bar applies, and
their worst. Neighbours are also sought without the page, in a process that holds the vectors. With
`--tsne`, t-SNE is mapped as well: minutes at 100,000 songs.

The table has a column for each size, one for each growth from a size to the next, to be held against that
of n log n in its head, and the bar, which is for the size it names and those below. What misses it says so.
`--keep` leaves the libraries in a folder, and takes those that are there.
"""

from __future__ import annotations

import argparse
import gzip
import http.client
import itertools
import json
import math
import multiprocessing
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

DEFAULT_SIZES = (1000, 10_000, 100_000)
ADDED = 100
ASKED = 50
WARM_UP_CLUSTERS, OTHER_CLUSTERS = 10, (8, 20, 40, 13, 30)
START_LIMIT_S, ANSWER_LIMIT_S = 120, 600
MB = 1e6


@dataclass(frozen=True)
class Row:
    """A row of the table: what is measured, in which unit, and how much it may be up to which size."""

    name: str
    title: str
    unit: str
    bar: float | None = None
    bar_songs: int = 100_000

    def written(self, value: float | None) -> str:
        """Write a value with its unit."""
        if value is None:
            return "-"
        digits = max(0, 2 - math.floor(math.log10(value))) if 0 < value < 100 else 0
        return f"{value:,.{min(digits, 2)}f} {self.unit}"

    def missed(self, value: float | None, songs: int) -> bool:
        """Tell whether a value is more than it may be."""
        return None not in (value, self.bar) and songs <= self.bar_songs and value > self.bar


ROWS = (
    Row("map_s", "`map --projection pca --projection umap`", "s", 60),
    Row("map_mb", "… its peak memory", "MB", 3000),
    Row("tsne_s", "`map --projection tsne`", "s"),
    Row("tsne_mb", "… its peak memory", "MB"),
    Row("update_s", f"`map` after {ADDED} songs were added", "s"),
    Row("update_mb", "… its peak memory", "MB"),
    Row("first_byte_s", "`serve` to the page's first byte", "s", 3),
    Row("layout_s", "… to its layout", "s"),
    Row("figure_s", "… to the first map", "s"),
    Row("figure_mb", "the map's data", "MB"),
    Row("figure_sent_mb", "… as sent to a browser that takes gzip", "MB", 1.3),
    Row("details_ms", "a song's details", "ms", 20),
    Row("details_worst_ms", f"… the worst of {ASKED}", "ms"),
    Row("search_ms", "a search", "ms", 50),
    Row("search_worst_ms", f"… the worst of {ASKED}", "ms"),
    Row("neighbours_ms", "a song's neighbours, from memory", "ms", 20),
    Row("neighbours_worst_ms", f"… the worst of {ASKED}", "ms"),
    Row("page_neighbours_ms", "a song's neighbours, from the page", "ms"),
    Row("page_neighbours_worst_ms", f"… the worst of {ASKED}", "ms"),
    Row("clusters_s", "another number of clusters", "s", 0.3, 10_000),
    Row("clusters_worst_s", f"… the worst of {len(OTHER_CLUSTERS)}", "s"),
    Row("first_memory_mb", "`serve`: memory after the first map", "MB"),
    Row("memory_mb", "… after all these questions", "MB", 1000),
)


class Page:
    """A browser's side of the page: one connection, and requests made from what the page says of itself."""

    def __init__(self, port: int):
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=ANSWER_LIMIT_S)
        self._properties: dict[str, dict] = {}
        self._callbacks: list[dict] = []

    def get(self, path: str) -> tuple[int, bytes, int]:
        """Return an answer's status, its content and how many bytes were sent for it."""
        return self._ask("GET", path)

    def read_layout(self) -> None:
        """Read what there is on the page, and what it calls when."""
        self._note(json.loads(self._content("/_dash-layout")))
        self._callbacks = json.loads(self._content("/_dash-dependencies"))

    def set(self, changed: str, value: object) -> None:
        """Set a property, as `clusters.value`."""
        name, key = changed.rsplit(".", 1)
        self._properties.setdefault(name, {})[key] = value

    def call(self, output: str, changed: str | None = None) -> tuple[bytes, int]:
        """Run the callback that makes an output, as `drawing.data`, when a property has changed, or first."""
        callback = self._callback(output, changed)
        names = callback["output"].strip(".").split("...")
        outputs = [dict(zip(("id", "property"), name.rsplit(".", 1), strict=True)) for name in names]
        inputs = [self._valued(item) for item in callback["inputs"]]
        body = {
            "output": callback["output"],
            "outputs": outputs if callback["output"].startswith("..") else outputs[0],
            "inputs": inputs,
            "state": [self._valued(item) for item in callback.get("state", [])],
            "changedPropIds": [changed] if changed else [_name(item) for item in inputs],
        }
        status, content, sent = self._ask("POST", "/_dash-update-component", json.dumps(body).encode())
        if status != 200:
            raise RuntimeError(f"{callback['output']} answered {status}: {content[:300]!r}")
        return content, sent

    def _callback(self, output: str, changed: str | None) -> dict:
        for callback in self._callbacks:
            makes = [name.split("@")[0] for name in callback["output"].strip(".").split("...")]
            follows = [_name(item) for item in callback["inputs"]]
            is_ours = not callback.get("clientside_function")
            if is_ours and output in makes and (changed is None or changed in follows):
                return callback
        raise RuntimeError(f"the page has no callback that makes {output} from {changed}")

    def _valued(self, item: dict) -> dict:
        return {**item, "value": self._properties.get(item["id"], {}).get(item["property"])}

    def _note(self, part: object) -> None:
        """Remember the properties of every component that has an id."""
        if isinstance(part, list):
            for item in part:
                self._note(item)
        elif isinstance(part, dict):
            properties = part.get("props", {})
            if isinstance(properties, dict) and isinstance(properties.get("id"), str):
                self._properties[properties["id"]] = dict(properties)
            for item in part.values():
                self._note(item)

    def _content(self, path: str) -> bytes:
        status, content, _ = self.get(path)
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {content[:300]!r}")
        return content

    def _ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes, int]:
        headers = {"Accept-Encoding": "gzip"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        unpacked = gzip.decompress(content) if answer.headers["Content-Encoding"] == "gzip" else content
        return answer.status, unpacked, len(content)


def _name(item: dict) -> str:
    return f"{item['id']}.{item['property']}"


def in_own_process(function: Callable, *arguments: object) -> object:
    """Call a function where its memory is no part of ours: a child's peak begins with its parent's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *arguments).result()


def store_songs(path: Path, first: int, last: int, n: int) -> None:
    """Store some songs of a made-up library of n."""
    from synthetic import make_library

    make_library(n).part(np.arange(first, last)).add_to(path)


def make_map(database: Path, *projections: str) -> tuple[float, float]:
    """Run `map`; return its seconds and its peak memory in MB."""
    options = [word for name in projections for word in ("--projection", name)]
    command = [sys.executable, "run.py", "map", "--db", str(database), *options]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return seconds, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / MB


def measure_maps(database: Path, n: int, *, tsne: bool) -> dict[str, float]:
    """Map a library that has no map, and again with more songs."""
    found = dict(zip(("map_s", "map_mb"), make_map(database, "pca", "umap"), strict=True))
    projections = ["pca", "umap"]
    if tsne:
        found |= zip(("tsne_s", "tsne_mb"), make_map(database, "tsne"), strict=True)
        projections.append("tsne")
    in_own_process(store_songs, database, n, n + ADDED, n + ADDED)
    return found | dict(zip(("update_s", "update_mb"), make_map(database, *projections), strict=True))


@contextmanager
def serving(database: Path) -> Iterator[tuple[int, int, float]]:
    """Run `serve`; give its port, its process's number and when it was started."""
    command = [sys.executable, "run.py", "serve", "--no-browser", "--port", "0", "--db", str(database)]
    with tempfile.TemporaryFile("w+") as said:
        started = time.perf_counter()
        server = subprocess.Popen(command, cwd=ROOT, stderr=said, stdout=subprocess.DEVNULL)
        try:
            while not (found := re.search(r"http://\S+:(\d+)/", _text_of(said))):
                if server.poll() is not None or time.perf_counter() - started > START_LIMIT_S:
                    raise RuntimeError(f"serve does not start: {_text_of(said)}")
                time.sleep(0.005)
            yield int(found[1]), server.pid, started
        finally:
            server.terminate()
            server.wait()


def _text_of(file) -> str:
    return os.pread(file.fileno(), 10_000, 0).decode()


def memory_mb(process: int) -> float | None:
    """Return a process's resident memory, where the system tells."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return None
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024 / MB


def open_page(port: int, started: float) -> tuple[Page, dict[str, float]]:
    """Load the page as a browser does; return it and what that took."""
    page = Page(port)
    page.get("/")
    found = {"first_byte_s": time.perf_counter() - started}
    page.read_layout()
    found["layout_s"] = time.perf_counter() - started
    page.set("theme.data", "dark")
    content, sent = page.call("drawing.data")
    found["figure_s"] = time.perf_counter() - started
    return page, found | {"figure_mb": len(content) / MB, "figure_sent_mb": sent / MB}


def timed(ask: Callable[[object], object], questions: list) -> list[float]:
    """Return the seconds that each question took."""
    taken = []
    for question in questions:
        started = time.perf_counter()
        ask(question)
        taken.append(time.perf_counter() - started)
    return taken


def summed_up(name: str, seconds: list[float], unit: str = "ms") -> dict[str, float]:
    """Return the median and the worst."""
    scale = 1000 if unit == "ms" else 1
    return {
        f"{name}_{unit}": scale * statistics.median(seconds),
        f"{name}_worst_{unit}": scale * max(seconds),
    }


def measure_page(database: Path, n: int, starts: int) -> dict[str, float | None]:
    """Start the page again and again, and use the last."""
    from explorer.library.database import Database

    with Database.open_readonly(database) as library:
        revision = library.map_revision()
    loads = []
    for number in range(starts):
        with serving(database) as (port, process, started):
            page, load = open_page(port, started)
            loads.append(load)
            if number == starts - 1:
                memory = {"first_memory_mb": memory_mb(process)}
                found = use_page(page, revision, n)
                memory["memory_mb"] = memory_mb(process)
    return {name: statistics.median(load[name] for load in loads) for name in loads[0]} | found | memory


def use_page(page: Page, revision: int, n: int) -> dict[str, float]:
    """Ask for songs, their neighbours, searches and other numbers of clusters."""
    songs = np.random.default_rng(0).integers(0, n, ASKED).tolist()
    texts = []

    def details(index: int) -> None:
        status, content, _ = page.get(f"/songs/{revision}/{index}")
        if status != 200:
            raise RuntimeError(f"song {index} answered {status}: {content[:300]!r}")
        song = json.loads(content)
        texts.append(song["title"] if len(texts) % 2 else song["artist"])

    def call(output: str, changed: str) -> Callable[[object], None]:
        def ask(value: object) -> None:
            page.set(changed, value)
            page.call(output, changed)

        return ask

    found = summed_up("details", timed(details, songs))
    typed = [text[: 1 + number % 12] for number, text in enumerate(texts)]
    found |= summed_up("search", timed(call("search.data", "search.searchValue"), typed))
    if page.get(f"/neighbours/{revision}/{songs[0]}")[0] == 200:
        neighbours = timed(lambda index: page.get(f"/neighbours/{revision}/{index}"), songs)
        found |= summed_up("page_neighbours", neighbours)
    draw = call("drawing.data", "clusters.value")
    draw(WARM_UP_CLUSTERS)
    return found | summed_up("clusters", timed(draw, list(OTHER_CLUSTERS)), "s")


def measure_neighbours(database: Path) -> dict[str, float]:
    """Seek neighbours among vectors in memory."""
    from explorer.library.database import Database
    from explorer.mapping.neighbours import Neighbours

    with Database.open_readonly(database) as library:
        neighbours = Neighbours(library.vectors(dtype=np.float32)[1])
    songs = np.random.default_rng(1).integers(0, len(neighbours), ASKED).tolist()
    neighbours.nearest(0)
    return summed_up("neighbours", timed(neighbours.nearest, songs))


def measure(folder: Path, n: int, *, starts: int, tsne: bool) -> dict[str, float | None]:
    """Measure everything at one size."""
    kept = folder / f"synthetic-{n}.db"
    if not kept.exists():
        unfinished = kept.with_suffix(".unfinished")
        unfinished.unlink(missing_ok=True)
        in_own_process(store_songs, unfinished, 0, n, n + ADDED)
        unfinished.rename(kept)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        database = Path(place) / "songs.db"
        shutil.copyfile(kept, database)
        found = measure_maps(database, n, tsne=tsne)
        found |= in_own_process(measure_neighbours, database)
        try:
            return found | measure_page(database, n, starts)
        except (RuntimeError, OSError, KeyError) as error:
            print(f"{n:,} songs: the page cannot be measured: {error}", file=sys.stderr)
            return found


def print_table(measured: dict[int, dict[str, float | None]]) -> None:
    """Print a row for each measure: its value at each size, how it grows, and how much it may be."""
    sizes = sorted(measured)
    pairs = list(itertools.pairwise(sizes))
    head = ["", *(f"{n:,} songs" for n in sizes)]
    for n, more in pairs:
        growth = more * math.log(more) / (n * math.log(n))
        head.append(f"{more:,} / {n:,} (n log n: {growth:.1f})")
    print(f"| {' | '.join([*head, 'bar'])} |")
    print("|---" * (len(head) + 1) + "|")
    for row in ROWS:
        values = {n: measured[n].get(row.name) for n in sizes}
        cells = [row.title]
        for n, value in values.items():
            cells.append(row.written(value) + (" **missed**" if row.missed(value, n) else ""))
        for n, more in pairs:
            both = values[n] and values[more]
            cells.append(f"{values[more] / values[n]:.1f}" if both else "-")
        limit = f"{row.bar:g} {row.unit} at {row.bar_songs:,}" if row.bar else ""
        print(f"| {' | '.join([*cells, limit])} |")


def main() -> None:
    """Measure each size, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--songs", type=int, action="append", help="A size; may be given several times.")
    parser.add_argument("--tsne", action="store_true", help="Map t-SNE as well.")
    parser.add_argument("--keep", type=Path, help="A folder for the libraries, to be taken again.")
    parser.add_argument("--starts", type=int, default=3, help="How often the page is started.")
    parser.add_argument("--json", action="store_true", help="Print one JSON object instead of a table.")
    arguments = parser.parse_args()
    measured: dict[int, dict[str, float | None]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = arguments.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        for n in sorted(set(arguments.songs or DEFAULT_SIZES)):
            measured[n] = measure(folder.absolute(), n, starts=arguments.starts, tsne=arguments.tsne)
            print(f"{n:,} songs are measured", file=sys.stderr, flush=True)
    if arguments.json:
        print(json.dumps(measured))
        return
    from explorer.embedding.openvino_network import processor_name

    print(f"`benchmarks/scale.py {' '.join(sys.argv[1:])}`, {processor_name()}, {os.cpu_count()} cores")
    print()
    print_table(measured)


if __name__ == "__main__":
    main()
