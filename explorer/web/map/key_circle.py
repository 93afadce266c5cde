"""The circle of keys that colours the map: keys that DJs mix with each other have neighbouring colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from explorer.structure.keys import Key
from explorer.web.map.key_palette import KEY_COLOURS
from explorer.web.map.scales import SCALES, ScaleKind, count_unknown

_UNKNOWN = len(KEY_COLOURS["dark"])


def key_number(key: Key) -> int:
    """Return a key's colour number, its place in 1A, 1B, 2A, … 12B on the Camelot wheel."""
    return 2 * (key.wheel_number - 1) + (not key.is_minor)


KEYS = tuple(
    sorted((Key(tonic, is_minor) for tonic in range(12) for is_minor in (True, False)), key=key_number)
)
"""All keys, by their colour numbers."""


@dataclass(frozen=True, eq=False)
class KeyCircle:
    """The keys of all songs, beside `Scale`.

    Attributes
    ----------
    numbers : np.ndarray [shape=(n,), int]
        Each song's `key_number`; -1 if its key is unknown or not sure.
    is_doubtful : np.ndarray [shape=(n,), bool]
        The songs whose key is not sure.
    """

    numbers: np.ndarray
    is_doubtful: np.ndarray

    @property
    def kind(self) -> ScaleKind:
        """The names and the form of keys."""
        return SCALES["key"]

    @property
    def has_values(self) -> bool:
        """Whether any song has a key that is sure."""
        return bool((self.numbers >= 0).any())

    @property
    def colour_numbers(self) -> np.ndarray:
        """Each song's colour number [shape=(n,), uint8]; 24 for songs whose key is unknown or not sure."""
        return np.where(self.numbers >= 0, self.numbers, _UNKNOWN).astype(np.uint8)

    def colours(self, theme: str) -> list[str]:
        """Return the colours by colour number, without the grey of songs without a key."""
        return KEY_COLOURS[theme]

    def counts(self, is_shown: np.ndarray) -> np.ndarray:
        """Return how many of the songs shown have each key [shape=(24,), int64]."""
        return np.bincount(self.numbers[(self.numbers >= 0) & is_shown], minlength=len(KEYS))

    def unknown_counts(self, is_shown: np.ndarray) -> list[tuple[str, int]]:
        """Return what the songs without a colour are called, and how many of those shown there are."""
        return count_unknown(self.kind, is_shown, is_known=self.numbers >= 0, is_doubtful=self.is_doubtful)
