"""Maximum against mean: some songs' windows are made again, and pooled both ways.

It also shows whether the vectors of the library are those that its own model gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.analysis.report.checks.check import FAILED, NOT_JUDGED, PASSED, Check, among, check
from explorer.config import Settings
from explorer.database.verify import SourceFile
from explorer.embedding.pooling import pool
from explorer.errors import ExplorerError
from explorer.mapping.quality import label_purity
from explorer.mapping.similarity import centred_unit_rows
from explorer.util.progress import Reporter, number

SONGS = 12
MOST_WINDOWS = 400
"""Half a minute to a minute of work in float32 on two cores."""
_NEIGHBOURS = 3
_PER_GENRE = 3
_LEAST_SONGS = 4
_LEAST_COSINE = {"float32": 0.999}
_LEAST_COSINE_OF_FASTER = 0.995
# Any two vectors have a cosine near 1: only the cosine from the library's mean tells songs apart.
_LEAST_CENTRED_COSINE = 0.9


@dataclass(frozen=True)
class Candidate:
    """A song whose file is there, as it was when it was indexed."""

    song_id: str
    file: SourceFile
    genre: str
    artist: str


@dataclass(frozen=True)
class Repooled:
    """Songs whose windows were made again.

    Attributes
    ----------
    candidates : list of Candidate
    pooled : dict of str to np.ndarray [shape=(n, 512), float64]
        By "max" and "mean", and by "library" as its own model pools.
    windows : list of int
        How many each song has.
    """

    candidates: list[Candidate]
    pooled: dict[str, np.ndarray]
    windows: list[int]


def choose_songs(
    candidates: Sequence[Candidate], *, hop_s: float, count: int | None = None
) -> list[Candidate]:
    """Choose songs that can be compared by genre: three of a genre, genre after genre, short ones first.

    Parameters
    ----------
    count : int, optional
        How many; else 12, or as many as have 400 windows together.
    """
    by_genre: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda each: (each.file.duration_s, each.song_id)):
        by_genre.setdefault(candidate.genre, []).append(candidate)
    # The most frequent genres first, and songs without one last.
    genres = sorted(by_genre, key=lambda genre: (not genre, -len(by_genre[genre]), genre))
    ranked = [
        (place // _PER_GENRE, rank, place, candidate)
        for rank, genre in enumerate(genres)
        for place, candidate in enumerate(by_genre[genre])
    ]
    chosen: list[Candidate] = []
    left = MOST_WINDOWS
    for *_, candidate in sorted(ranked, key=lambda each: each[:3]):
        windows = 1 + int(np.ceil(max(candidate.file.duration_s - 0.5, 0.0) / hop_s))
        if len(chosen) == (SONGS if count is None else count):
            break
        # A single song is always made again, however long.
        if count is None and chosen and windows > left:
            continue
        left -= windows
        chosen.append(candidate)
    return chosen


def make_again(database: Path, chosen: Sequence[Candidate], *, reporter: Reporter) -> Repooled:
    """Embed songs with their library's own model, and pool their windows both ways.

    Songs that cannot be decoded any more are left out.

    Raises
    ------
    ExplorerError
        If the model is unknown, its weights cannot be had, or it cannot run here.
    """
    from explorer.indexing.embed_files import open_embedder
    from explorer.indexing.model import ModelRequest

    request = ModelRequest(Settings().models)
    quiet = _QuietAboutSongs(reporter.console)
    with reporter.working("Loading the library's model"):
        embedder = open_embedder(database=database, request=request, reporter=quiet)
    made, windows, rows = [], [], {"max": [], "mean": [], "library": []}
    with reporter.counting("Making vectors again", total=len(chosen)) as counter:
        for candidate in chosen:
            with suppress(ExplorerError):
                found = embedder.embed(candidate.file.path)
                made.append(candidate)
                windows.append(len(found.embedding))
                rows["library"].append(found.pooled)
                for method in ("max", "mean"):
                    rows[method].append(pool(found.embedding, method=method))
            counter.advance()
    return Repooled(made, {name: np.reshape(pooled, (-1, 512)) for name, pooled in rows.items()}, windows)


class _QuietAboutSongs(Reporter):
    """Shows no progress of single songs: `counting` shows how many are done."""

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        yield lambda share: None


def check_made_again(
    repooled: Repooled | None,
    why_not: str,
    stored: Mapping[str, np.ndarray],
    mean: np.ndarray,
    precision: str,
) -> Check:
    """Judge whether vectors made again are those that are stored.

    Parameters
    ----------
    why_not : str
        A sentence, where nothing could be made again.
    stored : mapping of str to np.ndarray [shape=(512,)]
        The library's vectors by song id.
    mean : np.ndarray [shape=(512,)]
        The library's mean vector.
    precision : str
        The arithmetic of the model: less exact ones give a little less of the same.
    """
    name = "Vectors made again are the same"
    if repooled is None or not repooled.candidates:
        return check(name, NOT_JUDGED, why_not or "No song of those chosen could be embedded again.")
    least = _LEAST_COSINE.get(precision, _LEAST_COSINE_OF_FASTER)
    wrong, worst = [], 1.0
    for candidate, vector in zip(repooled.candidates, repooled.pooled["library"], strict=True):
        if candidate.song_id not in stored:
            continue
        before = stored[candidate.song_id].astype(np.float64)
        alike, apart = _cosine(vector, before), _cosine(vector - mean, before - mean)
        worst = min(worst, alike)
        if alike < least or (apart is not None and apart < _LEAST_CENTRED_COSINE):
            wrong.append(candidate.song_id)
    if wrong:
        finding = (
            f"{len(wrong)} of {number(len(repooled.candidates), 'song')} do not give the stored vector "
            f"({among(wrong)}): it is another sound's, or another model's; index with --reindex."
        )
        return check(name, FAILED, finding, wrong)
    finding = f"So it is for {number(len(repooled.candidates), 'song')}: cosine {worst:.6f} at least."
    return check(name, PASSED, finding)


def _cosine(one: np.ndarray, other: np.ndarray) -> float | None:
    """Return a cosine, or None if a vector is zero."""
    lengths = np.linalg.norm(one) * np.linalg.norm(other)
    return float(one @ other / lengths) if lengths > 1e-9 else None


def compare_poolings(repooled: Repooled) -> dict | None:
    """Compare how well the maximum and the mean over time tell songs apart.

    Returns
    -------
    dict or None
        `songs`, `windows`, `neighbours` (how many were looked at), and for "max" and "mean" `genre_purity`,
        `genre_chance`, `artist_purity`, `artist_chance` (None if too few share one); `neighbours_agreeing`,
        the share of neighbours that both name, `correlation` of all pairs' similarities, and `song_ids`.
        None for fewer than four songs.
    """
    n = len(repooled.candidates)
    if n < _LEAST_SONGS:
        return None
    k = min(_NEIGHBOURS, (n - 1) // 2)
    alike = {method: similarities(repooled.pooled[method]) for method in ("max", "mean")}
    near = {method: np.argsort(3 * np.eye(n) - each, axis=1)[:, :k] for method, each in alike.items()}
    pairs = np.triu_indices(n, 1)
    labels = {what: [getattr(each, what) for each in repooled.candidates] for what in ("genre", "artist")}
    return {
        "songs": n,
        "windows": sum(repooled.windows),
        "neighbours": k,
        "song_ids": [candidate.song_id for candidate in repooled.candidates],
        "neighbours_agreeing": float(
            np.mean([len(set(a) & set(b)) / k for a, b in zip(near["max"], near["mean"], strict=True)])
        ),
        "correlation": _correlation(alike["max"][pairs], alike["mean"][pairs]),
        **{
            method: _purity("genre", labels["genre"], found) | _purity("artist", labels["artist"], found)
            for method, found in near.items()
        },
    }


def similarities(vectors: np.ndarray) -> np.ndarray:
    """Return every pair's similarity [shape=(n, n), float64]: cosines after the mean was taken away."""
    rows = centred_unit_rows(vectors)[0].astype(np.float64)
    return rows @ rows.T


def _correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _purity(what: str, labels: list[str], near: np.ndarray) -> dict[str, float | None]:
    found = label_purity(labels, near)
    return {f"{what}_purity": found and found.purity, f"{what}_chance": found and found.chance}
