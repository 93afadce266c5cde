"""Exports a library to files in the formats of other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explorer.config import PROJECTION_NAMES
from explorer.database.database import Database
from explorer.database.vectors import VectorCounts
from explorer.errors import AnalysisError
from explorer.exporting.collection import Collection, collect
from explorer.exporting.file_paths import FilePaths
from explorer.exporting.playlists import write_playlist
from explorer.exporting.tables import write_csv, write_metadata, write_vectors
from explorer.library.protected_files import refuse_to_overwrite
from explorer.util.atomic_write import atomic_write
from explorer.util.commands import command_line

FORMATS = ("csv", "parquet", "m3u8", "xspf", "tsv")
PLAYLISTS = ("m3u8", "xspf")

_EXTENSIONS = {f".{form}": form for form in FORMATS} | {".m3u": "m3u8", ".pq": "parquet"}
_Writer = Callable[[BinaryIO], object]


@dataclass(frozen=True)
class ExportRequest:
    """The options of an export.

    Attributes
    ----------
    form : str
        The file format: one of `FORMATS`.
    genres, clusters : tuple of str
        Export only songs that have at least one of these genres and are in one of these clusters. Clusters
        are given by name or number. Empty for all genres or all clusters.
    paths : {"relative", "absolute"}, optional
        Relative or absolute. By default, playlists have absolute paths, so that they work in every folder;
        tables have relative paths. Relative paths begin at the folder of the playlist. In tables, and in a
        playlist that is written to a stream, they begin at the folder of music; if the songs are in several,
        the paths are absolute.
    projection : str, optional
        For Parquet: the projection that gives the columns x and y. By default the first of t-SNE, UMAP and
        PCA that the map has.
    vectors : bool
        For Parquet: add the vectors.
    """

    form: str
    genres: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    paths: str | None = None
    projection: str | None = None
    vectors: bool = False


@dataclass(frozen=True)
class Exported:
    """The result of an export.

    Attributes
    ----------
    out : list of Path
        The files that were written; empty for a stream.
    songs : int
        The number of exported songs.
    left_out : int
        The number of selected songs that the export does not contain: songs without a file in playlists,
        songs without a vector in TSV.
    trained : bool or None
        Whether the library's model has trained weights; None if the model is unknown.
    path_problem : str
        Why paths are absolute although relative ones were wanted, as a sentence; empty if none is.
    first_look : VectorCounts, optional
        How far the vectors are: the exported map and vectors may be those of the first look.
    """

    out: list[Path]
    songs: int
    left_out: int
    trained: bool | None
    path_problem: str = ""
    first_look: VectorCounts | None = None


def format_of(out: Path) -> str | None:
    """Return the file format for a file's extension; None if the extension is unknown."""
    return _EXTENSIONS.get(out.suffix.lower())


def export(database: Database, request: ExportRequest, *, out: Path | BinaryIO) -> Exported:
    """Write songs to a file or to a binary stream.

    An existing file is replaced only when the new file is complete. TSV is two files: `NAME.vectors.tsv` and
    `NAME.metadata.tsv` for `NAME.tsv` or `NAME`.

    Raises
    ------
    LibraryError
        If the library is empty, or `out` is the library itself.
    AnalysisError
        If the library does not have a given genre, cluster or projection, if options contradict each other,
        or if a file or the stream cannot be written.
    """
    _check_options(database, request, out)
    collection = collect(
        database,
        genres=request.genres,
        clusters=request.clusters,
        with_vectors=request.form in ("parquet", "tsv"),
    )
    file_paths = _file_paths(collection, request, out)
    song_count, writers = _prepare(collection, request, file_paths)
    files = [_file_name(out, ending) for ending in writers] if isinstance(out, Path) else []
    for file in files:
        refuse_to_overwrite(file, database=database.path)
    try:
        _write(writers.values(), files or out)
    except BrokenPipeError:
        # The program that reads the pipe has closed it: not an error of the export.
        raise
    except OSError as error:
        target = " and ".join(map(str, files)) or "Standard output"
        raise AnalysisError(
            f"{target} cannot be written ({error.strerror or error}): check that the folder exists, its "
            "permissions and the free disk space, or choose another file with --out."
        ) from error
    left_out = len(collection.songs) - song_count
    problem = "" if request.form == "tsv" else file_paths.problem
    return Exported(files, song_count, left_out, collection.is_trained, problem, collection.first_look)


