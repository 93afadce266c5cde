"""Paths of remote folders and files: any URL that fsspec can list and read.

A `RemotePath` has those methods of a `Path` that do not open files, for example to join and compare paths.
Code that must open a remote file gets a local copy from `explorer.library.remote_copies`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from explorer.errors import LibraryError

if TYPE_CHECKING:
    from aiohttp import TraceRequestRedirectParams
    from fsspec import AbstractFileSystem

REQUIREMENTS = "requirements-distributed.lock"

# A scheme has at least two letters, because one letter is a Windows drive. One slash after the colon is
# enough, because Path replaces `//` with `/`.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)
HTTP_SCHEMES = ("http", "https")
"""Schemes with percent-encoded URLs. fsspec cannot tell their folders from files: both are web pages."""


@dataclass(frozen=True, order=True)
class RemotePath:
    """The URL of a folder or file, without a slash at the end."""

    url: str

    @property
    def scheme(self) -> str:
        """The part before `://`."""
        return self.url.partition("://")[0]

    @property
    def name(self) -> str:
        """The last part of the URL, without percent-encoding."""
        return self.decode(self.url.partition("://")[2].rpartition("/")[2])

    @property
    def suffix(self) -> str:
        """The extension of the name, with its dot."""
        return os.path.splitext(self.name)[1]

    def decode(self, text: str) -> str:
        """Return a part of the URL without percent-encoding."""
        return unquote(text) if self.scheme in HTTP_SCHEMES else text

    def __truediv__(self, part: str | os.PathLike) -> RemotePath:
        text = os.fspath(part).strip("/")
        if self.scheme in HTTP_SCHEMES:
            text = quote(text, errors="surrogateescape")  # A stored path need not be valid text.
        return RemotePath(f"{self.url}/{text}") if text else self

    def __fspath__(self) -> str:
        return self.url

    def __str__(self) -> str:
        return self.url

    def is_relative_to(self, other: object) -> bool:
        """Return whether this URL equals another URL or is below it."""
        other = as_root(other) if isinstance(other, (str, os.PathLike)) else other
        return isinstance(other, RemotePath) and f"{self.url}/".startswith(f"{other.url}/")

    def relative_to(self, other: object) -> Path:
        """Return the path of this URL relative to another URL.

        Raises
        ------
        ValueError
            If this URL is not below the other URL.
        """
        if not self.is_relative_to(other):
            raise ValueError(f"{self} does not lie below {other}")
        return Path(self.decode(self.url[len(as_root(other).url) :]).strip("/"))

    def expanduser(self) -> RemotePath:
        """Return itself: a URL has no `~`."""
        return self

    def resolve(self) -> RemotePath:
        """Return itself: links in a URL are not resolved."""
        return self

    def absolute(self) -> RemotePath:
        """Return itself: a URL is always absolute."""
        return self

    def as_uri(self) -> str:
        """Return the URL with percent-encoding, as other programs expect it."""
        scheme, _, rest = self.url.partition("://")
        return self.url if scheme in HTTP_SCHEMES else f"{scheme}://{quote(rest, errors='surrogateescape')}"

    def stat(self) -> os.stat_result:
        """Raise OSError: a URL has no file status."""
        raise OSError(f"{self} is not a local file")

    def is_file(self) -> bool:
        """Return whether this is a file that can be reached now."""
        try:
            return self._info()["type"] == "file"
        except (FileNotFoundError, LibraryError):
            return False

    def is_there(self) -> bool:
        """Return whether the file or folder exists.

        Raises
        ------
        LibraryError
            If its server cannot be reached.
        """
        try:
            self._info()
        except FileNotFoundError:
            return False
        return True

    def _info(self) -> dict:
        system, path = open_system(self)
        with translate_remote_errors(self):
            return system.info(path)


@contextmanager
def translate_remote_errors(path: RemotePath) -> Iterator[None]:
    """Turn errors of servers and fsspec into a `LibraryError`; do not change a FileNotFoundError."""
    try:
        yield
    except LibraryError:
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not _means_unreachable(path, error):
            raise
        raise LibraryError(
            f"{path} cannot be reached ({one_line(error)}): check the address, the network and the "
            "credentials."
        ) from error


def _means_unreachable(path: RemotePath, error: FileNotFoundError) -> bool:
    """Return whether the server could not be reached: fsspec raises FileNotFoundError for that over HTTP."""
    return path.scheme in HTTP_SCHEMES and not isinstance(error.__cause__, (FileNotFoundError, NoneType))


def one_line(error: Exception) -> str:
    """Return the message of a package's error on one line of at most 200 characters."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def as_root(place: str | os.PathLike | RemotePath) -> Path | RemotePath:
    """Return the Path or, for a URL, the RemotePath of a text from the user or songs.db."""
    if isinstance(place, RemotePath):
        return place
    text = os.fspath(place)
    url = _URL.fullmatch(text)
    if not url or (isinstance(place, Path) and place.exists()):
        return Path(place)
    scheme, rest = url[1].lower(), url[2].rstrip("/")
    if scheme in ("file", "local"):
        return Path(url2pathname(urlsplit(f"file:///{rest}").path))
    return RemotePath(f"{scheme}://{rest}")


