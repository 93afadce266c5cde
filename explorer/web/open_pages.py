"""Counts the pages that are open in browsers, and calls a function when the last one was closed.

A page has a new name each time it is loaded. It sends the name when it asks for the library's state, and
once more when it is closed. A page that sleeps, or whose browser has crashed, is not closed and counts as
open: so the program may go on for too long, which Ctrl-C mends, but it never ends too early.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flask import Blueprint, Flask, Response, request

from explorer.config import is_loopback

GRACE_S = 6.0
"""The last page was closed for good if no request comes for this long: reloading a page also closes it."""

_MAX_PAGES = 1000
_MAX_NAME_LENGTH = 40


class OpenPages:
    """The pages of this computer that are open. Pages on other computers do not count.

    Parameters
    ----------
    on_all_closed : callable
        Called once, in a thread, some seconds after the last page was closed.
    grace_s : float
    """

    def __init__(self, on_all_closed: Callable[[], object], *, grace_s: float = GRACE_S) -> None:
        self._on_all_closed = on_all_closed
        self._grace_s = grace_s
        self._lock = threading.Lock()
        self._names: dict[str, None] = {}
        self._last_request_at = time.monotonic()
        self._is_waiting = False

    def opened(self, name: str) -> None:
        """Record that a page is open. The oldest of too many is forgotten."""
        with self._lock:
            self._names.setdefault(name[:_MAX_NAME_LENGTH])
            if len(self._names) > _MAX_PAGES:
                del self._names[next(iter(self._names))]

    def closed(self, name: str) -> None:
        """Record that a page was closed. If it was the last one, begin to wait for another."""
        with self._lock:
            is_known = self._names.pop(name[:_MAX_NAME_LENGTH], ...) is None
            if not is_known or self._names or self._is_waiting:
                return
            self._is_waiting = True
        self._check_after(self._grace_s)

    def requested(self) -> None:
        """Record that a browser on this computer has asked for something."""
        self._last_request_at = time.monotonic()

    def _check_after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._check)
        timer.name, timer.daemon = "open-pages", True
        timer.start()

    def _check(self) -> None:
        left_s = self._last_request_at + self._grace_s - time.monotonic()
        with self._lock:
            self._is_waiting = not self._names
            if not self._is_waiting:
                return
        if left_s > 0:
            self._check_after(left_s)
        else:
            self._on_all_closed()


def count_pages(app: Flask, pages: OpenPages) -> None:
    """Let an app count its pages: `/latest?page=NAME` opens one, and POST `/closed/NAME` closes it."""
    blueprint = Blueprint("pages", __name__)

    @blueprint.post("/closed/<name>")
    def closed(name: str) -> Response:
        if is_loopback(request.remote_addr or ""):
            pages.closed(name)
        return Response(status=204)

    @app.before_request
    def note_request() -> None:
        if not is_loopback(request.remote_addr or ""):
            return
        pages.requested()
        if request.path == "/latest" and (name := request.args.get("page")):
            pages.opened(name)

    app.register_blueprint(blueprint)
