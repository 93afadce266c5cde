"""Standard input, output and error of a process whose caller has closed them, or whose output is lost.

This module needs only Python's standard library: run.py uses it before any package is installed.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress


def open_closed_streams() -> None:
    """Open the descriptors 0, 1 and 2 if the caller has closed them, as a shell does for `>&-`.

    Otherwise the next files that are opened, such as songs.db, get these numbers, and messages are written
    into them. Input is then empty, and messages are lost. Results must not be lost in silence: standard
    output is opened only for reading, so that writing to it fails.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            # The system gives the lowest number that is free, which is this one.
            os.set_inheritable(os.open(os.devnull, flags), True)
    if sys.stdout is None:
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def is_closed(stream) -> bool:
    """Return whether nothing can be written to a stream because its descriptor is not open for writing."""
    try:
        os.write(stream.fileno(), b"")
    except (OSError, ValueError):
        return True
    return False


def discard_unwritten(stream) -> None:
    """Send what is left in a stream's buffer nowhere, if it cannot be written.

    The interpreter flushes the buffer again when it exits. If that fails, it prints a traceback, and the exit
    status becomes 120.
    """
    try:
        stream.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            null_device = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null_device, stream.fileno())
            os.close(null_device)
