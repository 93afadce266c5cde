"""Files made from songs and kept: written whole or not at all, by one at a time."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from explorer.writing import whole_file

STALE_S = 3600.0
_guard = threading.Lock()
_waiting: dict[Path, list] = {}


def cached_path(cache: Path, key: str, suffix: str = "") -> Path:
    """Return where a cache keeps what a key names: in one of 256 folders, as file systems like it."""
    return cache / key[:2] / f"{key}{suffix}"


@contextmanager
def one_at_a_time(target: Path) -> Iterator[None]:
    """Let one thread at a time make a file; others of the same name wait, and all others do not."""
    with _guard:
        entry = _waiting.setdefault(target, [threading.Lock(), 0])
        entry[1] += 1
    try:
        with entry[0]:
            yield
    finally:
        with _guard:
            entry[1] -= 1
            if not entry[1]:
                del _waiting[target]


@contextmanager
def writing(target: Path, *, cache: Path) -> Iterator[Path]:
    """Yield another name to write to; it becomes the file when the block ends well.

    Parameters
    ----------
    target : Path
        A file below `cache`.
    cache : Path
        Where the other name is: what a killed program leaves is found there by `sweep`.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(target, parts=cache) as part:
        yield part


def sweep(cache: Path) -> None:
    """Remove what killed programs left half written an hour ago or earlier."""
    with suppress(OSError):
        for part in cache.glob("*.part"):
            if part.stat().st_mtime < time.time() - STALE_S:
                part.unlink(missing_ok=True)


def measure(cache: Path) -> dict[str, int]:
    """Count a cache's files and their bytes, but for what is being written."""
    found = {"files": 0, "bytes": 0}
    for folder, _, names in os.walk(cache):
        for name in names:
            with suppress(OSError):
                if not name.endswith(".part"):
                    found["bytes"] += Path(folder, name).stat().st_size
                    found["files"] += 1
    return found
