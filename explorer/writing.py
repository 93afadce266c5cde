"""Files that appear whole or not at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of another once all of it is written.

    A file that was there before stays as it was if writing fails. What is no file, as a pipe or
    `/dev/null`, is written to directly: it must not be replaced by one.

    Yields
    ------
    Path
        In the same folder, without an extension that a player or an indexer looks for.

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
    part = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        yield part
        part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink()
