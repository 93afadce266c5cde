"""Finds the library that a command reads: the file of `--db`, or the mirror of an original database.

The scripts of the original experiment wrote the original database. Its mirror is a library with a copy of its
songs, and their map. The mirror is in a folder beside the original database, or in the folder `metadata` of
this checkout if nothing can be written there. The original database is never changed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from contextlib import suppress
from pathlib import Path

from explorer.config import ROOT
from explorer.database.connection import is_original, pending_logs
from explorer.database.database import Database
from explorer.errors import LibraryBusyError, LibraryError
from explorer.library.confirmed_roots import confirm, is_confirmed
from explorer.library.scanning import scan_folder
from explorer.util.commands import command_line
from explorer.util.progress import Reporter


def library_to_read(
    database: Path,
    *,
    reporter: Reporter,
    clips: Path | None = None,
    with_map: bool = False,
    refuse_damaged: bool = True,
) -> Path:
    """Return the path of the library for `--db`: the file itself, or the mirror of an original database.

    This creates the mirror if it does not exist, and updates it if the original or its clips have changed.

    Parameters
    ----------
    clips : Path, optional
        The folder with the clips of the original; ignored for a library. None uses the folder of the last
        call, if the user gave it on this machine (see `confirmed_roots`), or else the folder `previews`
        beside the original or one level up.
    with_map : bool
        Whether to update the mirror's map too.
    refuse_damaged : bool
        Whether to check the whole file of a library, so that no command uses a part of a damaged library.

    Raises
    ------
    LibraryError
        If the library is damaged, the original cannot be read, the mirror cannot be written, or the folder of
        clips does not exist.
    """
    mirror = mirror_of(database)
    if not is_original(database):
        if not database.exists() and mirror.exists():
            raise LibraryError(
                f"{database} does not exist, but its mirror does: use --db {shlex.quote(str(mirror))}, or "
                "choose another database."
            )
        if refuse_damaged and database.exists():
            # A busy library is not checked: the command itself waits for it, or says that it is busy.
            with suppress(LibraryBusyError), Database.open_readonly(database) as library:
                library.require_undamaged()
        return database
    with _open(mirror, database) as library:
        library.wait_for_other_programs(reporter.say)
        # One transaction: a second process waits for it, and a killed process leaves no incomplete mirror.
        with library.transaction():
            _update_songs(library, database, clips, reporter)
        if with_map and library.count_vectors():
            _update_map(library, database, reporter)
    return mirror


def mirror_of(original: Path) -> Path:
    """Return the path of an original database's mirror."""
    original = original.absolute()
    # Keep other extensions than `.db`: the mirrors of `songs.db` and `songs.sqlite` need different names.
    beside = original.with_name(f"{original.stem if original.suffix == '.db' else original.name}.explorer")
    folder = beside if os.path.lexists(beside) else original.parent
    if folder.is_dir() and os.access(folder, os.W_OK):
        return beside / "songs.db"
    path_hash = hashlib.sha256(os.fsencode(original)).hexdigest()[:12]
    return ROOT / "metadata" / "originals" / f"{original.stem[:60]} {path_hash}" / "songs.db"


def _open(mirror: Path, original: Path) -> Database:
    """Open a mirror; if that fails, the error says that the mirror can be deleted."""
    try:
        return Database.open(mirror)
    except LibraryBusyError:
        raise
    except LibraryError as error:
        raise LibraryError(
            f"{error} It is only a copy of {original}: if that does not help, delete the folder "
            f"{mirror.parent}, and run this again to make a new copy."
        ) from error


def _update_songs(library: Database, original: Path, clips: Path | None, reporter: Reporter) -> None:
    """Import an original and its clips into the mirror, if one of them has changed since the last import."""
    # Import these modules only here, to start fast: most commands read a library and need no mirror.
    from explorer.legacy.importing import folder_of_clips, import_original
    from explorer.legacy.reading import open_original

    last = library.origin()
    if clips is not None:
        confirm(folder_of_clips(original, clips))
    elif last.get("clips") and is_confirmed(last["clips"]) and Path(last["clips"]).is_dir():
        clips = Path(last["clips"])
    clips = folder_of_clips(original, clips)
    files = [(file, file.stat()) for file in (original, *pending_logs(original))]
    file_states = [(file.name, status.st_size, status.st_mtime_ns) for file, status in files]
    clip_files = scan_folder(clips).files if clips else []
    state = hashlib.sha256(repr((file_states, clips, clip_files)).encode()).hexdigest()
    if last.get("state") == state:
        return
    is_beside = library.path.parent.parent == original.absolute().parent
    reason = "" if is_beside else ", because nothing can be written beside the original"
    reporter.say(f"Copying {original} to {library.path}{reason}.")
    with open_original(original) as opened:
        summary = import_original(library, opened, clips=clips, reporter=reporter, mirror=True)
    summary.tell(clips, reporter)
    # The map with this revision was made before the last change of songs. 0: there was no map yet.
    stale = library.map_revision() if summary.changed else last.get("stale_map", 0)
    library.store_origin({"state": state, "clips": clips and str(clips), "stale_map": stale})


def _update_map(library: Database, original: Path, reporter: Reporter) -> None:
    """Make the map of the mirror, if songs have changed since the last map was made."""
    if library.map_revision() != library.origin()["stale_map"] and not library.has_unplaced_songs():
        return
    from explorer.indexing.make_map import SLOW_TSNE_SONGS, MapRequest, make_map

    # The user waits for the page. t-SNE takes minutes for a large library, so leave it out.
    is_large = library.count_vectors() >= SLOW_TSNE_SONGS and "tsne" not in library.projections()
    request = MapRequest(projections=("pca", "umap")) if is_large else None
    make_map(library, reporter=reporter, request=request)
    if is_large:
        command = f"`{command_line('map --projection tsne', database=original)}`"
        reporter.say(
            f"The map has no t-SNE projection, which takes minutes for so many songs: {command} adds it."
        )
