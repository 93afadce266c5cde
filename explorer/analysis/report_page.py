"""The verification report as one page: no script, no request, every title escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from explorer.analysis import report_figures as figures
from explorer.analysis.checks import FAILED, NOT_JUDGED, NOTED, PASSED
from explorer.analysis.drawing import write_file
from explorer.analysis.pooling_trial import similarities
from explorer.analysis.report import Evidence, Verification
from explorer.config import TITLES
from explorer.progress import format_duration, number

# The order in which checks are listed.
_STATES = {
    FAILED: ("bad", "✗ failed"),
    NOTED: ("note", "! noted"),
    PASSED: ("good", "✓ passed"),
    NOT_JUDGED: ("mute", "– not judged"),
}
_WARNINGS = {
    False: "These vectors are of untrained filters, not OpenL3's: nearness shows timbre at best.",
    None: "What made these vectors is unknown: they were imported.",
}


def write_page(verification: Verification, path: Path) -> None:
    """Write the report as an HTML file that needs no other.

    Raises
    ------
    AnalysisError
        If it cannot be written.
    """
    write_file(path, render_page(verification).encode("utf-8", "replace"), choose="another file")


def render_page(verification: Verification) -> str:
    """Return the report as HTML."""
    report, evidence = verification.report, verification.evidence
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
    )
    environment.globals |= {"number": number, "duration": format_duration, "share": _share, "titles": TITLES}
    model = report["model"]
    colours = figures.genre_colours(evidence.labels)
    return environment.get_template("report.html").render(
        report=report,
        name=Path(report["database"]).name,
        warning=_WARNINGS.get(model.get("trained")) if model else None,
        tiles=_tiles(report),
        checks=_checks(report["checks"]),
        colours=colours | {"others": figures.OTHER} if colours else {},
        projections=[_projection(*entry) for entry in report["projections"].items()],
        poolings=_poolings(report["pooling"]),
        storage=_storage(report),
        drawings=_drawings(report, evidence, colours),
    )


def _tiles(report: dict) -> dict[str, str]:
    counts, speed = report["counts"], report["speed"]
    return {
        "songs": f"{counts['songs']:,}",
        "of sound": format_duration(counts["audio_seconds"]),
        **{name: f"{counts[name]:,}" for name in ("artists", "genres", "clusters", "failures")},
        "files gone": f"{counts['files_gone']:,}",
        "× real time": _share(speed and speed["times_real_time"], ".1f"),
    }


def _checks(found: list[dict]) -> list[dict]:
    ordered = sorted(found, key=lambda check: list(_STATES).index(check["status"]))
    return [check | dict(zip(("tone", "word"), _STATES[check["status"]], strict=True)) for check in ordered]


def _projection(name: str, facts: dict) -> list[str]:
    exact = ("trustworthiness", "measured_trustworthiness", "continuity")
    return [
        TITLES.get(name, name),
        *(_share(facts[key], ".3f") for key in exact),
        *(_share(facts[key]) for key in ("neighbours_kept", "genre_purity")),
    ]


def _poolings(facts: dict | None) -> list[list[str]]:
    """Return the table's rows: by maximum, by mean, by chance."""
    rows = {"maximum over time": ("max", "purity"), "mean over time": ("mean", "purity")}
    rows["by chance"] = ("max", "chance")
    return [
        [name, *(_share(facts[method][f"{what}_{figure}"]) for what in ("genre", "artist"))]
        for name, (method, figure) in rows.items()
        if facts
    ]


def _storage(report: dict) -> list[list[str]]:
    storage, songs = report["storage"], report["counts"]["songs"]
    sizes = {"songs.db": {"files": 1, "bytes": storage["database_bytes"]}} | storage["caches"]
    return [
        [
            name,
            f"{found['files']:,}",
            f"{found['bytes'] / 1e6:,.1f} MB",
            f"{found['bytes'] / songs / 1e3:,.1f} kB" if songs else "–",
        ]
        for name, found in sizes.items()
    ]


def _drawings(report: dict, evidence: Evidence, colours: dict[str, str]) -> dict:
    """Return the figures that there is something to draw for."""
    drawn, labels, maps = {}, evidence.labels, {}
    if len(evidence.stored.values):
        drawn["vector_values"] = figures.draw_values(evidence.stored.values)
        drawn["norms"] = figures.draw_norms(evidence.stored.values)
    if report["neighbours"]["random_similarity"] is not None:
        drawn["similarities"] = figures.draw_similarities(evidence.nearest)
    if report["genres"]:
        drawn["genres"] = figures.draw_genres(report["genres"]["per_label"])
    if report["pooling"]:
        by_max, by_mean = (similarities(evidence.repooled.pooled[method]) for method in ("max", "mean"))
        genres = [candidate.genre for candidate in evidence.repooled.candidates]
        drawn["poolings"] = figures.draw_poolings(by_max, by_mean, genres)
    if report["failures"]:
        drawn["failures"] = figures.draw_failures(report["failures"])
    for name, places in evidence.positions.items():
        if places is not None and len(labels):
            maps[name] = Markup(figures.inline_svg(figures.draw_map(places, labels, colours)))
    return {name: Markup(figures.inline_svg(figure)) for name, figure in drawn.items()} | {"maps": maps}


def _share(value: float | None, form: str = ".0%") -> str:
    return "–" if value is None else format(value, form)
