"""Holds the newest snapshot of the library, and reads it again when the map or the files have changed."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.reader import open_library
from explorer.web.map.grouping import Grouping
from explorer.web.security import RefusedError

_log = logging.getLogger(__name__)


class CatalogueHolder:
    """Holds the newest snapshot of one library for all requests.

    Parameters
    ----------
    database : Path
        The path of songs.db; the file need not exist yet.
    """

    def __init__(self, database: Path):
        self._database = database
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._warmed: Catalogue | None = None

    def latest(self) -> Catalogue:
        """Return a snapshot of the library as it is now; read it only if the library has changed.

        Raises
        ------
        LibraryError
            If there is no library.
        LibraryBusyError
            If another program has locked the database.
        """
        with self._lock, open_library(self._database) as database:
            with database.snapshot():
                stored = (database.map_revision(), database.count_vectors())
                changes, catalogue = database.changes_token(), self._catalogue
                if catalogue is None or stored != (catalogue.revision, len(catalogue) + catalogue.unmapped):
                    self._catalogue = load_catalogue(database)
                elif changes != catalogue.changes:
                    self._catalogue = catalogue.with_changes(changes)
            return self._catalogue

    def current(self) -> Catalogue:
        """Return the snapshot in memory, which pages are drawn from; read one only if there is none yet."""
        return self._catalogue or self.latest()

    def at_revision(self, revision: object) -> Catalogue:
        """Return the snapshot in memory, if it has the revision that a page shows.

        Raises
        ------
        RefusedError
            If the snapshot has another revision.
        """
        catalogue = self.current()
        if catalogue.revision != revision:
            raise RefusedError(409, "The map has changed: reload the page.")
        return catalogue

    def warm_up(self, catalogue: Catalogue) -> None:
        """Read a snapshot's vectors in a background thread, unless that was started before."""
        if self._warmed is catalogue or not len(catalogue):
            return
        self._warmed = catalogue
        threading.Thread(target=_warm_up, args=(catalogue,), name="warm-up", daemon=True).start()


def _warm_up(catalogue: Catalogue) -> None:
    try:
        catalogue.warm_up()
    except ExplorerError as error:
        # The request that needs the data reads it again, and answers with the error.
        _log.info("Data could not be read in advance: %s", error)


def load_catalogue(database: Database) -> Catalogue:
    """Read a snapshot."""
    projections = database.projections()
    stored = {name: database.positions(name) for name in projections}
    song_ids, rows = _common_songs([ids for ids, *_ in stored.values()])
    labels, names, representatives = database.clusters()
    numbers = {song_id: number for number, song_id in enumerate(song_ids)}
    model = database.model()
    return Catalogue(
        database=database.path,
        revision=database.map_revision(),
        song_ids=song_ids,
        positions={
            name: positions[row] for (name, (_, positions, _)), row in zip(stored.items(), rows, strict=True)
        },
        near={name: near[row] for (name, (*_, near)), row in zip(stored.items(), rows, strict=True)},
        parameters={name: projection["parameters"] for name, projection in projections.items()},
        quality={name: projection["quality"] for name, projection in projections.items()},
        clusters=Grouping(
            "Clusters",
            names,
            np.array([labels.get(song_id, 0) for song_id in song_ids], dtype=np.int32),
            [numbers.get(representative, -1) for representative in representatives],
        ),
        is_trained=model is None or model["trained"] is not False,
        unmapped=database.count_vectors() - len(song_ids),
        n_genres=database.count_genres(),
        changes=database.changes_token(),
    )


def _common_songs(lists: list[list[str]]) -> tuple[list[str], list]:
    """Return the ids that are in every sorted list, and for each list the rows in which they are."""
    if not lists:
        return [], []
    if all(ids == lists[0] for ids in lists):
        return lists[0], [slice(None)] * len(lists)
    common = sorted(set(lists[0]).intersection(*lists[1:]))
    return common, [[bisect_left(ids, song_id) for song_id in common] for ids in lists]
