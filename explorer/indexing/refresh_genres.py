"""Settles where a folder's genres come from, and brings those of known songs in line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.library.genres import KINDS, GenreSource, open_genre_source
from explorer.library.music_file import ScannedFile
from explorer.library.remote_copies import as_local
from explorer.library.tags import read_tags
from explorer.util.progress import Reporter

AUTO = "auto"


def settle_genres(
    database: Database, root_id: int, files: Iterable[ScannedFile], asked: str | None, *, reporter: Reporter
) -> GenreSource:
    """Open what genres are taken from: what was asked for, now or for this root before, else what files tell.

    Parameters
    ----------
    files : iterable of ScannedFile
        Those that were found, relative to the root; known ones count too where the layout is judged.
    asked : str, optional
        `auto`, `tags`, `folder` or a table's path.

    Raises
    ------
    LibraryError
        If a table was asked for that cannot be read as one.
    """
    paths = {file.path for file in files} | set(database.known_files(root_id))
    if asked is not None:
        return open_genre_source(as_choice(asked), paths=paths)
    recorded = database.genre_choice(root_id) or AUTO
    try:
        return open_genre_source(recorded, paths=paths)
    except LibraryError as error:
        reporter.say(f"{error} Genres are taken from tags and folders this time.")
        return open_genre_source(AUTO, paths=paths)


def as_choice(asked: str) -> str:
    """Return what was asked for so that it means the same in another folder."""
    return asked if asked in KINDS else str(Path(asked).expanduser().absolute())


def tell_unknown(source: GenreSource, reporter: Reporter) -> None:
    """Say of how many songs a table, or the folders, knew nothing."""
    if source.unknown and not source.known and source.choice not in KINDS:
        reporter.say(
            f"NONE of {source.unknown:,} songs is in {source.choice}: neither its paths nor its artists and "
            "titles are theirs, so they have the genres that their tags name."
        )
    elif source.unknown and source.choice not in ("auto", "tags"):
        where = "lie in no such folder" if source.choice == "folder" else f"are not in {source.choice}"
        reporter.say(f"{source.unknown:,} songs {where}: they have the genres that their tags name.")


def bring_in_line(
    database: Database,
    root: Path,
    root_id: int,
    files: Iterable[ScannedFile],
    source: GenreSource,
    *,
    reporter: Reporter,
) -> int:
    """Give known songs the genres that a source has for them; return how many have others than before.

    From now on the source is the root's. Nothing is decoded. An imported song of whose genre nothing is said
    keeps those that it came with.
    """
    known = database.song_ids_by_path(root_id)
    todo = [(file, known[file.path]) for file in files if file.path in known]
    genres = database.genres()
    changed: dict[str, tuple[str, ...]] = {}
    with reporter.counting("Reading genres", total=len(todo)) as counter:
        for file, song_id in todo:
            with as_local(root / os.fsdecode(file.path)) as path:
                found = source.genres(file, read_tags(path))
            if found != genres.get(song_id, ()) and (found or not database.was_imported(song_id)):
                changed[song_id] = found
            counter.advance()
    # As one: a choice that is remembered holds for every song that is known.
    with database.transaction():
        database.store_genres(changed)
        database.choose_genres(root_id, source.choice)
    return len(changed)
