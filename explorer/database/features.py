"""Queries about the musical features of songs: tempo, key, energy, loudness and brightness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.database.state import StateTables
from explorer.structure.song_features import SongFeatures

FEATURES_VERSION = 1
"""The version of measuring. Features of older versions are measured again by the next index run."""

_SCALARS = (
    """tempo_bpm, tempo_confidence, musical_key, key_confidence, energy, loudness_lufs, brightness_hz"""
)
_TAGS = "coalesce(info ->> '$.bpm', ''), coalesce(info ->> '$.key', '')"
_SELECT_FEATURE_ROWS = f"""SELECT id, {_SCALARS}, {_TAGS}
    FROM readable_songs LEFT JOIN song_features ON song_id = id"""


@dataclass(frozen=True)
class FeatureRow:
    """The single values of a song's features, and what its tags say of tempo and key.

    Attributes
    ----------
    tag_tempo, tag_key : str
        As the tags have them, such as "128" and "Am" or "8A"; empty if the tags have none.
    """

    tempo_bpm: float | None = None
    tempo_confidence: float = 0.0
    key: str | None = None
    key_confidence: float = 0.0
    energy: float | None = None
    loudness_lufs: float | None = None
    brightness_hz: float | None = None
    tag_tempo: str = ""
    tag_key: str = ""


class FeatureTables(StateTables):
    """Queries about the table song_features."""

    def store_features(self, song_id: str, features: SongFeatures) -> None:
        """Store the features of a song instead of those that it has."""
        scalars = (
            *(features.tempo_bpm, features.tempo_confidence, features.key, features.key_confidence),
            *(features.energy, features.loudness_lufs, features.brightness_hz),
        )
        arrays = (features.beats_s, features.loudness_curve, features.brightness_curve)
        blobs = (np.ascontiguousarray(values, dtype="<f4").tobytes() for values in arrays)
        with self.transaction():
            self._rows("DELETE FROM song_features WHERE song_id = ?", (song_id,))
            self._rows(
                f"""INSERT INTO song_features(song_id, version, {_SCALARS}, beats, loudness, brightness)
                    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
                (song_id, FEATURES_VERSION, *scalars, *blobs),
            )

    def features_of(self, song_id: str) -> SongFeatures | None:
        """Return a song's features; None if they were not measured, or are damaged."""
        rows = self._rows(
            f"SELECT {_SCALARS}, beats, loudness, brightness FROM song_features WHERE song_id = ?", (song_id,)
        )
        if not rows or any(len(blob) % 4 for blob in rows[0][-3:]):
            return None
        *scalars, beats, loudness, brightness = rows[0]
        arrays = (np.frombuffer(blob, dtype="<f4") for blob in (beats, loudness, brightness))
        return SongFeatures(*scalars, *arrays)

    def feature_row(self, song_id: str) -> FeatureRow:
        """Return the single values of one song, and its tags; all are unknown if nothing was measured."""
        rows = self._rows(f"{_SELECT_FEATURE_ROWS} WHERE id = ?", (song_id,))
        return _feature_row(*rows[0][1:]) if rows else FeatureRow()

    def iterate_feature_rows(self) -> Iterator[tuple[str, FeatureRow]]:
        """Yield the single values and tags of all songs, in the order of the song ids."""
        for song_id, *row in self._iterate_song_rows(f"{_SELECT_FEATURE_ROWS} ORDER BY id"):
            yield song_id, _feature_row(*row)

    def known_features(self, *, tempo_from: float, key_from: float) -> set[str]:
        """Return which of "tempo", "key", "energy", "loudness" and "brightness" some song seems to have.

        Parameters
        ----------
        tempo_from, key_from : float
            Measured tempi and keys count from this confidence on. Tags count as they are.
        """
        conditions = {
            "tempo": "tempo_bpm IS NOT NULL AND tempo_confidence >= ?",
            "key": "musical_key IS NOT NULL AND key_confidence >= ?",
            "energy": "energy IS NOT NULL",
            "loudness": "loudness_lufs IS NOT NULL",
            "brightness": "brightness_hz IS NOT NULL",
        }
        exists = ", ".join(
            f"EXISTS (SELECT 1 FROM song_features WHERE {condition})" for condition in conditions.values()
        )
        found = self._rows(f"SELECT {exists}", (tempo_from, key_from))[0]
        known = {name for name, is_known in zip(conditions, found, strict=True) if is_known}
        for name, tag in (("tempo", "bpm"), ("key", "key")):
            if name not in known and self._rows(
                f"SELECT 1 FROM readable_songs WHERE coalesce(info ->> '$.{tag}', '') <> '' LIMIT 1"
            ):
                known.add(name)
        return known

    def count_features(self) -> int:
        """Return how many songs have features of this version."""
        return self._value("SELECT count(*) FROM song_features WHERE version = ?", (FEATURES_VERSION,))


def _feature_row(*row: object) -> FeatureRow:
    *scalars, tag_tempo, tag_key = row
    tempo_bpm, tempo_confidence, key, key_confidence, energy, loudness_lufs, brightness_hz = scalars
    return FeatureRow(
        *(tempo_bpm, tempo_confidence or 0.0, key, key_confidence or 0.0),
        *(energy, loudness_lufs, brightness_hz, str(tag_tempo), str(tag_key)),
    )
