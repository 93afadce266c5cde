"""Copies the windows and features of a song to another song with the same sound."""

from __future__ import annotations

from explorer.database.state import StateTables

_WINDOWS = ("song_windows", "raw_windows")
_TABLES = (*_WINDOWS, "song_features")


class SoundRowTables(StateTables):
    """Queries about the tables with one row a song that depends only on the song's sound."""

    def sound_rows(self, song_id: str, *, windows: bool = True) -> dict[str, tuple]:
        """Return a song's windows and features as they are stored, by table.

        Parameters
        ----------
        windows : bool
            Whether the windows are returned too, not only the features.
        """
        found = {}
        for table in _TABLES if windows else _TABLES[len(_WINDOWS) :]:
            for row in self._rows(f"SELECT * FROM {table} WHERE song_id = ?", (song_id,)):
                found[table] = row
        return found

    def store_sound_rows(self, song_id: str, rows: dict[str, tuple], *, features: bool = True) -> bool:
        """Store for a song what `sound_rows` has returned of a song with the same sound.

        Returns
        -------
        bool
            Whether the song has got windows.
        """
        kept = {table: row for table, row in rows.items() if features or table in _WINDOWS}
        with self.transaction():
            for table, row in kept.items():
                places = ", ".join("?" * len(row))
                names = (name for name, *_ in self._rows(f"SELECT name FROM pragma_table_info('{table}')"))
                values = (
                    song_id if name == "song_id" else value for name, value in zip(names, row, strict=True)
                )
                self._rows(f"INSERT OR REPLACE INTO {table} VALUES ({places})", tuple(values))
        return any(table in kept for table in _WINDOWS)
