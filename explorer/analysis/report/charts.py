"""Draws the charts of a verification report with matplotlib, and turns them into inline SVG.

The charts have no background and use the page's CSS colours, so that they fit its light and dark themes.
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
from explorer.analysis.report.checks.neighbours import MAX_QUERIES, NeighbourSample

OTHER = "#959cae"
"""The colour of songs whose genre is not in the legend; visible on white and on black."""
_MAX_BARS = 14
_MAX_VALUES = 2_000_000
# For more points than this, a bitmap is smaller than vector graphics.
_MAX_VECTOR_POINTS = 1_500
_RASTER_DPI = 240
_CSS_VARIABLES = {INK: "ink", SOFT: "soft", LINE: "line", ACCENT: "accent", GREY: "grey", PAPER: "paper"}
_GENRE_COLOURS = tuple(COLOURS[index] for index in (5, 1, 2, 3, 4, 6, 7))


def inline_svg(figure: Figure) -> str:
    """Return a figure as SVG in the page's colours, without `<svg`: the template writes that.

    The opening tag keeps only its `viewBox`.
    """
    text = as_svg(figure)
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    for colour, name in _CSS_VARIABLES.items():
        text = re.sub(re.escape(colour) + r"(?![0-9a-f])", f"var(--{name})", text)
    return re.search(r'viewBox="[^"]*"', text)[0] + text[text.index(">") :]


@contextmanager
def _new_axes(*, width_in: float = 4.3, height_in: float = 2.7, **labels: str) -> Iterator[Axes]:
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
    """Draw a histogram of all values of the vectors [shape=(n, 512)]."""
    with _new_axes(xlabel="value", ylabel="share of all values") as axes:
        counts, edges = np.histogram(values[:: max(1, values.size // _MAX_VALUES)], bins=60)
        axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=ACCENT)
        axes.yaxis.set_major_formatter(_percent)
    return axes.figure


def draw_norms(values: np.ndarray) -> Figure:
    """Draw a histogram of the lengths of the vectors [shape=(n, 512)]."""
    norms = np.linalg.norm(values, axis=1)
    with _new_axes(xlabel="Euclidean length", ylabel="songs") as axes:
        axes.stairs(
            *np.histogram(norms, bins=min(40, max(8, int(np.sqrt(len(norms)))))), fill=True, color=ACCENT
        )
        axes.yaxis.get_major_locator().set_params(integer=True)
    return axes.figure


def draw_similarities(sample: NeighbourSample) -> Figure:
    """Draw histograms of the similarity of neighbours and of random pairs."""
    bins = np.linspace(-1, 1, 41 if len(sample.queries) < MAX_QUERIES else 101)
    series = (
        ("any two songs", sample.random_similarities, {"fill": True, "color": OTHER, "alpha": 0.6}),
        (
            "tenth nearest song",
            sample.similarities[:, -1],
            {"fill": False, "color": ACCENT, "alpha": 1.0},
        ),
        ("nearest song", sample.similarities[:, 0], {"fill": True, "color": ACCENT, "alpha": 0.6}),
    )
    with _new_axes(xlabel="similarity", ylabel="share of pairs") as axes:
        for name, values, options in series:
            counts, _ = np.histogram(np.clip(values, -1, 1), bins=bins)
            axes.stairs(counts / max(counts.sum(), 1), bins, label=name, **options)
        low = min(values.min(initial=0.0) for values in (sample.random_similarities, sample.similarities))
        axes.set_xlim(max(-1.0, low - 0.05), 1.0)
        axes.yaxis.set_major_formatter(_percent)
        _legend(axes, 3, handlelength=1.2, columnspacing=1)
    return axes.figure


def draw_genres(per_label: Mapping[str, Mapping]) -> Figure:
    """Draw the genre purity of each genre as a bar, with a line at the purity by chance."""
    drawn = dict(list(per_label.items())[:_MAX_BARS])
    purities, chances = ([facts[key] for facts in drawn.values()] for key in ("purity", "chance"))
    rows = np.arange(len(drawn))
    with _new_axes(height_in=0.75 + 0.21 * len(drawn), xlabel="neighbours that share the genre") as axes:
        _bars(axes, purities, [f"{shorten(name, 26)} ({facts['songs']:,})" for name, facts in drawn.items()])
        axes.vlines(chances, rows - 0.42, rows + 0.42, color=INK, linewidth=1.4, label="by chance")
        axes.set_xlim(0, max(0.1, min(1.0, 1.1 * max(purities))))
        axes.xaxis.set_major_formatter(_percent)
        _legend(axes)
    return axes.figure


def genre_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return a colour for each of the most frequent genres, the most frequent first."""
    names, counts = np.unique([label for label in labels if label], return_counts=True)
    order = np.lexsort((names, -counts))
    return {str(names[row]): colour for row, colour in zip(order, _GENRE_COLOURS, strict=False)}


def draw_map(positions: np.ndarray, labels: Sequence[str], colours: Mapping[str, str]) -> Figure:
    """Draw a projection [shape=(n, 2)] as a small map, coloured by the most frequent genres."""
    n = len(positions)
    point_colours = np.array([colours.get(label, OTHER) for label in labels])
    # Coloured songs are drawn last, over the grey ones.
    order = np.argsort(point_colours != OTHER, kind="stable")
    with _new_axes(width_in=3.2, height_in=3.2, xticks=[], yticks=[]) as axes:
        axes.figure.set_dpi(_RASTER_DPI)
        axes.scatter(
            *positions[order].T,
            s=float(np.clip(9_000 / max(n, 1), 0.4, 16)),
            c=point_colours[order],
            linewidths=0,
            alpha=0.85 if n < 5_000 else 0.6,
            rasterized=n > _MAX_VECTOR_POINTS,
        )
        axes.set_aspect("equal", adjustable="datalim")
        axes.spines[:].set_visible(True)
    return axes.figure


def draw_failures(failures: Mapping[str, int]) -> Figure:
    """Draw the number of failed files for each reason."""
    drawn = dict(list(failures.items())[:_MAX_BARS])
    with _new_axes(height_in=0.75 + 0.26 * len(drawn), xlabel="files") as axes:
        bars = _bars(axes, list(drawn.values()), [shorten(reason, 36) for reason in drawn])
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=7.5)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(x=0.12)
    return axes.figure


def draw_poolings(names: Sequence[str], measured: Sequence[Mapping], chance: float) -> Figure:
    """Draw the genre purity of each pooling as a point on its interval, with a line at the purity by chance.

    Parameters
    ----------
    measured : sequence of mapping
        `purity`, `low` and `high` of each pooling.
    """
    rows = np.arange(len(names))
    purities, lows, highs = (
        np.array([facts[key] for facts in measured]) for key in ("purity", "low", "high")
    )
    with _new_axes(height_in=0.85 + 0.36 * len(names), xlabel="neighbours that share the genre") as axes:
        axes.axvline(chance, color=INK, linewidth=1.4, label="by chance")
        axes.errorbar(
            purities,
            rows,
            xerr=[purities - lows, highs - purities],
            fmt="o",
            color=ACCENT,
            capsize=3,
            label="measured, with its 95 % interval",
        )
        axes.set_yticks(rows, names)
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_xlim(0, min(1.0, 1.15 * max(chance, highs.max())))
        axes.xaxis.set_major_formatter(_percent)
        _legend(axes, 2)
    return axes.figure
