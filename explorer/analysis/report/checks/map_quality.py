"""Checks of the map: which songs it shows, where, and how well it keeps neighbours together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from explorer.analysis.report.checks.check import FAILED, NOT_JUDGED, NOTED, PASSED, Check, among, check
from explorer.analysis.report.checks.neighbours import Nearest
from explorer.config import TITLES
from explorer.mapping.neighbourhoods import Judge
from explorer.mapping.quality import neighbours_near
from explorer.util.progress import number

Places = Mapping[str, tuple[float, float, int | None]]
"""Song id to x, y and how many of its ten true neighbours are near it."""

_RANDOM, _DOUBTFUL = 0.55, 0.8
_LEAST_SONGS = 20
_MOST_JUDGED = 500
# Above 20,000 songs the map finds neighbours with fewer components, and about 2 % of them are wrong.
_NEAR_TOLERANCE = 1.0


def _title(method: str) -> str:
    return TITLES.get(method, method)


def check_places(places: Mapping[str, Places], vectors: Sequence[str]) -> Check:
    """Judge whether every song is on every projection.

    Parameters
    ----------
    places : mapping of projection to Places
    vectors : sequence of str
        Ids of all songs that have a vector, sound or not.
    """
    name = "Every song is on the map"
    if not vectors:
        return check(name, NOT_JUDGED, "There is no vector yet.")
    if not places:
        return check(name, NOTED, "There is no map yet: run `python run.py map`.")
    expected = set(vectors)
    somewhere = set().union(*places.values())
    for method, on_it in sorted(places.items()):
        lacking = sorted((expected & somewhere) - set(on_it))
        if lacking:
            finding = (
                f"{_title(method)} lacks {number(len(lacking), 'song')} that other projections "
                f"have ({among(lacking)}): run `python run.py map`."
            )
            return check(name, FAILED, finding, lacking)
    found = {
        "not on it yet": sorted(expected - somewhere),
        "on it without a vector": sorted(somewhere - expected),
    }
    if parts := [f"{number(len(songs), 'song')} {where}" for where, songs in found.items() if songs]:
        finding = f"The map is out of date ({', '.join(parts)}): run `python run.py map`."
        return check(name, NOTED, finding, [song for songs in found.values() for song in songs])
    names = ", ".join(_title(method) for method in sorted(places))
    return check(name, PASSED, f"All {number(len(expected), 'song')} are on {names}.")


def check_positions(places: Mapping[str, Places]) -> Check:
    """Check that every position is finite, and that not all are the same."""
    name = "Every position is finite"
    if not any(places.values()):
        return check(name, NOT_JUDGED, "There is no map yet.")
    lost = sorted(
        {song for on_it in places.values() for song, (x, y, _) in on_it.items() if not _is_place(x, y)}
    )
    if lost:
        finding = (
            f"{number(len(lost), 'song')} without a place to draw them: {among(lost)}; run map --relayout."
        )
        return check(name, FAILED, finding, lost)
    for method, on_it in sorted(places.items()):
        if len(on_it) > 2 and len({(x, y) for x, y, _ in on_it.values()}) == 1:
            finding = f"{_title(method)} puts every song in one place: run map --relayout."
            return check(name, FAILED, finding)
    return check(name, PASSED, "No song lies at NaN or at infinity.")


def _is_place(x: object, y: object) -> bool:
    # The page draws in single precision.
    return all(isinstance(v, int | float) and abs(v) < np.finfo(np.float32).max for v in (x, y))


def aligned_places(places: Places, song_ids: Sequence[str]) -> np.ndarray | None:
    """Return the songs' positions [shape=(n, 2), float32]; None unless each has one that is finite."""
    if not all(song_id in places and _is_place(*places[song_id][:2]) for song_id in song_ids):
        return None
    return np.array([places[song_id][:2] for song_id in song_ids], dtype=np.float32).reshape(-1, 2)


