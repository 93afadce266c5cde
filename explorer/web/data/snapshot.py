"""Holds the newest snapshot of the library, and reads it again when the map or the files have changed."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.database.sqlite_errors import damage_error
from explorer.errors import ExplorerError
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.reader import open_library
from explorer.web.map.grouping import Grouping
from explorer.web.security import RefusedError

_log = logging.getLogger(__name__)


_Stamp = namedtuple("_Stamp", "file_id size_bytes modified_ns")
"""What tells that songs.db may be another file, or may have other contents."""

_OFFSET_STEP = 1 << 32
"""Larger than every revision of a map. JavaScript's numbers are exact up to 2^53."""

_MAX_RECHECKED_BYTES = 64 << 20
"""Checking a file of this size takes 0.2 s."""


class CatalogueHolder:
    """Holds the newest snapshot of one library for all requests.

    The revision of a snapshot, which pages know, is that of the map plus an offset. The offset grows when a
    map has the revision of an earlier map with other songs, as after songs.db was replaced: a page that shows
    the earlier map is then told to reload, and never gets another song under a number that it knows.

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
        self._read: tuple[_Stamp, int, int] | None = None
        self._offset = 0
        self._order_of: dict[int, str] = {}
        """`Catalogue.order` by each revision that pages may know."""
        self._checked: tuple[_Stamp, str] | None = None
        """The state of the file that was checked last, and the problem; "" if there was none."""
        self._damage: dict[str, str] = {}

    def latest(self) -> Catalogue:
        """Return a snapshot of the library as it is now; read it only if the library has changed.

        Raises
        ------
        LibraryError
            If there is no library, or it is damaged.
        LibraryBusyError
            If another program has locked the database.
        """
        with self._lock, open_library(self._database) as database, database.snapshot():
            stamp = _stamp(database)
            self._check(database, stamp)
            read = (stamp, database.map_revision(), database.count_vectors())
            changes = self._changes_token(database)
            if self._catalogue is None or read != self._read:
                self._replace(load_catalogue(database, changes), database)
            elif changes != self._catalogue.changes:
                self._catalogue = self._catalogue.with_changes(changes)
            self._read = read
            return self._catalogue

    def state(self) -> dict:
        """Return the state of songs.db now.

        The snapshot in memory is not updated, unless another file may have replaced songs.db unnoticed: one
        with the same counts.

        Returns
        -------
        dict
            "revision": the map's. "songs": how many songs are indexed, including those that are not on the
            map. "changes": a token that changes when files may have appeared, disappeared or changed.
        """
        with open_library(self._database) as database:
            read = (_stamp(database), database.map_revision(), database.count_vectors())
            known = self._read
            if known is not None and known[0] != read[0] and known[1:] == read[1:]:
                self.latest()
            return {
                "revision": read[1] + self._offset,
                "songs": read[2],
                "changes": self._changes_token(database),
            }

    def _check(self, database: Database, stamp: _Stamp) -> None:
        """Raise if the file is damaged. Large files are checked once, small ones whenever they changed."""
        checked, problem = self._checked or (None, "")
        is_small = stamp.size_bytes <= _MAX_RECHECKED_BYTES
        has_changed = checked != stamp
        is_new = checked is None or checked.file_id != stamp.file_id or (bool(problem) and has_changed)
        if is_new or (is_small and has_changed):
            problems = database.integrity_problems()
            self._checked = (stamp, problems[0] if problems else "")
            if is_new:
                # The warm-up reads the vectors of a large library, and finds the damaged ones.
                self._damage = database.damaged_songs() if is_small and not problems else {}
        if problem := self._checked[1]:
            raise damage_error(self._database, problem)

    def _replace(self, new: Catalogue, database: Database) -> None:
        """Use a new snapshot, or the old one if the map and the file are still the same."""
        while self._order_of.setdefault(new.revision + self._offset, new.order) != new.order:
            self._offset += _OFFSET_STEP
        new = replace(new, revision=new.revision + self._offset, damage=self._damage | database.left_out)
        old = self._catalogue
        self._catalogue = old.with_changes(new.changes) if old and _is_same(old, new) else new

    def _changes_token(self, database: Database) -> str:
        device, number = database.file_id
        return f"{database.changes_token()}-{device:x}-{number:x}"

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


def _stamp(database: Database) -> _Stamp:
    state = database.path.stat()
    return _Stamp(database.file_id, state.st_size, state.st_mtime_ns)


def _warm_up(catalogue: Catalogue) -> None:
    try:
        catalogue.warm_up()
    except ExplorerError as error:
        # The request that needs the data reads it again, and answers with the error.
        _log.info("Data could not be read in advance: %s", error)


def _is_same(old: Catalogue, new: Catalogue) -> bool:
    """Return whether two snapshots of one file show the same map and the same number of other songs."""
    return (
        (old.file_id, old.revision, old.order, old.unmapped, old.damage)
        == (new.file_id, new.revision, new.order, new.unmapped, new.damage)
        and old.positions.keys() == new.positions.keys()
        and all(np.array_equal(old.positions[name], new.positions[name]) for name in new.positions)
        and (old.clusters.names, old.quality, old.n_genres) == (new.clusters.names, new.quality, new.n_genres)
        and np.array_equal(old.clusters.members, new.clusters.members)
    )


def load_catalogue(database: Database, changes: str = "") -> Catalogue:
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
        changes=changes,
        file_id=database.file_id,
    )


def _common_songs(lists: list[list[str]]) -> tuple[list[str], list]:
    """Return the ids that are in every sorted list, and for each list the rows in which they are."""
    if not lists:
        return [], []
    if all(ids == lists[0] for ids in lists):
        return lists[0], [slice(None)] * len(lists)
    common = sorted(set(lists[0]).intersection(*lists[1:]))
    return common, [[bisect_left(ids, song_id) for song_id in common] for ids in lists]
