"""The map's queries: where each song lies, which cluster it is in, and how far that can be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator

from explorer.library.connection import LibraryFile
from explorer.library.records import Map


class MapTables(LibraryFile):
    """The tables of the one map that a library has."""

    def store_map(self, new: Map) -> None:
        """Replace the map by a new one, in one transaction."""
        with self.transaction():
            for table in ("projections", "clusters"):
                self._rows(f"DELETE FROM {table}")
            for name, positions in new.positions.items():
                self._rows(
                    "INSERT INTO projections VALUES (?, ?, ?)",
                    (name, json.dumps(new.parameters[name]), json.dumps(new.quality[name])),
                )
                self._connection.executemany(
                    "INSERT INTO positions VALUES (?, ?, ?, ?)",
                    (
                        (name, i, float(x), float(y))
                        for i, (x, y) in zip(new.song_ids, positions, strict=True)
                    ),
                )
            self._connection.executemany(
                "INSERT INTO clusters VALUES (?, ?, ?)",
                enumerate_clusters(new.cluster_names, new.anthems),
            )
            self._connection.executemany(
                "INSERT INTO song_clusters VALUES (?, ?)",
                ((i, int(label)) for i, label in zip(new.song_ids, new.labels, strict=True)),
            )
            self._rows(
                """INSERT INTO state VALUES ('map_revision', '1')
                   ON CONFLICT(key) DO UPDATE SET value = CAST(value AS INTEGER) + 1"""
            )

    def map_revision(self) -> int:
        """Return how often a map was stored: a page that shows another number is out of date."""
        return int(self._value("SELECT value FROM state WHERE key = 'map_revision'") or 0)

    def projections(self) -> dict[str, dict]:
        """Return each stored projection's parameters and quality figures."""
        rows = self._rows("SELECT name, parameters, quality FROM projections ORDER BY name")
        return {name: {"parameters": json.loads(p), "quality": json.loads(q)} for name, p, q in rows}

    def positions(self, projection: str) -> dict[str, tuple[float, float]]:
        """Return where each song lies in a projection."""
        rows = self._rows("SELECT song_id, x, y FROM positions WHERE projection = ?", (projection,))
        return {song_id: (x, y) for song_id, x, y in rows}

    def clusters(self) -> tuple[dict[str, int], list[str], list[str]]:
        """Return each song's cluster, and the clusters' names and anthems in order of their numbers."""
        labels = dict(self._rows("SELECT song_id, cluster FROM song_clusters"))
        rows = self._rows("SELECT name, coalesce(anthem, '') FROM clusters ORDER BY number")
        return labels, [name for name, _ in rows], [anthem for _, anthem in rows]


def enumerate_clusters(names: list[str], anthems: list[str]) -> Iterator[tuple[int, str, str]]:
    """Number the clusters from 0, as their labels do."""
    return ((number, name, anthem) for number, (name, anthem) in enumerate(zip(names, anthems, strict=True)))
