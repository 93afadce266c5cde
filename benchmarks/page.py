"""Measures the time from a click, and from a hover, until the page plays sound.

    .venv/bin/python benchmarks/page.py [--db LIBRARY] [--times 30] [--other CHECKOUT]

The benchmark serves a library (synthetic songs without --db), opens its page in headless Chromium (Debian's,
or the one in $CHROMIUM), and prints medians. A click is timed from the release of the pointer until the audio
element gives samples that are not silent. A hover is timed from the moment when the pointer reaches the song
until Web Audio's analyser gets samples of the preview. The browser has then already loaded the previews of
the songs around the pointer, and the server has made all previews, as `index` does. With --other, the page of
another version is measured too.
"""

from __future__ import annotations

import math
import random
import statistics
import sys
import tempfile
import urllib.parse
from pathlib import Path

from browser import find_browser, opened
from common import ROOT, Options, print_head, print_table, serving

from explorer.database.database import Database

LIMITS_MS = {"click": 150, "hover": 100}


def make_library(path: Path, *, songs: int, seconds: float) -> None:
    """Store synthetic songs and their map."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import store_library

    store_library(path, path.parent / "music", per_genre=songs // 3, seconds=seconds)


def measure(url: str, executable: str, n_songs: int, times: int) -> dict[str, list[float]]:
    """Return the measured milliseconds of clicks and of hovers."""
    rng = random.Random(0)
    with opened(executable, url, "sound") as tab:
        page = tab.page
        tab.open()
        page.wait_for_selector("#map-frame[data-drawn]")
        page.wait_for_timeout(2000)
        tab.call("measureSound()")
        # The first gestures on a page are slower than the others, so these are not timed.
        for button, pause_ms in (("zoom-in", 500), ("zoom-fit", 1000)):
            page.locator(f"#{button}").click()
            page.wait_for_timeout(pause_ms)
        clicks = [tab.call("timeClick", rng.randrange(n_songs)) for _ in range(times)]
        tab.call("document.getElementById('audio').pause()")
        page.locator("#hear").click()
        tab.call("waitForHearing()")
        hovers = []
        for start in (rng.randrange(n_songs) for _ in range(times)):
            tab.call("timeHover", start)
            tab.call("waitForPreviews()")
            near = tab.call("readyAround", start)
            hovers.append(tab.call("timeHover", rng.choice(near)) if near else None)
    # A song with a silent start has no time, and neither has a hover without a loaded preview nearby.
    return {"click": [ms for ms in clicks if ms], "hover": [ms for ms in hovers if ms]}


def table_row(name: str, version: str, values: list[float]) -> tuple:
    """Return a row: the median, and the time that nine in ten do not exceed."""
    values = sorted(values)
    median, most = statistics.median(values), values[math.ceil(0.9 * len(values)) - 1]
    title = f"{name} to sound{version}"
    return title, len(values), f"{median:.0f} ms", f"{most:.0f} ms", f"{LIMITS_MS[name]} ms"


def main() -> None:
    """Print the medians."""
    options = Options(__doc__)
    options.add("--db", type=Path)
    options.add("--songs", type=int, default=99, smallest=12, help="Number of synthetic songs, without --db.")
    options.add("--seconds", type=float, default=30.0, smallest=3.0, help="Length of each synthetic song.")
    options.add("--times", type=int, default=30, smallest=2)
    options.add("--other", type=Path, help="A checkout of another version, to measure its page too.")
    arguments = options.parse()
    executable = find_browser()
    checkouts = {"": ROOT} | ({", other version": arguments.other.resolve()} if arguments.other else {})
    print_head()
    measured = {}
    with tempfile.TemporaryDirectory() as temporary:
        database = arguments.db or Path(temporary) / "songs.db"
        if not arguments.db:
            make_library(database, songs=arguments.songs, seconds=arguments.seconds)
        with Database.open_readonly(database) as library:
            ids = library.vectors()[0]
        for version, checkout in checkouts.items():
            with serving(database.resolve(), program=checkout) as page:
                for song_id in ids:
                    page.get(f"/preview/{urllib.parse.quote(song_id, safe='')}")
                measured[version] = measure(page.url, executable, len(ids), arguments.times)
    print_table(
        ("from", "times", "median", "nine in ten within", "limit"),
        (
            table_row(name, version, milliseconds[name])
            for name in LIMITS_MS
            for version, milliseconds in measured.items()
            if milliseconds[name]
        ),
    )


if __name__ == "__main__":
    main()
