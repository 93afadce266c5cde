"""Tells a scan's files which cue sheets are beside them, so that a changed sheet is noticed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from explorer.library.music_file import ScannedFile
from explorer.library.scan import Scan


def with_sheets(scan: Scan) -> Scan:
    """Return a scan whose files know the cue sheets in their folders.

    Which of the sheets describes a file is not decided here: no sheet is opened. If one changes, all files in
    its folder count as changed, and are read again, but those with the same sound are not decoded.
    """
    if not scan.sheets:
        return scan
    by_folder: dict[bytes, list[ScannedFile]] = {}
    for sheet in sorted(scan.sheets, key=lambda sheet: sheet.path):
        by_folder.setdefault(_folder(sheet.path), []).append(sheet)
    # The names and the state are shared by all files of a folder.
    beside = {folder: (_names(sheets), _state(sheets)) for folder, sheets in by_folder.items()}
    none = ((), "")
    files = [
        replace(file, sheets=names, sheets_state=state) if names else file
        for file in scan.files
        for names, state in (beside.get(_folder(file.path), none),)
    ]
    return replace(scan, files=files)


def without_sheets(scan: Scan) -> Scan:
    """Return a scan whose files are to be read without cue sheets, also without those inside the files."""
    return replace(scan, files=[replace(file, sheets=(), sheets_state=None) for file in scan.files])


def _folder(path: bytes) -> bytes:
    return path[: path.rfind(b"/") + 1]


def _names(sheets: Sequence[ScannedFile]) -> tuple[bytes, ...]:
    return tuple(sheet.path[len(_folder(sheet.path)) :] for sheet in sheets)


def _state(sheets: Sequence[ScannedFile]) -> str:
    """Return a text that changes if a sheet is added, removed or changed."""
    described = [
        (name, sheet.size_bytes, sheet.modified_ns)
        for name, sheet in zip(_names(sheets), sheets, strict=True)
    ]
    return hashlib.blake2b(repr(described).encode(), digest_size=8).hexdigest()
