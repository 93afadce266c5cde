"""Measures the page with a very large library, beside the version whose map Plotly drew.

    .venv/bin/python benchmarks/million.py [MUSIC] [--songs 100000 1000000] [--databases FILE ...]
        [--before CHECKOUT] [--rounds 1] [--limit 180]

Each library is served by the version before and by this one, and opened in headless Chromium, which draws
without a graphics card. The libraries are made up, unless --databases gives ready ones; MUSIC, a folder of
songs or a songs.db, is measured first, as a library of the usual size. --before is a checkout of the other
version, or a commit; "none" leaves it out.

A time in the page ends when its frame is drawn. *A frame* while panning or zooming is the time between two
frames: at least 17 ms at 60 Hz. *At rest* is the time from the last movement until all points are drawn.
After the first picture, the script waits until the server has read what it reads in advance.
Each colouring, group and tooltip is one that the page has not shown before. Figures are medians: of two
colourings, three groups and twenty songs, and then of the rounds, in which the versions take turns.
"""

from __future__ import annotations

import json
import math
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from browser import LimitReachedError, Tab, find_browser, opened
from common import ROOT, Options, print_head, print_table, run, serving

PLOTLY_COMMIT = "35f4778"
"""The last version whose map Plotly drew."""
COLOURINGS = ("genre", "artist")
GROUPS, HOVERS, DETAILS = 3, 20, 20
FRAMES, LASSO_CORNERS = 60, 120
IDLE_TICKS = 5
"""Hundredths of a second of processor time within two seconds: a server that waits needs no more."""


class Row(NamedTuple):
    """A measure: title, unit, and the bar.

    The bar is the largest value at `songs` songs and fewer; or the smallest ratio of before and this, at
    `songs` songs only, if `is_ratio`.
    """

    title: str
    unit: str
    bar: float | None = None
    songs: int = 1_000_000
    is_ratio: bool = False

    def told(self) -> str:
        """Return the bar as text."""
        if self.bar is None:
            return ""
        bar = f"≥ {self.bar:g} times as fast" if self.is_ratio else f"≤ {self.bar:g} {self.unit}"
        return f"{bar} at {self.songs:,}"

    def misses(self, songs: int, before: float | None, this: float | None) -> bool:
        """Return whether the figures do not meet the bar."""
        if self.bar is None or this is None:
            return False
        if self.is_ratio:
            return songs == self.songs and before is not None and before < self.bar * this
        return songs <= self.songs and this > self.bar


ROWS = {
    "first_byte": Row("`serve` to the page's first byte", "s", 5),
    "first_picture": Row("first picture", "ms", 2, 100_000, is_ratio=True),
    "pan": Row("a frame while panning", "ms", 50),
    "pan_95": Row("… 95 % within", "ms"),
    "pan_rest": Row("… all points at rest", "ms", 1500),
    "zoom": Row("a frame while zooming", "ms"),
    "zoom_95": Row("… 95 % within", "ms"),
    "zoom_rest": Row("… all points at rest", "ms"),
    "first_hover": Row("the first hover to its tooltip", "ms"),
    "hover": Row("hover to tooltip", "ms", 50),
    "hover_95": Row("… 95 % within", "ms"),
    "lasso": Row("lasso around all songs", "ms", 500),
    "isolate": Row("isolate a group", "ms", 10, 100_000, is_ratio=True),
    "isolate_complete": Row("… and its names and legend", "ms"),
    "isolate_answered": Row("… of that, until the server has answered", "ms"),
    "colouring": Row("a new colouring", "ms", 10, 100_000, is_ratio=True),
    "colouring_complete": Row("… and its names and legend", "ms"),
    "colouring_answered": Row("… of that, until the server has answered", "ms"),
    "details": Row("a song's details", "ms"),
    "details_worst": Row(f"… the worst of {DETAILS}", "ms"),
    "sent": Row("sent for the first view", "kB", 10_000),
    "sent_script": Row("… scripts", "kB"),
    "sent_stylesheet": Row("… style sheets", "kB"),
    "sent_font": Row("… fonts", "kB"),
    "sent_other": Row("… data and the rest", "kB"),
    "tab": Row("memory of the tab", "MB", 500),
    "tab_peak": Row("… the most it was", "MB"),
    "tab_own": Row("… shared memory counted once", "MB"),
    "heap": Row("… of JavaScript", "MB"),
    "drawing": Row("memory of the process that draws for it", "MB"),
    "server": Row("`serve`: most memory", "MB", 2500),
}


