"""Folders of music that are no folders of this machine: any URL that fsspec can list and read.

A `RemotePath` stands where a `Path` does: it can be joined, compared and named. What opens files gets a copy
from `explorer.library.remote_copies`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit
from urllib.request import url2pathname

from explorer.errors import LibraryError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

REQUIREMENTS = "requirements-distributed.txt"

# A single letter is a Windows drive. Path has made one slash of two.
_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)
QUOTED = ("http", "https")
"""Where a name is not written as it is, and a folder is a page like any other."""


@dataclass(frozen=True, order=True)
class RemotePath:
    """A URL of a folder or a file, without a slash at its end."""

    url: str

    @property
    def scheme(self) -> str:
        """What comes before `://`."""
        return self.url.partition("://")[0]

    @property
    def name(self) -> str:
        """The last part, as people write it."""
        return self.plain(self.url.partition("://")[2].rpartition("/")[2])

    @property
    def suffix(self) -> str:
        """The name's extension, with its dot."""
        return os.path.splitext(self.name)[1]

    def plain(self, text: str) -> str:
        """Return a part of the URL as people write it."""
        return unquote(text) if self.scheme in QUOTED else text

    def __truediv__(self, part: str | os.PathLike) -> RemotePath:
        text = os.fspath(part).strip("/")
        return RemotePath(f"{self.url}/{quote(text) if self.scheme in QUOTED else text}") if text else self

    def __fspath__(self) -> str:
        return self.url

    def __str__(self) -> str:
        return self.url

    def is_relative_to(self, other: object) -> bool:
        """Tell whether it is another URL or lies below it."""
        other = as_root(other) if isinstance(other, (str, os.PathLike)) else other
        return isinstance(other, RemotePath) and f"{self.url}/".startswith(f"{other.url}/")

    def relative_to(self, other: object) -> Path:
        """Return the way here from a URL above.

        Raises
        ------
        ValueError
            If it is none.
        """
        if not self.is_relative_to(other):
            raise ValueError(f"{self} does not lie below {other}")
        return Path(self.plain(self.url[len(as_root(other).url) :]).strip("/"))

    def expanduser(self) -> RemotePath:
        """Return itself: a URL has no home."""
        return self

    def resolve(self) -> RemotePath:
        """Return itself: a URL has no links."""
        return self

    def absolute(self) -> RemotePath:
        """Return itself: a URL is."""
        return self

    def as_uri(self) -> str:
        """Return it as other programs want URLs, quoted."""
        scheme, _, rest = self.url.partition("://")
        return self.url if scheme in QUOTED else f"{scheme}://{quote(rest)}"

    def stat(self) -> os.stat_result:
        """Refuse: nobody knows more of it than its size and when it changed."""
        raise OSError(f"{self} is no file of this machine")

    def is_file(self) -> bool:
        """Tell whether it is a file that can be reached now."""
        try:
            return self._info()["type"] == "file"
        except (FileNotFoundError, LibraryError):
            return False

    def is_there(self) -> bool:
        """Tell whether there is such a file or folder.

        Raises
        ------
        LibraryError
            If its server cannot be asked.
        """
        try:
            self._info()
        except FileNotFoundError:
            return False
        return True

    def _info(self) -> dict:
        system, path = open_system(self)
        with speaking_plainly(self):
            return system.info(path)


@contextmanager
def speaking_plainly(path: RemotePath) -> Iterator[None]:
    """Turn what servers and their clients raise into a sentence, but for FileNotFoundError."""
    try:
        yield
    except LibraryError:
        raise
    except Exception as error:
        if isinstance(error, FileNotFoundError) and not _is_away(path, error):
            raise
        raise LibraryError(
            f"{path} cannot be reached ({said(error)}): check the address, the network and the credentials."
        ) from error


def _is_away(path: RemotePath, error: FileNotFoundError) -> bool:
    """Tell whether fsspec calls a server missing a file: on the web it makes no difference."""
    return path.scheme in QUOTED and not isinstance(error.__cause__, (FileNotFoundError, NoneType))


def said(error: Exception) -> str:
    """Return an error of another library on one short line."""
    return " ".join(str(error).split())[:200].rstrip(".") or type(error).__name__


def as_root(place: str | os.PathLike | RemotePath) -> Path | RemotePath:
    """Return what a user, or songs.db, calls a folder: a path, or a URL as a RemotePath."""
    if isinstance(place, RemotePath):
        return place
    text = os.fspath(place)
    found = _URL.fullmatch(text)
    if not found or (isinstance(place, Path) and place.exists()):
        return Path(place)
    scheme, rest = found[1].lower(), found[2].rstrip("/")
    if scheme in ("file", "local"):
        return Path(url2pathname(urlsplit(f"file:///{rest}").path))
    return RemotePath(f"{scheme}://{rest}")


def is_there(path: Path | RemotePath) -> bool:
    """Tell whether there is such a file or folder, wherever it is.

    Raises
    ------
    LibraryError
        If a server cannot be asked.
    """
    return path.is_there() if isinstance(path, RemotePath) else os.path.lexists(path)


def is_missing(root: Path | RemotePath, path: Path | RemotePath) -> bool:
    """Tell whether a file has gone from a folder that is there; of what cannot be asked, nobody knows."""
    try:
        return is_there(root) and not is_there(path)
    except LibraryError:
        return False


def open_system(path: RemotePath) -> tuple[AbstractFileSystem, str]:
    """Return fsspec's file system for a URL, and what it calls it.

    Raises
    ------
    LibraryError
        If fsspec or the package for that kind of URL is missing, or nobody knows the kind.
    """
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(path.url)
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
