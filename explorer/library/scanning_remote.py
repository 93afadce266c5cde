"""Which files a URL holds: the walk of `scanning`, by fsspec."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from explorer.errors import LibraryError
from explorer.library.music_file import ScannedFile
from explorer.library.remote import HTTP_SCHEMES, RemotePath, open_system, translate_remote_errors

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_TIMES = ("mtime", "LastModified", "last_modified", "updated", "modified", "Last-Modified", "created")
_MARKS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "checksum")


def remote_files(root: RemotePath, *, is_audio: object) -> list[ScannedFile]:
    """List the audio files below a URL, in the order of their names; hidden ones are passed over.

    Parameters
    ----------
    is_audio : callable
        Tells it by a file's name.

    Raises
    ------
    LibraryError
        If there is no such folder, or its server cannot be asked: what is not listed must not pass for gone.
    """
    system, path = open_system(root)
    system.invalidate_cache()
    try:
        with translate_remote_errors(root):
            if system.info(path)["type"] == "file" and root.scheme not in HTTP_SCHEMES:
                raise LibraryError(f"{root} is not a folder: name the folder that holds your music.")
            found = _find(system, path)
            files = list(_files(found, system, path, root, is_audio))
    except FileNotFoundError:
        raise LibraryError(f"{root} does not exist: name the folder that holds your music.") from None
    return sorted(files, key=lambda file: file.path)


def _find(system: AbstractFileSystem, path: str) -> dict[str, dict]:
    from fsspec.asyn import AsyncFileSystem

    own = getattr(type(system), "_find", None) not in (None, AsyncFileSystem._find)
    # Stores of objects list everything below at once, or fail; the others pass over folders that fail.
    return system.find(path, detail=True, **({} if own else {"on_error": "raise"}))


def _files(
    found: dict[str, dict], system: AbstractFileSystem, path: str, root: RemotePath, is_audio: object
) -> Iterator[ScannedFile]:
    prefix = path.rstrip("/") + "/"
    for name, info in found.items():
        below = name[len(prefix) :] if name.startswith(prefix) else name.lstrip("/")
        text = root.decode(below)
        parts = text.split("/")
        if info.get("type") == "directory" or any(part.startswith(".") for part in parts):
            continue
        if "" in parts or not is_audio(parts[-1]):
            continue
        if info.get("size") is None:
            info = {**info, **system.info(name)}
        yield ScannedFile(os.fsencode(text), int(info.get("size") or 0), modified_ns(info))


def modified_ns(info: dict) -> int:
    """Return what tells versions of a file apart: when it was changed, else a number made of its mark.

    Parameters
    ----------
    info : dict
        As fsspec's file systems give it, each in its own words.
    """
    for name in _TIMES:
        moment = _moment(info.get(name))
        if moment is not None:
            return moment
    mark = next((info[name] for name in _MARKS if info.get(name)), None)
    if mark is None:
        return 0
    return int.from_bytes(hashlib.blake2b(str(mark).encode(), digest_size=8).digest()) >> 1


def _moment(value: object) -> int | None:
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
