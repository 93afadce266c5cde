"""Refuse output files that would replace the library, its parts, weights, songs or what a command reads."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from explorer.config import Settings
from explorer.errors import LibraryError
from explorer.library.extensions import is_song
from explorer.util.atomic_write import SQLITE_ENDINGS, belongs_to_database, refuse_link

_HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


def refuse_to_overwrite(
    out: Path | None, *, database: Path | None = None, reads: Iterable[Path | str | None] = ()
) -> None:
    """Raise an error if an output file is one that must not be replaced, also through a link or another name.

    Parameters
    ----------
    out : Path or None
        None means standard output.
    database : Path, optional
        The library. Its log, its shared memory and its locks are protected even where they do not exist:
        SQLite would read what is written there.
    reads : iterable of Path, str or None
        Other files that the command reads; names of files that do not exist are ignored.

    Raises
    ------
    LibraryError
    """
    if out is None:
        return
    if role := _role(out.expanduser().resolve(), database, reads):
        raise LibraryError(f"{out} is {role}: name another file with --out.")
    refuse_link(out)


def _role(out: Path, database: Path | None, reads: Iterable[Path | str | None]) -> str:
    """Return what a file is if it is protected, or ""."""
    if database is not None and _is_same(out, database):
        return "the library itself"
    if any(_is_same(out, Path(file)) for file in reads if file):
        return "a file that this command reads"
    if database is not None and any(_is_part(out, path) for path in (database, database.resolve())):
        return f"a part of the library {database}"
    if belongs_to_database(out):
        return "a part of a database"
    if not out.is_file():
        return ""
    if out.is_relative_to(Settings().models.resolve()) or _begins_with(out, _HDF5_SIGNATURE):
        return "a file of weights"
    return "a song" if is_song(out.name, video=True) else ""


def _is_part(out: Path, database: Path) -> bool:
    """Return whether a file is one that SQLite or this program makes beside a library; ignores case."""
    name = database.name
    parts = [name + ending for ending in (*SQLITE_ENDINGS, ".neighbours")]
    parts += [f".{name}.lock", f".{name}.indexing"]
    is_name = out.name.casefold() in map(str.casefold, parts)
    return is_name and _is_same(out.parent, database.parent)


def _is_same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except (OSError, ValueError):
        return False


def _begins_with(file: Path, signature: bytes) -> bool:
    try:
        with file.open("rb") as opened:
            return opened.read(len(signature)) == signature
    except OSError:
        return False