def _check_options(database: Database, request: ExportRequest, out: Path | BinaryIO) -> None:
    if request.form not in FORMATS:
        raise AnalysisError(
            f"form={request.form!r} is not an export format: choose one of {', '.join(FORMATS)}."
        )
    if request.form != "parquet" and (request.projection or request.vectors):
        option = "--projection" if request.projection else "--vectors"
        raise AnalysisError(f"{option} works only with Parquet, not with {request.form}: leave it out.")
    if request.form == "tsv" and not isinstance(out, Path):
        raise AnalysisError("A TSV export is two files: name them with --out NAME.")
    if isinstance(out, Path) and out.is_dir():
        raise AnalysisError(f"{out} is a folder: name a file in it with --out.")
    stored = database.projections()
    if request.projection and request.projection not in stored:
        wanted = PROJECTION_NAMES.get(request.projection, request.projection)
        known = ", ".join(PROJECTION_NAMES[name] for name in PROJECTION_NAMES if name in stored) or "none"
        command = command_line("map", database=database.path)
        raise AnalysisError(f"The map has no {wanted} (it has {known}): run `{command}` first.")


def _file_paths(collection: Collection, request: ExportRequest, out: Path | BinaryIO) -> FilePaths:
    is_playlist = request.form in PLAYLISTS
    paths = request.paths or ("absolute" if is_playlist else "relative")
    folder = out.parent if is_playlist and isinstance(out, Path) else None
    return FilePaths(collection.songs, paths=paths, folder=folder)


def _prepare(
    collection: Collection, request: ExportRequest, file_paths: FilePaths
) -> tuple[int, dict[str, _Writer]]:
    """Return the number of exported songs, and the functions that write the files, by file name ending."""
    if request.form in PLAYLISTS:
        songs = [song for song in collection.songs if song.path is not None]
        text, _ = write_playlist(songs, form=request.form, file_paths=file_paths)
        return len(songs), {"": lambda target: target.write(text.encode())}
    if request.form == "csv":
        return len(collection.songs), {
            "": lambda target: write_csv(collection, target, file_paths=file_paths)
        }
    if request.form == "tsv":
        count = int(np.count_nonzero(collection.vector_rows >= 0))
        if not count:
            raise AnalysisError("None of these songs has a vector: index their folders first.")
        return count, {
            ".vectors.tsv": lambda target: write_vectors(collection, target),
            ".metadata.tsv": lambda target: write_metadata(collection, target),
        }
    from explorer.exporting.parquet import write_parquet

    projection = request.projection or next(iter(collection.positions), None)
    options = {"projection": projection, "file_paths": file_paths, "vectors": request.vectors}
    return len(collection.songs), {"": lambda target: write_parquet(collection, target, **options)}


def _file_name(out: Path, ending: str) -> Path:
    """Return the path of a file: `out` itself, or `out` with the ending of one of two files."""
    if not ending:
        return out
    return out.with_name((out.stem if out.suffix.lower() == ".tsv" else out.name) + ending)


def _write(writers: Iterable[_Writer], out: list[Path] | BinaryIO) -> None:
    """Write everything to one stream, or each part to its own file. If one file fails, none is written."""
    with ExitStack() as stack:
        for number, write in enumerate(writers):
            if isinstance(out, list):
                with stack.enter_context(atomic_write(out[number])).open("wb") as target:
                    write(target)
            else:
                write(out)
                out.flush()
