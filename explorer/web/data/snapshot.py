"""Holds the newest snapshot of the library, and reads it again when the map or the files have changed."""

from __future__ import annotations

import logging
import threading
from bisect import bisect_left
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.database.verify import QUICKLY_CHECKED_BYTES
from explorer.errors import ExplorerError, UnusableLibraryError
from explorer.web.data.cached_count import CachedCount
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.reader import open_library
from explorer.web.map.grouping import Grouping
from explorer.web.security import RefusedError

_log = logging.getLogger(__name__)


_OFFSET_STEP = 1 << 32
"""Larger than every revision of a map. JavaScript's numbers are exact up to 2^53."""

_MAX_EARLIER = 3
"""For how many earlier maps to remember the numbers of the songs: a page that shows one follows soon."""

_SAMPLE_SIZE = 16

_CHECK_DELAY_S = 5.0
"""A large file is checked after this time, so that the check does not delay the first map."""


class CatalogueHolder:
    """Holds the newest snapshot of one library for all requests.

    The revision of a snapshot, which pages know, is that of the map plus an offset. The offset grows when a
    map has the revision of an earlier map with other songs or positions, as after songs.db was replaced: a
    page that shows the earlier map is then told to reload, and never gets another song under a number that
    it knows.

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
        self._read: tuple[tuple[int, ...], int, int] | None = None
        self._offset = 0
        self._map_of: dict[int, str] = {}
        """`Catalogue.map_key` by each revision that pages may know."""
        self._checked: tuple[tuple[int, ...], UnusableLibraryError | None] = ((), None)
        """The stamp of the file that was checked last, and what was wrong with it."""
        self._damage: dict[str, str] = {}
        self._earlier: dict[int, bytes] = {}
        """The song ids of earlier maps, by revision, as `_packed` returns them."""
        self._moved: dict[int, np.ndarray] = {}
        """What `moved` has returned for the map in memory, by the revision of the earlier map."""
        self._count = CachedCount(database)

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
            stamp = database.stamp
            self._check(database, stamp)
            read = (stamp, database.map_revision(), self._count.of(database))
            changes = database.changes_token()
            if self._catalogue is None or read != self._read:
                self._replace(load_catalogue(database, changes, n_songs=read[2]), database)
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
            "clusters": how many the map has. "first_look": whether the map is from a first look.
        """
        with open_library(self._database) as database:
            read = (database.stamp, database.map_revision(), self._count.of(database))
            known = self._read
            if known is not None and known[0] != read[0] and known[1:] == read[1:]:
                self.latest()
            return {
                "revision": read[1] + self._offset,
                "songs": read[2],
                "changes": database.changes_token(),
                "clusters": database.count_clusters(),
                "first_look": database.shows_coarse(),
            }

    def _check(self, database: Database, stamp: tuple[int, ...]) -> None:
        """Raise if the file is damaged. Large files are checked once, small ones whenever they changed.

        Checking a large file takes seconds, so a thread does it while the page is already shown.
        """
        checked, error = self._checked
        is_small = stamp[2] <= QUICKLY_CHECKED_BYTES
        has_changed = checked != stamp
        is_new = checked[:2] != stamp[:2] or (error is not None and has_changed)
        if is_new and not is_small:
            # The warm-up reads the vectors of a large library, and finds the damaged ones.
            self._checked, self._damage, error = (stamp, None), {}, None
            check = threading.Timer(_CHECK_DELAY_S, self._check_large, (stamp,))
            check.name, check.daemon = "check", True
            check.start()
        elif is_small and has_changed:
            error = _damage_of(database)
            if is_new and error is None:
                self._damage = database.damaged_songs()
            self._checked = (stamp, error)
        if error is not None:
            raise UnusableLibraryError(str(error))

    def _check_large(self, stamp: tuple[int, ...]) -> None:
        with suppress(ExplorerError), Database.open_readonly(self._database) as database:
            error = _damage_of(database)
            with self._lock:
                if error is not None and self._checked[0] == stamp:
                    self._checked = (stamp, error)
                    _log.error("%s", error)

    def _replace(self, new: Catalogue, database: Database) -> None:
        """Use a new snapshot, or the old one if the map and the file are still the same."""
        while self._map_of.setdefault(new.revision + self._offset, new.map_key) != new.map_key:
            self._offset += _OFFSET_STEP
        new = replace(new, revision=new.revision + self._offset, damage=self._damage | database.left_out)
        old = self._catalogue
        if old and old.revision != new.revision:
            self._earlier[old.revision], self._moved = _packed(old.song_ids), {}
            while len(self._earlier) > _MAX_EARLIER:
                del self._earlier[next(iter(self._earlier))]
        self._catalogue = old.with_changes(new.changes) if old and _is_same(old, new) else new

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

    def moved(self, earlier: int, revision: int) -> np.ndarray:
        """Return the new numbers of the songs of an earlier map.

        Parameters
        ----------
        earlier, revision : int
            The revision of the earlier map, and that of the map in memory.

        Returns
        -------
        np.ndarray [shape=(n,), int32]
            By the song's number on the earlier map; -1 for songs that are not on the map any more.

        Raises
        ------
        RefusedError
            If the snapshot in memory has another revision, or the earlier map is not remembered.
        """
        catalogue, known = self.at_revision(revision), self._moved
        before = self._earlier.get(earlier)
        if before is None:
            raise RefusedError(409, "The map has changed: reload the page.")
        if earlier not in known:
            numbers = {song_id: number for number, song_id in enumerate(catalogue.song_ids)}
            known[earlier] = np.array([numbers.get(song_id, -1) for song_id in _unpacked(before)], np.int32)
        return known[earlier]

    def warm_up(self, catalogue: Catalogue) -> None:
        """Read a snapshot's vectors in a background thread, unless that was started before."""
        if self._warmed is catalogue or not len(catalogue):
            return
        self._warmed = catalogue
        threading.Thread(target=_warm_up, args=(catalogue,), name="warm-up", daemon=True).start()


