"""What the page's controls do: read inputs, call a function, return."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from explorer.errors import ExplorerError
from explorer.web import panels
from explorer.web.catalogue import Catalogue, Shelf
from explorer.web.figures import legend_entries, map_figure
from explorer.web.jobs import MapJob
from explorer.web.layout import Ids


def register_callbacks(app: Dash, shelf: Shelf, job: MapJob) -> None:
    """Connect the controls with the library and with the browser's own code in assets/."""

    @app.callback(
        Output(Ids.DRAWING, "data"),
        Output(Ids.LEGEND, "children"),
        Output(Ids.TRUST, "children"),
        Output(Ids.MESSAGE, "children"),
        Input(Ids.PROJECTION, "value"),
        Input(Ids.COLOURING, "value"),
        Input(Ids.CLUSTERS, "value"),
        Input(Ids.FADE, "checked"),
        Input(Ids.THEME, "data"),
        Input(Ids.REVISION, "data"),
    )
    def draw(projection: str, colouring: str, clusters: object, fade: bool, theme: str | None, _revision):
        try:
            catalogue = shelf.latest() if ctx.triggered_id == Ids.REVISION else shelf.held()
            if theme is None or not len(catalogue):
                raise PreventUpdate
            shelf.warm_up()
            return *draw_map(catalogue, projection, colouring, clusters, theme, fade=fade), ""
        except ExplorerError as error:
            return no_update, no_update, no_update, str(error)

    @app.callback(Output(Ids.SEARCH, "data"), Input(Ids.SEARCH, "searchValue"), prevent_initial_call=True)
    def search(text: str | None):
        return suggest(shelf.held(), text) if text else []

    _register_redrawing(app, shelf, job)
    _register_clientside(app)


def draw_map(
    catalogue: Catalogue,
    projection: str,
    colouring: str,
    clusters: object,
    theme: str,
    *,
    fade: bool = False,
) -> tuple:
    """Return the map's figure as JSON, the legend and the line of trust."""
    count = clusters if isinstance(clusters, int) else None
    grouping = catalogue.grouping(colouring, cluster_count=count)
    figure = map_figure(
        catalogue.positions[projection],
        grouping,
        theme=theme,
        projection=projection,
        near=catalogue.near[projection] if fade else None,
    )
    figure.update_layout(meta={**figure.layout.meta, "revision": catalogue.revision, "colouring": colouring})
    entries = legend_entries(grouping, theme=theme)
    return (
        figure.to_plotly_json(),
        panels.legend(grouping.title, entries, groups=len(grouping.names)),
        panels.trust_line(catalogue.quality.get(projection, {})),
    )


def suggest(catalogue: Catalogue, text: str) -> list[dict]:
    """Return the songs that a search offers; none while the library is busy."""
    try:
        found = catalogue.search(text)
    except ExplorerError:
        return []
    return [{"value": str(index), "label": song.title, "artist": song.artist} for index, song in found]


def _register_redrawing(app: Dash, shelf: Shelf, job: MapJob) -> None:
    """Let the page lay the map out anew, in another process."""

    @app.callback(
        Output(Ids.REDRAW_TIMER, "disabled"),
        Input(Ids.REDRAW_START, "n_clicks"),
        Input(Ids.REDRAW_CANCEL, "n_clicks"),
        State(Ids.PROJECTION, "value"),
        State(Ids.PERPLEXITY, "value"),
        State(Ids.NEIGHBOURS, "value"),
        prevent_initial_call=True,
    )
    def redraw(_start, _cancel, projection: str, perplexity: object, neighbours: object):
        if ctx.triggered_id == Ids.REDRAW_CANCEL:
            job.cancel()
        else:
            job.start(*redraw_options(projection, perplexity, neighbours))
        return False

    @app.callback(
        Output(Ids.REDRAW_STATE, "children"),
        Output(Ids.REDRAW, "data-phase"),
        Output(Ids.REDRAW_TIMER, "disabled", allow_duplicate=True),
        Output(Ids.REVISION, "data"),
        Input(Ids.REDRAW_TIMER, "n_intervals"),
        State(Ids.REVISION, "data"),
        prevent_initial_call=True,
    )
    def follow(_ticks, revision: int):
        state = job.state
        try:
            newest = shelf.latest().revision
        except ExplorerError:
            raise PreventUpdate from None
        shown = newest if newest != revision else no_update
        return panels.redraw_state(state), state.phase, state.phase != "running", shown


def redraw_options(projection: str, perplexity: object, neighbours: object) -> list[str]:
    """Return `map`'s options for a new layout of one projection."""
    options = ["--relayout", "--projection", projection]
    if projection == "tsne" and isinstance(perplexity, int | float):
        options += ["--perplexity", str(perplexity)]
    if projection == "umap" and isinstance(neighbours, int):
        options += ["--neighbours", str(neighbours)]
    return options


def _register_clientside(app: Dash) -> None:
    """Bind assets/clientside.js: sound must not wait for a round trip."""

    def bind(name: str, *arguments: object, prevent_initial_call: bool = True) -> None:
        function = ClientsideFunction("explorer", name)
        app.clientside_callback(function, *arguments, prevent_initial_call=prevent_initial_call)

    bind("draw", Output(Ids.MAP, "figure"), Input(Ids.DRAWING, "data"))
    bind("hover", Output(Ids.HOVERED, "data"), Input(Ids.MAP, "hoverData"))
    bind("click", Output(Ids.CLICKED, "data"), Input(Ids.MAP, "clickData"))
    bind(
        "goTo",
        Output(Ids.SEARCH, "value"),
        Output(Ids.SEARCH, "searchValue"),
        Input(Ids.SEARCH, "value"),
    )
    bind(
        "chooseTheme",
        Output(Ids.CHOSEN_THEME, "data"),
        Input(Ids.THEME_TOGGLE, "n_clicks"),
        State(Ids.THEME, "data"),
    )
    bind(
        "applyTheme",
        Output(Ids.THEME, "data"),
        Output(Ids.PROVIDER, "forceColorScheme"),
        Input(Ids.CHOSEN_THEME, "modified_timestamp"),
        State(Ids.CHOSEN_THEME, "data"),
        prevent_initial_call=False,
    )
    bind(
        "showClusterField",
        Output(Ids.CLUSTERS_FIELD, "style"),
        Input(Ids.COLOURING, "value"),
    )
    bind(
        "showRedrawFields",
        Output(Ids.PERPLEXITY_FIELD, "style"),
        Output(Ids.NEIGHBOURS_FIELD, "style"),
        Input(Ids.PROJECTION, "value"),
        prevent_initial_call=False,
    )
    bind(
        "toggleControls",
        Output(Ids.CONTROLS, "className"),
        Input(Ids.CONTROLS_TOGGLE, "n_clicks"),
        State(Ids.CONTROLS, "className"),
    )
