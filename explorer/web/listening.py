"""What one listens with: the panel on the right, the player, the spectrogram, and the list of keys.

These are frames: assets/ fills them, because sound and what is said of it must not wait for a round trip.
"""

from __future__ import annotations

from dash import html

from explorer.web.ids import Ids
from explorer.web.parts import icon, icon_button

KEYS = (
    ("Space", "play or pause"),
    ("← ↑ → ↓", "go to the nearest song in that direction, and play it"),
    ("n  p", "go on or back among the songs that sound most like this one"),
    ("h", "hover to hear: move over the map and listen"),
    ("/", "search"),
    ("f", "filter"),
    ("l  b", "choose songs with a lasso or a box"),
    ("r", "repeat this song, or all, or none"),
    ("s", "show the spectrogram"),
    ("m", "mute"),
    ("+  -  0", "zoom in, out, and to the whole map"),
    ("Esc", "close, then let go of what is chosen"),
    ("?", "this list"),
)


def panel() -> html.Aside:
    """Return the panel of the selected song, and of the songs that were chosen."""
    return html.Aside(
        id="panel",
        className="card panel",
        **{"aria-label": "Songs", "data-tab": "song"},
        children=[
            html.Div(
                className="panel-head",
                children=[
                    html.Div(
                        role="tablist",
                        className="tabs",
                        **{"aria-label": "Panel"},
                        children=[_tab("song", "Song", selected=True), _tab("choice", "Selection")],
                    ),
                    icon_button("panel-close", "close", "Close the panel"),
                ],
            ),
            html.Div(
                id="panel-song", className="panel-body", role="tabpanel", **{"aria-labelledby": "tab-song"}
            ),
            html.Div(
                id="panel-choice",
                className="panel-body",
                role="tabpanel",
                hidden=True,
                children=_choice(),
                **{"aria-labelledby": "tab-choice"},
            ),
        ],
    )


def _tab(name: str, label: str, *, selected: bool = False) -> html.Button:
    return html.Button(
        [label, html.Span(id=f"tab-{name}-count", className="tab-count")],
        id=f"tab-{name}",
        type="button",
        role="tab",
        **{"aria-selected": str(selected).lower(), "aria-controls": f"panel-{name}", "data-tab": name},
    )


def _choice() -> list:
    return [
        html.Div(
            id="choice-empty",
            className="panel-empty",
            children=[
                html.P(
                    "Draw a lasso or a box around songs to choose them, or add single ones from their panel."
                ),
                html.Div(
                    className="redraw-buttons",
                    children=[
                        html.Button(
                            [icon("lasso"), "Lasso"],
                            id="choice-lasso",
                            className="button quiet",
                            type="button",
                        ),
                        html.Button(
                            [icon("box"), "Box"], id="choice-box", className="button quiet", type="button"
                        ),
                    ],
                ),
            ],
        ),
        html.Div(
            id="choice-tools",
            className="choice-tools",
            hidden=True,
            children=[
                html.Button([icon("play"), "Play all"], id="choice-play", className="button", type="button"),
                html.Button("Clear", id="choice-clear", className="button quiet", type="button"),
            ],
        ),
        html.Ol(id="choice-list", className="song-list"),
        html.Div(id="choice-more", className="panel-note"),
        html.Div(id="choice-export", className="choice-export", hidden=True, children=_export()),
    ]


def _export() -> list:
    return [
        # Dash has no plain list to choose from: assets/choosing.js puts two there.
        html.Div(id="export-line", className="export-line"),
        html.Button("Export", id="export-start", className="button quiet", type="button"),
        html.Div(id="export-state", className="panel-note", role="status"),
    ]


