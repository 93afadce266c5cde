"""The menu of the map: its layout, how far it can be trusted, drawing it again."""

from __future__ import annotations

from collections.abc import Iterable

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from explorer.config import PROJECTION_NAMES
from explorer.mapping.worth_naming import FEW_SONGS
from explorer.web.data.catalogue import MAX_CLUSTERS, Catalogue
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, icon, number_field, part, switch
from explorer.web.permissions import Restrictions

ORIGINAL = "original"
"""The view of the original experiment: the PCA map divided into Voronoi regions."""

_LAYOUTS = (
    ("tsne", PROJECTION_NAMES["tsne"], "tsne", "Keeps songs that sound alike in small groups."),
    ("umap", PROJECTION_NAMES["umap"], "umap", "Also shows which groups are alike."),
    ("pca", PROJECTION_NAMES["pca"], "pca", "Shows the two largest differences between songs."),
    (ORIGINAL, "Original", "pca", "The first experiment: PCA, cut into regions."),
)
"""Value, name, the stored projection that it needs, and what it shows."""

_TIPS = (
    "Tap a dot to play its song and see the songs that sound like it.",
    "Move the map with one finger, zoom with two.",
    "Pull the card of a song down to close it.",
)


def map_menu(catalogue: Catalogue | None, restrictions: Restrictions, colourings: Iterable[str]) -> Component:
    """Return the button that opens the menu, and the menu; `colourings` are what can colour the map."""
    toggle = button(
        icon("sliders"),
        html.Span("Map"),
        kind="header-button",
        id=Ids.MAP_MENU_TOGGLE,
        title="How the map is drawn",
        aria_label="Map settings",
        aria_expanded="false",
        aria_controls=Ids.MAP_MENU,
    )
    views = _views(catalogue)
    first = catalogue.first_projection if catalogue else "tsne"
    menu = part(
        "card popover map-menu",
        html.H2("Map settings"),
        part(
            "menu-part",
            _layout(views, first, catalogue),
            id=Ids.CONTROLS,
            # The page's address contains a value only if it differs from these defaults.
            data_projection=first,
            data_clusters=str(len(catalogue.clusters.names) if catalogue else 1),
            data_most_clusters=str(_most_clusters(catalogue)),
            data_colourings=" ".join(colourings),
        ),
        _clusters(catalogue),
        part(
            "menu-part",
            switch(
                Ids.FADE,
                "Dim misplaced songs",
                "Songs that are drawn far from the songs that sound like them.",
            ),
            # assets/inside/comet.js reads it: the server draws nothing else.
            switch(
                "comet-switch",
                "Comet",
                "While a song plays, a light shows where each second of it would lie.",
                is_on=True,
            ),
        ),
        part("menu-part", html.H3("How far to trust it"), part(None, id=Ids.TRUST_IN_MENU)),
        _redraw(catalogue, restrictions),
        _on_a_phone(restrictions),
        tag=html.Section,
        id=Ids.MAP_MENU,
        aria_label="Map settings",
        hidden=True,
    )
    return part("popover-anchor", toggle, menu)


def _views(catalogue: Catalogue | None) -> list[tuple[str, str, str, bool]]:
    """Return each view's value, name and description, and whether its projection is missing."""
    return [
        (value, name, text, bool(catalogue) and not catalogue.offers(needed))
        for value, name, needed, text in _LAYOUTS
    ]


def _layout(
    views: list[tuple[str, str, str, bool]], first: str, catalogue: Catalogue | None
) -> dmc.RadioGroup:
    description = "Four ways to place the songs. In each, songs close together sound alike."
    if catalogue and len(catalogue) < FEW_SONGS:
        description += f" t-SNE and UMAP need at least {FEW_SONGS} songs."
    options = [
        dmc.Radio(value=value, label=name, description=text, disabled=is_missing, size="xs")
        for value, name, text, is_missing in views
    ]
    return dmc.RadioGroup(
        part("layouts", *options),
        id=Ids.PROJECTION,
        className="layout-choice",
        value=first,
        label="Layout",
        description=description,
        size="xs",
    )


def _clusters(catalogue: Catalogue | None) -> Component:
    count = number_field(
        Ids.CLUSTERS,
        "Clusters",
        value=len(catalogue.clusters.names) if catalogue else 1,
        minimum=1,
        maximum=_most_clusters(catalogue),
        debounce=250,
    )
    note = html.P("How many groups of similar songs the colours show.")
    return part("menu-part", count, note, id="clusters-part")


def _most_clusters(catalogue: Catalogue | None) -> int:
    return min(MAX_CLUSTERS, max(len(catalogue or ()), 1))


def _redraw(catalogue: Catalogue | None, restrictions: Restrictions) -> Component:
    """Return the part that draws the map again; it has only a sentence if nobody may do so."""
    made_with = catalogue.parameters if catalogue else {}
    perplexity = made_with.get("tsne", {}).get("asked") or 30
    neighbours = made_with.get("umap", {}).get("asked") or 15
    size = "How many similar songs decide a song's place: few show small groups, many the overall shape."
    controls = part(
        None,
        html.P("Lays all songs out again, which may move every song."),
        number_field(Ids.PERPLEXITY, "Perplexity", value=perplexity, minimum=2, maximum=200, hint=size),
        number_field(Ids.NEIGHBOURS, "Neighbours", value=neighbours, minimum=2, maximum=200, hint=size),
        html.P(size, className="redraw-size"),
        part(
            "redraw-buttons",
            button("Redraw the map", id=Ids.REDRAW_START),
            button("Cancel", kind="button quiet", id=Ids.REDRAW_CANCEL),
        ),
        part("redraw-state", id=Ids.REDRAW_STATE, role="status"),
        hidden=bool(restrictions.changes) or None,
    )
    return part(
        "redraw menu-part",
        html.Summary("Redraw the map"),
        html.P(restrictions.changes, id="redraw-refused", hidden=not restrictions.changes),
        controls,
        tag=html.Details,
        id=Ids.REDRAW,
        data_phase="idle",
    )


def _on_a_phone(restrictions: Restrictions) -> Component:
    """Return what a phone's header has no room for, and what a finger does. CSS shows it on phones."""
    upload = button(
        icon("upload"),
        "Place a song from this device",
        kind="button quiet",
        data_click="upload-button",
        hidden=bool(restrictions.changes) or None,
    )
    theme = button(icon("theme"), "Change the theme", kind="button quiet", data_click=Ids.THEME_TOGGLE)
    keys = button(icon("help"), "Show the keys", kind="button quiet with-mouse", data_click="help-open")
    tips = html.Ul([html.Li(tip) for tip in _TIPS], className="touch-tips")
    return part(
        "menu-part menu-more",
        part("menu-buttons", upload, theme, keys),
        part("with-touch", html.H3("How to use the map"), tips),
    )
