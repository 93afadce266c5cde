"""Queries about the map: positions, clusters and quality figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from operator import lt

import numpy as np

from explorer.config import PROJECTION_NAMES
from explorer.database.records import Map
from explorer.database.sqlite_errors import damage_error
from explorer.database.vectors import VectorTables
from explorer.util.sorted_rows import values_in_order

_MAX_COORDINATE = 1e9
"""No layout spreads songs so far; larger numbers would make the rest of the map invisible."""
_MAX_NEAR = 10
_MAX_FIGURE = 1e9


class MapTables(VectorTables):
    """Queries about the tables projections, positions, clusters and song_clusters."""

    # Storing

    def store_map(self, new: Map, *, base_revision: int | None = None, show_full: bool = False) -> bool:
        """Store the projections and clusters of a map in one transaction.

        Each projection replaces the stored projection of the same name. Other stored projections stay. Songs
        that were deleted while the map was computed are left out. While coarse vectors are shown, songs
        without one keep their positions: the first look has not reached them yet.

        Parameters
        ----------
        base_revision : int, optional
            The revision of the stored map when the new map was started. If another program has stored a map
            since then, this stores nothing.
        show_full : bool
            Show the full vectors from now on, and delete the coarse ones.

        Returns
        -------
        bool
            Whether the map was stored.
        """
        with self.transaction():
            if base_revision is not None and self.map_revision() != base_revision:
                return False
            if show_full:
                self.show_coarse(False)
            song_ids = {song_id for (song_id,) in self._rows("SELECT id FROM songs")}
            rows = [(row, song_id) for row, song_id in enumerate(new.song_ids) if song_id in song_ids]
            for name, positions in new.positions.items():
                self._store_projection(name, new, rows, positions)
            self._rows("DELETE FROM clusters")
            clusters = zip(new.cluster_names, new.representatives, strict=True)
            self._connection.executemany(
                "INSERT INTO clusters VALUES (?, ?, ?)",
                (
                    (number, name, song_id if song_id in song_ids else None)
                    for number, (name, song_id) in enumerate(clusters)
                ),
            )
            labels = new.labels.tolist()
            self._connection.executemany(
                "INSERT INTO song_clusters VALUES (?, ?)", ((song_id, labels[row]) for row, song_id in rows)
            )
            self._store_state("cluster_count", new.cluster_count)
            self._store_state("neighbourhood", new.neighbourhood)
            self.increment_map_revision()
        return True

    def update_map(self, new: Map, changed: np.ndarray, *, base_revision: int) -> bool:
        """Store the changed rows of a map in one transaction.

        The projections and clusters stay as they are stored. Songs that are not on the map lose their
        positions and clusters.

        Parameters
        ----------
        changed : np.ndarray [shape=(m,), int]
            The rows to store, ascending.
        base_revision : int
            As for `store_map`.

        Returns
        -------
        bool
            Whether the map was stored.
        """
        with self.transaction():
            if self.map_revision() != base_revision:
                return False
            stored_ids = {song_id for (song_id,) in self._rows("SELECT id FROM songs")}
            for song_id in stored_ids.difference(new.song_ids):
                for table in ("positions", "song_clusters"):
                    self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))
            rows = [
                (number, row, new.song_ids[row])
                for number, row in enumerate(changed.tolist())
                if new.song_ids[row] in stored_ids
            ]
            for name, positions in new.positions.items():
                xy, near = positions.astype(np.float64), new.near[name]
                self._connection.executemany(
                    "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
                    ((name, song_id, *xy[row].tolist(), int(near[number])) for number, row, song_id in rows),
                )
            self._connection.executemany(
                "INSERT OR REPLACE INTO song_clusters VALUES (?, ?)",
                ((song_id, int(new.labels[row])) for _, row, song_id in rows),
            )
            self.increment_map_revision()
        return True

    def _store_projection(
        self, name: str, new: Map, rows: list[tuple[int, str]], positions: np.ndarray
    ) -> None:
        self._rows(
            """INSERT INTO projections VALUES (?, ?, ?)
               ON CONFLICT(name) DO UPDATE
               SET parameters = excluded.parameters, quality = excluded.quality""",
            (name, json.dumps(new.parameters[name]), json.dumps(new.quality[name])),
        )
        if not self.shows_coarse():
            self._rows("DELETE FROM positions WHERE projection = ?", (name,))
        xy = positions.astype(np.float64).tolist()
        near = new.near[name].tolist() if name in new.near else [None] * len(xy)
        self._connection.executemany(
            "INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?, ?)",
            ((name, song_id, *xy[row], near[row]) for row, song_id in rows),
        )

    def increment_map_revision(self) -> None:
        """Increase the map's revision, so that open pages load the map again."""
        with self.transaction():
            self._rows(
                """INSERT INTO state VALUES ('map_revision', '1')
                   ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"""
            )

    # Reading

    def map_revision(self) -> int:
        """Return the revision of the map. A page that shows another revision is out of date."""
        return self._state("map_revision", int) or 0

    def has_unplaced_songs(self) -> bool:
        """Return whether a song with a shown vector has no position on the map, as after a killed run."""
        return bool(
            self._value(
                f"""SELECT EXISTS (
                    SELECT 1 FROM {self._shown_table} AS shown JOIN songs ON songs.id = shown.song_id
                    WHERE (SELECT count(*) FROM positions WHERE song_id = songs.id)
                        < (SELECT count(*) FROM projections)
                )"""
            )
        )

    def projections(self) -> dict[str, dict]:
        """Return each stored projection's parameters and quality figures."""
        rows = self._rows("SELECT name, parameters, quality FROM projections ORDER BY name")
        stored: dict[str, dict] = {}
        for name, parameters, quality in rows:
            if name not in PROJECTION_NAMES:
                raise damage_error(self.path, f"{name!r} is not the name of a projection")
            stored[name] = {
                "parameters": self._parameters(parameters, name),
                "quality": self._figures(self._json(quality, dict, "a quality"), f"the quality of {name}"),
            }
        return stored

    def _parameters(self, text: str, name: str) -> dict:
        parameters = self._json(text, dict, f"the parameters of {name}") or {}
        self._figures({key: parameters.get(key) for key in ("asked", "songs")}, f"the parameters of {name}")
        return parameters

    def _figures(self, figures: dict | None, name: str) -> dict:
        """Return measures, which must be finite numbers or None."""
        for value in (figures or {}).values():
            if value is not None and (not isinstance(value, int | float) or not abs(value) <= _MAX_FIGURE):
                raise damage_error(self.path, f"{name} holds other values than numbers")
        return figures or {}

    def positions(self, projection: str) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return the positions of the songs in one projection.

        A position that is not finite or too large is left out, and recorded in `left_out`.

        Returns
        -------
        song_ids : list of str, length n
            Sorted.
        positions : np.ndarray [shape=(n, 2), float32]
        near : np.ndarray [shape=(n,), int16]
            How many of the ten songs with the most similar vectors lie near the song on the map; -1 if
            unknown. `explorer.mapping.quality.neighbours_near` computes it.
        """
        ids: list[str] = []
        places, nears = [np.empty((0, 2))], [np.empty(0, dtype=np.int16)]
        for rows in self._song_blocks(
            "SELECT song_id, x, y, coalesce(near, -1) FROM positions WHERE projection = ? ORDER BY song_id",
            (projection,),
        ):
            block_ids, x, y, near = zip(*rows, strict=True)
            ids += block_ids
            places.append(np.array([x, y], dtype=np.float64).T)
            nears.append(
                np.array([n if type(n) is int and -1 <= n <= _MAX_NEAR else -1 for n in near], np.int16)
            )
        if not all(map(lt, ids, islice(ids, 1, None))):
            raise damage_error(self.path, "the positions are not in the order of their ids")
        xy = np.concatenate(places)
        is_possible = (np.abs(xy) <= _MAX_COORDINATE).all(axis=1)
        if not is_possible.all():
            for row in np.flatnonzero(~is_possible):
                self._leave_out(ids[row], f"its position on the map {projection} is damaged")
            ids = [ids[row] for row in np.flatnonzero(is_possible)]
        return ids, xy[is_possible].astype(np.float32), np.concatenate(nears)[is_possible]

    def positions_of(self, song_ids: Sequence[str], projections: Iterable[str]) -> dict[str, np.ndarray]:
        """Return the positions of the given songs in some projections.

        Returns
        -------
        dict of str to np.ndarray [shape=(n, 2), float32]
            By projection, in the order of `song_ids`; NaN for songs that are not on the map.
        """
        found = {}
        for projection in projections:
            known_ids, positions, _ = self.positions(projection)
            if known_ids != song_ids:
                row_of = {song_id: row for row, song_id in enumerate(known_ids)}
                # Songs that are not on the map get row -1: the last row, which is NaN.
                padded = np.vstack([positions, np.full((1, 2), np.nan, dtype=np.float32)])
                positions = padded[[row_of.get(song_id, -1) for song_id in song_ids]]
            found[projection] = positions
        return found

    def clusters(self) -> tuple[dict[str, int], list[str], list[str]]:
        """Return the cluster number of each song, the names of the clusters and their representatives.

        Cluster numbers start at 0 and are the indices of the lists of names and representatives. A
        representative is a song id, or "" if that song was deleted.
        """
        names, representatives = self.cluster_names()
        return dict(self._song_clusters(len(names))), names, representatives

    def cluster_names(self) -> tuple[list[str], list[str]]:
        """Return the names of the clusters and their representatives, as `clusters` does."""
        rows = self._rows("SELECT number, name, anthem FROM clusters ORDER BY number")
        if [number for number, *_ in rows] != list(range(len(rows))):
            raise damage_error(self.path, "the clusters are not numbered one after the other")
        return [name for _, name, _ in rows], [anthem or "" for *_, anthem in rows]

    def cluster_numbers(self, song_ids: Sequence[str], n_clusters: int) -> np.ndarray:
        """Return the cluster number of each song [shape=(n,), int32]; 0 if it is in none.

        Parameters
        ----------
        song_ids : sequence of str
            Sorted.
        n_clusters : int
            How many clusters there are.
        """
        labels = values_in_order(song_ids, self._song_clusters(n_clusters), 0)
        return np.fromiter(labels, dtype=np.int32, count=len(song_ids))

    def _song_clusters(self, n_clusters: int) -> Iterator[tuple[str, int]]:
        """Yield the id and the cluster of each song, ordered by id; songs of other clusters are left out."""
        sql = "SELECT song_id, cluster FROM song_clusters ORDER BY song_id"
        for song_id, cluster in self._iterate_song_rows(sql):
            if 0 <= cluster < n_clusters:
                yield song_id, cluster
            else:
                self._leave_out(song_id, f"its cluster {cluster} does not exist")

    def count_clusters(self) -> int:
        """Return how many clusters the map has."""
        return self._value("SELECT count(*) FROM clusters")

    def cluster_count(self) -> int | None:
        """Return the number of clusters that the user asked for, or None if it is chosen automatically."""
        return self._state("cluster_count", int)

    def neighbourhood(self) -> dict:
        """Return measures of neighbours by vector: hubness, and genre purity compared with chance."""
        return self._figures(self._state("neighbourhood", dict), "the measures of neighbours")
