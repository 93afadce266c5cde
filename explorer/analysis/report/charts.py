"""The figures of a verification report: functions from findings to matplotlib figures, and to inline SVG.

They have no background, and their inks become the page's own, so that they suit dark and light.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from explorer.analysis.matplotlib_style import (
    ACCENT,
    COLOURS,
    GREY,
    INK,
    LINE,
    PAPER,
    SOFT,
    as_svg,
    new_figure,
    shorten,
    style,
)
from explorer.analysis.report.checks.neighbours import MOST_ASKED, Nearest

OTHER = "#959cae"
"""Of songs that belong to no genre shown: seen on white and on black."""
_MOST_BARS = 14
_MOST_VALUES = 2_000_000
# More points than this make a picture smaller than a drawing.
_MOST_DRAWN_POINTS = 1_500
_RASTER_DPI = 240
_INKS = {INK: "ink", SOFT: "soft", LINE: "line", ACCENT: "accent", GREY: "grey", PAPER: "paper"}
_GENRE_COLOURS = tuple(COLOURS[index] for index in (5, 1, 2, 3, 4, 6, 7))


def inline_svg(figure: Figure) -> str:
    """Return a figure in the page's colours: an SVG element from its `viewBox` attribute to its end."""
    text = as_svg(figure)
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for ink, name in _INKS.items():
        text = re.sub(re.escape(ink) + r"(?![0-9a-f])", f"var(--{name})", text)
    return re.search(r'viewBox="[^"]*"', text)[0] + text[text.index(">") :]


@contextmanager
def _drawing(*, width_in: float = 4.3, height_in: float = 2.7, **labels: str) -> Iterator[Axes]:
    with style():
        axes = new_figure(width_in, height_in, background="none").subplots()
        axes.set_facecolor("none")
        axes.set(**labels)
        yield axes


def _percent(value: float, _position: int) -> str:
    return f"{value:.0%}"


def _legend(axes: Axes, columns: int = 1, **options) -> None:
    axes.figure.legend(loc="outside upper left", ncols=columns, frameon=False, fontsize=7.5, **options)


def _bars(axes: Axes, lengths: Sequence[float], names: Sequence[str]):
    bars = axes.barh(range(len(lengths)), lengths, height=0.62, color=ACCENT)
    axes.set_yticks(range(len(lengths)), names)
    axes.tick_params(axis="y", length=0, labelsize=7.5)
    axes.invert_yaxis()
    return bars


