"""Queries about the musical features of songs: tempo, key, energy, loudness and brightness."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from explorer.database.state import FULL, StateTables
from explorer.library.music_file import WHOLE, Part
from explorer.structure.song_features import SongFeatures

FEATURES_VERSION = 1
"""The version of measuring. Features of older versions are measured again by the next index run."""

_SCALARS = (
    """tempo_bpm, tempo_confidence, musical_key, key_confidence, energy, loudness_lufs, brightness_hz"""
)
_DAMAGED = "its features are damaged"
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


@dataclass(frozen=True)
class UnmeasuredSong:
    """A song without features of this version.

    Attributes
    ----------
    path : bytes
        Relative to the song's root.
    part : Part
        The part of the file that is the song.
    size_bytes, modified_ns : int
        The state of the file when it was read.
    fingerprint : str
        The same as that of songs with the same bytes.
    """

    song_id: str
    path: bytes
    part: Part
    size_bytes: int
    modified_ns: int
    fingerprint: str


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
        sql = f"SELECT song_id, {_SCALARS}, beats, loudness, brightness FROM song_features WHERE song_id = ?"
        rows = self._song_rows(sql, (song_id,))
        if not rows:
            return None
        _, *scalars, beats, loudness, brightness = rows[0]
        try:
            arrays = [np.frombuffer(blob, dtype="<f4") for blob in (beats, loudness, brightness)]
        except ValueError:
            self._leave_out(song_id, _DAMAGED)
            return None
        if not all(np.isfinite(values).all() for values in arrays):
            self._leave_out(song_id, _DAMAGED)
            return None
        return SongFeatures(*scalars, *arrays)

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

    def features_stamp(self) -> int:
        """Return a number that changes when features are stored: the row of those stored last."""
        return self._value("SELECT coalesce(max(rowid), 0) FROM song_features")

    def feature_row(self, song_id: str) -> FeatureRow:
        """Return the single values of one song, and its tags.

        All are unknown if nothing was measured, or they are damaged.
        """
        rows = self._song_rows(f"{_SELECT_FEATURE_ROWS} WHERE id = ?", (song_id,))
        return _feature_row(*rows[0][1:]) if rows else FeatureRow()

    def iterate_feature_rows(self) -> Iterator[tuple[str, FeatureRow]]:
        """Yield the single values and tags of all songs, in the order of the song ids."""
        for song_id, *row in self._iterate_song_rows(f"{_SELECT_FEATURE_ROWS} ORDER BY id"):
            yield song_id, _feature_row(*row)

    def unmeasured_songs(self, root_id: int) -> list[UnmeasuredSong]:
        """Return the songs of a root that have a full vector but no features of this version, by path."""
        rows = self._rows(
            f"""SELECT song_id, path, track, start_s, coalesce(end_s, start_s + duration_s),
                   size_bytes, modified_ns, fingerprint
                FROM files
                WHERE root_id = ? AND gone_since IS NULL AND {self._has_vector(FULL, "files.song_id")}
                    AND song_id NOT IN (SELECT song_id FROM song_features WHERE version = ?)
                ORDER BY path, track""",
            (root_id, FEATURES_VERSION),
        )
        return [
            UnmeasuredSong(song_id, path, Part(*part) if part[0] else WHOLE, *state)
            for song_id, path, part, state in ((*row[:2], row[2:5], row[5:]) for row in rows)
        ]

    def copy_features(self, root_id: int) -> None:
        """Give the songs of a root without features those of songs with the same sound."""
        values = "version, " + _SCALARS + ", beats, loudness, brightness"
        with self.transaction():
            for column in ("fingerprint", "audio_fingerprint"):
                self._rows(
                    f"""INSERT OR REPLACE INTO song_features(song_id, {values})
                        SELECT song.song_id, {values}
                        FROM files AS song
                            JOIN files AS other ON other.{column} = song.{column}
                            JOIN song_features ON song_features.song_id = other.song_id
                        WHERE song.root_id = ?1 AND version = ?2 AND song.song_id NOT IN
                            (SELECT song_id FROM song_features WHERE version = ?2)""",
                    (root_id, FEATURES_VERSION),
                )

    def store_tempo_and_key_tags(self, song_id: str, *, bpm: str, key: str) -> None:
        """Store what a song's tags say of tempo and key; an empty text changes nothing."""
        for name, text in (("bpm", bpm), ("key", key)):
            if text:
                self._rows(
                    "UPDATE songs SET info = json_set(info, ?, ?) WHERE id = ? AND json_valid(info)",
                    (f"$.{name}", text, song_id),
                )

    def find_damaged_features(self) -> None:
        """Record each song whose features are damaged in `left_out`."""
        arrays = ", ".join(f"typeof({name}), length({name})" for name in ("beats", "loudness", "brightness"))
        for song_id, *row in self._iterate_song_rows(
            f"SELECT song_id, version, {_SCALARS}, {arrays} FROM song_features"
        ):
            types, lengths = row[-6::2], row[-5::2]
            if set(types) != {"blob"} or any(length % 4 for length in lengths):
                self._leave_out(song_id, _DAMAGED)

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
