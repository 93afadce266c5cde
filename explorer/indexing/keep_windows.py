"""Stores the windows of songs, and fits the basis in which they are encoded."""

from __future__ import annotations

from explorer.database.database import Database
from explorer.embedding.song_windows import BASIS_SONGS, RawWindows, SongWindows, WindowCoder, fit_basis

FITTED_WINDOWS = 16_384
"""The basis is fitted on at most this many windows: they take 67 MB, twice."""

FIRST_SONGS = 8
"""The first basis of a run is fitted on this many songs, and the next ones each on twice as many, so that
the page can show the inside of songs soon after a run has begun."""


class WindowKeeper:
    """Stores the windows of songs: raw ones until the library has a final basis, then encoded ones.

    As soon as there is a basis of fewer songs, raw windows are also stored encoded in it. What is stored is
    complete at any moment: if the program is killed before the basis is fitted, the raw windows are still
    there, and the next run goes on with them.

    Attributes
    ----------
    coder : WindowCoder
        Encodes the windows where songs are embedded, as soon as the basis is final.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.coder = WindowCoder(database.final_window_basis())
        self._raw_songs = database.count_raw_windows()
        self._basis = None if self.coder.basis else database.window_basis()
        self._basis_songs = (database.window_basis_songs() or 0) if self._basis else 0
        self._has_fitted = False

    def store(self, song_id: str, windows: SongWindows | RawWindows) -> None:
        """Store the windows of a song instead of those that it has."""
        if isinstance(windows, RawWindows):
            windows = self.coder.code(windows)
        self._database.store_windows(song_id, windows, basis=self._basis)
        self._raw_songs += isinstance(windows, RawWindows)

    def fit_if_enough(self) -> None:
        """Fit a basis if the windows of enough songs are there, and encode them."""
        needed = min(max(FIRST_SONGS, 2 * self._basis_songs), BASIS_SONGS)
        if self.coder.basis is None and self._raw_songs >= needed:
            self._raw_songs = self._database.count_raw_windows()
            if self._raw_songs >= needed:
                self._fit()

    def finish(self) -> None:
        """Encode all windows. Of too few songs for a final basis, fit one that a later run replaces."""
        if not (songs := self._database.count_raw_windows()):
            return
        if self.coder.basis is not None:
            self._database.encode_raw_windows(self.coder.basis)
        # A copy of a song that was replaced in this run can have windows that were encoded in an older basis.
        elif (
            self._has_fitted
            or songs != self._database.window_basis_songs()
            or self._database.has_unencoded_windows()
        ):
            self._fit()

    def _fit(self) -> None:
        self._basis_songs, frames = self._database.sample_raw_windows(FITTED_WINDOWS)
        if len(frames):
            basis = fit_basis(frames)
            self._database.store_window_basis(basis, songs=self._basis_songs)
            self.coder.basis = self._database.final_window_basis()
            self._basis = None if self.coder.basis else basis
            self._has_fitted = True
