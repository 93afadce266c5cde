"""The sections of a song: where its sound changes, and which parts sound alike.

Boundaries are peaks of Foote's novelty: Foote, "Automatic audio segmentation using a measure of audio
novelty", ICME 2000. Sections with similar means get the same letter. benchmarks/structure.py measures both.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from explorer.structure.similarity_matrix import unit_rows

MIN_LENGTH_S = 8.0
"""The least length of a section: four bars at 120 beats per minute."""

MAX_SECTIONS = 60
"""A long song has longer sections, so that it has no more than this: more could not be told apart."""

KERNEL_S = 12.0
"""How many seconds before and after a place are compared."""

MIN_KERNEL_WINDOWS = 3
"""How many windows before and after a place are compared at least, however far apart they are."""

MIN_CONTRAST = 0.5
"""A boundary has at least this contrast: see `contrast`."""

SURE_CONTRAST = 1.15
"""A boundary with this contrast has the confidence 1, and one halfway above `MIN_CONTRAST` 0.5: of boundaries
like that, more than four in five are true in benchmarks/structure.py."""

MIN_NOVELTY = 0.001
"""Smaller changes than this novelty of the unchanged components are noise: the song sounds the same."""

SAME_LABEL_CONTRAST = 0.35
"""Groups of sections get the same letter if the mean contrast between their sections is below this."""


@dataclass(frozen=True)
class Section:
    """A part of a song.

    Attributes
    ----------
    start_s, end_s : float
    label : str
        "A", "B", …, by first appearance: sections that sound alike have the same label.
    confidence : float
        How clearly the sound changes where the section starts and where it ends, from 0, a guess, to 1. If
        it is the only section: how clearly the sound does not change; 0 if the song is too short to tell.
    """

    start_s: float
    end_s: float
    label: str
    confidence: float


def find_sections(
    components: np.ndarray, *, step_s: float, duration_s: float, min_length_s: float | None = None
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
    min_length_s : float, optional
        No section is shorter, unless the song is. The default is `MIN_LENGTH_S`, or more in a song of more
        than eight minutes: see `MAX_SECTIONS`.

    Returns
    -------
    list of Section
        In order, without gaps, from 0 to `duration_s`; at least one. Sections side by side have different
        labels.
    """
    n, duration_s = len(components), float(duration_s)
    if min_length_s is None:
        min_length_s = max(MIN_LENGTH_S, duration_s / MAX_SECTIONS)
    # Boundary t lies between the windows t - 1 and t.
    times_s = (np.arange(n) - 0.5) * step_s
    is_allowed = (times_s > 0) & (times_s >= min_length_s) & (duration_s - times_s >= min_length_s)
    if not is_allowed.any():
        return [Section(0.0, duration_s, "A", 0.0)]
    directions = even_directions(components)
    half = max(MIN_KERNEL_WINDOWS, round(KERNEL_S / step_s))
    scores = contrast(directions, half)
    scores[novelty(unit_rows(components), half) < MIN_NOVELTY] = 0
    cuts = _peaks(scores, times_s, is_allowed, min_length_s=min_length_s)
    labels = _labels(directions, cuts)
    # Where the sound is the same before and after a cut, something short was new, not a section.
    cuts = [cut for cut, (before, after) in zip(cuts, pairwise(labels), strict=True) if before != after]
    labels = [label for label, _ in groupby(labels)]
    if not cuts:
        return [Section(0.0, duration_s, "A", _unit(1 - float(scores[is_allowed].max()) / MIN_CONTRAST))]
    clearness = [_unit((scores[cut] - MIN_CONTRAST) / (SURE_CONTRAST - MIN_CONTRAST)) for cut in cuts]
    confidences = [clearness[0], *map(min, pairwise(clearness)), clearness[-1]]
    edges_s = [0.0, *times_s[cuts].tolist(), duration_s]
    return [
        Section(start_s, end_s, _letters(label), confidence)
        for (start_s, end_s), label, confidence in zip(pairwise(edges_s), labels, confidences, strict=True)
    ]


def even_directions(components: np.ndarray) -> np.ndarray:
    """Return the windows' directions from the song's mean, with less weight for what varies most.

    What all windows of the song share says nothing about its sections. Without the weights, the two or three
    largest components would decide alone.

    Parameters
    ----------
    components : np.ndarray [shape=(n, d)]

    Returns
    -------
    np.ndarray [shape=(n, d), float32]
        Rows of length 1, or 0. Each column was divided by the square root of its standard deviation.
    """
    centred = np.asarray(components, dtype=np.float32)
    centred = centred - centred.mean(axis=0)
    deviations = centred.std(axis=0)
    least = max(float(deviations.max(initial=0.0)) * 1e-3, np.finfo(np.float32).tiny)
    return unit_rows(centred / np.sqrt(np.maximum(deviations, least)))


