"""The column on the left: warnings, the legend, and what can be done to the map as a whole."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, number_field, part, switch


def side(catalogue: Catalogue | None) -> Component:
    """Return the column."""
    warnings = [_news()]
    if catalogue and not catalogue.trained:
        warnings.insert(0, _untrained())
    fade = switch(Ids.FADE, "Fade points that lie", "Those whose true neighbours are elsewhere")
    return part(
        "side",
        part("warnings", *warnings),
        part(
            "card legend",
            part("legend-list", id=Ids.LEGEND),
            part("tools", _clusters(catalogue), fade, _redraw(catalogue)),
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
        least=1,
        most=min(MAX_CLUSTERS, max(len(catalogue or ()), 1)),
        debounce=250,
    )


def _redraw(catalogue: Catalogue | None) -> Component:
    made_with = catalogue.parameters if catalogue else {}
    perplexity = made_with.get("tsne", {}).get("asked") or 30
    neighbours = made_with.get("umap", {}).get("asked") or 15
    return part(
        "redraw",
        html.Summary("Draw this map anew"),
        html.P(
            "Songs keep their places when new ones arrive. A new drawing may move every song; it is "
            "turned to resemble this one."
        ),
        number_field(Ids.PERPLEXITY, "Perplexity", value=perplexity, least=2, most=200),
        number_field(Ids.NEIGHBOURS, "Neighbours", value=neighbours, least=2, most=200),
        part(
            "redraw-buttons",
            button("Draw anew", id=Ids.REDRAW_START),
            button("Cancel", kind="button quiet", id=Ids.REDRAW_CANCEL),
        ),
        part("redraw-state", id=Ids.REDRAW_STATE, role="status"),
        tag=html.Details,
        id=Ids.REDRAW,
        data_phase="idle",
    )


def _untrained() -> Component:
    return part(
        "card warning",
        html.Strong("Untrained filters"),
        html.Span(
            "This map is made without OpenL3's learned weights: songs group by rough timbre only. "
            "The README says how to get them."
        ),
        id="untrained",
        role="note",
    )


def _news() -> Component:
    """Return the offer of songs that were indexed meanwhile; the browser shows it when there are any."""
    return part(
        "card warning news",
        html.Strong(id="updates-text"),
        button("Show", id=Ids.NEWS_SHOW),
        id="updates",
        role="status",
        hidden=True,
    )
