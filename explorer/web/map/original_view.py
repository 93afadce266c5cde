"""The view of the original experiment: coloured Voronoi regions, black points and white crosses."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.mapping.voronoi import Regions
from explorer.web.map.figures import (
    ALL_VISIBLE,
    Visibility,
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
_MISSING_POINT = "rgba(0, 0, 0, 0.55)"
_FILTERED_OUT_POINT = "rgba(0, 0, 0, 0.14)"
# Points are smaller than on the other maps, because here the cells carry the colours.
_POINT_SCALE, _MIN_POINT_SIZE = 0.62, 2.5
_CROSS_SIZE = 13


def cell_colours(regions: Regions, theme: str) -> list[str]:
    """Return the colours of the regions' cells; cells beside each other have different ones."""
    return [CELLS[theme][slot] for slot in cell_slots(len(regions.polygons), regions.borders)]


def original_figure(
    positions: np.ndarray,
    regions: Regions,
    grouping: Grouping,
    cells: list[str],
    *,
    theme: str,
    visibility: Visibility = ALL_VISIBLE,
    meta: dict | None = None,
) -> go.Figure:
    """Draw songs as black points on the coloured cells of their regions; white crosses mark the centres.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
        The positions that the regions were made from.
    regions : Regions
        At most 126, so that all colour numbers fit into one byte.
    grouping : Grouping
        The songs by region, with the regions' names.
    cells : list of str
        As `cell_colours` returns them.
    theme : {"dark", "light"}
    visibility : Visibility
    meta : dict, optional
        More items for `layout.meta`.

    Returns
    -------
    go.Figure
        Trace 0 holds the songs, trace 1 the crosses. `layout.meta` has the same items as that of
        `map_figure`. A point's colour number is its region's number, and "colours" has the region's cell
        colour at that number.
    """
    n_groups = max(len(cells), 1)
    numbers, point_colours, visibility_meta = visibility.apply(
        regions.labels,
        [_POINT] * n_groups,
        missing_colours=[_MISSING_POINT] * n_groups,
        filtered_out=_FILTERED_OUT_POINT,
    )
    # The page shows a song's colour in its panel: for a black point that is its cell's colour.
    group_colours = cells or [_POINT]
    colours = [
        group_colours[number % n_groups] if colour in (_POINT, _MISSING_POINT) else colour
        for number, colour in enumerate(point_colours)
    ]
    size = max(_POINT_SCALE * marker_size(len(positions)), _MIN_POINT_SIZE)
    names = name_places(positions, grouping, cells, among=visibility.visible)
    figure = page_figure(
        [
            points(positions, numbers, stepped_scale(point_colours), size=size, opacity=1),
            _crosses(regions.centres),
        ],
        meta={
            "projection": "original",
            "bounds": bounds(np.vstack([positions, *regions.polygons])),
            # A region is one area, so its name is written only once.
            "names": [name for name in names if name["rank"] == 0],
            "groups": group_names(grouping.names),
            "colours": colours,
            "hues": n_groups,
            **visibility_meta,
            "theme": theme,
            **(meta or {}),
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
    """Write a polygon's corners as an SVG path; nine digits are exact to a pixel at any zoom."""
    return "M" + "L".join(f"{x:.9g},{y:.9g}" for x, y in polygon) + "Z"


def _crosses(centres: np.ndarray) -> go.Scattergl:
    # An SVG trace would be drawn under the points; a WebGL trace is drawn over them.
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
