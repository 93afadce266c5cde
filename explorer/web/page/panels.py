"""Parts of the page that callbacks fill: legend, map quality, redraw progress, search and filter choices."""

from __future__ import annotations

import time
from collections.abc import Sequence

import dash_mantine_components as dmc
from dash import html, set_props

from explorer.errors import ExplorerError, NoLibraryError
from explorer.util.progress import plural
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.redraw_job import JobState
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, icon, part

TRUST_EXPLANATION = (
    ("Trustworthiness", "Is 1 when songs that are near each other on this map also sound alike."),
    ("Continuity", "Is 1 when songs that sound alike are also near each other on this map."),
    (
        "Neighbours kept",
        "How many of the ten songs that sound most like a song are among the ten nearest to it on this map.",
    ),
    (
        "Genre purity",
        "How many of the ten songs nearest to a song on this map have its genre. Chance is the number for a "
        "map with the songs in random places.",
    ),
    (
        "Neighbours found",
        "In a very large library, the songs that sound most like a song are searched only where most of them "
        "are. This is the share of them that was found.",
    ),
)


def legend(
    title: str,
    entries: list[dict],
    *,
    n_groups: int,
    isolated: tuple[int, ...] | None = None,
    n_missing: int = 0,
) -> list:
    """Return the legend's heading, and its rows of colour, name and number of songs.

    A click on a row shows only its group on the map. A second button plays the song that represents the
    group, if there is one.

    Parameters
    ----------
    entries : list of dict
        As `legend_entries` returns them.
    isolated : tuple of int, optional
        The groups that the user has chosen to show alone; None if all groups are shown.
    n_missing : int
        How many songs on the map have no file. If there are any, the last row explains how they are drawn.
    """
    rows = [_legend_row(isolated=isolated, **entry) for entry in entries]
    if n_missing:
        rows.append(_missing_row(n_missing))
    return [
        html.H2([html.Span(title), html.Span(f"{n_groups:,}", className="legend-count")]),
        html.Ul(rows, className="legend-isolated" if isolated is not None else None),
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
    isolated: tuple[int, ...] | None,
) -> html.Li:
    parts = _row_parts(html.Span(className="dot", style={"background": colour}), name, count, title=name)
    if group is None:
        return html.Li(part("legend-row legend-rest", *parts))
    is_isolated = isolated is not None and group in isolated
    row_button = button(
        *parts,
        kind="legend-row",
        title="Show only this group (Shift-click adds it)",
        aria_pressed=str(is_isolated).lower(),
        aria_label=f"Show only {name}: {count:,} songs",
        data_group=str(group),
    )
    row = [row_button]
    if representative is not None:
        label = f"Play the song that is most like {name}"
        attributes = {"title": label, "aria_label": label, "data_representative": str(representative)}
        row.append(button(icon("play"), kind="legend-play", **attributes))
    return html.Li(row, className="legend-on" if is_isolated else None)


def trust_line(quality: dict) -> list:
    """Return one line that says how far a projection can be trusted; its tooltip explains the numbers."""
    chance = quality.get("genre_chance")
    purity = "genre purity" if chance is None else f"genre purity (chance {chance:.0%})"
    figures = (
        ("trustworthiness", ".3f", "trustworthiness"),
        ("continuity", ".3f", "continuity"),
        ("neighbours_kept", ".0%", "of neighbours kept"),
        ("genre_purity", ".0%", purity),
        ("neighbours_found", ".1%", "of neighbours found"),
    )
    parts = []
    for name, form, label in figures:
        if (value := quality.get(name)) is not None:
            separator = [" · "] if parts else []
            parts += [*separator, html.B(format(value, form)), f" {label}"]
    if not parts:
        return [html.Span("Too few songs to measure how far this map can be trusted")]
    explained = TRUST_EXPLANATION if "neighbours_found" in quality else TRUST_EXPLANATION[:-1]
    explanation = html.Dl([row for name, text in explained for row in (html.Dt(name), html.Dd(text))])
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
    """Return the progress of a new map."""
    if state.phase == "idle":
        return []
    text = html.Div(state.text, className="redraw-text")
    if state.phase != "running":
        return [text]
    return [text, dmc.Progress(value=round(100 * state.share), size="sm", animated=True)]


def suggestions(holder: CatalogueHolder, text: str, hide: tuple[str, ...] = ()) -> list[dict]:
    """Return what the search suggests: genres and artists to filter by, and songs; [] on an error."""
    if not text:
        return []
    try:
        return [_option(suggestion) for suggestion in holder.current().suggest(text, hide=hide)]
    except ExplorerError as error:
        tell(error)
        return []


def tell(error: ExplorerError) -> None:
    """Show an error on the page, unless its notice says already that there is no library."""
    if not isinstance(error, NoLibraryError):
        set_props(Ids.PROBLEM, {"data": problem(error, "choices")})


def problem(error: ExplorerError, about: str) -> dict:
    """Return what the page shows about an error.

    Parameters
    ----------
    about : {"map", "choices"}
        What could not be made: the map, or the choices of the search and the filters.
    """
    # The time makes the same error a new one: it may have been closed on the page.
    return {"text": str(error), "about": about, "at": time.time()}


def _option(suggestion: dict) -> dict:
    """Return a suggestion as an option of the search box; "told" is the line below its label."""
    kind = suggestion["kind"]
    if kind == "song":
        artist = suggestion["artist"] or "no artist"
        told = artist if suggestion["is_mapped"] else f"{artist} · not on the map yet"
        return {"value": f"song:{suggestion['id']}", "label": suggestion["title"], "told": told}
    name = suggestion["name"]
    detail = f"Show this {kind}: {plural(suggestion['songs'], 'song')}"
    return {"value": f"{kind}:{name}", "label": name, "told": detail}


def filter_options(catalogue: Catalogue, cluster_count: int | None, hide: tuple[str, ...] = ()) -> tuple:
    """Return the filters' choices.

    Returns
    -------
    tuple
        The genres as options, the clusters' names, the first and the last year, a note about songs without a
        year, and the longest duration in seconds, rounded up.
    """
    facets = catalogue.facets
    counted = facets.by_genre.counted(hidden=catalogue.hidden(hide))
    genres = [{"value": name, "label": f"{name} ({count:,})"} for name, count in counted]
    grouping = catalogue.grouping("cluster", cluster_count=cluster_count)
    first, last = facets.years or (0, 0)
    n_without = facets.n_without_year
    note = f"{plural(n_without, 'song')} without a year" if n_without else ""
    longest = int(facets.durations_s[1]) + 1 if facets.durations_s else 60
    return genres, grouping.names, first, max(last, first), note, longest


def artist_options(holder: CatalogueHolder, text: str, chosen: Sequence[str]) -> list[str]:
    """Return artists whose names contain a text, after those that are already chosen."""
    try:
        artists = holder.current().facets.suggest_artists(text)
    except ExplorerError as error:
        tell(error)
        artists = []
    return list(dict.fromkeys([*chosen, *artists]))
