"""Ctrl-C as a request: what is in hand is finished first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from explorer.util.progress import Reporter

STOPPING = "Finishing the songs in hand; Ctrl-C again stops at once."


@contextmanager
def stopping_gently(reporter: Reporter, said: str = STOPPING) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request to stop after what is in hand; a second one stops at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()
        reporter.say(said)

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def insisting() -> Iterator[Callable[[], None]]:
    """Yield what raises KeyboardInterrupt once more where a library has swallowed it.

    Code that is compiled or loaded while Ctrl-C comes may drop it without a word. Whoever works in steps asks
    between them.
    """
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield lambda: None
        return
    asked = False

    def ask(_number: int, _frame: object) -> None:
        nonlocal asked
        asked = True
        raise KeyboardInterrupt

    def insist() -> None:
        if asked:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, ask)
    try:
        yield insist
    finally:
        signal.signal(signal.SIGINT, before)
