"""Defines the result of a check, and checks the database file, the stored vectors and the music files.

Each check is a function that gets data already read from the library, and returns a `Check`. A check fails
only for a real error.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from explorer.analysis.report.checks.stored_vectors import LARGEST_VALUE, StoredVectors
from explorer.util.progress import plural

PASSED, FAILED, NOTED, NOT_JUDGED = "passed", "failed", "noted", "not judged"
REINDEX = "Run `python run.py index FOLDER --reindex` to embed all songs again."
_MAX_SONGS = 10
_MAX_SONGS_IN_SENTENCE = 3


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    name : str
        The property that was checked, such as "Every value is finite".
    status : str
        "passed"; "failed" for a real error; "noted" for a fact that the user should know; "not judged" if
        there is too little data.
    finding : str
        One or two sentences.
    songs : list of str
        Ids of the affected songs, at most ten.
    """

    name: str
    status: str
    finding: str
    songs: list[str] = field(default_factory=list)

    def record(self) -> dict:
        """Return the fields as a dict for JSON."""
        return asdict(self)


def make_check(name: str, status: str, finding: str, songs: Sequence[str] = ()) -> Check:
    """Return a result with the first ten of the affected songs."""
    return Check(name, status, finding, list(songs[:_MAX_SONGS]))


def name_songs(songs: Sequence[str]) -> str:
    """Return the first three song ids and the number of further ones, for a sentence."""
    ids = ", ".join(repr(song_id) for song_id in songs[:_MAX_SONGS_IN_SENTENCE])
    further = len(songs) - _MAX_SONGS_IN_SENTENCE
    return f"{ids} and {further:,} more" if further > 0 else ids


def check_integrity(problems: Sequence[str]) -> Check:
    """Check that SQLite's integrity check reports no problem."""
    name = "The database file is undamaged"
    if problems:
        finding = f"SQLite reports damage ({problems[0]}): restore the file from a backup, or index again."
        return make_check(name, FAILED, finding)
    return make_check(name, PASSED, "SQLite's integrity check reports no damage.")


def check_stray_rows(counts: dict[str, int], vectors: Sequence[str]) -> Check:
    """Check that every row belongs to a song, a folder or a map.

    Parameters
    ----------
    counts : dict of str to int
        For each table, the number of rows that belong to none of them.
    vectors : sequence of str
        The ids of vectors without a song.
    """
    name = "Every row has its song"
    if not counts:
        return make_check(
            name, PASSED, "Every vector, genre, file and position on the map belongs to a song."
        )
    rows = ", ".join(f"{plural(count, 'row')} of {table}" for table, count in sorted(counts.items()))
    finding = (
        f"Without the song, folder or map that they belong to: {rows}. Another program changed the database: "
        "restore songs.db from a backup."
    )
    if vectors:
        finding += f" Vectors without a song: {name_songs(vectors)}."
    return make_check(name, FAILED, finding, vectors)


def check_vectors(stored: StoredVectors) -> list[Check]:
    """Check that every vector has 512 float64 values, all of them finite, and not all of them equal."""
    first = next(iter(stored.unreadable), "")
    checks = (
        (
            "Every vector is 512 float64",
            list(stored.unreadable),
            f"that cannot be read ({first!r} is stored as {stored.unreadable.get(first)})",
            f"All {plural(stored.count, 'vector')} can be read.",
        ),
        (
            "Every value is finite",
            stored.not_finite,
            f"with NaN or infinite values: {name_songs(stored.not_finite)}",
            "No value is NaN or infinite.",
        ),
        (
            "No vector is constant",
            stored.constant,
            f"of 512 equal values: {name_songs(stored.constant)}",
            "The 512 values of every vector differ.",
        ),
    )
    if not stored.count:
        return [make_check(name, NOT_JUDGED, "There is no vector yet.") for name, *_ in checks]
    return [
        make_check(name, FAILED, f"{plural(len(songs), 'vector')} {problem}. {REINDEX}", songs)
        if songs
        else make_check(name, PASSED, passed)
        for name, songs, problem, passed in checks
    ]


