"""The page's header: search, view and colour controls, filters, and buttons."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from explorer.config import PROJECTION_NAMES
from explorer.util.progress import plural
from explorer.web.data.catalogue import Catalogue
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, field, icon, icon_button, part, segmented, switch
from explorer.web.permissions import Restrictions

ORIGINAL = "original"
"""The view of the original experiment: the PCA map divided into Voronoi regions."""

COLOURINGS = [
    {"value": "cluster", "label": "Cluster"},
    {"value": "genre", "label": "Genre"},
    {"value": "artist", "label": "Artist"},
]
_SEARCH_LABEL = "Search a title, artist, album or genre"
_MAX_OPTIONS_SHOWN = 60


def header(catalogue: Catalogue | None, restrictions: Restrictions) -> Component:
    """Return the header, with the card of filters that one of its buttons opens."""
    return part(
        "card header",
        part("brand", html.H1("Music Explorer"), html.Small(count_line(catalogue), id="counts")),
        _search(),
        icon_button(Ids.CONTROLS_TOGGLE, "sliders", "Map settings", extra_class="phone-only"),
        _controls(catalogue),
        part(
            "header-buttons",
            icon_button(
                Ids.FILTER_TOGGLE,
                "filter",
                "Filter the songs (f)",
                aria_expanded="false",
                aria_controls="filters",
            ),
            icon_button(
                "upload-button",
                "upload",
                "Place a song from your computer on the map",
                hidden=bool(restrictions.changes) or None,
                # Shown when a song is dropped.
                data_refusal=restrictions.changes or None,
            ),
            icon_button(Ids.THEME_TOGGLE, "theme", "Switch between dark and light"),
            icon_button("help-open", "help", "Show the keys (?)"),
        ),
        _filters(),
        tag=html.Header,
    )


def _search() -> dmc.Select:
    return dmc.Select(
        id=Ids.SEARCH,
        className="search",
        data=[],
        searchable=True,
        clearable=False,
        placeholder=_SEARCH_LABEL,
        # assets/core/search.js sets it: only an answer for exactly this text can say that there is nothing.
        nothingFoundMessage=None,
        leftSection=icon("search"),
        rightSection=html.Kbd("/"),
        rightSectionPointerEvents="none",
        # assets/style.css limits the height of the list, so that the list itself scrolls.
        withScrollArea=False,
        withCheckIcon=False,
        filter={"function": "showAll"},
        renderOption={"function": "songOption"},
        # In the header, so that screen readers find the list in a landmark.
        comboboxProps={"shadow": "lg", "offset": 8, "withinPortal": False},
    )


def _controls(catalogue: Catalogue | None) -> Component:
    views = _views(catalogue)
    first = next((option["value"] for option in views if not option["disabled"]), "tsne")
    label = html.Span("Colour", className="field-label", id="colouring-label")
    hint = "Four ways to arrange the songs. In each, songs close together sound alike."
    return part(
        "controls",
        segmented(Ids.PROJECTION, "View", views, first, hint=hint),
        field("colouring", label, segmented(Ids.COLOURING, "Colour by", COLOURINGS, "cluster")),
        id=Ids.CONTROLS,
        # The page's address contains a value only if it differs from these defaults.
        data_projection=first,
        data_clusters=str(len(catalogue.clusters.names) if catalogue else 1),
    )


def _views(catalogue: Catalogue | None) -> list[dict]:
    stored = catalogue.positions if catalogue else {}
    views = [(name, PROJECTION_NAMES[name], name) for name in ("tsne", "umap", "pca")]
    return [
        {"value": name, "label": label, "disabled": bool(stored) and needed not in stored}
        for name, label, needed in [*views, (ORIGINAL, "Original", "pca")]
    ]


def _filters() -> Component:
    return part(
        "card filters",
        part("filters-head", html.H2("Filter"), button("Clear", kind="link", id="filter-clear")),
        _choice(Ids.FILTER_GENRES, "Genre", "Any genre"),
        _choice(Ids.FILTER_CLUSTERS, "Cluster", "Any cluster"),
        # The server chooses the artists that the text finds.
        _choice(Ids.FILTER_ARTISTS, "Artist", "Any artist", option_filter="showAll"),
        _range(Ids.FILTER_YEARS, "Year", html.Small(id=Ids.FILTER_YEARS_NOTE)),
        _range(Ids.FILTER_DURATION, "Length", html.Small(), label={"function": "asDuration"}),
        _hide_switch(
            Ids.HIDE_DUPLICATES, "Hide duplicates", "Of songs with the same sound, only one stays on the map"
        ),
        _hide_switch(Ids.HIDE_MISSING, "Hide missing songs", "Songs whose files were moved or deleted"),
        part("filters-note", "Songs that are filtered out turn grey: the map keeps its shape.", tag=html.P),
        tag=html.Section,
        id="filters",
        hidden=True,
        aria_label="Filters",
    )


def _hide_switch(control_id: str, label: str, description: str) -> Component:
    """Return a hidden switch; the browser shows it, with a count, if the library has songs to hide."""
    return part(None, switch(control_id, label, description), id=f"{control_id}-field", hidden=True)


def _choice(
    control_id: str, label: str, placeholder: str, option_filter: str = "showContaining"
) -> dmc.MultiSelect:
    """Return a field for several values; `option_filter` is a function of `core/dash.js`."""
    return dmc.MultiSelect(
        id=control_id,
        className="choice",
        label=label,
        placeholder=placeholder,
        data=[],
        value=[],
        searchable=True,
        clearable=True,
        clearButtonProps={"aria-label": f"Clear: {label}"},
        limit=_MAX_OPTIONS_SHOWN,
        maxDropdownHeight=260,
        nothingFoundMessage="Nothing found",
        hidePickedOptions=True,
        openOnFocus=False,
        size="sm",
        comboboxProps={"shadow": "lg", "withinPortal": False},
        filter={"function": option_filter},
    )


def _range(control_id: str, name: str, note: html.Small, **more: object) -> Component:
    slider = dmc.RangeSlider(
        id=control_id,
        min=0,
        max=1,
        value=[0, 1],
        minRange=0,
        step=1,
        size="sm",
        updatemode="mouseup",
        pushOnOverlap=False,
        thumbFromLabel=f"{name}: from",
        thumbToLabel=f"{name}: to",
        **more,
    )
    label = part("range-label", html.Span([name, html.B(className="range-value")]), note)
    return part("range", label, slider, id=f"{control_id}-field")


def count_line(catalogue: Catalogue | None) -> str:
    """Return how many songs and genres are on the map; empty if there is none."""
    if catalogue is None:
        return ""
    return f"{plural(len(catalogue), 'song')} · {plural(catalogue.n_genres, 'genre')}"
