"""Shows a database of the original scripts as it is: its mirror image beside it has the map.

The image is a library of ours. It lies in a folder beside the original, or, where nothing can be written
there, in this checkout's `metadata`; the caches of previews and waveforms lie with it.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

from explorer.config import ROOT, Settings
from explorer.errors import LibraryError
from explorer.importing import ImportSummary, folder_of_clips, import_original
from explorer.indexing.mapmaker import make_map
from explorer.library.connection import is_original
from explorer.library.database import Database
from explorer.library.scanning import scan_folder
from explorer.progress import Reporter

SHOWN = 5


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
    if not is_original(original):
        if clips is not None:
            raise LibraryError(
                f"--audio is for databases of the original scripts, and {original} is none: a library knows "
                "its folders, so leave it out, or index that folder."
            )
        return settings
    clips = folder_of_clips(original, clips)
    image = image_of(original)
    with Database.open(image) as library:
        state = _state(original, clips)
        if library.origin() != state:
            reporter.say(f"{original.name} stays as it is: its map and its songs' sound go to {image}.")
            summary = import_original(library, original, clips=clips, reporter=reporter, mirror=True)
            tell(summary, clips, reporter)
            if summary.vectors and (summary.changed or not library.projections()):
                make_map(library, reporter=reporter)
            library.store_origin(state)
    return replace(settings, database=image)


def image_of(original: Path) -> Path:
    """Return where the mirror image of an original database is kept."""
    original = original.absolute()
    beside = original.with_name(f"{original.stem}.explorer")
    if os.access(beside if beside.is_dir() else original.parent, os.W_OK):
        return beside / "songs.db"
    mark = hashlib.sha256(os.fsencode(original)).hexdigest()[:12]
    return ROOT / "metadata" / "originals" / f"{original.stem} {mark}" / "songs.db"


def tell(summary: ImportSummary, clips: Path | None, reporter: Reporter) -> None:
    """Say what was found, and what was not."""
    reporter.say(
        f"{summary.songs:,} songs: {summary.vectors:,} with a vector, {summary.clips:,} with a clip"
        + (f" in {clips}." if clips else ".")
    )
    if summary.without_vector:
        reporter.say(f"Without a vector, so not on the map: {_some(summary.without_vector)}.")
    for song_id, reason in summary.skipped[:SHOWN]:
        reporter.say(f"Skipped: {song_id!r}, because {reason}.")
    if len(summary.skipped) > SHOWN:
        reporter.say(f"Skipped: {len(summary.skipped) - SHOWN:,} more vectors.")
    if clips is None:
        reporter.say("No song can be heard: name the folder of their clips with --audio.")
    elif summary.without_clip:
        reporter.say(f"Without a clip, so silent: {_some(summary.without_clip)}.")
    for song_id, reason in summary.unreadable[:SHOWN]:
        reporter.say(f"The clip of {song_id} is no sound: {reason}")
    if summary.repeated_genres:
        reporter.say(f"Genres that were written more than once count once: {summary.repeated_genres:,} rows.")
    if summary.strays:
        reporter.say(f"Genres of songs that are not there are left out: {summary.strays:,} rows.")


def _some(song_ids: list[str]) -> str:
    """Count songs, and name the first of them."""
    named = ", ".join(song_ids[:SHOWN])
    rest = len(song_ids) - SHOWN
    return f"{len(song_ids):,} ({named}{f' and {rest:,} more' if rest > 0 else ''})"


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
