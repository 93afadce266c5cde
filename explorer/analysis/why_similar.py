"""Finds the two moments of two songs that sound most alike, as far as the library knows their windows."""

from __future__ import annotations

import numpy as np

from explorer.database.database import Database
from explorer.embedding.song_windows import SongWindows
from explorer.structure.moments import Match, audible_moments, best_match, count_moments, silent_moments


def match_songs(library: Database, song_a: str, song_b: str) -> Match | None:
    """Return the best match of two songs of a library; None if one of them has no windows."""
    a, b = library.windows_of(song_a), library.windows_of(song_b)
    if a is None or b is None:
        return None
    return match_windows(
        a, b, a_counts=audible_in(library, song_a, a), b_counts=audible_in(library, song_b, b)
    )


def match_windows(
    a: SongWindows, b: SongWindows, *, a_counts: np.ndarray | None = None, b_counts: np.ndarray | None = None
) -> Match | None:
    """Return the best match of two songs, given their windows and which of their moments count."""
    return best_match(
        a.components, b.components, a_step_s=a.step_s, b_step_s=b.step_s, a_counts=a_counts, b_counts=b_counts
    )


def audible_in(library: Database, song_id: str, windows: SongWindows) -> np.ndarray | None:
    """Return which moments of a song are not silent [shape=(m,), bool]; None if its loudness is unknown.

    Most songs begin and end with silence, so the silence of two songs is always alike.
    """
    loudness = _loudness_of(library, song_id)
    if loudness is None:
        return None
    count = count_moments(len(windows), step_s=windows.step_s)
    return audible_moments(loudness, count=count, step_s=windows.step_s)


def silent_in(library: Database, song_id: str, windows: SongWindows) -> np.ndarray:
    """Return which moments of a song are silence to a listener [shape=(m,), bool]; none if it is unknown."""
    loudness, count = _loudness_of(library, song_id), count_moments(len(windows), step_s=windows.step_s)
    if loudness is None:
        return np.zeros(count, dtype=bool)
    return silent_moments(loudness, count=count, step_s=windows.step_s)


def _loudness_of(library: Database, song_id: str) -> np.ndarray | None:
    features = library.features_of(song_id)
    return features.loudness_curve if features is not None and len(features.loudness_curve) else None
