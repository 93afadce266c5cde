"""Shows a database of the original scripts as it is: its mirror image beside it has the map.

The image is a library of ours. It lies in a folder beside the original, or, where nothing can be written
there, in this checkout's `metadata`; the caches of previews and waveforms lie with it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.config import ROOT, Settings
from explorer.errors import LibraryBusyError, LibraryError, NoLibraryError
from explorer.library.connection import is_original
from explorer.library.database import Database
from explorer.library.scanning import scan_folder
from explorer.progress import Reporter

if TYPE_CHECKING:
    from explorer.importing import ImportSummary

SHOWN = 5
_LONGEST_NAME = 60


def mirror_if_original(settings: Settings, *, clips: Path | None, reporter: Reporter) -> Settings:
    """Return the settings to serve: those of the mirror image, where the database is an original one.

    Parameters
    ----------
    clips : Path, optional
        Where the songs' clips are; None for the `previews` near the database.

    Raises
    ------
    LibraryError
        If the folder of clips does not exist or is not for this database, or nothing can be written.
    """
    original = settings.database
    if not original.exists():
        _refuse_what_is_gone(original, clips)
        return settings
    if not is_original(original):
        if clips is not None:
            raise LibraryError(
                f"--audio is for databases of the original scripts, and {original} is none: a library knows "
                "its folders, so leave it out, or index that folder."
            )
        return settings
    # Whoever serves a library of ours does not wait for what imports one.
    from explorer.importing import folder_of_clips, import_original

    clips = folder_of_clips(original, clips)
    image = image_of(original)
    with _open(image, original) as library:
        before = library.origin()
        clips = clips or _folder_before(before)
        state = _state(original, clips)
        if before != state:
            reporter.say(f"{original.name} stays as it is: its map and its songs' sound go to {image}.")
            # Who is stopped before the map follows leaves nothing that looks finished.
            library.store_origin({"clips": state["clips"]})
            summary = import_original(library, original, clips=clips, reporter=reporter, mirror=True)
            tell(summary, clips, reporter)
            if summary.vectors and (summary.changed or _is_unfinished(before) or not library.projections()):
                _draw(library, image, reporter)
            library.store_origin(state)
    return replace(settings, database=image)


def _refuse_what_is_gone(original: Path, clips: Path | None) -> None:
    image = image_of(original)
    if image.exists():
        raise LibraryError(
            f"{original} is gone; its map is still there: look at that with "
            f"`python run.py serve --db {shlex.quote(str(image))}`, or name another database with --db."
        )
    if clips is not None:
        raise NoLibraryError(f"There is no database at {original}: name the one that the clips belong to.")


def image_of(original: Path) -> Path:
    """Return where the mirror image of an original database is kept."""
    original = original.absolute()
    # `songs.db` and `songs.sqlite` may lie side by side.
    name = original.stem if original.suffix == ".db" else original.name
    beside = original.with_name(f"{name}.explorer")
    place = beside if os.path.lexists(beside) else original.parent
    if place.is_dir() and os.access(place, os.W_OK):
        return beside / "songs.db"
    mark = hashlib.sha256(os.fsencode(original)).hexdigest()[:12]
    return ROOT / "metadata" / "originals" / f"{original.stem[:_LONGEST_NAME]} {mark}" / "songs.db"


def _open(image: Path, original: Path) -> Database:
    """Open the mirror image, or say that it may be deleted where that cannot be done."""
    try:
        return Database.open(image)
    except LibraryBusyError:
        raise
    except LibraryError as error:
        raise LibraryError(
            f"{error} It holds the map of {original} and nothing else: where nothing else helps, delete the "
            f"folder {image.parent}, and it is made anew."
        ) from error


def _folder_before(before: dict | None) -> Path | None:
    """Return the folder of clips that was named the last time, where it still is."""
    folder = Path(before["clips"]) if before and before["clips"] else None
    return folder if folder and folder.is_dir() else None


def _is_unfinished(before: dict | None) -> bool:
    return before is None or "files" not in before


def _draw(library: Database, image: Path, reporter: Reporter) -> None:
    """Make the map, but of a large library not what takes minutes: somebody waits for the page."""
    from explorer.indexing.mapmaker import MINUTES_FOR_TSNE, MapRequest, make_map

    if library.count_vectors() < MINUTES_FOR_TSNE or "tsne" in library.projections():
        make_map(library, reporter=reporter)
        return
    make_map(library, reporter=reporter, request=MapRequest(projections=("pca", "umap")))
    reporter.say(
        f"t-SNE takes minutes for so many songs: `python run.py map --db {shlex.quote(str(image))}` adds it."
    )


def tell(summary: ImportSummary, clips: Path | None, reporter: Reporter) -> None:
    """Say what was found, and what was not."""
    reporter.say(
        f"{summary.songs:,} songs: {summary.vectors:,} with a vector, {summary.clips:,} with a clip"
        + (f" in {clips}." if clips else ".")
    )
    if summary.without_vector:
        reporter.say(f"Without a vector, so not on the map: {_some(summary.without_vector)}.")
    for song_id, reason in summary.skipped[:SHOWN]:
        reporter.say(f"Skipped: {_named(song_id)}, because {reason}.")
    if len(summary.skipped) > SHOWN:
        reporter.say(f"Skipped: {len(summary.skipped) - SHOWN:,} more vectors.")
    if not summary.clips and clips is None:
        reporter.say("No song can be heard: name the folder of their clips with --audio.")
    elif summary.without_clip:
        reporter.say(f"Without a clip, so silent: {_some(summary.without_clip)}.")
    for song_id, reason in summary.unreadable[:SHOWN]:
        reporter.say(f"The clip of {_named(song_id)} is no sound: {reason}")
    if summary.repeated_genres:
        reporter.say(f"Genres that were written more than once count once: {summary.repeated_genres:,} rows.")
    if summary.strays:
        reporter.say(f"Genres of songs that are not there are left out: {summary.strays:,} rows.")


def _some(song_ids: list[str]) -> str:
    """Count songs, and name the first of them."""
    named = ", ".join(map(_named, song_ids[:SHOWN]))
    rest = len(song_ids) - SHOWN
    return f"{len(song_ids):,} ({named}{f' and {rest:,} more' if rest > 0 else ''})"


def _named(song_id: str) -> str:
    """Return an id as a terminal can show it: nothing in it is a command to the terminal."""
    text = song_id if song_id.isprintable() else repr(song_id)
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}…"


def _state(original: Path, clips: Path | None) -> dict:
    """Return what tells whether anything has changed since the last time."""
    files = [original, *(original.with_name(original.name + end) for end in ("-wal", "-journal"))]
    marks = [
        [file.name, file.stat().st_size, file.stat().st_mtime_ns]
        for file in files
        if file.exists() and file.stat().st_size
    ]
    listing = hashlib.sha256()
    for file in scan_folder(clips) if clips else ():
        listing.update(repr(file).encode())
    return {"files": marks, "clips": str(clips) if clips else None, "listing": listing.hexdigest()}
