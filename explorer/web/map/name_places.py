"""Finds the places on the map where the names of the groups are written."""

from __future__ import annotations

import numpy as np

from explorer.web.map.grouping import Grouping

_MAX_NAMES = 60
_MIN_SONGS_FOR_NAME = 3
_SAMPLE_SIZE = 250
# A group's name is written at up to 5 places. Each place after the first holds at least this share of the
# group's songs.
_MAX_PLACES, _MIN_SHARE = 5, 0.05
_MAX_ARTISTS_NAMED = 12


def bounds(positions: np.ndarray) -> list[float]:
    """Return left, right, bottom and top of the points."""
    return [float(edge) for column in positions.T for edge in (column.min(), column.max())]


def name_places(
    positions: np.ndarray, grouping: Grouping, colours: list[str], *, among: np.ndarray | None = None
) -> list[dict]:
    """Find where to write the names of the largest groups: at the most crowded places of each group.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    grouping : Grouping
    colours : list of str
        By group number.
    among : np.ndarray [shape=(n,), bool], optional
        The songs that count; all if None.

    Returns
    -------
    list of dict
        One for each place of at most 60 groups: "name"; "colour"; "x", "top" and "bottom" of the songs in a
        crowded circle; and "rank", 0 for the group's most crowded circle, then 1, and so on. Sorted by rank,
        then by the groups' sizes. Empty if the groups are more than 12 artists, because an artist's songs are
        spread over the whole map.
    """
    counts = grouping.counts_among(among)
    has_few_groups = np.count_nonzero(counts) <= _MAX_ARTISTS_NAMED
    if grouping.title == "Artists" and not has_few_groups:
        return []
    named = np.argsort(-counts, kind="stable")[:_MAX_NAMES]
    named = named[counts[named] >= (1 if has_few_groups else _MIN_SONGS_FOR_NAME)]
    left, right, bottom, top = bounds(positions)
    radius = float(np.hypot(right - left, top - bottom)) / 16
    names = []
    for group, songs in zip(named.tolist(), _songs_of(named, grouping, counts, among), strict=True):
        sample = songs[:: -(-len(songs) // _SAMPLE_SIZE)]
        name = {"name": grouping.names[group], "colour": colours[group]}
        circles = _crowded_circles(positions[sample].astype(np.float64), radius)
        names += [{**name, "rank": rank, **circle} for rank, circle in enumerate(circles)]
    return sorted(names, key=lambda name: name["rank"])


def _songs_of(
    groups: np.ndarray, grouping: Grouping, counts: np.ndarray, among: np.ndarray | None
) -> list[np.ndarray]:
    """Return the numbers of the songs in each of a few groups, without those that do not count."""
    # NumPy sorts one-byte numbers in linear time.
    ranks = np.full(len(grouping.names), len(groups), dtype=np.uint8)
    ranks[groups] = np.arange(len(groups))
    rank_of_song = ranks[grouping.members]
    if among is not None:
        rank_of_song[~among] = len(groups)
    order = np.argsort(rank_of_song, kind="stable")
    return np.split(order, np.cumsum(counts[groups]))[:-1]


def _crowded_circles(sample: np.ndarray, radius: float) -> list[dict]:
    """Return "x", "top" and "bottom" of the songs in the most crowded circles; no two circles overlap."""
    distances = np.hypot(*(sample[:, None] - sample).transpose(2, 0, 1))
    is_remaining = np.ones(len(sample), dtype=bool)
    circles = []
    while len(circles) < _MAX_PLACES:
        counts = (distances[:, is_remaining] <= radius).sum(axis=1) * is_remaining
        centre = counts.argmax()
        if circles and counts[centre] < max(_MIN_SONGS_FOR_NAME, _MIN_SHARE * len(sample)):
            break
        inside = sample[is_remaining & (distances[centre] <= radius)]
        x, heights = inside.T
        circles.append({"x": float(x.mean()), "top": float(heights.max()), "bottom": float(heights.min())})
        is_remaining &= distances[centre] > 2 * radius
        if not is_remaining.any():
            break
    return circles
