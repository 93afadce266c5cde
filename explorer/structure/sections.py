"""The sections of a song: where its sound changes, and which parts sound alike.

Boundaries are peaks of Foote's novelty: Foote, "Automatic audio segmentation using a measure of audio
novelty", ICME 2000. Sections with similar means get the same letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from explorer.structure.similarity_matrix import unit_rows

MIN_LENGTH_S = 8.0
"""The least length of a section."""

KERNEL_S = 8.0
"""How many seconds before and after a place are compared to find a boundary there."""

MIN_NOVELTY = 0.25
"""A boundary has at least this novelty; 4 is the largest possible value."""

SAME_LABEL_DISTANCE = 0.35
"""Groups of sections are merged while the mean squared distance between their means is below this."""


@dataclass(frozen=True)
class Section:
    """A part of a song.

    Attributes
    ----------
    start_s, end_s : float
    label : str
        "A", "B", …, by first appearance: sections that sound alike have the same label.
    confidence : float
        How clearly the section differs from the sections beside it, from 0, a guess, to 1. If it is the
        only one: how clearly the song is one section.
    """

    start_s: float
    end_s: float
    label: str
    confidence: float


def find_sections(
    components: np.ndarray, *, step_s: float, duration_s: float, min_length_s: float = MIN_LENGTH_S
) -> list[Section]:
    """Cut a song where its sound changes, and give parts that sound alike the same letter.

    Parameters
    ----------
    components : np.ndarray [shape=(n, d)]
        The song's windows. Window i is around `i * step_s`.
    step_s : float
        Seconds from one window to the next.
    duration_s : float
        The length of the song in seconds.
    min_length_s : float
        No section is shorter, unless the song is.

    Returns
    -------
    list of Section
        In order, without gaps, from 0 to `duration_s`; at least one.
    """
    if not len(components):
        return [Section(0.0, float(duration_s), "A", 0.0)]
    directions = unit_rows(components)
    half = max(2, round(KERNEL_S / step_s))
    scores = novelty(directions, half)
    # Boundary t lies between the windows t - 1 and t.
    times_s = (np.arange(len(scores)) - 0.5) * step_s
    cuts = _peaks(scores, times_s, duration_s=duration_s, min_length_s=min_length_s)
    edges = [0, *cuts, len(directions)]
    means = np.array([directions[a:b].mean(axis=0) for a, b in pairwise(edges)])
    labels = _labels(means)
    clearness = [scores[t] / (scores[t] + MIN_NOVELTY) for t in cuts]
    if cuts:
        inner = [clearness[0], *(min(pair) for pair in pairwise(clearness)), clearness[-1]]
    else:
        largest = scores.max(initial=0.0) if duration_s >= 2 * min_length_s and len(directions) > 3 else None
        inner = [0.0 if largest is None else max(0.0, 1 - largest / MIN_NOVELTY)]
    ends_s = [0.0, *(float(times_s[t]) for t in cuts), float(duration_s)]
    return [
        Section(start, end, _letters(label), round(float(confidence), 3))
        for (start, end), label, confidence in zip(pairwise(ends_s), labels, inner, strict=True)
    ]


def novelty(directions: np.ndarray, half: int) -> np.ndarray:
    """Return Foote's novelty at each place between two windows.

    Foote correlates a checkerboard with Gaussian taper along the diagonal of the self-similarity matrix. The
    kernel is the outer product of a vector k with itself (negative before the place, positive after it), and
    the matrix holds the products u_i·u_j of the windows' directions. So the sum of k_i k_j u_i·u_j over the
    kernel is the squared length of the sum of k_i u_i: the matrix itself is not needed.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d)]
        Rows of length 1. Before the first and after the last one, they are continued in reverse order: a
        song's ends are not new.
    half : int
        Half of the kernel's size, in windows.

    Returns
    -------
    np.ndarray [shape=(n,), float64]
        Value t belongs to the place between the windows t - 1 and t; value 0 is 0. Each half of k sums up to
        1: the value is the squared distance of the weighted means before and after the place, at most 4.
    """
    if len(directions) < 2:
        return np.zeros(len(directions))
    kernel = checkerboard(half)
    padded = np.pad(np.asarray(directions, dtype=np.float64), ((half, half), (0, 0)), mode="symmetric")
    sums = np.zeros(directions.shape)
    for offset, weight in enumerate(kernel):
        sums += weight * padded[offset : offset + len(directions)]
    scores = (sums**2).sum(axis=1)
    scores[0] = 0.0
    return scores


def checkerboard(half: int) -> np.ndarray:
    """Return the vector whose outer product with itself is Foote's kernel [shape=(2 * half,)]."""
    places = (np.arange(half) + 0.5) / half
    right = np.exp(-((2 * places) ** 2) / 2)
    right /= right.sum()
    return np.concatenate((-right[::-1], right))


def _peaks(scores: np.ndarray, times_s: np.ndarray, *, duration_s: float, min_length_s: float) -> list[int]:
    """Take the highest places first, each far enough from those taken and from the song's ends."""
    allowed = (times_s >= min_length_s) & (times_s <= duration_s - min_length_s) & (scores >= MIN_NOVELTY)
    cuts: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        if allowed[place]:
            cuts.append(int(place))
            allowed &= np.abs(times_s - times_s[place]) >= min_length_s
    return sorted(cuts)


def _labels(means: np.ndarray) -> list[int]:
    """Number the groups of similar sections, by first appearance (clustering by average linkage)."""
    groups = [[i] for i in range(len(means))]
    distances = ((means[:, None] - means[None]) ** 2).sum(axis=2)
    while len(groups) > 1:
        between = np.array([[distances[np.ix_(a, b)].mean() for b in groups] for a in groups])
        np.fill_diagonal(between, np.inf)
        # Sorted: rounding can make the two values of a pair differ.
        first, second = sorted(divmod(int(between.argmin()), len(groups)))
        if between[first, second] >= SAME_LABEL_DISTANCE:
            break
        groups[first] += groups.pop(second)
    group_of = {section: number for number, group in enumerate(groups) for section in group}
    order = list(dict.fromkeys(group_of[i] for i in range(len(means))))
    return [order.index(group_of[i]) for i in range(len(means))]


def _letters(number: int) -> str:
    """Name a label by its number: A to Z, then AA, AB and so on."""
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters
