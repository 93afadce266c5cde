"""The legend of a map that values colour: a bar of a scale, or the circle of keys."""

from __future__ import annotations

import numpy as np
from dash import html

from explorer.util.progress import plural
from explorer.web.map.key_circle import KEYS, KeyCircle
from explorer.web.map.palette import GREYS
from explorer.web.map.scales import Scale
from explorer.web.page.panels import missing_row, row_parts
from explorer.web.page.parts import part


def scale_legend(
    scale: Scale | KeyCircle, *, theme: str, hidden: np.ndarray | None = None, n_missing: int = 0
) -> list:
    """Return the legend: all colours with what they mean, and the songs without a value.

    Parameters
    ----------
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that do not count.
    n_missing : int
        How many songs on the map have no file. If there are any, the last row explains how they are drawn.
    """
    numbers = scale.colour_numbers
    is_shown = np.ones(len(numbers), dtype=bool) if hidden is None else ~hidden
    n_known = np.count_nonzero((numbers < len(scale.colours(theme))) & is_shown)
    colours = _circle(scale, theme, is_shown) if isinstance(scale, KeyCircle) else [_bar(scale, theme)]
    rows = [_unknown_row(name, count, theme) for name, count in scale.unknown_counts(is_shown)]
    if n_missing:
        rows.append(missing_row(n_missing))
    return [
        html.H2([html.Span(scale.kind.title), html.Span(plural(n_known, "song"), className="legend-count")]),
        *colours,
        html.Ul(rows),
    ]


def _unknown_row(name: str, count: int, theme: str) -> html.Li:
    dot = html.Span(className="dot", style={"background": GREYS[theme]})
    return html.Li(part("legend-row legend-rest", *row_parts(dot, name, count)))


def _bar(scale: Scale, theme: str) -> html.Div:
    ticks = scale.ticks()
    colours = ", ".join(scale.colours(theme))
    bar = html.Div(className="scale-bar", style={"background": f"linear-gradient(to right, {colours})"})
    texts = [
        html.Span(text, className=f"scale-tick {_side_of(share)}", style={"left": f"{share:.1%}"})
        for share, text in ticks
    ]
    described = f"{scale.kind.title}: from {ticks[0][1]} to {ticks[-1][1]}"
    return part(
        "scale", bar, part("scale-ticks", *texts, aria_hidden="true"), role="img", aria_label=described
    )


def _side_of(share: float) -> str:
    return "scale-first" if share == 0 else "scale-last" if share == 1 else "scale-middle"


def _circle(circle: KeyCircle, theme: str, is_shown: np.ndarray) -> list:
    """Return a row for each step of the circle, with its minor and its major key."""
    counts, colours = circle.counts(is_shown).tolist(), circle.colours(theme)
    rows = []
    for minor in range(0, len(KEYS), 2):
        numbers = (minor, minor + 1)
        code = html.Span(str(KEYS[minor].wheel_number), className="key-step")
        cells = [_key_cell(number, counts[number], colours[number]) for number in numbers]
        rows.append(html.Li([code, *cells]))
    note = "Keys that mix well are beside each other, as on the Camelot wheel: 8A is A minor, 8B is C major."
    return [part("key-circle", *rows, tag=html.Ul, aria_label="Keys"), html.P(note, className="legend-note")]


def _key_cell(number: int, count: int, colour: str) -> html.Span:
    key = KEYS[number]
    title = f"{key.camelot} · {key.name}: {plural(count, 'song')}"
    dot = html.Span(className="dot", style={"background": colour})
    name = html.Span(key.name, className="legend-name")
    parts = (dot, name, html.Span(f"{count:,}", className="legend-count"))
    return html.Span(parts, className="key-cell" if count else "key-cell key-none", title=title)
