"""Which songs are compared: the whole library, genres, named songs, and files from outside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.analysis.compare.groups import Groups, centred_by_library, centred_by_themselves
from explorer.database.database import Database
from explorer.database.records import SongRow
from explorer.errors import AnalysisError, NoLibraryError, SongNotFoundError
from explorer.exporting.collection import positions_of, songs_of_genres
from explorer.indexing.model import ModelRequest
from explorer.mapping.similarity import Neighbours
from explorer.util.progress import Reporter

FEWEST_CENTRED = 8
"""Files without a library are centred by their own mean from here on: of fewer it says too little."""
_STAR = "★ "


@dataclass(frozen=True)
class Shelf:
    """The library that songs are compared in.

    Attributes
    ----------
    songs : list of SongRow, length n
        All that have a vector, by id.
    space : Neighbours
        Their vectors.
    places : dict of str to np.ndarray [shape=(n, 2), float32]
        Where its maps show them, by the projection's name; NaN where a map does not know a song yet.
    quality : dict of str to dict
        How far each map can be trusted.
    clusters : Groups or None
        The map's clusters of all its songs.
    """

    songs: list[SongRow]
    space: Neighbours
    places: dict[str, np.ndarray] = field(default_factory=dict)
    quality: dict[str, dict] = field(default_factory=dict)
    clusters: Groups | None = None


@dataclass(frozen=True)
class Compared:
    """The songs that are compared, n of them.

    Attributes
    ----------
    songs : list of SongRow
        A file from outside has its path as its id.
    vectors : np.ndarray [shape=(n, 512), float32]
        As embedded.
    rows : np.ndarray [shape=(n, 512), float32]
        Of length 1: their products are the similarities.
    numbers : np.ndarray [shape=(n,), int64]
        Each one's place among the library's songs; -1 for files from outside.
    is_centred : bool
        Whether a mean vector was taken away before the similarities.
    genres : tuple of str
        Those that were asked for.
    shelf : Shelf or None
        The library, where there is one.
    model : dict
        What made the vectors.
    is_whole : bool
        Whether these are all of the library's songs.
    """

    songs: list[SongRow]
    vectors: np.ndarray
    rows: np.ndarray
    numbers: np.ndarray
    is_centred: bool
    model: dict
    genres: tuple[str, ...] = ()
    shelf: Shelf | None = None
    is_whole: bool = False

    def __len__(self) -> int:
        return len(self.songs)

    @property
    def is_outside(self) -> np.ndarray:
        """Tell which songs are files from outside the library [shape=(n,), bool]."""
        return self.numbers < 0

    @property
    def is_starred(self) -> np.ndarray:
        """Tell which get a star: files from outside, if there is a library [shape=(n,), bool]."""
        return self.is_outside & (self.shelf is not None)

    @property
    def stars(self) -> list[str]:
        """Return what stands before each song's name."""
        return [_STAR if starred else "" for starred in self.is_starred]


@dataclass(frozen=True)
class CompareRequest:
    """What a user asked for.

    Attributes
    ----------
    out : Path
        The folder for the figures.
    database : Path
        Where there is none, all songs must be files.
    songs : sequence of str
        Ids, paths or titles of the library's songs, or files; each counts once.
    genres : sequence of str
        Songs that have one of these are compared as well, whatever their case. With neither, all are.
    model : ModelRequest
        For files: what is left open is the library's.
    pairs : int
        How many of the closest and of the farthest are listed.
    projections : sequence of {"tsne", "umap", "pca"}
        Empty for all.
    """

    database: Path
    out: Path
    model: ModelRequest
    songs: Sequence[str] = ()
    genres: Sequence[str] = ()
    pairs: int = 10
    projections: Sequence[str] = ()


def gather(request: CompareRequest, *, reporter: Reporter) -> Compared:
    """Find the songs that are to be compared, and embed those that the library does not hold.

    Raises
    ------
    AnalysisError
        If there are fewer than two, or nobody has such a genre.
    SongNotFoundError
        If a text is neither a song nor a file.
    LibraryError, AudioError, EmbeddingError
        If the library cannot be read, or a file cannot be embedded as its songs were.
    """
    files = list(dict.fromkeys(_file(text) for text in request.songs))
    are_files = bool(files) and None not in files and not request.genres
    try:
        with Database.open_readonly(request.database) as library:
            if library.count_vectors() or not are_files:
                library.require_songs()
                return _from_library(library, request, reporter)
    except NoLibraryError:
        if not are_files:
            raise
    return _from_files(files, request.model, reporter)


