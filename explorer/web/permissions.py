"""Decides who may change the library through the page: drop songs, add them to it, and draw the map again."""

from __future__ import annotations

from dataclasses import dataclass

from explorer.config import Settings
from explorer.errors import NoLibraryError
from explorer.library.confirmed_roots import describe_unconfirmed, unconfirmed
from explorer.util.text import printable
from explorer.web.data.reader import open_library
from explorer.web.security import RefusedError

_FOR_OTHER_MACHINES = (
    "Other machines can reach this server, so nobody may drop songs or draw the map again: start it with "
    "--allow-changes to let everybody do so."
)


@dataclass(frozen=True)
class Restrictions:
    """Sentences that say what the page cannot do now, and what to do about it; empty if it can.

    Attributes
    ----------
    songs : str
        About a library that was made elsewhere: songs that must not be read, or are read from another folder.
    songs_title : str
        The same in a few words.
    changes : str
        Why nobody may change the library through the page.
    """

    songs: str = ""
    changes: str = ""
    songs_title: str = ""


NO_RESTRICTIONS = Restrictions()


def find_restrictions(settings: Settings) -> Restrictions:
    """Return what the page cannot do now.

    Raises
    ------
    LibraryError
        If songs.db cannot be read.
    """
    title, songs = _about_songs(settings)
    return Restrictions(songs, songs if settings.allow_changes else _FOR_OTHER_MACHINES, title)


def _about_songs(settings: Settings) -> tuple[str, str]:
    """Return the title and the sentence about a library that was made elsewhere."""
    try:
        with open_library(settings.database) as library:
            roots = library.roots()
    except NoLibraryError:
        return "", ""
    if (folder := settings.songs_folder) is not None:
        return "Read-only library", (
            f"This library was made from {printable(', '.join(roots))}, but its songs are now read from "
            f"{folder}, so the library cannot be changed here: index {folder} to allow it."
        )
    missing = unconfirmed(roots)
    if not missing:
        return "", ""
    title = "Songs cannot be played" if len(missing) == len(roots) else "Some songs cannot be played"
    return title, describe_unconfirmed(missing)


def require_changes(settings: Settings) -> None:
    """Raise a `RefusedError` with the status 403 if the library may not be changed through the page."""
    if not settings.allow_changes:
        raise RefusedError(403, _FOR_OTHER_MACHINES)
    _, sentence = _about_songs(settings)
    if sentence:
        raise RefusedError(403, sentence)
