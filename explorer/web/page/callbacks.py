"""The page's callbacks: each reads inputs, calls a function and returns the result."""

from __future__ import annotations

from dash import ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.exceptions import PreventUpdate

from explorer.config import PROJECTION_NAMES
from explorer.errors import ExplorerError
from explorer.web import browser_inputs as inputs
from explorer.web.data.facets import Filter
from explorer.web.data.file_status import HIDEABLE
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.map.drawing import draw_map, newest_snapshot
from explorer.web.map.redraw_job import MapJob
from explorer.web.map.view import MapView
from explorer.web.page import panels
from explorer.web.page.ids import Ids
from explorer.web.page.map_menu import ORIGINAL

_NEIGHBOURS_RANGE = (2, 500)
"""As the options `--perplexity` and `--neighbours` of `map`."""


def register_callbacks(app: Dash, holder: CatalogueHolder, job: MapJob) -> None:
    """Connect the controls with functions here and with the JavaScript in assets/."""

    @app.callback(
        Output(Ids.DRAWING, "data"),
        *_each(Output, "children", Ids.LEGEND, Ids.TRUST, Ids.TRUST_FIGURES, Ids.TRUST_IN_MENU),
        Output(Ids.PROBLEM, "data"),
        Input(Ids.VIEW, "data"),
        prevent_initial_call=True,
    )
    def draw(document: object):
        try:
            view = MapView.parse(document)
            catalogue = newest_snapshot(holder, view.revision, view.changes)
            if not len(catalogue):
                raise PreventUpdate
            holder.warm_up(catalogue)
            drawing, legend, quality = draw_map(catalogue, view)
            return drawing, legend, *panels.trust(quality), None
        except ExplorerError as error:
            return *(no_update,) * 5, panels.problem(error, "map")

    _register_search(app, holder)
    _register_redrawing(app, holder, job)
    _register_clientside(app)


def _register_search(app: Dash, holder: CatalogueHolder) -> None:
    """Register the search, and the choices of the filters."""

    @app.callback(
        Output(Ids.SEARCHED, "data"),
        Input(Ids.SEARCH, "searchValue"),
        State(Ids.FILTER, "data"),
        prevent_initial_call=True,
    )
    def search(text: object, chosen: object):
        found = panels.suggestions(holder, inputs.search_text(text), Filter.parse(chosen).hide)
        return no_update if found is None else {"text": inputs.name(text), "options": found}

    @app.callback(
        *_each(Output, "data", Ids.FILTER_GENRES, Ids.FILTER_CLUSTERS),
        *_properties(Output, Ids.FILTER_YEARS, "min", "max"),
        Output(Ids.FILTER_YEARS_NOTE, "children"),
        Output(Ids.FILTER_DURATION, "max"),
        Output("filters", "data-ready"),
        Input(Ids.FILTER_TOGGLE, "n_clicks"),
        *_each(Input, "checked", Ids.HIDE_DUPLICATES, Ids.HIDE_MISSING),
        *_each(State, "value", Ids.FILTER_GENRES, Ids.FILTER_CLUSTERS),
        State(Ids.VIEW, "data"),
        prevent_initial_call=True,
    )
    def filter_choices(_clicks, duplicates, missing, genres, clusters, document: object):
        count, hide = MapView.parse(document).cluster_count, hidden_kinds(duplicates, missing)
        chosen = Filter.parse({"genres": genres, "clusters": clusters, "hide": list(hide)})
        try:
            return *panels.filter_options(holder.current(), count, chosen), "true"
        except ExplorerError as error:
            panels.tell(error)
            return (no_update,) * 7

    @app.callback(
        *_properties(Output, Ids.FILTER_ARTISTS, "data", "nothingFoundMessage"),
        *_properties(Input, Ids.FILTER_ARTISTS, "searchValue", "value"),
        # The first artists, before any text.
        Input(Ids.FILTER_TOGGLE, "n_clicks"),
        prevent_initial_call=True,
    )
    def artist_choices(text: object, chosen: object, _clicks):
        return panels.artist_options(holder, inputs.search_text(text), inputs.items(chosen, inputs.name))


def _register_redrawing(app: Dash, holder: CatalogueHolder, job: MapJob) -> None:
    """Register the callbacks that start or cancel the computation of a new map, and show its progress."""

    @app.callback(
        Output(Ids.REDRAW_TIMER, "disabled"),
        *_each(Input, "n_clicks", Ids.REDRAW_START, Ids.REDRAW_CANCEL, Ids.EXACT_REDRAW),
        *_each(State, "value", Ids.PROJECTION, Ids.PERPLEXITY, Ids.NEIGHBOURS),
        prevent_initial_call=True,
    )
    def redraw(_start, _cancel, _exact, projection: object, perplexity: object, neighbours: object):
        if ctx.triggered_id == Ids.REDRAW_CANCEL:
            job.cancel()
        elif ctx.triggered_id == Ids.EXACT_REDRAW:
            job.start("--relayout")
        else:
            job.start(*redraw_options(projection, perplexity, neighbours))
        return False

    @app.callback(
        Output(Ids.REDRAW_TIMER, "disabled", allow_duplicate=True),
        Input(Ids.UPDATES_SHOW, "n_clicks"),
        prevent_initial_call=True,
    )
    def show_updates(_clicks):
        """Add newly indexed songs to the map; the timer shows the new map when it is ready."""
        try:
            unmapped = holder.latest().unmapped
        except ExplorerError:
            # An index run may be storing its map: the job waits for it, or says what is wrong.
            unmapped = True
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
    def show_progress(_ticks, revision: object):
        state = job.state
        try:
            latest = holder.latest().revision
        except ExplorerError:
            raise PreventUpdate from None
        new_revision = latest if latest != revision else no_update
        return panels.redraw_state(state), state.phase, state.phase != "running", new_revision


