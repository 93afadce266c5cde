"""The map's queries: where each song lies, which cluster it is in, and how far that can be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np

from explorer.database.connection import LibraryFile
from explorer.database.records import Map


class MapTables(LibraryFile):
    """The tables of the one map that a library has."""

    def store_map(self, new: Map, *, over: int | None = None) -> bool:
        """Store projections, in place of their older selves, and the clusters, in one transaction.

        Other projections stay as they are, and songs that were removed meanwhile are left out.

        Parameters
        ----------
        over : int, optional
            The revision of the map that the new one was made from: what another program has stored since
            is not overwritten.

        Returns
        -------
        bool
            Whether it was stored.
        """
        with self.transaction():
            if over is not None and self.map_revision() != over:
                return False
            there = {song_id for (song_id,) in self._rows("SELECT id FROM songs")}
            rows = [(row, song_id) for row, song_id in enumerate(new.song_ids) if song_id in there]
            for name, positions in new.positions.items():
                self._store_projection(name, new, rows, positions)
            self._rows("DELETE FROM clusters")
            representatives = [
                representative if representative in there else None for representative in new.representatives
            ]
            self._connection.executemany(
                "INSERT INTO clusters VALUES (?, ?, ?)",
                enumerate_clusters(new.cluster_names, representatives),
            )
            labels = new.labels.tolist()
            self._connection.executemany(
                "INSERT INTO song_clusters VALUES (?, ?)", ((song_id, labels[row]) for row, song_id in rows)
            )
            for key, value in (("cluster_count", new.cluster_count), ("neighbourhood", new.neighbourhood)):
                self._rows("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value)))
            self.renew_map()
        return True

    def has_unplaced_songs(self) -> bool:
        """Tell whether a song that has a vector lacks a place on the map, as after a run that was killed."""
        return bool(
            self._value(
                """SELECT EXISTS (
                    SELECT 1 FROM songs_vectors JOIN songs ON songs.id = songs_vectors.song_id
                    WHERE (SELECT count(*) FROM positions WHERE song_id = songs.id)
                        < (SELECT count(*) FROM projections)
                )"""
            )
        )

    def renew_map(self) -> None:
        """Count the map as another: pages that show it are out of date."""
        with self.transaction():
            self._rows(
                """INSERT INTO state VALUES ('map_revision', '1')
                   ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"""
            )

    def _store_projection(self, name: str, new: Map, rows: list, positions: np.ndarray) -> None:
        self._rows("DELETE FROM projections WHERE name = ?", (name,))
        self._rows(
            "INSERT INTO projections VALUES (?, ?, ?)",
            (name, json.dumps(new.parameters[name]), json.dumps(new.quality[name])),
        )
        places = positions.astype(np.float64).tolist()
        near = new.near[name].tolist() if name in new.near else [None] * len(places)
        self._connection.executemany(
            "INSERT INTO positions VALUES (?, ?, ?, ?, ?)",
            ((name, song_id, *places[row], near[row]) for row, song_id in rows),
        )

    def map_revision(self) -> int:
        """Return how often a map was stored: a page that shows another number is out of date."""
        return int(self._value("SELECT value FROM state WHERE key = 'map_revision'") or 0)

    def projections(self) -> dict[str, dict]:
        """Return each stored projection's parameters and quality figures."""
        rows = self._rows("SELECT name, parameters, quality FROM projections ORDER BY name")
        return {name: {"parameters": json.loads(p), "quality": json.loads(q)} for name, p, q in rows}

    def positions(self, projection: str) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Return where the songs lie in a projection.

        Returns
        -------
        song_ids : list of str, length n
            In order.
        positions : np.ndarray [shape=(n, 2), float32]
        near : np.ndarray [shape=(n,), int16]
            How many of each song's ten true neighbours are near it on the map; -1 where that is unknown.
        """
        rows = self._rows(
            "SELECT song_id, x, y, coalesce(near, -1) FROM positions WHERE projection = ? ORDER BY song_id",
            (projection,),
        )
        ids, x, y, near = zip(*rows, strict=True) if rows else ((), (), (), ())
        places = np.array([x, y], dtype=np.float32).T.reshape(-1, 2)
        return list(ids), np.ascontiguousarray(places), np.array(near, dtype=np.int16)

    def clusters(self) -> tuple[dict[str, int], list[str], list[str]]:
        """Return each song's cluster, and the clusters' names and representatives, by number."""
        labels = dict(self._rows("SELECT song_id, cluster FROM song_clusters"))
        rows = self._rows("SELECT name, coalesce(anthem, '') FROM clusters ORDER BY number")
        return labels, [name for name, _ in rows], [representative for _, representative in rows]

    def cluster_count(self) -> int | None:
        """Return the number of clusters that a user asked for, or None where it follows the music."""
        return json.loads(self._value("SELECT value FROM state WHERE key = 'cluster_count'") or "null")

    def neighbourhood(self) -> dict:
        """Return what is known of the songs' true neighbours: hubness, and genre purity beside chance."""
        return json.loads(self._value("SELECT value FROM state WHERE key = 'neighbourhood'") or "{}")


def enumerate_clusters(
    names: list[str], representatives: list[str | None]
) -> Iterator[tuple[int, str, str | None]]:
    """Number the clusters from 0, as their labels do."""
    return (
        (number, name, representative)
        for number, (name, representative) in enumerate(zip(names, representatives, strict=True))
    )