def _damage_of(database: Database) -> UnusableLibraryError | None:
    try:
        database.require_undamaged()
    except UnusableLibraryError as error:
        return error
    return None


def _warm_up(catalogue: Catalogue) -> None:
    try:
        catalogue.warm_up()
    except ExplorerError as error:
        # The request that needs the data reads it again, and answers with the error.
        _log.info("Data could not be read in advance: %s", error)


def _is_same(old: Catalogue, new: Catalogue) -> bool:
    """Return whether two snapshots show the same songs in the same way."""

    def shown(catalogue: Catalogue) -> tuple:
        clusters = catalogue.clusters
        return (
            *(catalogue.stamp[:2], catalogue.revision, catalogue.map_key, catalogue.unmapped),
            *(catalogue.n_genres, catalogue.quality, catalogue.is_trained, catalogue.damage),
            *(clusters.names, catalogue.genre_spellings),
        )

    return shown(old) == shown(new) and np.array_equal(old.clusters.members, new.clusters.members)


def _packed(song_ids: list[str]) -> bytes:
    """Return ids as bytes, which take a third of their memory."""
    return "\0".join(song_ids).encode()


def _unpacked(packed: bytes) -> list[str]:
    return packed.decode().split("\0") if packed else []


def load_catalogue(database: Database, changes: str = "", *, n_songs: int | None = None) -> Catalogue:
    """Read a snapshot.

    Parameters
    ----------
    n_songs : int, optional
        What `Database.count_vectors` returned, if it is known.
    """
    projections = database.projections()
    stored = {name: database.positions(name) for name in projections}
    song_ids, rows = _common_songs([ids for ids, *_ in stored.values()])
    names, representatives = database.cluster_names()
    model, is_first_look = database.model(), database.shows_coarse()
    n_genres, genre_spellings = database.genre_spellings()
    sample = song_ids[:: -(-len(song_ids) // _SAMPLE_SIZE)] if is_first_look and song_ids else []
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
            database.cluster_numbers(song_ids, len(names)),
            [_number_of(representative, song_ids) for representative in representatives],
        ),
        is_trained=model is None or model["trained"] is not False,
        unmapped=(database.count_vectors() if n_songs is None else n_songs) - len(song_ids),
        n_genres=n_genres,
        genre_spellings=genre_spellings,
        changes=changes,
        is_first_look=is_first_look,
        coarse_sample=dict(zip(*database.vectors(song_ids=sample), strict=True)) if sample else {},
        stamp=database.stamp,
    )


def _number_of(song_id: str, song_ids: list[str]) -> int:
    number = bisect_left(song_ids, song_id)
    return number if song_ids[number : number + 1] == [song_id] else -1


def _common_songs(lists: list[list[str]]) -> tuple[list[str], list]:
    """Return the ids that are in every sorted list, and for each list the rows in which they are."""
    if not lists:
        return [], []
    if all(ids == lists[0] for ids in lists):
        return lists[0], [slice(None)] * len(lists)
    common = sorted(set(lists[0]).intersection(*lists[1:]))
    return common, [[bisect_left(ids, song_id) for song_id in common] for ids in lists]
