"""Embeds some songs again, to check that their stored vectors are reproduced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
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
from explorer.errors import ExplorerError
from explorer.util.progress import Reporter, plural

MAX_SONGS = 12
MAX_WINDOWS = 400
"""Embedding this many windows takes 30 to 60 s in float32 on two cores."""
_SONGS_PER_GENRE = 3
_MIN_COSINE = {"float32": 0.999}
_MIN_COSINE_OF_OTHER_PRECISIONS = 0.995
# The plain cosine of any two vectors is near 1: only the cosine after centring shows that two songs differ.
_MIN_CENTRED_COSINE = 0.9


def choose_songs(files: Mapping[str, SourceFile], *, hop_s: float, count: int | None = None) -> list[str]:
    """Choose the shortest songs, because they take the least time to embed.

    Parameters
    ----------
    files : mapping of str to SourceFile
        The files of songs by song id.
    count : int, optional
        The number of songs; by default 12, or fewer if they would have more than 400 windows together. One
        song is always chosen, however long it is.
    """
    shortest = sorted(files, key=lambda song_id: (files[song_id].duration_s, song_id))
    if count is not None:
        return shortest[:count]
    # The first window starts half a second before the song.
    windows = [1 + np.ceil(max(files[song_id].duration_s - 0.5, 0.0) / hop_s) for song_id in shortest]
    fitting = int(np.searchsorted(np.cumsum(windows), MAX_WINDOWS, side="right"))
    return shortest[: min(MAX_SONGS, max(1, fitting))]


def embed_again(
    database: Path, files: Mapping[str, SourceFile], *, coarse_windows: int | None, reporter: Reporter
) -> dict[str, np.ndarray]:
    """Embed songs with their library's own model, and return their vectors by song id.

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
    vectors = {}
    with reporter.counting("Embedding songs again", total=len(files)) as counter:
        for song_id, file in files.items():
            with suppress(ExplorerError):
                vectors[song_id] = embedder.embed(file.path, file.part).vector(coarse_windows)
            counter.advance()
    return vectors


class _WithoutSongProgress(Reporter):
    """Shows no progress inside a song: `counting` already shows the number of songs done."""

    @contextmanager
    def working(self, what: str) -> Iterator[Callable[[float], None]]:
        yield lambda share: None


def check_reembedded(
    again: Mapping[str, np.ndarray],
    stored: Mapping[str, np.ndarray],
    mean: np.ndarray,
    *,
    precision: str,
    reason: str = "",
) -> Check:
    """Check that embedding songs again gives their stored vectors.

    Parameters
    ----------
    again, stored : mapping of str to np.ndarray [shape=(512,)]
        The new vectors and those of the library, by song id.
    mean : np.ndarray [shape=(512,)]
        The library's mean vector.
    precision : str
        The arithmetic of the model; if it is not "float32", a larger difference is allowed.
    reason : str
        A sentence that says why no song was embedded again; used only if none was.
    """
    name = "Embedding again gives the same vectors"
    if not again:
        return make_check(name, NOT_JUDGED, reason or "None of the chosen songs could be embedded again.")
    min_cosine = _MIN_COSINE.get(precision, _MIN_COSINE_OF_OTHER_PRECISIONS)
    wrong, lowest = [], 1.0
    for song_id, vector in again.items():
        stored_vector = stored[song_id].astype(np.float64)
        plain, centred = _cosine(vector, stored_vector), _cosine(vector - mean, stored_vector - mean)
        lowest = min(lowest, plain)
        if plain < min_cosine or (centred is not None and centred < _MIN_CENTRED_COSINE):
            wrong.append(song_id)
    songs = plural(len(again), "song")
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
