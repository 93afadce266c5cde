"""Draws the compared songs as scatter plots, one panel for each projection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import textalloc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from explorer.analysis.compare.captions import Caption, add_heading
from explorer.analysis.compare.groups import Groups
from explorer.analysis.matplotlib_style import COLOURS, GREY, INK, LINE, SOFT, new_figure, shorten, style
from explorer.util.text import one_line

# These look too much like earlier colours of the list.
_TOO_SIMILAR = {"#1b9e77", "#7570b3", "#c44e52", "#2a9d8f"}
_GROUP_COLOURS = [colour for colour in COLOURS[:18] if colour not in _TOO_SIMILAR]
MAX_COLOURS = len(_GROUP_COLOURS)
OTHERS = "#8b8f9a"
"""The colour of songs without a group, or in a group beyond the first `MAX_COLOURS`."""
_LABEL_PT, _LEGEND_PT, _NOTE_PT = 6.6, 7.5, 7.0
_PANEL_IN, _LABELLED_PANEL_IN, _BETWEEN_IN, _LEGEND_IN = 5.0, 6.2, 0.28, 0.3
# A panel's height divided by its width lies between these.
_MIN_ASPECT, _MAX_ASPECT = 0.6, 1.1
# The margin around a panel's points, as a share of their extent.
_MARGIN = 0.045
# More points would make an SVG of many megabytes; they are stored as a bitmap inside the SVG.
_MAX_VECTOR_POINTS = 2_000


@dataclass(frozen=True)
class Panel:
    """One scatter plot: a projection of the n compared songs.

    Attributes
    ----------
    title : str
    positions : np.ndarray [shape=(n, 2)]
        The compared songs' positions; NaN for a song that is not on the map.
    background : np.ndarray [shape=(m, 2)]
        The positions of the library's other songs.
    note : str
        A text below the panel.
    """

    title: str
    positions: np.ndarray
    background: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class PointStyles:
    """The colours, shapes and labels of the n compared songs, the same on all panels.

    Attributes
    ----------
    groups : Groups or None
        A song's colour is that of its group; the largest group first.
    is_outside : np.ndarray [shape=(n,), bool]
        Files from outside the library, drawn as stars.
    labels : sequence of str
        The label of each song; empty if the songs are too many to be labelled.
    """

    groups: Groups | None
    is_outside: np.ndarray
    labels: Sequence[str] = ()


def scatter_figure(
    panels: Sequence[Panel], styles: PointStyles, *, title: str, captions: Sequence[Caption]
) -> Figure:
    """Draw songs on one or several panels, side by side, with one legend below."""
    side_in = _LABELLED_PANEL_IN if len(styles.labels) else _PANEL_IN
    step_in = side_in + _BETWEEN_IN
    width_in, height_in = len(panels) * step_in - _BETWEEN_IN, side_in * _aspect(panels)
    with style():
        figure = new_figure(width_in, height_in, layout="none")
        for number, panel in enumerate(panels):
            axes = figure.add_axes([number * step_in / width_in, 0, side_in / width_in, 1])
            _draw_panel(axes, panel, styles)
        if entries := _legend_entries(panels, styles):
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
    """Return each song's colour: one for each of the largest groups, and a grey for all others.

    Returns
    -------
    list of str, length `count`
    """
    if groups is None:
        return [_GROUP_COLOURS[0]] * count
    return [
        _GROUP_COLOURS[group] if 0 <= group < MAX_COLOURS else OTHERS for group in groups.group_of.tolist()
    ]


def _aspect(panels: Sequence[Panel]) -> float:
    """Return the height of a panel divided by its width: the largest ratio of all maps, within limits."""
    aspects = [_MIN_ASPECT]
    for panel in panels:
        positions = np.vstack([panel.positions, panel.background])
        positions = positions[np.isfinite(positions).all(axis=1)]
        width, height = np.ptp(positions, axis=0) if len(positions) else (0, 0)
        aspects.append(height / width if width > 0 else 1.0)
    return float(min(max(aspects), _MAX_ASPECT))


def _draw_panel(axes: Axes, panel: Panel, styles: PointStyles) -> None:
    axes.set_title(panel.title, fontsize=10.5, pad=6)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color=LINE, linewidth=0.8)
    axes.margins(_MARGIN)
    axes.set_aspect("equal", adjustable="datalim")
    if panel.note:
        axes.annotate(
            panel.note, (0, 0), xycoords="axes fraction", xytext=(0, -6), textcoords="offset points",
            fontsize=_NOTE_PT, color=SOFT, ha="left", va="top", annotation_clip=False,
        )  # fmt: skip
    background_pt2 = _point_area_pt2(len(panel.background)) * 0.6
    _draw_points(axes, panel.background, GREY, background_pt2, alpha=0.55, zorder=1)
    is_placed = np.isfinite(panel.positions).all(axis=1)
    colours = np.array(colours_of(styles.groups, len(panel.positions)))
    inside, is_star = np.flatnonzero(is_placed & ~styles.is_outside), is_placed & styles.is_outside
    # Grey songs are drawn first, below the coloured ones.
    inside = inside[np.argsort(colours[inside] != OTHERS, kind="stable")]
    area_pt2 = _point_area_pt2(int(is_placed.sum()))
    _draw_points(axes, panel.positions[inside], colours[inside], area_pt2, zorder=3)
    if is_star.any():
        axes.scatter(
            *panel.positions[is_star].T, s=max(area_pt2, 30.0) * 2.6, c=colours[is_star], marker="*",
            edgecolors=INK, linewidths=0.7, zorder=4,
        )  # fmt: skip
    placed = np.flatnonzero(is_placed)
    if len(styles.labels) and len(placed):
        _draw_labels(axes, panel.positions[placed], [styles.labels[song] for song in placed])


def _draw_points(axes, positions, colours, area_pt2, **options):
    is_bitmap = len(positions) > _MAX_VECTOR_POINTS
    axes.scatter(*positions.T, s=area_pt2, c=colours, linewidths=0, rasterized=is_bitmap, **options)


def _point_area_pt2(count: int) -> float:
    """Return the area of a point in square points; the fewer points, the larger."""
    return float(np.clip(6_000 / max(count, 1), 0.6, 34.0))


def _draw_labels(axes: Axes, positions: np.ndarray, labels: Sequence[str]) -> None:
    """Write labels where they hide neither points nor each other; a label that fits nowhere is left out."""
    # Fix the axes' limits: drawing the lines to the labels, and drawing later, would change them.
    axes.apply_aspect()
    axes.autoscale(False)
    textalloc.allocate(
        axes, *positions.T, labels, x_scatter=positions[:, 0], y_scatter=positions[:, 1], textsize=_LABEL_PT,
        textcolor=INK, linecolor=SOFT, linewidth=0.45, margin=0.005, max_distance=0.6, nbr_candidates=3_000,
        draw_all=False, va="bottom", zorder=5,
    )  # fmt: skip


def _legend_entries(panels: Sequence[Panel], styles: PointStyles) -> list[tuple[Line2D, str]]:
    """Return the legend's symbols and texts; a group's text ends with its number of songs."""

    def symbol(colour: str, **options) -> Line2D:
        dot = {"linestyle": "none", "marker": "o", "markersize": 5.5, "markeredgewidth": 0}
        return Line2D([], [], color=colour, **(dot | options))

    entries = []
    if styles.groups is not None:
        counts, names = styles.groups.counts, styles.groups.names
        entries = [
            (symbol(colour), f"{shorten(one_line(name), 30)} · {count:,}")
            for colour, name, count in zip(_GROUP_COLOURS, names, counts, strict=False)
        ]
        in_other_groups = int(counts[MAX_COLOURS:].sum())
        in_no_group = int((styles.groups.group_of < 0).sum())
        kind = "genre" if styles.groups.kind == "genre" else "cluster"
        if in_other_groups:
            entries.append(
                (symbol(OTHERS), f"{len(names) - MAX_COLOURS} other {kind}s · {in_other_groups:,}")
            )
        if in_no_group:
            entries.append((symbol(OTHERS), f"no {kind} · {in_no_group:,}"))
    if any(len(panel.background) for panel in panels):
        entries.append((symbol(GREY), "other songs of the library"))
    if styles.is_outside.any():
        star = symbol("white", marker="*", markersize=9, markeredgecolor=INK, markeredgewidth=0.7)
        entries.append((star, "file from outside the library"))
    return entries
