"""Opens songs.db for writing or reading, and turns SQLite's errors into messages for the user.

SQLite is used through apsw, in WAL mode: the web page can read while an index run writes.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

import apsw

from explorer.database.schema import MIGRATIONS
from explorer.errors import LibraryBusyError, LibraryError, NoLibraryError

BUSY_TIMEOUT_MS = 5_000
READER_BUSY_TIMEOUT_MS = 1_000
MAX_WAIT_S = 600.0
"""How long a long run waits for another program that holds the library."""

_MAX_SLEEP_S = 0.1
_MIN_FREE_BYTES = 65_536

_LIBRARY_TABLES = {"songs_vectors", "files", "state"}
"""Every version of a library has these tables; a database of the original scripts lacks some of them."""


class LibraryConnection:
    """A connection to one songs.db. Only one thread may use it."""

    def __init__(self, connection: apsw.Connection, path: Path):
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open a library for writing, and create missing tables.

        Parameters
        ----------
        create : bool
            Whether to create the file if it does not exist.

        Raises
        ------
        NoLibraryError
            If the file does not exist and `create` is False.
        LibraryError
            If the file cannot be opened, is not a database, is a database of the original scripts, or was
            written by a newer version of this program.
        LibraryBusyError
            If another program holds the file for longer than five seconds.
        """
        if not create:
            _require_file(path)
        _refuse_original(path)
        with translate_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = apsw.Connection(str(path))
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            _refuse_foreign_database(connection, path)
            _use_wal(connection)
            connection.pragma("synchronous", "full")
            connection.pragma("foreign_keys", True)
            connection.transaction_mode = "IMMEDIATE"
            database = cls(connection, path)
            database._migrate()
        return database

    @classmethod
    def open_readonly(cls, path: Path) -> Self:
        """Open a library for reading; migrate a file of an older version first.

        Raises
        ------
        NoLibraryError
            If the file does not exist.
        LibraryError
            If the file is not a library of this program.
        LibraryBusyError
            If another program holds the file for longer than a second.
        """
        _require_file(path)
        with translate_errors(path):
            # Look for an original database before SQLite opens the file: SQLite creates files beside a WAL
            # database even when it only reads it. An original has no version in its header.
            if not _version_in_header(path):
                _refuse_original(path)
            connection, tables = _open_for_reading(path)
            version = connection.pragma("user_version")
        if not _is_library(connection, tables):
            connection.close()
            _refuse_original(path)
            raise LibraryError(f"{path} is not a library of this program: index a folder into another file.")
        if version < len(MIGRATIONS):
            connection.close()
            cls.open(path, create=False).close()
            return cls.open_readonly(path)
        return cls(connection, path)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def wait_for_other_programs(self, say: Callable[[str], None], *, max_wait_s: float = MAX_WAIT_S) -> None:
        """Wait up to `max_wait_s`, instead of five seconds, whenever another program holds the library.

        Parameters
        ----------
        say : callable
            Called with one message in each wait that lasts longer than five seconds.
        max_wait_s : float
            After this time the query raises `LibraryBusyError`.
        """
        self._connection.set_busy_handler(_BusyHandler(self.path, say, max_wait_s).wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _migrate(self) -> None:
        version = self._connection.pragma("user_version")
        if version > len(MIGRATIONS):
            raise LibraryError(
                f"{self.path} was written by a newer version (schema {version}; this version supports "
                f"{len(MIGRATIONS)}): update the program."
            )
        for number in range(version, len(MIGRATIONS)):
            with self._connection:
                # Check again: another process may have migrated the file while this one waited for the lock.
                if self._connection.pragma("user_version") == number:
                    self._connection.execute(MIGRATIONS[number])
                    self._connection.pragma("user_version", number + 1)

    def _rows(self, sql: str, bindings: tuple = ()) -> list[tuple]:
        with translate_errors(self.path):
            return self._connection.execute(sql, bindings).fetchall()

    def _value(self, sql: str, bindings: tuple = ()) -> object:
        rows = self._rows(sql, bindings)
        return rows[0][0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the `with` block as one transaction: after a crash the file has all of its changes or none."""
        with translate_errors(self.path), self._connection:
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run the `with` block in one read transaction. It does not see what other programs write."""
        with translate_errors(self.path):
            self._connection.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")


class _BusyHandler:
    """A busy handler for SQLite: it sleeps before each retry, and after five seconds it tells the user."""

    def __init__(self, path: Path, say: Callable[[str], None], max_wait_s: float) -> None:
        self._path = path
        self._say = say
        self._max_wait_s = max_wait_s
        self._started_at = 0.0
        self._has_said = False

    def wait(self, previous_calls: int) -> bool:
        """Sleep, and return whether SQLite must try again.

        SQLite calls this while the file is locked, and passes the number of earlier calls for this lock.
        """
        now = time.monotonic()
        if not previous_calls:
            self._started_at, self._has_said = now, False
        waited_s = now - self._started_at
        if waited_s >= BUSY_TIMEOUT_MS / 1000 and not self._has_said:
            self._has_said = True
            limit = f"{self._max_wait_s / 60:.0f} minutes at most"
            self._say(f"{self._path} is held by another program: waiting for it, {limit}.")
        if waited_s >= self._max_wait_s:
            return False
        time.sleep(min(_MAX_SLEEP_S, 0.001 * 2 ** min(previous_calls, 10)))
        return True


def is_original(path: Path) -> bool:
    """Return whether a file is a database of the original scripts. This writes nothing.

    Raises
    ------
    LibraryError
        If the file cannot be read or is not a database.
    """
    if not path.is_file():
        return False
    with translate_errors(path):
        logs = pending_logs(path)
        # The original scripts never set a version, so this is a library. Do not read its log: a copy of it
        # may be incomplete while another process writes.
        if logs and _version_in_header(path):
            return False
        try:
            with open_without_writing(path) as connection:
                tables = _table_names(connection)
        except apsw.CorruptError:
            if not logs:
                raise
            # The copy is inconsistent: another process wrote to the files while they were copied.
            return False
    return "songs_vectors" in tables and not tables >= _LIBRARY_TABLES


def _refuse_original(path: Path) -> None:
    if is_original(path):
        raise LibraryError(
            f"{path} is a database of the original scripts, which this program never changes: open "
            f"it with `python run.py serve --db {path} --audio FOLDER`, or copy it into a library with "
            f"`python run.py import {path}`."
        )


def _version_in_header(path: Path) -> int:
    """Return `user_version` from the header of the database file; the log is not read."""
    with path.open("rb") as file:
        return int.from_bytes(file.read(64)[60:], "big")


def _refuse_foreign_database(connection: apsw.Connection, path: Path) -> None:
    # Read the tables first and the version second (in `_is_library`). Another process that creates the
    # library commits both in one transaction. In the other order, this could read version 0 before that
    # commit and the tables after it, and refuse the new library.
    tables = _table_names(connection)
    if tables and not _is_library(connection, tables):
        connection.close()
        raise LibraryError(f"{path} is another program's database: choose another file with --db.")


def _use_wal(connection: apsw.Connection) -> None:
    """Switch a database to WAL mode.

    Retry: SQLite ignores its busy timeout here, and fails at once if another process switches the mode too.
    """
    give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if time.monotonic() > give_up_at:
                raise
        time.sleep(_MAX_SLEEP_S / 10)


@contextmanager
def open_without_writing(path: Path) -> Iterator[apsw.Connection]:
    """Open a database for reading without changing it or its folder.

    The database is opened as immutable: SQLite then takes no lock and creates no file beside it. In that mode
    SQLite also ignores the log. If there is a log, this reads a temporary copy of the database and its log.
    """
    with ExitStack() as stack:
        with translate_errors(path):
            if logs := pending_logs(path):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="music-explorer-")))
                for file in [path, *logs]:
                    with suppress(FileNotFoundError):  # A writer may have merged the log and deleted it.
                        shutil.copyfile(file, folder / file.name)
            source = apsw.Connection(str(folder / path.name)) if logs else _open_immutable(path)
        yield stack.enter_context(closing(source))


