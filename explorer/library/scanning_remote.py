"""Lists the songs below a URL, with fsspec. `scanning` uses it for remote folders."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from typing import TYPE_CHECKING

from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile
from explorer.library.remote import HTTP_SCHEMES, RemotePath, open_system, translate_remote_errors
from explorer.library.scan import Scan
from explorer.library.scan_rules import IGNORE_FILES, FolderRules, ScanOptions, ignore_text
from explorer.library.stored_paths import stays_inside

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_TIME_KEYS = ("mtime", "LastModified", "last_modified", "updated", "modified", "Last-Modified", "created")
_CHECKSUM_KEYS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "checksum")


def scan_remote(folder: RemotePath, scan: Scan, *, root: RemotePath, options: ScanOptions) -> None:
    """Add the songs below a URL to a scan, in the order of their names.

    Parameters
    ----------
    scan : Scan
        Its `prefix` is the path of the folder.
    root : RemotePath
        The folder that paths are relative to: `folder` or a folder above it.
    options : ScanOptions
        What the user chose for the root.

    Raises
    ------
    LibraryError
        If the folder does not exist, or its server cannot be reached: an incomplete list would make the
        missing files look deleted.
    """
    system, path = open_system(folder)
    system.invalidate_cache()
    try:
        with translate_remote_errors(folder):
            if system.info(path)["type"] == "file" and folder.scheme not in HTTP_SCHEMES:
                raise LibraryError(f"{folder} is not a folder: name the folder that holds your music.")
            _add_songs(system, _listed(system, path, folder, scan.prefix), scan, root, options)
    except FileNotFoundError:
        raise LibraryError(f"{folder} does not exist: name the folder that holds your music.") from None
    scan.files.sort(key=lambda file: file.path)


def _listed(
    system: AbstractFileSystem, path: str, folder: RemotePath, prefix: bytes
) -> dict[str, tuple[str, dict]]:
    """Return the name and the description by fsspec of each file below a folder, by path below the root."""
    start, listed = path.rstrip("/") + "/", {}
    for name, info in _find(system, path).items():
        relative = name[len(start) :] if name.startswith(start) else name.lstrip("/")
        inside = folder.decode(relative)
        if info.get("type") != "directory" and stays_inside(inside, is_url=True):
            listed[os.fsdecode(prefix) + inside] = name, info
    return listed


def _add_songs(
    system: AbstractFileSystem,
    listed: dict[str, tuple[str, dict]],
    scan: Scan,
    root: RemotePath,
    options: ScanOptions,
) -> None:
    """Add the songs among the listed files to a scan."""
    prefix = os.fsdecode(scan.prefix)
    ignore_files: dict[str, dict[str, str]] = {}
    for path, (name, info) in listed.items():
        if (base := path.rpartition("/")[2].lower()) in IGNORE_FILES:
            ignore_files.setdefault(_folder(path), {})[base] = _text(system, name, base, info.get("size"))
    rules_above = FolderRules.above(prefix, options, lambda folder: _unlisted_ignore_files(root / folder))

    @cache
    def rules_of(folder: str) -> FolderRules | None:
        above = rules_above if folder == prefix else rules_of(_folder(folder.rstrip("/")))
        rules = above and above.inside(folder, ignore_files.get(folder, {}))
        if rules is None and (above or folder == prefix):
            scan.left_out.append(os.fsencode(folder))
        return rules

    for path, (name, info) in listed.items():
        rules, encoded = rules_of(_folder(path)), os.fsencode(path)
        if rules is not None and scan.takes(encoded, rules):
            if info.get("size") is None:
                info = {**info, **system.info(name)}
            scan.add(ScannedFile(encoded, int(info.get("size") or 0), modified_ns(info)))


def _folder(path: str) -> str:
    """Return the path of the folder of a file: empty, or ending with `/`."""
    return path[: path.rfind("/") + 1]


def _unlisted_ignore_files(folder: RemotePath) -> dict[str, str]:
    texts = {}
    for base in IGNORE_FILES:
        system, name = open_system(folder / base)
        with suppress(FileNotFoundError):
            texts[base] = _text(system, name, base, system.info(name).get("size"))
    return texts


def _text(system: AbstractFileSystem, name: str, base: str, size: int | None) -> str:
    # Reading an empty object is an error on some servers.
    if base == ".nomedia" or size == 0:
        return ""
    return ignore_text(system.cat_file(name))


def _find(system: AbstractFileSystem, path: str) -> dict[str, dict]:
    from fsspec.asyn import AsyncFileSystem

    has_own_find = getattr(type(system), "_find", None) not in (None, AsyncFileSystem._find)
    # Object stores list everything in one request: an error is an error of the whole list. Other systems
    # list each folder by itself, and skip a folder that fails unless `on_error` is "raise".
    return system.find(path, detail=True, **({} if has_own_find else {"on_error": "raise"}))


def modified_ns(info: dict) -> int:
    """Return a number that changes when a file changes: its time in ns, else a hash of its checksum, else 0.

    Parameters
    ----------
    info : dict
        A file's description by fsspec; the keys depend on the file system.
    """
    for key in _TIME_KEYS:
        time_ns = _parse_time(info.get(key))
        if time_ns is not None:
            return time_ns
    checksum = next((info[key] for key in _CHECKSUM_KEYS if info.get(key)), None)
    if checksum is None:
        return 0
    return int.from_bytes(hashlib.blake2b(str(checksum).encode(), digest_size=8).digest()) >> 1


def _parse_time(value: object) -> int | None:
    """Return a time in nanoseconds since 1970; None if the value is not a time."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            try:
                value = parsedate_to_datetime(value)
            except ValueError:
                return None
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    return round(value * 1_000_000) * 1_000 if isinstance(value, (int, float)) else None
