"""Queries about the windows of songs: their stored form, and the basis that they share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np

from explorer.database.sqlite_errors import damage_error
from explorer.database.state import StateTables
from explorer.embedding.song_windows import N_COMPONENTS, RawWindows, SongWindows, WindowBasis, check_basis

_SIZE = 512


class WindowTables(StateTables):
    """Queries about the tables window_basis, song_windows and raw_windows.

    Before a library has a basis, the windows of its songs are stored as they are, in raw_windows.
    """

    def window_basis(self) -> WindowBasis | None:
        """Return the basis of the windows; None if the library has none yet.

        Raises
        ------
        UnusableLibraryError
            If the stored basis is damaged.
        """
        rows = self._rows("SELECT mean, axes FROM window_basis")
        if not rows:
            return None
        try:
            mean, axes = (np.frombuffer(blob, dtype="<f4") for blob in rows[0])
            return check_basis(mean, axes.reshape(-1, _SIZE))
        except ValueError as error:
            raise damage_error(self.path, str(error)) from error

    def store_window_basis(self, basis: WindowBasis) -> None:
        """Store the basis, and encode the windows that were stored before."""
        with self.transaction():
            self._rows("DELETE FROM window_basis")
            blobs = (np.ascontiguousarray(part, dtype="<f4").tobytes() for part in (basis.mean, basis.axes))
            self._rows("INSERT INTO window_basis VALUES (1, ?, ?)", tuple(blobs))
            for song_id, raw in list(self.iterate_raw_windows()):
                self._store_encoded(song_id, basis.encode(raw))
            self._rows("DELETE FROM raw_windows")

    def store_windows(self, song_id: str, windows: SongWindows | RawWindows) -> None:
        """Store the windows of a song instead of those that it has. Raw windows wait for a basis."""
        with self.transaction():
            self._forget_windows(song_id)
            if isinstance(windows, RawWindows):
                self._rows(
                    "INSERT INTO raw_windows VALUES (?, ?, ?)",
                    (song_id, windows.step_s, windows.frames.astype("<f2").tobytes()),
                )
            else:
                self._store_encoded(song_id, windows)

    def _store_encoded(self, song_id: str, windows: SongWindows) -> None:
        self._rows(
            "INSERT INTO song_windows VALUES (?, ?, ?, ?)",
            (song_id, windows.step_s, windows.scale, windows.codes.tobytes()),
        )

    def _forget_windows(self, song_id: str) -> None:
        for table in ("song_windows", "raw_windows"):
            self._rows(f"DELETE FROM {table} WHERE song_id = ?", (song_id,))

    def windows_of(self, song_id: str) -> SongWindows | None:
        """Return a song's windows; None if the library has none of it, or they are damaged."""
        rows = self._rows("SELECT step_s, scale, codes FROM song_windows WHERE song_id = ?", (song_id,))
        return _decoded(*rows[0]) if rows else None

    def iterate_windows(self) -> Iterator[tuple[str, SongWindows]]:
        """Yield the windows of each song that has some, ordered by song id; damaged ones are left out."""
        for song_id, *row in self._iterate_song_rows(
            "SELECT song_id, step_s, scale, codes FROM song_windows ORDER BY song_id"
        ):
            if (windows := _decoded(*row)) is None:
                self._leave_out(song_id, "its windows are damaged")
            else:
                yield song_id, windows

    def iterate_raw_windows(self) -> Iterator[tuple[str, RawWindows]]:
        """Yield the windows that wait for a basis."""
        for song_id, step_s, blob in self._iterate_song_rows(
            "SELECT song_id, step_s, frames FROM raw_windows ORDER BY song_id"
        ):
            yield song_id, RawWindows(np.frombuffer(blob, dtype="<f2").reshape(-1, _SIZE), step_s)

    def has_windows(self) -> bool:
        """Return whether any song has windows that can be compared."""
        return bool(self._rows("SELECT 1 FROM song_windows LIMIT 1"))

    def windows_stamp(self) -> str:
        """Return a text that changes whenever the stored windows have changed.

        It is made from an index of the ids: the windows are not read. Windows that are stored anew get
        another row number; of the newest ones, the values are compared too.
        """
        songs, numbers, first, last = self._rows(
            """SELECT count(*), total(rowid), coalesce(min(song_id), ''), coalesce(max(song_id), '')
               FROM song_windows"""
        )[0]
        newest = self._rows(
            """SELECT rowid, song_id, step_s, scale, length(codes), hex(substr(codes, 1, 64))
               FROM song_windows ORDER BY rowid DESC LIMIT 1"""
        )
        parts = repr((songs, numbers, first, last, newest)).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(parts, digest_size=16).hexdigest()

    def count_windows(self) -> dict[str, int]:
        """Return `songs` (how many have windows), `windows` and `bytes`, with those that wait for a basis."""
        songs, size = self._rows(
            "SELECT count(*), coalesce(sum(length(codes)), 0) FROM song_windows",
        )[0]
        raw_songs, raw_size = self._rows(
            "SELECT count(*), coalesce(sum(length(frames)), 0) FROM raw_windows",
        )[0]
        windows = size // N_COMPONENTS + raw_size // (2 * _SIZE)
        return {"songs": songs + raw_songs, "windows": windows, "bytes": size + raw_size}


def _decoded(step_s: float, scale: float, codes: bytes) -> SongWindows | None:
    if not codes or len(codes) % N_COMPONENTS or not step_s > 0 or not scale > 0:
        return None
    return SongWindows(np.frombuffer(codes, dtype=np.int8).reshape(-1, N_COMPONENTS), scale, step_s)
