"""Measures the time from a click, and from a hover, until the page plays sound.

    .venv/bin/python benchmarks/page.py [--db LIBRARY] [--times 30]

The benchmark serves a library (synthetic songs without --db), opens its page in headless Chromium (Debian's,
or the one in $CHROMIUM), and prints medians. A click is timed from the release of the pointer until the audio
element gives samples that are not silent. A hover is timed from the moment when the pointer reaches the song
until Web Audio's analyser gets samples of the preview. The browser has then already loaded the previews of
the songs around the pointer, and the server has made all previews, as `index` does.
"""

from __future__ import annotations

import math
import os
import random
import shutil
import statistics
import sys
import tempfile
import urllib.parse
from importlib.util import find_spec
from pathlib import Path

from common import ROOT, Options, print_head, print_table, serving

from explorer.database.database import Database

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS.append("--autoplay-policy=no-user-gesture-required")
LIMITS_MS = {"click": 150, "hover": 100}

TIMING_SCRIPT = """() => {
    const context = new AudioContext();
    const meter = context.createAnalyser();
    meter.fftSize = 256;
    const element = document.getElementById("audio");
    context.createMediaElementSource(element).connect(meter).connect(context.destination);
    const isLoud = (analyser) => {
        const samples = new Float32Array(analyser.fftSize);
        analyser.getFloatTimeDomainData(samples);
        return samples.some((value) => Math.abs(value) > 1e-4);
    };
    const waitUntil = (isTrue) => new Promise((resolve) => {
        const startedMs = performance.now();
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
            const isLate = performance.now() - startedMs > 10000;
            if (isTrue() || isLate) resolve(isLate ? null : performance.now());
            else channel.port2.postMessage(0);
        };
        channel.port2.postMessage(0);
    });
    const sendPointer = (kind, index) => {
        const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(index));
        const details = { clientX: x, clientY: y, bubbles: true, pointerId: 1, button: 0, isPrimary: true };
        explorer.map.frame.dispatchEvent(new PointerEvent(kind, details));
    };
    window.timeClick = async (index) => {
        element.pause();
        await waitUntil(() => !isLoud(meter));
        sendPointer("pointermove", index);
        await new Promise((resolve) => setTimeout(resolve, 60));
        sendPointer("pointerdown", index);
        const startedMs = performance.now();
        sendPointer("pointerup", index);
        const heardMs = await waitUntil(() => isLoud(meter));
        return explorer.player.index === index && heardMs ? heardMs - startedMs : null;
    };
    window.timeHover = async (index) => {
        const { hover } = explorer;
        explorer.pointer.leave();
        await waitUntil(() => hover.level() < 1e-5);
        const startedMs = performance.now();
        sendPointer("pointermove", index);
        const heardMs = await waitUntil(() => hover.index === index && isLoud(hover.analyser));
        return heardMs ? heardMs - startedMs : null;
    };
    window.readyAround = (start) => {
        const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(start));
        const isReady = (index) => index !== start && explorer.hover.decoded.has(index);
        return explorer.pointer.around(x, y, 8).filter(isReady);
    };
}"""


def find_browser() -> str:
    """Return Chromium's path; exit with an instruction if Chromium or Playwright is not installed."""
    if find_spec("playwright") is None:
        sys.exit("page.py needs Playwright, which is not installed: pip install -r requirements-dev.lock")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    return path or sys.exit("page.py needs Chromium: install Debian's package chromium, or set $CHROMIUM.")


def make_library(path: Path, *, songs: int, seconds: float) -> None:
    """Store synthetic songs and their map."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support import store_library

    store_library(path, path.parent / "music", per_genre=songs // 3, seconds=seconds)


def measure(url: str, executable: str, n_songs: int, times: int) -> dict[str, list[float]]:
    """Return the measured milliseconds of clicks and of hovers."""
    from playwright.sync_api import sync_playwright

    rng = random.Random(0)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(120_000)
        page.goto(url)
        page.wait_for_selector("#map-frame[data-drawn]")
        page.wait_for_timeout(2000)
        page.evaluate(TIMING_SCRIPT)
        # The first gestures on a page are slower than the others, so these are not timed.
        for button, pause_ms in (("zoom-in", 500), ("zoom-fit", 1000)):
            page.locator(f"#{button}").click()
            page.wait_for_timeout(pause_ms)
        clicks = [page.evaluate("timeClick", rng.randrange(n_songs)) for _ in range(times)]
        page.evaluate("document.getElementById('audio').pause()")
        page.locator("#hear").click()
        page.wait_for_function("explorer.hover.context?.state === 'running'")
        hovers = []
        for start in (rng.randrange(n_songs) for _ in range(times)):
            page.evaluate("timeHover", start)
            page.wait_for_function("!explorer.hover.loading.size && !explorer.hover.queue.length")
            near = page.evaluate("readyAround", start)
            hovers.append(page.evaluate("timeHover", rng.choice(near)) if near else None)
        browser.close()
    # A song with a silent start has no time, and neither has a hover without a loaded preview nearby.
    return {"click": [ms for ms in clicks if ms], "hover": [ms for ms in hovers if ms]}


def main() -> None:
    """Print the medians."""
    options = Options(__doc__)
    options.add("--db", type=Path)
    options.add("--songs", type=int, default=99, smallest=12, help="Number of synthetic songs, without --db.")
    options.add("--seconds", type=float, default=30.0, smallest=3.0, help="Length of each synthetic song.")
    options.add("--times", type=int, default=30, smallest=2)
    arguments = options.parse()
    executable = find_browser()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        database = arguments.db or Path(temporary) / "songs.db"
        if not arguments.db:
            make_library(database, songs=arguments.songs, seconds=arguments.seconds)
        with Database.open_readonly(database) as library:
            ids = library.vectors()[0]
        with serving(database.resolve()) as page:
            for song_id in ids:
                page.get(f"/preview/{urllib.parse.quote(song_id, safe='')}")
            milliseconds = measure(page.url, executable, len(ids), arguments.times)

    def row(name: str) -> tuple:
        values = sorted(milliseconds[name])
        shown = (
            f"{ms:.0f} ms" for ms in (statistics.median(values), values[math.ceil(0.9 * len(values)) - 1])
        )
        return f"{name} to sound", len(values), *shown, f"{LIMITS_MS[name]} ms"

    print_table(
        ("from", "times", "median", "nine in ten within", "limit"),
        (row(name) for name, values in milliseconds.items() if values),
    )


if __name__ == "__main__":
    main()
