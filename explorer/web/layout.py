"""The page's parts. Every id lives here, once."""

from __future__ import annotations

from dataclasses import dataclass

import dash_mantine_components as dmc
from dash import dcc, html

from explorer.config import TITLES
from explorer.web.catalogue import MAX_CLUSTERS, Catalogue


class Ids:
    """The ids that callbacks and assets refer to."""

    PROVIDER = "provider"
    MAP = "map"
    DRAWING = "drawing"
    PROJECTION = "projection"
    COLOURING = "colouring"
    CLUSTERS = "clusters"
    CLUSTERS_FIELD = "clusters-field"
    SEARCH = "search"
    LEGEND = "legend"
    TRUST = "trust"
    MESSAGE = "message"
    CHOSEN_THEME = "chosen-theme"
    THEME = "theme"
    THEME_TOGGLE = "theme-toggle"
    CONTROLS_TOGGLE = "controls-toggle"
    CONTROLS = "controls"
    HOVERED = "hovered"
    CLICKED = "clicked"
    REVISION = "revision"
    FADE = "fade"
    REDRAW = "redraw"
    REDRAW_START = "redraw-start"
    REDRAW_CANCEL = "redraw-cancel"
    REDRAW_STATE = "redraw-state"
    REDRAW_TIMER = "redraw-timer"
    PERPLEXITY = "perplexity"
    PERPLEXITY_FIELD = "perplexity-field"
    NEIGHBOURS = "neighbours"
    NEIGHBOURS_FIELD = "neighbours-field"


COLOURINGS = [
    {"value": "cluster", "label": "Cluster"},
    {"value": "genre", "label": "Genre"},
    {"value": "artist", "label": "Artist"},
]
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
    return dmc.MantineProvider(
        id=Ids.PROVIDER,
        theme=THEME,
        defaultColorScheme="auto",
        children=[
            dcc.Store(id=Ids.CHOSEN_THEME, storage_type="local"),
            dcc.Store(id=Ids.THEME),
            dcc.Store(id=Ids.DRAWING),
            dcc.Store(id=Ids.HOVERED),
            dcc.Store(id=Ids.CLICKED),
            dcc.Store(id=Ids.REVISION, data=catalogue.revision if catalogue else 0),
            dcc.Interval(id=Ids.REDRAW_TIMER, interval=700, disabled=True),
            html.Div(
                className="page" + (" page-empty" if notice else ""),
                children=[_map(), _header(catalogue), _side(catalogue), _zoom(), _player()]
                + ([_notice(notice)] if notice else []),
            ),
        ],
    )


def _map() -> html.Main:
    graph = dcc.Graph(
        id=Ids.MAP,
        className="map",
        clear_on_unhover=True,
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
            html.Canvas(id="threads", className="threads"),
            html.Div(id="labels", className="labels", **{"aria-hidden": "true"}),
            html.Div(id="mark", className="mark", hidden=True),
            html.Div(id="tooltip", className="tooltip card", role="tooltip", hidden=True),
        ],
    )


def _header(catalogue: Catalogue | None) -> html.Header:
    return html.Header(
        className="card header",
        children=[
            html.Div(
                className="brand",
                children=[html.H1("Music Explorer"), html.Small(_count_line(catalogue), id="counts")],
            ),
            _search(),
            icon_button(Ids.CONTROLS_TOGGLE, "sliders", "Map settings", className="phone-only"),
            html.Div(id=Ids.CONTROLS, className="controls", children=_controls(catalogue)),
            icon_button(Ids.THEME_TOGGLE, "theme", "Switch between dark and light"),
        ],
    )


def _search() -> dmc.Select:
    return dmc.Select(
        id=Ids.SEARCH,
        className="search",
        data=[],
        searchable=True,
        clearable=False,
        placeholder="Search a title or artist",
        nothingFoundMessage="No title or artist has that",
        leftSection=html.Span(className="icon icon-search"),
        rightSection=html.Kbd("/"),
        rightSectionPointerEvents="none",
        maxDropdownHeight=380,
        withCheckIcon=False,
        filter={"function": "showAll"},
        renderOption={"function": "songOption"},
        inputProps={"aria-label": "Search a title or artist"},
        comboboxProps={"shadow": "lg", "offset": 8},
    )


def _controls(catalogue: Catalogue | None) -> list:
    stored = catalogue.positions if catalogue else {}
    projections = [
        {"value": name, "label": TITLES[name], "disabled": bool(stored) and name not in stored}
        for name in ("tsne", "umap", "pca")
    ]
    first = next((option["value"] for option in projections if not option["disabled"]), "tsne")
    count = len(catalogue.clusters.names) if catalogue else 1
    return [
        _segmented(Ids.PROJECTION, "Projection", projections, first),
        html.Div(
            className="field",
            children=[
                html.Span("Colour", className="field-label", id="colouring-label"),
                _segmented(Ids.COLOURING, "Colour by", COLOURINGS, "cluster"),
            ],
        ),
        html.Div(
            id=Ids.CLUSTERS_FIELD,
            className="field",
            children=[
                html.Label("Clusters", htmlFor=Ids.CLUSTERS, className="field-label"),
                dmc.NumberInput(
                    id=Ids.CLUSTERS,
                    className="clusters",
                    value=count,
                    min=1,
                    max=min(MAX_CLUSTERS, max(len(catalogue), 1)) if catalogue else 1,
                    allowDecimal=False,
                    allowNegative=False,
                    clampBehavior="strict",
                    debounce=250,
                    size="sm",
                ),
            ],
        ),
    ]


