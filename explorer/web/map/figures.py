"""Draws the map as a figure: arrays in, `go.Figure` out; no Dash."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import plotly.graph_objects as go

from explorer.web.map.grouping import Grouping
from explorer.web.map.palette import FILTERED_OUT, GREYS, GROUNDS, HIDDEN, PALETTES

# A point keeps its full colour if at least half of the ten songs that sound most like it are near it on the
# map. Others fade in two steps. Each item: the minimum share of these ten songs that are near, and the share
# of the background's colour that is mixed into the point's colour.
FADING = ((0.5, 0.0), (0.2, 0.62), (0.0, 0.85))
# The share of the background's colour for a song whose file is missing; the page also draws it as a ring.
MISSING_FADING = 0.25
MAX_NAMES = 60
_MIN_SONGS_FOR_NAME = 3
_SAMPLE_SIZE = 250
# A group's name is written at up to 5 places. Each place after the first holds at least this share of the
# group's songs.
_MAX_PLACES, _MIN_SHARE = 5, 0.05
_MAX_ARTISTS_NAMED = 12


@dataclass(frozen=True, eq=False)
class Visibility:
    """Which songs on a map are filtered out, hidden or missing.

    Attributes
    ----------
    matching : np.ndarray [shape=(n,), bool], optional
        Songs that match the filter. All others get one faint colour; its number is "unlit" in `layout.meta`.
        Groups without a matching song get no name.
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that are not drawn. They keep their places in the arrays and get a transparent colour; its
        number is "hidden" in `layout.meta`.
    missing : np.ndarray [shape=(n,), bool], optional
        Songs whose files are missing: they fade. They have as many colour numbers as there are group colours
        ("hues" in `layout.meta`); the first is "gone" in `layout.meta`.
    """

    matching: np.ndarray | None = None
    hidden: np.ndarray | None = None
    missing: np.ndarray | None = None

    @property
    def visible(self) -> np.ndarray | None:
        """The songs that match and are not hidden [shape=(n,), bool]; None if these are all songs."""
        if self.hidden is None:
            return self.matching
        return ~self.hidden if self.matching is None else self.matching & ~self.hidden

    def apply(
        self, numbers: np.ndarray, colours: list[str], *, missing_colours: list[str], filtered_out: str
    ) -> tuple[np.ndarray, list[str], dict]:
        """Give songs that are missing, filtered out or hidden their own colour numbers.

        Parameters
        ----------
        numbers : np.ndarray [shape=(n,), int]
            The songs' colour numbers. The number modulo `len(missing_colours)` is the group's colour number,
            also if points fade.
        colours : list of str
            By colour number.
        missing_colours : list of str
            The groups' colours for songs whose files are missing.
        filtered_out : str
            The colour of songs that do not match.

        Returns
        -------
        tuple of np.ndarray [shape=(n,), int], list of str, and dict
            The new numbers, all colours, and items for `layout.meta`: the first number for missing songs
            ("gone"), the numbers "unlit" and "hidden", each None if there are no such songs; and "lit", how
            many songs are visible.
        """
        visible = self.visible
        meta = {"gone": None, "unlit": None, "hidden": None}
        meta["lit"] = len(numbers) if visible is None else int(np.count_nonzero(visible))
        if self.missing is not None and self.missing.any():
            meta["gone"] = len(colours)
            numbers = np.where(self.missing, len(colours) + numbers % len(missing_colours), numbers)
            colours = [*colours, *missing_colours]
        if self.matching is not None:
            meta["unlit"] = len(colours)
            numbers, colours = np.where(self.matching, numbers, len(colours)), [*colours, filtered_out]
        if self.hidden is not None:
            meta["hidden"] = len(colours)
            numbers, colours = np.where(self.hidden, len(colours), numbers), [*colours, HIDDEN]
        return numbers, colours, meta


ALL_VISIBLE = Visibility()


def map_figure(
    positions: np.ndarray,
    grouping: Grouping,
    *,
    theme: str,
    projection: str,
    near: np.ndarray | None = None,
    visibility: Visibility = ALL_VISIBLE,
    meta: dict | None = None,
) -> go.Figure:
    """Draw the map as one WebGL trace of coordinates and colour numbers.

    The trace holds no titles: the page asks for a song by its index in the trace.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    grouping : Grouping
        Its 20 largest groups have a colour each; the others share grey.
    theme : {"dark", "light"}
    projection : str
        Stored in `layout.meta`, with the bounds of the positions and the groups' names.
    near : np.ndarray [shape=(n,)], optional
        How many of the ten songs that sound most like a song are near it on the map, -1 if unknown. If given,
        points for which these are few fade.
    visibility : Visibility
    meta : dict, optional
        More items for `layout.meta`.

    Returns
    -------
    go.Figure
    """
    hues = [*PALETTES[theme], GREYS[theme]]
    numbers, colours = grouping.slots[grouping.members], hues
    if near is not None:
        numbers = numbers + len(hues) * fading_levels(near, neighbours=len(positions) - 1)
        colours = [colour for _, share in FADING for colour in _faded_hues(theme, share)]
    missing = _faded_hues(theme, MISSING_FADING)
    numbers, colours, visibility_meta = visibility.apply(
        numbers, colours, missing_colours=missing, filtered_out=FILTERED_OUT[theme]
    )
    trace = points(
        positions,
        numbers,
        stepped_scale(colours),
        size=marker_size(len(positions)),
        opacity=0.92 if len(positions) < 5_000 else 0.75,
    )
    group_colours = [hues[slot] for slot in grouping.slots]
    return page_figure(
        [trace],
        meta={
            "projection": projection,
            "bounds": bounds(positions),
            "names": name_places(positions, grouping, group_colours, among=visibility.visible),
            "groups": group_names(grouping.names),
            "colours": colours,
            "hues": len(hues),
            **visibility_meta,
            "theme": theme,
            **(meta or {}),
        },
    )


@cache
def _faded_hues(theme: str, share: float) -> list[str]:
    """Return a theme's group colours, each mixed with a share of the background's colour."""
    return [mixed(colour, GROUNDS[theme], share) for colour in (*PALETTES[theme], GREYS[theme])]


def points(
    positions: np.ndarray, numbers: np.ndarray, scale: list[list], *, size: float, opacity: float
) -> go.Scattergl:
    """Return the songs as one WebGL trace: float32 coordinates and one-byte colour numbers.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    numbers : np.ndarray [shape=(n,), int]
        Colour numbers: indices into the scale's colours.
    scale : list of list
        As `stepped_scale` returns it.
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
    """Return a figure that fills the page, without axes; the page's JavaScript reads `layout.meta`."""
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
    """Return the names of the groups by number, or None if there are too many to send."""
    return names if len(names) <= MAX_NAMES else None