def file_exists(path: Path | RemotePath) -> bool:
    """Return whether a local or remote file or folder exists.

    Raises
    ------
    LibraryError
        If the server cannot be reached.
    """
    return path.is_there() if isinstance(path, RemotePath) else os.path.lexists(path)


def is_gone(folder: Path | RemotePath) -> bool:
    """Return whether a folder does not exist; False if it cannot be read or its server is unreachable."""
    try:
        if isinstance(folder, RemotePath):
            open_system(folder)[0].invalidate_cache()
            return not folder.is_there()
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError, LibraryError):
        pass
    return False


def is_gone_or_empty(folder: Path | RemotePath) -> bool:
    """Return whether a folder is gone, or a local folder is empty: unmounted disks leave empty folders."""
    if isinstance(folder, RemotePath):
        return is_gone(folder)
    try:
        return is_gone(folder) or next(folder.iterdir(), None) is None
    except OSError:
        return False


def is_missing(root: Path | RemotePath, path: Path | RemotePath) -> bool:
    """Return whether a root folder exists and a file in it does not; False if a server is unreachable."""
    try:
        return file_exists(root) and not file_exists(path)
    except LibraryError:
        return False


def open_system(path: RemotePath) -> tuple[AbstractFileSystem, str]:
    """Return fsspec's file system for a URL, and the URL's path in that file system.

    Raises
    ------
    LibraryError
        If fsspec or the package for the URL's scheme is not installed, or fsspec does not know the scheme.
    """
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(path.url, **(_http_options() if path.scheme in HTTP_SCHEMES else {}))
    except ImportError as error:
        raise LibraryError(
            f"{path} needs a package that is not installed ({error}): run `pip install -r {REQUIREMENTS}`."
        ) from error
    except ValueError as error:
        raise LibraryError(
            f"{path} cannot be used ({error}): name a folder, or a URL that fsspec knows."
        ) from error
    except Exception as error:
        raise LibraryError(f"{path} cannot be opened ({type(error).__name__}: {error}).") from error


@cache
def _http_options() -> dict:
    """Return options for fsspec: refuse redirects from the user's server to another one, except by https.

    Otherwise a server could make this program ask the services of this machine and its network, which trust
    it. These have no certificate that would be accepted.
    """
    from aiohttp import TraceConfig

    trace = TraceConfig()
    trace.on_request_redirect.append(_check_redirect)
    return {"client_kwargs": {"trace_configs": [trace]}}


async def _check_redirect(_session: object, _context: object, request: TraceRequestRedirectParams) -> None:
    here = request.response.url
    target = here.join(type(here)(request.response.headers.get("Location", "")))
    if target.scheme != "https" and (target.host, target.port) != (here.host, here.port):
        raise PermissionError(f"{here.host} redirects to another server, {target.host}, without https")