@dataclass(frozen=True)
class Visit:
    """One version's page with one library, opened in a tab.

    Attributes
    ----------
    tab : Tab
    songs : int
        The number of songs on the map.
    limit_s : float
        The longest time to wait for anything.
    rng : random.Random
    """

    tab: Tab
    songs: int
    limit_s: float
    rng: random.Random

    def call(self, function: str, *arguments: object) -> object:
        """Call a function of in_page/map.js."""
        return self.tab.call(
            "(values) => probe[values.shift()](...values)", [function, *arguments, 1000 * self.limit_s]
        )

    def timed(self, function: str, *arguments: object) -> float:
        """Return the milliseconds that a function of in_page/map.js has measured; infinity for the limit."""
        return or_limit(self.call(function, *arguments))

    def new_views(self, name: str, function: str, values: list) -> dict[str, float]:
        """Call a function with each value, until one reaches the limit; return medians."""
        figures = []
        for value in values:
            measured = self.call(function, value)
            times = (or_limit(measured["ms"]), or_limit(measured["complete"]), measured["answered"])
            if math.inf in times:
                return {name: math.inf}
            figures.append(times)
        names = (name, f"{name}_complete", f"{name}_answered")
        return dict(zip(names, map(statistics.median, zip(*figures, strict=True)), strict=True))


def first_picture(visit: Visit) -> dict[str, float]:
    """Measure the loading of the page."""
    visit.tab.open()
    milliseconds = visit.timed("firstPicture")
    if milliseconds == math.inf:
        raise LimitReachedError
    sent = visit.tab.sent()
    kinds = {f"sent_{kind.lower()}": sent[kind] / 1000 for kind in ("Script", "Stylesheet", "Font")}
    total = sent.total() / 1000
    return {"first_picture": milliseconds, "sent": total, **kinds, "sent_other": total - sum(kinds.values())}


def movements(visit: Visit) -> dict[str, float]:
    """Measure panning and zooming."""
    figures = {}
    for name in ("pan", "zoom"):
        measured = visit.call(name, FRAMES)
        times = sorted(measured["frames"])
        figures |= {
            name: statistics.median(times),
            f"{name}_95": percentile(times, 0.95),
            f"{name}_rest": or_limit(measured["rest"]),
        }
    return figures


def hovers(visit: Visit) -> dict[str, float]:
    """Measure tooltips of random songs; the first one has to wait for more."""
    first, *times = [visit.timed("hover", visit.rng.randrange(visit.songs)) for _ in range(HOVERS + 1)]
    return {"first_hover": first, "hover": statistics.median(times), "hover_95": percentile(times, 0.95)}


def lasso(visit: Visit) -> dict[str, float]:
    """Measure a lasso around all songs."""
    lasso = visit.call("lasso", LASSO_CORNERS)
    if lasso["ms"] is not None and lasso["count"] != f"{visit.songs:,}":
        print(f"The lasso chose {lasso['count']} of {visit.songs:,} songs.", file=sys.stderr, flush=True)
    return {"lasso": or_limit(lasso["ms"])}


def views(visit: Visit) -> dict[str, float]:
    """Measure views that the server has to compute."""
    isolated = visit.new_views("isolate", "isolate", list(range(GROUPS)))
    return isolated | visit.new_views("colouring", "colour", list(COLOURINGS))


def memory(visit: Visit) -> dict[str, float]:
    """Measure the memory of the tab."""
    return visit.tab.memory()


STEPS: tuple[Callable[[Visit], dict[str, float]], ...] = (
    first_picture,
    movements,
    hovers,
    lasso,
    views,
    memory,
)


def or_limit(milliseconds: float | None) -> float:
    """Return a time from in_page/map.js; infinity if the limit was reached."""
    return math.inf if milliseconds is None else milliseconds


def percentile(times: list[float], share: float) -> float:
    """Return the time that a share of the times does not exceed."""
    return sorted(times)[math.ceil(share * len(times)) - 1]


def details(url: str, songs: int, limit_s: float, rng: random.Random) -> dict[str, float]:
    """Measure requests for the details of random songs."""

    def fetch(path: str) -> bytes:
        with urllib.request.urlopen(f"{url}{path}", timeout=limit_s) as response:
            return response.read()

    times = []
    try:
        revision = json.loads(fetch("latest"))["revision"]
        for _ in range(DETAILS):
            started = time.perf_counter()
            fetch(f"songs/{revision}/{rng.randrange(songs)}")
            times.append(1000 * (time.perf_counter() - started))
    except TimeoutError:
        times.append(math.inf)
    return {"details": statistics.median(times), "details_worst": max(times)}


def wait_until_idle(process: int, limit_s: float) -> None:
    """Wait until a process has computed nothing for two seconds: it has read what it reads in advance."""

    def computed() -> int:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    end, before = time.monotonic() + limit_s, -1
    while time.monotonic() < end and computed() > before + IDLE_TICKS:
        before = computed()
        time.sleep(2)


