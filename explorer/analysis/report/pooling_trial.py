"""Embeds some songs again: compares maximum with mean pooling, and checks the stored vectors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from explorer.analysis.report.checks.check import (
    FAILED,
    NOT_JUDGED,
    PASSED,
    REINDEX,
    Check,
    make_check,
    name_songs,
)
from explorer.config import Settings
from explorer.database.verify import SourceFile
from explorer.embedding.pooling import pool
from explorer.errors import ExplorerError
from explorer.mapping.quality import label_purity
from explorer.mapping.unit_rows import centred_unit_rows
from explorer.util.progress import Reporter, plural

MAX_SONGS = 12
MAX_WINDOWS = 400
"""Embedding this many windows takes 30 to 60 s in float32 on two cores."""
_POOLINGS = ("max", "mean")
_NEIGHBOURS = 3
_SONGS_PER_GENRE = 3
_MIN_SONGS = 4
_MIN_COSINE = {"float32": 0.999}
_MIN_COSINE_OF_OTHER_PRECISIONS = 0.995
# The plain cosine of any two vectors is near 1: only the cosine after centring shows that two songs differ.
_MIN_CENTRED_COSINE = 0.9


@dataclass(frozen=True)
class Candidate:
    """A song whose file is unchanged since it was indexed, so that it can be embedded again."""

    song_id: str
    file: SourceFile
    genre: str
    artist: str


@dataclass(frozen=True)
class Reembedded:
    """Songs that were embedded again.

    Attributes
    ----------
    candidates : list of Candidate, length n
    pooled : dict of str to np.ndarray [shape=(n, 512), float64]
        The vectors pooled by "max", by "mean", and by the library's own method ("library").
    windows : list of int, length n
        The number of windows of each song.
    """

    candidates: list[Candidate]
    pooled: dict[str, np.ndarray]
    windows: list[int]


def choose_songs(
    candidates: Sequence[Candidate], *, hop_s: float, count: int | None = None
) -> list[Candidate]:
    """Choose songs that can be compared by genre: three of each genre, frequent genres and short songs first.

    Parameters
    ----------
    count : int, optional
        The number of songs; by default 12, or fewer if they would have more than 400 windows together.
    """
    by_genre: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda song: (song.file.duration_s, song.song_id)):
        by_genre.setdefault(candidate.genre, []).append(candidate)
    # The most frequent genres first, and songs without a genre last.
    genres = sorted(by_genre, key=lambda genre: (not genre, -len(by_genre[genre]), genre))
    # First three songs of every genre, then three more of every genre, and so on.
    ranked = [
        (place_in_genre // _SONGS_PER_GENRE, genre_rank, place_in_genre, candidate)
        for genre_rank, genre in enumerate(genres)
        for place_in_genre, candidate in enumerate(by_genre[genre])
    ]
    chosen: list[Candidate] = []
    windows_left = MAX_WINDOWS
    for *_, candidate in sorted(ranked, key=lambda entry: entry[:3]):
        # The first window starts half a second before the song.
        windows = 1 + int(np.ceil(max(candidate.file.duration_s - 0.5, 0.0) / hop_s))
        if len(chosen) == (MAX_SONGS if count is None else count):
            break
        # The first song is always chosen, however long it is.
        if count is None and chosen and windows > windows_left:
            continue
        windows_left -= windows
        chosen.append(candidate)
    return chosen


def embed_again(
    database: Path, chosen: Sequence[Candidate], *, coarse_windows: int | None, reporter: Reporter
) -> Reembedded:
    """Embed songs with their library's own model, and pool their windows by maximum and by mean.

    Songs that cannot be decoded any more are left out.

    Raises
    ------
    ExplorerError
        If the model is unknown, its weights cannot be found, or it cannot run on this machine.
    """
    from explorer.indexing.embed_files import open_embedder
    from explorer.indexing.model import ModelRequest

    request = ModelRequest(Settings().models)
    with reporter.working("Loading the library's model"):
        embedder = open_embedder(
            database=database, request=request, reporter=_WithoutSongProgress(reporter.console)
        )
    candidates, windows, rows = [], [], {method: [] for method in (*_POOLINGS, "library")}
    with reporter.counting("Embedding songs again", total=len(chosen)) as counter:
        for candidate in chosen:
            with suppress(ExplorerError):
                embedded = embedder.embed(candidate.file.path, candidate.file.part)
                candidates.append(candidate)
                windows.append(len(embedded.embedding))
                rows["library"].append(embedded.vector(coarse_windows))
                for method in _POOLINGS:
                    rows[method].append(pool(embedded.embedding, method=method))
            counter.advance()
    return Reembedded(
        candidates, {method: np.reshape(pooled, (-1, 512)) for method, pooled in rows.items()}, windows
    )


class _WithoutSongProgress(Reporter):
    """Shows no progress inside a song: `counting` already shows the number of songs done."""

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        yield lambda share: None


def check_reembedded(
    reembedded: Reembedded | None,
    reason: str,
    stored: Mapping[str, np.ndarray],
    mean: np.ndarray,
    precision: str,
) -> Check:
    """Check that embedding songs again gives their stored vectors.

    Parameters
    ----------
    reason : str
        A sentence that says why no song was embedded again; used only if none was.
    stored : mapping of str to np.ndarray [shape=(512,)]
        The library's vectors by song id.
    mean : np.ndarray [shape=(512,)]
        The library's mean vector.
    precision : str
        The arithmetic of the model; if it is not "float32", a larger difference is allowed.
    """
    name = "Embedding again gives the same vectors"
    if reembedded is None or not reembedded.candidates:
        return make_check(name, NOT_JUDGED, reason or "None of the chosen songs could be embedded again.")
    min_cosine = _MIN_COSINE.get(precision, _MIN_COSINE_OF_OTHER_PRECISIONS)
    wrong, lowest = [], 1.0
    for candidate, vector in zip(reembedded.candidates, reembedded.pooled["library"], strict=True):
        if candidate.song_id not in stored:
            continue
        stored_vector = stored[candidate.song_id].astype(np.float64)
        plain, centred = _cosine(vector, stored_vector), _cosine(vector - mean, stored_vector - mean)
        lowest = min(lowest, plain)
        if plain < min_cosine or (centred is not None and centred < _MIN_CENTRED_COSINE):
            wrong.append(candidate.song_id)
    songs = plural(len(reembedded.candidates), "song")
    if wrong:
        finding = (
            f"{len(wrong)} of {songs} that were embedded again did not give their stored vector "
            f"({name_songs(wrong)}): the stored one is that of another sound or model. {REINDEX}"
        )
        return make_check(name, FAILED, finding, wrong)
    finding = (
        f"{songs} embedded again: the cosine of the new and the stored vector is at least {lowest:.6f} (1 if "
        "they are equal)."
    )
    return make_check(name, PASSED, finding)


def _cosine(first: np.ndarray, second: np.ndarray) -> float | None:
    """Return the cosine of two vectors; None if one is zero."""
    lengths = np.linalg.norm(first) * np.linalg.norm(second)
    return float(first @ second / lengths) if lengths > 1e-9 else None


def compare_poolings(reembedded: Reembedded) -> dict | None:
    """Compare the similarities of songs by maximum pooling with those by mean pooling.

    Returns
    -------
    dict or None
        None for fewer than four songs. `songs`, `windows`, `neighbours` (the number k of neighbours per song)
        and `song_ids`; `neighbours_agreeing`, the share of neighbours that are the same with both poolings;
        `correlation`, of the pairs' similarities with the two poolings; and for each of "max" and "mean" a
        dict of `genre_purity`, `genre_chance`, `artist_purity` and `artist_chance` (None if too few songs
        share one).
    """
    n = len(reembedded.candidates)
    if n < _MIN_SONGS:
        return None
    k = min(_NEIGHBOURS, (n - 1) // 2)
    similarity = {method: similarities(reembedded.pooled[method]) for method in _POOLINGS}
    # The diagonal gets the lowest value, so that no song is its own neighbour.
    nearest = {
        method: np.argsort(3 * np.eye(n) - values, axis=1)[:, :k] for method, values in similarity.items()
    }
    both = zip(nearest["max"], nearest["mean"], strict=True)
    pairs = np.triu_indices(n, 1)
    genres = [candidate.genre for candidate in reembedded.candidates]
    artists = [candidate.artist for candidate in reembedded.candidates]
    return {
        "songs": n,
        "windows": sum(reembedded.windows),
        "neighbours": k,
        "song_ids": [candidate.song_id for candidate in reembedded.candidates],
        "neighbours_agreeing": float(
            np.mean([len(set(by_max) & set(by_mean)) / k for by_max, by_mean in both])
        ),
        "correlation": _correlation(similarity["max"][pairs], similarity["mean"][pairs]),
        **{
            method: _purity("genre", genres, indices) | _purity("artist", artists, indices)
            for method, indices in nearest.items()
        },
    }


def similarities(vectors: np.ndarray) -> np.ndarray:
    """Return the centred cosine of every two vectors [shape=(n, n), float64]."""
    directions = centred_unit_rows(vectors)[0].astype(np.float64)
    return directions @ directions.T


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _purity(kind: str, labels: list[str], nearest: np.ndarray) -> dict[str, float | None]:
    purity = label_purity(labels, nearest)
    return {f"{kind}_purity": purity and purity.purity, f"{kind}_chance": purity and purity.chance}
