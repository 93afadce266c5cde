"""The figures of a verification report: functions from findings to matplotlib figures, and to inline SVG.

They are drawn without a background, and their inks become the page's own, so that they suit dark and light.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from explorer.analysis.checks_neighbours import MOST_ASKED, Nearest
from explorer.analysis.drawing import (
    ACCENT,
    COLOURS,
    GREY,
    INK,
    LINE,
    PAPER,
    SOFT,
    new_figure,
    render,
    shorten,
    style,
)

WIDTH_IN, HEIGHT_IN = 4.3, 2.7
OTHER = "#959cae"
"""Of songs that belong to no genre shown: seen on white and on black."""
SHOWN_GENRES = 7
_MOST_BARS = 14
_MOST_VALUES = 2_000_000
# More points than this make a picture smaller than a drawing.
_MOST_DRAWN_POINTS = 1_500
_RASTER_DPI = 240
_INKS = {INK: "ink", SOFT: "soft", LINE: "line", ACCENT: "accent", GREY: "grey", PAPER: "paper"}
_GENRE_COLOURS = tuple(COLOURS[index] for index in (5, 1, 2, 3, 4, 6, 7))


def inline_svg(figure: Figure, description: str) -> str:
    """Return a figure as an SVG element for a page, in the page's colours.

    Parameters
    ----------
    description : str
        What it shows, already escaped: for those who cannot see it.
    """
    text = render(figure, "svg").decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    view_box = re.search(r'viewBox="[^"]*"', text)[0]
    text = text[text.index(">") + 1 :]
    for ink, name in _INKS.items():
        text = re.sub(re.escape(ink) + r"(?![0-9a-f])", f"var(--{name})", text)
    return f'<svg {view_box} role="img" aria-label="{description}">{text}'


def _axes(figure: Figure, **labels: str) -> Axes:
    axes = figure.subplots()
    axes.set_facecolor("none")
    axes.set(**labels)
    return axes


def draw_values(values: np.ndarray) -> Figure:
    """Show how the vectors' values [shape=(n, 512)] are spread."""
    step = max(1, values.size // _MOST_VALUES)
    with style():
        figure = new_figure(WIDTH_IN, HEIGHT_IN, background="none")
        axes = _axes(figure, xlabel="value", ylabel="share of all values")
        counts, edges = np.histogram(values[::step], bins=60)
        axes.stairs(counts / max(counts.sum(), 1), edges, fill=True, color=ACCENT)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    return figure


def draw_norms(values: np.ndarray) -> Figure:
    """Show how long the vectors [shape=(n, 512)] are."""
    norms = np.linalg.norm(values, axis=1)
    with style():
        figure = new_figure(WIDTH_IN, HEIGHT_IN, background="none")
        axes = _axes(figure, xlabel="Euclidean length", ylabel="songs")
        counts, edges = np.histogram(norms, bins=min(40, max(8, int(np.sqrt(len(norms))))))
        axes.stairs(counts, edges, fill=True, color=ACCENT)
        axes.yaxis.get_major_locator().set_params(integer=True)
    return figure


def draw_similarities(nearest: Nearest) -> Figure:
    """Show how much more alike neighbours are than any two songs."""
    bins = np.linspace(-1, 1, 41 if len(nearest.asked) < MOST_ASKED else 101)
    with style():
        figure = new_figure(WIDTH_IN, HEIGHT_IN, background="none")
        axes = _axes(figure, xlabel="similarity", ylabel="share of pairs")
        series = (
            ("any two songs", nearest.random, OTHER, True),
            ("a song and its tenth", nearest.similarities[:, -1], ACCENT, False),
            ("a song and its nearest", nearest.similarities[:, 0], ACCENT, True),
        )
        for name, values, colour, is_filled in series:
            counts, _ = np.histogram(np.clip(values, -1, 1), bins=bins)
            share = counts / max(counts.sum(), 1)
            axes.stairs(
                share, bins, fill=is_filled, color=colour, alpha=0.6 if is_filled else 1.0, label=name
            )
        low = min(float(nearest.random.min(initial=0.0)), float(nearest.similarities.min(initial=0.0)))
        axes.set_xlim(max(-1.0, low - 0.05), 1.0)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        figure.legend(
            loc="outside upper left", ncols=3, frameon=False, fontsize=7.5, handlelength=1.2, columnspacing=1
        )
    return figure


def draw_genres(per_label: Mapping[str, Mapping]) -> Figure:
    """Show how often the neighbours of each genre's songs share it, beside chance."""
    shown = list(per_label.items())[:_MOST_BARS]
    with style():
        figure = new_figure(WIDTH_IN, 0.75 + 0.21 * len(shown), background="none")
        axes = _axes(figure, xlabel="neighbours that share the genre")
        rows = np.arange(len(shown))
        axes.barh(rows, [facts["purity"] for _, facts in shown], height=0.62, color=ACCENT)
        chances = [facts["chance"] for _, facts in shown]
        axes.vlines(chances, rows - 0.42, rows + 0.42, color=INK, linewidth=1.4, label="by chance")
        axes.set_yticks(rows, [f"{shorten(name, 26)} ({facts['songs']:,})" for name, facts in shown])
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        axes.invert_yaxis()
        axes.set_xlim(0, max(0.1, min(1.0, 1.1 * max(facts["purity"] for _, facts in shown))))
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        figure.legend(loc="outside upper left", frameon=False, fontsize=7.5)
    return figure


def genre_colours(labels: Sequence[str]) -> dict[str, str]:
    """Return a colour for each of the most frequent genres."""
    names, counts = np.unique([label for label in labels if label], return_counts=True)
    order = np.lexsort((names, -counts))[:SHOWN_GENRES]
    return {str(names[row]): colour for row, colour in zip(order, _GENRE_COLOURS, strict=False)}


def draw_map(positions: np.ndarray, labels: Sequence[str], colours: Mapping[str, str]) -> Figure:
    """Show a projection [shape=(n, 2)] in small, in the colours of its most frequent genres."""
    n = len(positions)
    tints = np.array([colours.get(label, OTHER) for label in labels])
    # Genres are drawn over the rest.
    order = np.argsort(tints != OTHER, kind="stable")
    with style():
        figure = new_figure(3.2, 3.2, background="none")
        figure.set_dpi(_RASTER_DPI)
        axes = _axes(figure)
        axes.scatter(
            *positions[order].T,
            s=float(np.clip(9_000 / max(n, 1), 0.4, 16)),
            c=tints[order],
            linewidths=0,
            alpha=0.85 if n < 5_000 else 0.6,
            rasterized=n > _MOST_DRAWN_POINTS,
        )
        axes.set_aspect("equal", adjustable="datalim")
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set_visible(True)
    return figure


def draw_failures(failures: Mapping[str, int]) -> Figure:
    """Show how many files failed, by reason."""
    shown = list(failures.items())[:_MOST_BARS]
    with style():
        figure = new_figure(WIDTH_IN, 0.75 + 0.26 * len(shown), background="none")
        axes = _axes(figure, xlabel="files")
        bars = axes.barh(np.arange(len(shown)), [count for _, count in shown], height=0.62, color=ACCENT)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=7.5)
        axes.set_yticks(np.arange(len(shown)), [shorten(reason, 36) for reason, _ in shown])
        axes.tick_params(axis="y", length=0, labelsize=7.5)
        axes.invert_yaxis()
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.margins(x=0.12)
    return figure


def draw_poolings(by_max: np.ndarray, by_mean: np.ndarray, genres: Sequence[str]) -> Figure:
    """Show each pair's similarity under the maximum against that under the mean [shape=(n, n) each]."""
    one, other = np.triu_indices(len(genres), 1)
    same = np.array([bool(genres[i]) and genres[i] == genres[j] for i, j in zip(one, other, strict=True)])
    with style():
        figure = new_figure(WIDTH_IN, 3.2, background="none")
        axes = _axes(figure, xlabel="similarity by maximum", ylabel="similarity by mean")
        axes.axline((0, 0), slope=1, color=LINE, linewidth=1, zorder=0)
        for name, chosen, colour in (("other pairs", ~same, OTHER), ("of one genre", same, ACCENT)):
            axes.scatter(
                by_max[one, other][chosen],
                by_mean[one, other][chosen],
                s=16,
                c=colour,
                linewidths=0,
                label=name,
            )
        figure.legend(loc="outside upper left", ncols=2, frameon=False, fontsize=7.5)
    return figure
