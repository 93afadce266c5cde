"""Holds the counts of an index run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from explorer.library.extensions import VIDEO_EXTENSIONS


@dataclass
class Summary:
    """The counts of an index run.

    Each file in the folder is counted once: found = indexed + skipped + failed + unsettled + left.
    """

    found: int = 0
    """Files in the folder that can be songs."""
    other_files: Counter[str] = field(default_factory=Counter)
    """Files that are no songs by their names, by extension."""
    videos: int = 0
    """Files that this run opened and that hold moving pictures. `found` does not count them."""
    known_videos: int = 0
    """Files that an earlier run opened and that hold moving pictures. `found` does not count them either."""
    looked: int = 0
    """Songs that the first look has read, or files that failed then."""
    indexed: int = 0
    """New or changed files that were stored as songs."""
    extra_tracks: int = 0
    """How many more songs than files were stored, because cue sheets divide files into tracks."""
    skipped: int = 0
    """Known files, songs or failures, that have not changed."""
    failed: int = 0
    """Files that could not become songs."""
    unsettled: int = 0
    """Files that were modified a moment ago, and are left for a later run."""
    left: int = 0
    """Files that were not reached, because of a limit or an interruption."""
    failed_before: int = 0
    """How many of `skipped` failed in an earlier run."""
    seconds: float = 0.0
    look_seconds: float = 0.0
    """How much of `seconds` the first look took."""
    seconds_left: float | None = None
    """After an interruption: how long the remaining files would take. None if unknown."""
    audio_seconds: float = 0.0
    """The duration of the embedded songs."""
    copied: int = 0
    """How many of `indexed` got the vector of another song, because the sound is the same."""
    moved: int = 0
    """How many of `indexed` were found under a new path, and kept their vector and their place on the map."""
    retagged: int = 0
    """How many of `indexed` have a changed file with the same sound."""
    gone: int = 0
    """Songs of this folder whose files are missing: they stay in the library, marked as missing."""
    left_out: int = 0
    """How many of `gone` have files that exist and are left out: by a pattern, or as videos, for example."""
    back: int = 0
    """How many of `skipped` were marked as missing, and have their files again."""
    windows: int = 0
    """How many songs have got windows, from their own sound or from a copy of it."""
    filled_files: int = 0
    """How many unchanged files were read only to give windows to their songs."""
    without_windows: int = 0
    """Known songs that got no windows, because their files are missing, changed or cannot be read."""
    previews: int = 0
    """Previews that this run made, including those of known songs that had none."""
    genres_changed: int = 0
    """Known songs whose genres changed, because the source of genres changed."""
    decoded: int = 0
    """Songs whose tags were in a national encoding, and were decoded."""
    encodings: dict[str, int] = field(default_factory=dict)
    """How many of `decoded` were in each encoding, by its name; the tags of a song can be in two."""
    pruned: int = 0
    """Missing songs that were dropped after the run (`--prune`)."""
    duplicates: int = 0
    """Songs of the library with exactly the same sound as another; one of each group is not counted."""
    reread: int = 0
    """How many of `skipped` an older version of this program had read, with the same sound as this one."""
    misread: int = 0
    """How many files an older version had read in part or wrongly. They are embedded again."""
    interrupted: bool = False
    first_look: dict = field(default_factory=dict)
    """How far the library's vectors are after the run: see `Database.first_look`."""
    notes: list[tuple[str, str]] = field(default_factory=list)
    """The path of each song that was decoded in an unusual way, and a sentence about it."""
    failures: list[tuple[str, str]] = field(default_factory=list)
    """The path and the reason of each failed file."""

    @property
    def songs(self) -> int:
        """How many new or changed songs were stored."""
        return self.indexed + self.extra_tracks

    @property
    def embedded(self) -> int:
        """How many files were embedded."""
        return self.indexed - self.copied - self.moved - self.retagged

    @property
    def changed_on_map(self) -> int:
        """How many songs need another place or colour on the map."""
        return self.indexed - self.moved + self.genres_changed + self.pruned

    @property
    def done(self) -> int:
        """How many of the files that this run had to read have their outcome."""
        return self.indexed + self.failed + self.videos

    @property
    def passed_over(self) -> int:
        """How many files are no songs."""
        return self.other_files.total() + self.videos + self.known_videos

    @property
    def all_videos(self) -> int:
        """How many of `passed_over` are videos, by their names or by what they hold."""
        return (
            self.videos
            + self.known_videos
            + sum(self.other_files[extension] for extension in VIDEO_EXTENSIONS)
        )

    def progress(self) -> dict:
        """Return the counts that `ProgressFile.start_embedding` needs."""
        return {
            "done": self.done + self.filled_files,
            "indexed": self.indexed,
            "failed": self.failed,
            "audio_seconds": round(self.audio_seconds, 1),
        }
