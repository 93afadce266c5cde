"""The ids of the page's elements that callbacks use."""


class Ids:
    """The ids of elements that Dash fills, reads or listens to."""

    PROVIDER = "provider"
    VIEW = "look"
    """A store with the state of the controls, which `MapView.parse` reads."""

    DRAWING = "drawing"
    """A store with the description of the map, which JavaScript draws."""

    REVISION = "revision"
    CHANGES = "changes"
    PROBLEM = "problem"
    """A store with what the server could not do; see `panels.problem`."""

    PROJECTION = "projection"
    COLOURING = "colouring"
    CLUSTERS = "clusters"
    CLUSTERS_FIELD = "clusters-field"
    FADE = "fade"
    SEARCH = "search"
    CHOSEN_THEME = "chosen-theme"
    """A store in the browser with the theme that the user has chosen, if any."""

    THEME = "theme"
    """A store with the theme in use: the chosen one, else the system's."""

    THEME_TOGGLE = "theme-toggle"
    CONTROLS_TOGGLE = "controls-toggle"
    CONTROLS = "controls"

    UPDATES_SHOW = "updates-show"
    LEGEND = "legend"
    ISOLATED = "isolated"
    TRUST = "trust"
    REDRAW = "redraw"
    REDRAW_START = "redraw-start"
    REDRAW_CANCEL = "redraw-cancel"
    EXACT_REDRAW = "exact-redraw"
    """Draws all projections again, after a first look."""

    REDRAW_STATE = "redraw-state"
    REDRAW_TIMER = "redraw-timer"
    PERPLEXITY = "perplexity"
    PERPLEXITY_FIELD = "perplexity-field"
    NEIGHBOURS = "neighbours"
    NEIGHBOURS_FIELD = "neighbours-field"

    FILTER = "filter"
    FILTER_TOGGLE = "filter-toggle"
    FILTER_GENRES = "filter-genres"
    FILTER_CLUSTERS = "filter-clusters"
    FILTER_ARTISTS = "filter-artists"
    FILTER_YEARS = "filter-years"
    FILTER_DURATION = "filter-duration"
    FILTER_YEARS_NOTE = "filter-years-note"
    HIDE_DUPLICATES = "hide-duplicates"
    HIDE_MISSING = "hide-missing"
    FILTER_STATE = "filter-state"
