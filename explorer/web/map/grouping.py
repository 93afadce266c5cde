"""Groups of songs that colour the map: clusters, genres or artists."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from explorer.web.map.palette import MAX_COLOURS, colour_slots

NO_GENRE, NO_ARTIST = "No genre", "Unknown artist"
"""The groups of the songs without a genre and without an artist. A filter can name them, too."""


@dataclass(frozen=True)
class Grouping:
    """A division of the songs on the map into groups: every song is in exactly one.

    Attributes
    ----------
    title : str
        What the groups are, such as "Clusters".
    names : list of str
        By group number.
    members : np.ndarray [shape=(n,), int32]
        Each song's group number.
    representatives : list of int
        By group number: the number of the most typical song, -1 if it is not on the map. Empty for genres and
        artists.
    """

    title: str
    names: list[str]
    members: np.ndarray
    representatives: list[int] = field(default_factory=list)

    @cached_property
    def counts(self) -> np.ndarray:
        """The number of songs in each group [shape=(len(names),), int]."""
        return np.bincount(self.members, minlength=len(self.names))

    def counts_among(self, among: np.ndarray | None) -> np.ndarray:
        """Return the number of songs of `among` [shape=(n,), bool] in each group; None counts all songs."""
        return self.counts if among is None else np.bincount(self.members[among], minlength=len(self.names))

    @cached_property
    def slots(self) -> np.ndarray:
        """Each group's index in the palette [shape=(len(names),), int]; MAX_COLOURS for grey."""
        return colour_slots(self.counts)

    @cached_property
    def own_slots(self) -> dict[str, int]:
        """By name: the palette's index of each group that is not grey."""
        slots = zip(self.names, self.slots.tolist(), strict=True)
        return {name: slot for name, slot in slots if slot < MAX_COLOURS}

    @property
    def noun(self) -> str:
        """What one group is, such as "cluster"."""
        return self.title.lower().removesuffix("s")


def group_by_text(title: str, texts: Iterable[str], *, missing: str) -> Grouping:
    """Group songs by a text, the largest group first. Songs without a text are the last group, `missing`."""
    numbers: dict[str, int] = {}
    members = np.fromiter((numbers.setdefault(text, len(numbers)) for text in texts), dtype=np.int32)
    names, counts = list(numbers), np.bincount(members, minlength=len(numbers)).tolist()
    order = sorted(range(len(names)), key=lambda i: (names[i] == "", -counts[i], names[i]))
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names))
    return Grouping(title, [names[i] or missing for i in order], rank[members])
