"""What fills the page's panels as one goes on: the legend, the line of trust, the state of a new drawing."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from explorer.errors import ExplorerError
from explorer.util.progress import number
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.redraw_job import JobState
from explorer.web.page.parts import button, icon, part

TRUST_EXPLANATION = (
    ("Trustworthiness", "1 when songs that are near each other on this map also sound alike."),
    ("Continuity", "1 when songs that sound alike are also near each other on this map."),
    ("Neighbours kept", "How many of a song's ten truly nearest are among its ten nearest on this map."),
    (
        "Genre purity",
        "How many of its ten nearest on this map share its genre, and how many would by chance.",
    ),
)


def legend(
    title: str,
    entries: list[dict],
    *,
    groups: int,
    shown: tuple[int, ...] | None = None,
    missing: int = 0,
) -> list:
    """Return the legend's rows: colour, name, number of songs.

    A row isolates its group on the map; where a song stands for the group, a second button plays it.

    Parameters
    ----------
    shown : tuple of int, optional
        The groups that are isolated now.
    missing : int
        How many songs on the map have no file any more: a last row says what marks them.
    """
    rows = [_legend_row(shown=shown, **entry) for entry in entries]
    if missing:
        rows.append(_missing_row(missing))
    return [
        html.H2([html.Span(title), html.Span(f"{groups:,}", className="legend-count")]),
        html.Ul(rows, className="legend-isolated" if shown is not None else None),
    ]


def _missing_row(count: int) -> html.Li:
    parts = _row_parts(html.Span(className="dot dot-missing"), "File missing", count)
    return html.Li(part("legend-row legend-rest", *parts), className="legend-missing")


def _row_parts(dot: html.Span, name: str, count: int, **title: str) -> list[html.Span]:
    label = html.Span(name, className="legend-name", **title)
    return [dot, label, html.Span(f"{count:,}", className="legend-count")]


def _legend_row(
    colour: str,
    name: str,
    count: int,
    representative: int | None,
    group: int | None,
    shown: tuple[int, ...] | None,
) -> html.Li:
    parts = _row_parts(html.Span(className="dot", style={"background": colour}), name, count, title=name)
    if group is None:
        return html.Li(part("legend-row legend-rest", *parts))
    is_pressed = shown is not None and group in shown
    isolate = button(
        *parts,
        kind="legend-row",
        title="Show only this group (Shift adds it)",
        aria_pressed=str(is_pressed).lower(),
        aria_label=f"Show only {name}: {count:,} songs",
        data_group=str(group),
    )
    row = [isolate]
    if representative is not None:
        label = f"Play the song that is most like {name}"
        told = {"title": label, "aria_label": label, "data_representative": str(representative)}
        row.append(button(icon("play"), kind="legend-play", **told))
    return html.Li(row, className="legend-on" if is_pressed else None)


def trust_line(quality: dict) -> list:
    """Return how far a projection can be trusted, in one line that explains itself on hover and focus."""
    chance = quality.get("genre_chance")
    purity = "genre purity" if chance is None else f"genre purity (chance {chance:.0%})"
    figures = (
        ("trustworthiness", ".3f", "trustworthiness"),
        ("continuity", ".3f", "continuity"),
        ("neighbours_kept", ".0%", "of neighbours kept"),
        ("genre_purity", ".0%", purity),
    )
    parts = []
    for name, form, label in figures:
        if (value := quality.get(name)) is not None:
            parts += [" · "] * bool(parts) + [html.B(format(value, form)), f" {label}"]
    if not parts:
        return [html.Span("Too few songs to say how far this map can be trusted")]
    explanation = html.Dl([row for name, text in TRUST_EXPLANATION for row in (html.Dt(name), html.Dd(text))])
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


def redraw_state(state: JobState) -> list:
    """Return how far a new drawing has come."""
    if state.phase == "idle":
        return []
    told = html.Div(state.text, className="redraw-text")
    if state.phase != "running":
        return [told]
    return [told, dmc.Progress(value=round(100 * state.share), size="sm", animated=True)]


def suggestions(holder: CatalogueHolder, text: str | None, hide: tuple[str, ...] = ()) -> list[dict]:
    """Return what the search offers: genres and artists to filter by, and songs; none while it is busy."""
    if not text:
        return []
    try:
        found = holder.held().suggest(text, hide=hide)
    except ExplorerError:
        return []
    return [_suggestion(one) for one in found]


def _suggestion(one: dict) -> dict:
    if one["kind"] == "song":
        return {"value": f"song:{one['index']}", "label": one["title"], "told": one["artist"] or "no artist"}
    kind, name = one["kind"], one["name"]
    told = f"Show this {kind}: {number(one['songs'], 'song')}"
    return {"value": f"{kind}:{name}", "label": name, "told": told}


def filter_options(catalogue: Catalogue, cluster_count: int | None, hide: tuple[str, ...] = ()) -> tuple:
    """Return what the filters offer: genres, clusters, years from and to, a note, and the longest song."""
    facets = catalogue.facets
    counted = facets.by_genre.counted(hidden=catalogue.hidden(hide))
    genres = [{"value": name, "label": f"{name} ({count:,})"} for name, count in counted]
    grouping = catalogue.grouping("cluster", cluster_count=cluster_count)
    first, last = facets.years or (0, 0)
    missing = facets.n_without_year
    note = f"{missing:,} songs say no year" if missing else ""
    longest = int(facets.durations_s[1]) + 1 if facets.durations_s else 60
    return genres, grouping.names, first, max(last, first), note, longest


def artist_options(holder: CatalogueHolder, text: str, chosen: list[str]) -> list[str]:
    """Return artists whose names hold a text, with those that are chosen already."""
    try:
        found = holder.held().facets.suggest_artists(text)
    except ExplorerError:
        found = []
    return list(dict.fromkeys([*(str(name) for name in chosen), *found]))
