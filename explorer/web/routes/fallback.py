"""What can still be played of a song whose file is missing: copies that were made while it was there."""

from __future__ import annotations

from pathlib import Path

from explorer.audio.previews import preview_path
from explorer.audio.transcoding import browser_type, copies_in
from explorer.config import Settings
from explorer.database.records import StoredFile
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import copies_of


def fallback_copy(file: StoredFile, settings: Settings) -> Path | None:
    """Return the FLAC copy of a whole song that `transcode` made for browsers, or None."""
    copy = copies_in(settings.transcodes).path(file.fingerprint)
    return copy if browser_type(file.format) is None and copy.is_file() else None


def fallback_preview(file: StoredFile, settings: Settings) -> Path | None:
    """Return a song's preview, or None if none was made."""
    preview = preview_path(settings.previews, file.fingerprint)
    return preview if preview.is_file() else None


def fallback_of(file: StoredFile, settings: Settings) -> str | None:
    """Return the best that can be played of a song without its file: "copy", "preview", or None."""
    if fallback_copy(file, settings) or _is_fetched(file, settings):
        return "copy"
    return "preview" if fallback_preview(file, settings) else None


def _is_fetched(file: StoredFile, settings: Settings) -> bool:
    """Tell whether there is a local copy of a remote file, made when it was played."""
    path = file.path
    if not isinstance(path, RemotePath):
        return False
    return copies_of(path, cache=settings.fetched).path(file.fingerprint).is_file()
