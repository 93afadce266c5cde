"""The whole page: a map under floating cards, or in the map's place a notice."""

from __future__ import annotations

from dataclasses import dataclass

import dash_mantine_components as dmc
from dash import dcc, html

from explorer.web import listening
from explorer.web.catalogue import Catalogue
from explorer.web.header import header
from explorer.web.ids import Ids
from explorer.web.side import side

EMPTY_FIGURE = {
    "data": [],
    "layout": {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "xaxis": {"visible": False},
        "yaxis": {"visible": False},
    },
}
THEME = {"fontFamily": "Inter, system-ui, sans-serif", "primaryColor": "blue", "defaultRadius": "md"}


@dataclass(frozen=True)
class Notice:
    """A state in which there is no map to show: what is so, and what to do."""

    kind: str
    title: str
    text: str
    command: str = ""


def page(catalogue: Catalogue | None, notice: Notice | None) -> dmc.MantineProvider:
    """Return the whole page: the map, or in its place a notice."""
    cards = [
        _map(),
        header(catalogue),
        side(catalogue),
        listening.tools(),
        listening.panel(),
        listening.spectrogram(),
        listening.player(),
        listening.keys(),
        listening.drop_target(),
    ]
    return dmc.MantineProvider(
        id=Ids.PROVIDER,
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            dcc.Store(id=Ids.CHOSEN_THEME, storage_type="local"),
            dcc.Store(id=Ids.THEME),
            dcc.Store(id=Ids.LOOK),
            dcc.Store(id=Ids.DRAWING),
            dcc.Store(id=Ids.ISOLATED),
            dcc.Store(id=Ids.FILTER),
            dcc.Store(id=Ids.REVISION, data=catalogue.revision if catalogue else 0),
            dcc.Store(id=Ids.CHANGES, data=catalogue.changes if catalogue else ""),
            dcc.Interval(id=Ids.REDRAW_TIMER, interval=700, disabled=True),
            html.Div(
                className="page" + (" page-empty" if notice else ""),
                children=cards + ([_notice(notice, catalogue)] if notice else []),
            ),
        ],
    )


def _map() -> html.Main:
    graph = dcc.Graph(
        id=Ids.MAP,
        className="map",
        responsive=True,
        config={
            "displayModeBar": False,
            "scrollZoom": True,
            "doubleClick": False,
            "showTips": False,
            "showAxisDragHandles": False,
        },
        figure=EMPTY_FIGURE,
    )
    return html.Main(
        className="map-frame",
        id="map-frame",
        children=[
            html.Canvas(id="glow", className="glow"),
            graph,
            html.Canvas(id="holes", className="threads"),
            html.Canvas(id="morph", className="threads", hidden=True),
            html.Canvas(id="threads", className="threads"),
            html.Canvas(id="rope", className="threads"),
            html.Div(id="labels", className="labels", **{"aria-hidden": "true"}),
            html.Div(id="guest", className="guest", hidden=True),
            html.Div(id="sounding", className="sounding", hidden=True),
            html.Div(id="mark", className="mark", hidden=True),
            html.Div(id="tooltip", className="tooltip card", role="tooltip", hidden=True),
            html.Div(
                id=Ids.FILTER_STATE,
                className="filter-state card",
                hidden=True,
                role="status",
            ),
        ],
    )


def _notice(notice: Notice, catalogue: Catalogue | None) -> html.Div:
    children = [html.H2(notice.title), html.P(notice.text)]
    if notice.command:
        children.append(html.Pre(html.Code(notice.command)))
    children.append(html.Button("Try again", id="reload", className="button"))
    return html.Div(
        className="notice card",
        id="notice",
        role="alert" if notice.kind == "busy" else "status",
        children=[html.Span(className=f"notice-mark icon icon-{notice.kind}"), *children],
        # An empty catalogue is one, too: the songs of this library have lost their map.
        **{"data-kind": notice.kind, "data-revision": str(0 if catalogue is None else catalogue.revision)},
    )