def _from_library(library: Database, request: CompareRequest, reporter: Reporter) -> Compared:
    with library.snapshot():
        shelf, vectors = _shelf(library)
        record = library.model() or {}
        number_of = {song.song_id: number for number, song in enumerate(shelf.songs)}
        wanted, files = _named(library, request.songs, number_of)
    is_whole = not request.songs and not request.genres
    if request.genres:
        genres_of_songs = [song.genres for song in shelf.songs]
        wanted |= dict.fromkeys(
            np.flatnonzero(songs_of_genres(library.path, genres_of_songs, request.genres))
        )
    numbers = np.arange(len(shelf.songs)) if is_whole else np.array(list(wanted), dtype=np.int64)
    _require_two(len(numbers) + len(files), library.path if is_whole else None)
    found, outside, _ = _embed(files, library.path, request.model, reporter)
    return Compared(
        songs=[shelf.songs[number] for number in numbers] + found,
        vectors=vectors if is_whole else np.vstack([vectors[numbers], outside]),
        rows=centred_by_library(shelf.space, numbers, outside),
        numbers=np.concatenate([numbers, np.full(len(found), -1)]),
        is_centred=True,
        genres=tuple(request.genres),
        shelf=shelf,
        model=record,
        is_whole=is_whole,
    )


def _shelf(library: Database) -> tuple[Shelf, np.ndarray]:
    """Read a whole library, and its vectors [shape=(n, 512), float32]."""
    song_ids, vectors = library.vectors(dtype=np.float32)
    labels, names, _ = library.clusters()
    members = np.array([labels.get(song_id, -1) for song_id in song_ids], dtype=np.int64)
    shelf = Shelf(
        songs=library.songs(),
        space=Neighbours(vectors),
        places=positions_of(library, song_ids),
        quality={name: entry["quality"] for name, entry in library.projections().items()},
        clusters=Groups("cluster", names, members) if names else None,
    )
    return shelf, vectors


def _named(library, texts, number_of) -> tuple[dict[int, None], list[Path]]:
    """Find the library's songs and the files that texts name, each once and in their order."""
    numbers: dict[int, None] = {}
    files: dict[Path, None] = {}
    for text in texts:
        file = _file(text)
        try:
            # A text that names an existing file does not mean a file of the library with the same name.
            song_id = library.find_song(text, by_file_name=file is None).song_id
        except SongNotFoundError as error:
            if file is None:
                raise SongNotFoundError(
                    f"{str(error).rstrip('.')}; and there is no file of that name."
                ) from error
            files[file] = None
            continue
        if song_id not in number_of:
            raise SongNotFoundError(
                f"{song_id!r} has no vector yet: run `python run.py index FOLDER` to embed it."
            )
        numbers[number_of[song_id]] = None
    return numbers, list(files)


def _file(text: str) -> Path | None:
    try:
        path = Path(text).expanduser()
        return path if path.is_file() else None
    except (OSError, RuntimeError, ValueError):
        return None


def _require_two(count: int, library: Path | None = None) -> None:
    if count >= 2:
        return
    songs = f"{count} song" if count == 1 else f"{count} songs"
    if library is not None:
        raise AnalysisError(f"{library} holds {songs}, and a comparison needs two: index more music first.")
    raise AnalysisError(
        f"What was asked for comes to {songs}, and a comparison needs two: name more, by id, path or title."
    )


def _embed(files, database, model, reporter) -> tuple[list[SongRow], np.ndarray, dict]:
    """Embed files, and return their tags, their vectors [shape=(n, 512)] and the model."""
    if not files:
        return [], np.empty((0, 512), dtype=np.float32), {}
    from explorer.indexing.embed_files import open_embedder
    from explorer.library.tags import read_tags

    embedder = open_embedder(database=database, request=model, reporter=reporter)
    songs, vectors = [], []
    for file in files:
        embedded, tags = embedder.embed(file), read_tags(file)
        vectors.append(embedded.pooled.astype(np.float32))
        songs.append(
            SongRow(
                str(file), tags.title, ", ".join(tags.artists), tags.album, tags.genres, embedded.duration_s
            )
        )
    return songs, np.array(vectors), embedder.model.record()


def _from_files(files, model, reporter):
    _require_two(len(files))
    songs, vectors, record = _embed(files, None, model, reporter)
    is_centred = len(files) >= FEWEST_CENTRED
    rows = centred_by_themselves(vectors, is_centred=is_centred)
    return Compared(songs, vectors, rows, np.full(len(files), -1), is_centred, record)
