"""Checks the map: the songs it shows, their positions, and how well it keeps neighbours together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from explorer.analysis.report.checks.check import (
    FAILED,
    NOT_JUDGED,
    NOTED,
    PASSED,
    Check,
    make_check,
    name_songs,
)
from explorer.analysis.report.checks.neighbours import NeighbourSample
from explorer.config import PROJECTION_NAMES
from explorer.mapping.neighbourhoods import MapComparison
from explorer.mapping.quality import neighbours_near
from explorer.util.progress import plural

StoredPositions = Mapping[str, tuple[float, float, int | None]]
"""The positions of one projection: each song's x, y and how many of its ten true neighbours are near it.

The keys are song ids; the number of neighbours is None if it is not stored.
"""

NO_MAP = "There is no map yet."
# Trustworthiness below the first is hardly better than chance; below the second, it is doubtful.
_MIN_TRUST, _GOOD_TRUST = 0.55, 0.8
_MIN_SONGS = 20
_MAX_MEASURED_SONGS = 500
# The allowed mean difference of stored and exact neighbour counts. For more than 20,000 songs, the map's own
# search uses fewer principal components, and about 2 % of the neighbours that it finds are wrong.
_MAX_COUNT_DIFFERENCE = 1.0


def _title(projection: str) -> str:
    return PROJECTION_NAMES.get(projection, projection)


def check_all_on_map(stored: Mapping[str, StoredPositions], songs: Sequence[str]) -> Check:
    """Check that every song is on every projection.

    Parameters
    ----------
    stored : mapping of projection to StoredPositions
    songs : sequence of str
        The ids of all songs that have a vector, valid or not.
    """
    name = "Every song is on the map"
    if not songs:
        return make_check(name, NOT_JUDGED, "There is no vector yet.")
    if not stored:
        return make_check(name, NOTED, f"{NO_MAP[:-1]}: run `python run.py map`.")
    expected = set(songs)
    on_any = set().union(*stored.values())
    for projection, positions in sorted(stored.items()):
        lacking = sorted((expected & on_any) - set(positions))
        if lacking:
            finding = (
                f"{_title(projection)} lacks {plural(len(lacking), 'song')} that other projections "
                f"have ({name_songs(lacking)}): run `python run.py map`."
            )
            return make_check(name, FAILED, finding, lacking)
    not_on_map, without_vector = sorted(expected - on_any), sorted(on_any - expected)
    parts = []
    if not_on_map:
        parts.append(f"{plural(len(not_on_map), 'song')} not on it yet")
    if without_vector:
        parts.append(f"{plural(len(without_vector), 'song')} on it without a vector")
    if parts:
        finding = f"The map is out of date ({', '.join(parts)}): run `python run.py map`."
        return make_check(name, NOTED, finding, [*not_on_map, *without_vector])
    titles = ", ".join(_title(projection) for projection in sorted(stored))
    return make_check(name, PASSED, f"All {plural(len(expected), 'song')} are on {titles}.")


def check_positions(stored: Mapping[str, StoredPositions]) -> Check:
    """Check that every position is finite, and that the positions are not all the same."""
    name = "Every position is finite"
    if not any(stored.values()):
        return make_check(name, NOT_JUDGED, NO_MAP)
    invalid = sorted(
        {
            song
            for positions in stored.values()
            for song, (x, y, _) in positions.items()
            if not _can_be_drawn(x, y)
        }
    )
    if invalid:
        finding = (
            f"{plural(len(invalid), 'song')} without a finite position: {name_songs(invalid)}. Run "
            "`python run.py map --relayout`."
        )
        return make_check(name, FAILED, finding, invalid)
    for projection, positions in sorted(stored.items()):
        if len(positions) > 2 and len({(x, y) for x, y, _ in positions.values()}) == 1:
            finding = (
                f"{_title(projection)} puts all songs at the same position: run "
                "`python run.py map --relayout`."
            )
            return make_check(name, FAILED, finding)
    return make_check(name, PASSED, "No position is NaN or infinite.")


def _can_be_drawn(x: object, y: object) -> bool:
    # The page draws in single precision, in which a larger value would be infinite.
    return all(isinstance(v, int | float) and abs(v) < np.finfo(np.float32).max for v in (x, y))


def aligned_positions(positions: StoredPositions, song_ids: Sequence[str]) -> np.ndarray | None:
    """Return the songs' positions [shape=(n, 2), float32]; None unless each song has a finite one."""
    if not all(song_id in positions and _can_be_drawn(*positions[song_id][:2]) for song_id in song_ids):
        return None
    return np.array([positions[song_id][:2] for song_id in song_ids], dtype=np.float32).reshape(-1, 2)


