"""Lists the songs in a folder of music."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from explorer.errors import LibraryError
from explorer.library.extensions import AUDIO_EXTENSIONS as AUDIO_EXTENSIONS
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath
from explorer.library.scan import Scan as Scan
from explorer.library.scan_rules import (
    IGNORE_FILES,
    MAX_IGNORE_FILE_BYTES,
    FolderRules,
    ScanOptions,
    ignore_text,
)
from explorer.library.scanning_remote import scan_remote
from explorer.library.sheet_files import with_sheets, without_sheets
from explorer.library.stored_paths import find_link_target


def scan_folder(
    folder: Path | RemotePath,
    *,
    root: Path | RemotePath | None = None,
    options: ScanOptions | None = None,
) -> Scan:
    """List the songs in a folder or below a URL, in the order of their names.

    Hidden files and folders are left out, and so are folders of the system, as recycle bins, folders with an
    ignore file, and what the user excludes: see `scan_rules`. Links are followed; each folder is entered only
    once, so a link to a folder above it causes no endless loop. Files and folders that cannot be read are
    skipped, and listed in `Scan.unread`.

    Parameters
    ----------
    folder : Path or RemotePath
        The folder to list.
    root : Path or RemotePath, optional
        The folder that paths are relative to: `folder` or a folder above it. None for `folder`.
    options : ScanOptions, optional
        What the user chose for the root.

    Raises
    ------
    LibraryError
        If the folder does not exist or is a file, or a remote server cannot be reached.
    """
    root, options = root or folder, options or ScanOptions()
    scan = Scan(prefix=folder_prefix(folder, root), video=options.video)
    if isinstance(folder, RemotePath):
        scan_remote(folder, scan, root=root, options=options)
        return with_sheets(scan) if options.cue else without_sheets(scan)
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError:
        raise LibraryError(f"{folder} does not exist: name the folder that holds your music.") from None
    except OSError as error:
        raise LibraryError(
            f"{folder} cannot be read ({error.strerror}): check its disk and its permissions."
        ) from error
    if not is_folder:
        raise LibraryError(f"{folder} is not a folder: name the folder that holds your music.")
    _scan_local(folder, scan, root, options)
    return with_sheets(scan) if options.cue else without_sheets(scan)


def folder_prefix(folder: Path | RemotePath, root: Path | RemotePath) -> bytes:
    """Return a folder's path relative to a root: empty, or ending with `/`. Files' paths start with it."""
    inside = folder.relative_to(root)
    return b"" if inside == Path() else os.fsencode(inside.as_posix()) + b"/"


def _scan_local(folder: Path, scan: Scan, root: Path, options: ScanOptions) -> None:
    def read(inside: str) -> dict[str, str]:
        return _ignore_files(root / inside, [path.name for path in (root / inside).iterdir()])

    try:
        rules = FolderRules.above(os.fsdecode(scan.prefix), options, read)
    except OSError:
        scan.unread.append(scan.prefix)
        return
    _walk(os.fsencode(folder), scan.prefix, rules, scan, set(), os.fsencode(root.resolve()))


def _walk(
    folder: bytes,
    prefix: bytes,
    rules: FolderRules | None,
    scan: Scan,
    visited: set[tuple[int, int]],
    real_root: bytes,
) -> None:
    """Add the songs of a folder; `rules` are those of the folder above it, None if that is left out."""
    try:
        state = os.stat(folder)
        with os.scandir(folder) as iterator:
            entries = sorted(iterator, key=lambda entry: entry.name)
        ignore_files = _ignore_files(
            Path(os.fsdecode(folder)), [os.fsdecode(entry.name) for entry in entries]
        )
    except OSError:
        scan.unread.append(prefix)
        return
    if (rules := rules and rules.inside(os.fsdecode(prefix), ignore_files)) is None:
        scan.left_out.append(prefix)
        return
    if (state.st_dev, state.st_ino) in visited:
        return
    visited.add((state.st_dev, state.st_ino))
    is_outside = find_link_target(folder + b"/-", real_root) is not None
    for entry in entries:
        path = prefix + entry.name
        try:
            if entry.is_dir():
                if rules.leaves_out(os.fsdecode(path) + "/"):
                    scan.left_out.append(path + b"/")
                else:
                    _walk(entry.path, path + b"/", rules, scan, visited, real_root)
            elif scan.takes(path, rules) and entry.is_file():
                state = entry.stat()
                may_be_outside = is_outside or entry.is_symlink()
                target = find_link_target(entry.path, real_root) if may_be_outside else None
                modified_ns = _clip_to_64_bits(state.st_mtime_ns)
                scan.add(ScannedFile(path, state.st_size, modified_ns, link_target=target))
        except OSError:
            scan.unread.append(path)


def _ignore_files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the contents of the ignore files among the names in a folder, by name in lower case."""
    texts = {}
    for name in names:
        if name.lower() in IGNORE_FILES and (folder / name).is_file():
            with (folder / name).open("rb") as file:
                texts[name.lower()] = ignore_text(file.read(MAX_IGNORE_FILE_BYTES))
    return texts


def _clip_to_64_bits(modified_ns: int) -> int:
    """Clip a time to what SQLite can store: some file systems report times in the year 2400."""
    return max(-(1 << 63), min((1 << 63) - 1, modified_ns))