def hidden_kinds(*switches: object) -> tuple[str, ...]:
    """Return the kinds of songs to hide; the switches are in the order of `HIDEABLE`."""
    return tuple(kind for kind, is_on in zip(HIDEABLE, switches, strict=True) if is_on is True)


def redraw_options(projection: object, perplexity: object, neighbours: object) -> list[str]:
    """Return the options for the `map` command to lay out one projection anew."""
    name = inputs.choice(projection, {*PROJECTION_NAMES, ORIGINAL}, "tsne")
    options = ["--relayout", "--projection", "pca" if name == ORIGINAL else name]
    perplexity = inputs.number(perplexity, *_NEIGHBOURS_RANGE)
    neighbours = inputs.integer(neighbours, *_NEIGHBOURS_RANGE)
    if name == "tsne" and perplexity is not None:
        options += ["--perplexity", f"{perplexity:g}"]
    if name == "umap" and neighbours is not None:
        options += ["--neighbours", str(neighbours)]
    return options


def _register_clientside(app: Dash) -> None:
    """Register the callbacks in assets/core/dash.js, which need no round trip to the server."""

    def bind(name: str, *arguments: object, initially: bool = False) -> None:
        function = ClientsideFunction("explorer", name)
        app.clientside_callback(function, *arguments, prevent_initial_call=not initially)

    ranges = [*_properties(State, Ids.FILTER_YEARS, "min", "max"), State(Ids.FILTER_DURATION, "max")]
    bind(
        "gatherView",
        Output(Ids.VIEW, "data"),
        *_each(Input, "value", Ids.PROJECTION, Ids.COLOURING, Ids.CLUSTERS),
        Input(Ids.FADE, "checked"),
        *_each(Input, "data", Ids.THEME, Ids.REVISION, Ids.CHANGES, Ids.FILTER),
        State(Ids.CLUSTERS, "max"),
    )
    bind("showMap", Input(Ids.DRAWING, "data"))
    # Not one callback: Dash would wait for the answer before it tells the browser of the text.
    bind("noteSearchText", Input(Ids.SEARCH, "searchValue"))
    bind("noteSearchResults", Input(Ids.SEARCHED, "data"))
    for field in (Ids.FILTER_GENRES, Ids.FILTER_CLUSTERS):
        output = Output(field, "nothingFoundMessage")
        bind("noMatch", output, *_properties(Input, field, "searchValue", "data"), State(field, "label"))
    bind("tellProblem", Input(Ids.PROBLEM, "data"))
    bind(
        "openSuggestion", *_properties(Output, Ids.SEARCH, "value", "searchValue"), Input(Ids.SEARCH, "value")
    )
    bind(
        "gatherFilter",
        Output(Ids.FILTER, "data"),
        *_each(Input, "value", Ids.FILTER_GENRES, Ids.FILTER_CLUSTERS, Ids.FILTER_ARTISTS),
        *_each(Input, "value", Ids.FILTER_YEARS, Ids.FILTER_DURATION),
        *_each(Input, "checked", Ids.HIDE_DUPLICATES, Ids.HIDE_MISSING),
        *ranges,
    )
    bind(
        "setRanges",
        *_each(Output, "value", Ids.FILTER_YEARS, Ids.FILTER_DURATION),
        Input("filters", "data-ready"),
        *ranges,
    )
    bind(
        "chooseTheme",
        Output(Ids.CHOSEN_THEME, "data"),
        Input(Ids.THEME_TOGGLE, "n_clicks"),
        State(Ids.CHOSEN_THEME, "data"),
    )
    bind(
        "applyTheme",
        Output(Ids.THEME, "data"),
        Output(Ids.PROVIDER, "forceColorScheme"),
        Input(Ids.CHOSEN_THEME, "modified_timestamp"),
        State(Ids.CHOSEN_THEME, "data"),
        initially=True,
    )
    bind(
        "showFields",
        *_each(Output, "style", "clusters-part", "colouring-field"),
        *_each(Output, "style", Ids.PERPLEXITY_FIELD, Ids.NEIGHBOURS_FIELD),
        *_each(Input, "value", Ids.PROJECTION, Ids.COLOURING),
        initially=True,
    )


def _each(kind: type, prop: str, *control_ids: str) -> list:
    """Return dependencies on the same property of several controls."""
    return [kind(control_id, prop) for control_id in control_ids]


def _properties(kind: type, control_id: str, *props: str) -> list:
    """Return dependencies on several properties of one control."""
    return [kind(control_id, prop) for prop in props]
