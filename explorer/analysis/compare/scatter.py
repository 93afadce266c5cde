"""Scatter plots of the songs that are compared: on the library's maps, or laid out for the occasion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import textalloc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from explorer.analysis.compare.captions import add_heading
from explorer.analysis.compare.groups import Groups
from explorer.analysis.matplotlib_style import COLOURS, GREY, INK, LINE, SOFT, new_figure, shorten, style
from explorer.util.text import shown

# Neighbours in the list of colours are told apart; these are near twins of earlier ones.
_TWINS = {"#1b9e77", "#7570b3", "#c44e52", "#2a9d8f"}
_OWN_COLOURS = [colour for colour in COLOURS[:18] if colour not in _TWINS]
MOST_COLOURS = len(_OWN_COLOURS)
OTHERS = "#8b8f9a"
_LABEL_PT, _LEGEND_PT, _NOTE_PT = 6.6, 7.5, 7.0
_PANEL_IN, _LABELLED_PANEL_IN, _BETWEEN_IN, _LEGEND_IN = 5.0, 6.2, 0.28, 0.3
# The least and the greatest height of a panel, in its widths; and the room around its points.
_SHAPES, _EDGE = (0.6, 1.1), 0.045
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
    step_in = side_in + _BETWEEN_IN
    width_in, height_in = len(panels) * step_in - _BETWEEN_IN, side_in * _shape(panels)
    with style():
        figure = new_figure(width_in, height_in, layout="none")
        for number, panel in enumerate(panels):
            axes = figure.add_axes([number * step_in / width_in, 0, side_in / width_in, 1])
            _draw_panel(axes, panel, marks)
        if entries := _legend_entries(panels, marks):
            handles, labels = zip(*entries, strict=True)
            widest_in = (max(map(len, labels)) * 0.52 + 3) * _LEGEND_PT / 72
            figure.legend(
                handles, labels, loc="upper left", bbox_to_anchor=(0, -_LEGEND_IN / height_in),
                ncols=max(1, min(len(labels), int(width_in / widest_in))), fontsize=_LEGEND_PT, frameon=False,
                borderaxespad=0, borderpad=0, handletextpad=0.2, columnspacing=1.2, labelspacing=0.45,
                handlelength=1.4,
            )  # fmt: skip
        add_heading(figure, title, captions)
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


def _shape(panels: Sequence[Panel]) -> float:
    """Return how tall panels must be, in their widths, for the tallest map to fill its own."""
    ratios = [_SHAPES[0]]
    for panel in panels:
        places = np.vstack([panel.places, panel.background])
        width, height = np.ptp(places[np.isfinite(places).all(axis=1)], axis=0) if len(places) else (0, 0)
        ratios.append(height / width if width > 0 else 1.0)
    return float(min(max(ratios), _SHAPES[1]))


def _draw_panel(axes: Axes, panel: Panel, marks: Marks) -> None:
    axes.set_title(panel.title, fontsize=10.5, pad=6)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=LINE, linewidth=0.8)
    axes.margins(_EDGE)
    axes.set_aspect("equal", adjustable="datalim")
    if panel.note:
        axes.annotate(
            panel.note, (0, 0), xycoords="axes fraction", xytext=(0, -6), textcoords="offset points",
            fontsize=_NOTE_PT, color=SOFT, ha="left", va="top", annotation_clip=False,
        )  # fmt: skip
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
        _draw_labels(axes, panel, [(number, marks.labels[number]) for number in np.flatnonzero(known)])


def _draw_points(axes, places, colour, size, **options):
    axes.scatter(
        *places.T, s=size, c=colour, linewidths=0, rasterized=len(places) > _MOST_DRAWN_AS_PATHS, **options
    )


def _size(count: int) -> float:
    """Return a point's area in square points: fewer are larger."""
    return float(np.clip(6_000 / max(count, 1), 0.6, 34.0))


def _draw_labels(axes: Axes, panel: Panel, named: Sequence[tuple[int, str]]) -> None:
    """Write names where they hide neither points nor each other; one that fits nowhere is left out."""
    if not named:
        return
    numbers, names = zip(*named, strict=True)
    places = panel.places[list(numbers)]
    # The lines to the labels must not move the limits, nor must the next drawing.
    axes.apply_aspect()
    axes.autoscale(False)
    textalloc.allocate(
        axes, *places.T, names, x_scatter=places[:, 0], y_scatter=places[:, 1], textsize=_LABEL_PT,
        textcolor=INK, linecolor=SOFT, linewidth=0.45, margin=0.005, max_distance=0.6, nbr_candidates=3_000,
        draw_all=False, va="bottom", zorder=5,
    )  # fmt: skip


def _legend_entries(panels: Sequence[Panel], marks: Marks) -> list[tuple[Line2D, str]]:
    """Return what explains the marks, with the number of songs of each."""

    def dot(colour: str, **options) -> Line2D:
        style = {"linestyle": "none", "marker": "o", "markersize": 5.5, "markeredgewidth": 0} | options
        return Line2D([], [], color=colour, **style)

    entries = []
    if marks.groups is not None:
        counts, names = marks.groups.counts, marks.groups.names
        entries = [
            (dot(colour), f"{shorten(shown(name), 30)} · {count:,}")
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
        star = dot("white", marker="*", markersize=9, markeredgecolor=INK, markeredgewidth=0.7)
        entries.append((star, "file from outside the library"))
    return entries
