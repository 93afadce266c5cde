"""What fills the page's panels as one goes on: the legend, the line of trust, the state of a new drawing."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from explorer.web.jobs import JobState

TRUST_EXPLANATION = (
    ("Trustworthiness", "1 when songs that are near each other on this map also sound alike."),
    ("Continuity", "1 when songs that sound alike are also near each other on this map."),
    ("Neighbours kept", "How many of a song's ten truly nearest are among its ten nearest on this map."),
    (
        "Genre purity",
        "How many of its ten nearest on this map share its genre, and how many would by chance.",
    ),
)


def legend(title: str, entries: list[dict], *, groups: int) -> list:
    """Return the legend's rows: colour, name, number of songs; where a song stands for a group, it plays."""
    return [
        html.H2([html.Span(title), html.Span(f"{groups:,}", className="legend-count")]),
        html.Ul([_legend_row(**entry) for entry in entries]),
    ]


def _legend_row(colour: str, name: str, count: int, anthem: int | None) -> html.Li:
    parts = [
        html.Span(className="dot", style={"background": colour}),
        html.Span(name, className="legend-name", title=name),
        html.Span(f"{count:,}", className="legend-count"),
    ]
    if anthem is None:
        return html.Li(parts)
    label = f"Play the song that is most like {name}"
    button = html.Button(
        parts,
        className="legend-row",
        type="button",
        title=label,
        **{"aria-label": f"{label}; {count:,} songs", "data-anthem": str(anthem)},
    )
    return html.Li(button)


def trust_line(quality: dict) -> list:
    """Return how far a projection can be trusted, in one line that explains itself on hover and focus."""
    figures = [
        _figure(quality.get("trustworthiness"), "{:.3f}", "trustworthiness"),
        _figure(quality.get("continuity"), "{:.3f}", "continuity"),
        _figure(quality.get("neighbours_kept"), "{:.0%}", "of neighbours kept"),
        _figure(quality.get("genre_purity"), "{:.0%}", _purity_label(quality.get("genre_chance"))),
    ]
    parts = [part for figure in figures if figure for part in (*figure, " · ")][:-1]
    if not parts:
        return [html.Span("Too few songs to say how far this map can be trusted")]
    explanation = html.Dl(
        [part for name, text in TRUST_EXPLANATION for part in (html.Dt(name), html.Dd(text))]
    )
    line = html.Span(parts, className="trust-line", tabIndex=0)
    return [
        dmc.Tooltip(
            line,
            label=explanation,
            multiline=True,
            w=340,
            position="top-start",
            events={"hover": True, "focus": True, "touch": True},
        )
    ]


def _figure(value: float | None, form: str, label: str) -> list | None:
    return None if value is None else [html.B(form.format(value)), f" {label}"]


def _purity_label(chance: float | None) -> str:
    return "genre purity" if chance is None else f"genre purity (chance {chance:.0%})"


def redraw_state(state: JobState) -> list:
    """Return how far a new drawing has come."""
    if state.phase == "idle":
        return []
    told = html.Div(state.text, className="redraw-text")
    if state.phase != "running":
        return [told]
    return [told, dmc.Progress(value=round(100 * state.share), size="sm", animated=True)]
