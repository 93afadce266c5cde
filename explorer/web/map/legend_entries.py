"""The rows of the legend: which groups it names, with their colours and sizes."""

from __future__ import annotations

import numpy as np

from explorer.web.map.grouping import Grouping
from explorer.web.map.palette import GREYS, PALETTES


def legend_entries(
    grouping: Grouping,
    *,
    theme: str,
    colours: list[str] | None = None,
    hidden: np.ndarray | None = None,
) -> list[dict]:
    """Return the legend's rows: each group that has a colour, the largest first, then all others as one row.

    Parameters
    ----------
    colours : list of str, optional
        By group number, as in the original view, where every group has a colour. Else the palette's.
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that do not count and represent no group. A group whose songs are all hidden has no row.

    Returns
    -------
    list of dict
        "group", its number, or None for all others; "colour", "name", "count"; and "representative", the
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
            "group": group,
            "colour": palette[slots[group]],
            "name": grouping.names[group],
            "count": int(counts[group]),
            "representative": _representative(grouping, group, is_visible),
        }
        for group in coloured.tolist()
    ]
    rest = counts[~has_colour & is_listed]
    if len(rest):
        row = {"group": None, "colour": GREYS[theme], "name": f"{len(rest):,} smaller groups"}
        entries.append({**row, "count": int(rest.sum()), "representative": None})
    return entries


def _representative(grouping: Grouping, group: int, is_visible: np.ndarray | None) -> int | None:
    if not grouping.representatives or grouping.representatives[group] < 0:
        return None
    representative = grouping.representatives[group]
    return representative if is_visible is None or is_visible[representative] else None
