"""Drops songs whose files are missing (`--prune`), also those of folders that do not exist any more."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.state import ANY
from explorer.errors import LibraryError
from explorer.indexing.running import index_lock
from explorer.library.confirmed_roots import is_confirmed
from explorer.library.remote import RemotePath, as_root, is_gone, is_gone_or_empty
from explorer.library.scanning import folder_prefix
from explorer.util.cache import Cache
from explorer.util.commands import command_line
from explorer.util.progress import Reporter, plural
from explorer.util.text import valid_text


@dataclass(frozen=True)
class _Part:
    """What lies under a folder in one root; `prefix` is the folder's path there, empty or ending with `/`."""

    root_id: int
    root: Path | RemotePath
    prefix: bytes


def prune(database: Database, folder: Path | RemotePath | str, *, force: bool = False) -> int:
    """Drop a folder's songs that are marked as missing, and delete their cached files.

    Returns
    -------
    int
        How many songs were dropped.

    Raises
    ------
    LibraryError
        If the folder belongs to no root, or more than half of a root's songs are missing, as when a disk is
        not connected, and `force` is not given. Nothing is dropped then.
    """
    folder = as_root(folder).expanduser().resolve()
    if not (parts := list(_parts_under(database, folder))):
        raise LibraryError(
            f"{valid_text(folder)} is not in the library, so nothing was pruned: name one of "
            f"{', '.join(database.roots()) or 'the folders that you have indexed'}."
        )
    songs = []
    for part in parts:
        missing, total = database.count_gone(part.root_id), database.count_files(part.root_id)
        if 2 * missing > total and not force:
            raise LibraryError(
                f"{missing:,} of the {total:,} songs of {valid_text(part.root)} are missing, so nothing was "
                "pruned: connect the missing disk, or add --force to drop these songs."
            )
        songs += database.gone_under(part.root_id, part.prefix)
    _clear_after_dropping(database, _forget(database, songs))
    return len(songs)


def prune_lost_folder(
    database: Database, folder: Path | RemotePath | str, *, force: bool = False, reporter: Reporter
) -> int:
    """Drop the songs and failures of a folder that does not exist any more, and the roots without songs.

    Returns
    -------
    int
        How many songs were dropped.

    Raises
    ------
    LibraryError
        If the library knows nothing of the folder; or if its root does not exist either, or the folder has
        more than half of the root's songs, and `force` is not given. Nothing is dropped then.
    LibraryBusyError
        If an index run uses the library.
    """
    folder = as_root(folder).expanduser().resolve()
    with index_lock(database.path, str(folder)):
        songs = _forget_lost_folder(database, folder, force=force)
    reporter.say(f"Pruned {valid_text(folder)}, which does not exist, and its {plural(songs, 'song')}.")
    return songs


def _forget_lost_folder(database: Database, folder: Path | RemotePath, *, force: bool) -> int:
    parts = list(_parts_under(database, folder))
    songs = [song for part in parts for song in database.songs_under(part.root_id, part.prefix)]
    total = sum(database.count_files(part.root_id) for part in parts)
    is_risky = 2 * len(songs) > total or any(is_gone_or_empty(part.root) for part in parts)
    if not parts or (songs and is_risky and not force):
        raise LibraryError(_lost_folder(folder, len(songs), Path(database.path)))
    with database.transaction():
        for part in parts:
            database.forget_failures_under(part.root_id, part.prefix)
        dropped = _forget(database, songs)
        for part in parts:
            if is_gone(part.root):
                database.forget_empty_root(part.root_id)
    _clear_after_dropping(database, dropped)
    return len(songs)


def require_folder(database: Database, folder: Path | RemotePath) -> None:
    """Raise a `LibraryError` if a folder of the library does not exist.

    It says how to keep or drop the folder's songs.
    """
    songs = [database.songs_under(part.root_id, part.prefix) for part in _parts_under(database, folder)]
    if any(songs) and is_gone(folder):
        raise LibraryError(_lost_folder(folder, sum(map(len, songs)), Path(database.path)))


def lost_roots(database: Database) -> dict[str, str]:
    """Return a sentence about each root folder that does not exist any more; empty if it has no songs.

    Servers are not asked: that could take minutes. Nor are roots looked at that the user did not give on this
    machine.
    """
    return {
        str(root): _lost_folder(root, songs, database.path) if (songs := database.count_files(number)) else ""
        for number, root in database.numbered_roots().items()
        if isinstance(root, Path) and is_confirmed(root) and is_gone(root)
    }


def _lost_folder(folder: Path | RemotePath, songs: int, database: Path) -> str:
    name = valid_text(folder)
    if not songs:
        return f"{name} does not exist: name the folder that holds your music."
    return (
        f"{name} does not exist, but the library has {plural(songs, 'song')} of it: connect the missing "
        "disk, index the folder where the music is now, or drop the songs with "
        f"`{command_line('index', shlex.quote(name), '--prune --force', database=database)}`."
    )


def _parts_under(database: Database, folder: Path | RemotePath) -> Iterator[_Part]:
    """Yield the root that a folder lies in, or the roots that lie in the folder."""
    for root_id, root in database.numbered_roots().items():
        if folder.is_relative_to(root):
            yield _Part(root_id, root, folder_prefix(folder, root))
        elif root.is_relative_to(folder):
            yield _Part(root_id, root, b"")


def _forget(database: Database, songs: list[tuple[str, str]]) -> set[str]:
    """Delete songs, given as id and fingerprint; return the fingerprints that no song has any more."""
    database.forget_songs([song_id for song_id, _ in songs])
    if songs:
        database.increment_map_revision()
    return {fingerprint for _, fingerprint in songs} - database.known_sounds(which=ANY, outdated_too=True)


def _clear_after_dropping(database: Database, fingerprints: set[str]) -> None:
    settings = Settings(database=Path(database.path))
    clear_caches(settings, fingerprints)
    # The moments of all songs are in one file: the next search makes it again, without the dropped songs.
    Cache(settings.moments).remove(settings.database.name)


def clear_caches(settings: Settings, fingerprints: set[str]) -> None:
    """Delete what was made from the files with these fingerprints: previews, copies, waveforms and so on."""
    for folder in (settings.previews, settings.transcodes, settings.waveforms, settings.spectrograms):
        for fingerprint in fingerprints:
            Cache(folder).remove(fingerprint)