def player() -> html.Footer:
    """Return the bar at the bottom."""
    return html.Footer(
        className="card player",
        id="player",
        **{"data-state": "idle"},
        children=[
            html.Audio(id="audio", preload="auto"),
            html.Div(
                className="transport",
                children=[
                    icon_button("previous", "previous", "Previous (p)"),
                    icon_button("play", "play", "Play", extra_class="play"),
                    icon_button("next", "next", "Next (n)"),
                ],
            ),
            html.Div(
                className="now",
                children=[
                    html.Div("Click a song to hear it", id="now-title", className="now-title"),
                    html.Div("Every point is one; near ones sound alike", id="now-by", className="now-by"),
                ],
            ),
            html.Span("0:00", id="elapsed", className="time"),
            html.Div(id="seek", className="seek", children=html.Canvas(id="waveform", className="waveform")),
            html.Span("0:00", id="duration", className="time"),
            _hover_switch(),
            html.Div(
                className="player-buttons",
                children=[
                    icon_button("repeat", "repeat", "Repeat: off (r)", **{"data-repeat": "off"}),
                    icon_button(
                        "spectrum", "spectrum", "Show the spectrogram (s)", **{"aria-pressed": "false"}
                    ),
                    icon_button("mute", "volume", "Mute", extra_class="mute"),
                    html.Div(id="volume", className="volume"),
                ],
            ),
            html.Div(id=Ids.MESSAGE, className="message card", role="alert"),
            html.Div(id="announcer", className="visually-hidden", role="status", **{"aria-live": "polite"}),
        ],
    )


def _hover_switch() -> html.Button:
    return html.Button(
        [
            icon("headphones"),
            html.Span("Hover to hear", className="hear-label"),
            html.Span(className="hear-track", children=html.Span(className="hear-thumb")),
        ],
        id="hear",
        className="hear",
        type="button",
        role="switch",
        title="Hear songs as you move over them (h)",
        **{"aria-checked": "false", "aria-label": "Hover to hear"},
    )


def spectrogram() -> html.Section:
    """Return the card of the playing song's spectrogram."""
    return html.Section(
        id="spectrogram",
        className="card spectrogram",
        hidden=True,
        **{"aria-label": "Spectrogram"},
        children=[
            html.Div(
                className="spectrogram-frame",
                children=[
                    html.Canvas(
                        id="spectrogram-canvas", role="img", **{"aria-label": "Spectrogram of the song"}
                    ),
                    html.Div(id="spectrogram-head", className="spectrogram-head"),
                    html.Div(
                        id="spectrogram-scale", className="spectrogram-scale", **{"aria-hidden": "true"}
                    ),
                    html.Div(id="spectrogram-note", className="spectrogram-note", role="status"),
                ],
            ),
            icon_button("spectrogram-close", "close", "Close the spectrogram"),
        ],
    )


def tools() -> html.Div:
    """Return the buttons at the map's edge: choosing and zooming."""
    return html.Div(
        className="map-tools",
        children=[
            html.Div(
                className="card tool-group",
                role="group",
                **{"aria-label": "Choose songs"},
                children=[
                    icon_button(
                        "tool-lasso", "lasso", "Choose with a lasso (l)", **{"aria-pressed": "false"}
                    ),
                    icon_button("tool-box", "box", "Choose with a box (b)", **{"aria-pressed": "false"}),
                    icon_button("panel-open", "panel", "Open the panel"),
                ],
            ),
            html.Div(
                className="card tool-group zoom",
                role="group",
                **{"aria-label": "Zoom"},
                children=[
                    icon_button("zoom-in", "plus", "Zoom in (+)"),
                    icon_button("zoom-out", "minus", "Zoom out (-)"),
                    icon_button("zoom-fit", "fit", "Show all songs (0)"),
                ],
            ),
        ],
    )


def keys() -> html.Dialog:
    """Return the list of keys, shut."""
    return html.Dialog(
        id="keys",
        className="card keys",
        **{"aria-labelledby": "keys-title"},
        children=[
            html.Div(
                className="panel-head",
                children=[html.H2("Keys", id="keys-title"), icon_button("keys-close", "close", "Close")],
            ),
            html.Dl([html.Div([html.Dt(_caps(key)), html.Dd(text)]) for key, text in KEYS]),
        ],
    )


def _caps(key: str) -> list:
    return [html.Kbd(part) for part in key.split()]


def drop_target() -> html.Div:
    """Return what is shown while a file is dragged over the page, and the field that chooses one."""
    return html.Div(
        [
            html.Div(
                id="drop",
                className="drop",
                hidden=True,
                children=html.Div(
                    className="drop-card card",
                    children=[
                        html.Span(className="notice-mark icon icon-upload"),
                        html.H2("Drop a song"),
                        html.P(
                            "It comes to lie among the songs it sounds like. It is not added to the library."
                        ),
                    ],
                ),
            ),
        ]
    )
