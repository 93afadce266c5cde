"""Finds the songs to compare: the whole library, genres, named songs, and files from outside the library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.analysis.compare.groups import Groups, directions_from_library_mean, directions_from_own_mean
from explorer.audio.decoder import Decoder
from explorer.database.database import Database
from explorer.database.records import SongRow
from explorer.errors import AnalysisError, NoLibraryError, SongNotFoundError
from explorer.exporting.collection import songs_of_genres
from explorer.indexing.model import ModelRequest
from explorer.mapping.projection import METHODS
from explorer.mapping.similarity import Neighbours, SongVectors
from explorer.util.progress import Reporter, plural

MIN_FILES_TO_CENTRE = 8
"""Without a library, the files' mean is subtracted only if there are at least this many files."""
_STAR = "★ "


@dataclass(frozen=True)
class LibrarySnapshot:
    """One state of a library with n songs.

    Attributes
    ----------
    songs : list of SongRow, length n
        All songs that have a vector, ordered by id.
    vectors : SongVectors
        Their vectors.
    positions : dict of str to np.ndarray [shape=(n, 2), float32]
        Their positions on each projection, by its name; NaN for a song that is not on the map yet.
    quality : dict of str to dict
        Each projection's quality figures, such as its trustworthiness.
    clusters : Groups or None
        The map's clusters of all songs.
    """

    songs: list[SongRow]
    vectors: SongVectors
    positions: dict[str, np.ndarray] = field(default_factory=dict)
    quality: dict[str, dict] = field(default_factory=dict)
    clusters: Groups | None = None

    @property
    def neighbours(self) -> Neighbours:
        """The search for similar songs among them."""
        return self.vectors.neighbours


@dataclass(frozen=True)
class ComparedSongs:
    """The n songs to compare.

    Attributes
    ----------
    songs : list of SongRow
        The id of a file from outside the library is its path.
    vectors : np.ndarray [shape=(n, 512), float32]
        As embedded.
    directions : np.ndarray [shape=(n, 512 or 513), float32]
        Unit vectors; the similarity of two songs is their dot product.
    library_rows : np.ndarray [shape=(n,), int64]
        Each song's row among the library's songs; -1 for a file from outside.
    is_centred : bool
        Whether a mean vector was subtracted before `directions` were computed.
    model : dict
        The model that made the vectors.
    wanted_genres : tuple of str
        The genres that the user asked for.
    library : LibrarySnapshot or None
        None if files are compared without a library.
    is_whole_library : bool
        Whether these are all songs of the library.
    """

    songs: list[SongRow]
    vectors: np.ndarray
    directions: np.ndarray
    library_rows: np.ndarray
    is_centred: bool
    model: dict
    wanted_genres: tuple[str, ...] = ()
    library: LibrarySnapshot | None = None
    is_whole_library: bool = False

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def is_outside(self) -> np.ndarray:
        """Tell which songs are files from outside the library [shape=(n,), bool]."""
        return self.library_rows < 0

    @property
    def is_starred(self) -> np.ndarray:
        """Tell which songs get a star: files from outside, if there is a library [shape=(n,), bool]."""
        return self.is_outside & (self.library is not None)

    @property
    def stars(self) -> list[str]:
        """Return the prefix of each song's label: a star or nothing."""
        return [_STAR if starred else "" for starred in self.is_starred]


@dataclass(frozen=True)
class CompareRequest:
    """The options of a comparison.

    Attributes
    ----------
    database : Path
        The library; if it does not exist, all songs must be files.
    out : Path
        The folder for the figures.
    model : ModelRequest
        The model that embeds files; options that it does not set are those of the library's model.
    songs : sequence of str
        Ids, paths or titles of the library's songs, or paths of files. Repeated songs count once.
    genres : sequence of str
        The songs of these genres are compared too; case is ignored. Without `songs` and `genres`, all songs
        are compared.
    pairs : int
        How many closest and how many farthest pairs are listed.
    projections : sequence of {"tsne", "umap", "pca"}
        The projections to draw; empty for all.
    """

    database: Path
    out: Path
    model: ModelRequest
    songs: Sequence[str] = ()
    genres: Sequence[str] = ()
    pairs: int = 10
    projections: Sequence[str] = ()


def gather(request: CompareRequest, *, reporter: Reporter) -> ComparedSongs:
    """Find the songs to compare, and embed the files that are not in the library.

    Raises
    ------
    AnalysisError
        If there are fewer than two songs, or no song has a wanted genre.
    SongNotFoundError
        If a text names neither a song nor a file.
    LibraryError, AudioError, EmbeddingError
        If the library cannot be read, or a file cannot be embedded like the library's songs.
    """
    files = list(dict.fromkeys(_existing_file(text) for text in request.songs))
    are_only_files = bool(files) and None not in files and not request.genres
    try:
        with Database.open_readonly(request.database) as database:
            if database.count_vectors() or not are_only_files:
                database.require_songs()
                return _from_library(database, request, reporter)
    except NoLibraryError:
        if not are_only_files:
            raise
    return _from_files(files, request.model, reporter)


