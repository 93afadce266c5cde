"""The page in a real Chromium, served by a real `run.py serve`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest

from explorer.config import ROOT

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--autoplay-policy=user-gesture-required",
]
SCREENSHOTS = ROOT / "tests" / "screenshots"


@pytest.fixture(scope="session")
def chromium():
    """A running browser. Where there is none the tests are skipped; in CI that is a failure."""
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        message = "no Chromium was found: install Debian's package chromium, or name one in $CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def serving(database: Path):
    """Run `run.py serve` on a free port and give its address."""
    command = [
        sys.executable,
        str(ROOT / "run.py"),
        "serve",
        "--no-browser",
        "--port",
        "0",
        "--db",
        str(database),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stderr.readline()
        assert "The map is at " in line, line
        url = line.split("The map is at ")[1].split()[0]
        urllib.request.urlopen(url + "healthz", timeout=20).close()
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stderr.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A library of 24 songs of 20 seconds, served: (address, folder of music, database)."""
    folder = tmp_path_factory.mktemp("site")
    from support import store_library

    store_library(folder / "songs.db", folder / "music", seconds=20.0, titles=TITLES)
    with serving(folder / "songs.db") as url:
        yield url, folder / "music", folder / "songs.db"


TITLES = {3: "<img src=x onerror=window.hacked=1>", 5: "Été indien", 20: "W" * 400}


@pytest.fixture(scope="session")
def serve():
    """Serve a database for the length of a `with`."""
    return serving


@pytest.fixture
def open_page(chromium, request):
    """Open an address in a fresh window; errors on the page's console fail the test."""
    contexts, problems = [], []

    def open_it(
        url, *, width=1280, height=800, theme="dark", drawn=True, touch=False, attacked=False, still=True
    ):
        context = chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            # Gliding costs seconds where no graphics card draws: only tests of movement have it.
            reduced_motion="reduce" if still else "no-preference",
            has_touch=touch,
            is_mobile=touch,
        )
        # Several tests at once share the machine, and none of them times anything.
        context.set_default_timeout(90_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        if not attacked:
            said = "Content Security"
            page.on("console", lambda message: said in message.text and problems.append(message.text))
        page.on("response", lambda response: response.status == 500 and problems.append(response.url))
        page.goto(url)
        if drawn:
            page.wait_for_selector("#map-frame[data-drawn]", timeout=30_000)
        return page

    yield open_it
    SCREENSHOTS.mkdir(exist_ok=True)
    for number, context in enumerate(contexts):
        for page in context.pages:
            page.screenshot(path=SCREENSHOTS / f"{request.node.name}-{number}.png")
        context.close()
    assert problems == []
