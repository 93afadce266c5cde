"""What the page's controls do: read inputs, call a function, return."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from explorer.errors import ExplorerError
from explorer.web.data.facets import Filter
from explorer.web.data.file_status import HIDEABLE
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.redraw_job import MapJob
from explorer.web.map.view import MapView, draw_map
from explorer.web.page import panels
from explorer.web.page.ids import Ids


def register_callbacks(app: Dash, holder: CatalogueHolder, job: MapJob) -> None:
    """Connect the controls with the library and with the browser's own code in assets/."""

    @app.callback(
        Output(Ids.DRAWING, "data"),
        *_each(Output, "children", Ids.LEGEND, Ids.TRUST, Ids.MESSAGE),
        Input(Ids.LOOK, "data"),
        prevent_initial_call=True,
    )
    def draw(document: object):
        try:
            look = MapView.parse(document)
            held = holder.held()
            is_known = (held.revision, held.changes) == (look.revision, look.changes)
            catalogue = held if is_known else holder.latest()
            if not len(catalogue):
                raise PreventUpdate
            holder.warm_up()
            return *draw_map(catalogue, look), ""
        except ExplorerError as error:
            return no_update, no_update, no_update, str(error)

    _register_finding(app, holder)
    _register_redrawing(app, holder, job)
    _register_clientside(app)


def _register_finding(app: Dash, holder: CatalogueHolder) -> None:
    @app.callback(
        Output(Ids.SEARCH, "data"),
        Input(Ids.SEARCH, "searchValue"),
        State(Ids.FILTER, "data"),
        prevent_initial_call=True,
    )
    def search(text: str | None, chosen: object):
        return panels.suggestions(holder, text, Filter.parse(chosen).hide)

    @app.callback(
        *_each(Output, "data", Ids.FILTER_GENRES, Ids.FILTER_CLUSTERS),
        *_of(Output, Ids.FILTER_YEARS, "min", "max"),
        Output(Ids.FILTER_YEARS_NOTE, "children"),
        Output(Ids.FILTER_DURATION, "max"),
        Output("filters", "data-ready"),
        Input(Ids.FILTER_TOGGLE, "n_clicks"),
        *_each(Input, "checked", Ids.HIDE_DUPLICATES, Ids.HIDE_MISSING),
        State(Ids.LOOK, "data"),
        prevent_initial_call=True,
    )
    def offer_filters(_clicks, duplicates: object, missing: object, document: object):
        hide = hiding(duplicates, missing)
        try:
            return *panels.filter_options(holder.held(), MapView.parse(document).cluster_count, hide), "true"
        except ExplorerError:
            raise PreventUpdate from None

    @app.callback(
        Output(Ids.FILTER_ARTISTS, "data"),
        *_of(Input, Ids.FILTER_ARTISTS, "searchValue", "value"),
        prevent_initial_call=True,
    )
    def offer_artists(text: str | None, chosen: list[str] | None):
        return panels.artist_options(holder, text or "", chosen or [])


def _register_redrawing(app: Dash, holder: CatalogueHolder, job: MapJob) -> None:
    """Let the page lay the map out anew, in another process."""

    @app.callback(
        Output(Ids.REDRAW_TIMER, "disabled"),
        *_each(Input, "n_clicks", Ids.REDRAW_START, Ids.REDRAW_CANCEL),
        *_each(State, "value", Ids.PROJECTION, Ids.PERPLEXITY, Ids.NEIGHBOURS),
        prevent_initial_call=True,
    )
    def redraw(_start, _cancel, projection: str, perplexity: object, neighbours: object):
        if ctx.triggered_id == Ids.REDRAW_CANCEL:
            job.cancel()
        else:
            job.start(*redraw_options(projection, perplexity, neighbours))
        return False

    @app.callback(
        Output(Ids.REDRAW_TIMER, "disabled", allow_duplicate=True),
        Input(Ids.NEWS_SHOW, "n_clicks"),
        prevent_initial_call=True,
    )
    def show_news(_clicks):
        """Give songs that were indexed meanwhile their places; the timer brings the new map."""
        try:
            unmapped = holder.latest().unmapped
        except ExplorerError:
            raise PreventUpdate from None
        if unmapped:
            job.start()
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
            newest = holder.latest().revision
        except ExplorerError:
            raise PreventUpdate from None
        shown = newest if newest != revision else no_update
        return panels.redraw_state(state), state.phase, state.phase != "running", shown


