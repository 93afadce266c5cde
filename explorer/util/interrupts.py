"""Ctrl-C: stop after the songs in progress, repeat a KeyboardInterrupt that was swallowed, or send one."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from explorer.util.progress import Reporter

STOP_MESSAGE = "Stopping after the songs in progress. Press Ctrl-C again to stop at once."


@contextmanager
def stop_on_first_interrupt(reporter: Reporter, message: str = STOP_MESSAGE) -> Iterator[threading.Event]:
    """Yield an event that the first Ctrl-C sets; a second Ctrl-C raises KeyboardInterrupt as usual.

    Outside the main thread, which alone receives Ctrl-C, the event is never set.

    Parameters
    ----------
    reporter : Reporter
    message : str
        What the first Ctrl-C prints.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous_handler = signal.getsignal(signal.SIGINT)

    def request_stop(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, previous_handler)
        stop.set()
        reporter.say(message)

    signal.signal(signal.SIGINT, request_stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous_handler)


@contextmanager
def repeat_swallowed_interrupt() -> Iterator[Callable[[], None]]:
    """Yield a function that raises KeyboardInterrupt if Ctrl-C was pressed since the block began.

    Compiled code, and code that is being imported, can swallow the KeyboardInterrupt of Ctrl-C. Call the
    yielded function between two steps of the work to raise it again.
    """
    previous_handler = signal.getsignal(signal.SIGINT)
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not is_main_thread or previous_handler is not signal.default_int_handler:
        yield lambda: None
        return
    was_pressed = False

    def interrupt(_number: int, _frame: object) -> None:
        nonlocal was_pressed
        was_pressed = True
        raise KeyboardInterrupt

    def raise_again() -> None:
        if was_pressed:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield raise_again
    finally:
        signal.signal(signal.SIGINT, previous_handler)


def interrupt_at_eof() -> None:
    """Do as after Ctrl-C when standard input ends: the program that started this one closes it, or ends."""
    # A shell lets its background jobs ignore SIGINT, and a program inherits that.
    if signal.getsignal(signal.SIGINT) != signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_interrupt_at_eof, name="stop-at-eof", daemon=True).start()


def _interrupt_at_eof() -> None:
    try:
        while os.read(sys.stdin.fileno(), 1024):
            pass
    except (OSError, ValueError):
        pass  # It is closed.
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        # Unlike `raise_signal`, this also ends a wait of the main thread.
        os.kill(os.getpid(), signal.SIGINT)