def _segmented(control_id: str, label: str, options: list[dict], value: str) -> html.Div:
    return html.Div(
        role="group",
        className="segments",
        **{"aria-label": label},
        children=dmc.SegmentedControl(id=control_id, data=options, value=value, size="sm", radius="md"),
    )


def _side(catalogue: Catalogue | None) -> html.Aside:
    children = []
    if catalogue and not catalogue.trained:
        children.append(_untrained())
    if catalogue and catalogue.unmapped:
        children.append(_unmapped(catalogue.unmapped))
    return html.Aside(
        className="side",
        children=[
            html.Div(className="warnings", children=children),
            html.Section(
                className="card legend",
                children=[
                    html.Div(id=Ids.LEGEND, className="legend-list"),
                    html.Div(className="tools", children=[_fade(), _redraw(catalogue)]),
                ],
            ),
            html.Div(id=Ids.TRUST, className="trust"),
        ],
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
            _option(Ids.PERPLEXITY, "Perplexity", catalogue, "tsne", default=30, least=2, most=200),
            _option(Ids.NEIGHBOURS, "Neighbours", catalogue, "umap", default=15, least=2, most=200),
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
    control_id: str,
    label: str,
    catalogue: Catalogue | None,
    projection: str,
    *,
    default: int,
    least: int,
    most: int,
) -> html.Div:
    parameters = catalogue.parameters.get(projection, {}) if catalogue else {}
    field = dmc.NumberInput(
        id=control_id,
        className="clusters",
        value=parameters.get("asked") or default,
        min=least,
        max=most,
        allowDecimal=False,
        allowNegative=False,
        clampBehavior="strict",
        size="sm",
    )
    return html.Div(
        id=f"{control_id}-field",
        className="field",
        children=[html.Label(label, htmlFor=control_id, className="field-label"), field],
    )


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


def _unmapped(count: int) -> html.Div:
    return html.Div(
        className="card warning",
        id="unmapped",
        role="note",
        children=[
            html.Strong(f"{count:,} songs are not on the map yet"),
            html.Code("python run.py map"),
        ],
    )


def _zoom() -> html.Div:
    return html.Div(
        className="card zoom",
        role="group",
        **{"aria-label": "Zoom"},
        children=[
            icon_button("zoom-in", "plus", "Zoom in"),
            icon_button("zoom-out", "minus", "Zoom out"),
            icon_button("zoom-fit", "fit", "Show all songs"),
        ],
    )


def _player() -> html.Footer:
    return html.Footer(
        className="card player",
        id="player",
        **{"data-state": "idle"},
        children=[
            html.Audio(id="audio", preload="auto"),
            icon_button("play", "play", "Play", className="play"),
            html.Div(
                className="now",
                children=[
                    html.Div("Click a song to hear it", id="now-title", className="now-title"),
                    html.Div("Every point is one; near ones sound alike", id="now-by", className="now-by"),
                ],
            ),
            html.Span("0:00", id="elapsed", className="time"),
            html.Div(id="seek", className="seek"),
            html.Span("0:00", id="duration", className="time"),
            icon_button("mute", "volume", "Mute", className="mute"),
            html.Div(id="volume", className="volume"),
            html.Div(id=Ids.MESSAGE, className="message card", role="alert"),
            html.Div(id="announcer", className="visually-hidden", role="status"),
        ],
    )


def _notice(notice: Notice) -> html.Div:
    children = [html.H2(notice.title), html.P(notice.text)]
    if notice.command:
        children.append(html.Pre(html.Code(notice.command)))
    children.append(html.Button("Try again", id="reload", className="button"))
    return html.Div(
        className="notice card",
        id="notice",
        role="alert" if notice.kind == "busy" else "status",
        children=[html.Span(className=f"notice-mark icon icon-{notice.kind}"), *children],
        **{"data-kind": notice.kind},
    )


def icon_button(button_id: str, icon: str, label: str, *, className: str = "") -> html.Button:  # noqa: N803
    """Return a button that shows a drawn icon and says what it does."""
    return html.Button(
        html.Span(className=f"icon icon-{icon}"),
        id=button_id,
        className=f"icon-button {className}".strip(),
        type="button",
        title=label,
        **{"aria-label": label},
    )


def _count_line(catalogue: Catalogue | None) -> str:
    if catalogue is None:
        return ""
    songs, genres = len(catalogue), catalogue.n_genres
    return (
        f"{songs:,} {'song' if songs == 1 else 'songs'} · {genres:,} {'genre' if genres == 1 else 'genres'}"
    )
