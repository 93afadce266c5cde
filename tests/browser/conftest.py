"""Fixtures that open the page in a real Chromium, served by a real `run.py serve`.

If possible, the tests of a module share one window: loading a page takes much longer than resetting it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import mutagen
import pytest
from gestures import expose, wait_for_map, wait_until_still
from mutagen.flac import Picture
from support import store_library

from explorer.config import ROOT
from explorer.database.database import Database

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    # WebGL needs SwiftShader, which renders on the CPU. Compositing of the page does not need it, and is
    # eight times as fast without it.
    "--disable-gpu-compositing",
    "--autoplay-policy=user-gesture-required",
]
SCREENSHOTS = ROOT / "tests" / "screenshots"
# This is long because several tests can run on the machine at the same time. No test measures time.
TIMEOUT_S = 90
HAS_FAILED = pytest.StashKey[bool]()

TITLES = {3: "<img src=x onerror=window.hacked=1>", 5: "Été indien", 20: "W" * 400}
# The smallest PNG: one red pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)

# Resets a page to its state after loading. The page's functions write to localStorage, so it is cleared last.
RESET = """() => {
    const { actions, filters, heard, hover, lasso, panel, player, popover, previews, queue } = explorer;
    const { inside, moment, spectrogram, state, update } = explorer;
    document.activeElement?.blur();
    document.getElementById("keys").close();
    if (state.awaitsGesture) hover.toggle();
    if (state.isHearing) hover.toggle();
    for (const request of previews.loading.values()) request.abort();
    for (const cache of [previews.decoded, previews.loading, previews.failed]) cache.clear();
    audio.pause();
    update({ message: "", notices: [] });
    // The songs are short: on a slow machine, another one would play during a test.
    queue.setRepeat("stop");
    heard.forgetHeard();
    player.setVolume(1);
    if (state.tool) lasso.toggleTool(null);
    filters.toggle(false);
    popover.close();
    if (state.isSpectrogramOpen) spectrogram.toggle();
    moment.closeMoment();
    if (state.isInsideOpen) inside.toggle();
    actions.select(null);
    panel.showTab("song");
    if (panel.isWide()) panel.open();
    else panel.close();
    dash_clientside.set_props("search", { searchValue: "" });
    localStorage.clear();
    explorer.selection_store.load();
    for (const close of document.querySelectorAll(".toast-close")) close.click();
    history.pushState(null, "", location.pathname);
    dispatchEvent(new PopStateEvent("popstate"));
}"""
IS_RESET = """() => {
    const { camera, state, url } = explorer;
    const { view, map } = state;
    if (!view || !map || url.currentQuery().toString() || location.search) return false;
    const { meta, count } = map;
    const isAsControls = ["projection", "colouring", "theme"].every((key) => meta[key] === view[key]);
    const isWhole = !meta.is_filtered && !meta.hide.length && meta.lit === count;
    return isAsControls && isWhole && !camera.isMoving() && !state.isGliding
        && camera.frame().dataset.drawn === `${view.projection} ${view.colouring} ${view.theme}`;
}"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Store on each test whether it has failed. If so, `_own_pages` takes screenshots."""
    report = yield
    item.stash[HAS_FAILED] = item.stash.get(HAS_FAILED, False) or report.failed
    return report


@pytest.fixture(scope="session")
def chromium():
    """A running browser. If Chromium is not installed, the tests are skipped; in CI they fail."""
    executable = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, EXECUTABLES)), None)
    if executable is None:
        message = "Chromium was not found: install Debian's package chromium, or set $CHROMIUM to its path"
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
    """Run `run.py serve` on a free port and yield its address."""
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
        lines = []
        while "The map is at " not in (line := process.stderr.readline()):
            assert line, lines
            lines.append(line)
        url = line.split("The map is at ")[1].split()[0]
        urllib.request.urlopen(url + "healthz", timeout=TIMEOUT_S).close()
        yield url
    finally:
        process.terminate()
        process.wait(timeout=TIMEOUT_S)
        process.stderr.close()


