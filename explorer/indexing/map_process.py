"""The process that makes the map while a first look fills the library: `growing_map` starts it.

It reads commands from standard input, one a line, and answers each with a JSON object on standard output.
Before the answer it prints progress, as `LineReporter` does.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path

from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.indexing.make_map import MapRequest, make_map
from explorer.indexing.map_request import default_methods
from explorer.util.progress import LineReporter

FIRST_SONGS = 60
"""The first layout is made of this many songs; fewer songs hardly form groups."""

GROWTH = 4
"""A projection gets a new layout each time the library has grown by this factor since its last one."""

GROWTH_AT_THE_END = 2
"""The same for the last map of a first look, which stays."""

_NICENESS = 10
"""The niceness once there is a map. The first map is made at normal priority: somebody waits for it, and it
takes two seconds."""

# UMAP's libraries take seconds to import and to compile, so UMAP is left out of the first layout. t-SNE is
# the projection that the page opens with.
_FIRST_METHODS = ("tsne", "pca")


def layouts_due(n_songs: int, projections: dict[str, dict], *, is_last: bool) -> tuple[str, ...] | None:
    """Decide which projections get a new layout.

    Parameters
    ----------
    n_songs : int
        The number of songs with a shown vector.
    projections : dict of str to dict
        The parameters of each stored projection. "songs" is the number of songs of its layout, also if the
        user has asked for that layout.
    is_last : bool
        Whether the first look has ended.

    Returns
    -------
    tuple of str or None
        None if no map is due. In the other stored projections, new songs are placed.
    """
    methods = default_methods(n_songs)
    if not projections:
        first = tuple(name for name in _FIRST_METHODS if name in methods)
        return first if n_songs >= (1 if is_last else FIRST_SONGS) else None
    factor = GROWTH_AT_THE_END if is_last else GROWTH
    grown = {
        name
        for name, parameters in projections.items()
        if n_songs >= max(FIRST_SONGS, factor * parameters.get("songs", n_songs))
    }
    # A projection that is missing is added together with a new layout of another.
    missing = set(methods) - projections.keys() if grown or is_last else set()
    return tuple(name for name in methods if name in grown | missing)


class _Progress(LineReporter):
    """Prints progress; unlike `LineReporter` it can be stopped while it stores, which is one transaction."""

    def before_storing(self) -> None:
        """Do nothing."""


class _MapMaker:
    """Makes the maps of one library."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_nice = False
        self._n_mapped = -1
        """The number of songs when the last map was started."""

    def answer(self, command: str) -> dict:
        """Bring the map up to date if that is due; return the processor time and what was done."""
        started = time.process_time()
        result = {"is_layout": False, "error": ""}
        try:
            with Database.open(self._path, create=False) as database:
                database.wait_for_other_programs(lambda _text: None)
                result["is_layout"] = self._update(database, is_last=command == "finish")
        except ExplorerError as error:
            result["error"] = str(error)
        except Exception as error:
            result["error"] = f"The map could not be updated ({type(error).__name__}: {error})."
        return result | {"cost_s": time.process_time() - started}

    def _update(self, database: Database, *, is_last: bool) -> bool:
        """Make a map if it is due; return whether it has a new layout."""
        n_songs = database.count_vectors()
        parameters = {name: stored["parameters"] for name, stored in database.projections().items()}
        if parameters:
            self._lower_priority()
        due = layouts_due(n_songs, parameters, is_last=is_last)
        if due is None or (not due and n_songs == self._n_mapped):
            return False
        # Without new layouts, new songs are placed: the projections requested are those that exist.
        request = MapRequest(due or tuple(parameters), relayout=bool(due))
        make_map(database, reporter=_Progress(), request=request)
        self._n_mapped = n_songs
        return bool(due)

    def _lower_priority(self) -> None:
        if hasattr(os, "nice") and not self._is_nice:
            os.nice(_NICENESS)
        self._is_nice = True


def main(path: str) -> None:
    """Answer commands until standard input is closed, as it is when the parent ends."""
    # The parent handles Ctrl-C, and kills this process when it must end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    commands: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_read_commands, args=(commands,), daemon=True).start()
    _import_libraries()
    maker = _MapMaker(Path(path))
    while True:
        print(json.dumps(maker.answer(commands.get())), flush=True)


def _read_commands(commands: queue.SimpleQueue) -> None:
    for line in sys.stdin:
        commands.put(line.strip())
    # Exit at once, also in the middle of a map.
    os._exit(0)


def _import_libraries() -> None:
    """Import what the first map needs, while the library has too few songs for it."""
    import openTSNE  # noqa: F401
    import sklearn.cluster
    import sklearn.decomposition
    import sklearn.neighbors  # noqa: F401
