"""Ctrl-C: stop after the songs in progress, repeat an interrupt that was swallowed, or send one."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from explorer.util.progress import Reporter

STOP_MESSAGE = "Stopping after the songs in progress. Press Ctrl-C again to stop at once."

GENTLE_STOP_S = 90.0
"""A program whose input has ended gets this long to finish the songs in progress; then it stops at once."""

_LAST_WAIT_S = 20.0
"""A program that has not stopped at once is ended after this time."""

_INTERRUPTED = 130

_presses = 0
"""How many times this process was interrupted while a function of this module handled the signal."""


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
        _count_press()
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

    Compiled code, code that is being imported, and code that runs when an object is deleted can swallow the
    KeyboardInterrupt of Ctrl-C. Call the yielded function between two steps of the work to raise it again. It
    also raises it if Ctrl-C was pressed in a block of `stop_on_first_interrupt` inside this one.
    """
    previous_handler = signal.getsignal(signal.SIGINT)
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not is_main_thread or previous_handler not in (signal.default_int_handler, _interrupt):
        yield lambda: None
        return
    presses_before = _presses

    def raise_again() -> None:
        if _presses > presses_before:
            raise KeyboardInterrupt

    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield raise_again
    finally:
        signal.signal(signal.SIGINT, previous_handler)


def _interrupt(_number: int, _frame: object) -> None:
    _count_press()
    raise KeyboardInterrupt


def _count_press() -> None:
    global _presses
    _presses += 1


def interrupt_at_eof() -> None:
    """Do as after Ctrl-C when standard input ends: the program that started this one closes it, or ends.

    A program that does not stop is interrupted again after `GENTLE_STOP_S`, and ended after that.
    """
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
    for wait_s in (GENTLE_STOP_S, _LAST_WAIT_S):
        _send_interrupt()
        time.sleep(wait_s)
    os._exit(_INTERRUPTED)


def _send_interrupt() -> None:
    if sys.platform == "win32":
        signal.raise_signal(signal.SIGINT)
    else:
        # Unlike `raise_signal`, this also ends a wait of the main thread.
        os.kill(os.getpid(), signal.SIGINT)
