"""The column on the left: warnings, the legend, and settings for the whole map."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from explorer.util.progress import plural
from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, number_field, part, progress_bar, switch
from explorer.web.permissions import Restrictions

_REDRAW_HINT = (
    "Songs keep their places when new ones are added. A redrawn map is turned so that it resembles this one. "
    "With a small number, the map shows small groups; with a large number, it shows the overall shape."
)


def side(catalogue: Catalogue | None, restrictions: Restrictions) -> Component:
    """Return the column."""
    warnings = [_progress(), _exact(), _updates()]
    if catalogue and restrictions.songs:
        warnings.insert(0, _made_elsewhere(restrictions))
    if catalogue and not catalogue.is_trained:
        warnings.insert(0, _untrained())
    if catalogue and catalogue.damage:
        warnings.insert(0, _damaged(catalogue))
    fade = switch(Ids.FADE, "Fade misplaced songs", "Songs far from the songs that sound like them")
    return part(
        "side",
        part("warnings", *warnings),
        part(
            "card legend",
            part("legend-list", id=Ids.LEGEND),
            part("tools", _clusters(catalogue), fade, _redraw(catalogue, restrictions)),
            tag=html.Section,
        ),
        part("trust", id=Ids.TRUST),
        tag=html.Aside,
        aria_label="Legend",
    )


def _clusters(catalogue: Catalogue | None) -> Component:
    return number_field(
        Ids.CLUSTERS,
        "Clusters",
        value=len(catalogue.clusters.names) if catalogue else 1,
        minimum=1,
        maximum=min(MAX_CLUSTERS, max(len(catalogue or ()), 1)),
        hint="How many groups of similar songs the map is divided into",
        debounce=250,
    )


def _redraw(catalogue: Catalogue | None, restrictions: Restrictions) -> Component:
    """Return the card that draws the map again; it has only a sentence if nobody may do so."""
    made_with = catalogue.parameters if catalogue else {}
    perplexity = made_with.get("tsne", {}).get("asked") or 30
    neighbours = made_with.get("umap", {}).get("asked") or 15
    controls = part(
        None,
        html.P(
            "Redrawing may move every song. Perplexity and Neighbours are how many similar songs decide a "
            "song's place.",
            title=_REDRAW_HINT,
        ),
        number_field(Ids.PERPLEXITY, "Perplexity", value=perplexity, minimum=2, maximum=200),
        number_field(Ids.NEIGHBOURS, "Neighbours", value=neighbours, minimum=2, maximum=200),
        part(
            "redraw-buttons",
            button("Redraw", id=Ids.REDRAW_START),
            button("Cancel", kind="button quiet", id=Ids.REDRAW_CANCEL),
        ),
        part("redraw-state", id=Ids.REDRAW_STATE, role="status"),
        hidden=bool(restrictions.changes) or None,
    )
    return part(
        "redraw",
        html.Summary("Redraw this map"),
        html.P(restrictions.changes, id="redraw-refused", hidden=not restrictions.changes),
        controls,
        tag=html.Details,
        id=Ids.REDRAW,
        data_phase="idle",
    )


def _made_elsewhere(restrictions: Restrictions) -> Component:
    return part(
        "card warning",
        html.Strong(restrictions.songs_title),
        html.Span(restrictions.songs),
        id="made-elsewhere",
        role="note",
    )


def _untrained() -> Component:
    summary = html.Summary(html.Strong("Rough map: untrained filters"))
    text = html.P(
        "This map was made without OpenL3's trained weights: it groups songs by rough timbre only. "
        "The README says how to get the weights."
    )
    return part("card warning", html.Details([summary, text]), id="untrained", role="note")


def _damaged(catalogue: Catalogue) -> Component:
    return part(
        "card warning",
        html.Strong(f"{plural(len(catalogue.damage), 'song')} with damaged values"),
        html.Span(catalogue.damage_sentence),
        id="damaged",
        role="note",
    )


def _progress() -> Component:
    """Return the card with the progress of an index run: one line, which opens to a sentence.

    JavaScript fills it and shows it.
    """
    summary = html.Summary(html.Strong(id="progress-text"))
    return part(
        "card warning news progress",
        html.Details([summary, html.P(id="progress-note")]),
        progress_bar("progress-bar"),
        id="progress",
        hidden=True,
    )


def _exact() -> Component:
    """Return the card that offers to draw the map again: its places are still those of the first look."""
    return part(
        "card warning news",
        html.Strong("Every song has been heard in full"),
        html.Span("The songs kept their places. Drawn again, the map shows them as they really sound."),
        part(
            "redraw-buttons",
            button("Redraw", id=Ids.EXACT_REDRAW),
            button("Keep", kind="button quiet", id="exact-keep"),
        ),
        id="exact",
        role="status",
        hidden=True,
    )


def _updates() -> Component:
    """Return the card with a button that adds newly indexed songs; JavaScript shows it if there are any."""
    return part(
        "card warning news",
        html.Strong(id="updates-text"),
        button("Show", id=Ids.UPDATES_SHOW),
        id="updates",
        role="status",
        hidden=True,
    )
