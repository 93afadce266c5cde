"""Draws heat maps of the similarity or distance of every two songs or groups, in clustered order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.cluster.hierarchy import dendrogram

from explorer.analysis.compare.captions import Caption, add_heading
from explorer.analysis.compare.matrices import Matrices
from explorer.analysis.matplotlib_style import DISTANCE, INK, LINE, SIMILARITY, SOFT, new_figure, style

_MAX_CELL_IN, _MIN_CELL_IN, _BEST_SIDE_IN = 0.62, 0.135, 6.4
_MAX_ROWS_WITH_VALUES, _MAX_ROWS_WITH_GRID = 12, 40
_TREE_IN, _BAR_IN, _MAX_BAR_HEIGHT_IN, _ONE_LINE_BAR_HEIGHT_IN, _GAP_IN = 0.85, 0.13, 2.6, 1.9, 0.08
# On a darker background than this, white text is easier to read than black.
_MAX_DARK_LUMINANCE = 0.55


@dataclass(frozen=True)
class _Scale:
    """The colours of a heat map, the values at their ends, the number format and the colour bar's label."""

    label: str
    colours: Colormap
    limits: tuple[float, float]
    number_format: str


def similarity_figure(
    matrices: Matrices,
    labels: Sequence[str],
    *,
    captions: Sequence[Caption],
    is_centred: bool = True,
    items: str = "songs",
) -> Figure:
    """Draw the similarity matrix.

    Parameters
    ----------
    matrices : Matrices
    labels : sequence of str
        The label of each row, in the matrices' order.
    captions : sequence of Caption
    is_centred : bool
        Whether a mean vector was subtracted. If so, similarities may be negative, and the middle colour is 0.
    items : str
        What is compared ("songs", "genres"), for the title.
    """
    others = _off_diagonal(matrices.similarity)
    if is_centred:
        limit = float(np.clip(np.ceil(10 * np.percentile(np.abs(others), 99)) / 10, 0.2, 1.0))
        scale = _Scale("centred cosine similarity", SIMILARITY, (-limit, limit), "{:.2f}")
    else:
        low = min(float(others.min()), 1.0 - 1e-9)
        scale = _Scale("cosine similarity", SIMILARITY, (low, 1.0), "{:.3f}")
    figure = _draw(matrices.similarity, matrices, labels, scale)
    add_heading(figure, f"How alike the {items} sound", captions)
    return figure


def distance_figure(
    matrices: Matrices, labels: Sequence[str], *, captions: Sequence[Caption], items: str = "songs"
) -> Figure:
    """Draw the distance matrix, in the same order as the similarity matrix.

    Parameters
    ----------
    matrices, labels, captions, items
        As for `similarity_figure`.
    """
    low, high = map(float, np.percentile(_off_diagonal(matrices.distance), [1, 99]))
    # If all distances are far from 0, the scale begins a little below the smallest: that shows their
    # differences better. The diagonal stays darker than any other cell.
    low = 0.0 if low < 0.6 * high else max(0.0, low - 0.35 * (high - low))
    limits = (low, high) if high - low > 1e-9 * max(high, 1.0) else (0.0, high or 1.0)
    number_format = "{:.0f}" if high >= 100 else "{:.1f}" if high >= 10 else "{:.2f}"
    scale = _Scale("Euclidean distance of the vectors", DISTANCE, limits, number_format)
    figure = _draw(matrices.distance, matrices, labels, scale)
    add_heading(figure, f"How far apart the {items} are", captions)
    return figure


def _off_diagonal(values: np.ndarray) -> np.ndarray:
    return values[~np.eye(len(values), dtype=bool)]


