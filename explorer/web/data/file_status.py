"""Which songs have no file any more, and which have the same sound as another song."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

HIDEABLE = ("duplicates", "missing")
"""The kinds of songs that a user can hide from the map."""


@dataclass(frozen=True, eq=False)
class FileStatus:
    """Which songs on the map have a missing file, and which have the same sound as another song.

    Attributes
    ----------
    is_missing : np.ndarray [shape=(n,), bool]
        True where a song's file is missing.
    is_duplicate : np.ndarray [shape=(n,), bool]
        True where a song is hidden when duplicates are: another song with the same sound stays.
    same_sound : dict of int to tuple of int
        For each song that has duplicates: all songs with this sound, itself included. The first one stays
        when duplicates are hidden.
    """

    is_missing: np.ndarray
    is_duplicate: np.ndarray
    same_sound: dict[int, tuple[int, ...]]

    @classmethod
    def of(
        cls, song_ids: Sequence[str], *, groups: Iterable[Sequence[str]], missing: Mapping[str, str]
    ) -> FileStatus:
        """Turn song ids into numbers on the map; songs that are not on the map are ignored.

        Parameters
        ----------
        song_ids : sequence of str
            In the map's order: a song's index is its number.
        groups : iterable of sequence of str
            As `Database.duplicates` returns them.
        missing : mapping of str to str
            As `Database.gone_songs` returns them.
        """
        groups = list(groups)
        wanted = {song_id for group in groups for song_id in group} | missing.keys()
        numbers = {song_id: number for number, song_id in enumerate(song_ids) if song_id in wanted}
        is_missing = np.zeros(len(song_ids), dtype=bool)
        is_missing[[numbers[song_id] for song_id in missing if song_id in numbers]] = True
        is_duplicate = np.zeros(len(song_ids), dtype=bool)
        same_sound: dict[int, tuple[int, ...]] = {}
        for group in groups:
            on_map = tuple(numbers[song_id] for song_id in group if song_id in numbers)
            if len(on_map) > 1:
                same_sound.update(dict.fromkeys(on_map, on_map))
                is_duplicate[list(on_map[1:])] = True
        return cls(is_missing, is_duplicate, same_sound)

    @property
    def counts(self) -> dict[str, int]:
        """The number of songs that each kind of `HIDEABLE` would hide."""
        return {"duplicates": int(self.is_duplicate.sum()), "missing": int(self.is_missing.sum())}

    def hidden(self, kinds: Iterable[str]) -> np.ndarray | None:
        """Return which songs these kinds of `HIDEABLE` hide [shape=(n,), bool]; None if they hide none."""
        hidden = np.zeros(len(self.is_missing), dtype=bool)
        for kind, mask in zip(HIDEABLE, (self.is_duplicate, self.is_missing), strict=True):
            if kind in kinds:
                hidden |= mask
        return hidden if hidden.any() else None

    def others_like(self, index: int) -> tuple[int, ...]:
        """Return the other songs with the same sound as a song; the one that stays comes first."""
        return tuple(other for other in self.same_sound.get(index, ()) if other != index)
