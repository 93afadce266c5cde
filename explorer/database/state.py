"""Queries about the model that made the vectors, the trial that chose its precision, and the index runs."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from explorer.database.connection import LibraryConnection
from explorer.database.sqlite_errors import damage_error

_NEEDED = {"weights", "weights_sha256", "trained"}
_MODEL_TYPES = {
    "weights": str,
    "weights_sha256": str,
    "trained": bool | None,
    "hop_s": int | float | None,
    "precision": str,
}


FULL, COARSE, ANY, SHOWN = "full", "coarse", "any", "shown"
"""Which vector a song must have: a full one, a coarse one, any of them, or the one that is shown."""

_HAS_VECTOR = {
    FULL: "{0} IN (SELECT song_id FROM songs_vectors)",
    COARSE: "{0} IN (SELECT song_id FROM coarse_vectors)",
    ANY: "({0} IN (SELECT song_id FROM songs_vectors) OR {0} IN (SELECT song_id FROM coarse_vectors))",
}


@dataclass(frozen=True)
class Run:
    """An index run that ended normally or was stopped with Ctrl-C.

    Attributes
    ----------
    started : str
        In UTC, ISO 8601.
    seconds : float
        Time spent on songs, without the time for making previews afterwards.
    indexed, copied, failed : int
        Numbers of songs. `copied` counts the songs of `indexed` that were not embedded, because the library
        already had a vector of the same audio.
    audio_seconds : float
        Duration of the embedded songs.
    """

    started: str
    seconds: float
    indexed: int
    copied: int
    failed: int
    audio_seconds: float

    @property
    def songs_per_second(self) -> float | None:
        """Embedded songs per second of the run; None if no song was embedded."""
        embedded = self.indexed - self.copied
        return embedded / self.seconds if embedded > 0 and self.seconds > 0 else None

    @property
    def times_real_time(self) -> float | None:
        """Seconds of audio per second of the run; None if no song was embedded."""
        return self.audio_seconds / self.seconds if self.songs_per_second else None


class StateTables(LibraryConnection):
    """Queries about the tables state, networks and runs."""

    # Single values, stored as JSON

    def _state(self, key: str, kind: type) -> object:
        """Return a stored value, which must be of this type; None if it is not stored."""
        return self._json(self._value("SELECT value FROM state WHERE key = ?", (key,)), kind, f"state {key}")

    def _store_state(self, key: str, value: object) -> None:
        self._rows("INSERT OR REPLACE INTO state VALUES (?, ?)", (key, json.dumps(value)))

    # Which vectors are shown

    def shows_coarse(self) -> bool:
        """Return whether the shown vectors are the coarse ones: until all songs have full ones."""
        return self._state("shown_vectors", str) == "coarse"

    @property
    def _shown_table(self) -> str:
        return "coarse_vectors" if self.shows_coarse() else "songs_vectors"

    def _has_vector(self, which: str, song_id: str = "song_id") -> str:
        """Return an SQL condition: the song in the column `song_id` has such a vector."""
        if which == SHOWN:
            which = COARSE if self.shows_coarse() else FULL
        return _HAS_VECTOR[which].format(song_id)

    # The model

    def model(self) -> dict | None:
        """Return the model that made the vectors, or None if no model is recorded yet."""
        model = self._state("model", dict)
        if model is not None:
            is_known = bool(model.get("weights_sha256"))
            for name, kinds in _MODEL_TYPES.items():
                is_needed = is_known or name in _NEEDED or name in model
                if is_needed and not isinstance(model.get(name, ...), kinds):
                    raise damage_error(self.path, f"the model's {name} is not of a possible type")
        return model

    def precision_trial(self) -> dict | None:
        """Return the measurements that decided the precision, or None if the user chose the precision."""
        return self._state("precision_trial", dict)

    def network(self) -> bytes | None:
        """Return the int8 network that was quantised on this library's songs, or None."""
        return self._value("SELECT content FROM networks WHERE precision = 'int8'")

    def claim_model(
        self,
        model: dict,
        *,
        trial: dict | None = None,
        network: bytes | None = None,
        damaged: bytes | None = None,
    ) -> dict:
        """Record the model that makes the vectors, unless another program has recorded one.

        Parameters
        ----------
        trial : dict, optional
            The measurements that decided the precision of the model.
        network : bytes, optional
            The int8 network of this model. It is stored if the library has none.
        damaged : bytes, optional
            The damaged network that the library holds and that `network` replaces. Any other stored network
            stays.

        Returns
        -------
        dict
            The recorded model, from this or another program. The caller must compute all vectors with it.
        """
        text = json.dumps(model, sort_keys=True)
        with self.transaction():
            recorded = self._value("SELECT value FROM state WHERE key = 'model'")
            if recorded is None:
                self._rows("INSERT INTO state VALUES ('model', ?)", (text,))
                if trial is not None:
                    self._rows(
                        "INSERT OR REPLACE INTO state VALUES ('precision_trial', ?)",
                        (json.dumps(trial, sort_keys=True),),
                    )
            if network is not None and recorded in (None, text):
                self._rows(
                    """INSERT INTO networks VALUES ('int8', ?)
                       ON CONFLICT DO UPDATE SET content = excluded.content WHERE content = ?""",
                    (network, damaged),
                )
        model = self.model()
        if model is None:
            raise damage_error(self.path, "the model's record is empty")
        return model

    # Index runs

    def store_run(self, run: Run) -> None:
        """Store an index run."""
        with self.transaction():
            self._rows(
                """INSERT INTO runs(started, seconds, indexed, copied, failed, audio_seconds)
                   VALUES (?, ?, ?, ?, ?, ?)""",
                astuple(run),
            )

    def runs(self) -> list[Run]:
        """Return the index runs that had files to index, oldest first."""
        return [
            Run(*row)
            for row in self._rows(
                "SELECT started, seconds, indexed, copied, failed, audio_seconds FROM runs ORDER BY id"
            )
        ]

    def last_embedding(self) -> Run | None:
        """Return the last run that embedded a song, or None."""
        return next((run for run in reversed(self.runs()) if run.songs_per_second), None)
