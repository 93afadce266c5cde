"""The page's header: search, colours, the menu of the map, filters, and buttons."""

from __future__ import annotations

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from explorer.util.progress import plural
from explorer.web.data.catalogue import Catalogue
from explorer.web.map.scales import COLOURINGS, GROUPINGS
from explorer.web.page.ids import Ids
from explorer.web.page.map_menu import map_menu
from explorer.web.page.parts import button, field, icon, icon_button, part, switch
from explorer.web.permissions import Restrictions

_SEARCH_LABEL = "Search a title, artist, album or genre"
_MAX_OPTIONS_SHOWN = 60


def header(catalogue: Catalogue | None, restrictions: Restrictions) -> Component:
    """Return the header, with the card of filters that one of its buttons opens."""
    colourings = colouring_options(catalogue)
    return part(
        "card header",
        part("brand", html.H1("Music Explorer"), html.Small(count_line(catalogue), id="counts")),
        _search(),
        _colouring(colourings),
        part(
            "header-buttons",
            map_menu(catalogue, restrictions, [option["value"] for option in colourings]),
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
            icon_button(Ids.THEME_TOGGLE, "theme", "Theme: as the system"),
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


def colouring_options(catalogue: Catalogue | None) -> list[dict]:
    """Return what can colour the map, as options; of the scales, those of which any song has a value."""
    offered = {*GROUPINGS, *(catalogue.scales_offered if catalogue else ("length",))}
    return [{"value": name, "label": label} for name, label in COLOURINGS.items() if name in offered]


def _colouring(options: list[dict]) -> Component:
    label = html.Label("Colour by", htmlFor=Ids.COLOURING, className="field-label", id="colouring-label")
    choice = dmc.Select(
        id=Ids.COLOURING,
        className="colouring",
        data=options,
        value="cluster",
        allowDeselect=False,
        withCheckIcon=False,
        rightSectionProps={"aria-hidden": "true"},
        size="sm",
        # All choices without scrolling.
        maxDropdownHeight=400,
        comboboxProps={"shadow": "lg", "offset": 8, "width": 144, "position": "bottom-start"},
    )
    return field("colouring", label, choice)


def _filters() -> Component:
    return part(
        "card filters",
        part(
            "filters-head",
            html.H2("Filter"),
            html.Span(id="filters-count", className="filters-count", role="status"),
            button("Clear", kind="link", id="filter-clear"),
        ),
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


def filter_bar() -> Component:
    """Return the bar on the map that says how many songs match, and what filters; JavaScript fills it."""
    return part(
        "filter-state card",
        # Screen readers hear it from assets/panel/filters.js, also when the bar disappears.
        html.Span(id=Ids.FILTER_COUNT, className="filter-count"),
        part("filter-chips", id=Ids.FILTER_CHIPS),
        button("Show all", kind="link", id=Ids.SHOW_ALL),
        id=Ids.FILTER_STATE,
        role="group",
        aria_label="What is filtered",
        hidden=True,
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
        # Set when the options are known: see `noMatch` in assets/core/dash.js, and `panels.artist_options`.
        nothingFoundMessage=None,
        # assets/style.css limits the height of the list.
        withScrollArea=False,
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
    """Return how many songs and genres there are: on the map, or in the library if it has no map."""
    if catalogue is None:
        return ""
    n_songs = len(catalogue) or catalogue.unmapped
    genres = f" · {plural(catalogue.n_genres, 'genre')}" if catalogue.n_genres else ""
    return f"{plural(n_songs, 'song')}{genres}" if n_songs else ""
