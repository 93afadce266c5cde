"""Drops songs whose files are missing (`--prune`)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from explorer.config import Settings
from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.library.remote import RemotePath, as_root
from explorer.library.scanning import folder_prefix


def prune(database: Database, folder: Path | RemotePath | str, *, force: bool = False) -> int:
    """Drop a folder's songs that are marked as missing, and delete their cached files.

    Returns
    -------
    int
        How many songs were dropped.

    Raises
    ------
    LibraryError
        If more than half of the root's songs are missing, as when a disk is not connected, and `force` is
        not given. Nothing is dropped then.
    """
    folder = as_root(folder).expanduser().resolve()
    root_id, root = database.find_or_add_root(folder)
    missing, total = database.count_gone(root_id), database.count_files(root_id)
    if 2 * missing > total and not force:
        raise LibraryError(
            f"{missing:,} of the {total:,} songs of {root} are missing, so nothing was pruned: connect the "
            "missing disk, or add --force to drop these songs."
        )
    songs = database.gone_under(root_id, folder_prefix(folder, root))
    database.forget_songs([song_id for song_id, _ in songs])
    if songs:
        database.increment_map_revision()
        dropped = {fingerprint for _, fingerprint in songs} - database.known_sounds(outdated_too=True)
        clear_caches(Settings(database=Path(database.path)), dropped)
    return len(songs)


def clear_caches(settings: Settings, fingerprints: set[str]) -> None:
    """Delete what was made from the files with these fingerprints: previews, FLAC copies and waveforms."""
    for cache in (settings.previews, settings.transcodes, settings.waveforms):
        for fingerprint in fingerprints:
            for folder in (cache, cache / fingerprint[:2]):
                for file in folder.glob(f"{fingerprint}*"):
                    # A file that is being played cannot be deleted on some systems. It stays; the user may
                    # delete a cache at any time.
                    with suppress(OSError):
                        file.unlink()