def fading_levels(near: np.ndarray, *, neighbours: int) -> np.ndarray:
    """Return how far each point fades, as an index into `FADING` [shape=(n,), int]."""
    share = np.asarray(near) / max(min(10, neighbours), 1)
    levels = np.digitize(share, [minimum for minimum, _ in FADING])
    return np.where(share < 0, 0, levels)


def mixed(colour: str, background: str, share: float) -> str:
    """Mix a share of the background's colour into a colour; both are "#rrggbb"."""
    channels = zip(bytes.fromhex(colour[1:]), bytes.fromhex(background[1:]), strict=True)
    return "#" + bytes(round(own + (other - own) * share) for own, other in channels).hex()


def name_places(
    positions: np.ndarray, grouping: Grouping, colours: list[str], *, among: np.ndarray | None = None
) -> list[dict]:
    """Find where to write the names of the largest groups: at the most crowded places of each group.

    Parameters
    ----------
    positions : np.ndarray [shape=(n, 2), float32]
    grouping : Grouping
    colours : list of str
        By group number.
    among : np.ndarray [shape=(n,), bool], optional
        The songs that count; all if None.

    Returns
    -------
    list of dict
        One for each place of at most 60 groups: "name"; "colour"; "group", its number; "x", "top" and
        "bottom" of the songs in a crowded circle; and "rank", 0 for the group's most crowded circle, then 1,
        and so on. Sorted by rank, then by the groups' sizes. Empty if the groups are more than 12 artists,
        because an artist's songs are spread over the whole map.
    """
    members = grouping.members if among is None else grouping.members[among]
    counts = grouping.counts_among(among)
    has_few_groups = np.count_nonzero(counts) <= _MAX_ARTISTS_NAMED
    if grouping.title == "Artists" and not has_few_groups:
        return []
    left, right, bottom, top = bounds(positions)
    radius = float(np.hypot(right - left, top - bottom)) / 16
    places = positions if among is None else positions[among]
    order = np.argsort(members, kind="stable")
    ends = np.cumsum(counts)
    names = []
    for group in np.argsort(-counts, kind="stable")[:MAX_NAMES].tolist():
        size = int(counts[group])
        if not size or (size < _MIN_SONGS_FOR_NAME and not has_few_groups):
            continue
        circles = _crowded_circles(places[order[ends[group] - size : ends[group]]], radius)
        name = {"name": grouping.names[group], "colour": colours[group], "group": group}
        names += [{**name, "rank": rank, **circle} for rank, circle in enumerate(circles)]
    return sorted(names, key=lambda name: name["rank"])


