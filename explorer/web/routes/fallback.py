"""Fallbacks for a song whose file is missing: copies and previews that were made while the file existed."""

from __future__ import annotations

from pathlib import Path

from explorer.audio.playable import copies_in, previews_in
from explorer.config import Settings
from explorer.database.records import StoredFile
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import copies_of


def fallback_copy(file: StoredFile, settings: Settings) -> tuple[Path, str] | None:
    """Return the FLAC copy that was made of a song, and its media type; None if there is none."""
    copies = copies_in(settings.transcodes)
    return (copies.path(file.fingerprint), "audio/flac") if copies.has(file.fingerprint) else None


def fallback_preview(file: StoredFile, settings: Settings) -> tuple[Path, str] | None:
    """Return a song's preview and its media type; None if no preview was made."""
    previews = previews_in(settings.previews)
    return (previews.path(file.fingerprint), "audio/mpeg") if previews.has(file.fingerprint) else None


def best_fallback(file: StoredFile, settings: Settings) -> str | None:
    """Return the best fallback of a song: "copy" (the whole song), "preview", or None."""
    if fallback_copy(file, settings) or _is_fetched(file, settings):
        return "copy"
    return "preview" if fallback_preview(file, settings) else None


def _is_fetched(file: StoredFile, settings: Settings) -> bool:
    """Tell whether a remote file has a local copy: playing a song makes one."""
    path = file.path
    if not isinstance(path, RemotePath):
        return False
    return copies_of(path, cache=settings.fetched).has(file.copy_key)
