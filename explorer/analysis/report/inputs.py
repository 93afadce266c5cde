"""Reads the data that a report checks: songs.db, valid or not, and the state of the songs' files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.analysis.report.checks.check import check_integrity
from explorer.analysis.report.checks.map_quality import StoredPositions
from explorer.analysis.report.checks.stored_vectors import LARGEST_VALUE, StoredVectors, read_vectors
from explorer.analysis.report.pooling_comparison import METHODS, pool_windows
from explorer.audio.fingerprints import fingerprint
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.state import Run
from explorer.database.verify import SourceFile
from explorer.errors import AnalysisError, AudioError, ForbiddenFileError, LibraryError
from explorer.util.cache import Cache

_MAX_BYTES_READ = 1_000_000_000


@dataclass
class LibraryContents:
    """What a library stored at one moment, and the state of its files.

    Attributes
    ----------
    vectors : StoredVectors
    model : dict or None
    summary : dict
        The numbers of songs, genres and clusters, and the seconds of audio.
    integrity_problems : list of str
        The problems that SQLite reports.
    stray_rows : dict of str to int
        The number of rows without the song, folder or map that they belong to, by table.
    stray_vectors, songs_without_vector : list of str
        Song ids.
    files : dict of str to SourceFile
        The file of each song that has a vector.
    titles : dict of str to (title, artist)
    durations_s : dict of str to float or None
    artists, genres : dict of str to tuple of str
    positions : dict of str to StoredPositions
        By projection.
    quality : dict of str to dict
        Each projection's stored quality figures.
    neighbourhood : dict
        The stored figures about neighbours.
    failures : list of (path, reason)
    runs : list of Run
        The index runs.
    gone, changed : list of str
        The ids of songs whose file is missing, or has changed since it was indexed.
    unread : list of str
        The ids of songs whose file has another date but was not compared, to read no more than 1 GB in total.
    """

    vectors: StoredVectors
    model: dict | None
    coarse_windows: int | None
    summary: dict
    integrity_problems: list[str]
    stray_rows: dict[str, int]
    stray_vectors: list[str]
    songs_without_vector: list[str]
    files: dict[str, SourceFile]
    titles: dict[str, tuple[str, str]]
    durations_s: dict[str, float | None]
    artists: dict[str, tuple[str, ...]]
    genres: dict[str, tuple[str, ...]]
    positions: dict[str, StoredPositions]
    quality: dict[str, dict]
    neighbourhood: dict
    failures: list[tuple[str, str]]
    runs: list[Run]
    gone: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def is_trained(self) -> bool | None:
        """Tell whether the vectors come from trained filters; None if that is unknown."""
        return (self.model or {}).get("trained")

    @property
    def is_map_up_to_date(self) -> bool:
        """Tell whether all vectors are valid, and each projection shows exactly the songs that have one."""
        ids = set(self.vectors.song_ids)
        return self.vectors.are_all_valid and all(set(songs) == ids for songs in self.positions.values())

    def first_genre(self, song_id: str) -> str:
        """Return a song's first genre, or "" if it has none."""
        return (self.genres.get(song_id) or ("",))[0]

    def counts(self) -> dict:
        """Return the numbers of songs, vectors, files and so on."""
        return {
            "songs": self.summary["songs"],
            "vectors": self.vectors.count,
            "songs_without_vector": len(self.songs_without_vector),
            "files": len(self.files),
            "files_gone": len(self.gone),
            "files_changed": len(self.changed),
            "failures": len(self.failures),
            "genres": self.summary["genres"],
            "artists": len({artist for _, artist in self.titles.values() if artist}),
            "clusters": self.summary["clusters"],
            "audio_seconds": self.summary["audio_seconds"],
        }


def read_library(database: Database) -> LibraryContents:
    """Read everything that a report checks.

    Raises
    ------
    AnalysisError
        If the file is so damaged that it cannot be read.
    """
    # Read from one snapshot, because an index may store songs at the same time.
    with database.snapshot():
        integrity_problems = database.integrity_problems()
        try:
            library = _read_tables(database, integrity_problems)
        except LibraryError as error:
            if not integrity_problems:
                raise
            check = check_integrity(integrity_problems)
            raise AnalysisError(f"1 check failed: {check.name}. {check.finding}") from error
    _check_files(library)
    return library


