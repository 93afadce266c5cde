"""The list of the keyboard's shortcuts, and the links that lead past the page's many controls."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from explorer.web.page.parts import icon_button, part

KEYS = {
    "Play": (
        ("Space", "play or pause"),
        ("n  p", "next or previous song"),
        ("r", "after this song: go on, repeat it, or stop"),
        ("m", "mute"),
        ("h", "hover to hear: play a part of each song that you point at"),
        ("s", "show the spectrogram"),
        (".", "this moment: light the songs that sound like the second that plays"),
        ("i", "show what is inside the song, in a wide view"),
    ),
    "Go around the map": (
        ("← ↑ → ↓", "go to the nearest song in that direction, and play it"),
        ("+  -", "zoom in or out"),
        ("0", "show the whole map"),
    ),
    "Find and select": (
        ("/", "search"),
        ("f", "filter"),
        ("l  b", "select songs with a lasso or a box"),
        ("Ctrl+Z  Ctrl+Y", "undo or redo a change of the selection"),
    ),
    "Page": (
        ("Esc", "close what is open"),
        ("Tab", "go to the next button or field"),
        ("?", "show this list"),
    ),
}
"""What each key does, by group. A test compares them with `assets/core/keys.js`."""

SKIP_LINKS = (
    ("map-frame", "Skip to the map"),
    ("play", "Skip to the player"),
    ("tab-song", "Skip to the song"),
)


def keys() -> Component:
    """Return the list of keys, initially closed."""
    head = part("panel-head", html.H2("Keys", id="keys-title"), icon_button("keys-close", "close", "Close"))
    groups = [part("keys-group", html.H3(title), html.Dl(_rows(keys))) for title, keys in KEYS.items()]
    return part("card keys", head, *groups, tag=html.Dialog, id="keys", aria_labelledby="keys-title")


def _rows(keys: tuple[tuple[str, str], ...]) -> list[Component]:
    return [
        html.Div([html.Dt([html.Kbd(key) for key in pressed.split()]), html.Dd(text)])
        for pressed, text in keys
    ]


def skip_links() -> Component:
    """Return links that are visible while they have the keyboard's focus: the page's first tab stops."""
    links = [html.A(text, href=f"#{target}", className="skip-link") for target, text in SKIP_LINKS]
    return part("skip-links", *links, tag=html.Nav, id="skip-links", aria_label="Skip links")
