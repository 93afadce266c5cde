"""The column on the left: warnings, the legend, and what can be done to the map as a whole."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from explorer.web.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.ids import Ids
from explorer.web.parts import number_field


def side(catalogue: Catalogue | None) -> html.Aside:
    """Return the column."""
    warnings = []
    if catalogue and not catalogue.trained:
        warnings.append(_untrained())
    warnings.append(_news())
    return html.Aside(
        className="side",
        **{"aria-label": "Legend"},
        children=[
            html.Div(className="warnings", children=warnings),
            html.Section(
                className="card legend",
                children=[
                    html.Div(id=Ids.LEGEND, className="legend-list"),
                    html.Div(className="tools", children=[_clusters(catalogue), _fade(), _redraw(catalogue)]),
                ],
            ),
            html.Div(id=Ids.TRUST, className="trust"),
        ],
    )


def _clusters(catalogue: Catalogue | None) -> html.Div:
    songs = len(catalogue) if catalogue else 0
    return number_field(
        Ids.CLUSTERS,
        "Clusters",
        value=len(catalogue.clusters.names) if catalogue else 1,
        least=1,
        most=min(MAX_CLUSTERS, max(songs, 1)),
        debounce=250,
    )


def _fade() -> dmc.Switch:
    return dmc.Switch(
        id=Ids.FADE,
        className="switch",
        checked=False,
        size="xs",
        label="Fade points that lie",
        description="Those whose true neighbours are elsewhere",
    )


def _redraw(catalogue: Catalogue | None) -> html.Details:
    return html.Details(
        id=Ids.REDRAW,
        className="redraw",
        **{"data-phase": "idle"},
        children=[
            html.Summary("Draw this map anew"),
            html.P(
                "Songs keep their places when new ones arrive. A new drawing may move every song; it is "
                "turned to resemble this one."
            ),
            _option(Ids.PERPLEXITY, "Perplexity", catalogue, "tsne", default=30),
            _option(Ids.NEIGHBOURS, "Neighbours", catalogue, "umap", default=15),
            html.Div(
                className="redraw-buttons",
                children=[
                    html.Button("Draw anew", id=Ids.REDRAW_START, className="button", type="button"),
                    html.Button("Cancel", id=Ids.REDRAW_CANCEL, className="button quiet", type="button"),
                ],
            ),
            html.Div(id=Ids.REDRAW_STATE, className="redraw-state", role="status"),
        ],
    )


def _option(
    control_id: str, label: str, catalogue: Catalogue | None, projection: str, *, default: int
) -> html.Div:
    parameters = catalogue.parameters.get(projection, {}) if catalogue else {}
    return number_field(control_id, label, value=parameters.get("asked") or default, least=2, most=200)


def _untrained() -> html.Div:
    return html.Div(
        className="card warning",
        id="untrained",
        role="note",
        children=[
            html.Strong("Untrained filters"),
            html.Span(
                "This map is made without OpenL3's learned weights: songs group by rough timbre only. "
                "The README says how to get them."
            ),
        ],
    )


def _news() -> html.Div:
    """Return the offer of songs that were indexed meanwhile; the browser shows it when there are any."""
    return html.Div(
        className="card warning news",
        id="news",
        role="status",
        hidden=True,
        children=[
            html.Strong(id="news-text"),
            html.Button("Show", id=Ids.NEWS_SHOW, className="button", type="button"),
        ],
    )
