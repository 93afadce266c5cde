"""Checks a songs.db: what it holds, whether it is undamaged, and how good its map is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from explorer.analysis.report import pooling_trial
from explorer.analysis.report.checks import check, copies, map_quality, neighbours
from explorer.analysis.report.checks.check import Check
from explorer.analysis.report.checks.neighbours import Nearest, Purity
from explorer.analysis.report.checks.stored_vectors import StoredVectors
from explorer.analysis.report.inputs import ReadLibrary, measure_speed, measure_storage, read_library
from explorer.analysis.report.pooling_trial import Candidate, Repooled
from explorer.analysis.report.verdict import verdict
from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.indexing.failures import count_reasons
from explorer.mapping.knn_graph import true_neighbours
from explorer.mapping.similarity import centred_unit_rows
from explorer.util.progress import Reporter

# Beyond, finding every song's neighbours takes minutes: the hub figures stored with the map are used.
_ALL_NEIGHBOURS_UP_TO = 20_000


@dataclass
class Evidence:
    """The values that the checks use and the figures show."""

    stored: StoredVectors
    nearest: Nearest
    hubs: dict
    genres: Purity | None
    labels: list[str]
    """The first genre of each sound song, or ""."""
    positions: dict[str, np.ndarray | None]
    projections: dict[str, dict]
    statistics: dict
    repooled: Repooled | None = None


@dataclass
class Verification:
    """A report, and what its figures are drawn from."""

    report: dict
    evidence: Evidence


def verify(database: Database, *, recompute: int | None = None, reporter: Reporter) -> Verification:
    """Check a library and describe it.

    Parameters
    ----------
    recompute : int, optional
        How many songs' vectors are made again, to be compared and pooled in two ways; 0 for none. Unless
        it is given, 12, or fewer where songs are long.

    Returns
    -------
    Verification
        Its report is plain enough for JSON: `database`, `verdict`, `failed` (names of checks), `counts`,
        `model`, `checks` (each `name`, `status`, `finding`, `songs`), `vectors`, `neighbours`,
        `genre_purity`, `genre_chance`, `genres`, `projections`, `failures` (reason to count), `storage`,
        `speed`, `pooling` and `pooling_reason`.

    Raises
    ------
    LibraryError
        If the library cannot be read.
    """
    with reporter.working("Reading the library"):
        library = read_library(database)
    evidence = _compare(library, reporter)
    found = _judge(library, evidence, reporter)
    evidence.repooled, why_not = _make_again(database, library, recompute, reporter)
    found.append(_judge_again(library, evidence, why_not))
    failed = [each.name for each in found if each.status == check.FAILED]
    pooling = pooling_trial.compare_poolings(evidence.repooled) if evidence.repooled else None
    if evidence.repooled and not pooling:
        why_not = "Fewer than four songs could be compared."
    purity = evidence.genres
    report = {
        "database": str(database.path),
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "verdict": verdict(failed, len(found)),
        "failed": failed,
        "counts": library.counts(),
        "model": library.model,
        "checks": [each.record() for each in found],
        "vectors": evidence.statistics,
        "neighbours": _neighbours(evidence.nearest, evidence.hubs),
        "genre_purity": purity and purity.purity,
        "genre_chance": purity and purity.chance,
        "genres": purity and purity.record(),
        "projections": evidence.projections,
        "failures": count_reasons(library.failures),
        "storage": measure_storage(Path(database.path), database.size_bytes(), library.summary["songs"]),
        "speed": measure_speed(library.runs),
        "pooling": pooling,
        "pooling_reason": None if pooling else why_not,
    }
    return Verification(report, evidence)


def _compare(library: ReadLibrary, reporter: Reporter) -> Evidence:
    stored = library.stored
    ids = stored.song_ids
    with reporter.working(f"Comparing {check.number(len(ids), 'song')}"):
        rows, _ = centred_unit_rows(stored.values)
        labels = list(map(library.first_genre, ids))
        everyone = (
            true_neighbours(rows, neighbours.NEIGHBOURS) if 3 <= len(ids) <= _ALL_NEIGHBOURS_UP_TO else None
        )
        positions = {
            name: map_quality.aligned_places(on_it, ids) for name, on_it in sorted(library.places.items())
        }
        return Evidence(
            stored=stored,
            nearest=neighbours.nearest_of_sample(rows),
            hubs=neighbours.hub_facts(everyone, ids, library.neighbourhood),
            genres=neighbours.measure_purity(rows, labels),
            labels=labels,
            positions=positions,
            projections=map_quality.judge_projections(positions, library.quality, rows),
            statistics=check.value_statistics(stored.values),
        )


def _judge(library: ReadLibrary, evidence: Evidence, reporter: Reporter) -> list[Check]:
    stored = library.stored
    ids = stored.song_ids
    everybody = [*ids, *stored.unreadable, *stored.not_finite, *stored.constant, *stored.too_large]
    with reporter.working("Comparing songs that share a vector"):
        titles = {song_id: title for song_id, (title, _) in library.titles.items()}
        sorted_copies = copies.sort_copies(stored.identical, library.files, titles, library.durations_s)
    return [
        check.check_integrity(library.integrity),
        check.check_strays(library.strays, library.stray_vectors),
        check.check_without_vector(library.without_vector),
        check.check_files(len(library.files), library.gone, library.changed),
        *check.check_vectors(stored),
        check.check_range(stored, evidence.statistics["constant_dimensions"]),
        copies.check_copies(sorted_copies, len(ids)),
        neighbours.check_search(stored.values, ids, stored.identical),
        neighbours.check_hubs(evidence.hubs, ids, len(ids)),
        neighbours.check_genres(evidence.genres, trained=library.trained),
        map_quality.check_places(library.places, everybody),
        map_quality.check_positions(library.places),
        map_quality.check_trust(evidence.projections, len(ids)),
        map_quality.check_near(
            library.places, evidence.positions, ids, evidence.nearest, up_to_date=library.is_up_to_date
        ),
    ]


def _make_again(
    database: Database, library: ReadLibrary, recompute: int | None, reporter: Reporter
) -> tuple[Repooled | None, str]:
    """Embed some songs again, or return a sentence that says why not."""
    model = library.model
    if recompute == 0:
        return None, "It was not asked for (--recompute 0)."
    if model is None or not model.get("weights_sha256"):
        return None, "What made these vectors is unknown, so none can be made again."
    unchanged = set(library.files) - set(library.gone) - set(library.changed) - set(library.touched)
    candidates = [
        Candidate(
            song_id,
            library.files[song_id],
            library.first_genre(song_id),
            library.titles.get(song_id, ("", ""))[1],
        )
        for song_id in library.stored.song_ids
        if song_id in unchanged
    ]
    if not candidates:
        return None, "No song's file is there as it was when it was indexed."
    chosen = pooling_trial.choose_songs(candidates, hop_s=float(model.get("hop_s") or 0.5), count=recompute)
    try:
        return pooling_trial.make_again(Path(database.path), chosen, reporter=reporter), ""
    except ExplorerError as error:
        return None, str(error)


def _judge_again(library: ReadLibrary, evidence: Evidence, why_not: str) -> Check:
    stored = library.stored
    rows = {song_id: row for row, song_id in enumerate(stored.song_ids)}
    made = evidence.repooled.candidates if evidence.repooled else []
    return pooling_trial.check_made_again(
        evidence.repooled,
        why_not,
        {each.song_id: stored.values[rows[each.song_id]] for each in made},
        stored.values.mean(axis=0, dtype=np.float64) if len(stored.values) else np.zeros(512),
        (library.model or {}).get("precision", ""),
    )


def _neighbours(nearest: Nearest, hubs: dict) -> dict:
    """Return the median similarity of neighbours and of any two songs."""
    figures = {
        "nearest_similarity": nearest.similarities[:, :1],
        "tenth_similarity": nearest.similarities[:, -1:],
        "random_similarity": nearest.random,
    }
    medians = {name: float(np.median(values)) if values.size else None for name, values in figures.items()}
    return {"asked": len(nearest.asked), **medians, **hubs}
