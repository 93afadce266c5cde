"""Makes the map of a library while its first look goes on."""

from __future__ import annotations

from pathlib import Path

from explorer.database.database import Database
from explorer.indexing.make_map import make_map
from explorer.util.progress import Reporter


class GrowingMap:
    """Makes the map when the first look ends."""

    def __init__(self, database_path: Path, reporter: Reporter) -> None:
        self._database_path = database_path
        self._reporter = reporter

    def update(self) -> None:
        """Make a map if one is due."""

    def finish(self) -> None:
        """Make the last map, of all coarse vectors."""
        with Database.open(self._database_path) as database:
            if database.count_vectors():
                make_map(database, reporter=self._reporter)

    def close(self) -> None:
        """Stop making a map."""
