"""The view of the experiment that this project grew out of: regions, black points and white crosses."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.mapping.voronoi import Regions
from explorer.web.map.figures import (
    ALL,
    Shown,
    bounds,
    group_names,
    marker_size,
    name_places,
    page_figure,
    points,
    stepped_scale,
)
from explorer.web.map.grouping import Grouping
from explorer.web.map.palette import CELLS, GROUNDS, cell_slots

_POINT = "rgb(0, 0, 0)"
_GONE_POINT = "rgba(0, 0, 0, 0.55)"
_UNLIT_POINT = "rgba(0, 0, 0, 0.14)"
# Points are a good deal smaller than on the other maps: the regions have the colours.
_POINT_SHARE, _LEAST_POINT = 0.62, 2.5
_CROSS_SIZE = 13


def original_figure(
    positions: np.ndarray, regions: Regions, *, names: list[str], theme: str, shown: Shown = ALL
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
    shown : Shown

    Returns
    -------
    go.Figure
        Trace 0 has the songs, trace 1 the crosses. `layout.meta` says what that of `map_figure` says; its
        "colours" are the cells', by the regions' numbers, which are also the points' colour numbers.
    """
    slots = cell_slots(len(regions.polygons), regions.borders)
    cells = [CELLS[theme][slot] for slot in slots]
    hues = max(len(cells), 1)
    numbers, inks, marks = shown.apply(
        regions.labels, [_POINT] * hues, gone_shades=[_GONE_POINT] * hues, unlit_shade=_UNLIT_POINT
    )
    # Where points are black or nearly, what the page says of them has their cell's colour.
    padded = cells or [_POINT]
    colours = [padded[i % hues] if ink in (_POINT, _GONE_POINT) else ink for i, ink in enumerate(inks)]
    size = max(_POINT_SHARE * marker_size(len(positions)), _LEAST_POINT)
    named = name_places(positions, Grouping("Regions", names, regions.labels), cells, lit=shown.seen)
    figure = page_figure(
        [points(positions, numbers, stepped_scale(inks), size=size, opacity=1), _crosses(regions.centres)],
        meta={
            "projection": "original",
            "bounds": bounds(np.vstack([positions, *regions.polygons])),
            # A region is one piece of the map, and has its name once.
            "names": [place for place in named if place["rank"] == 0],
            "groups": group_names(names),
            "colours": colours,
            "hues": hues,
            **marks,
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
