"""The view of the experiment that this project grew out of: regions, black points and white crosses."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.mapping.regions import Regions
from explorer.web.figures import (
    bounds,
    crowded_places,
    group_names,
    marker_size,
    page_figure,
    points,
    seen_of,
    standing_out,
    stepped_scale,
)
from explorer.web.grouping import Grouping
from explorer.web.palette import CELLS, GROUNDS, cell_slots

_POINT = "rgb(0, 0, 0)"
_GONE_POINT = "rgba(0, 0, 0, 0.55)"
_UNLIT_POINT = "rgba(0, 0, 0, 0.14)"
# Points are a good deal smaller than on the other maps: the regions have the colours.
_POINT_SHARE, _LEAST_POINT = 0.62, 2.5
_CROSS_SIZE = 13


def original_figure(
    positions: np.ndarray,
    regions: Regions,
    *,
    names: list[str],
    theme: str,
    lit: np.ndarray | None = None,
    hidden: np.ndarray | None = None,
    gone: np.ndarray | None = None,
) -> go.Figure:
    """Draw songs as black points on the cells of their regions, whose centres are white crosses.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
        As the regions were made of.
    regions : Regions
        At most 126.
    names : list of str
        The regions', by their numbers.
    theme : {"dark", "light"}
    lit : np.ndarray [shape=(n,), bool], optional
        Which songs a filter lets through: the others are faint.
    hidden : np.ndarray [shape=(n,), bool], optional
        Which songs are not to be seen.
    gone : np.ndarray [shape=(n,), bool], optional
        Whose files are missing: they are fainter.

    Returns
    -------
    go.Figure
        Trace 0 has the songs, trace 1 the crosses. `layout.meta` says what that of `map_figure` says; its
        "colours" are the cells', by the regions' numbers, which are also the points' colour numbers.
    """
    slots = cell_slots(len(regions.polygons), regions.borders)
    cells = [CELLS[theme][slot] for slot in slots]
    hues = max(len(cells), 1)
    gone_inks = [_GONE_POINT] * hues
    numbers, inks, marks = standing_out(
        regions.labels,
        [_POINT] * hues,
        gone=gone,
        gone_shades=gone_inks,
        lit=lit,
        unlit_shade=_UNLIT_POINT,
        hidden=hidden,
    )
    # Where points are black or nearly, what the page says of them has their cell's colour.
    padded = [*cells, *[_POINT] * (hues - len(cells))]
    colours = [padded[i % hues] if ink in (_POINT, _GONE_POINT) else ink for i, ink in enumerate(inks)]
    seen = seen_of(lit, hidden)
    size = max(_POINT_SHARE * marker_size(len(positions)), _LEAST_POINT)
    figure = page_figure(
        [points(positions, numbers, stepped_scale(inks), size=size, opacity=1), _crosses(regions.centres)],
        meta={
            "projection": "original",
            "bounds": bounds(np.vstack([positions, *regions.polygons])),
            "names": _names(positions, regions, names, cells, seen),
            "groups": group_names(names),
            "colours": colours,
            "hues": hues,
            **marks,
            "lit": len(positions) if seen is None else int(np.count_nonzero(seen)),
            "theme": theme,
        },
    )
    edge = {"color": GROUNDS[theme], "width": 1}
    figure.update_layout(
        shapes=[
            {
                "type": "path",
                "path": svg_path(polygon),
                "xref": "x",
                "yref": "y",
                "layer": "below",
                "fillcolor": cell,
                "line": edge,
            }
            for polygon, cell in zip(regions.polygons, cells, strict=True)
        ]
    )
    return figure


def svg_path(polygon: np.ndarray) -> str:
    """Write a polygon's corners as an SVG path, to nine digits: a pixel, however far one zooms in."""
    return "M" + "L".join(f"{x:.9g},{y:.9g}" for x, y in polygon) + "Z"


def _crosses(centres: np.ndarray) -> go.Scattergl:
    # Traces of SVG would lie under the points.
    return go.Scattergl(
        x=centres[:, 0].astype(np.float32),
        y=centres[:, 1].astype(np.float32),
        mode="markers",
        hoverinfo="skip",
        marker={
            "symbol": "x",
            "size": _CROSS_SIZE,
            "color": "#ffffff",
            "opacity": 1,
            "line": {"color": "#000000", "width": 1.5},
        },
    )


def _names(
    positions: np.ndarray, regions: Regions, names: list[str], cells: list[str], lit: np.ndarray | None
) -> list[dict]:
    """Return where the regions' names go: a region is one piece of the map, and has its name once."""
    places = crowded_places(positions, Grouping("Regions", names, regions.labels), lit=lit)
    return [
        {"name": names[place["group"]], "colour": cells[place["group"]], **place}
        for place in places
        if place["rank"] == 0
    ]
