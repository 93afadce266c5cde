"""The whole page: the map with cards on top of it, or a notice in place of the map."""

from __future__ import annotations

from dataclasses import dataclass

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from explorer.util.progress import plural
from explorer.web.data.catalogue import Catalogue
from explorer.web.page import keys_dialog, player
from explorer.web.page.header import filter_bar, header
from explorer.web.page.ids import Ids
from explorer.web.page.parts import part, progress_bar
from explorer.web.page.side import side, trust, welcome
from explorer.web.permissions import NO_RESTRICTIONS, Restrictions

THEME = {"fontFamily": "Inter, system-ui, sans-serif", "primaryColor": "blue", "defaultRadius": "md"}
# In the map's frame, from bottom to top: the cells of the original view, the points, its crosses, and so on.
_MAP_KEYS = "Arrow keys play the nearest song; Space pauses."
_CANVASES = (
    "regions",
    "points",
    "crosses",
    "neighbour-lines",
    "moment-lights",
    "comet-trail",
    "lasso-canvas",
)


@dataclass(frozen=True)
class Notice:
    """Shown in place of the map if there is none: what happened, and what to do.

    Attributes
    ----------
    kind : {"empty", "busy", "broken", "listening"}
        "listening" has the progress of the index run in place of a button.
    title, text : str
    command : str
        The terminal command that the text speaks of; empty if there is none.
    """

    kind: str
    title: str
    text: str
    command: str = ""


def page(
    catalogue: Catalogue | None, notice: Notice | None, *, restrictions: Restrictions = NO_RESTRICTIONS
) -> dmc.MantineProvider:
    """Return the whole page, with the map or with a notice in its place."""
    cards = [
        keys_dialog.skip_links(),
        _map(catalogue),
        header(catalogue, restrictions),
        # Its buttons are the first after the header's.
        welcome(),
        side(catalogue, restrictions),
        trust(),
        player.tools(),
        player.panel(),
        player.spectrogram(),
        player.inside(),
        player.player(),
        keys_dialog.keys(),
        player.drop_target(),
        part("toasts", id="toasts", role="status", aria_atomic="false"),
        part("print-map", id="print-map", aria_hidden="true"),
    ]
    if notice:
        cards.append(_notice(notice, catalogue))
    return dmc.MantineProvider(
        id=Ids.PROVIDER,
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            dcc.Store(id=Ids.CHOSEN_THEME, storage_type="local"),
            *(dcc.Store(id=name) for name in (Ids.THEME, Ids.VIEW, Ids.DRAWING, Ids.FILTER, Ids.SEARCHED)),
            dcc.Store(id=Ids.PROBLEM),
            dcc.Store(id=Ids.REVISION, data=catalogue.revision if catalogue else 0),
            dcc.Store(id=Ids.CHANGES, data=catalogue.changes if catalogue else ""),
            dcc.Interval(id=Ids.REDRAW_TIMER, interval=700, disabled=True),
            part("page page-empty" if notice else "page", *cards),
        ],
    )


def _map(catalogue: Catalogue | None) -> Component:
    return part(
        "map-frame",
        *(
            part("map-canvas", tag=html.Canvas, id=name, hidden=name != "points", aria_hidden="true")
            for name in _CANVASES
        ),
        part("labels", id="labels", aria_hidden="true"),
        part("upload-mark", id="upload-mark", hidden=True),
        part("preview-mark", id="preview-mark", hidden=True),
        part("pointed-mark", id="pointed-mark", hidden=True),
        part("mark", id="mark", hidden=True),
        part("comet", id="comet", hidden=True),
        part("tooltip card", id="tooltip", role="tooltip", hidden=True),
        filter_bar(),
        part(None, _MAP_KEYS, id="map-keys", hidden=True),
        tag=html.Main,
        id="map-frame",
        # After a click with the mouse the map has the keyboard's focus: see assets/core/focus.js.
        tabIndex="0",
        # assets/panel/filters.js writes the count anew with each map.
        aria_label=f"Map: {plural(len(catalogue), 'song')}" if catalogue else "Map",
        aria_describedby="map-keys",
    )


def _notice(notice: Notice, catalogue: Catalogue | None) -> Component:
    command = [html.Pre(html.Code(notice.command))] if notice.command else []
    is_listening = notice.kind == "listening"
    # Screen readers do not say it each time that it changes.
    text = part(None, "Starting …", tag=html.Strong, id="notice-progress", aria_live="off")
    progress = [text, progress_bar("notice-bar")]
    again = html.Button("Try again", id="reload", className="button")
    return part(
        "notice card",
        html.Span(className=f"notice-mark icon icon-{notice.kind}"),
        html.H2(notice.title),
        html.P(notice.text),
        *command,
        *(progress if is_listening else [again]),
        id="notice",
        role="alert" if notice.kind == "busy" else "status",
        data_kind=notice.kind,
        # The page reloads when the library has another revision. This one can be above 0: a library whose
        # map was lost keeps the revision.
        data_revision=str(0 if catalogue is None else catalogue.revision),
    )