def judge_projections(
    positions: Mapping[str, np.ndarray | None], quality: Mapping[str, Mapping], rows: np.ndarray
) -> dict[str, dict]:
    """Return each projection's stored figures beside what is measured now, on 500 songs.

    Parameters
    ----------
    positions : mapping of projection to np.ndarray [shape=(n, 2)] or None
    quality : mapping of projection to its stored figures
    rows : np.ndarray [shape=(n, 512), float32]
        Directions of the same songs.
    """
    whole = {name: found for name, found in positions.items() if found is not None}
    measured = Judge(rows, sample=_MOST_JUDGED).measures(whole) if whole and len(rows) else {}
    keys = ("trustworthiness", "continuity", "neighbours_kept", "genre_purity", "genre_chance")
    return {
        name: {key: quality.get(name, {}).get(key) for key in keys}
        | {f"measured_{key}": measured.get(name, {}).get(key) for key in keys[:3]}
        for name in positions
    }


def check_trust(projections: Mapping[str, Mapping], count: int) -> Check:
    """Check trustworthiness: the smaller of the stored figure and of the one measured now."""
    name = "The projections can be trusted"
    found = {}
    for method, figures in projections.items():
        both = figures["trustworthiness"], figures["measured_trustworthiness"]
        if known := [value for value in both if value is not None]:
            found[method] = min(known)
    if not found or count < _LEAST_SONGS:
        return check(name, NOT_JUDGED, f"Fewer than {_LEAST_SONGS} songs, or no map yet.")
    told = ", ".join(f"{_title(method)} {value:.2f}" for method, value in sorted(found.items()))
    least = min(found.values())
    if least < _RANDOM:
        finding = (
            f"Trustworthiness: {told}. Below {_RANDOM} songs might as well lie anywhere: run map --relayout."
        )
        return check(name, FAILED, finding)
    if least < _DOUBTFUL:
        finding = f"Trustworthiness: {told}. Below {_DOUBTFUL} many songs lie near strangers."
        return check(name, NOTED, finding)
    return check(name, PASSED, f"Trustworthiness: {told} (1 is perfect, 0.5 chance).")


def check_near(
    places: Mapping[str, Places],
    positions: Mapping[str, np.ndarray | None],
    song_ids: Sequence[str],
    nearest: Nearest,
    *,
    up_to_date: bool,
) -> Check:
    """Judge whether the map's figures of trust, song by song, are those of an exact search.

    Parameters
    ----------
    up_to_date : bool
        Whether the map shows exactly these songs: otherwise the figures may well differ.
    """
    name = "The map knows its neighbours"
    worst, method_of_worst, compared = 0.0, "", 0
    for method, found in positions.items():
        stored = [places[method].get(song_ids[row], (0, 0, None))[2] for row in nearest.asked]
        rows = np.flatnonzero([near is not None for near in stored])
        if found is None or not len(rows):
            continue
        exact = _near_of(nearest.asked[rows], nearest.indices[rows], found)
        apart = float(np.abs(exact - np.array([stored[row] for row in rows])).mean())
        compared = max(compared, len(rows))
        if apart >= worst:
            worst, method_of_worst = apart, _title(method)
    if not any(places.values()):
        return check(name, NOT_JUDGED, "There is no map yet.")
    if not compared or not up_to_date:
        finding = (
            "The map is not up to date, or was made before it counted how many of a song's ten are near."
        )
        return check(name, NOT_JUDGED, finding)
    finding = (
        f"Of ten neighbours, {worst:.2f} on average are near on {method_of_worst} that the map does not "
        f"count so, by an exact search for {compared:,} songs."
    )
    if worst > _NEAR_TOLERANCE:
        return check(name, FAILED, f"{finding} Run `python run.py map`.")
    return check(name, PASSED, finding)


def _near_of(asked: np.ndarray, indices: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Count the true neighbours near each song asked, as `neighbours_near` does for a whole library."""
    everyone = np.zeros((len(positions), indices.shape[1]), dtype=np.int64)
    everyone[asked] = indices
    return neighbours_near(everyone, positions)[asked].astype(int)
