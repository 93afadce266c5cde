"""Files that appear whole or not at all, and never over a library."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from explorer.errors import LibraryError


@contextmanager
def whole_file(path: Path, *, parts: Path | None = None) -> Iterator[Path]:
    """Give a path to write to, which takes the place of another once all of it is written.

    A file that was there before stays as it was if writing fails, or the power does. What is no file, as a
    pipe or `/dev/null`, is written to directly: it must not be replaced by one.

    Parameters
    ----------
    parts : Path, optional
        The folder for what is not whole yet, on the same disk; else that of the file.

    Yields
    ------
    Path
        Without an extension that a player or an indexer looks for.

    Raises
    ------
    OSError
        If the file cannot be put in its place; whatever writing it raises passes through.
    """
    # The file that a link leads to is written, and the link stays one.
    target = path.resolve()
    if target.exists() and not target.is_file() and not target.is_dir():
        yield target
        return
    part = (parts or target.parent) / f".{secrets.token_hex(8)}.part"
    try:
        yield part
        _sync(part)
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()


def _sync(file: Path) -> None:
    """Have a file's content on the disk: a power cut could leave its new name with nothing behind it."""
    # Windows syncs what can be written only.
    with file.open("r+b") as content:
        os.fsync(content.fileno())


def refuse_library(out: Path | None, database: Path) -> None:
    """Refuse to write over a library, by whatever name it is called; None is standard output.

    Raises
    ------
    LibraryError
    """
    with suppress(OSError):
        if out and out.samefile(database):
            raise LibraryError(f"{out} is the library itself: name another file with --out.")