def _from_library(database: Database, request: CompareRequest, reporter: Reporter) -> ComparedSongs:
    with database.snapshot():
        library = _read_library(database)
        model, coarse_windows = database.model() or {}, database.coarse_windows()
        named_rows, files = _find_named(database, request.songs, library.vectors)
    if database.left_out:
        reporter.say(database.left_out_sentence)
    is_whole_library = not request.songs and not request.genres
    if request.genres:
        genres_of_songs = [song.genres for song in library.songs]
        genre_rows = np.flatnonzero(songs_of_genres(database.path, genres_of_songs, request.genres))
        named_rows = list(dict.fromkeys([*named_rows, *genre_rows]))
    rows = np.arange(len(library.songs)) if is_whole_library else np.array(named_rows, dtype=np.int64)
    _require_two(len(rows) + len(files), database.path if is_whole_library else None)
    file_songs, file_vectors, _ = _embed(files, database.path, request.model, reporter, coarse_windows)
    vectors = library.vectors.vectors
    return ComparedSongs(
        songs=[library.songs[row] for row in rows] + file_songs,
        vectors=vectors if is_whole_library else np.vstack([vectors[rows], file_vectors]),
        directions=directions_from_library_mean(library.neighbours, rows, file_vectors),
        library_rows=np.concatenate([rows, np.full(len(file_songs), -1)]),
        is_centred=True,
        model=model,
        wanted_genres=tuple(request.genres),
        library=library,
        is_whole_library=is_whole_library,
    )


def _read_library(database: Database) -> LibrarySnapshot:
    vectors = SongVectors.read(database)
    stored = database.projections()
    cluster_of, names, _ = database.clusters()
    group_of = np.array([cluster_of.get(song_id, -1) for song_id in vectors.song_ids], dtype=np.int64)
    return LibrarySnapshot(
        songs=database.songs(vectors.song_ids),
        vectors=vectors,
        positions=database.positions_of(vectors.song_ids, [name for name in METHODS if name in stored]),
        quality={name: entry["quality"] for name, entry in stored.items()},
        clusters=Groups("cluster", names, group_of) if names else None,
    )


def _find_named(
    database: Database, texts: Sequence[str], vectors: SongVectors
) -> tuple[list[int], list[Path]]:
    """Return the rows of the songs and the paths of the files that texts name, in order, each only once."""
    rows: dict[int, None] = {}
    files: dict[Path, None] = {}
    for text in texts:
        file = _existing_file(text)
        try:
            # The path of an existing file must not match a song that only has the same name.
            song_id = database.find_song(text, by_file_name=file is None, by_words=file is None).song_id
        except SongNotFoundError:
            if file is None:
                raise
            files[file] = None
            continue
        row = vectors.row_of(song_id)
        if row is None:
            database.vector(song_id)  # It raises the reason.
            raise SongNotFoundError(f"{song_id!r} is not in the library any more: run this again.")
        rows[row] = None
    return list(rows), list(files)


def _existing_file(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def _require_two(count: int, library: Path | None = None) -> None:
    """Raise AnalysisError for fewer than two songs; `library` is None unless all its songs are compared."""
    if count >= 2:
        return
    songs = plural(count, "song")
    if library is not None:
        raise AnalysisError(f"{library} holds {songs}, and a comparison needs two: index more music first.")
    raise AnalysisError(
        f"You named {songs}, and a comparison needs two: name more songs by id, path, title or --genre."
    )


def _embed(
    files: Sequence[Path],
    database: Path | None,
    model: ModelRequest,
    reporter: Reporter,
    coarse_windows: int | None = None,
) -> tuple[list[SongRow], np.ndarray, dict]:
    """Embed files; return their tags, their vectors [shape=(n, 512), float32] and the model."""
    if not files:
        return [], np.empty((0, 512), dtype=np.float32), {}
    from explorer.indexing.embed_files import open_embedder
    from explorer.library.text_encoding import decode_tags

    embedder = open_embedder(database=database, request=model, reporter=reporter)
    songs, vectors = [], []
    with Decoder() as decoder:
        for file in files:
            embedded, tags = embedder.embed(file), decode_tags(decoder.tags(file))
            vectors.append(embedded.vector(coarse_windows).astype(np.float32))
            artists = ", ".join(tags.artists)
            songs.append(
                SongRow(str(file), tags.title, artists, tags.album, tags.genres, embedded.duration_s)
            )
    return songs, np.array(vectors), embedder.model.record()


def _from_files(files: Sequence[Path], model_request: ModelRequest, reporter: Reporter) -> ComparedSongs:
    _require_two(len(files))
    songs, vectors, model = _embed(files, None, model_request, reporter)
    is_centred = len(files) >= MIN_FILES_TO_CENTRE
    return ComparedSongs(
        songs=songs,
        vectors=vectors,
        directions=directions_from_own_mean(vectors, is_centred=is_centred),
        library_rows=np.full(len(files), -1),
        is_centred=is_centred,
        model=model,
    )
