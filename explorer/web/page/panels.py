"""Parts of the page that callbacks fill: legend, map quality, redraw progress, search and filter choices."""

from __future__ import annotations

import re
import time
from collections.abc import Container, Sequence

import dash_mantine_components as dmc
from dash import html, set_props

from explorer.errors import ExplorerError, NoLibraryError
from explorer.util.progress import plural
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.facets import Filter
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.redraw_job import JobState
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, icon, part

_NO_FILTER = Filter()
_FIGURES = (
    (
        "neighbours_kept",
        ".0%",
        "Closest matches nearby",
        "How many of the ten songs that sound most like a song are among the ten nearest to it on this map.",
    ),
    (
        "trustworthiness",
        ".3f",
        "Trustworthiness",
        "Is 1 when songs that are near each other on this map also sound alike.",
    ),
    (
        "continuity",
        ".3f",
        "Continuity",
        "Is 1 when songs that sound alike are also near each other on this map.",
    ),
    (
        "genre_purity",
        ".0%",
        "Genre purity",
        "How many of the ten songs nearest to a song on this map have its genre.",
    ),
    (
        "neighbours_found",
        ".1%",
        "Neighbours found",
        "In a very large library, the songs that sound most like a song are searched only where most of them "
        "are. This is the share of them that was found.",
    ),
)
"""The figures of a map's quality: key, format, name and explanation."""


def legend(
    title: str,
    entries: list[dict],
    *,
    n_groups: int,
    pressed: Container[str] = (),
    n_missing: int = 0,
) -> list:
    """Return the legend's heading, and its rows of colour, name and number of songs.

    A click on a row filters by its group. A second button plays the song that represents the group, if there
    is one.

    Parameters
    ----------
    entries : list of dict
        As `legend_entries` returns them.
    pressed : container of str
        The names of the groups that the filter shows; empty if it shows all groups.
    n_missing : int
        How many songs on the map have no file. If there are any, the last row explains how they are drawn.
    """
    rows = [_legend_row(is_pressed=entry["name"] in pressed, **entry) for entry in entries]
    if n_missing:
        rows.append(missing_row(n_missing))
    return [
        html.H2([html.Span(title), html.Span(f"{n_groups:,}", className="legend-count")]),
        html.Ul(rows, className="legend-isolated" if pressed else None),
    ]


def missing_row(count: int) -> html.Li:
    """Return the row of the legend that says how songs without a file are drawn."""
    parts = row_parts(html.Span(className="dot dot-missing"), "File missing", count)
    return html.Li(part("legend-row legend-rest", *parts), className="legend-missing")


def row_parts(dot: html.Span, name: str, count: int, **title: str) -> list[html.Span]:
    """Return the parts of a row of the legend: colour, name and number of songs."""
    # No line ends between a hyphen and a digit, as in "DS-10".
    label = html.Span(
        re.sub(r"-(?=\d)", "\N{NON-BREAKING HYPHEN}", name), className="legend-name", dir="auto", **title
    )
    return [dot, label, html.Span(f"{count:,}", className="legend-count")]


def _legend_row(
    colour: str,
    name: str,
    count: int,
    representative: int | None,
    is_group: bool,
    is_pressed: bool,
) -> html.Li:
    parts = row_parts(html.Span(className="dot", style={"background": colour}), name, count, title=name)
    if not is_group:
        return html.Li(part("legend-row legend-rest", *parts))
    row_button = button(
        *parts,
        kind="legend-row",
        title="Show only this group (Shift adds it)",
        aria_pressed=str(is_pressed).lower(),
        aria_label=f"Show only {name}: {count:,} songs",
        data_group=name,
    )
    row = [row_button]
    if representative is not None:
        label = f"Play the song that is most like {name}"
        attributes = {"title": label, "aria_label": label, "data_representative": str(representative)}
        row.append(button(icon("play"), kind="legend-play", **attributes))
    return html.Li(row, className="legend-on" if is_pressed else None)


