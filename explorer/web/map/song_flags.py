"""The flags of each song on the map: one byte, the same bits as in assets/map/flags.js."""

from __future__ import annotations

import numpy as np

LIT = 1
"""The song matches the filter."""

HIDDEN = 2
"""The user has hidden the song, as a duplicate or because its file is missing: it is not drawn."""

MISSING = 4
"""The song's file is missing."""

FADED = 8
"""Few of the songs that sound most like it are near it on the map: its point fades."""

VERY_FADED = 16
"""Hardly any of them are: its point fades more. Such a song is not also FADED."""

_MIN_SHARE, _MIN_SHARE_OF_FADED = 0.5, 0.2
"""A point keeps its full colour if at least half of the ten songs that sound most like it are near it."""


def song_flags(
    n_songs: int,
    *,
    matching: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
    missing: np.ndarray | None = None,
    near: np.ndarray | None = None,
) -> np.ndarray:
    """Return the flags of all songs.

    Parameters
    ----------
    n_songs : int
    matching, hidden, missing : np.ndarray [shape=(n,), bool], optional
        The songs that match the filter (None for all), are hidden, or have no file.
    near : np.ndarray [shape=(n,), int], optional
        How many of the ten songs that sound most like a song are near it on the map, -1 if unknown. Without
        it, no song fades.

    Returns
    -------
    np.ndarray [shape=(n,), uint8]
    """
    flags = np.full(n_songs, LIT, dtype=np.uint8) if matching is None else matching * np.uint8(LIT)
    for flag, mask in ((HIDDEN, hidden), (MISSING, missing)):
        if mask is not None:
            flags |= mask * np.uint8(flag)
    return flags if near is None else flags | fading(near, neighbours=n_songs - 1)


def fading(near: np.ndarray, *, neighbours: int) -> np.ndarray:
    """Return FADED, VERY_FADED or 0 for each song [shape=(n,), uint8]; `neighbours` is how many it has."""
    share = near / max(min(10, neighbours), 1)
    flags = np.where(share < _MIN_SHARE_OF_FADED, np.uint8(VERY_FADED), np.uint8(FADED))
    flags[(share < 0) | (share >= _MIN_SHARE)] = 0
    return flags


def visible(matching: np.ndarray | None, hidden: np.ndarray | None) -> np.ndarray | None:
    """Return the songs that match and are not hidden [shape=(n,), bool]; None if these are all songs."""
    if hidden is None:
        return matching
    return ~hidden if matching is None else matching & ~hidden
