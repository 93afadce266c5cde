"""Sentences about what is not known of songs yet, and the command that finds it out."""

from __future__ import annotations

from explorer.database.database import Database
from explorer.util.commands import index_command

NOT_HEARD_YET = (
    "This song has not been heard in full yet: what is inside it appears when the index run goes on."
)


def _command(library: Database, song_id: str, *, windows: bool = True) -> str:
    """Return the command that indexes a song's folder, or that of the library if the song has no file."""
    file = library.file_of(song_id)
    roots = library.roots() if file is None else [file.root]
    return index_command(roots, windows=windows, database=library.path)


def missing_inside(library: Database, song_id: str, *, has_windows: bool, has_features: bool) -> str | None:
    """Return a sentence about what is not known of a song's inside, and what to do; None if nothing is."""
    if has_windows and has_features:
        return None
    if not has_windows and library.awaits_windows(song_id):
        return NOT_HEARD_YET
    command = _command(library, song_id, windows=not has_windows)
    if has_windows:
        return f"Tempo, key and loudness of this song were not measured yet: run `{command}`."
    if has_features:
        return f"Which parts of this song sound alike is not known yet: run `{command}`."
    return f"What is inside this song is not known yet: run `{command}`."


def missing_moments(library: Database, song_id: str) -> str:
    """Return a sentence about a song without windows, when its moments were asked for."""
    if library.awaits_windows(song_id):
        return NOT_HEARD_YET
    return f"The moments of this song are not known yet: run `{_command(library, song_id)}`."


def missing_match(library: Database, song_ids: tuple[str, ...]) -> str | None:
    """Return a sentence about songs that were to be compared; None if all have windows."""
    missing = [song_id for song_id in song_ids if library.windows_of(song_id) is None]
    for song_id in missing:
        if not library.awaits_windows(song_id):
            command = _command(library, song_id)
            return f"Moments of one of these songs are not known yet: run `{command}`."
    if missing:
        return (
            "One of these songs has not been heard in full yet: where both sound alike appears when the "
            "index run goes on."
        )
    return None
