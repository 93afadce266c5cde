"""Windows of songs for tests: each song is of one of three groups, and some moments are shared."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from explorer.database.database import Database
from explorer.embedding.song_windows import N_COMPONENTS, SongWindows, fit_basis

STEP_S = 0.5
WINDOWS = 60
SHARED = 12
"""How many windows a shared passage has: it is 6 s long."""


def song_windows(seed: int, *, shared_at: int | None = None, count: int = WINDOWS) -> SongWindows:
    """Return random windows of a song; a passage that songs share begins at window `shared_at`."""
    rng = np.random.default_rng(seed)
    components = np.cumsum(rng.normal(size=(count, N_COMPONENTS)), axis=0) * 0.3 + rng.normal(
        size=N_COMPONENTS
    )
    if shared_at is not None:
        components[shared_at : shared_at + SHARED] = 3 * np.random.default_rng(99).normal(
            size=(SHARED, N_COMPONENTS)
        )
    scale = float(np.abs(components).max()) / 127
    return SongWindows(np.rint(components / scale).astype(np.int8), scale, STEP_S)


def store_windows(path: Path, windows: dict[str, SongWindows]) -> None:
    """Store a basis, unless the library has one, and the windows of songs."""
    with Database.open(path) as database:
        if database.window_basis() is None:
            database.store_window_basis(fit_basis(np.random.default_rng(0).normal(size=(200, 512))))
        for song_id, song in windows.items():
            database.store_windows(song_id, song)