def draw_values(values: np.ndarray) -> Figure:
    """Show how the vectors' values [shape=(n, 512)] are spread."""
    with _drawing(xlabel="value", ylabel="share of all values") as axes:
        counts, edges = np.histogram(values[:: max(1, values.size // _MOST_VALUES)], bins=60)
        axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=ACCENT)
        axes.yaxis.set_major_formatter(_percent)
    return axes.figure


def draw_norms(values: np.ndarray) -> Figure:
    """Show how long the vectors [shape=(n, 512)] are."""
    norms = np.linalg.norm(values, axis=1)
    with _drawing(xlabel="Euclidean length", ylabel="songs") as axes:
        axes.stairs(
            *np.histogram(norms, bins=min(40, max(8, int(np.sqrt(len(norms)))))), fill=True, color=ACCENT
        )
        axes.yaxis.get_major_locator().set_params(integer=True)
    return axes.figure


def draw_similarities(nearest: Nearest) -> Figure:
    """Show how much more alike neighbours are than any two songs."""
    bins = np.linspace(-1, 1, 41 if len(nearest.asked) < MOST_ASKED else 101)
    series = (
        ("any two songs", nearest.random, {"fill": True, "color": OTHER, "alpha": 0.6}),
        ("a song and its tenth", nearest.similarities[:, -1], {"fill": False, "color": ACCENT, "alpha": 1.0}),
        ("a song and its nearest", nearest.similarities[:, 0], {"fill": True, "color": ACCENT, "alpha": 0.6}),
    )
    with _drawing(xlabel="similarity", ylabel="share of pairs") as axes:
        for name, values, options in series:
            counts, _ = np.histogram(np.clip(values, -1, 1), bins=bins)
            axes.stairs(counts / max(counts.sum(), 1), bins, label=name, **options)
        low = min(values.min(initial=0.0) for values in (nearest.random, nearest.similarities))
        axes.set_xlim(max(-1.0, low - 0.05), 1.0)
        axes.yaxis.set_major_formatter(_percent)
        _legend(axes, 3, handlelength=1.2, columnspacing=1)
    return axes.figure


def draw_genres(per_label: Mapping[str, Mapping]) -> Figure:
    """Show how often the neighbours of each genre's songs share it, beside chance."""
    shown = dict(list(per_label.items())[:_MOST_BARS])
    purities, chances = ([facts[key] for facts in shown.values()] for key in ("purity", "chance"))
    rows = np.arange(len(shown))
    with _drawing(height_in=0.75 + 0.21 * len(shown), xlabel="neighbours that share the genre") as axes:
        _bars(axes, purities, [f"{shorten(name, 26)} ({facts['songs']:,})" for name, facts in shown.items()])
        axes.vlines(chances, rows - 0.42, rows + 0.42, color=INK, linewidth=1.4, label="by chance")
        axes.set_xlim(0, max(0.1, min(1.0, 1.1 * max(purities))))
        axes.xaxis.set_major_formatter(_percent)
        _legend(axes)
    return axes.figure


def genre_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return a colour for each of the most frequent genres."""
    names, counts = np.unique([label for label in labels if label], return_counts=True)
    order = np.lexsort((names, -counts))
    return {str(names[row]): colour for row, colour in zip(order, _GENRE_COLOURS, strict=False)}


def draw_map(positions: np.ndarray, labels: Sequence[str], colours: Mapping[str, str]) -> Figure:
    """Show a projection [shape=(n, 2)] in small, in the colours of its most frequent genres."""
    n = len(positions)
    tints = np.array([colours.get(label, OTHER) for label in labels])
    # Genres are drawn over the rest.
    order = np.argsort(tints != OTHER, kind="stable")
    with _drawing(width_in=3.2, height_in=3.2, xticks=[], yticks=[]) as axes:
        axes.figure.set_dpi(_RASTER_DPI)
        axes.scatter(
            *positions[order].T,
            s=float(np.clip(9_000 / max(n, 1), 0.4, 16)),
            c=tints[order],
            linewidths=0,
            alpha=0.85 if n < 5_000 else 0.6,
            rasterized=n > _MOST_DRAWN_POINTS,
        )
        axes.set_aspect("equal", adjustable="datalim")
        axes.spines[:].set_visible(True)
    return axes.figure


def draw_failures(failures: Mapping[str, int]) -> Figure:
    """Show how many files failed, by reason."""
    shown = dict(list(failures.items())[:_MOST_BARS])
    with _drawing(height_in=0.75 + 0.26 * len(shown), xlabel="files") as axes:
        bars = _bars(axes, list(shown.values()), [shorten(reason, 36) for reason in shown])
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=7.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(x=0.12)
    return axes.figure


def draw_poolings(by_max: np.ndarray, by_mean: np.ndarray, genres: Sequence[str]) -> Figure:
    """Show each pair's similarity under the maximum against that under the mean [shape=(n, n) each]."""
    one, other = np.triu_indices(len(genres), 1)
    names = np.array(genres)
    same = (names[one] == names[other]) & (names[one] != "")
    with _drawing(height_in=3.2, xlabel="similarity by maximum", ylabel="similarity by mean") as axes:
        axes.axline((0, 0), slope=1, color=LINE, linewidth=1, zorder=0)
        for name, chosen, colour in (("other pairs", ~same, OTHER), ("of one genre", same, ACCENT)):
            pairs = one[chosen], other[chosen]
            axes.scatter(by_max[pairs], by_mean[pairs], s=16, c=colour, linewidths=0, label=name)
        _legend(axes, 2)
    return axes.figure
