"""How long it takes from a click, and from a hover, until sound comes out of the page.

    .venv/bin/python benchmarks/page.py --db LIBRARY [--times 50]

Serves a library, opens its page in headless Chromium (Debian's, or the one named in $CHROMIUM), and prints
medians. A click is timed from the pointer's release until samples that are not silent come out of the audio
element; a hover from the pointer's arrival, once the songs around it are fetched, until Web Audio's analyser
hears the preview. Previews are made beforehand, as an index leaves them; songs that begin with silence count
from where they are heard, hence a third of those clicked may be left out.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.library.database import Database  # noqa: E402

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS.append("--autoplay-policy=no-user-gesture-required")
BARS_MS = {"click": 150, "hover": 100}

WATCH = """() => {
    const context = new AudioContext();
    const meter = context.createAnalyser();
    meter.fftSize = 256;
    context.createMediaElementSource(document.getElementById("audio")).connect(meter).connect(context.destination);
    const samples = new Float32Array(meter.fftSize);
    const loud = (analyser, values) => {
        analyser.getFloatTimeDomainData(values);
        return values.some((value) => Math.abs(value) > 1e-4);
    };
    const until = (is) => new Promise((resolve) => {
        const began = performance.now();
        const channel = new MessageChannel();
        channel.port1.onmessage = () => {
            const waited = performance.now() - began;
            if (is() || waited > 3000) resolve(waited > 3000 ? null : performance.now());
            else channel.port2.postMessage(0);
        };
        channel.port2.postMessage(0);
    });
    const at = (kind, index) => {
        const { frame } = explorer.map;
        const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(index));
        const about = { clientX: x, clientY: y, bubbles: true, pointerId: 1, button: 0, isPrimary: true };
        frame.dispatchEvent(new PointerEvent(kind, about));
    };
    window.timeClick = async (index) => {
        document.getElementById("audio").pause();
        await until(() => !loud(meter, samples));
        at("pointermove", index);
        await new Promise((resolve) => setTimeout(resolve, 60));
        at("pointerdown", index);
        const began = performance.now();
        at("pointerup", index);
        const heard = await until(() => loud(meter, samples));
        return explorer.player.index === index && heard ? heard - began : null;
    };
    window.timeHover = async (index) => {
        const { hearing } = explorer;
        const values = new Float32Array(hearing.analyser.fftSize);
        explorer.pointer.leave();
        await until(() => hearing.level() < 1e-5);
        const began = performance.now();
        at("pointermove", index);
        const heard = await until(() => hearing.index === index && loud(hearing.analyser, values));
        return heard ? heard - began : null;
    };
}"""


def main() -> None:
    """Print the medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--times", type=int, default=50)
    options = parser.parse_args()
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--port", "0"]
    server = subprocess.Popen([*command, "--db", str(options.db)], stderr=subprocess.PIPE, text=True)
    try:
        url = server.stderr.readline().split("The map is at ")[1].split()[0]
        with Database.open_readonly(options.db) as library:
            ids = library.vectors()[0]
        make_previews(url, ids)
        report(measure(url, len(ids), options.times))
    finally:
        server.terminate()
        server.wait()


def make_previews(url: str, ids: list[str]) -> None:
    """Have the server make every preview that is missing."""
    for song_id in ids:
        urllib.request.urlopen(f"{url}preview/{urllib.parse.quote(song_id, safe='')}").read()


def measure(url: str, n_songs: int, times: int) -> dict[str, list[float]]:
    """Return milliseconds of clicks and of hovers."""
    from playwright.sync_api import sync_playwright

    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    rng = random.Random(0)
    found: dict[str, list[float]] = {"click": [], "hover": []}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto(url)
        page.wait_for_selector("#map-frame[data-drawn]")
        page.wait_for_timeout(3000)
        page.evaluate(WATCH)
        page.locator("#zoom-in").click()
        page.wait_for_timeout(500)
        page.locator("#zoom-fit").click()
        page.wait_for_timeout(1000)
        for index in (rng.randrange(n_songs) for _ in range(2 * times)):
            waited = page.evaluate("index => timeClick(index)", index)
            if waited is not None and len(found["click"]) < times:
                found["click"].append(waited)
        page.evaluate("document.getElementById('audio').pause()")
        page.locator("#hear").click()
        page.wait_for_function("explorer.hearing.context?.state === 'running'")
        for _ in range(times):
            start = rng.randrange(n_songs)
            page.evaluate("index => timeHover(index)", start)
            page.wait_for_function(
                "explorer.hearing.loading.size === 0 && explorer.hearing.queue.length === 0"
            )
            near = page.evaluate(
                """start => {
                    const { x, y } = explorer.map.toPixels(...explorer.map.placeOf(start));
                    const ready = (index) => index !== start && explorer.hearing.decoded.has(index);
                    return explorer.pointer.around(x, y, 8).filter(ready);
                }""",
                start,
            )
            waited = page.evaluate("index => timeHover(index)", rng.choice(near)) if near else None
            if waited is not None:
                found["hover"].append(waited)
        browser.close()
    return found


def report(found: dict[str, list[float]]) -> None:
    """Print a table."""
    print("| from | times | median | nine in ten within | bar |\n|---|---|---|---|---|")
    for name, values in found.items():
        tenths = statistics.quantiles(values, n=10)
        print(
            f"| {name} to sound | {len(values)} | {statistics.median(values):.0f} ms | {tenths[-1]:.0f} ms | "
            f"{BARS_MS[name]} ms |"
        )


if __name__ == "__main__":
    main()
