"""Scatter plots of the songs that are compared: on the library's maps, or laid out for the occasion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from explorer.analysis.comparable import Groups
from explorer.analysis.compare_labels import place_labels
from explorer.analysis.compare_paper import (
    MARGIN_IN,
    POINTS_PER_INCH,
    Heading,
    plain,
    text_sizes_in,
    widest_in,
)
from explorer.analysis.drawing import COLOURS, GREY, INK, LINE, SOFT, new_figure, shorten, style

# Neighbours in the list of colours are told apart; these are near twins of earlier ones.
_TWINS = {"#1b9e77", "#7570b3", "#c44e52", "#2a9d8f"}
_OWN_COLOURS = [colour for colour in COLOURS[:18] if colour not in _TWINS]
MOST_COLOURS = len(_OWN_COLOURS)
OTHERS = "#8b8f9a"
_LABEL_PT, _LEGEND_PT, _NOTE_PT = 6.6, 7.5, 7.0
_PANEL_IN, _LABELLED_PANEL_IN, _PANEL_TITLE_IN, _NOTE_IN, _BETWEEN_IN = 5.0, 6.2, 0.32, 0.22, 0.28
_LEGEND_ROW_IN = 0.19
# The least and the greatest height of a panel, in its widths; and the least room around its points.
_SHAPES = 0.6, 1.1
_EDGE_PT = 16.0
# More points would make an SVG of many megabytes: they become a picture inside it.
_MOST_DRAWN_AS_PATHS = 2_000


@dataclass(frozen=True)
class Panel:
    """One map.

    Attributes
    ----------
    title : str
    places : np.ndarray [shape=(n, 2)]
        Where the songs that are compared lie; NaN where the map does not know them.
    background : np.ndarray [shape=(m, 2)]
        Where the library's other songs lie.
    note : str
        What is said beneath it.
    """

    title: str
    places: np.ndarray
    background: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Marks:
    """How the songs are drawn.

    Attributes
    ----------
    groups : Groups or None
        What colours them, the largest first.
    is_outside : np.ndarray [shape=(n,), bool]
        Files that the library does not hold.
    labels : sequence of str
        What each is called, or nothing where they are too many.
    """

    groups: Groups | None
    is_outside: np.ndarray
    labels: Sequence[str] = ()


def scatter_figure(
    panels: Sequence[Panel], marks: Marks, *, title: str, captions: Sequence[tuple[str, bool]]
) -> Figure:
    """Draw songs on one or several maps, side by side, with one legend beneath.

    Parameters
    ----------
    panels : sequence of Panel
    marks : Marks
    title : str
    captions : sequence of (str, bool)
        What is said beneath the title, and whether that is a warning.
    """
    side_in = _LABELLED_PANEL_IN if len(marks.labels) else _PANEL_IN
    width_in = 2 * MARGIN_IN + len(panels) * side_in + (len(panels) - 1) * _BETWEEN_IN
    heading = Heading(title, captions, width_in=width_in)
    entries = _legend_entries(panels, marks)
    columns, rows = _legend_shape([label for _, label in entries], width_in - 2 * MARGIN_IN)
    tall_in = side_in * _shape(panels)
    bottom_in = MARGIN_IN + rows * _LEGEND_ROW_IN + _NOTE_IN
    height_in = bottom_in + tall_in + _PANEL_TITLE_IN + heading.height_in
    with style():
        figure = new_figure(width_in, height_in)
        figure.set_layout_engine("none")
        heading.draw(figure)
        for number, panel in enumerate(panels):
            left_in = MARGIN_IN + number * (side_in + _BETWEEN_IN)
            axes = figure.add_axes(
                [left_in / width_in, bottom_in / height_in, side_in / width_in, tall_in / height_in]
            )
            _draw_panel(axes, panel, marks, np.array([side_in, tall_in]) * POINTS_PER_INCH)
        if entries:
            _draw_legend(figure, entries, columns, (MARGIN_IN / width_in, (MARGIN_IN - 0.06) / height_in))
    return figure


def colours_of(groups: Groups | None, count: int) -> list[str]:
    """Return each song's colour: the largest groups have their own, the others share a grey.

    Returns
    -------
    list of str, length `count`
    """
    if groups is None:
        return [_OWN_COLOURS[0]] * count
    own = [*_OWN_COLOURS, OTHERS]
    return [own[number] if 0 <= number < MOST_COLOURS else OTHERS for number in groups.members.tolist()]


def _draw_panel(axes: Axes, panel: Panel, marks: Marks, size_pt: np.ndarray) -> None:
    axes.set_title(panel.title, fontsize=10.5, pad=6)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set(visible=True, color=LINE, linewidth=0.8)
    if panel.note:
        axes.annotate(
            panel.note, (0, 0), xycoords="axes fraction", xytext=(0, -6), textcoords="offset points",
            fontsize=_NOTE_PT, color=SOFT, ha="left", va="top", annotation_clip=False,
        )  # fmt: skip
    low, scale = _frame(panel, size_pt)
    high = low + size_pt / scale
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    _draw_points(axes, panel.background, GREY, _size(len(panel.background)) * 0.6, alpha=0.55, zorder=1)
    known = np.isfinite(panel.places).all(axis=1)
    shades = np.array(colours_of(marks.groups, len(panel.places)))
    inside, outside = np.flatnonzero(known & ~marks.is_outside), known & marks.is_outside
    # What has no colour of its own lies beneath what has.
    inside = inside[np.argsort(shades[inside] != OTHERS, kind="stable")]
    size = _size(int(known.sum()))
    _draw_points(axes, panel.places[inside], shades[inside], size, zorder=3)
    if outside.any():
        axes.scatter(
            *panel.places[outside].T, s=max(size, 30.0) * 2.6, c=shades[outside], marker="*", edgecolors=INK,
            linewidths=0.7, zorder=4,
        )  # fmt: skip
    if len(marks.labels):
        _draw_labels(axes, (panel.places - low) * scale, (panel.background - low) * scale, marks, size_pt)


def _draw_points(axes, places, colour, size, **options):
    axes.scatter(
        *places.T, s=size, c=colour, linewidths=0, rasterized=len(places) > _MOST_DRAWN_AS_PATHS, **options
    )


def _size(count: int) -> float:
    """Return a point's area in square points: fewer are larger."""
    return float(np.clip(6_000 / max(count, 1), 0.6, 34.0))