def check_range(stored: StoredVectors, constant_dimensions: int) -> Check:
    """Check that no value is too large; note dimensions that have the same value for every song."""
    name = "Values are in range"
    songs = stored.too_large
    if songs:
        finding = (
            f"{plural(len(songs), 'vector')} with values beyond ±{LARGEST_VALUE:,.0f}, more than any sound "
            f"gives: {name_songs(songs)}. {REINDEX}"
        )
        return make_check(name, FAILED, finding, songs)
    if not len(stored.values):
        return make_check(name, NOT_JUDGED, "There is no vector to judge.")
    smallest, largest = float(stored.values.min()), float(stored.values.max())
    finding = f"Values lie between {smallest:.4g} and {largest:.4g}."
    if constant_dimensions and len(stored.values) > 1:
        verb = "is" if constant_dimensions == 1 else "are"
        finding += f" Of the 512 values of a vector, {constant_dimensions} {verb} the same for every song."
        return make_check(name, NOTED, finding)
    return make_check(name, PASSED, finding)


def check_without_vector(songs: Sequence[str]) -> Check:
    """Note songs that have no vector."""
    name = "Every song has a vector"
    if songs:
        finding = f"{plural(len(songs), 'song')} without a vector: `python run.py index FOLDER` embeds them."
        return make_check(name, NOTED, finding, songs)
    return make_check(name, PASSED, "All songs have a vector.")


def check_files(files: int, gone: Sequence[str], changed: Sequence[str]) -> Check:
    """Note files that are missing or have changed since they were indexed.

    Parameters
    ----------
    files : int
        The number of files that the library records.
    """
    name = "Every song's file exists, unchanged"
    if not files:
        return make_check(
            name, NOT_JUDGED, "The library records no music file, so its songs cannot be played."
        )
    parts = []
    if gone:
        parts.append(f"{len(gone):,} of {plural(files, 'file')} cannot be found")
    if changed:
        parts.append(f"{plural(len(changed), 'file')} changed since the last index run")
    if parts:
        finding = f"{'; '.join(parts)}: run `python run.py index FOLDER` to update the library."
        return make_check(name, NOTED, finding, [*gone, *changed])
    return make_check(name, PASSED, f"All {plural(files, 'file')} exist and are as they were when indexed.")


def value_statistics(values: np.ndarray) -> dict:
    """Compute statistics of vectors [shape=(n, 512), float32].

    Returns
    -------
    dict
        `min`, `max`, `mean`, `std`, `median` (of at most 20,000 songs), `constant_dimensions` and
        `norms`, the quantiles of the vectors' Euclidean lengths. Without vectors, `constant_dimensions` is
        0 and the others are None.
    """
    names = ("min", "max", "median", "mean", "std")
    if not len(values):
        return dict.fromkeys(names) | {"norms": None, "constant_dimensions": 0}
    squared_norms = np.einsum("ij,ij->i", values, values, dtype=np.float64)
    mean = values.mean(dtype=np.float64)
    median_step = math.ceil(len(values) / 20_000)
    statistics = (
        values.min(),
        values.max(),
        np.median(values[::median_step]),
        mean,
        np.sqrt(max(squared_norms.sum() / values.size - mean**2, 0.0)),
    )
    percents = (0, 5, 25, 50, 75, 95, 100)
    norms = np.percentile(np.sqrt(squared_norms), percents)
    is_constant = values.max(axis=0) == values.min(axis=0)
    return dict(zip(names, map(float, statistics), strict=True)) | {
        "norms": {f"p{percent}": float(norm) for percent, norm in zip(percents, norms, strict=True)},
        "constant_dimensions": int(is_constant.sum()) if len(values) > 1 else 0,
    }