def hiding(*switches: object) -> tuple[str, ...]:
    """Return what switches in the order of `HIDEABLE` say is to be hidden."""
    return tuple(kind for kind, is_on in zip(HIDEABLE, switches, strict=True) if is_on is True)


def redraw_options(projection: str, perplexity: object, neighbours: object) -> list[str]:
    """Return `map`'s options for a new layout of one projection."""
    options = ["--relayout", "--projection", "pca" if projection == "original" else projection]
    if projection == "tsne" and isinstance(perplexity, int | float):
        options += ["--perplexity", str(perplexity)]
    if projection == "umap" and isinstance(neighbours, int):
        options += ["--neighbours", str(neighbours)]
    return options


def _register_clientside(app: Dash) -> None:
    """Bind assets/core/dash.js: sound must not wait for a round trip."""

    def bind(name: str, *arguments: object, at_once: bool = False) -> None:
        function = ClientsideFunction("explorer", name)
        app.clientside_callback(function, *arguments, prevent_initial_call=not at_once)

    ranges = [*_of(State, Ids.FILTER_YEARS, "min", "max"), State(Ids.FILTER_DURATION, "max")]
    bind(
        "look",
        Output(Ids.LOOK, "data"),
        *_each(Input, "value", Ids.PROJECTION, Ids.COLOURING, Ids.CLUSTERS),
        Input(Ids.FADE, "checked"),
        *_each(Input, "data", Ids.THEME, Ids.REVISION, Ids.CHANGES, Ids.FILTER, Ids.ISOLATED),
    )
    bind("draw", Output(Ids.MAP, "figure"), Input(Ids.DRAWING, "data"))
    bind("goTo", *_of(Output, Ids.SEARCH, "value", "searchValue"), Input(Ids.SEARCH, "value"))
    bind(
        "gatherFilter",
        Output(Ids.FILTER, "data"),
        *_each(Input, "value", Ids.FILTER_GENRES, Ids.FILTER_CLUSTERS, Ids.FILTER_ARTISTS),
        *_each(Input, "value", Ids.FILTER_YEARS, Ids.FILTER_DURATION),
        *_each(Input, "checked", Ids.HIDE_DUPLICATES, Ids.HIDE_MISSING),
        *ranges,
    )
    bind(
        "placeRanges",
        *_each(Output, "value", Ids.FILTER_YEARS, Ids.FILTER_DURATION),
        Input("filters", "data-ready"),
        *ranges,
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
        at_once=True,
    )
    bind(
        "showFields",
        *_each(Output, "style", Ids.CLUSTERS_FIELD, "colouring-field"),
        *_each(Output, "style", Ids.PERPLEXITY_FIELD, Ids.NEIGHBOURS_FIELD),
        *_each(Input, "value", Ids.PROJECTION, Ids.COLOURING),
        at_once=True,
    )
    bind(
        "toggleControls",
        Output(Ids.CONTROLS, "className"),
        Input(Ids.CONTROLS_TOGGLE, "n_clicks"),
        State(Ids.CONTROLS, "className"),
    )


def _each(kind: type, prop: str, *control_ids: str) -> list:
    """Return the same property of several controls."""
    return [kind(control_id, prop) for control_id in control_ids]


def _of(kind: type, control_id: str, *props: str) -> list:
    """Return several properties of one control."""
    return [kind(control_id, prop) for prop in props]
