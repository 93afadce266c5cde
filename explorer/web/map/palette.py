"""The map's colours, and which group gets which colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

# Found by simulated annealing over some thousand OKLCh colours. It maximised the minimum OKLab distance among
# the first 2, 3, ... 20 colours (5, 8, 12 and 20 had the largest weights), for normal vision and for the
# three kinds of colour blindness (Machado, Oliveira & Fernandes, 2009, severity 1). Its constraints: a
# contrast of at least 3:1 with the background; more chroma than the grey, and a minimum distance from it; few
# neon colours and few muddy colours; the first colour is a blue. The first colours differ most from each
# other. Colour-blind users cannot tell twenty colours apart, so the page also shows a group's name on the map
# and on hover.
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
# All smaller groups share this colour. It is unobtrusive: almost no hue, and hardly more contrast than 3:1.
GREYS = {"dark": "#5e6677", "light": "#868c98"}
# The page's background: `--ground` in the style sheet.
GROUNDS = {"dark": "#0c0e13", "light": "#f6f5f1"}
# Songs that are filtered out are faint, but visible, so that the map keeps its shape. They are half
# transparent, so that they hide no matching point below them. A single point has a contrast of 1.3:1 with the
# background; many points on top of each other have little more than 2:1, always less than the grey's 3:1. No
# group has their hue.
FILTERED_OUT = {"dark": "rgba(74, 80, 93, 0.5)", "light": "rgba(169, 173, 179, 0.5)"}
# The cells of the original view: pairs of one hue, first the darker, then the brighter colour, as in the
# "Paired" scheme of the experiment. The 12 hues are 30 degrees apart in OKLCh. They are ordered so that
# consecutive pairs have very different hues. Black points have a contrast of at least 4.5:1 with each cell
# (luminances from 0.2). White crosses have 2.4:1 in the dark theme (luminances up to 0.37); in the light
# theme, where cells reach 0.62, their black rim makes them visible.
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
    """Choose an index in the palette for each group.

    If there are at most 20 groups, group i gets colour i. If there are more, only the 20 largest get a
    colour. Those with numbers below 20 get the colour with their number, so that it stays the same when other
    groups grow. The others get the remaining colours.

    Parameters
    ----------
    counts : array_like [shape=(k,), int]
        The sizes of the groups, by number.

    Returns
    -------
    np.ndarray [shape=(k,), int64]
        Indices in the palette; MAX_COLOURS for each group that shares grey. Of equally large groups, those
        with lower numbers get the colours.
    """
    counts = np.asarray(counts, dtype=np.int64)
    numbers = np.arange(len(counts))
    largest = np.sort(np.argsort(-counts, kind="stable")[:MAX_COLOURS])
    own_colour, others = largest[largest < MAX_COLOURS], largest[largest >= MAX_COLOURS]
    slots = np.full(len(counts), MAX_COLOURS)
    slots[own_colour] = own_colour
    slots[others] = np.setdiff1d(numbers[:MAX_COLOURS], own_colour)
    return slots


def cell_slots(count: int, borders: ArrayLike) -> np.ndarray:
    """Choose an index in `CELLS` for each cell of a diagram, so that adjacent cells have different colours.

    If there are at most 24 cells, cell i gets colour i. If there are more, each gets the least used colour
    that no adjacent cell has. Such a colour always exists: in every planar graph some cell has at most five
    adjacent cells. Remove that cell, repeat with the rest, and colour the cells in the reverse order: when a
    cell gets its colour, at most five adjacent cells have one.

    Parameters
    ----------
    count : int
    borders : array_like [shape=(b, 2), int]
        The pairs of adjacent cells.

    Returns
    -------
    np.ndarray [shape=(count,), int64]
    """
    n_colours = len(CELLS["dark"])
    if count <= n_colours:
        return np.arange(count)
    adjacent: list[set[int]] = [set() for _ in range(count)]
    for cell, other in np.asarray(borders, dtype=np.int64).reshape(-1, 2).tolist():
        adjacent[cell].add(other)
        adjacent[other].add(cell)
    left, removed = set(range(count)), []
    while left:
        cell = min(left, key=lambda cell: (len(adjacent[cell] & left), -cell))
        left.remove(cell)
        removed.append(cell)
    slots, n_uses = np.full(count, -1), np.zeros(n_colours, dtype=np.int64)
    for cell in reversed(removed):
        taken = {int(slots[other]) for other in adjacent[cell]}
        free = [colour for colour in range(n_colours) if colour not in taken]
        slots[cell] = min(free or range(n_colours), key=lambda colour: n_uses[colour])
        n_uses[slots[cell]] += 1
    return slots
