"""The column on the left with warnings and the legend, the line about the map's quality, and the welcome."""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from explorer.util.progress import plural
from explorer.web.data.catalogue import Catalogue
from explorer.web.page.ids import Ids
from explorer.web.page.parts import button, icon_button, part, progress_bar
from explorer.web.permissions import Restrictions


def side(catalogue: Catalogue | None, restrictions: Restrictions) -> Component:
    """Return the column."""
    warnings = []
    if catalogue and catalogue.damage:
        warnings.append(_damaged(catalogue))
    if catalogue and not catalogue.is_trained:
        warnings.append(_untrained())
    if catalogue and restrictions.songs:
        warnings.append(_made_elsewhere(restrictions))
    chips = [part("warning-chips", *warnings)] if warnings else []
    return part(
        "side",
        part("warnings", *chips, _progress(), _exact(), _updates()),
        # A narrow or low window shows the legend only when its button is pressed.
        part(
            "card legend", part("legend-list", id=Ids.LEGEND), tag=html.Section, id="legend-card", hidden=True
        ),
        tag=html.Aside,
        aria_label="Legend",
    )


def trust() -> Component:
    """Return the sentence about how far the map can be trusted, and the card with the figures behind it."""
    line = button(
        kind="trust-line",
        id=Ids.TRUST,
        title="Show the figures behind this",
        aria_expanded="false",
        aria_controls="trust-card",
    )
    card = part(
        "card popover trust-card",
        html.H2("How far to trust this map"),
        part(None, id=Ids.TRUST_FIGURES),
        tag=html.Section,
        id="trust-card",
        aria_label="How far to trust this map",
        hidden=True,
    )
    return part("popover-anchor trust", line, card)


def welcome() -> Component:
    """Return the card of the first visit, initially hidden: what the map is, and two ways to begin."""
    return part(
        "card welcome",
        html.P("Each dot is a song. Songs close together sound alike."),
        part(
            "welcome-buttons",
            button("Play something", id="welcome-play"),
            button("Hover to hear", kind="button quiet", id="welcome-hear"),
        ),
        icon_button("welcome-close", "close", "Close"),
        tag=html.Section,
        id="welcome",
        aria_label="Welcome",
        hidden=True,
    )


def _warning(warning_id: str, title: str, text: str) -> Component:
    """Return a chip that names a problem, and the card that explains it."""
    card_id = f"{warning_id}-explained"
    chip = button(title, kind="warning-chip", aria_expanded="false", aria_controls=card_id)
    card = part("card popover warning-card", html.P(text), id=card_id, hidden=True)
    return part("popover-anchor", chip, card, id=warning_id, role="note")


def _made_elsewhere(restrictions: Restrictions) -> Component:
    return _warning("made-elsewhere", restrictions.songs_title, restrictions.songs)


def _untrained() -> Component:
    text = (
        "This map was made without OpenL3's trained weights: it groups songs by rough timbre only. "
        "The README says how to get the weights."
    )
    return _warning("untrained", "Rough map: untrained filters", text)


def _damaged(catalogue: Catalogue) -> Component:
    title = f"{plural(len(catalogue.damage), 'song')} with damaged values"
    return _warning("damaged", title, catalogue.damage_sentence)


def _progress() -> Component:
    """Return the card with the progress of an index run: one line, which opens to a sentence.

    JavaScript fills it and shows it.
    """
    summary = html.Summary(html.Strong(id="progress-text"))
    return part(
        "card warning news progress",
        html.Details([summary, html.P(id="progress-note")]),
        progress_bar("progress-bar"),
        id="progress",
        hidden=True,
    )


def _exact() -> Component:
    """Return the card that offers to draw the map again: its places are still those of the first look."""
    return part(
        "card warning news",
        html.Strong("Every song has been heard in full"),
        html.Span("The songs kept their places. Drawn again, the map shows them as they really sound."),
        part(
            "redraw-buttons",
            button("Redraw the map", id=Ids.EXACT_REDRAW),
            button("Keep", kind="button quiet", id="exact-keep"),
        ),
        id="exact",
        role="status",
        hidden=True,
    )


def _updates() -> Component:
    """Return the card with a button that adds newly indexed songs; JavaScript shows it if there are any."""
    return part(
        "card warning news",
        html.Strong(id="updates-text"),
        button("Show", id=Ids.UPDATES_SHOW),
        id="updates",
        role="status",
        hidden=True,
    )
