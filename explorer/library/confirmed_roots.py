"""Remembers the music folders and URLs that the user gave to a command on this machine.

A songs.db that another person made can name any folder or server as a root. The program reads songs only from
places that the user has named: they are in a list in the user's configuration folder. The list has one JSON
text a line, and each entry is added with a single write. So two commands at the same time lose no entry, and
a damaged line does not damage the others.
"""

from __future__ import annotations

import json
import logging
import os
import shlex
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

from platformdirs import user_config_path

from explorer.config import ROOT, Settings
from explorer.errors import ForbiddenFileError, LibraryError
from explorer.library.remote import RemotePath, as_root
from explorer.util.text import printable

OWN_FOLDERS = (Settings.audio, ROOT / "metadata" / "demo")
"""Folders of this checkout, which need not be given: the default music folder and the demo's songs."""

_log = logging.getLogger(__name__)
_lock = threading.Lock()
_given_to_this_process: set[str] = set()
_last_read: tuple[object, tuple[str, ...]] = (None, ())


def list_file() -> Path | None:
    """Return the path of the list; None if the user has no folder for configuration."""
    folder = user_config_path("music-explorer", appauthor=False)
    return folder / "music-folders.jsonl" if folder.is_absolute() else None


def confirm(place: Path | RemotePath | str, *, remember: bool = True) -> None:
    """Allow reading songs from a folder or URL, and from everything inside it.

    If the list cannot be written, only this process may read them.

    Parameters
    ----------
    remember : bool
        Whether to add the place to the list, for later commands.
    """
    place = as_root(place).expanduser().resolve()
    if is_confirmed(place):
        return
    _given_to_this_process.add(str(place))
    file = list_file() if remember else None
    if file is None:
        return
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        # The line break before the text ends a line that a killed program did not finish.
        line = f"\n{json.dumps(str(place))}\n".encode("ascii")
        with file.open("ab", buffering=0) as stream:
            stream.write(line)


def confirm_folders(folders: Iterable[Path], roots: list[str]) -> Path | None:
    """Confirm the folders that the user named for a library's songs.

    Parameters
    ----------
    roots : list of str
        The library's roots.

    Returns
    -------
    Path or None
        The folder that the songs of the library's only root are in now; None if they are in the roots.

    Raises
    ------
    LibraryError
        If a folder does not exist, or the library has several roots and none of them is this folder.
    """
    moved_to = None
    known = [as_root(root) for root in roots]
    for folder in map(as_root, folders):
        folder = folder.expanduser().resolve()
        if isinstance(folder, Path) and not folder.is_dir():
            raise LibraryError(f"{folder} is not a folder: name the folder that holds the library's songs.")
        if any(root.is_relative_to(folder) or folder.is_relative_to(root) for root in known):
            confirm(folder)
        elif len(known) == 1 and isinstance(folder, Path) and _is_elsewhere(known[0]):
            confirm(folder)
            moved_to = folder
        else:
            names = ", ".join(printable(root) for root in roots) or "no folder"
            raise LibraryError(
                f"The songs of this library are in {names}: name one of its folders with --audio instead of "
                f"{folder}, or index that folder."
            )
    return moved_to


def _is_elsewhere(root: Path | RemotePath) -> bool:
    """Return whether a library's songs may be in another folder than its root."""
    return not is_confirmed(root) or (isinstance(root, Path) and not root.is_dir())


def is_confirmed(place: Path | RemotePath | str) -> bool:
    """Return whether a folder or URL equals one that the user gave on this machine, or lies inside one.

    Nothing is read from a place that is not confirmed: no server is asked, and no link is resolved.
    """
    place = as_root(place)
    given = map(as_root, (*OWN_FOLDERS, *_given_to_this_process, *_listed()))
    if isinstance(place, RemotePath):
        return _is_plain(place) and any(place.is_relative_to(other) for other in given)
    if not place.is_absolute() or ".." in place.parts or "\0" in str(place):
        return False
    return any(isinstance(other, Path) and _is_inside(place, other) for other in given)


def unconfirmed(roots: Iterable[str]) -> list[str]:
    """Return those of a library's roots that the user did not give on this machine."""
    return [root for root in roots if not is_confirmed(root)]


def require_confirmed(root: Path | RemotePath | str) -> None:
    """Raise a `ForbiddenFileError` if a root is not confirmed."""
    if not is_confirmed(root):
        raise ForbiddenFileError(describe_unconfirmed([str(root)]))


def describe_unconfirmed(roots: list[str]) -> str:
    """Return a sentence about roots that are not confirmed: where they are, and what to do."""
    names = " and ".join(printable(root, max_length=200) for root in roots[:2])
    if len(roots) > 2:
        names += f" and {len(roots) - 2:,} more folders"
    if len(roots) == 1:
        option, folder = f"--audio {shlex.quote(names)}", "that folder"
    else:
        option, folder = "--audio FOLDER for each of them", "these folders"
    return (
        f"This library's songs are in {names}, which you have not yet named on this computer: to play them "
        f"and to change the library, start the server once with {option}, or index {folder} again."
    )


def _is_inside(place: Path, other: Path) -> bool:
    """Return whether a folder lies inside another, by its path and after resolving links."""
    with suppress(OSError, ValueError, RuntimeError):
        real = other.resolve()
        # Compare the texts first: resolving can mount a disk or ask a server.
        if place.is_relative_to(other) or place.is_relative_to(real):
            return place.resolve().is_relative_to(real)
    return False


def _is_plain(url: RemotePath) -> bool:
    """Return whether a URL leads to where its beginning says: no `..`, and no chain of fsspec's (`::`)."""
    text = unquote(url.url)
    return "::" not in text and not {".", ".."} & set(text.replace("\\", "/").split("/"))


def _listed() -> tuple[str, ...]:
    """Return the entries of the list. Read the file only if it has changed."""
    global _last_read
    file = list_file()
    if file is None:
        return ()
    with _lock:
        try:
            state = os.stat(file)
            version = (str(file), state.st_ino, state.st_size, state.st_mtime_ns)
            if _last_read[0] != version:
                _last_read = version, _read(file)
        except FileNotFoundError:
            return ()
        except OSError as error:
            if _last_read[0] != str(file):
                _last_read = str(file), ()
                _log.warning(
                    "The list of your music folders, %s, cannot be read (%s): check its permissions, or name "
                    "them with `serve --audio FOLDER`.",
                    file,
                    error.strerror,
                )
        return _last_read[1]


def _read(file: Path) -> tuple[str, ...]:
    places, n_damaged = [], 0
    for line in file.read_bytes().splitlines():
        if not line.strip():
            continue
        try:
            place = json.loads(line)
        except (ValueError, RecursionError):
            place = None
        if isinstance(place, str) and place:
            places.append(place)
        else:
            n_damaged += 1
    if n_damaged:
        _log.warning(
            "The list of your music folders, %s, is damaged: %d of its lines are ignored; index the folders "
            "again to play their songs.",
            file,
            n_damaged,
        )
    return tuple(dict.fromkeys(places))
