"""The rows of the legend: which groups it names, with their colours and sizes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from explorer.web.map.grouping import NO_ARTIST, NO_GENRE, Grouping
from explorer.web.map.palette import GREYS, PALETTES


def legend_entries(
    grouping: Grouping,
    *,
    theme: str,
    colours: list[str] | None = None,
    hidden: np.ndarray | None = None,
    count_songs: Callable[[str], int] | None = None,
    n_groups: int | None = None,
) -> list[dict]:
    """Return the legend's rows: each group that has a colour, the largest first, then all others as one row.

    Parameters
    ----------
    colours : list of str, optional
        By group number, as in the original view, where every group has a colour. Else the palette's.
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that do not count and represent no group. A group whose songs are all hidden has no row.
    count_songs : callable, optional
        Returns how many songs a filter by a group's name shows, if that can be more than the group has: a
        song with two genres has the colour of the first.
    n_groups : int, optional
        How many groups there are in all, without the one of songs without a genre. It can be more than
        `grouping` has: a genre can be the second one of each of its songs.

    Returns
    -------
    list of dict
        "colour", "name", "count"; "is_group", False for the row of all others; and "representative", the
        number of the song that represents the group, or None.
    """
    palette = PALETTES[theme] if colours is None else colours
    slots = grouping.slots if colours is None else np.arange(len(grouping.names))
    is_visible = None if hidden is None else ~hidden
    counts = grouping.counts_among(is_visible)
    is_listed = np.ones(len(counts), dtype=bool) if is_visible is None else counts > 0
    has_colour = slots < len(palette)
    coloured = np.flatnonzero(has_colour & is_listed)
    coloured = coloured[np.argsort(-grouping.counts[coloured], kind="stable")]
    entries = [
        {
            "is_group": True,
            "colour": palette[slots[group]],
            "name": grouping.names[group],
            "count": int(counts[group]) if count_songs is None else count_songs(grouping.names[group]),
            "representative": _representative(grouping, group, is_visible),
        }
        for group in coloured.tolist()
    ]
    rest = counts[~has_colour & is_listed]
    n_named = sum(entry["name"] not in (NO_GENRE, NO_ARTIST) for entry in entries)
    n_more = len(rest) if n_groups is None else n_groups - n_named
    if n_more > 0 and (len(rest) or n_groups is not None):
        name = f"{n_more:,} more {grouping.noun if n_more == 1 else grouping.noun + 's'}"
        row = {"is_group": False, "colour": GREYS[theme], "name": name}
        entries.append({**row, "count": int(rest.sum()), "representative": None})
    return entries


def _representative(grouping: Grouping, group: int, is_visible: np.ndarray | None) -> int | None:
    if not grouping.representatives or grouping.representatives[group] < 0:
        return None
    representative = grouping.representatives[group]
    return representative if is_visible is None or is_visible[representative] else None
