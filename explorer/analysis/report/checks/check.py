"""The result of a check, and the checks of the database file, the vectors and the music files.

Each check is a function from what was read to a `Check`; only what is really wrong fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from explorer.analysis.report.checks.stored_vectors import LARGEST_VALUE, StoredVectors
from explorer.util.progress import number

PASSED, FAILED, NOTED, NOT_JUDGED = "passed", "failed", "noted", "not judged"
_MOST_SONGS = 10


@dataclass(frozen=True)
class Check:
    """The result of one check.

    Attributes
    ----------
    status : str
        "passed"; "failed" for what is really wrong; "noted" for what a listener may want to know;
        "not judged" where there is too little to go by.
    finding : str
        One or two sentences.
    songs : list of str
        Ids of those concerned, at most ten.
    """

    name: str
    status: str
    finding: str
    songs: list[str] = field(default_factory=list)

    def record(self) -> dict:
        """Return the fields as a dict for JSON."""
        return asdict(self)


def check(name: str, status: str, finding: str, songs: Sequence[str] = ()) -> Check:
    """Return a result that lists at most ten songs."""
    return Check(name, status, finding, list(songs[:_MOST_SONGS]))


def among(songs: Sequence[str]) -> str:
    """Return the first three song ids, and how many more there are, for a sentence."""
    shown = ", ".join(repr(song_id) for song_id in songs[:3])
    return f"{shown} and {len(songs) - 3:,} more" if len(songs) > 3 else shown


def check_integrity(problems: Sequence[str]) -> Check:
    """Check what SQLite says about the file."""
    name = "The database file is whole"
    if problems:
        finding = f"SQLite finds it damaged ({problems[0]}): restore it from a backup, or index again."
        return check(name, FAILED, finding)
    return check(name, PASSED, "SQLite's integrity check finds nothing wrong.")


def check_strays(counts: dict[str, int], vectors: Sequence[str]) -> Check:
    """Check that no row lacks its song; vectors without a song are listed."""
    name = "Every row has its song"
    if not counts:
        return check(name, PASSED, "No vector, genre, file or place on the map is without its song.")
    found = ", ".join(f"{number(count, 'row')} of {table}" for table, count in sorted(counts.items()))
    finding = f"{found} belong to nothing: another program wrote or removed rows."
    if vectors:
        finding += f" Vectors without a song: {among(vectors)}."
    return check(name, FAILED, finding, vectors)


def check_vectors(stored: StoredVectors) -> list[Check]:
    """Check that every vector is 512 float64, finite, and not 512 equal values."""
    unreadable = list(stored.unreadable)
    first = f" ({unreadable[0]!r} is stored as {stored.unreadable[unreadable[0]]})" if unreadable else ""
    judged = (
        ("Every vector is 512 float64", unreadable, f"cannot be used{first}",
         f"All {number(stored.count, 'vector')} can be read."),
        ("Every value is finite", stored.not_finite, f"with NaN or infinity: {among(stored.not_finite)}",
         "No value is NaN or infinite."),
        ("No vector is constant", stored.constant, f"of 512 equal values: {among(stored.constant)}",
         "The 512 values of every vector differ."),
    )  # fmt: skip
    if not stored.count:
        return [check(name, NOT_JUDGED, "There is no vector yet.") for name, *_ in judged]
    return [
        check(name, FAILED, f"{number(len(songs), 'vector')} {wrong}; index with --reindex.", songs)
        if songs
        else check(name, PASSED, right)
        for name, songs, wrong, right in judged
    ]


def check_range(stored: StoredVectors, constant_dimensions: int) -> Check:
    """Check that values are as large as sound gives, and that each of the 512 differs between songs."""
    name = "Values are in range"
    songs = stored.too_large
    if songs:
        finding = f"{number(len(songs), 'vector')} with values beyond ±{LARGEST_VALUE:,.0f}: {among(songs)}."
        return check(name, FAILED, finding, songs)
    if not len(stored.values):
        return check(name, NOT_JUDGED, "There is no vector to judge.")
    least, most = float(stored.values.min()), float(stored.values.max())
    finding = f"Values lie between {least:.4g} and {most:.4g}."
    if constant_dimensions and len(stored.values) > 1:
        finding += (
            f" Of the 512 dimensions {constant_dimensions} {'is' if constant_dimensions == 1 else 'are'} the "
            "same for every song."
        )
        return check(name, NOTED, finding)
    return check(name, PASSED, finding)


def check_without_vector(songs: Sequence[str]) -> Check:
    """Note songs that have no vector."""
    name = "Every song has a vector"
    if songs:
        finding = f"{number(len(songs), 'song')} without: run `python run.py index` to embed them."
        return check(name, NOTED, finding, songs)
    return check(name, PASSED, "No song is without.")


def check_files(known: int, gone: Sequence[str], changed: Sequence[str]) -> Check:
    """Note files that are missing or have changed since they were indexed."""
    name = "The songs' files are there"
    if not known:
        return check(name, NOT_JUDGED, "The library knows no file: its songs cannot be heard.")
    found = {
        f"{len(gone):,} of {number(known, 'file')} are gone": gone,
        f"{number(len(changed), 'file')} changed since: index again": changed,
    }
    if parts := [part for part, songs in found.items() if songs]:
        return check(name, NOTED, f"{'; '.join(parts)}.", [*gone, *changed])
    return check(name, PASSED, f"All {number(known, 'file')} are there, as they were when indexed.")


def value_statistics(values: np.ndarray) -> dict:
    """Describe vectors [shape=(n, 512), float32] in a few numbers; None where there are none.

    Returns
    -------
    dict
        `min`, `max`, `mean`, `std`, `median` (of at most 20,000 songs), `constant_dimensions` and
        `norms`, the quantiles of the vectors' Euclidean lengths.
    """
    names = ("min", "max", "median", "mean", "std")
    if not len(values):
        return dict.fromkeys(names) | {"norms": None, "constant_dimensions": 0}
    squares = np.einsum("ij,ij->i", values, values, dtype=np.float64)
    mean = values.mean(dtype=np.float64)
    figures = (
        values.min(),
        values.max(),
        np.median(values[:: -(-len(values) // 20_000)]),
        mean,
        np.sqrt(max(squares.sum() / values.size - mean**2, 0.0)),
    )
    quantiles = (0, 5, 25, 50, 75, 95, 100)
    norms = np.percentile(np.sqrt(squares), quantiles)
    same = values.max(axis=0) == values.min(axis=0)
    return dict(zip(names, map(float, figures), strict=True)) | {
        "norms": {f"p{q}": float(norm) for q, norm in zip(quantiles, norms, strict=True)},
        "constant_dimensions": int(same.sum()) if len(values) > 1 else 0,
    }
