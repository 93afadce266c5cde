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
    SEARCHED = "searched"
    """A store with the text that the search's results are for."""

    CHOSEN_THEME = "chosen-theme"
    """A store in the browser with the theme that the user has chosen, if any."""

    THEME = "theme"
    """A store with the theme in use: the chosen one, else the system's."""

    THEME_TOGGLE = "theme-toggle"
    MAP_MENU = "map-menu"
    MAP_MENU_TOGGLE = "map-menu-toggle"
    CONTROLS = "controls"
    """The part of the menu with the values that the server has put into the controls."""

    UPDATES_SHOW = "updates-show"
    LEGEND = "legend"
    TRUST = "trust"
    """The button with one sentence about how far the map can be trusted."""

    TRUST_FIGURES = "trust-figures"
    """The figures behind this sentence, which the button opens."""

    TRUST_IN_MENU = "trust-in-menu"
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
    """The bar that says what filters."""

    FILTER_COUNT = "filter-count"
    FILTER_CHIPS = "filter-chips"
    SHOW_ALL = "show-all"