def contrast(directions: np.ndarray, half: int) -> np.ndarray:
    """Compare Foote's novelty at each place with how much the windows of this song differ anyway.

    The novelty is the squared distance between two weighted means, so that it can be compared with the
    variance of windows on the same side of a place. Differences of the means that come from too few windows
    are subtracted: if the windows were drawn at random, the expected contrast would be 0 at any step.

    Parameters
    ----------
    directions : np.ndarray [shape=(n, d)]
    half : int
        Half of the kernel's size, in windows.

    Returns
    -------
    np.ndarray [shape=(n,), float64]
        Value t belongs to the place between the windows t - 1 and t: the squared distance of the means,
        in variances of the windows.
    """
    before, after, weights = _means_beside(directions, half)
    # The variance of weighted windows around their own mean is too small by this share.
    share = float((weights**2).sum())
    variance = (1 - ((before**2).sum(axis=1) + (after**2).sum(axis=1)) / 2).mean() / (1 - share)
    scores = ((after - before) ** 2).sum(axis=1) / max(float(variance), 1e-6) - 2 * share
    scores[:1] = 0
    return scores


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
    before, after, _ = _means_beside(directions, half)
    return ((after - before) ** 2).sum(axis=1)


def taper(half: int) -> np.ndarray:
    """Return the weights of the windows after a place, the next one first; they sum up to 1.

    A Gaussian whose standard deviation is half of this half of the kernel.

    Returns
    -------
    np.ndarray [shape=(half,), float64]
    """
    weights = np.exp(-((2 * (np.arange(half) + 0.5) / half) ** 2) / 2)
    return weights / weights.sum()


def _means_beside(directions: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the weighted means of the windows before and after each place, and the weights."""
    n, weights = len(directions), taper(half)
    if not n:
        return np.zeros(directions.shape), np.zeros(directions.shape), weights
    padded = np.pad(np.asarray(directions, dtype=np.float64), ((half, half), (0, 0)), mode="symmetric")
    before, after = np.zeros(directions.shape), np.zeros(directions.shape)
    for distance, weight in enumerate(weights):
        before += weight * padded[half - 1 - distance :][:n]
        after += weight * padded[half + distance :][:n]
    return before, after, weights


def _peaks(
    scores: np.ndarray, times_s: np.ndarray, is_allowed: np.ndarray, *, min_length_s: float
) -> list[int]:
    """Take the highest of the local maxima first, each far enough from those taken."""
    beside = np.pad(scores, 1, constant_values=-np.inf)
    is_free = is_allowed & (scores >= MIN_CONTRAST) & (scores >= np.maximum(beside[:-2], beside[2:]))
    cuts: list[int] = []
    for place in np.argsort(-scores, kind="stable"):
        if is_free[place]:
            cuts.append(int(place))
            is_free &= np.abs(times_s - times_s[place]) >= min_length_s
            is_free[place] = False
    return sorted(cuts)


def _labels(directions: np.ndarray, cuts: list[int]) -> list[int]:
    """Number the groups of similar sections, by first appearance (clustering by average linkage)."""
    edges = np.array([0, *cuts, len(directions)])
    sizes = np.diff(edges)
    means = np.add.reduceat(directions.astype(np.float64), edges[:-1]) / sizes[:, None]
    variance = (sizes * (1 - (means**2).sum(axis=1))).sum() / max(1, len(directions) - len(sizes))
    distances = ((means[:, None] - means) ** 2).sum(axis=2) / max(float(variance), 1e-6)
    distances -= 1 / sizes[:, None] + 1 / sizes
    np.fill_diagonal(distances, np.inf)
    groups = np.arange(len(sizes))
    members = np.ones(len(sizes))
    while True:
        first, second = sorted(divmod(int(distances.argmin()), len(sizes)))
        if not distances[first, second] < SAME_LABEL_CONTRAST:
            break
        weights = members[[first, second]] / members[[first, second]].sum()
        distances[first] = distances[:, first] = weights @ distances[[first, second]]
        distances[second] = distances[:, second] = distances[first, first] = np.inf
        members[first] += members[second]
        groups[groups == second] = first
    numbers = {group: number for number, group in enumerate(dict.fromkeys(groups.tolist()))}
    return [numbers[group] for group in groups.tolist()]


def _letters(number: int) -> str:
    """Name a label by its number: A to Z, then AA, AB and so on."""
    letters = ""
    number += 1
    while number:
        number, place = divmod(number - 1, 26)
        letters = chr(ord("A") + place) + letters
    return letters


def _unit(value: float) -> float:
    """Limit a number to the range from 0 to 1, with three digits."""
    return round(min(max(float(value), 0.0), 1.0), 3)