@pytest.fixture(scope="session")
def serve():
    """A context manager that serves a database: `with serve(path) as url`."""
    return serving


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A served library of 24 songs of 20 seconds: (address, folder of music, database).

    Tests do not change it. Song 004 has a cover, and only one of its ten nearest neighbours by sound is near
    it on the map. In the database, song 000 has a duration of ten seconds: the length filter needs a shorter
    song. Songs 000 to 011 have the years 1970 to 1981.
    """
    folder = tmp_path_factory.mktemp("site")
    store_library(folder / "songs.db", folder / "music", seconds=20.0, titles=TITLES)
    with Database.open(folder / "songs.db") as library:
        library._rows("UPDATE positions SET near = 1 WHERE song_id = '004.flac'")
        library._rows("UPDATE files SET duration_s = 10 WHERE song_id = '000.flac'")
        library._rows(
            """UPDATE songs SET info = json_set(info, '$.year', '19' || (70 + substr(id, 1, 3)))
               WHERE id < '012'"""
        )
    file = mutagen.File(folder / "music" / "004.flac")
    picture = Picture()
    picture.data, picture.mime, picture.type = PNG, "image/png", 3
    file.add_picture(picture)
    file.save()
    with serving(folder / "songs.db") as url:
        yield url, folder / "music", folder / "songs.db"


class Windows:
    """Opens pages in windows of a browser and collects the errors of the pages in `problems`."""

    def __init__(self, chromium) -> None:
        self._chromium = chromium
        self._shared = {}
        self.problems: list[str] = []

    def open(
        self,
        url,
        *,
        width=1280,
        height=800,
        theme="dark",
        has_map=True,
        touch=False,
        expects_violations=False,
        reduced_motion=True,
        is_first_visit=False,
    ):
        """Open an address in a new window.

        Parameters
        ----------
        has_map : bool
            Whether the page has a map; then wait until it is drawn, and expose the page's modules.
        touch : bool
            Whether the window is that of a phone.
        expects_violations : bool
            Whether the test breaks the content security policy; then these messages are not errors.
        reduced_motion : bool
            Whether the page shows no animations.
        is_first_visit : bool
            Whether the page welcomes its user, and the panel is closed at first.
        """
        context = self._chromium.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            # Without a graphics card an animation takes seconds, so only the tests of animations show them.
            reduced_motion="reduce" if reduced_motion else "no-preference",
            has_touch=touch,
            is_mobile=touch,
        )
        context.set_default_timeout(1000 * TIMEOUT_S)
        if not is_first_visit:
            # Before each load of a page, because tests clear the storage.
            context.add_init_script("try { localStorage.setItem('welcomed', 'yes'); } catch {}")
        page = context.new_page()
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        if not expects_violations:
            policy = "Content Security"
            page.on("console", lambda message: policy in message.text and self.problems.append(message.text))
        page.on("response", lambda response: response.status == 500 and self.problems.append(response.url))
        page.goto(url)
        if has_map:
            wait_for_map(page)
        return page

    def share(self, url, *, width=1280, height=800, **options):
        """Return the page in the shared window for these options, reset to its state after loading."""
        key = (url, width, height, *sorted(options.items()))
        if key not in self._shared:
            self._shared[key] = self.open(url, width=width, height=height, **options)
            self._shared[key].evaluate("explorer.queue.setRepeat('stop')")
            return self._shared[key]
        page = self._shared[key]
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=options.get("theme", "dark"))
        page.mouse.move(0, 0)
        # A test may have loaded the page again.
        expose(page)
        page.evaluate(RESET)
        page.wait_for_function(IS_RESET)
        wait_until_still(page)
        return page

    def shared(self) -> list:
        """Return the shared pages."""
        return list(self._shared.values())

    def close(self) -> None:
        """Close the shared windows; the next test opens new ones."""
        for page in self._shared.values():
            page.context.close()
        self._shared.clear()


@pytest.fixture(scope="module")
def windows(chromium):
    """The windows that the tests of a module share."""
    opened = Windows(chromium)
    yield opened
    opened.close()


@pytest.fixture
def _own_pages(windows, request):
    """Fail the test on errors of a page, and take a screenshot of each page if the test fails.

    Yields the list of the test's own pages.
    """
    own = []
    yield own
    problems, windows.problems[:] = list(windows.problems), []
    if request.node.stash.get(HAS_FAILED, False) or problems:
        SCREENSHOTS.mkdir(exist_ok=True)
        for number, page in enumerate([*own, *windows.shared()]):
            page.screenshot(path=SCREENSHOTS / f"{request.node.name}-{number}.png")
        windows.close()
    for page in windows.shared():
        page.evaluate("document.getElementById('audio')?.pause()")
    for page in own:
        page.context.close()
    assert problems == []


@pytest.fixture
def open_page(windows, _own_pages):
    """A function that opens an address in a window for this test only."""

    def open_it(url, **options):
        page = windows.open(url, **options)
        _own_pages.append(page)
        return page

    return open_it


@pytest.fixture
def share_page(windows, _own_pages):
    """A function that shows an address in the module's shared window, reset to its state after loading."""
    return windows.share


@pytest.fixture
def page(site, share_page):
    """The page of the unchanged library, reset to its state after loading."""
    return share_page(site[0])
