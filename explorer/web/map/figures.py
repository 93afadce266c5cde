"""The map as a figure: arrays in, `go.Figure` out. Knows no Dash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from explorer.web.map.grouping import Grouping
from explorer.web.map.palette import GREYS, GROUNDS, HIDDEN, PALETTES, UNLIT

# A point of which half the true neighbours are near is drawn in full; fewer, and it fades in two steps.
FADING = ((0.5, 0.0), (0.2, 0.62), (0.0, 0.85))
# A song whose file is missing fades by this share, whatever else it does; the page makes it a ring besides.
GONE_FADING = 0.25
MOST_NAMES = 60
_LEAST_SONGS_FOR_A_NAME = 3
_SAMPLE = 250
# A group that lies in several places has its name at each that holds this share of it.
_MOST_PLACES, _LEAST_SHARE = 5, 0.05
_MOST_ARTISTS_NAMED = 12


@dataclass(frozen=True, eq=False)
class Shown:
    """How the songs on a map are to be seen.

    Attributes
    ----------
    lit : np.ndarray [shape=(n,), bool], optional
        Which songs a filter lets through: the others have one faint colour, whose number is "unlit" in
        `layout.meta`, and groups without any that is lit have no name.
    hidden : np.ndarray [shape=(n,), bool], optional
        Which songs are not to be seen: their number is "hidden" in `layout.meta`, and has no colour.
    gone : np.ndarray [shape=(n,), bool], optional
        Whose files are missing: they fade. Their numbers are "gone" in `layout.meta` and the "hues" - 1 that
        follow.
    """

    lit: np.ndarray | None = None
    hidden: np.ndarray | None = None
    gone: np.ndarray | None = None

    @property
    def seen(self) -> np.ndarray | None:
        """Which songs are lit and not hidden [shape=(n,), bool], or None where all are."""
        if self.hidden is None:
            return self.lit
        return ~self.hidden if self.lit is None else self.lit & ~self.hidden

    def apply(
        self, numbers: np.ndarray, shades: list[str], *, gone_shades: list[str], unlit_shade: str
    ) -> tuple[np.ndarray, list[str], dict]:
        """Give the songs that are missing, filtered out or hidden colour numbers of their own.

        Parameters
        ----------
        numbers : np.ndarray [shape=(n,), int]
            The songs' colour numbers; modulo `len(gone_shades)` they are those of their groups.
        shades : list of str
            The colours that the numbers stand for.

        Returns
        -------
        tuple of np.ndarray [shape=(n,), int], list of str, and dict
            The last has "gone", the first number of those that are missing, "unlit" and "hidden", each None
            where there are none; and "lit", how many songs are seen.
        """
        seen = self.seen
        marks = {"gone": None, "unlit": None, "hidden": None}
        marks["lit"] = len(numbers) if seen is None else int(np.count_nonzero(seen))
        if self.gone is not None and self.gone.any():
            marks["gone"] = len(shades)
            numbers = np.where(self.gone, len(shades) + numbers % len(gone_shades), numbers)
            shades = [*shades, *gone_shades]
        if self.lit is not None:
            marks["unlit"] = len(shades)
            numbers, shades = np.where(self.lit, numbers, len(shades)), [*shades, unlit_shade]
        if self.hidden is not None:
            marks["hidden"] = len(shades)
            numbers, shades = np.where(self.hidden, len(shades), numbers), [*shades, HIDDEN]
        return numbers, shades, marks


ALL = Shown()


def map_figure(
    positions: np.ndarray,
    grouping: Grouping,
    *,
    theme: str,
    projection: str,
    near: np.ndarray | None = None,
    shown: Shown = ALL,
) -> go.Figure:
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
    near : np.ndarray [shape=(n,)], optional
        How many of each song's ten true neighbours are near it, -1 where unknown: points fade by it.
    shown : Shown

    Returns
    -------
    go.Figure
    """
    colours = [*PALETTES[theme], GREYS[theme]]
    numbers, shades = grouping.slots[grouping.members], colours
    if near is not None:
        numbers = numbers + len(colours) * fading_levels(near, neighbours=len(positions) - 1)
        shades = [mixed(colour, GROUNDS[theme], share) for _, share in FADING for colour in colours]
    gone_shades = [mixed(colour, GROUNDS[theme], GONE_FADING) for colour in colours]
    numbers, shades, marks = shown.apply(numbers, shades, gone_shades=gone_shades, unlit_shade=UNLIT[theme])
    trace = points(
        positions,
        numbers,
        stepped_scale(shades),
        size=marker_size(len(positions)),
        opacity=0.92 if len(positions) < 5_000 else 0.75,
    )
    of_groups = [colours[slot] for slot in grouping.slots]
    return page_figure(
        [trace],
        meta={
            "projection": projection,
            "bounds": bounds(positions),
            "names": name_places(positions, grouping, of_groups, lit=shown.seen),
            "groups": group_names(grouping.names),
            "colours": shades,
            "hues": len(colours),
            **marks,
            "theme": theme,
        },
    )


def points(
    positions: np.ndarray, numbers: np.ndarray, scale: list[list], *, size: float, opacity: float
) -> go.Scattergl:
    """Return the songs as one WebGL trace: single-precision coordinates, and colour numbers of a byte.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    numbers : np.ndarray [shape=(n,), int]
        Places in the scale.
    scale : list of list
        As `stepped_scale` gives it.
    size : float
        Diameter, in pixels.
    """
    return go.Scattergl(
        x=positions[:, 0],
        y=positions[:, 1],
        mode="markers",
        hoverinfo="none",
        marker={
            "size": size,
            "color": numbers.astype(np.uint8),
            "colorscale": scale,
            "cmin": -0.5,
            "cmax": len(scale) // 2 - 0.5,
            "showscale": False,
            "opacity": opacity,
            "line": {"width": 0},
        },
    )


