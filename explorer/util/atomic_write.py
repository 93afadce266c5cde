"""Write a file so that it is either complete or unchanged, and never write over a database."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from explorer.errors import LibraryError

SQLITE_ENDINGS = ("-wal", "-shm", "-journal")
"""The names of the files that SQLite keeps beside a database end with these."""

_SQLITE_SIGNATURE = b"SQLite format 3\0"


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
    LibraryError
        If `path` belongs to a database, also through a link: nothing here makes one.
    OSError
        If the temporary file cannot be renamed to `path`. Exceptions of the block are not caught.
    """
    target = path.resolve()
    if belongs_to_database(target):
        raise LibraryError(f"{path} belongs to a database, which would be lost: write to another file.")
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


def belongs_to_database(path: Path) -> bool:
    """Return whether a file is an SQLite database, or a file that SQLite keeps beside one."""
    endings = [ending for ending in SQLITE_ENDINGS if path.name.lower().endswith(ending)]
    names = [path.name, *(path.name[: -len(ending)] for ending in endings)]
    return any(_is_database(path.with_name(name)) for name in names if name)


def _is_database(path: Path) -> bool:
    try:
        if not path.is_file():  # To open a pipe would wait for its other end.
            return False
        with path.open("rb") as file:
            return file.read(len(_SQLITE_SIGNATURE)) == _SQLITE_SIGNATURE
    except OSError:
        return False
