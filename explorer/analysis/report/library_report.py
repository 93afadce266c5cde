"""Runs all checks of a songs.db, and collects their results and statistics as a report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from explorer.analysis.report import pooling_trial
from explorer.analysis.report.checks import check, copies, map_quality, neighbours
from explorer.analysis.report.checks.check import Check
from explorer.analysis.report.checks.neighbours import GenrePurity, NeighbourSample
from explorer.analysis.report.inputs import LibraryContents, measure_speed, measure_storage, read_library
from explorer.analysis.report.pooling_trial import Candidate, Reembedded
from explorer.analysis.report.verdict import verdict
from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.indexing.failures import count_reasons
from explorer.mapping.knn_graph import true_neighbours
from explorer.util.commands import with_database
from explorer.util.progress import Reporter, plural

# For more songs, finding every song's neighbours takes minutes: the stored hubness is used instead.
_MAX_SONGS_FOR_ALL_NEIGHBOURS = 20_000


@dataclass
class ReportData:
    """The data that the checks use and the charts show.

    Attributes
    ----------
    values : np.ndarray [shape=(n, 512), float32]
        The valid vectors.
    sample : NeighbourSample
    hubs : dict
        As `measure_hubs` returns them.
    genres : GenrePurity or None
    labels : list of str, length n
        The first genre of each song with a valid vector; "" for none.
    positions : dict of str to np.ndarray [shape=(n, 2), float32] or None
        By projection; None if a song has no finite position.
    projections : dict of str to dict
        Each projection's quality figures, as stored and as measured now.
    statistics : dict
        As `value_statistics` returns them for the valid vectors.
    reembedded : Reembedded or None
    """

    values: np.ndarray
    sample: NeighbourSample
    hubs: dict
    genres: GenrePurity | None
    labels: list[str]
    positions: dict[str, np.ndarray | None]
    projections: dict[str, dict]
    statistics: dict
    reembedded: Reembedded | None = None


@dataclass
class Verification:
    """A report, and the data for its charts."""

    report: dict
    data: ReportData


def verify(database: Database, *, recompute: int | None = None, reporter: Reporter) -> Verification:
    """Run all checks of a library, and collect statistics.

    Parameters
    ----------
    recompute : int, optional
        The number of songs to embed again, to check their vectors and compare two poolings; 0 for none.
        By default 12, or fewer if songs are long.

    Returns
    -------
    Verification
        Its report can be written as JSON: `database`, `written`, `verdict`, `failed` (names of checks),
        `counts`, `model`, `checks` (each `name`, `status`, `finding`, `songs`), `vectors`, `neighbours`,
        `genre_purity`, `genre_chance`, `genres`, `projections`, `failures` (reason to count), `storage`,
        `speed`, `pooling` and `pooling_reason`.

    Raises
    ------
    LibraryError
        If the library cannot be read.
    AnalysisError
        If the file is so damaged that it cannot be read.
    """
    with reporter.working("Reading the library"):
        library = read_library(database)
    data = _measure(library, reporter)
    checks = _run_checks(library, data, reporter)
    data.reembedded, reason = _embed_again(database, library, recompute, reporter)
    checks.append(_check_reembedded(library, data, reason))
    pooling = None
    if data.reembedded:
        pooling = pooling_trial.compare_poolings(data.reembedded)
        reason = "Fewer than four songs could be compared."
    purity = data.genres
    failed = [result.name for result in checks if result.status == check.FAILED]
    report = {
        "database": str(database.path),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict(failed, len(checks)),
        "failed": failed,
        "counts": library.counts(),
        "model": library.model,
        "checks": [
            result.record() | {"finding": with_database(result.finding, database.path)} for result in checks
        ],
        "vectors": data.statistics,
        "neighbours": _neighbour_statistics(data.sample) | data.hubs,
        "genre_purity": purity and purity.purity,
        "genre_chance": purity and purity.chance,
        "genres": purity and purity.record(),
        "projections": data.projections,
        "failures": count_reasons(library.failures),
        "storage": measure_storage(Path(database.path), database.size_bytes(), library.summary["songs"]),
        "speed": measure_speed(library.runs),
        "pooling": pooling,
        "pooling_reason": None if pooling else reason,
    }
    return Verification(report, data)


def _measure(library: LibraryContents, reporter: Reporter) -> ReportData:
    values, ids = library.vectors.values, library.vectors.song_ids
    with reporter.working(f"Comparing {plural(len(ids), 'song')}"):
        directions = library.vectors.valid.neighbours.rows
        labels = list(map(library.first_genre, ids))
        all_neighbours = None
        if 3 <= len(ids) <= _MAX_SONGS_FOR_ALL_NEIGHBOURS:
            all_neighbours = true_neighbours(directions, neighbours.NEIGHBOURS)
        positions = {
            name: map_quality.aligned_positions(stored, ids)
            for name, stored in sorted(library.positions.items())
        }
        return ReportData(
            values=values,
            sample=neighbours.sample_neighbours(directions),
            hubs=neighbours.measure_hubs(all_neighbours, ids, library.neighbourhood),
            genres=neighbours.measure_purity(directions, labels),
            labels=labels,
            positions=positions,
            projections=map_quality.measure_projections(positions, library.quality, directions),
            statistics=check.value_statistics(values),
        )


def _run_checks(library: LibraryContents, data: ReportData, reporter: Reporter) -> list[Check]:
    vectors = library.vectors
    ids = vectors.song_ids
    all_ids = [*ids, *vectors.unreadable, *vectors.not_finite, *vectors.constant, *vectors.too_large]
    with reporter.working("Comparing songs that share a vector"):
        titles = {song_id: title for song_id, (title, _) in library.titles.items()}
        shared = copies.explain_shared_vectors(vectors.identical, library.files, titles, library.durations_s)
    return [
        check.check_integrity(library.integrity_problems),
        check.check_stray_rows(library.stray_rows, library.stray_vectors),
        check.check_without_vector(library.songs_without_vector),
        check.check_files(len(library.files), library.gone, library.changed),
        *check.check_vectors(vectors),
        check.check_range(vectors, data.statistics["constant_dimensions"]),
        copies.check_shared_vectors(shared, len(ids)),
        neighbours.check_search(vectors.valid, vectors.identical),
        neighbours.check_hubs(data.hubs, ids, len(ids)),
        neighbours.check_genres(data.genres, is_trained=library.is_trained),
        map_quality.check_all_on_map(library.positions, all_ids),
        map_quality.check_positions(library.positions),
        map_quality.check_trust(data.projections, len(ids)),
        map_quality.check_neighbour_counts(
            library.positions,
            data.positions,
            ids,
            data.sample,
            is_map_up_to_date=library.is_map_up_to_date,
        ),
    ]


def _embed_again(
    database: Database, library: LibraryContents, recompute: int | None, reporter: Reporter
) -> tuple[Reembedded | None, str]:
    """Embed some songs again, or return a sentence with the reason why that is not done."""
    model = library.model
    if recompute == 0:
        return None, "No song was embedded again, because of --recompute 0."
    if model is None or not model.get("weights_sha256"):
        return None, "The model of these vectors is unknown, so no song can be embedded again."
    unchanged = set(library.files) - set(library.gone) - set(library.changed) - set(library.unread)
    candidates = [
        Candidate(
            song_id,
            library.files[song_id],
            library.first_genre(song_id),
            library.titles.get(song_id, ("", ""))[1],
        )
        for song_id in library.vectors.song_ids
        if song_id in unchanged
    ]
    if not candidates:
        return None, "No song's file is unchanged since it was indexed, so none can be embedded again."
    chosen = pooling_trial.choose_songs(candidates, hop_s=float(model.get("hop_s") or 0.5), count=recompute)
    try:
        windows = library.coarse_windows
        return pooling_trial.embed_again(database.path, chosen, coarse_windows=windows, reporter=reporter), ""
    except ExplorerError as error:
        return None, str(error)


def _check_reembedded(library: LibraryContents, data: ReportData, reason: str) -> Check:
    stored = library.vectors.valid
    candidates = data.reembedded.candidates if data.reembedded else []
    return pooling_trial.check_reembedded(
        data.reembedded,
        reason,
        {candidate.song_id: stored.vectors[stored.row_of(candidate.song_id)] for candidate in candidates},
        stored.neighbours.mean,
        (library.model or {}).get("precision", ""),
    )


def _neighbour_statistics(sample: NeighbourSample) -> dict:
    """Return the median similarity of a song to its nearest and tenth nearest song, and of random pairs."""
    similarities = {
        "nearest_similarity": sample.similarities[:, :1],
        "tenth_similarity": sample.similarities[:, -1:],
        "random_similarity": sample.random_similarities,
    }
    medians = {
        name: float(np.median(values)) if values.size else None for name, values in similarities.items()
    }
    return {"asked": len(sample.queries), **medians}
