"""The newest snapshot of the library: read again when a new map was stored, or files have come or gone."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.web.data.catalogue import Catalogue
from explorer.web.map.grouping import Grouping

_log = logging.getLogger(__name__)


class CatalogueHolder:
    """Keeps the newest snapshot, and brings it up to date when the library has changed."""

    def __init__(self, database: Path):
        self._database = database
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._warmed: Catalogue | None = None

    def latest(self) -> Catalogue:
        """Return the library as it is now.

        Raises
        ------
        LibraryError
            If there is no library.
        LibraryBusyError
            If another program holds the database.
        """
        with self._lock, Database.open_readonly(self._database) as database:
            with database.snapshot():
                stamp = (database.map_revision(), database.count_vectors())
                changes, held = database.changes_token(), self._catalogue
                if held is None or stamp != (held.revision, len(held) + held.unmapped):
                    self._catalogue = load_catalogue(database)
                elif changes != held.changes:
                    self._catalogue = held.with_changes(changes)
            return self._catalogue

    def held(self) -> Catalogue:
        """Return the snapshot that the page was drawn from, without asking the database."""
        return self._catalogue or self.latest()

    def warm_up(self) -> None:
        """Read the vectors of the snapshot in the background, once."""
        catalogue = self.held()
        if self._warmed is catalogue or not len(catalogue):
            return
        self._warmed = catalogue
        threading.Thread(target=_warm_up, args=(catalogue,), name="warm-up", daemon=True).start()


def _warm_up(catalogue: Catalogue) -> None:
    try:
        catalogue.warm_up()
    except ExplorerError as error:
        # Whoever asks for what is missing is told then.
        _log.info("Warming up was in vain: %s", error)


def load_catalogue(database: Database) -> Catalogue:
    """Read a snapshot."""
    projections = database.projections()
    found = {name: database.positions(name) for name in projections}
    song_ids, rows = _common_songs([ids for ids, *_ in found.values()])
    labels, names, representatives = database.clusters()
    numbers = {song_id: number for number, song_id in enumerate(song_ids)}
    model = database.model()
    return Catalogue(
        database=database.path,
        revision=database.map_revision(),
        song_ids=song_ids,
        positions={
            name: places[row] for (name, (_, places, _)), row in zip(found.items(), rows, strict=True)
        },
        near={name: near[row] for (name, (*_, near)), row in zip(found.items(), rows, strict=True)},
        parameters={name: projection["parameters"] for name, projection in projections.items()},
        quality={name: projection["quality"] for name, projection in projections.items()},
        clusters=Grouping(
            "Clusters",
            names,
            np.array([labels.get(song_id, 0) for song_id in song_ids], dtype=np.int32),
            [numbers.get(representative, -1) for representative in representatives],
        ),
        trained=model is None or model["trained"] is not False,
        unmapped=database.count_vectors() - len(song_ids),
        n_genres=database.count_genres(),
        changes=database.changes_token(),
    )


def _common_songs(lists: list[list[str]]) -> tuple[list[str], list]:
    """Return the ids that all ordered lists have, and the rows of each list that they are."""
    if not lists:
        return [], []
    if all(ids == lists[0] for ids in lists):
        return lists[0], [slice(None)] * len(lists)
    common = sorted(set(lists[0]).intersection(*lists[1:]))
    return common, [[bisect_left(ids, song_id) for song_id in common] for ids in lists]
