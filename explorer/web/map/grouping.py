"""Ways to colour the songs: by cluster, genre or artist."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from explorer.web.map.palette import colour_slots


@dataclass(frozen=True)
class Grouping:
    """One way to colour the songs.

    Attributes
    ----------
    names : list of str
        The groups, by number.
    members : np.ndarray [shape=(n,), int32]
        Each song's group.
    representatives : list of int
        The song that stands for each group, by its number on the map; empty where none does.
    """

    title: str
    names: list[str]
    members: np.ndarray
    representatives: list[int] = field(default_factory=list)

    @cached_property
    def counts(self) -> np.ndarray:
        """How many songs each group has [shape=(len(names),), int]."""
        return np.bincount(self.members, minlength=len(self.names))

    def counts_among(self, those: np.ndarray | None) -> np.ndarray:
        """Return how many of some songs [shape=(n,), bool] each group has; of all where None is said."""
        return self.counts if those is None else np.bincount(self.members[those], minlength=len(self.names))

    @cached_property
    def slots(self) -> np.ndarray:
        """Each group's place in the palette [shape=(len(names),), int]; MAX_COLOURS for grey."""
        return colour_slots(self.counts)

    @cached_property
    def by_size(self) -> list[int]:
        """The groups' numbers, the largest first; of equal ones the lower number."""
        return np.argsort(-self.counts, kind="stable").tolist()


def group_by_text(title: str, texts: list[str], *, missing: str) -> Grouping:
    """Group songs by a text, the most common one first; those without any come last."""
    names, inverse, counts = np.unique(np.array(texts, dtype=object), return_inverse=True, return_counts=True)
    order = sorted(range(len(names)), key=lambda i: (names[i] == "", -counts[i], names[i]))
    rank = np.empty(len(names), dtype=np.int32)
    rank[order] = np.arange(len(names))
    return Grouping(title, [names[i] or missing for i in order], rank[inverse])