def pending_logs(path: Path) -> list[Path]:
    """Return a database's write-ahead log and rollback journal, if they exist and are not empty."""
    logs = []
    for log in (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")):
        with suppress(FileNotFoundError):
            if log.stat().st_size:
                logs.append(log)
    return logs


def _open_for_reading(path: Path) -> tuple[apsw.Connection, set[str]]:
    """Return a read-only connection and the names of the tables."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(READER_BUSY_TIMEOUT_MS)
    try:
        return connection, _table_names(connection)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        # WAL needs to create a -shm file, which a read-only folder forbids. No program can write in such a
        # folder, so `immutable` is safe.
        connection.close()
        if os.access(path.parent, os.W_OK) or pending_logs(path):
            raise
        connection = _open_immutable(path)
        return connection, _table_names(connection)


def _open_immutable(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(os.fsencode(path.absolute()))}?immutable=1", flags=flags)


def _table_names(connection: apsw.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def _is_library(connection: apsw.Connection, tables: set[str]) -> bool:
    """Return whether a database is a library. The version alone is not enough: other programs set it too."""
    return tables >= _LIBRARY_TABLES and connection.pragma("user_version") > 0


def _require_file(path: Path) -> None:
    if not path.exists():
        raise NoLibraryError(f"There is no library at {path}: make one with `python run.py index FOLDER`.")


@contextmanager
def translate_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into a `LibraryError` with a message about the file."""
    try:
        yield
    except (apsw.BusyError, apsw.LockedError) as error:
        raise LibraryBusyError(
            f"{path} is busy: another program is writing to it; try again when it has finished."
        ) from error
    except apsw.NotADBError as error:
        raise LibraryError(f"{path} is not a songs.db: choose another file with --db.") from error
    except apsw.CorruptError as error:
        raise LibraryError(
            f"{path} is damaged ({error}): restore it from a backup, or delete it and index again."
        ) from error
    except apsw.FullError as error:
        raise LibraryError(_disk_full_message(path)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError, OSError) as error:
        if _is_disk_full(path, error):
            raise LibraryError(_disk_full_message(path)) from error
        raise LibraryError(
            f"{path} cannot be opened or written ({error}): check the folder's permissions and the disk."
        ) from error


def _disk_full_message(path: Path) -> str:
    return f"The disk of {path} is full: make room and run this again."


def _is_disk_full(path: Path, error: Exception) -> bool:
    """Return whether an error comes from a full disk; SQLite reports some of these as other I/O errors."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _MIN_FREE_BYTES
    return False