def _crowded_circles(places: np.ndarray, radius: float) -> list[dict]:
    """Return "x", "top" and "bottom" of the songs in the most crowded circles; no two circles overlap."""
    sample = places[:: -(-len(places) // _SAMPLE_SIZE)].astype(np.float64)
    distances = np.hypot(*(sample[:, None] - sample).transpose(2, 0, 1))
    is_remaining = np.ones(len(sample), dtype=bool)
    circles = []
    while len(circles) < _MAX_PLACES:
        counts = (distances[:, is_remaining] <= radius).sum(axis=1) * is_remaining
        centre = counts.argmax()
        if circles and counts[centre] < max(_MIN_SONGS_FOR_NAME, _MIN_SHARE * len(sample)):
            break
        inside = sample[is_remaining & (distances[centre] <= radius)]
        x, heights = inside.T
        circles.append({"x": float(x.mean()), "top": float(heights.max()), "bottom": float(heights.min())})
        is_remaining &= distances[centre] > 2 * radius
        if not is_remaining.any():
            break
    return circles


def marker_size(n_points: int) -> float:
    """Return a diameter in pixels: small enough that many points do not merge, and not too small to see."""
    return float(np.clip(15 - 2.6 * np.log10(max(n_points, 1)), 3, 11))


def stepped_scale(colours: list[str]) -> list[list]:
    """Return a Plotly colour scale without blending: number i of n gets exactly colour i."""
    edges = np.linspace(0, 1, len(colours) + 1)
    return [[float(edge), colour] for i, colour in enumerate(colours) for edge in (edges[i], edges[i + 1])]


def bounds(positions: np.ndarray) -> list[float]:
    """Return left, right, bottom and top of the points; a square from -1 to 1 if there are none."""
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
    """Return the legend's rows: each group that has a colour, the largest first, then all others as one row.

    Parameters
    ----------
    colours : list of str, optional
        By group number, as in the original view, where every group has a colour. Else the palette's.
    hidden : np.ndarray [shape=(n,), bool], optional
        Songs that do not count and represent no group. A group whose songs are all hidden has no row.

    Returns
    -------
    list of dict
        "group", its number, or None for all others; "colour", "name", "count"; and "representative", the
        number of the song that represents the group, or None.
    """
    slots, palette = (grouping.slots, PALETTES[theme]) if colours is None else (range(len(colours)), colours)
    is_visible = None if hidden is None else ~hidden
    counts = grouping.counts_among(is_visible)
    coloured = [group for group in grouping.by_size if slots[group] < len(palette)]
    entries = [
        {
            "group": group,
            "colour": palette[slots[group]],
            "name": grouping.names[group],
            "count": int(counts[group]),
            "representative": _representative(grouping, group, is_visible),
        }
        for group in coloured
        if counts[group] or is_visible is None
    ]
    rest = np.setdiff1d(np.arange(len(grouping.names)), coloured)
    rest = rest[counts[rest] > 0] if is_visible is not None else rest
    if len(rest):
        name = f"{len(rest):,} smaller groups"
        count = int(counts[rest].sum())
        entries.append(
            {"group": None, "colour": GREYS[theme], "name": name, "count": count, "representative": None}
        )
    return entries


def _representative(grouping: Grouping, group: int, is_visible: np.ndarray | None) -> int | None:
    if not grouping.representatives or grouping.representatives[group] < 0:
        return None
    representative = grouping.representatives[group]
    return representative if is_visible is None or is_visible[representative] else None