def _draw(values: np.ndarray, matrices: Matrices, labels: Sequence[str], scale: _Scale) -> Figure:
    """Draw a matrix with row labels, clustering tree and colour bar.

    The figure's own size is that of the matrix; `render` enlarges the picture to hold the rest.
    """
    cell_in = float(np.clip(_BEST_SIDE_IN / len(values), _MIN_CELL_IN, _MAX_CELL_IN))
    side_in = cell_in * len(values)
    bar_height_in = min(side_in, _MAX_BAR_HEIGHT_IN)
    with style():
        figure = new_figure(side_in, side_in, layout="none")

        def add_axes(left_in: float, width_in: float, height_in: float) -> Axes:
            return figure.add_axes(
                [left_in / side_in, 1 - height_in / side_in, width_in / side_in, height_in / side_in]
            )

        cells = add_axes(0, side_in, side_in)
        image = _draw_cells(cells, values[np.ix_(matrices.order, matrices.order)], scale)
        _label_rows(cells, [labels[row] for row in matrices.order], min(8.0, cell_in * 72 * 0.72))
        _draw_tree(add_axes(side_in + _GAP_IN, _TREE_IN, side_in), matrices.tree)
        bar = add_axes(side_in + _TREE_IN + 4 * _GAP_IN, _BAR_IN, bar_height_in)
        extend = _extend(_off_diagonal(values), scale.limits)
        figure.colorbar(image, cax=bar, extend=extend, extendfrac=0.05).outline.set_visible(False)
        bar.tick_params(length=2, labelsize=7, pad=2)
        has_room = bar_height_in > _ONE_LINE_BAR_HEIGHT_IN
        bar_label = scale.label if has_room else scale.label.replace(" ", "\n", 2)
        bar.set_ylabel(bar_label, fontsize=7.5, color=SOFT, labelpad=3)
    return figure


def _extend(values: np.ndarray, limits: tuple[float, float]) -> str:
    """Return which ends of the colour bar get an arrow, because values lie beyond them."""
    below, above = values.min() < limits[0] - 1e-9, values.max() > limits[1] + 1e-9
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")


def _draw_cells(axes: Axes, values: np.ndarray, scale: _Scale) -> AxesImage:
    count = len(values)
    image = axes.imshow(values, interpolation="nearest", aspect="auto", cmap=scale.colours, clim=scale.limits)
    axes.spines[:].set(visible=True, color=LINE, linewidth=0.6)
    if count <= _MAX_ROWS_WITH_GRID:
        edges = np.arange(1, count) - 0.5
        axes.hlines(edges, -0.5, count - 0.5, color="white", linewidth=0.6)
        axes.vlines(edges, -0.5, count - 0.5, color="white", linewidth=0.6)
    if count <= _MAX_ROWS_WITH_VALUES:
        options = {"ha": "center", "va": "center", "fontsize": 7.0}
        for (row, column), value in np.ndenumerate(values):
            luminance = np.dot(image.to_rgba(value)[:3], (0.299, 0.587, 0.114))
            colour = "white" if luminance < _MAX_DARK_LUMINANCE else INK
            text = scale.number_format.format(value).replace("-", "−")
            axes.text(column, row, text, color=colour, **options)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
    return image


def _label_rows(axes: Axes, labels: Sequence[str], size_pt: float) -> None:
    """Label and number the rows, and number the columns: column 3 has the label of row 3."""
    ticks = np.arange(len(labels))
    numbers = [str(number + 1) for number in ticks]
    axes.set_yticks(ticks, numbers, fontsize=size_pt * 0.85, color=SOFT)
    column_size_pt = size_pt * (0.7 if len(ticks) > _MAX_ROWS_WITH_GRID else 0.85)
    axes.set_xticks(ticks, numbers, fontsize=column_size_pt, color=SOFT)
    axes.tick_params(length=0, pad=3)
    for row, label in enumerate(labels):
        axes.annotate(
            label, (0, row), xycoords=("axes fraction", "data"), xytext=(-size_pt * 1.6 - 8, 0),
            textcoords="offset points", ha="right", va="center", fontsize=size_pt, color=INK,
            annotation_clip=False,
        )  # fmt: skip


def _draw_tree(axes: Axes, tree: np.ndarray) -> None:
    """Draw the clustering tree beside the rows; branches that join further right are less similar."""
    plan = dendrogram(tree, no_plot=True)
    # SciPy puts the leaves at 5, 15, 25 …; the rows are at 0, 1, 2 …
    lines = np.stack([plan["dcoord"], (np.array(plan["icoord"]) - 5.0) / 10.0], axis=2)
    axes.add_collection(LineCollection(lines, colors=SOFT, linewidths=0.8, capstyle="projecting"))
    axes.set(xlim=(0, max(float(tree[:, 2].max()), 1e-9) * 1.03), ylim=(len(tree) + 0.5, -0.5))
    axes.set_axis_off()
