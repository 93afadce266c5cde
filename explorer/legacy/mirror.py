"""Finds the library that a command reads; for a database of the original scripts that is its mirror.

The mirror is a library of ours with the original's songs and their map. It lies in a folder beside the
original, or in this checkout's `metadata` where nothing can be written beside it. The original is only read.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from pathlib import Path

from explorer.config import ROOT
from explorer.database.connection import is_original, pending_logs
from explorer.database.database import Database
from explorer.errors import LibraryBusyError, LibraryError
from explorer.library.scanning import scan_folder
from explorer.util.progress import Reporter


def library_to_read(
    database: Path, *, reporter: Reporter, clips: Path | None = None, with_map: bool = False
) -> Path:
    """Return the library that `--db` means: the file itself, or the mirror of an original database.

    The mirror is made when it is missing, and brought up to date when the original or its clips have changed.

    Parameters
    ----------
    clips : Path, optional
        The folder of an original's clips; None for the one named last, or for `previews` near the original.
    with_map : bool
        Whether the mirror's map is to be up to date too.

    Raises
    ------
    LibraryError
        If the original cannot be read, the mirror cannot be written, or there is no such folder of clips.
    """
    mirror = mirror_of(database)
    if not is_original(database):
        if not database.exists() and mirror.exists():
            raise LibraryError(
                f"{database} is gone; what was read of it is still there: name that with "
                f"--db {shlex.quote(str(mirror))}, or another database."
            )
        if clips is not None:
            raise LibraryError(
                f"--audio is for databases of the original scripts, and there is none at {database}: leave "
                "it out, or index that folder."
            )
        return database
    with _open(mirror, database) as library:
        library.wait_patiently(reporter.say)
        # In one transaction: a second process waits for the first, and a killed one leaves nothing behind.
        with library.transaction():
            _bring_up_to_date(library, database, clips, reporter)
        if with_map and library.count_vectors():
            _bring_map_up_to_date(library, database, reporter)
    return mirror


def mirror_of(original: Path) -> Path:
    """Return where the mirror of an original database is kept."""
    original = original.absolute()
    # `songs.db` and `songs.sqlite` may lie side by side.
    beside = original.with_name(f"{original.stem if original.suffix == '.db' else original.name}.explorer")
    place = beside if os.path.lexists(beside) else original.parent
    if place.is_dir() and os.access(place, os.W_OK):
        return beside / "songs.db"
    mark = hashlib.sha256(os.fsencode(original)).hexdigest()[:12]
    return ROOT / "metadata" / "originals" / f"{original.stem[:60]} {mark}" / "songs.db"


def _open(mirror: Path, original: Path) -> Database:
    try:
        return Database.open(mirror)
    except LibraryBusyError:
        raise
    except LibraryError as error:
        raise LibraryError(
            f"{error} It holds only what was read of {original}: where nothing else helps, delete the folder "
            f"{mirror.parent}, and it is made anew."
        ) from error


def _bring_up_to_date(library: Database, original: Path, clips: Path | None, reporter: Reporter) -> None:
    """Read an original and look for its clips, unless neither has changed since the last time."""
    # Late: whoever reads a library of ours does not wait for what imports one.
    from explorer.legacy.importing import folder_of_clips, import_original
    from explorer.legacy.reading import open_original

    before = library.origin()
    if clips is None and before.get("clips") and Path(before["clips"]).is_dir():
        clips = Path(before["clips"])
    clips = folder_of_clips(original, clips)
    files = [original, *pending_logs(original)]
    fingerprints = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    listing = scan_folder(clips).files if clips else []
    state = hashlib.sha256(repr((fingerprints, clips, listing)).encode()).hexdigest()
    if before.get("state") == state:
        return
    is_beside = library.path.parent.parent == original.absolute().parent
    why = "" if is_beside else ", because nothing can be written beside it"
    reporter.say(f"Reading {original} into {library.path}{why}.")
    with open_original(original) as opened:
        summary = import_original(library, opened, clips=clips, reporter=reporter, mirror=True)
    summary.tell(clips, reporter)
    stale = library.map_revision() if summary.changed else before.get("stale_map", 0)
    library.store_origin({"state": state, "clips": clips and str(clips), "stale_map": stale})


def _bring_map_up_to_date(library: Database, original: Path, reporter: Reporter) -> None:
    if library.map_revision() != library.origin()["stale_map"] and not library.has_unplaced_songs():
        return
    from explorer.indexing.make_map import MINUTES_FOR_TSNE, MapRequest, make_map

    # Of a large library without what takes minutes: somebody waits.
    is_large = library.count_vectors() >= MINUTES_FOR_TSNE and "tsne" not in library.projections()
    quick = MapRequest(projections=("pca", "umap"))
    make_map(library, reporter=reporter, request=quick if is_large else None)
    if is_large:
        adding = f"`python run.py map --db {shlex.quote(str(original))}`"
        reporter.say(f"t-SNE takes minutes for so many songs: {adding} adds it.")
