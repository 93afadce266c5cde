"""Windows and features of songs with a known structure, for tests."""

import numpy as np

from explorer.database.database import Database
from explorer.embedding.song_windows import N_COMPONENTS, SongWindows
from explorer.structure.song_features import SongFeatures

STEP_S = 0.5


def windows_of_structure(structure: str, *, seconds: float, seed: int = 0) -> SongWindows:
    """Return the windows of a song whose equal parts sound as the letters say, such as "ABA"."""
    rng = np.random.default_rng(seed)
    directions = {letter: rng.normal(size=N_COMPONENTS) * 40 for letter in sorted(set(structure))}
    count = int(seconds / STEP_S) + 1
    parts = np.minimum(np.arange(count) * len(structure) // count, len(structure) - 1)
    values = np.array([directions[structure[part]] for part in parts])
    codes = np.clip(np.rint(values + rng.normal(size=values.shape) * 4), -127, 127)
    return SongWindows(codes.astype(np.int8), 0.1, STEP_S)


def features_of_structure(structure: str, *, seconds: float) -> SongFeatures:
    """Return features whose curves change with the letters."""
    count = int(seconds)
    parts = np.minimum(np.arange(count) * len(structure) // max(count, 1), len(structure) - 1)
    steps = np.array([sorted(set(structure)).index(structure[part]) for part in parts], dtype=np.float32)
    return SongFeatures(
        *(120.4, 0.9, "A minor", 0.1, 0.62, -13.6, 2140.0),
        beats_s=np.arange(0, seconds, 0.5, dtype=np.float32),
        loudness_curve=-20 + 6 * steps,
        brightness_curve=1500 + 900 * steps,
    )


def store_inside(database: Database, song_id: str, structure: str = "ABA", *, seconds: float) -> None:
    """Store windows and features of a song."""
    database.store_windows(song_id, windows_of_structure(structure, seconds=seconds))
    database.store_features(song_id, features_of_structure(structure, seconds=seconds))
