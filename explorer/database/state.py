"""What made the vectors, how its precision was chosen, and what each index run did."""

from __future__ import annotations

import json
from dataclasses import astuple, dataclass

from explorer.database.connection import LibraryFile


@dataclass(frozen=True)
class Run:
    """An index run that ended by itself, or was stopped gently.

    Attributes
    ----------
    started : str
        In UTC, after ISO 8601.
    seconds : float
        Of work on songs: previews that came after it do not count.
    indexed, copied, failed : int
        `copied` are those of the indexed whose bytes, and so their vector, were known.
    audio_seconds : float
        How long the indexed songs play.
    """

    started: str
    seconds: float
    indexed: int
    copied: int
    failed: int
    audio_seconds: float

    @property
    def songs_per_second(self) -> float | None:
        """Songs embedded in each second; None where none was."""
        embedded = self.indexed - self.copied
        return embedded / self.seconds if embedded > 0 and self.seconds > 0 else None

    @property
    def times_real_time(self) -> float | None:
        """Seconds of sound embedded in each second."""
        return self.audio_seconds / self.seconds if self.songs_per_second else None


class StateTables(LibraryFile):
    """What is recorded of the one model that makes a library's vectors."""

    def model(self) -> dict | None:
        """Return the model that made the vectors, or None where there are none yet."""
        value = self._value("SELECT value FROM state WHERE key = 'model'")
        return None if value is None else json.loads(value)

    def precision_trial(self) -> dict | None:
        """Return what the model's precision was chosen on, or None where it was asked for."""
        value = self._value("SELECT value FROM state WHERE key = 'precision_trial'")
        return None if value is None else json.loads(value)

    def network(self) -> bytes | None:
        """Return the network that was quantised on this library's songs, or None."""
        return self._value("SELECT content FROM networks WHERE precision = 'int8'")

    def claim_model(
        self,
        model: dict,
        *,
        trial: dict | None = None,
        network: bytes | None = None,
        damaged: bytes | None = None,
    ) -> dict:
        """Record the model that makes the vectors, unless another program did so first.

        Parameters
        ----------
        trial : dict, optional
            What its precision was chosen on.
        network : bytes, optional
            What was quantised for it.
        damaged : bytes, optional
            A network of the library that `network` is to replace: any other stays.

        Returns
        -------
        dict
            The model that is recorded, whoever did it: vectors are to be made by that one.
        """
        text = json.dumps(model, sort_keys=True)
        with self.transaction():
            before = self._value("SELECT value FROM state WHERE key = 'model'")
            if before is None:
                self._rows("INSERT INTO state VALUES ('model', ?)", (text,))
                if trial is not None:
                    self._rows(
                        "INSERT OR REPLACE INTO state VALUES ('precision_trial', ?)",
                        (json.dumps(trial, sort_keys=True),),
                    )
            if network is not None and before in (None, text):
                self._rows(
                    """INSERT INTO networks VALUES ('int8', ?)
                       ON CONFLICT DO UPDATE SET content = excluded.content WHERE content = ?""",
                    (network, damaged),
                )
        return json.loads(before or text)

    def store_run(self, run: Run) -> None:
        """Remember a run."""
        with self.transaction():
            self._rows(
                """INSERT INTO runs(started, seconds, indexed, copied, failed, audio_seconds)
                   VALUES (?, ?, ?, ?, ?, ?)""",
                astuple(run),
            )

    def last_embedding(self) -> Run | None:
        """Return the last run that embedded something."""
        return next((run for run in reversed(self.runs()) if run.songs_per_second), None)

    def runs(self) -> list[Run]:
        """Return the runs that embedded or tried songs, the oldest first."""
        return [
            Run(*row)
            for row in self._rows(
                "SELECT started, seconds, indexed, copied, failed, audio_seconds FROM runs ORDER BY id"
            )
        ]
