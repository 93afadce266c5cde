"""Queries about the windows of songs: their stored form, and the basis that they share."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from explorer.database.sqlite_errors import damage_error
from explorer.database.state import StateTables
from explorer.embedding.song_windows import N_COMPONENTS, RawWindows, SongWindows, WindowBasis, check_basis

_SIZE = 512
_RAW_BYTES = 2 * _SIZE
_DAMAGED = "its windows are damaged"
_LARGEST_SCALE = 1e4
"""OpenL3's values are at most some hundreds, so a larger scale is damage."""


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
            raise damage_error(self.path, f"the basis of the windows cannot be used: {error}") from error

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
        sql = "SELECT song_id, step_s, scale, codes FROM song_windows WHERE song_id = ?"
        rows = self._song_rows(sql, (song_id,))
        return self._decoded(*rows[0]) if rows else None

    def songs_with_windows(self) -> list[str]:
        """Return the ids of the songs that have windows in their stored form, in order."""
        return [
            song_id for (song_id,) in self._song_rows("SELECT song_id FROM song_windows ORDER BY song_id")
        ]

    def iterate_windows(self) -> Iterator[tuple[str, SongWindows]]:
        """Yield the windows of each song that has some, ordered by song id; damaged ones are left out."""
        for song_id, *row in self._iterate_song_rows(
            "SELECT song_id, step_s, scale, codes FROM song_windows ORDER BY song_id"
        ):
            if (windows := self._decoded(song_id, *row)) is not None:
                yield song_id, windows

    def iterate_raw_windows(self) -> Iterator[tuple[str, RawWindows]]:
        """Yield the windows that wait for a basis."""
        for song_id, step_s, blob in self._iterate_song_rows(
            "SELECT song_id, step_s, frames FROM raw_windows ORDER BY song_id"
        ):
            if _are_sound(step_s, len(blob), of=_RAW_BYTES):
                yield song_id, RawWindows(np.frombuffer(blob, dtype="<f2").reshape(-1, _SIZE), step_s)
            else:
                self._leave_out(song_id, _DAMAGED)

    def find_damaged_windows(self) -> None:
        """Record each song whose windows are damaged in `left_out`, without reading the windows."""
        for sql, of in (
            ("step_s, scale, typeof(codes), length(codes) FROM song_windows", N_COMPONENTS),
            ("step_s, 1.0, typeof(frames), length(frames) FROM raw_windows", _RAW_BYTES),
        ):
            for song_id, step_s, scale, kind, size in self._iterate_song_rows(f"SELECT song_id, {sql}"):
                if kind != "blob" or not _are_sound(step_s, size, of=of, scale=scale):
                    self._leave_out(song_id, _DAMAGED)

    def count_windows(self) -> dict[str, int]:
        """Return `songs` (how many have windows), `windows` and `bytes`, with those that wait for a basis."""
        songs, size = self._rows(
            "SELECT count(*), coalesce(sum(length(codes)), 0) FROM song_windows",
        )[0]
        raw_songs, raw_size = self._rows(
            "SELECT count(*), coalesce(sum(length(frames)), 0) FROM raw_windows",
        )[0]
        windows = size // N_COMPONENTS + raw_size // _RAW_BYTES
        return {"songs": songs + raw_songs, "windows": windows, "bytes": size + raw_size}

    def _decoded(self, song_id: str, step_s: float, scale: float, codes: bytes) -> SongWindows | None:
        if not _are_sound(step_s, len(codes), of=N_COMPONENTS, scale=scale):
            self._leave_out(song_id, _DAMAGED)
            return None
        return SongWindows(np.frombuffer(codes, dtype=np.int8).reshape(-1, N_COMPONENTS), scale, step_s)


def _are_sound(step_s: float, size: int, *, of: int, scale: float = 1.0) -> bool:
    """Tell whether stored windows are sound, which take `size` bytes, `of` bytes each."""
    return size > 0 and size % of == 0 and step_s > 0 and 0 < scale < _LARGEST_SCALE
