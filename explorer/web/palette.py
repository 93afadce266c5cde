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
