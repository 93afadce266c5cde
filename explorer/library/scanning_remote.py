"""Lists the audio files below a URL, with fsspec. `scanning` uses it for remote folders."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile
from explorer.library.remote import HTTP_SCHEMES, RemotePath, open_system, translate_remote_errors

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_TIME_KEYS = ("mtime", "LastModified", "last_modified", "updated", "modified", "Last-Modified", "created")
_CHECKSUM_KEYS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "checksum")


def remote_files(root: RemotePath, *, prefix: bytes, is_audio: Callable[[str], bool]) -> list[ScannedFile]:
    """List the audio files below a URL, in the order of their names. Hidden files are skipped.

    Parameters
    ----------
    prefix : bytes
        Put before the path of each file: the path of `root` itself, empty or ending with `/`.
    is_audio : callable
        Decides by a file's name whether it is audio.

    Raises
    ------
    LibraryError
        If the folder does not exist, or its server cannot be reached: an incomplete list would make the
        missing files look deleted.
    """
    system, path = open_system(root)
    system.invalidate_cache()
    try:
        with translate_remote_errors(root):
            if system.info(path)["type"] == "file" and root.scheme not in HTTP_SCHEMES:
                raise LibraryError(f"{root} is not a folder: name the folder that holds your music.")
            files = list(_audio_files(system, path, root, prefix, is_audio))
    except FileNotFoundError:
        raise LibraryError(f"{root} does not exist: name the folder that holds your music.") from None
    return sorted(files, key=lambda file: file.path)


def _audio_files(
    system: AbstractFileSystem, folder: str, root: RemotePath, prefix: bytes, is_audio: Callable[[str], bool]
) -> Iterator[ScannedFile]:
    start = folder.rstrip("/") + "/"
    for name, info in _find(system, folder).items():
        relative = name[len(start) :] if name.startswith(start) else name.lstrip("/")
        path = root.decode(relative)
        parts = path.split("/")
        if info.get("type") == "directory" or any(part.startswith(".") for part in parts):
            continue
        if "" in parts or not is_audio(parts[-1]):
            continue
        if info.get("size") is None:
            info = {**info, **system.info(name)}
        yield ScannedFile(prefix + os.fsencode(path), int(info.get("size") or 0), modified_ns(info))


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
