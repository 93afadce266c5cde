"""Shared code of the benchmarks that open the page in headless Chromium."""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
FLAGS += ["--disable-background-networking", "--autoplay-policy=no-user-gesture-required"]
IN_PAGE = Path(__file__).parent / "in_page"
_DEFAULT_LIMIT_S = 120
_STEPS = 4
"""The most steps of a call; each may take the limit."""


class LimitReachedError(Exception):
    """The page did not answer within the limit."""


def find_browser() -> str:
    """Return Chromium's path; exit with an instruction if Chromium or Playwright is not installed."""
    name = Path(sys.argv[0]).name
    if find_spec("playwright") is None:
        sys.exit(f"{name} needs Playwright, which is not installed: pip install -r requirements-dev.lock")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    return path or sys.exit(f"{name} needs Chromium: install Debian's package chromium, or set $CHROMIUM.")


class Tab:
    """A tab of a browser of its own.

    Attributes
    ----------
    page : playwright.sync_api.Page
    """

    def __init__(self, browser, url: str, script: str, limit_s: float) -> None:
        self.page = browser.new_page(viewport={"width": 1280, "height": 800})
        self.page.set_default_timeout(limit_s * 1000)
        # The welcome of a first visit would cover a part of the map.
        self.page.add_init_script("try { localStorage.setItem('welcomed', 'yes'); } catch {}")
        for name in ("parts", script):
            self.page.add_init_script(path=IN_PAGE / f"{name}.js")
        self._limit_s, self._url = limit_s, url
        self._system = browser.new_browser_cdp_session()
        [self._browser] = self._processes("browser")
        self._devtools = self.page.context.new_cdp_session(self.page)
        self._kinds: dict[str, str] = {}
        self._sent: Counter[str] = Counter()
        self._devtools.on("Network.responseReceived", self._on_response)
        self._devtools.on("Network.loadingFinished", self._on_loaded)
        for domain in ("Network", "Performance", "HeapProfiler"):
            self._devtools.send(f"{domain}.enable")

    def open(self) -> None:
        """Start to load the page.

        Raises
        ------
        LimitReachedError
            If the server does not answer within the limit.
        """
        from playwright.sync_api import TimeoutError

        try:
            self.page.goto(self._url, wait_until="commit")
        except TimeoutError as error:
            raise LimitReachedError from error

    def call(self, expression: str, argument: object = None) -> object:
        """Return the value of JavaScript in the page.

        Raises
        ------
        LimitReachedError
            If the page does not answer although each step of a call has a limit: it is busy. Its browser is
            then ended.
        """
        from playwright.sync_api import Error

        # Nothing interrupts a busy page but the end of its browser.
        guard = threading.Timer(_STEPS * self._limit_s, os.kill, (self._browser, signal.SIGKILL))
        guard.start()
        started = time.monotonic()
        try:
            return self.page.evaluate(expression, argument)
        except Error as error:
            if time.monotonic() - started >= _STEPS * self._limit_s:
                raise LimitReachedError from error
            raise
        finally:
            guard.cancel()

    def sent(self) -> Counter[str]:
        """Return the bytes that the server has sent until now, as compressed, by the kind of resource."""
        return Counter(self._sent)

    def memory(self) -> dict[str, float]:
        """Return the memory of the tab, in MB, after its garbage was collected.

        `tab` is the resident memory of the tab's process, `tab_peak` the most that it ever was, `tab_own` has
        shared memory divided by the number of processes that share it, `heap` is what JavaScript uses, and
        `drawing` is the memory of the process that draws, counted as `tab_own`.
        """
        self._devtools.send("HeapProfiler.collectGarbage")
        metrics = self._devtools.send("Performance.getMetrics")["metrics"]
        [heap] = [entry["value"] for entry in metrics if entry["name"] == "JSHeapUsedSize"]
        # The browser has another tab process ready, which is small.
        tab = max(map(_memory_of, self._processes("renderer")), key=lambda memory: memory["Rss"])
        drawing = sum(_memory_of(process)["Pss"] for process in self._processes("GPU"))
        return {
            "tab": tab["Rss"],
            "tab_peak": tab["VmHWM"],
            "tab_own": tab["Pss"],
            "heap": heap / 1e6,
            "drawing": drawing,
        }

    def _processes(self, kind: str) -> list[int]:
        processes = self._system.send("SystemInfo.getProcessInfo")["processInfo"]
        return [process["id"] for process in processes if process["type"] == kind]

    def _on_response(self, event: dict) -> None:
        self._kinds[event["requestId"]] = event["type"]

    def _on_loaded(self, event: dict) -> None:
        kind = self._kinds.get(event["requestId"], "Other")
        self._sent[kind] += int(event["encodedDataLength"])


def _memory_of(process: int) -> dict[str, float]:
    """Return a process's `Rss`, `Pss` and `VmHWM` in MB."""
    text = "".join(Path(f"/proc/{process}/{name}").read_text() for name in ("smaps_rollup", "status"))
    return {
        name: int(size) * 1024 / 1e6 for name, size in re.findall(r"^(Rss|Pss|VmHWM):\s+(\d+)", text, re.M)
    }


@contextmanager
def opened(executable: str, url: str, script: str, *, limit_s: float = _DEFAULT_LIMIT_S) -> Iterator[Tab]:
    """Start a browser with one empty tab.

    Pages get the functions of a script in the folder in_page. Their answers may take `limit_s`.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS)
        try:
            yield Tab(browser, url, script, limit_s)
        finally:
            browser.close()
