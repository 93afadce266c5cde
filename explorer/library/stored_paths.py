"""Finds the file of a song from its root and path in songs.db, and refuses files outside the root.

Another person may have made songs.db, or may have put a link into the music folder after it was indexed. So
every function that opens a file by a path of songs.db calls `locate` first, and opens what it returns.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

from explorer.errors import ForbiddenFileError
from explorer.library.confirmed_roots import is_confirmed, require_confirmed
from explorer.library.remote import RemotePath, as_root
from explorer.util.text import printable


def locate(
    root: str | Path | RemotePath, path: bytes, *, link_target: bytes | None = None
) -> Path | RemotePath:
    """Return the path of a song's file, without links; the file may be missing.

    Parameters
    ----------
    root : str, Path or RemotePath
    path : bytes
        Relative to the root, as songs.db has it.
    link_target : bytes or None
        Where the file was when it was indexed, if a link led out of the root: see `find_link_target`.

    Raises
    ------
    ForbiddenFileError
        If the user did not give the root on this machine; or the file is outside the root, and was not there
        when it was indexed.
    """
    root, inside = as_root(root), os.fsdecode(path)
    if not stays_inside(inside, is_url=isinstance(root, RemotePath)):
        raise ForbiddenFileError(
            f"{printable(inside, max_length=200)} leads out of the folder {printable(str(root))}, so it is "
            "not read: index that folder again."
        )
    file = root / inside
    # A part of the root can have been given by itself. Then links in it may not lead to other parts.
    is_root_confirmed = is_confirmed(root)
    if isinstance(root, RemotePath) or not is_confirmed(file.parent):
        require_confirmed(root)
    if isinstance(file, RemotePath):
        return file
    try:
        real, real_root = file.resolve(), root.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise ForbiddenFileError(
            f"{printable(str(file))} cannot be found: its links form a circle."
        ) from error
    is_inside = real.is_relative_to(real_root) and (is_root_confirmed or is_confirmed(real.parent))
    if not is_inside and os.fsencode(real) != link_target:
        raise ForbiddenFileError(
            f"{printable(str(file))} is a link to a place outside its music folder, and was not when it was "
            "indexed: index the folder again to allow it."
        )
    return real


def find_link_target(file: bytes, real_root: bytes) -> bytes | None:
    """Return where a file really is, if links lead out of its root; None if it is inside the root.

    Parameters
    ----------
    file : bytes
        An absolute path.
    real_root : bytes
        The root's path without links.
    """
    real = os.path.realpath(file)
    return None if real.startswith(real_root.rstrip(os.fsencode(os.sep)) + os.fsencode(os.sep)) else real


def is_readable_file(path: Path) -> bool:
    """Return whether a path is a regular file that exists; a link, pipe or device is none.

    Raises
    ------
    OSError
        If it is a regular file that cannot be opened.
    """
    with suppress(FileNotFoundError, NotADirectoryError, ValueError):
        if stat.S_ISREG(os.lstat(path).st_mode):
            # Opening never waits and follows no link, even if the file was replaced in the meantime.
            flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
            os.close(os.open(path, flags))
            return True
    return False


def stays_inside(path: str, *, is_url: bool) -> bool:
    """Return whether a path names a file inside the folder that it is joined to, as far as its text tells."""
    if not path or "\0" in path:
        return False
    if is_url:
        # `::` joins several addresses for fsspec.
        return "::" not in path and not {"", ".", ".."} & set(path.replace("\\", "/").split("/"))
    relative = Path(path)
    return bool(relative.parts) and not (relative.anchor or ".." in relative.parts)
