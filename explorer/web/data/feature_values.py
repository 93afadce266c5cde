"""The musical features of all songs on the map, as the scales that colour it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from explorer.database.features import FeatureRow
from explorer.structure.known_features import KnownFeatures
from explorer.web.map.key_circle import KeyCircle, key_number
from explorer.web.map.scales import SCALES, Scale


@dataclass(frozen=True, eq=False)
class FeatureValues:
    """The values of all songs, in the map's order.

    Attributes
    ----------
    scales : dict of str to Scale or KeyCircle
        By colouring. They need not have any value.
    """

    scales: dict[str, Scale | KeyCircle]

    @classmethod
    def of(cls, rows: Iterable[FeatureRow], count: int) -> FeatureValues:
        """Collect the values of `count` songs. A tempo or key that is not sure gives no colour."""
        numbers = {
            SCALES[name].field: np.full(count, np.nan, dtype=np.float32)
            for name in ("tempo", "energy", "loudness", "brightness")
        }
        keys = np.full(count, -1, dtype=np.int8)
        doubtful = {name: np.zeros(count, dtype=bool) for name in ("tempo", "key")}
        for number, row in enumerate(rows):
            known = known_features(row)
            for field in ("energy", "loudness_lufs", "brightness_hz"):
                if (value := getattr(known, field)) is not None:
                    numbers[field][number] = value
            if known.tempo and known.tempo.is_sure:
                numbers["tempo_bpm"][number] = known.tempo.bpm
            if known.key and known.key.is_sure:
                keys[number] = key_number(known.key)
            for name, value in (("tempo", known.tempo), ("key", known.key)):
                doubtful[name][number] = value is not None and not value.is_sure
        scales = {
            name: Scale(kind, numbers[kind.field], doubtful.get(name))
            for name, kind in SCALES.items()
            if kind.field in numbers
        }
        return cls(scales | {"key": KeyCircle(keys, doubtful["key"])})


def known_features(row: FeatureRow) -> KnownFeatures:
    """Return what is known about a song: the tags come before what was measured."""
    return KnownFeatures.of(row, tag_tempo=row.tag_tempo, tag_key=row.tag_key)
