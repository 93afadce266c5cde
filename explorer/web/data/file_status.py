"""What has become of the songs' files: which are missing, and which have the same sound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

HIDEABLE = ("duplicates", "missing")
"""What a map can be without."""


@dataclass(frozen=True, eq=False)
class FileStatus:
    """How the files of the songs on a map stand.

    Attributes
    ----------
    is_gone : np.ndarray [shape=(n,), bool]
        Whose file is missed.
    is_copy : np.ndarray [shape=(n,), bool]
        Which have the same sound as another song that stays where duplicates are hidden.
    twins : dict of int to tuple of int
        Of each song that is not alone in its sound: all that have it, the one that stays first.
    """

    is_gone: np.ndarray
    is_copy: np.ndarray
    twins: dict[int, tuple[int, ...]]

    @classmethod
    def of(
        cls, song_ids: Sequence[str], *, groups: Iterable[Sequence[str]], gone: Mapping[str, str]
    ) -> FileStatus:
        """Bring what `Database.duplicates` and `Database.gone_songs` give into the map's order.

        Songs that are not on the map, whose `song_ids` have the numbers of their places, count for nothing.
        """
        groups = list(groups)
        wanted = {song_id for group in groups for song_id in group} | gone.keys()
        numbers = {song_id: number for number, song_id in enumerate(song_ids) if song_id in wanted}
        is_gone = np.zeros(len(song_ids), dtype=bool)
        is_gone[[numbers[song_id] for song_id in gone if song_id in numbers]] = True
        is_copy = np.zeros(len(song_ids), dtype=bool)
        twins: dict[int, tuple[int, ...]] = {}
        for group in groups:
            here = tuple(numbers[song_id] for song_id in group if song_id in numbers)
            if len(here) > 1:
                twins.update(dict.fromkeys(here, here))
                is_copy[list(here[1:])] = True
        return cls(is_gone, is_copy, twins)

    @property
    def counts(self) -> dict[str, int]:
        """How many songs each of `HIDEABLE` would hide."""
        return {"duplicates": int(self.is_copy.sum()), "missing": int(self.is_gone.sum())}

    def hidden(self, kinds: Iterable[str]) -> np.ndarray | None:
        """Return which songs the kinds of `HIDEABLE` hide [shape=(n,), bool], or None where none is."""
        hidden = np.zeros(len(self.is_gone), dtype=bool)
        for kind, those in zip(HIDEABLE, (self.is_copy, self.is_gone), strict=True):
            if kind in kinds:
                hidden |= those
        return hidden if hidden.any() else None

    def others_like(self, index: int) -> tuple[int, ...]:
        """Return the other songs with the same sound as one, the one that stays first."""
        return tuple(other for other in self.twins.get(index, ()) if other != index)
