"""What an index run did."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Summary:
    """Counts of an index run.

    Each of the files found is counted once: found = indexed + skipped + failed + unsettled + left.
    """

    found: int = 0
    """Audio files in the folder."""
    indexed: int = 0
    """Files that were new or had changed, and are songs of the library now."""
    skipped: int = 0
    """Files that are known and have not changed, as songs or as failures."""
    failed: int = 0
    """Files that could not become songs."""
    unsettled: int = 0
    """Files that were left for later, because they were written to a moment ago."""
    left: int = 0
    """Files that were not reached, because of a limit or an interruption."""
    failed_before: int = 0
    """Of the skipped: those that failed in an earlier run, and have not changed since."""
    seconds: float = 0.0
    seconds_left: float | None = None
    """What the rest would take that an interrupted run has left; None where nobody can tell."""
    audio_seconds: float = 0.0
    """Of the songs that were embedded."""
    copied: int = 0
    """Of the indexed: those whose sound another song has, and the vector with it."""
    moved: int = 0
    """Of the indexed: songs that are found under another path now, and keep their vector and place."""
    retagged: int = 0
    """Of the indexed: files that changed, and whose sound did not."""
    gone: int = 0
    """Songs of this folder whose files are not there: they are kept, and marked."""
    back: int = 0
    """Of the skipped: songs that were marked so, and whose files are there again."""
    previews: int = 0
    """Made by this run; for songs, too, that were known and had none."""
    genres_changed: int = 0
    """Known songs that have other genres now, because they are taken from elsewhere."""
    interrupted: bool = False
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def embedded(self) -> int:
        """How many vectors were made."""
        return self.indexed - self.copied - self.moved - self.retagged

    def progress(self) -> dict:
        """Return how far a run has come that goes on, as `RunningIndex.embedding` asks for it."""
        return {
            "done": self.indexed + self.failed,
            "indexed": self.indexed,
            "failed": self.failed,
            "audio_seconds": round(self.audio_seconds, 1),
        }

    @property
    def drawn_anew(self) -> int:
        """How many songs want another place on the map, or another colour."""
        return self.indexed - self.moved + self.genres_changed
