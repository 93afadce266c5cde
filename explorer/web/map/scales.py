"""Values of songs that colour the map, such as tempo, year and length: and their scales."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from explorer.structure.known_features import frequency_text
from explorer.util.clock import clock
from explorer.web.map.scale_palette import SCALE_STEPS, scale_colours

_PERCENTILES = (2, 98)
"""Values outside these have the colours of the ends: a few odd values must not take most of the colours."""
_CHARACTER_SHARE, _GAP_SHARE = 0.034, 0.04
"""The width of a character and the least gap between texts below the legend's bar, as shares of its width."""
_FORMATS = {"number": "{:.0f}", "bpm": "{:.0f} bpm", "lufs": "{:.0f} LUFS", "share": "{:.0%}"}


@dataclass(frozen=True)
class ScaleKind:
    """A value of songs that can colour the map.

    Attributes
    ----------
    title : str
        The name on the page.
    field : str
        Of a song as the server describes it: what the tooltip shows.
    form : {"number", "time", "bpm", "key", "lufs", "hz", "share"}
        How a value is written: 1984, 3:07, 120 bpm, A minor · 8A, -14 LUFS, 1.8 kHz, 62%.
    missing : str
        What the songs without a value are called.
    doubtful : str
        What the songs are called whose value is not sure; empty if all values are.
    sure_field : str
        Of a song as the server describes it: whether the value is sure. Empty if all values are.
    is_logarithmic : bool
        Whether equal ratios of the value look equal, not equal differences.
    """

    title: str
    field: str
    form: str
    missing: str
    doubtful: str = ""
    sure_field: str = ""
    is_logarithmic: bool = False

    def describe(self) -> dict:
        """Return what the page needs to write a song's value: the `ScaleMeta` of assets/core/types.js."""
        return {name: getattr(self, name) for name in ("title", "field", "form", "missing", "sure_field")}


SCALES = {
    "tempo": ScaleKind(
        "Tempo",
        field="tempo_bpm",
        form="bpm",
        missing="Unknown tempo",
        doubtful="Tempo not sure",
        sure_field="tempo_is_sure",
    ),
    "key": ScaleKind(
        "Key",
        field="key",
        form="key",
        missing="Unknown key",
        doubtful="Key not sure",
        sure_field="key_is_sure",
    ),
    "energy": ScaleKind("Energy", field="energy", form="share", missing="Unknown energy"),
    "loudness": ScaleKind("Loudness", field="loudness_lufs", form="lufs", missing="Unknown loudness"),
    "brightness": ScaleKind(
        "Brightness", field="brightness_hz", form="hz", missing="Unknown brightness", is_logarithmic=True
    ),
    "year": ScaleKind("Year", field="year", form="number", missing="No year"),
    "length": ScaleKind("Length", field="duration_s", form="time", missing="Unknown length"),
}
FEATURE_SCALES = ("tempo", "key", "energy", "loudness", "brightness")
"""Those that are measured from the sound, or come from tags of tempo and key."""
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
        In the map's order; NaN if unknown or not sure. At least one is known.
    is_doubtful : np.ndarray [shape=(n,), bool], optional
        The songs whose value is not sure.
    """

    kind: ScaleKind
    values: np.ndarray
    is_doubtful: np.ndarray | None = None

    @property
    def has_values(self) -> bool:
        """Whether any song has a value that is sure."""
        return bool(np.isfinite(self.values).any())

    def colours(self, theme: str) -> list[str]:
        """Return the colours by colour number, without the grey of songs without a value."""
        return scale_colours(theme)

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
        values = np.asarray(values, dtype=np.float64)
        if self.kind.is_logarithmic and low > 0:
            values, low, high = np.log(np.maximum(values, low)), np.log(low), np.log(high)
        return np.clip((values - low) / (high - low), 0, 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Return the places on the scale, from 0 to 1, and the texts of its ends and its median.

        A sign at an end says that some values lie outside. The median is left out if there is no room for it.
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
        # The unit stands at the ends; there is no room for it in the middle.
        text = self.text(median).split()[0]
        is_shown = _room_after(first, text) <= share <= 1 - _room_after(last, text)
        middle = [(share, text)] if is_shown else []
        return [(0.0, first), *middle, (1.0, last)]

    def text(self, value: float) -> str:
        """Return a value as the page writes it."""
        if self.kind.form in _FORMATS:
            return _FORMATS[self.kind.form].format(value)
        if self.kind.form == "hz":
            return frequency_text(value)
        return clock(value)

    def unknown_counts(self, is_shown: np.ndarray) -> list[tuple[str, int]]:
        """Return what the songs without a colour are called, and how many of those shown there are."""
        return count_unknown(
            self.kind, is_shown, is_known=np.isfinite(self.values), is_doubtful=self.is_doubtful
        )


def _room_after(end: str, text: str) -> float:
    """Return how far from an end, as a share of the bar, the middle of a text must be."""
    return max(0.3, _CHARACTER_SHARE * (len(end) + len(text) / 2) + _GAP_SHARE)


def count_unknown(
    kind: ScaleKind, is_shown: np.ndarray, *, is_known: np.ndarray, is_doubtful: np.ndarray | None
) -> list[tuple[str, int]]:
    """Return the names and numbers of the songs that have the grey colour: not sure, and unknown.

    Parameters
    ----------
    is_shown, is_known : np.ndarray [shape=(n,), bool]
    is_doubtful : np.ndarray [shape=(n,), bool] or None
        Songs whose value is not sure, and so not known. None if all values are sure.
    """
    doubtful = np.zeros(len(is_shown), dtype=bool) if is_doubtful is None else is_doubtful
    counts = {
        kind.doubtful: np.count_nonzero(doubtful & is_shown),
        kind.missing: np.count_nonzero(~is_known & ~doubtful & is_shown),
    }
    return [(name, int(count)) for name, count in counts.items() if count]
