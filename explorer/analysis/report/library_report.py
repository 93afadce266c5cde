"""Runs all checks of a songs.db, and collects their results and statistics as a report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from explorer.analysis.report import pooling_comparison, reembedding
from explorer.analysis.report.checks import check, copies, map_quality, neighbours
from explorer.analysis.report.checks.check import Check
from explorer.analysis.report.checks.neighbours import GenrePurity, NeighbourSample
from explorer.analysis.report.inputs import (
    LibraryContents,
    measure_speed,
    measure_storage,
    pool_stored_windows,
    read_library,
)
from explorer.analysis.report.pooling_comparison import LabelledSongs
from explorer.analysis.report.verdict import TOO_FEW, describe_poolings, verdict
from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.indexing.failures import count_reasons
from explorer.mapping.knn_graph import true_neighbours
from explorer.util.commands import index_command, with_database
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
    """

    values: np.ndarray
    sample: NeighbourSample
    hubs: dict
    genres: GenrePurity | None
    labels: list[str]
    positions: dict[str, np.ndarray | None]
    projections: dict[str, dict]
    statistics: dict


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
        The number of songs to embed again, to check their vectors; 0 for none. By default 12, or fewer if
        songs are long.

    Returns
    -------
    Verification
        Its report can be written as JSON: `database`, `written`, `verdict`, `failed` (names of checks),
        `counts`, `model`, `checks` (each `name`, `status`, `finding`, `songs`), `vectors`, `neighbours`,
        `genre_purity`, `genre_chance`, `genres`, `projections`, `failures` (reason to count), `storage`,
        `speed`, `pooling` and `pooling_reason`; see `compare_poolings` for `pooling`, which is None if
        the poolings could not be compared: `pooling_reason` then says why.

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
    checks.append(_embed_again(database, library, recompute, reporter))
    pooling, pooling_reason = _compare_poolings(database, library, reporter)
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
        "pooling_reason": pooling_reason,
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
) -> Check:
    """Embed some songs again, and check that this gives their stored vectors."""
    model, stored = library.model or {}, library.vectors.valid
    changed = {*library.gone, *library.changed, *library.unread}
    files = {song: library.files[song] for song in stored.song_ids if song in library.files.keys() - changed}
    again, reason = {}, ""
    if recompute == 0:
        reason = "No song was embedded again, because of --recompute 0."
    elif not model.get("weights_sha256"):
        reason = "The model of these vectors is unknown, so no song can be embedded again."
    elif not files:
        reason = "No song's file is unchanged since it was indexed, so none can be embedded again."
    else:
        chosen = reembedding.choose_songs(files, hop_s=float(model.get("hop_s") or 0.5), count=recompute)
        try:
            again = reembedding.embed_again(
                database.path,
                {song_id: files[song_id] for song_id in chosen},
                coarse_windows=library.coarse_windows,
                reporter=reporter,
            )
        except ExplorerError as error:
            reason = str(error)
    return reembedding.check_reembedded(
        again,
        {song_id: stored.vectors[stored.row_of(song_id)] for song_id in again},
        stored.neighbours.mean,
        precision=model.get("precision", ""),
        reason=reason,
    )


def _compare_poolings(
    database: Database, library: LibraryContents, reporter: Reporter
) -> tuple[dict | None, str | None]:
    """Compare the poolings of the stored windows, or return a sentence that says why that is not possible."""
    with_genre_and_artist = [
        song_id
        for song_id in library.vectors.song_ids
        if library.first_genre(song_id) and library.artists.get(song_id)
    ]
    with reporter.working("Comparing the poolings of windows"):
        try:
            pooled = pool_stored_windows(
                database, with_genre_and_artist, max_songs=pooling_comparison.MAX_SONGS
            )
        except ExplorerError as error:
            return None, str(error)
        if not pooled.with_windows:
            command = index_command(database.roots(), windows=True, database=database.path)
            return None, f"This library keeps no windows of its songs: run `{command}` to store them."
        vectors = dict(pooled.vectors)
        if library.coarse_windows is None and (library.model or {}).get("pooling") == "max":
            vectors[pooling_comparison.STORED] = library.vectors.valid.select(pooled.song_ids).vectors
        comparison = pooling_comparison.compare_poolings(
            LabelledSongs(
                [library.first_genre(song_id) for song_id in pooled.song_ids],
                [library.artists[song_id] for song_id in pooled.song_ids],
                vectors,
            )
        )
    if comparison is None:
        return None, TOO_FEW
    facts = {
        "songs_with_windows": pooled.with_windows,
        "is_sample": pooled.is_sample,
        "damaged": pooled.damaged[:10],
    }
    pooling = facts | comparison
    finding = describe_poolings(pooling, is_trained=library.is_trained)
    return pooling | {"finding": with_database(finding, database.path)}, None


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
