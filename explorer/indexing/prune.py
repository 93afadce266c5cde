"""Drops songs whose files are gone, when that is asked for."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.library.remote import RemotePath, as_root


def prune(database: Database, folder: Path | RemotePath | str, *, force: bool = False) -> int:
    """Drop the songs of a folder that are marked as gone, and what was cached of them.

    Returns
    -------
    int
        How many songs were dropped.

    Raises
    ------
    LibraryError
        If more than half of the songs of the library's folder are gone, as when a disk is missing, unless
        `force` is given. Nothing is dropped then.
    """
    folder = as_root(folder).expanduser().resolve()
    root_id, root = database.find_or_add_root(folder)
    everywhere, total = database.count_gone(root_id), database.count_files(root_id)
    if 2 * everywhere > total and not force:
        raise LibraryError(
            f"{everywhere:,} of the {total:,} songs of {root} are not there, so nothing was pruned: connect "
            "the disk that is missing, or add --force to drop them all the same."
        )
    inside = folder.relative_to(root)
    prefix = b"" if inside == Path() else inside.as_posix().encode("utf-8", "surrogateescape") + b"/"
    songs = database.gone_under(root_id, prefix)
    database.forget_songs([song_id for song_id, _ in songs])
    if songs:
        database.increment_map_revision()
        still = database.known_sounds()
        _clear_caches(Settings(database=Path(database.path)), {mark for _, mark in songs} - still)
    return len(songs)


def _clear_caches(settings: Settings, marks: set[str]) -> None:
    for cache in (settings.previews, settings.transcodes, settings.waveforms):
        for mark in marks:
            for folder in (cache, cache / mark[:2]):
                for file in folder.glob(f"{mark}*"):
                    # What is being played just now stays: a later prune does not find it, and a cache may be
                    # deleted at any time.
                    with suppress(OSError):
                        file.unlink()
