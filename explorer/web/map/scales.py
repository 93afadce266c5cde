"""Continuous scales that colour the map, such as years and lengths: what can be chosen, and their values."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.web.map.scale_palette import SCALE_STEPS

_PERCENTILES = (2, 98)
"""Values outside these have the colours of the ends: a few odd values must not take most of the colours."""


@dataclass(frozen=True)
class ScaleKind:
    """A value of songs that can colour the map.

    Attributes
    ----------
    title : str
        The name on the page.
    field : str
        Of a song as the server describes it: what the tooltip shows.
    form : {"number", "time"}
        How a value is written: 1984, or 3:07.
    missing : str
        What the songs without a value are called.
    """

    title: str
    field: str
    form: str
    missing: str


SCALES = {
    "year": ScaleKind("Year", field="year", form="number", missing="No year"),
    "length": ScaleKind("Length", field="duration_s", form="time", missing="Unknown length"),
}
GROUPINGS = {"cluster": "Cluster", "genre": "Genre", "artist": "Artist"}
COLOURINGS = {**GROUPINGS, **{name: kind.title for name, kind in SCALES.items()}}
"""Everything that can colour the map, with its name on the page, in the page's order."""


@dataclass(frozen=True, eq=False)
class Scale:
    """The values of one kind of all songs.

    Attributes
    ----------
    kind : ScaleKind
    values : np.ndarray [shape=(n,), float32]
        In the map's order; NaN if unknown. At least one is known.
    """

    kind: ScaleKind
    values: np.ndarray

    @cached_property
    def known(self) -> np.ndarray:
        """The known values, sorted."""
        return np.sort(self.values[np.isfinite(self.values)])

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The values with the first and the last colour; in a small library, the smallest and the largest."""
        low, high = _PERCENTILES
        ends = (
            np.percentile(self.known, low, method="lower"),
            np.percentile(self.known, high, method="higher"),
        )
        return float(ends[0]), float(ends[1])

    @cached_property
    def colour_numbers(self) -> np.ndarray:
        """Each song's colour number [shape=(n,), uint8]; `SCALE_STEPS` for songs without a value."""
        numbers = np.full(len(self.values), SCALE_STEPS, dtype=np.uint8)
        is_known = np.isfinite(self.values)
        numbers[is_known] = np.round(self._share(self.values[is_known]) * (SCALE_STEPS - 1)).astype(np.uint8)
        return numbers

    def _share(self, values: np.ndarray | float) -> np.ndarray:
        """Return where values lie on the scale, from 0 to 1; 0.5 if all values are equal."""
        low, high = self.ends
        if high <= low:
            return np.full(np.shape(values), 0.5)
        return np.clip((np.asarray(values, dtype=np.float64) - low) / (high - low), 0, 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the places on the scale, from 0 to 1, and the texts of its ends and its median.

        A sign at an end says that some values lie outside. The median is left out if it is near an end.
        """
        low, high = self.ends
        if high <= low:
            return [(0.5, self.text(low))]
        first, last = self.text(low), self.text(high)
        if self.text(float(self.known[0])) != first:
            first = f"≤ {first}"
        if self.text(float(self.known[-1])) != last:
            last = f"≥ {last}"
        median = float(self.known[len(self.known) // 2])
        share = float(self._share(median))
        middle = [(share, self.text(median))] if 0.3 <= share <= 0.7 else []
        return [(0.0, first), *middle, (1.0, last)]

    def text(self, value: float) -> str:
        """Return a value as the page writes it."""
        if self.kind.form == "number":
            return f"{value:.0f}"
        minutes, seconds = divmod(round(value), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"

    def describe(self) -> dict:
        """Return what the page needs to write a song's value: the `ScaleMeta` of assets/core/types.js."""
        kind = self.kind
        return {"title": kind.title, "field": kind.field, "form": kind.form, "missing": kind.missing}
