"""Heat maps of songs, or of groups of them: how alike each is to each, in clustered order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.cluster.hierarchy import dendrogram

from explorer.analysis.compare.captions import add_heading
from explorer.analysis.compare.matrices import Matrices
from explorer.analysis.matplotlib_style import DISTANCE, INK, LINE, SIMILARITY, SOFT, new_figure, style

_LARGEST_CELL_IN, _SMALLEST_CELL_IN, _BEST_SIDE_IN = 0.62, 0.135, 6.4
_WRITTEN_OUT, _RULED = 12, 40
_TREE_IN, _BAR_IN, _LONGEST_BAR_IN, _LONG_BAR_IN, _GAP_IN = 0.85, 0.13, 2.6, 1.9, 0.08
# On a background of less luminance white is easier to read than black.
_DARK = 0.55


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
        reach = float(np.clip(np.ceil(10 * np.percentile(np.abs(others), 99)) / 10, 0.2, 1.0))
        limits, bar, digits = (-reach, reach), "centred cosine similarity", "{:.2f}"
    else:
        low = float(others.min())
        limits, bar, digits = (min(low, 1.0 - 1e-9), 1.0), "cosine similarity", "{:.3f}"
    title, colours = f"How alike the {of} sound", {"cmap": SIMILARITY, "clim": limits}
    return _draw(matrices.similarity, matrices, labels, captions, title, bar, digits, colours)


def distance_figure(
    matrices: Matrices, labels: Sequence[str], *, captions: Sequence[tuple[str, bool]], of: str = "songs"
) -> Figure:
    """Draw how far songs' vectors are apart, in the same order.

    Parameters
    ----------
    matrices, labels, captions, of
        As for `similarity_figure`.
    """
    low, high = map(float, np.percentile(_off_diagonal(matrices.distance), [1, 99]))
    # What lies far from zero is told apart better on a scale that begins little below it; a song's
    # distance from itself stays darker than any other.
    low = 0.0 if low < 0.6 * high else max(0.0, low - 0.35 * (high - low))
    limits = (low, high) if high - low > 1e-9 * max(high, 1.0) else (0.0, high or 1.0)
    digits = "{:.0f}" if high >= 100 else "{:.1f}" if high >= 10 else "{:.2f}"
    title, colours = f"How far apart the {of} are", {"cmap": DISTANCE, "clim": limits}
    bar = "Euclidean distance of the vectors"
    return _draw(matrices.distance, matrices, labels, captions, title, bar, digits, colours)


def _off_diagonal(values: np.ndarray) -> np.ndarray:
    return values[~np.eye(len(values), dtype=bool)]


def _draw(values, matrices, labels, captions, title, bar, digits, colours) -> Figure:
    """Draw cells of a readable size; what is beside them enlarges the picture when it is saved."""
    cell_in = float(np.clip(_BEST_SIDE_IN / len(values), _SMALLEST_CELL_IN, _LARGEST_CELL_IN))
    side_in = cell_in * len(values)
    bar_in = min(side_in, _LONGEST_BAR_IN)
    with style():
        figure = new_figure(side_in, side_in, layout="none")

        def beside(left_in: float, width_in: float, height_in: float) -> Axes:
            return figure.add_axes(
                [left_in / side_in, 1 - height_in / side_in, width_in / side_in, height_in / side_in]
            )

        cells = beside(0, side_in, side_in)
        image = _draw_cells(cells, values[np.ix_(matrices.order, matrices.order)], digits, colours)
        _name_rows(cells, [labels[row] for row in matrices.order], min(8.0, cell_in * 72 * 0.72))
        _draw_tree(beside(side_in + _GAP_IN, _TREE_IN, side_in), matrices.tree)
        scale = beside(side_in + _TREE_IN + 4 * _GAP_IN, _BAR_IN, bar_in)
        extend = _extend(_off_diagonal(values), colours["clim"])
        figure.colorbar(image, cax=scale, extend=extend, extendfrac=0.05).outline.set_visible(False)
        scale.tick_params(length=2, labelsize=7, pad=2)
        text = bar if bar_in > _LONG_BAR_IN else bar.replace(" ", "\n", 2)
        scale.set_ylabel(text, fontsize=7.5, color=SOFT, labelpad=3)
        add_heading(figure, title, captions)
    return figure


def _extend(values: np.ndarray, limits: tuple[float, float]) -> str:
    below, above = values.min() < limits[0] - 1e-9, values.max() > limits[1] + 1e-9
    return {(True, True): "both", (True, False): "min", (False, True): "max"}.get((below, above), "neither")


def _draw_cells(axes: Axes, values: np.ndarray, digits: str, colours: dict) -> AxesImage:
    count = len(values)
    image = axes.imshow(values, interpolation="nearest", aspect="auto", **colours)
    axes.spines[:].set(visible=True, color=LINE, linewidth=0.6)
    if count <= _RULED:
        edges = np.arange(1, count) - 0.5
        axes.hlines(edges, -0.5, count - 0.5, color="white", linewidth=0.6)
        axes.vlines(edges, -0.5, count - 0.5, color="white", linewidth=0.6)
    if count <= _WRITTEN_OUT:
        options = {"ha": "center", "va": "center", "fontsize": 7.0}
        for (row, column), value in np.ndenumerate(values):
            is_dark = np.dot(image.to_rgba(value)[:3], (0.299, 0.587, 0.114)) < _DARK
            text = digits.format(value).replace("-", "−")
            axes.text(column, row, text, color="white" if is_dark else INK, **options)
    axes.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))
    return image


def _name_rows(axes: Axes, labels: Sequence[str], size_pt: float) -> None:
    """Name the rows, and number rows and columns alike, so that a column can be looked up."""
    ticks = np.arange(len(labels))
    numbers = [str(number + 1) for number in ticks]
    axes.set_yticks(ticks, numbers, fontsize=size_pt * 0.85, color=SOFT)
    axes.set_xticks(ticks, numbers, fontsize=size_pt * (0.7 if len(ticks) > _RULED else 0.85), color=SOFT)
    axes.tick_params(length=0, pad=3)
    for row, label in enumerate(labels):
        axes.annotate(
            label, (0, row), xycoords=("axes fraction", "data"), xytext=(-size_pt * 1.6 - 8, 0),
            textcoords="offset points", ha="right", va="center", fontsize=size_pt, color=INK,
            annotation_clip=False,
        )  # fmt: skip


def _draw_tree(axes: Axes, tree: np.ndarray) -> None:
    """Draw the clustering beside the rows: the further right two meet, the less alike they are."""
    plan = dendrogram(tree, no_plot=True)
    # SciPy puts its leaves at 5, 15, 25 …; the rows are at 0, 1, 2 …
    lines = np.stack([plan["dcoord"], (np.array(plan["icoord"]) - 5.0) / 10.0], axis=2)
    axes.add_collection(LineCollection(lines, colors=SOFT, linewidths=0.8, capstyle="projecting"))
    axes.set(xlim=(0, max(float(tree[:, 2].max()), 1e-9) * 1.03), ylim=(len(tree) + 0.5, -0.5))
    axes.set_axis_off()
