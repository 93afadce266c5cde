"""Exports a library in other programs' formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from explorer.config import TITLES
from explorer.database.database import Database
from explorer.errors import AnalysisError
from explorer.exporting.collection import Collection, collect
from explorer.exporting.playlists import write_playlist
from explorer.exporting.tables import write_csv, write_metadata, write_vectors
from explorer.util.atomic_write import refuse_library, whole_file

FORMS = ("csv", "parquet", "m3u8", "xspf", "tsv")
PLAYLISTS = ("m3u8", "xspf")

_EXTENSIONS = {f".{form}": form for form in FORMS} | {".m3u": "m3u8", ".pq": "parquet"}
_Write = Callable[[BinaryIO], object]


@dataclass(frozen=True)
class ExportRequest:
    """What a user asked for.

    Attributes
    ----------
    form : str
        One of `FORMS`.
    genres, clusters : tuple of str
        Songs that have any of the genres and are in any of the clusters, named or numbered; all where
        there are none.
    paths : {"relative", "absolute"}, optional
        Relative to the folder of music. Playlists name files absolutely otherwise, so that they play
        wherever they lie; tables do not.
    projection : str, optional
        Whose positions are x and y, in Parquet: the first of t-SNE, UMAP and PCA that the map has.
    vectors : bool
        Add the vectors, in Parquet.
    """

    form: str
    genres: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    paths: str | None = None
    projection: str | None = None
    vectors: bool = False


@dataclass(frozen=True)
class Exported:
    """What was handed out.

    Attributes
    ----------
    out : list of Path
        The files that were written.
    songs : int
    left_out : int
        Songs that were chosen and are not in it: without files in playlists, without vectors in TSV.
    trained : bool or None
        Whether the library's vectors are those of trained filters; None where nobody knows.
    """

    out: list[Path]
    songs: int
    left_out: int
    trained: bool | None


def form_of(out: Path) -> str | None:
    """Return the form that a file's extension stands for, or None."""
    return _EXTENSIONS.get(out.suffix.lower())


def export(database: Database, request: ExportRequest, *, out: Path | BinaryIO) -> Exported:
    """Hand songs out as a file, or into a binary stream.

    Each file takes the place of an older one once it is whole. TSV is two files,
    `NAME.vectors.tsv` and `NAME.metadata.tsv` for `NAME.tsv` or `NAME`.

    Raises
    ------
    LibraryError
        If the library is empty, or what is to be written is the library.
    AnalysisError
        If it has no such genre, cluster or projection, what was asked for does not go together, or a file
        or the stream cannot be written.
    """
    _check(database, request, out)
    collection = collect(
        database,
        genres=request.genres,
        clusters=request.clusters,
        with_vectors=request.form in ("parquet", "tsv"),
    )
    handed, writers = _prepare(collection, request)
    files = [_file(out, ending) for ending in writers] if isinstance(out, Path) else []
    for file in files:
        refuse_library(file, database.path)
    try:
        _write(writers.values(), files or out)
    except BrokenPipeError:
        # The reading program has closed the pipe: that is no error of the export.
        raise
    except OSError as error:
        where = " and ".join(map(str, files)) or "Standard output"
        raise AnalysisError(
            f"{where} cannot be written ({error.strerror or error}): check that the folder exists, its "
            "permissions and the disk's space, or name another file with --out."
        ) from error
    return Exported(files, handed, len(collection.songs) - handed, collection.trained)


def _check(database: Database, request: ExportRequest, out: Path | BinaryIO) -> None:
    if request.form not in FORMS:
        raise AnalysisError(f"form={request.form!r} cannot be written: choose one of {', '.join(FORMS)}.")
    if request.form != "parquet" and (request.projection or request.vectors):
        option = "--projection" if request.projection else "--vectors"
        raise AnalysisError(f"{option} is for Parquet alone, not for {request.form}: leave it out.")
    if request.form == "tsv" and not isinstance(out, Path):
        raise AnalysisError("A tsv export is two files: name them with --out NAME.")
    if isinstance(out, Path) and out.is_dir():
        raise AnalysisError(f"{out} is a folder: name a file in it with --out.")
    there = database.projections()
    if request.projection and request.projection not in there:
        known = ", ".join(TITLES[name] for name in TITLES if name in there) or "none"
        raise AnalysisError(
            f"The map has no {TITLES.get(request.projection, request.projection)} (it has {known}): run "
            "`python run.py map` first."
        )


def _prepare(collection: Collection, request: ExportRequest) -> tuple[int, dict[str, _Write]]:
    """Return how many songs are exported, and what writes each file, by the ending of its name."""
    if request.form in PLAYLISTS:
        there = [song for song in collection.songs if song.path is not None]
        text, _ = write_playlist(there, form=request.form, paths=request.paths or "absolute")
        return len(there), {"": lambda target: target.write(text.encode())}
    relative = request.paths != "absolute"
    if request.form == "csv":
        return len(collection.songs), {"": lambda target: write_csv(collection, target, relative=relative)}
    if request.form == "tsv":
        count = int(np.count_nonzero(collection.vector_rows >= 0))
        if not count:
            raise AnalysisError("None of these songs has a vector: run `python run.py index FOLDER` first.")
        return count, {
            ".vectors.tsv": lambda target: write_vectors(collection, target),
            ".metadata.tsv": lambda target: write_metadata(collection, target),
        }
    from explorer.exporting.parquet import write_parquet

    projection = request.projection or next(iter(collection.positions), None)
    options = {"projection": projection, "relative": relative, "vectors": request.vectors}
    return len(collection.songs), {"": lambda target: write_parquet(collection, target, **options)}


def _file(out: Path, ending: str) -> Path:
    """Return a file's path; where there are several, their names begin alike."""
    if not ending:
        return out
    return out.with_name((out.stem if out.suffix.lower() == ".tsv" else out.name) + ending)


def _write(writers: Iterable[_Write], out: list[Path] | BinaryIO) -> None:
    """Write one after the other into a stream, or each into a file: all files appear, or none."""
    with ExitStack() as stack:
        for number, write in enumerate(writers):
            if isinstance(out, list):
                with stack.enter_context(whole_file(out[number])).open("wb") as target:
                    write(target)
            else:
                write(out)
                out.flush()
