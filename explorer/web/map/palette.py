"""The colours of groups, and which group has which."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Found by simulated annealing over some thousand OKLCh colours. What it raised were the least distances, in
# OKLab, between the first 2, 3, ... 20 of them, 5, 8, 12 and 20 counting most: as eyes see them that have all
# cones, and that lack one of the three (Machado, Oliveira & Fernandes, 2009, severity 1). What it held to:
# a contrast of 3:1 with the ground; more chroma than the grey has, and a distance from it; little of neon
# and mud; and a blue to begin with. The first are told apart best; twenty are crowded for any eyes that lack
# a cone, so that names and hovering must say the same.
PALETTES = {
    "dark": [
        "#49b7fc", "#b93b0a", "#fada37", "#7d4dbe", "#fd7394", "#81f9ed", "#be9708", "#067f5c", "#c44f98",
        "#8e83f9", "#2489c3", "#90cc6d", "#fdafc7", "#b8d0fb", "#ad9eca", "#798f5a", "#ffa83c", "#cfd4a3",
        "#d26b18", "#73afa3",
    ],
    "light": [
        "#126ac8", "#988f01", "#0e530c", "#790575", "#e3578c", "#ae3283", "#887bf8", "#5e7003", "#1a976e",
        "#ca3d2d", "#6146a8", "#c365d0", "#99170c", "#1c6678", "#6c3b51", "#8c6aab", "#925a57", "#2430a1",
        "#c07654", "#3c91d8",
    ],
}  # fmt: skip
# What the smaller groups share steps back: hardly a hue, and little more than the contrast it needs.
GREYS = {"dark": "#5e6677", "light": "#868c98"}
GROUNDS = {"dark": "#0c0e13", "light": "#f6f5f1"}
# What a filter leaves out stays, so that the map keeps its shape, but recedes. It is half transparent, so
# that it hides no lit point that it covers. One alone has a contrast of 1.3:1 with the ground; many on one
# another come to little more than 2:1 and never to the grey's 3:1. None has a group's hue.
UNLIT = {"dark": "rgba(74, 80, 93, 0.5)", "light": "rgba(169, 173, 179, 0.5)"}
# Songs that are hidden keep their numbers, so they are drawn without any colour.
HIDDEN = "rgba(0, 0, 0, 0)"
# The cells of the original view, in pairs of one hue as in the "Paired" scheme that the experiment drew them
# in: the dimmer, then the brighter. In OKLCh, hues 30 degrees apart, those that follow each other far apart.
# Black points have at least 4.5:1 on each (luminances from 0.2), and are on top of it; white crosses have
# 2.4:1 in the dark (luminances to 0.37) and their rim in the light, where cells reach 0.62.
CELLS = {
    "dark": [
        "#4f7eb9", "#80a7d9", "#5d8745", "#8bae78", "#b26947", "#d4957a", "#976baa", "#bb97cc", "#0c8a8a",
        "#59b2b1", "#a1732a", "#c49d67", "#ac658e", "#ce92b4", "#298b68", "#6bb293", "#b5646b", "#d79196",
        "#7874ba", "#a09ed9", "#847e29", "#aba666", "#1486a8", "#63adca",
    ],
    "light": [
        "#72a5e5", "#afd1fe", "#81ae67", "#b6d9a4", "#de8e6a", "#fec1a6", "#c090d5", "#e5c2f6", "#2cb3b3",
        "#8bdcdc", "#cb994e", "#efc995", "#d88ab6", "#f9bdde", "#51b38d", "#99ddbf", "#e28990", "#febfc2",
        "#9d9ae6", "#cacaff", "#aba54d", "#d5d194", "#43aed3", "#92d8f4",
    ],
}  # fmt: skip
MAX_COLOURS = len(PALETTES["dark"])


def colour_slots(counts: ArrayLike) -> np.ndarray:
    """Give the groups their places in the palette.

    Up to 20 groups have the colour of their number. Of more, the 20 largest have a colour each: that of
    their number where there is one, so that it stays theirs when other groups grow, and else one that a
    smaller group leaves.

    Parameters
    ----------
    counts : array_like [shape=(k,), int]
        The sizes of the groups, by number.

    Returns
    -------
    np.ndarray [shape=(k,), int64]
        Places in the palette; MAX_COLOURS for each group that shares grey. Of equally large groups, those
        with the lower numbers have colours.
    """
    counts = np.asarray(counts, dtype=np.int64)
    numbers = np.arange(len(counts))
    largest = np.sort(np.argsort(-counts, kind="stable")[:MAX_COLOURS])
    at_home, others = largest[largest < MAX_COLOURS], largest[largest >= MAX_COLOURS]
    slots = np.full(len(counts), MAX_COLOURS)
    slots[at_home] = at_home
    slots[others] = np.setdiff1d(numbers[:MAX_COLOURS], at_home)
    return slots


def cell_slots(count: int, borders: ArrayLike) -> np.ndarray:
    """Give the cells of a diagram their places in `CELLS`, so that no two beside each other look the same.

    Up to 24 cells have the colour of their number. Of more, each has one of those that are used least so
    far and that no cell beside it has. There always is one: of any part of a map in the plane, some cell
    has at most five others beside it, and it is coloured after them.

    Parameters
    ----------
    count : int
    borders : array_like [shape=(b, 2), int]
        The pairs of cells beside each other.

    Returns
    -------
    np.ndarray [shape=(count,), int64]
    """
    n_colours = len(CELLS["dark"])
    if count <= n_colours:
        return np.arange(count)
    beside: list[set[int]] = [set() for _ in range(count)]
    for one, other in np.asarray(borders, dtype=np.int64).reshape(-1, 2).tolist():
        beside[one].add(other)
        beside[other].add(one)
    left, last_first = set(range(count)), []
    while left:
        cell = min(left, key=lambda cell: (len(beside[cell] & left), -cell))
        left.remove(cell)
        last_first.append(cell)
    slots, used = np.full(count, -1), np.zeros(n_colours, dtype=np.int64)
    for cell in reversed(last_first):
        taken = {int(slots[other]) for other in beside[cell]}
        free = [colour for colour in range(n_colours) if colour not in taken]
        slots[cell] = min(free or range(n_colours), key=lambda colour: used[colour])
        used[slots[cell]] += 1
    return slots
