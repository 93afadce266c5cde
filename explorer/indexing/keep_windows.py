"""Stores the windows of songs, and fits the basis in which they are encoded."""

from __future__ import annotations

from explorer.database.database import Database
from explorer.embedding.song_windows import BASIS_SONGS, RawWindows, SongWindows, WindowCoder, fit_basis

FITTED_WINDOWS = 16_384
"""The basis is fitted on at most this many windows: they take 67 MB, twice."""


class WindowKeeper:
    """Stores the windows of songs: raw ones until the library has a final basis, then encoded ones.

    What is stored is complete at any moment: if the program is killed before the basis is fitted, the raw
    windows are still there, and the next run goes on with them.

    Attributes
    ----------
    coder : WindowCoder
        Encodes the windows where songs are embedded, as soon as the basis is final.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.coder = WindowCoder(database.final_window_basis())
        self._raw_songs = database.count_raw_windows()

    def store(self, song_id: str, windows: SongWindows | RawWindows) -> None:
        """Store the windows of a song instead of those that it has."""
        if isinstance(windows, RawWindows):
            windows = self.coder.code(windows)
        self._database.store_windows(song_id, windows)
        self._raw_songs += isinstance(windows, RawWindows)

    def fit_if_enough(self) -> None:
        """Fit the final basis if the windows of enough songs are there, and encode them."""
        if self.coder.basis is None and self._raw_songs >= BASIS_SONGS:
            self._raw_songs = self._database.count_raw_windows()
            if self._raw_songs >= BASIS_SONGS:
                self._fit()

    def finish(self) -> None:
        """Encode all windows. Of too few songs for a final basis, fit one that a later run replaces."""
        if not (songs := self._database.count_raw_windows()):
            return
        if self.coder.basis is not None:
            self._database.encode_raw_windows(self.coder.basis)
        elif songs != self._database.window_basis_songs() or self._database.has_unencoded_windows():
            self._fit()

    def _fit(self) -> None:
        songs, frames = self._database.sample_raw_windows(FITTED_WINDOWS)
        if len(frames):
            self._database.store_window_basis(fit_basis(frames), songs=songs)
            self.coder.basis = self._database.final_window_basis()
