"""Renders the verification report as one HTML page: it runs no script, loads nothing and escapes all text."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from matplotlib.figure import Figure

from explorer.analysis.matplotlib_style import write_file
from explorer.analysis.report import charts
from explorer.analysis.report.checks.check import FAILED, NOT_JUDGED, NOTED, PASSED
from explorer.analysis.report.library_report import ReportData, Verification
from explorer.analysis.report.verdict import POOLING_NAMES, model_warning
from explorer.config import PROJECTION_NAMES
from explorer.util.progress import format_duration, plural

# Each status' CSS class and text, in the order in which the page lists the checks.
_STATUSES = {
    FAILED: ("bad", "✗ failed"),
    NOTED: ("note", "! noted"),
    PASSED: ("good", "✓ passed"),
    NOT_JUDGED: ("mute", "– not judged"),
}


def write_page(verification: Verification, path: Path) -> None:
    """Write the report as one HTML file that needs no other file.

    Raises
    ------
    AnalysisError
        If the file cannot be written.
    """
    write_file(path, render_page(verification).encode("utf-8", "replace"), alternative="another file")


def render_page(verification: Verification) -> str:
    """Return the report as HTML."""
    report, data = verification.report, verification.data
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, trim_blocks=True
    )
    environment.globals |= {
        "plural": plural,
        "duration": format_duration,
        "value": _format_value,
        "titles": PROJECTION_NAMES,
        "pooling_names": POOLING_NAMES,
        "points": _format_points,
    }
    storage = report["storage"]
    colours = charts.genre_colours(data.labels)
    return environment.get_template("report.html").render(
        report=report,
        name=Path(report["database"]).name,
        warning=model_warning(report["model"]),
        counts=report["counts"],
        statuses=_STATUSES,
        colours=colours | {"others": charts.OTHER} if colours else {},
        storage={"songs.db": {"files": 1, "bytes": storage["database_bytes"]}} | storage["caches"],
        charts=_draw_charts(report, data),
        maps=_draw_maps(data, colours),
    )


def _draw_charts(report: dict, data: ReportData) -> dict[str, Markup]:
    """Return the charts for which there is data, as SVG by name."""
    figures = {}
    if len(data.values):
        figures["vector_values"] = charts.draw_values(data.values)
        figures["norms"] = charts.draw_norms(data.values)
    if report["neighbours"]["random_similarity"] is not None:
        figures["similarities"] = charts.draw_similarities(data.sample)
    if report["genres"]:
        figures["genres"] = charts.draw_genres(report["genres"]["per_label"])
    if pooling := report["pooling"]:
        measured = pooling["poolings"]
        names = [POOLING_NAMES[name] for name in measured]
        figures["poolings"] = charts.draw_poolings(names, list(measured.values()), pooling["chance"])
    if report["failures"]:
        figures["failures"] = charts.draw_failures(report["failures"])
    return {name: _svg(figure) for name, figure in figures.items()}


def _draw_maps(data: ReportData, colours: dict[str, str]) -> dict[str, Markup]:
    """Return a small map for each projection on which every song has a position, as SVG."""
    return {
        name: _svg(charts.draw_map(positions, data.labels, colours))
        for name, positions in data.positions.items()
        if positions is not None and data.labels
    }


def _svg(figure: Figure) -> Markup:
    return Markup(charts.inline_svg(figure))


def _format_value(value: float | None, form: str = ".0%") -> str:
    return "–" if value is None else format(value, form)


def _format_points(difference: dict | None) -> str:
    """Return a difference and its interval in percentage points."""
    if not difference:
        return "–"
    values = (100 * difference[key] for key in ("difference", "low", "high"))
    return "{:+.1f} ({:+.1f} to {:+.1f})".format(*values).replace("-", "\N{MINUS SIGN}")
