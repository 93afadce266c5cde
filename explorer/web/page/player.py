"""The player, the panel on the right, the cards below the map and the map's buttons.

The JavaScript in assets/ fills these elements, so that playing needs no round trip through Dash.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from explorer.web.page.parts import button, icon, icon_button, part


def panel() -> Component:
    """Return the panel with three tabs: the selected song, what is inside it, and the selection of songs."""
    tabs = [_tab("song", "Song", selected=True), _tab("inside", "Inside"), _tab("choice", "Selection")]
    return part(
        "card panel",
        part(
            "panel-head",
            part("tabs", *tabs, role="tablist", aria_label="Panel"),
            icon_button("panel-close", "close", "Close the panel"),
        ),
        part(
            "panel-now",
            part(
                "now-line",
                html.Span("Playing: ", id="now-line-verb"),
                html.Em(id="now-line-title", dir="auto"),
            ),
            button("Show it", kind="link", id="now-line-show"),
            id="now-line",
            hidden=True,
        ),
        part(
            "panel-now",
            part("moment-line", "Lit: songs like ", html.Em(id="moment-line-title", dir="auto")),
            button("List", kind="link", id="moment-line-show"),
            icon_button(
                "moment-line-close", "close", "Songs look as before", extra_class="moment-line-close"
            ),
            id="moment-line",
            hidden=True,
        ),
        _tab_panel("song"),
        # assets/inside/ fills this tab and the wide card.
        _tab_panel("inside", hidden=True),
        _tab_panel("choice", *_selection(), hidden=True),
        # assets/inside/moment_list.js fills it.
        part(
            "panel-body",
            id="panel-moment",
            hidden=True,
            tag=html.Section,
            aria_label="Sounds like this moment",
        ),
        tag=html.Aside,
        id="panel",
        aria_label="Songs",
        data_tab="song",
    )


def _tab(name: str, label: str, *, selected: bool = False) -> Component:
    return button(
        label,
        html.Span(id=f"tab-{name}-count", className="tab-count"),
        kind=None,
        id=f"tab-{name}",
        role="tab",
        aria_selected=str(selected).lower(),
        aria_controls=f"panel-{name}",
        data_tab=name,
    )


def _tab_panel(name: str, *children: Component, **attributes: bool) -> Component:
    attributes |= {"role": "tabpanel", "aria_labelledby": f"tab-{name}"}
    return part("panel-body", *children, id=f"panel-{name}", **attributes)


def _selection() -> list[Component]:
    return [
        # assets/panel/selection_head.js adds the name and the list of all selections.
        part("choice-head", id="choice-head", hidden=True),
        part(
            "panel-empty",
            html.P(
                "Draw a lasso or a box around songs to select them, or add single songs from their panel."
            ),
            part(
                "redraw-buttons",
                button(icon("lasso"), "Lasso", kind="button quiet", id="choice-lasso"),
                button(icon("box"), "Box", kind="button quiet", id="choice-box"),
            ),
            id="choice-empty",
        ),
        part(
            "choice-tools",
            button(icon("play"), "Play all", id="choice-play"),
            button("Clear", kind="button quiet", id="choice-clear", title="Clear the selection"),
            id="choice-tools",
            hidden=True,
        ),
        html.Ol(id="choice-list", className="song-list"),
        part("panel-note", id="choice-more"),
        part("panel-note", id="choice-away"),
        part(
            "choice-export",
            # assets/panel/export.js adds two <select> elements, which Dash does not have.
            part("export-line", id="export-line"),
            button("Export", kind="button quiet", id="export-start"),
            part("panel-note", id="export-state", role="status"),
            id="choice-export",
            hidden=True,
        ),
    ]


def player() -> Component:
    """Return the bar at the bottom."""
    return part(
        "card player",
        html.Audio(id="audio", preload="auto"),
        part(
            "transport",
            icon_button("previous", "previous", "Previous (p)", disabled=True),
            icon_button("play", "play", "Play (space)", extra_class="play", disabled=True),
            icon_button("next", "next", "Next (n)", disabled=True),
        ),
        part(
            "now",
            part("now-title", "Nothing plays yet", id="now-title", dir="auto"),
            part("now-by", id="now-by", dir="auto"),
        ),
        html.Span("0:00", id="elapsed", className="time"),
        part(
            "seek",
            part("waveform", tag=html.Canvas, id="waveform", aria_hidden="true"),
            part("preview-note", id="preview-note"),
            id="seek",
        ),
        html.Span("0:00", id="duration", className="time"),
        _hover_switch(),
        part(
            "player-buttons",
            icon_button("repeat", "go-on", "Go on with nearby songs (r)", data_repeat="on"),
            icon_button("moment-now", "moment", "This moment: songs that sound like it (.)", disabled=True),
            icon_button("spectrum", "spectrum", "Show the spectrogram (s)", aria_pressed="false"),
            icon_button("mute", "volume", "Mute", extra_class="mute"),
            part("volume", id="volume"),
        ),
        part("visually-hidden", id="announcer", role="status", aria_live="polite"),
        tag=html.Footer,
        id="player",
        aria_label="Player",
        data_state="idle",
    )


def _hover_switch() -> Component:
    return button(
        icon("headphones"),
        html.Span("Hover to hear", id="hear-label", className="hear-label"),
        html.Span(id="hear-hint", className="hear-hint"),
        html.Span(html.Span(className="hear-thumb"), className="hear-track"),
        kind="hear",
        id="hear",
        role="switch",
        title="Hear songs as you move over them (h)",
        aria_checked="false",
        aria_labelledby="hear-label",
        aria_describedby="hear-hint",
    )


def spectrogram() -> Component:
    """Return the card with the spectrogram of the playing song."""
    canvas = {"id": "spectrogram-canvas", "role": "img", "aria_label": "Spectrogram of the song"}
    return part(
        "card spectrogram",
        part(
            "spectrogram-frame",
            part(None, tag=html.Canvas, **canvas),
            part("spectrogram-head", id="spectrogram-head"),
            part("spectrogram-scale", id="spectrogram-scale", aria_hidden="true"),
            part("spectrogram-note", id="spectrogram-note", role="status"),
        ),
        icon_button("spectrogram-close", "close", "Close the spectrogram"),
        tag=html.Section,
        id="spectrogram",
        hidden=True,
        aria_label="Spectrogram",
    )


def inside() -> Component:
    """Return the wide card with what is inside the selected song."""
    return part(
        "card inside-wide",
        part("inside-body", id="inside-body"),
        icon_button("inside-close", "close", "Close the wide view"),
        tag=html.Section,
        id="inside-wide",
        hidden=True,
        aria_label="Inside the song",
    )


def tools() -> Component:
    """Return the buttons at the map's edge, which select songs and zoom."""
    return part(
        "map-tools",
        part(
            "card tool-group",
            icon_button("tool-lasso", "lasso", "Select with a lasso (l)", aria_pressed="false"),
            icon_button("tool-box", "box", "Select with a box (b)", aria_pressed="false"),
            icon_button("panel-open", "panel", "Open the panel", aria_controls="panel"),
            icon_button(
                "legend-toggle",
                "legend",
                "Show what the colours mean",
                aria_expanded="false",
                aria_controls="legend-card",
            ),
            role="group",
            aria_label="Select songs",
        ),
        part(
            "card tool-group zoom",
            icon_button("zoom-in", "plus", "Zoom in (+)"),
            icon_button("zoom-out", "minus", "Zoom out (-)"),
            icon_button("zoom-fit", "fit", "Show all songs (0)"),
            icon_button(
                "share-open", "share", "Share this view", aria_expanded="false", aria_controls="share-menu"
            ),
            role="group",
            aria_label="View",
        ),
        _share_menu(),
        tag=html.Section,
        aria_label="Map tools",
    )


def _share_menu() -> Component:
    return part(
        "card popover share-menu",
        button("Copy link", kind="menu-item", id="share-link"),
        button("Save picture", kind="menu-item", id="share-save"),
        button("Copy picture", kind="menu-item", id="share-copy", hidden=True),
        id="share-menu",
        hidden=True,
        role="group",
        aria_label="Share",
    )


def drop_target() -> Component:
    """Return the card that is shown while a file is dragged over the page."""
    card = part(
        "drop-card card",
        html.Span(className="notice-mark icon icon-upload"),
        html.H2("Drop a song"),
        html.P("It appears among the songs that it sounds like. It is not added to the library."),
    )
    return html.Div(part("drop", card, id="drop", hidden=True))