def measure_projections(
    positions: Mapping[str, np.ndarray | None], quality: Mapping[str, Mapping], directions: np.ndarray
) -> dict[str, dict]:
    """Return each projection's stored quality figures, and those measured now on at most 500 songs.

    Parameters
    ----------
    positions : mapping of projection to np.ndarray [shape=(n, 2)] or None
    quality : mapping of projection to its stored figures
    directions : np.ndarray [shape=(n, 512), float32]
        The centred unit vectors of the same songs.
    """
    complete = {name: array for name, array in positions.items() if array is not None}
    measured = {}
    if complete and len(directions):
        measured = MapComparison(directions, sample=_MAX_MEASURED_SONGS).measures(complete)
    keys = ("trustworthiness", "continuity", "neighbours_kept", "genre_purity", "genre_chance")
    return {
        name: {key: quality.get(name, {}).get(key) for key in keys}
        | {f"measured_{key}": measured.get(name, {}).get(key) for key in keys[:3]}
        for name in positions
    }


def check_trust(projections: Mapping[str, Mapping], songs: int) -> Check:
    """Check each projection's trustworthiness: the smaller of the stored figure and the one measured now."""
    name = "The projections can be trusted"
    trust = {}
    for projection, figures in projections.items():
        both = figures["trustworthiness"], figures["measured_trustworthiness"]
        if known := [value for value in both if value is not None]:
            trust[projection] = min(known)
    if not trust or songs < _MIN_SONGS:
        return make_check(
            name, NOT_JUDGED, f"There are fewer than {_MIN_SONGS} songs, or there is no map yet."
        )
    values = ", ".join(f"{_title(projection)} {value:.2f}" for projection, value in sorted(trust.items()))
    finding = (
        f"Trustworthiness: {values} (1 if all songs that are near each other on the map sound alike, 0.5 by "
        "chance)."
    )
    lowest = min(trust.values())
    if lowest < _MIN_TRUST:
        finding += (
            f" Below {_MIN_TRUST}, positions are hardly better than chance: run "
            "`python run.py map --relayout`."
        )
        return make_check(name, FAILED, finding)
    if lowest < _GOOD_TRUST:
        finding += f" Below {_GOOD_TRUST}, many songs are near songs that do not sound like them."
        return make_check(name, NOTED, finding)
    return make_check(name, PASSED, finding)


def check_neighbour_counts(
    stored: Mapping[str, StoredPositions],
    positions: Mapping[str, np.ndarray | None],
    song_ids: Sequence[str],
    sample: NeighbourSample,
    *,
    is_map_up_to_date: bool,
) -> Check:
    """Compare the stored counts of near neighbours with those of an exact search.

    The map stores, for each song, how many of its ten true neighbours are near it.

    Parameters
    ----------
    is_map_up_to_date : bool
        Whether the map shows exactly these songs; if not, the counts may differ without an error.
    """
    name = "The map's neighbour counts are correct"
    if not any(stored.values()):
        return make_check(name, NOT_JUDGED, NO_MAP)
    largest_difference, its_projection, compared = 0.0, "", 0
    for projection, array in positions.items():
        counts = [stored[projection].get(song_ids[row], (0, 0, None))[2] for row in sample.queries]
        # Places in the sample, not rows of the library.
        known = np.flatnonzero([count is not None for count in counts])
        if array is None or not len(known):
            continue
        exact = _count_near(sample.queries[known], sample.indices[known], array)
        difference = float(np.abs(exact - np.array([counts[place] for place in known])).mean())
        compared = max(compared, len(known))
        if difference >= largest_difference:
            largest_difference, its_projection = difference, _title(projection)
    if not compared or not is_map_up_to_date:
        finding = (
            "The map is not up to date, or an older version of the program made it without these counts."
        )
        return make_check(name, NOT_JUDGED, finding)
    finding = (
        "For each song, the map stores how many of the ten songs nearest in sound are near it on the map. "
        f"For {compared:,} songs, these counts differ from an exact search by at most "
        f"{largest_difference:.2f} on average (on {its_projection})."
    )
    if largest_difference > _MAX_COUNT_DIFFERENCE:
        return make_check(name, FAILED, f"{finding} Run `python run.py map`.")
    return make_check(name, PASSED, finding)


def _count_near(queries: np.ndarray, indices: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Count the true neighbours near each query, as `neighbours_near` does for a whole library."""
    all_indices = np.zeros((len(positions), indices.shape[1]), dtype=np.int64)
    all_indices[queries] = indices
    return neighbours_near(all_indices, positions)[queries].astype(int)