def trust(quality: dict) -> tuple[str, list, list]:
    """Return how far a map can be trusted.

    Returns
    -------
    tuple
        One sentence, the figures behind it with their explanations, and both together.
    """
    sentence = trust_sentence(quality)
    figures = [
        part(None, html.Dt([html.Span(name), html.B(format(quality[key], form))]), html.Dd(text))
        for key, form, name, text in _FIGURES
        if quality.get(key) is not None
    ]
    chance = quality.get("genre_chance")
    if chance is not None:
        text = f"With the songs in random places, the genre purity would be {chance:.0%}."
        figures.append(part(None, html.Dd(text)))
    more = part("figures", html.Summary("The figures behind this"), html.Dl(figures), tag=html.Details)
    return sentence, [html.Dl(figures)], [html.P(sentence), *([more] if figures else [])]


def trust_sentence(quality: dict) -> str:
    """Return in plain words how far a map can be trusted."""
    kept = quality.get("neighbours_kept")
    if kept is None:
        return "Too few songs to measure how far this map can be trusted"
    count = round(10 * kept)
    return f"Of each song's 10 closest matches, {count} {'is' if count == 1 else 'are'} drawn nearby"


def redraw_state(state: JobState) -> list:
    """Return the progress of a new map."""
    if state.phase == "idle":
        return []
    text = html.Div(state.text, className="redraw-text")
    if state.phase != "running":
        return [text]
    return [text, dmc.Progress(value=round(100 * state.share), size="sm", animated=True)]


def suggestions(holder: CatalogueHolder, text: str, hide: tuple[str, ...] = ()) -> list[dict] | None:
    """Return what the search suggests: genres and artists to filter by, and songs; None on an error."""
    if not text:
        return []
    try:
        return [_option(suggestion) for suggestion in holder.current().suggest(text, hide=hide)]
    except ExplorerError as error:
        tell(error)
        return None


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
        artist = suggestion["artist"] or "Unknown artist"
        told = artist if suggestion["is_mapped"] else f"{artist} · not on the map yet"
        return {"value": f"song:{suggestion['id']}", "label": suggestion["title"], "told": told}
    name = suggestion["name"]
    detail = f"Show this {kind}: {plural(suggestion['songs'], 'song')}"
    return {"value": f"{kind}:{name}", "label": name, "told": detail}


def filter_options(catalogue: Catalogue, cluster_count: int | None, chosen: Filter = _NO_FILTER) -> tuple:
    """Return the filters' choices. Chosen names are among them even if the library does not have them.

    The page's fields drop a value that is no option: then nobody would learn that the name is wrong.

    Returns
    -------
    tuple
        The genres as options, the clusters' names, the first and the last year, a note about songs without a
        year, and the longest duration in seconds, rounded up.
    """
    facets = catalogue.facets
    counted = facets.by_genre.counted(hidden=catalogue.hidden(chosen.hide))
    genres = [{"value": name, "label": f"{name} ({count:,})"} for name, count in counted]
    known = {name for name, _ in counted}
    genres += [{"value": name, "label": name} for name in chosen.genres if name not in known]
    grouping = catalogue.grouping("cluster", cluster_count=cluster_count)
    first, last = facets.years or (0, 0)
    n_without = facets.n_without_year
    note = f"{plural(n_without, 'song')} without a year" if n_without else ""
    longest = int(facets.durations_s[1]) + 1 if facets.durations_s else 60
    clusters = list(dict.fromkeys([*grouping.names, *chosen.clusters]))
    return genres, clusters, first, max(last, first), note, longest


def artist_options(holder: CatalogueHolder, text: str, chosen: Sequence[str]) -> tuple[list[str], str | None]:
    """Return artists whose names contain a text, after those that are already chosen.

    The second value is what the list says if there are none. It names the text: until the next answer, the
    list shows it for what the user types next. None if there are artists, without a text, and on an error.
    """
    try:
        artists = holder.current().facets.suggest_artists(text)
    except ExplorerError as error:
        tell(error)
        return list(chosen), None
    nothing_found = f"No results for “{text}”" if text and not artists else None
    return list(dict.fromkeys([*chosen, *artists])), nothing_found
