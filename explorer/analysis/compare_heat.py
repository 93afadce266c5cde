"""Heat maps of songs, or of groups of them: how alike each is to each, in clustered order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from scipy.cluster.hierarchy import dendrogram

from explorer.analysis.compare_paper import MARGIN_IN, Heading, text_sizes_in, widest_in
from explorer.analysis.drawing import DISTANCE, INK, LINE, SIMILARITY, SOFT, new_figure, style
from explorer.analysis.matrices import Matrices

_LARGEST_CELL_IN, _SMALLEST_CELL_IN, _BEST_SIDE_IN = 0.62, 0.135, 6.4
_WRITTEN_OUT = 12
_LONG_BAR_IN = 1.9
_TREE_IN, _BAR_IN, _TICKS_IN, _GAP_IN, _COLUMN_NUMBERS_IN = 0.85, 0.13, 0.62, 0.08, 0.24
# On a background of less luminance white is easier to read than black.
_DARK = 0.55


@dataclass(frozen=True)
class _Kind:
    title: str
    bar: str
    colours: Colormap
    limits: tuple[float, float]
    digits: str
    extend: str


def similarity_figure(
    matrices: Matrices,
    labels: Sequence[str],
    *,
    captions: Sequence[tuple[str, bool]],
    is_centred: bool = True,
    of: str = "songs",
) -> Figure:
    """Draw how alike songs are.

    Parameters
    ----------
    matrices : Matrices
    labels : sequence of str
        What each is called, in the matrices' order.
    captions : sequence of (str, bool)
        What is said beneath the title, and whether that is a warning.
    is_centred : bool
        Whether a similarity may be negative: then 0 is the middle of the colours.
    of : str
        What is compared, for the title.
    """
    others = _off_diagonal(matrices.similarity)
    if is_centred:
        reach = max(0.2, np.ceil(10 * np.percentile(np.abs(others), 99)) / 10)
        limits = (-min(reach, 1.0), min(reach, 1.0))
    else:
        limits = (float(others.min()), 1.0)
    if limits[1] - limits[0] < 1e-9:
        limits = (limits[0] - 0.01, limits[1])
    kind = _Kind(
        f"How alike the {of} sound",
        "centred cosine similarity" if is_centred else "cosine similarity",
        SIMILARITY,
        limits,
        "{:.2f}" if is_centred else "{:.3f}",
        _extend(others, limits),
    )
    return _draw(matrices.similarity, matrices, labels, kind, captions)


def distance_figure(
    matrices: Matrices, labels: Sequence[str], *, captions: Sequence[tuple[str, bool]], of: str = "songs"
) -> Figure:
    """Draw how far songs' vectors are apart, in the same order.

    Parameters
    ----------
    matrices, labels, captions, of
        As for `similarity_figure`.
    """
    others = _off_diagonal(matrices.distance)
    low, high = (float(value) for value in np.percentile(others, [1, 99]))
    # What lies far from zero is told apart better on a scale that begins little below it; a song's
    # distance from itself stays darker than any other.
    low = 0.0 if low < 0.6 * high else max(0.0, low - 0.35 * (high - low))
    limits = (low, high) if high - low > 1e-9 * max(high, 1.0) else (0.0, high or 1.0)
    digits = "{:.0f}" if high >= 100 else "{:.1f}" if high >= 10 else "{:.2f}"
    kind = _Kind(
        f"How far apart the {of} are",
        "Euclidean distance of the vectors",
        DISTANCE,
        limits,
        digits,
        _extend(others, limits),
    )
    return _draw(matrices.distance, matrices, labels, kind, captions)


def _off_diagonal(values):
    return values[~np.eye(len(values), dtype=bool)]


def _extend(values, limits):
    below, above = values.min() < limits[0] - 1e-9, values.max() > limits[1] + 1e-9
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")


def _draw(values, matrices, labels, kind, captions):
    count = len(values)
    cell_in = float(np.clip(_BEST_SIDE_IN / count, _SMALLEST_CELL_IN, _LARGEST_CELL_IN))
    side_in = cell_in * count
    size_pt = min(8.0, cell_in * 72 * 0.72)
    number_in = widest_in([str(count)], size_pt) + _GAP_IN
    labels_in = widest_in(labels, size_pt) + number_in + 2 * _GAP_IN
    left_in = MARGIN_IN + labels_in
    width_in = left_in + side_in + _GAP_IN + _TREE_IN + 3 * _GAP_IN + _BAR_IN + _TICKS_IN + MARGIN_IN
    title_in = text_sizes_in([kind.title], 13.0, weight="bold")[0][0] + 2 * MARGIN_IN
    width_in = max(width_in, title_in, 5.6)
    heading = Heading(kind.title, captions, width_in=width_in)
    bottom_in = MARGIN_IN + _COLUMN_NUMBERS_IN
    height_in = bottom_in + side_in + 0.14 + heading.height_in
    with style():
        figure = new_figure(width_in, height_in)
        figure.set_layout_engine("none")
        heading.draw(figure)

        def axes(left, bottom, width, height):
            return figure.add_axes(
                [left / width_in, bottom / height_in, width / width_in, height / height_in]
            )

        cells = axes(left_in, bottom_in, side_in, side_in)
        image = _draw_cells(cells, values[np.ix_(matrices.order, matrices.order)], kind)
        _draw_labels(cells, [labels[row] for row in matrices.order], size_pt, number_in)
        right_in = left_in + side_in + _GAP_IN
        _draw_tree(axes(right_in, bottom_in, _TREE_IN, side_in), matrices.tree)
        bar_in = min(side_in, 2.6)
        bar = axes(right_in + _TREE_IN + 3 * _GAP_IN, bottom_in + side_in - bar_in, _BAR_IN, bar_in)
        _draw_bar(figure, bar, image, kind)
    return figure


def _draw_cells(axes: Axes, values: np.ndarray, kind: _Kind):
    low, high = kind.limits
    image = axes.imshow(
        values, cmap=kind.colours, vmin=low, vmax=high, interpolation="nearest", aspect="auto"
    )
    axes.spines[:].set(visible=True, color=LINE, linewidth=0.6)
    axes.tick_params(length=0)
    count = len(values)
    if count <= 40:
        edges = np.arange(1, count) - 0.5
        axes.hlines(edges, -0.5, count - 0.5, color="white", linewidth=0.6)
        axes.vlines(edges, -0.5, count - 0.5, color="white", linewidth=0.6)
    if count <= _WRITTEN_OUT:
        for row in range(count):
            for column in range(count):
                shade = image.cmap(image.norm(values[row, column]))
                is_dark = np.dot(shade[:3], (0.299, 0.587, 0.114)) < _DARK
                axes.text(
                    column,
                    row,
                    kind.digits.format(values[row, column]).replace("-", "−"),
                    ha="center",
                    va="center",
                    fontsize=7.0,
                    color="white" if is_dark else INK,
                )
    axes.set_xlim(-0.5, count - 0.5)
    axes.set_ylim(count - 0.5, -0.5)
    return image


def _draw_labels(axes: Axes, labels: Sequence[str], size_pt: float, number_in: float) -> None:
    """Name the rows, and number rows and columns alike, so that a column can be looked up."""
    count = len(labels)
    ticks = np.arange(count)
    axes.set_xticks(ticks, [str(number + 1) for number in ticks], fontsize=size_pt * 0.85, color=SOFT)
    axes.set_yticks(ticks, [str(number + 1) for number in ticks], fontsize=size_pt * 0.85, color=SOFT)
    axes.tick_params(axis="both", pad=3)
    if count > 40:
        for tick in axes.get_xticklabels():
            tick.set_fontsize(size_pt * 0.7)
    for row, label in enumerate(labels):
        axes.annotate(
            label,
            (0, row),
            xycoords=("axes fraction", "data"),
            xytext=(-(number_in + _GAP_IN) * 72, 0),
            textcoords="offset points",
            ha="right",
            va="center",
            fontsize=size_pt,
            color=INK,
            annotation_clip=False,
        )


def _draw_tree(axes: Axes, tree: np.ndarray) -> None:
    """Draw the clustering beside the rows: the further right two meet, the less alike they are."""
    plan = dendrogram(tree, no_plot=True)
    # SciPy puts its leaves at 5, 15, 25 …; the rows are at 0, 1, 2 …
    lines = [
        np.column_stack([across, (np.array(along) - 5.0) / 10.0])
        for across, along in zip(plan["dcoord"], plan["icoord"], strict=True)
    ]
    axes.add_collection(LineCollection(lines, colors=SOFT, linewidths=0.8, capstyle="projecting"))
    count = len(tree) + 1
    axes.set_xlim(0, max(float(tree[:, 2].max()), 1e-9) * 1.03)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_axis_off()


def _draw_bar(figure: Figure, axes: Axes, image, kind: _Kind) -> None:
    bar = figure.colorbar(image, cax=axes, extend=kind.extend, extendfrac=0.05)
    bar.outline.set_visible(False)
    axes.tick_params(length=2, labelsize=7, pad=2)
    text = kind.bar if axes.bbox.height / figure.dpi > _LONG_BAR_IN else kind.bar.replace(" ", "\n", 2)
    axes.set_ylabel(text, fontsize=7.5, color=SOFT, labelpad=3)
