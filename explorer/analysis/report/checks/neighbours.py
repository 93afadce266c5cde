"""Checks of what sounds like what: the search for neighbours, hubs, and whether neighbours share a genre.

Similarity is the cosine after the library's mean vector was taken away, as everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from explorer.analysis.report.checks.check import FAILED, NOT_JUDGED, NOTED, PASSED, Check, among, check
from explorer.mapping.neighbourhoods import below_half, chunks, sampled
from explorer.mapping.quality import hubness, label_purity, shared_labels
from explorer.mapping.similarity import Neighbours

NEIGHBOURS = 10
MOST_ASKED = 1_000
_MOST_SEARCHED = 100
_MOST_PAIRS = 20_000
_TOLERANCE = 1e-5
_LEAST_LABELLED = 50
_MANY = 0.2
_LEAST_FOR_HUBS = 50


@dataclass(frozen=True)
class Nearest:
    """Some songs and those nearest to them, found by comparing with every song.

    Attributes
    ----------
    asked : np.ndarray [shape=(m,), int]
        Rows of the library.
    indices : np.ndarray [shape=(m, k), int]
        The most alike first, never the song itself.
    similarities : np.ndarray [shape=(m, k), float32]
    random : np.ndarray [shape=(r,), float32]
        The similarity of pairs drawn at random.
    """

    asked: np.ndarray
    indices: np.ndarray
    similarities: np.ndarray
    random: np.ndarray


def nearest_of_sample(rows: np.ndarray, *, k: int = NEIGHBOURS, seed: int = 0) -> Nearest:
    """Find the neighbours of at most 1,000 songs, exactly.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, 512), float32]
        Directions, as `centred_unit_rows` gives them.
    """
    n = len(rows)
    k = min(k, max(n - 1, 0))
    asked = sampled(n, MOST_ASKED, seed) if n else np.empty(0, dtype=np.int64)
    found = [(np.empty((0, k), dtype=np.int64), np.empty((0, k), dtype=np.float32))]
    for part in chunks(asked, n) if n else ():
        alike = rows[part] @ rows.T
        alike[np.arange(len(part)), part] = -np.inf
        near = np.argpartition(-alike, k - 1, axis=1)[:, :k]
        values = np.take_along_axis(alike, near, axis=1)
        order = np.argsort(-values, axis=1, kind="stable")
        found.append([np.take_along_axis(each, order, axis=1) for each in (near, values)])
    indices, similarities = map(np.concatenate, zip(*found, strict=True))
    rng = np.random.default_rng(seed)
    pairs = rng.integers(0, max(n, 1), size=(_MOST_PAIRS if n > 1 else 0, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    random = np.einsum("ij,ij->i", rows[pairs[:, 0]], rows[pairs[:, 1]])
    return Nearest(asked, indices, similarities, random)


def check_search(
    values: np.ndarray, song_ids: Sequence[str], identical: Sequence[Sequence[str]], *, seed: int = 0
) -> Check:
    """Judge the search that recommends songs, on a sample, against cosines in double precision.

    Each song must be its own nearest, songs with one vector each other's, and two songs equally far from
    either side.

    Parameters
    ----------
    values : np.ndarray [shape=(n, 512), float32]
        Vectors as embedded.
    """
    name = "Each song is its own nearest"
    if len(values) < 3:
        return check(name, NOT_JUDGED, "There are too few songs to have neighbours.")
    search = Neighbours(values)
    asked = np.random.default_rng(seed).choice(len(values), min(len(values), _MOST_SEARCHED), replace=False)
    numbers = {song_id: row for row, song_id in enumerate(song_ids)}
    copies_of = {song: group for group in identical for song in group}
    copies = [numbers[group[0]] for group in identical][:_MOST_SEARCHED]
    wrong, worst = [], 0.0
    for row in dict.fromkeys([*copies, *np.sort(asked).tolist()]):
        # A song equal to the library's mean has no direction, and is like nothing.
        if not search.rows[row].any():
            continue
        found, alike = search.nearest_to(values[row], min(NEIGHBOURS, len(values)))
        same = [row, *(numbers[song] for song in copies_of.get(song_ids[row], ()))]
        own = search.rows[same].astype(np.float64) @ search.direction(values[row])
        if own.min() < alike[0] - _TOLERANCE:
            wrong.append(song_ids[row])
        worst = max(worst, _disagreement(values, search, row, found, alike))
    count = len({*copies, *asked.tolist()})
    if wrong:
        return check(name, FAILED, f"{len(wrong)} of {count} asked are not: {among(wrong)}.", wrong)
    if worst > _TOLERANCE:
        finding = f"The search's cosines are off by up to {worst:.1g}, or differ from one side to the other."
        return check(name, FAILED, finding)
    finding = (
        f"So it is for all {count:,} asked, songs that share a vector are each other's nearest, and "
        f"similarities agree from both sides and with double precision to {_TOLERANCE:g}."
    )
    return check(name, PASSED, finding)


def _disagreement(values, search, row, found, alike) -> float:
    """Return by how much similarities are off, from here or from the other side."""
    mean = search.mean
    mine = values[row].astype(np.float64) - mean
    theirs = values[found].astype(np.float64) - mean
    lengths = np.linalg.norm(mine) * np.linalg.norm(theirs, axis=1)
    exact = np.divide(theirs @ mine, lengths, out=np.zeros(len(found)), where=lengths > 1e-6)
    last = found[-1]
    back = float(search.direction(values[last]) @ search.rows[row].astype(np.float64))
    return max(float(np.abs(exact - alike).max()), abs(back - float(alike[-1])))


def check_hubs(facts: dict, song_ids: Sequence[str], count: int) -> Check:
    """Note a song that is among the nearest of very many others.

    Parameters
    ----------
    facts : dict
        `hubness`, `largest_hub` and, where known, its `hub`.
    """
    name = "No song is near to all"
    if facts.get("largest_hub") is None or count < _LEAST_FOR_HUBS:
        finding = f"Fewer than {_LEAST_FOR_HUBS} songs, or no map yet: hubs cannot be told."
        return check(name, NOT_JUDGED, finding)
    largest, skewness = facts["largest_hub"], facts["hubness"]
    hub = [facts["hub"]] if facts.get("hub") in song_ids else []
    finding = (
        f"The song found most often is among the ten nearest of {largest:,} of {count:,} "
        f"(skewness {skewness:.2f})."
    )
    return check(name, NOTED if largest > _MANY * count else PASSED, finding, hub)


@dataclass(frozen=True)
class Purity:
    """How often the neighbours of songs with a label carry the same one.

    Attributes
    ----------
    labelled, labels : int
        How many songs have a label that another song has too, and how many such labels there are.
    purity : float
    error : float
        Its standard error, over the songs asked.
    chance : float
        The mean over all ways to shuffle the labels.
    per_label : dict
        Label to its songs, purity and chance; the most frequent first.
    """

    labelled: int
    labels: int
    purity: float
    error: float
    chance: float
    per_label: dict[str, dict]

    def record(self) -> dict:
        """Return it as JSON has it."""
        return dict(vars(self))


def measure_purity(
    rows: np.ndarray, labels: Sequence[str], *, k: int = NEIGHBOURS, seed: int = 0
) -> Purity | None:
    """Compare songs' neighbours' labels with theirs, and with labels that were shuffled.

    Parameters
    ----------
    rows : np.ndarray [shape=(n, 512), float32]
        Directions.
    labels : sequence of str [length=n]
        A genre, say; "" for none. Songs alone with theirs are left out on both sides.

    Returns
    -------
    Purity or None
        None where fewer than two labels are shared, or fewer than five songs have one.
    """
    names, codes = shared_labels(labels)
    kept = np.flatnonzero(codes >= 0)
    if len(kept) < 5 or len(names) < 2:
        return None
    # From half of the songs on most neighbours would be the same for all.
    near = nearest_of_sample(rows[kept], k=below_half(k, len(kept)), seed=seed)
    codes = codes[kept]
    found = label_purity(names[codes], near.indices, asked=near.asked)
    return Purity(
        labelled=len(kept),
        labels=len(names),
        purity=found.purity,
        error=float(found.shares.std(ddof=1) / np.sqrt(len(found.shares))),
        chance=found.chance,
        per_label=_per_label(names, codes, near.asked, found.shares),
    )


def _per_label(names, codes, asked, shares) -> dict[str, dict]:
    sizes = np.bincount(codes)
    found = {}
    for code in sorted(np.unique(codes[asked]), key=lambda code: (-sizes[code], code)):
        found[str(names[code])] = {
            "songs": int(sizes[code]),
            "purity": float(shares[codes[asked] == code].mean()),
            "chance": float((sizes[code] - 1) / (len(codes) - 1)),
        }
    return found


def check_genres(purity: Purity | None, *, trained: bool | None) -> Check:
    """Judge whether songs that sound alike share a genre more often than by chance."""
    name = "Neighbours share a genre"
    if purity is None or purity.labelled < _LEAST_LABELLED:
        finding = f"Fewer than {_LEAST_LABELLED} songs share their genre with another, or there is one genre."
        return check(name, NOT_JUDGED, finding)
    finding = (
        f"{purity.purity:.0%} ± {purity.error:.1%} of the ten nearest share a song's genre; with shuffled "
        f"genres {purity.chance:.0%}."
    )
    above = purity.purity > purity.chance + 2 * purity.error
    if trained:
        return check(name, PASSED if above else FAILED, finding)
    why = "These are untrained filters" if trained is False else "What made the vectors is unknown"
    if not above:
        finding += " That is no better than chance."
    return check(name, NOTED, f"{finding} {why}: they are not held to it.")


def hub_facts(neighbours: np.ndarray, song_ids: Sequence[str], stored: Mapping) -> dict:
    """Name the song that is among the nearest of the most others.

    Parameters
    ----------
    neighbours : np.ndarray [shape=(n, 10), int32] or None
        Every song's nearest; None where only the map's figures are to be had.
    stored : mapping
        What the map says of the library's neighbourhoods.
    """
    found = None if neighbours is None else hubness(neighbours, len(song_ids))
    if found is None:
        return {"hubness": stored.get("hubness"), "largest_hub": stored.get("largest_hub"), "hub": None}
    hub = song_ids[int(np.bincount(neighbours.ravel(), minlength=len(song_ids)).argmax())]
    return {"hubness": found.skewness, "largest_hub": found.largest, "hub": hub}
