"""Chooses the order in which files are read: spread over the library, and what listeners ask for first."""

from __future__ import annotations

import posixpath
import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.library.music_file import ScannedFile

_SEED = 0


def spread(files: Sequence[ScannedFile]) -> list[ScannedFile]:
    """Shuffle files, so that the first ones are a fair sample of all folders, however many are taken.

    Each folder's files are shuffled, and then placed at equal distances over the whole order, from a random
    start. The order depends only on the files.
    """
    shuffled = random.Random(_SEED)
    folders: dict[bytes, list[ScannedFile]] = {}
    for file in sorted(files, key=lambda file: file.path):
        folders.setdefault(posixpath.dirname(file.path), []).append(file)
    places: list[tuple[float, bytes, ScannedFile]] = []
    for inside in folders.values():
        shuffled.shuffle(inside)
        start = shuffled.random()
        places += (((rank + start) / len(inside), file.path, file) for rank, file in enumerate(inside))
    return [file for *_, file in sorted(places, key=lambda place: place[:2])]


def asked_first(files: Sequence[ScannedFile], database: Path, root_id: int) -> Iterator[ScannedFile]:
    """Yield files in their order, but those first whose songs somebody has asked for in the meantime.

    Each file is chosen when the caller takes it. Any thread may take it, one at a time. If the library cannot
    be read, the order is that of `files`.

    Parameters
    ----------
    database : Path
        The library, opened read-only: the thread that stores songs uses another connection.
    """
    waiting = {file.path: file for file in files}
    others = iter(files)
    library = None
    with suppress(ExplorerError):
        library = Database.open_readonly(database)
    try:
        while waiting:
            asked: list[bytes] = []
            with suppress(ExplorerError):
                asked = library.asked_paths(root_id) if library else []
            path = next((path for path in asked if path in waiting), None)
            if path is None:
                path = next(file.path for file in others if file.path in waiting)
            yield waiting.pop(path)
    finally:
        if library is not None:
            library.close()