def page_figure(traces: list, *, meta: dict) -> go.Figure:
    """Return traces as the page shows them: from edge to edge, without axes; `meta` tells it the rest."""
    figure = go.Figure(traces)
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
        meta=meta,
    )
    return figure


def group_names(names: list[str]) -> list[str] | None:
    """Return the names of the groups by their numbers, or None where they are too many to send."""
    return names if len(names) <= MOST_NAMES else None


def fading_levels(near: np.ndarray, *, neighbours: int) -> np.ndarray:
    """Return how far each point fades, as an index into `FADING` [shape=(n,), int]."""
    share = np.asarray(near) / max(min(10, neighbours), 1)
    levels = np.digitize(share, [least for least, _ in FADING])
    return np.where(share < 0, 0, levels)


def mixed(colour: str, ground: str, share: float) -> str:
    """Mix a share of the ground's colour into another: "#rrggbb" both."""
    pairs = zip(bytes.fromhex(colour[1:]), bytes.fromhex(ground[1:]), strict=True)
    return "#" + bytes(round(one + (other - one) * share) for one, other in pairs).hex()


def name_places(
    positions: np.ndarray, grouping: Grouping, colours: list[str], *, lit: np.ndarray | None = None
) -> list[dict]:
    """Find where the names of the largest groups go: to where each group is thickest, then next thickest.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    grouping : Grouping
    colours : list of str
        The groups', by their numbers.
    lit : np.ndarray [shape=(n,), bool], optional
        Only these songs count.

    Returns
    -------
    list of dict
        Of at most 60 groups: "name"; "colour"; "group", its number; "x", the "top" and "bottom" of a crowded
        circle; and its "rank" in the group, from 0 for the most crowded, by which they are sorted, and then
        by the groups' sizes. None at all for many artists: they are all over a map.
    """
    members = grouping.members if lit is None else grouping.members[lit]
    counts = grouping.counts_among(lit)
    few = np.count_nonzero(counts) <= _MOST_ARTISTS_NAMED
    if grouping.title == "Artists" and not few:
        return []
    left, right, bottom, top = bounds(positions)
    reach = float(np.hypot(right - left, top - bottom)) / 16
    places = positions if lit is None else positions[lit]
    order = np.argsort(members, kind="stable")
    ends = np.cumsum(counts)
    found = []
    for group in np.argsort(-counts, kind="stable")[:MOST_NAMES].tolist():
        size = int(counts[group])
        if not size or (size < _LEAST_SONGS_FOR_A_NAME and not few):
            continue
        parts = _thickest_parts(places[order[ends[group] - size : ends[group]]], reach)
        named = {"name": grouping.names[group], "colour": colours[group], "group": group}
        found += [{**named, "rank": rank, **part} for rank, part in enumerate(parts)]
    return sorted(found, key=lambda place: place["rank"])


def _thickest_parts(places: np.ndarray, reach: float) -> list[dict]:
    """Return the middle and the edges of the most crowded circles of some places, well apart."""
    sample = places[:: -(-len(places) // _SAMPLE)].astype(np.float64)
    gaps = np.hypot(*(sample[:, None] - sample).transpose(2, 0, 1))
    is_left = np.ones(len(sample), dtype=bool)
    parts = []
    while len(parts) < _MOST_PLACES:
        counts = (gaps[:, is_left] <= reach).sum(axis=1) * is_left
        middle = counts.argmax()
        if parts and counts[middle] < max(_LEAST_SONGS_FOR_A_NAME, _LEAST_SHARE * len(sample)):
            break
        crowd = sample[is_left & (gaps[middle] <= reach)]
        x, heights = crowd.T
        parts.append({"x": float(x.mean()), "top": float(heights.max()), "bottom": float(heights.min())})
        is_left &= gaps[middle] > 2 * reach
        if not is_left.any():
            break
    return parts


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


def legend_entries(
    grouping: Grouping,
    *,
    theme: str,
    colours: list[str] | None = None,
    hidden: np.ndarray | None = None,
) -> list[dict]:
    """Return what the legend says of each group that has a colour, the largest first, and of the rest.

    Parameters
    ----------
    colours : list of str, optional
        By the groups' numbers, as the original view has them: then every group has one.
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that do not count, nor stand for a group; a group of nothing else is left out.

    Returns
    -------
    list of dict
        "group", its number, None for the rest; "colour", "name", "count"; and "representative": the song that
        stands for the group, or None.
    """
    slots, palette = (grouping.slots, PALETTES[theme]) if colours is None else (range(len(colours)), colours)
    is_seen = None if hidden is None else ~hidden
    counts = grouping.counts_among(is_seen)
    coloured = [group for group in grouping.by_size if slots[group] < len(palette)]
    entries = [
        {
            "group": group,
            "colour": palette[slots[group]],
            "name": grouping.names[group],
            "count": int(counts[group]),
            "representative": _representative(grouping, group, is_seen),
        }
        for group in coloured
        if counts[group] or is_seen is None
    ]
    rest = np.setdiff1d(np.arange(len(grouping.names)), coloured)
    rest = rest[counts[rest] > 0] if is_seen is not None else rest
    if len(rest):
        name = f"{len(rest):,} more share this grey"
        count = int(counts[rest].sum())
        entries.append(
            {"group": None, "colour": GREYS[theme], "name": name, "count": count, "representative": None}
        )
    return entries


def _representative(grouping: Grouping, group: int, is_seen: np.ndarray | None) -> int | None:
    if not grouping.representatives or grouping.representatives[group] < 0:
        return None
    representative = grouping.representatives[group]
    return representative if is_seen is None or is_seen[representative] else None
