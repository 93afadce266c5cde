"""The page's header: search, views, filters, and what else is one press away."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html

from explorer.config import TITLES
from explorer.web.catalogue import Catalogue
from explorer.web.ids import Ids
from explorer.web.parts import icon, icon_button, segmented

ORIGINAL = "original"
"""The view of the experiment this project grew out of: PCA in Voronoi regions."""

COLOURINGS = [
    {"value": "cluster", "label": "Cluster"},
    {"value": "genre", "label": "Genre"},
    {"value": "artist", "label": "Artist"},
]
_SEARCH_LABEL = "Search a title, artist, album or genre"
_MOST_OPTIONS_SHOWN = 60


def header(catalogue: Catalogue | None) -> html.Header:
    """Return the header, with the filters that open from it."""
    return html.Header(
        className="card header",
        children=[
            html.Div(
                className="brand",
                children=[html.H1("Music Explorer"), html.Small(_count_line(catalogue), id="counts")],
            ),
            _search(),
            icon_button(Ids.CONTROLS_TOGGLE, "sliders", "Map settings", extra_class="phone-only"),
            _controls(catalogue),
            html.Div(
                className="header-buttons",
                children=[
                    icon_button(
                        Ids.FILTER_TOGGLE, "filter", "Filter the songs (f)", **{"aria-expanded": "false"}
                    ),
                    icon_button("visit", "upload", "Place a song from your computer on the map"),
                    icon_button(Ids.THEME_TOGGLE, "theme", "Switch between dark and light"),
                    icon_button("help-open", "help", "Show the keys (?)"),
                ],
            ),
            _filters(),
        ],
    )


def _search() -> dmc.Select:
    return dmc.Select(
        id=Ids.SEARCH,
        className="search",
        data=[],
        searchable=True,
        clearable=False,
        placeholder=_SEARCH_LABEL,
        nothingFoundMessage="Nothing here is called that",
        leftSection=icon("search"),
        rightSection=html.Kbd("/"),
        rightSectionPointerEvents="none",
        maxDropdownHeight=420,
        withCheckIcon=False,
        filter={"function": "showAll"},
        renderOption={"function": "songOption"},
        inputProps={"aria-label": _SEARCH_LABEL},
        comboboxProps={"shadow": "lg", "offset": 8},
    )


def _controls(catalogue: Catalogue | None) -> html.Div:
    views = _views(catalogue)
    first = next((option["value"] for option in views if not option["disabled"]), "tsne")
    # What is usual is left out of the page's address.
    usual = {
        "data-projection": first,
        "data-clusters": str(len(catalogue.clusters.names) if catalogue else 1),
    }
    return html.Div(
        id=Ids.CONTROLS,
        className="controls",
        **usual,
        children=[
            segmented(Ids.PROJECTION, "View", views, first),
            html.Div(
                className="field",
                id="colouring-field",
                children=[
                    html.Span("Colour", className="field-label", id="colouring-label"),
                    segmented(Ids.COLOURING, "Colour by", COLOURINGS, "cluster"),
                ],
            ),
        ],
    )


def _views(catalogue: Catalogue | None) -> list[dict]:
    stored = catalogue.positions if catalogue else {}
    views = [
        {"value": name, "label": TITLES[name], "disabled": bool(stored) and name not in stored}
        for name in ("tsne", "umap", "pca")
    ]
    return [
        *views,
        {"value": ORIGINAL, "label": "Original", "disabled": bool(stored) and "pca" not in stored},
    ]


def _filters() -> html.Section:
    return html.Section(
        id="filters",
        className="card filters",
        hidden=True,
        **{"aria-label": "Filters"},
        children=[
            html.Div(
                className="filters-head",
                children=[
                    html.H2("Filter"),
                    html.Button("Clear", id="filter-clear", className="link", type="button"),
                ],
            ),
            _choice(Ids.FILTER_GENRES, "Genre", "Any genre"),
            _choice(Ids.FILTER_CLUSTERS, "Cluster", "Any cluster"),
            _choice(Ids.FILTER_ARTISTS, "Artist", "Any artist", filter={"function": "showAll"}),
            _range(Ids.FILTER_YEARS, "Year", html.Small(id=Ids.FILTER_YEARS_NOTE)),
            _range(Ids.FILTER_DURATION, "Length", html.Small(), label={"function": "asDuration"}),
            _hiding(Ids.HIDE_DUPLICATES, "Hide duplicates", "One of each sound stays on the map"),
            _hiding(Ids.HIDE_MISSING, "Hide missing songs", "Those whose files are gone"),
            html.P(
                "Songs that are filtered out turn grey: the map keeps its shape.", className="filters-note"
            ),
        ],
    )


def _hiding(control_id: str, label: str, description: str) -> html.Div:
    """Return a switch; the browser shows it where there is something to hide, and says how much."""
    return html.Div(
        id=f"{control_id}-field",
        hidden=True,
        children=dmc.Switch(
            id=control_id, className="switch", checked=False, size="xs", label=label, description=description
        ),
    )


def _choice(control_id: str, label: str, placeholder: str, **more: object) -> dmc.MultiSelect:
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
        limit=_MOST_OPTIONS_SHOWN,
        maxDropdownHeight=260,
        nothingFoundMessage="There is none",
        hidePickedOptions=True,
        openOnFocus=False,
        size="sm",
        comboboxProps={"shadow": "lg", "withinPortal": False},
        **more,
    )


def _range(control_id: str, name: str, note: html.Small, **more: object) -> html.Div:
    return html.Div(
        className="range",
        id=f"{control_id}-field",
        children=[
            html.Div([html.Span([name, html.B(className="range-value")]), note], className="range-label"),
            dmc.RangeSlider(
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
            ),
        ],
    )


def _count_line(catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return ""
    songs, genres = len(catalogue), catalogue.n_genres
    return (
        f"{songs:,} {'song' if songs == 1 else 'songs'} · {genres:,} {'genre' if genres == 1 else 'genres'}"
    )
