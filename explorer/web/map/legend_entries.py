"""The rows of the legend: which groups it names, with their colours and sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.web.map.grouping import NO_ARTIST, NO_GENRE, Grouping
from explorer.web.map.palette import GREYS, PALETTES


@dataclass(frozen=True)
class Tags:
    """What the legend says of genres or artists.

    A song can have several of them: it has the colour of the first.

    Attributes
    ----------
    names : sequence of str
        All that songs on the map have, also those that are the first of no song.
    n_names : int
        How many the page says there are.
    count_songs : callable
        Returns how many songs a filter by these names shows.
    """

    names: Sequence[str]
    n_names: int
    count_songs: Callable[[Sequence[str]], int]


def legend_entries(
    grouping: Grouping,
    *,
    theme: str,
    colours: list[str] | None = None,
    hidden: np.ndarray | None = None,
    tags: Tags | None = None,
) -> list[dict]:
    """Return the legend's rows: each group that has a colour, the largest first, then all others as one row.

    Parameters
    ----------
    colours : list of str, optional
        By group number, as in the original view, where every group has a colour. Else the palette's.
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that do not count and represent no group. A group whose songs are all hidden has no row.
    tags : Tags, optional
        If the groups come from tags: then a row counts the songs that a filter by its name shows.

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
            "count": int(counts[group]) if tags is None else tags.count_songs([grouping.names[group]]),
            "representative": _representative(grouping, group, is_visible),
        }
        for group in coloured.tolist()
    ]
    rest = counts[~has_colour & is_listed]
    n_more, n_songs = len(rest), int(rest.sum())
    if tags is not None:
        entries.sort(key=lambda entry: -entry["count"])
        n_more, n_songs = _other_tags(tags, {entry["name"] for entry in entries} - {NO_GENRE, NO_ARTIST})
    if n_more > 0:
        name = f"{n_more:,} more {grouping.noun if n_more == 1 else grouping.noun + 's'}"
        row = {"is_group": False, "colour": GREYS[theme], "name": name}
        entries.append({**row, "count": n_songs, "representative": None})
    return entries


def _other_tags(tags: Tags, listed: set[str]) -> tuple[int, int]:
    """Return how many tags have no row, and how many songs have one of them."""
    keys = {name.casefold() for name in listed}
    others = [name for name in tags.names if name.casefold() not in keys]
    return tags.n_names - len(listed), tags.count_songs(others)


def _representative(grouping: Grouping, group: int, is_visible: np.ndarray | None) -> int | None:
    if not grouping.representatives or grouping.representatives[group] < 0:
        return None
    representative = grouping.representatives[group]
    return representative if is_visible is None or is_visible[representative] else None
