"""The map as a figure: arrays in, `go.Figure` out. Knows no Dash."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from explorer.web.catalogue import Grouping

# Twelve hues by turns light and dark of tone, so that neighbours in the list differ in lightness too,
# for eyes that confuse some hues; then eight in between. One set a theme, for contrast with its ground.
PALETTES = {
    "dark": [
        "#6cb8ff", "#ffb454", "#5fd7a5", "#ff7f97", "#c79bff", "#f5e663", "#4fd6e8", "#ff9e6d", "#9be564",
        "#f29bd4", "#9fb3c8", "#e8c39e", "#3f8cff", "#d9730d", "#1fa97a", "#d8447a", "#8f6bff", "#b8a800",
        "#0fa3b8", "#b5651d",
    ],
    "light": [
        "#0f6fc6", "#c76a00", "#0f8a5f", "#c9314f", "#7a45c9", "#8f7a00", "#007f94", "#c4501b", "#4b8a12",
        "#b03a8b", "#5a6b80", "#8c6239", "#5aa9f0", "#e8973a", "#45b48c", "#e77a92", "#a983e6", "#b9a32e",
        "#3fb1c4", "#a8672f",
    ],
}  # fmt: skip
GREYS = {"dark": "#626b7d", "light": "#a3a9b5"}
MAX_COLOURS = len(PALETTES["dark"])


def map_figure(positions: np.ndarray, grouping: Grouping, *, theme: str, projection: str) -> go.Figure:
    """Draw the map as one WebGL trace.

    Nothing but coordinates and colour numbers travels: a song is looked up by its index in the trace.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    grouping : Grouping
        Its 20 largest groups have a colour each; the others share grey.
    theme : {"dark", "light"}
    projection : str
        Goes into `layout.meta`, with the bounds of the positions and the groups' names, for the page.

    Returns
    -------
    go.Figure
    """
    shown = min(len(grouping.names), MAX_COLOURS)
    colours = [*PALETTES[theme][:shown], GREYS[theme]]
    trace = go.Scattergl(
        x=positions[:, 0],
        y=positions[:, 1],
        mode="markers",
        hoverinfo="none",
        marker={
            "size": marker_size(len(positions)),
            "color": np.minimum(grouping.members, shown).astype(np.uint8),
            "colorscale": stepped_scale(colours),
            "cmin": -0.5,
            "cmax": len(colours) - 0.5,
            "showscale": False,
            "opacity": 0.92 if len(positions) < 5_000 else 0.75,
            "line": {"width": 0},
        },
    )
    figure = go.Figure(trace)
    axis = {"visible": False, "zeroline": False, "showgrid": False}
    figure.update_layout(
        template={},
        margin={"l": 0, "r": 0, "t": 0, "b": 0, "pad": 0},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        xaxis=axis,
        yaxis=axis,
        showlegend=False,
        hovermode="closest",
        hoverdistance=16,
        spikedistance=0,
        dragmode="pan",
        meta={
            "projection": projection,
            "bounds": bounds(positions),
            "names": grouping.names[:shown],
            "colours": colours,
            "theme": theme,
        },
    )
    return figure


def marker_size(n_points: int) -> float:
    """Return a diameter in pixels at which so many points are neither lost nor a single blot."""
    return float(np.clip(15 - 2.6 * np.log10(max(n_points, 1)), 3, 11))


def stepped_scale(colours: list[str]) -> list[list]:
    """Return a colour scale without blending: number i of n has colour i."""
    edges = np.linspace(0, 1, len(colours) + 1)
    return [[float(edge), colour] for i, colour in enumerate(colours) for edge in (edges[i], edges[i + 1])]


def bounds(positions: np.ndarray) -> list[float]:
    """Return left, right, bottom and top of the points; of a unit square where there are none."""
    if not len(positions):
        return [-1.0, 1.0, -1.0, 1.0]
    (left, bottom), (right, top) = positions.min(axis=0), positions.max(axis=0)
    return [float(edge) for edge in (left, right, bottom, top)]


def legend_entries(grouping: Grouping, *, theme: str) -> list[tuple[str, str, int]]:
    """Return colour, name and number of songs of each legend entry, the last for all that share grey."""
    counts = grouping.counts.tolist()
    shown = list(zip(PALETTES[theme], grouping.names, counts, strict=False))
    rest = len(grouping.names) - len(shown)
    if rest:
        shown.append((GREYS[theme], f"{rest} more", sum(counts[len(shown) :])))
    return shown