def _extent(panel: Panel) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and the highest place on a panel [shape=(2,) each]."""
    places = np.vstack([panel.places, panel.background]).astype(np.float64)
    known = places[np.isfinite(places).all(axis=1)]
    return (known.min(axis=0), known.max(axis=0)) if len(known) else (np.zeros(2), np.zeros(2))


def _shape(panels: Sequence[Panel]) -> float:
    """Return how tall panels must be, in their widths, for the tallest map to fill its own."""
    spans = [np.subtract(*_extent(panel)[::-1]) for panel in panels]
    ratios = [span[1] / span[0] if span[0] > 0 else 1.0 for span in spans]
    return float(np.clip(max(ratios), *_SHAPES))


def _frame(panel: Panel, size_pt: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the lower left corner that shows a whole map in its middle, and the points a unit."""
    low, high = _extent(panel)
    span = high - low
    free = size_pt - 2 * _EDGE_PT
    scale = float((free / np.where(span > 0, span, 1e-9)).min()) if span.max() > 0 else 1.0
    return (low + high - size_pt / scale) / 2, scale


def _draw_labels(axes, points, background, marks, size_pt):
    where = np.flatnonzero(np.isfinite(points).all(axis=1))
    names = [marks.labels[number] for number in where]
    sizes = np.array(text_sizes_in(names, _LABEL_PT)).reshape(-1, 2) * POINTS_PER_INCH
    around = background[np.isfinite(background).all(axis=1)]
    middles = place_labels(
        points[where], sizes, width=size_pt[0], height=size_pt[1], obstacles=around[:3_000]
    )
    for number, name, middle, size in zip(where, names, middles, sizes, strict=True):
        point = points[number]
        # The line ends at the label's edge, not in it.
        edge = np.clip(point, middle - size / 2, middle + size / 2)
        if np.linalg.norm(edge - point) > 7.0:
            line = np.array([point, edge]) / size_pt
            axes.plot(*line.T, transform=axes.transAxes, color=SOFT, linewidth=0.45, zorder=2)
        axes.text(
            *(middle / size_pt), name, transform=axes.transAxes, fontsize=_LABEL_PT, color=INK, ha="center",
            va="center", zorder=5,
        )  # fmt: skip


def _legend_entries(panels: Sequence[Panel], marks: Marks) -> list[tuple[Line2D, str]]:
    """Return what explains the marks, with the number of songs of each."""

    def dot(colour: str, marker: str = "o", **options) -> Line2D:
        return Line2D(
            [],
            [],
            linestyle="none",
            marker=marker,
            color=colour,
            markersize=5.5,
            markeredgewidth=0,
            **options,
        )

    entries = []
    if marks.groups is not None:
        counts, names = marks.groups.counts, marks.groups.names
        entries = [
            (dot(colour), f"{shorten(plain(name), 30)} · {count:,}")
            for colour, name, count in zip(_OWN_COLOURS, names, counts, strict=False)
        ]
        rest, without = int(counts[MOST_COLOURS:].sum()), int((marks.groups.members < 0).sum())
        kind = "clusters" if marks.groups.kind != "genre" else "genres"
        if rest:
            entries.append((dot(OTHERS), f"{len(names) - MOST_COLOURS} other {kind} · {rest:,}"))
        if without:
            entries.append((dot(OTHERS), f"no {kind[:-1]} · {without:,}"))
    if any(len(panel.background) for panel in panels):
        entries.append((dot(GREY), "other songs of the library"))
    if marks.is_outside.any():
        star = Line2D(
            [], [], linestyle="none", marker="*", color="white", markeredgecolor=INK, markeredgewidth=0.7,
            markersize=9,
        )  # fmt: skip
        entries.append((star, "file from outside the library"))
    return entries


def _legend_shape(labels: list[str], width_in: float) -> tuple[int, int]:
    if not labels:
        return 1, 0
    column_in = widest_in(labels, _LEGEND_PT) + 0.36
    columns = max(1, min(len(labels), int(width_in / column_in)))
    return columns, -(-len(labels) // columns)


def _draw_legend(figure, entries, columns, corner):
    handles, labels = zip(*entries, strict=True)
    figure.legend(
        handles, labels, loc="lower left", bbox_to_anchor=corner, ncols=columns, fontsize=_LEGEND_PT,
        frameon=False, borderaxespad=0, borderpad=0, handletextpad=0.2, columnspacing=1.2, labelspacing=0.45,
        handlelength=1.4,
    )  # fmt: skip
