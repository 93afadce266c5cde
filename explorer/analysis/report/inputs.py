"""Reads what a report checks: songs.db, whatever its state, and the songs' files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from explorer.analysis.library_status import CACHES
from explorer.analysis.report.checks.check import check_integrity
from explorer.analysis.report.checks.stored_vectors import StoredVectors, read_vectors
from explorer.audio.fingerprints import fingerprint
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.state import Run
from explorer.database.verify import SourceFile
from explorer.errors import AnalysisError, AudioError, LibraryError
from explorer.util.cache import Cache

_MOST_BYTES_READ = 1_000_000_000


@dataclass
class ReadLibrary:
    """One state of a library, as it is stored, and of its files."""

    stored: StoredVectors
    model: dict | None
    summary: dict
    integrity: list[str]
    strays: dict[str, int]
    stray_vectors: list[str]
    without_vector: list[str]
    files: dict[str, SourceFile]
    titles: dict[str, tuple[str, str]]
    durations_s: dict[str, float | None]
    genres: dict[str, tuple[str, ...]]
    places: dict[str, dict]
    quality: dict[str, dict]
    neighbourhood: dict
    failures: list[tuple[str, str]]
    runs: list[Run]
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)
    """Files with another date that were not read, because there were too many."""

    @property
    def trained(self) -> bool | None:
        """Whether the vectors come from trained filters; None if that is unknown."""
        return (self.model or {}).get("trained")

    @property
    def is_up_to_date(self) -> bool:
        """Tell whether each projection shows exactly the songs that have a vector, all sound."""
        ids = set(self.stored.song_ids)
        return self.stored.is_sound and all(set(on_it) == ids for on_it in self.places.values())

    def first_genre(self, song_id: str) -> str:
        """Return a song's first genre, or "" where it has none."""
        return (self.genres.get(song_id) or ("",))[0]

    def counts(self) -> dict:
        """Return the numbers of songs, vectors, files and so on."""
        summary = self.summary
        return {
            "songs": summary["songs"],
            "vectors": self.stored.count,
            "songs_without_vector": len(self.without_vector),
            "files": len(self.files),
            "files_gone": len(self.gone),
            "files_changed": len(self.changed),
            "failures": len(self.failures),
            "genres": summary["genres"],
            "artists": len({artist for _, artist in self.titles.values() if artist}),
            "clusters": summary["clusters"],
            "audio_seconds": summary["audio_seconds"],
        }


def read_library(database: Database) -> ReadLibrary:
    """Read everything that a report is about.

    Raises
    ------
    AnalysisError
        If the file is so damaged that it cannot be read.
    """
    # A snapshot: an index may store songs at the same time.
    with database.snapshot():
        integrity = database.integrity_problems()
        try:
            library = _read(database, integrity)
        except LibraryError as error:
            if not integrity:
                raise
            broken = check_integrity(integrity)
            raise AnalysisError(f"1 check failed: {broken.name}. {broken.finding}") from error
    _look_at_files(library)
    return library


def _read(database: Database, integrity: list[str]) -> ReadLibrary:
    strays = database.vectors_without_song()
    return ReadLibrary(
        stored=read_vectors(database.vector_blobs(), database.count_vectors() + len(strays)),
        model=database.model(),
        summary=database.summary(),
        integrity=integrity,
        strays=database.stray_rows(),
        stray_vectors=strays,
        without_vector=database.songs_without_vector(),
        files=database.source_files(),
        titles=database.titles(),
        durations_s={song: fact.duration_s for song, fact in database.facts().items()},
        genres={song: tuple(map(str, names)) for song, names in database.genres().items()},
        places=database.stored_places(),
        quality=database.stored_quality(),
        neighbourhood=database.neighbourhood(),
        failures=database.failures(),
        runs=database.runs(),
    )


def _look_at_files(library: ReadLibrary) -> None:
    """Find missing and changed files. Where only the date differs, the file is read, up to a limit in all."""
    left_bytes = _MOST_BYTES_READ
    for song_id, file in sorted(library.files.items()):
        try:
            state = file.path.stat()
            if state.st_size != file.size_bytes:
                library.changed.append(song_id)
            elif state.st_mtime_ns == file.modified_ns:
                continue
            elif state.st_size > left_bytes:
                library.touched.append(song_id)
            else:
                left_bytes -= state.st_size
                if fingerprint(file.path) != file.fingerprint:
                    library.changed.append(song_id)
        except (OSError, ValueError, AudioError):
            library.gone.append(song_id)


def measure_storage(database: Path, size: int, songs: int) -> dict:
    """Return how much disk space the database and its caches take."""
    settings = Settings(database=database)
    caches = {name: Cache(getattr(settings, name)).measure() for name in CACHES}
    total = size + sum(cache["bytes"] for cache in caches.values())
    return {
        "database_bytes": size,
        "bytes_per_song": round(size / songs) if songs else None,
        "caches": caches,
        "bytes_per_song_with_caches": round(total / songs) if songs else None,
    }


def measure_speed(runs: Sequence[Run]) -> dict | None:
    """Return how fast songs were embedded, from runs that copied no vector; None if no run is recorded."""
    embedding = [run for run in runs if run.indexed and run.seconds > 0]
    counted = [run for run in embedding if not run.copied] or embedding
    audio_seconds, seconds = sum(run.audio_seconds for run in counted), sum(run.seconds for run in counted)
    if not audio_seconds:
        return None
    return {
        "audio_seconds": audio_seconds,
        "seconds": seconds,
        "seconds_per_audio_second": seconds / audio_seconds,
        "times_real_time": audio_seconds / seconds,
        "runs": len(runs),
    }
