"""Write a file so that it is either complete or unchanged, never over a database, never through a link."""

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
        The file to write.
    parts : Path, optional
        The folder for the temporary file, on the same disk as `path`; by default the folder of `path`.

    Yields
    ------
    Path
        It ends with `.part`, so players and the indexer ignore it.

    Raises
    ------
    LibraryError
        If `path` belongs to a database, also through a link: nothing here makes one. If it is a link to
        another file: see `refuse_link`.
    OSError
        If the temporary file cannot be renamed to `path`. Exceptions of the block are not caught.
    """
    target = path.resolve()
    if belongs_to_database(target):
        raise LibraryError(f"{path} belongs to a database, which would be lost: write to another file.")
    refuse_link(path)
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


def refuse_link(path: Path) -> None:
    """Raise an error if a path is a symbolic link to a file, or to nothing.

    The folder may come from somebody else, who chose where the link leads: any file of the user would be
    overwritten. Links to devices and pipes are allowed, and those of the system, such as `/dev/stdout`.

    Raises
    ------
    LibraryError
    """
    folder = f"{path.parent.resolve()}/"
    is_of_system = folder == "/dev/" or folder.startswith("/proc/")
    if path.is_symlink() and not is_of_system and (path.is_file() or not path.exists()):
        raise LibraryError(
            f"{path} is a symbolic link, and the file that it leads to would be changed: delete the link, or "
            "write to another file."
        )


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
