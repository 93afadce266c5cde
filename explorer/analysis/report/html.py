"""The verification report as one page: no script, no request, every title escaped."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from explorer.analysis.matplotlib_style import write_file
from explorer.analysis.report import charts as figures
from explorer.analysis.report.checks.check import FAILED, NOT_JUDGED, NOTED, PASSED
from explorer.analysis.report.library_report import Evidence, Verification
from explorer.analysis.report.pooling_trial import similarities
from explorer.analysis.report.verdict import model_warning
from explorer.config import TITLES
from explorer.util.progress import format_duration, number

# The order in which checks are listed.
_STATES = {
    FAILED: ("bad", "✗ failed"),
    NOTED: ("note", "! noted"),
    PASSED: ("good", "✓ passed"),
    NOT_JUDGED: ("mute", "– not judged"),
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
    storage = report["storage"]
    colours = figures.genre_colours(evidence.labels)
    return environment.get_template("report.html").render(
        report=report,
        name=Path(report["database"]).name,
        warning=model_warning(report["model"]),
        counts=report["counts"],
        states=_STATES,
        colours=colours | {"others": figures.OTHER} if colours else {},
        storage={"songs.db": {"files": 1, "bytes": storage["database_bytes"]}} | storage["caches"],
        drawings=_drawings(report, evidence, colours),
    )


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
