"""What index runs did, and how long they took."""

from __future__ import annotations

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


class RunTables(LibraryFile):
    """The table of index runs."""

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
