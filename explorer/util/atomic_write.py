"""Write a file so that it is either complete or unchanged, and never write over a library."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from explorer.errors import LibraryError


@contextmanager
def atomic_write(path: Path, *, parts: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path to write to; it replaces `path` when the block ends without an error.

    If the block fails or the power fails, an existing file keeps its old content. A `path` that is not a
    regular file, such as a pipe or `/dev/null`, is yielded itself, because a file must not replace it.

    Parameters
    ----------
    path : Path
        The file to write. A symbolic link stays a link: the file that it points to is written.
    parts : Path, optional
        The folder for the temporary file, on the same disk as `path`; by default the folder of `path`.

    Yields
    ------
    Path
        It ends with `.part`, so players and the indexer ignore it.

    Raises
    ------
    OSError
        If the temporary file cannot be renamed to `path`. Exceptions of the block are not caught.
    """
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
    """Flush a file's content to the disk: after a power cut the renamed file could otherwise be empty."""
    # Windows can sync only files that are open for writing.
    with file.open("r+b") as content:
        os.fsync(content.fileno())


def refuse_to_overwrite_library(out: Path | None, database: Path) -> None:
    """Raise an error if the output file is the library itself, even through a link or another name.

    Parameters
    ----------
    out : Path or None
        None means standard output.
    database : Path

    Raises
    ------
    LibraryError
    """
    with suppress(OSError):
        if out and out.samefile(database):
            raise LibraryError(f"{out} is the library itself: name another file with --out.")