def _read_tables(database: Database, integrity_problems: list[str]) -> LibraryContents:
    stray_vectors = database.vectors_without_song()
    facts = database.facts()
    max_vectors = database.count_vectors() + len(stray_vectors)
    return LibraryContents(
        vectors=read_vectors(database.vector_blobs(), max_vectors),
        model=database.model(),
        coarse_windows=database.coarse_windows(),
        summary=database.summary(),
        integrity_problems=integrity_problems,
        stray_rows=database.stray_rows(),
        stray_vectors=stray_vectors,
        songs_without_vector=database.songs_without_vector(),
        files=database.source_files(),
        titles=database.titles(),
        durations_s={song: known.duration_s for song, known in facts.items()},
        artists={song: known.artists for song, known in facts.items()},
        genres={song: tuple(map(str, names)) for song, names in database.genres().items()},
        positions=database.stored_positions(),
        quality=database.stored_quality(),
        neighbourhood=database.neighbourhood(),
        failures=database.failures(),
        runs=database.runs(),
    )


def _check_files(library: LibraryContents) -> None:
    """Find missing and changed files.

    If only the date of a file differs, its content is read and compared, up to a total of 1 GB. Files that
    must not be read (see `locate`) are left out of `library.files`.
    """
    bytes_left = _MAX_BYTES_READ
    hashes: dict[Path, str] = {}
    for song_id, file in sorted(library.files.items()):
        try:
            file = library.files[song_id] = file.located()
            state = file.path.stat()
            if state.st_size != file.size_bytes:
                library.changed.append(song_id)
            elif state.st_mtime_ns == file.modified_ns:
                continue
            elif file.path not in hashes and state.st_size > bytes_left:
                library.unread.append(song_id)
            else:
                # A file with a cue sheet is read only once for all its tracks.
                if file.path not in hashes:
                    bytes_left -= state.st_size
                    hashes[file.path] = fingerprint(file.path)
                if file.part.fingerprint(hashes[file.path]) != file.fingerprint:
                    library.changed.append(song_id)
        except ForbiddenFileError:
            del library.files[song_id]
            library.unread.append(song_id)
        except (OSError, ValueError, AudioError):
            library.gone.append(song_id)


@dataclass(frozen=True)
class PooledWindows:
    """The stored windows of songs, pooled in different ways.

    Attributes
    ----------
    song_ids : list of str, length n
    vectors : dict of str to np.ndarray [shape=(n, d), float32]
        By pooling: see `pool_windows`.
    with_windows : int
        How many songs of the library have windows.
    is_sample : bool
        Whether songs were left out because there are too many.
    damaged : list of str
        The ids of songs whose windows cannot be used.
    """

    song_ids: list[str]
    vectors: dict[str, np.ndarray]
    with_windows: int
    is_sample: bool
    damaged: list[str]


def pool_stored_windows(
    database: Database, song_ids: Sequence[str], *, max_songs: int, seed: int = 0
) -> PooledWindows:
    """Pool the windows of those of the given songs that have some; of a random sample if there are many.

    Raises
    ------
    LibraryError
        If the basis of the windows is damaged, or the library as a whole.
    """
    basis = database.window_basis()
    with_windows = set(database.songs_with_windows()) if basis else set()
    chosen = [song_id for song_id in song_ids if song_id in with_windows]
    is_sample = len(chosen) > max_songs
    if is_sample:
        rows = np.random.default_rng(seed).choice(len(chosen), max_songs, replace=False)
        chosen = [chosen[row] for row in np.sort(rows)]
    kept, damaged, rows_by_method = [], [], {method: [] for method in METHODS}
    for song_id in chosen:
        windows = database.windows_of(song_id)
        vectors = {} if windows is None else pool_windows(basis.embeddings(windows))
        if not vectors or not all(np.abs(vector).max() < LARGEST_VALUE for vector in vectors.values()):
            damaged.append(song_id)
            continue
        kept.append(song_id)
        for method in METHODS:
            rows_by_method[method].append(vectors[method])
    vectors = {method: np.array(rows, dtype=np.float32) for method, rows in rows_by_method.items()}
    return PooledWindows(kept, vectors, len(with_windows), is_sample, damaged)


def measure_storage(database: Path, database_bytes: int, songs: int) -> dict:
    """Return the disk space that the database and its caches take."""
    settings = Settings(database=database)
    caches = {cache.name: Cache(cache).measure() for cache in settings.caches}
    total_bytes = database_bytes + sum(cache["bytes"] for cache in caches.values())
    return {
        "database_bytes": database_bytes,
        "bytes_per_song": round(database_bytes / songs) if songs else None,
        "caches": caches,
        "bytes_per_song_with_caches": round(total_bytes / songs) if songs else None,
    }


def measure_speed(runs: Sequence[Run]) -> dict | None:
    """Return the speed of the index runs that stored songs; None if there is none.

    Runs that copied vectors instead of embedding are left out, unless there are no others.
    """
    embedding_runs = [run for run in runs if run.indexed and run.seconds > 0]
    counted = [run for run in embedding_runs if not run.copied] or embedding_runs
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
