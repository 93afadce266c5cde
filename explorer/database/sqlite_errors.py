"""Turns SQLite's errors into one sentence for the user."""

from __future__ import annotations

import errno
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from explorer.errors import LibraryBusyError, UnusableLibraryError
from explorer.util.text import one_line

_MIN_FREE_BYTES = 65_536
_MAX_DETAIL = 200

_DAMAGE = (
    apsw.CorruptError,
    apsw.ConstraintError,
    apsw.FormatError,
    apsw.InternalError,
    apsw.MismatchError,
    apsw.NoMemError,
    apsw.NotFoundError,
    apsw.ProtocolError,
    apsw.RangeError,
    apsw.SchemaChangeError,
    apsw.SQLError,
    apsw.TooBigError,
)
"""The program's own queries fit a library, so these mean that the file is damaged or that another program has
changed its tables: a damaged size asks for too much memory, for example, and a table or column is missing."""


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a `LibraryError` with a message about the file.

    Raises
    ------
    LibraryBusyError
        If another program has locked the file.
    UnusableLibraryError
        For every other error.
    """
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise LibraryBusyError(
            f"{path} is busy: another program is writing to it; try again when it has finished."
        ) from error
    except apsw.NotADBError as error:
        raise UnusableLibraryError(
            f"{path} is not a songs.db, or its beginning is damaged: choose another file with --db, or "
            "restore it from a backup."
        ) from error
    except _DAMAGE as error:
        raise damage_error(path, str(error)) from error
    except apsw.FullError as error:
        raise UnusableLibraryError(_disk_full_message(path)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError, OSError) as error:
        if _is_disk_full(path, error):
            raise UnusableLibraryError(_disk_full_message(path)) from error
        raise UnusableLibraryError(
            f"{path} cannot be opened or written ({error}): check the folder's permissions and the disk."
        ) from error


@contextmanager
def translate_row_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors, and text that is not UTF-8, into a `LibraryError`, while rows are read."""
    with translate_errors(path):
        try:
            yield
        except UnicodeDecodeError as error:
            raise damage_error(path, "a text is not UTF-8") from error


def damage_error(path: Path, detail: str) -> UnusableLibraryError:
    """Return the error for a damaged library; `detail` says what is damaged."""
    # SQLite's message may hold many lines of SQL.
    detail = one_line(" ".join(detail.split())[:_MAX_DETAIL])
    return UnusableLibraryError(
        f"{path} is damaged ({detail}): restore it from a backup, or index into a new file; "
        f"`python run.py status --db {shlex.quote(str(path))}` lists all that is damaged, if the file can "
        "still be opened."
    )


def _disk_full_message(path: Path) -> str:
    return f"The disk of {path} is full: make room and run this again."


def _is_disk_full(path: Path, error: Exception) -> bool:
    """Return whether an error comes from a full disk; SQLite reports some of these as other I/O errors."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _MIN_FREE_BYTES
    return False
