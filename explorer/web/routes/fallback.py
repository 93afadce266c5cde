"""Fallbacks for a song whose file is missing: copies and previews that were made while the file existed."""

from __future__ import annotations

from pathlib import Path

from explorer.audio.playable import copies_in, preview_path
from explorer.config import Settings
from explorer.database.records import StoredFile
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import copies_of


def fallback_copy(file: StoredFile, settings: Settings) -> tuple[Path, str] | None:
    """Return the FLAC copy that was made of a song, and its media type; None if there is none."""
    copy = copies_in(settings.transcodes).path(file.fingerprint)
    return (copy, "audio/flac") if copy.is_file() else None


def fallback_preview(file: StoredFile, settings: Settings) -> tuple[Path, str] | None:
    """Return a song's preview and its media type; None if no preview was made."""
    preview = preview_path(settings.previews, file.fingerprint)
    return (preview, "audio/mpeg") if preview.is_file() else None


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
    return copies_of(path, cache=settings.fetched).path(file.copy_key).is_file()