def peak_mb(process: int) -> float:
    """Return the largest resident memory that a process has had."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{process}/status").read_text())[1]) * 1024 / 1e6


def measure(
    database: Path, checkout: Path, executable: str, limit_s: float, seed: int
) -> tuple[int, dict[str, float]]:
    """Serve a library with the program in a checkout; return the number of songs, and the figures."""
    rng = random.Random(seed)
    with serving(database, program=checkout) as page:
        page.get("/")
        figures = {"first_byte": time.perf_counter() - page.started}
        songs = json.loads(page.get("/healthz")[0])["songs"]
        with opened(executable, page.url, "map", limit_s=limit_s) as tab:
            visit = Visit(tab, songs, limit_s, rng)
            for step in STEPS:
                try:
                    figures |= step(visit)
                except LimitReachedError:
                    if step is first_picture:
                        figures["first_picture"] = math.inf
                    break
                print(f"{songs:,} songs, {checkout.name}: {step.__name__}", file=sys.stderr, flush=True)
                if step is first_picture:
                    wait_until_idle(page.process, limit_s)
        figures |= details(page.url, songs, limit_s, rng)
        return songs, figures | {"server": peak_mb(page.process)}


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    """Return the medians of the rounds, for each measure that any round has reached."""
    return {
        name: statistics.median(figures[name] for figures in rounds if name in figures)
        for name in ROWS
        if any(name in figures for figures in rounds)
    }


@contextmanager
def checkout(name: str) -> Iterator[Path | None]:
    """Yield a checkout: a folder that is one, a new one of a commit, or None for "none"."""
    if name == "none" or Path(name).is_dir():
        yield None if name == "none" else Path(name).resolve()
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "before"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", folder, name], cwd=ROOT, check=True)
        try:
            yield folder
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", folder], cwd=ROOT, check=True)


def libraries(arguments, temporary: Path) -> Iterator[Path]:
    """Yield the libraries to measure, each when it is ready."""
    if arguments.music and arguments.music.is_dir():
        database = temporary / "music.db"
        options = ("--weights", "untrained", "--precision", "int8", "--hop", "1", "--no-previews")
        run("index", arguments.music.resolve(), "--db", database, *options)
        yield database
    elif arguments.music:
        yield arguments.music.resolve()
    if arguments.databases:
        yield from (path.resolve() for path in arguments.databases)
        return
    for songs in arguments.songs:
        database = temporary / f"{songs}.db"
        command = [sys.executable, Path(__file__).parent / "synthetic.py", database]
        subprocess.run(
            [*command, "--songs", str(songs), "--map"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        yield database
        database.unlink()


def cell(row: Row, value: float | None, limit_s: float) -> str:
    """Return a value as text."""
    if value is None:
        return "not reached"
    if value == math.inf:
        return f"> {limit_s:g} s"
    return f"{value:,.{2 if value < 10 else 1 if value < 100 else 0}f} {row.unit}"


def ratio(before: float | None, this: float | None, limit_s: float) -> str:
    """Return how much less this version needs, as text."""
    if before is None or not this or this == math.inf:
        return ""
    return f"> {1000 * limit_s / this:.1f}" if before == math.inf else f"{before / this:.1f}"


def table_rows(measured: dict[int, list[dict[str, float]]], limit_s: float) -> Iterator[tuple]:
    """Yield a row for each measure; `measured` has the figures of each version, by the number of songs."""
    for name, row in ROWS.items():
        cells = []
        for songs, versions in measured.items():
            values = [figures.get(name) for figures in versions]
            *before, this = values
            missed = " **missed**" if row.misses(songs, before[0] if before else None, this) else ""
            cells += [cell(row, value, limit_s) for value in before]
            cells += [cell(row, this, limit_s) + missed]
            cells += [ratio(value, this, limit_s) for value in before]
        yield row.title, *cells, row.told()


def main() -> None:
    """Measure all libraries, and print the table."""
    options = Options(__doc__)
    options.add("music", type=Path, nargs="?")
    options.add("--songs", type=int, nargs="+", default=[100_000, 1_000_000], smallest=[300])
    options.add("--databases", type=Path, nargs="+", help="Ready libraries, in place of --songs.")
    options.add("--before", default=PLOTLY_COMMIT, smallest="none", help="The version to compare with.")
    options.add("--rounds", type=int, default=1)
    options.add("--limit", type=float, default=180.0, help="In seconds.")
    arguments = options.parse()
    executable, measured = find_browser(), {}
    print_head()
    with tempfile.TemporaryDirectory() as temporary, checkout(arguments.before) as before:
        versions = [*([before] if before else []), ROOT]
        for database in libraries(arguments, Path(temporary)):
            rounds: dict[Path, list[dict[str, float]]] = {version: [] for version in versions}
            for number in range(arguments.rounds):
                for version in versions if number % 2 == 0 else versions[::-1]:
                    songs, figures = measure(database, version, executable, arguments.limit, number)
                    rounds[version].append(figures)
            measured[songs] = [medians(rounds[version]) for version in versions]
    head = []
    for songs in measured:
        head += (
            [f"{songs:,} songs, before", "this", "before / this"]
            if len(versions) > 1
            else [f"{songs:,} songs"]
        )
    print_table(("", *head, "bar"), table_rows(measured, arguments.limit))


if __name__ == "__main__":
    main()
