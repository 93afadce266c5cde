"""Opening songs.db: one writer, many readers, and SQLite's errors as sentences.

SQLite through apsw, in WAL mode, so that a page can be read while an index runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import apsw

from explorer.errors import LibraryBusyError, LibraryError, NoLibraryError
from explorer.library.schema import MIGRATIONS

BUSY_TIMEOUT_MS = 5_000
READER_BUSY_TIMEOUT_MS = 1_000


class LibraryFile:
    """A connection to one songs.db, for one thread: opening, transactions, errors; no query."""

    def __init__(self, connection: apsw.Connection, path: Path):
        self._connection = connection
        self.path = path

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open for writing, making the file and its tables where they are missing.

        Raises
        ------
        NoLibraryError
            If there is no such file and none is to be made.
        LibraryError
            If the file cannot be opened, is no database, or was written by a newer version.
        LibraryBusyError
            If another program holds it for longer than five seconds.
        """
        if not create:
            _require(path)
        with speaking_plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = apsw.Connection(str(path))
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            connection.pragma("journal_mode", "wal")
            connection.pragma("synchronous", "full")
            connection.pragma("foreign_keys", True)
            connection.transaction_mode = "IMMEDIATE"
            database = cls(connection, path)
            database._migrate()
        return database

    @classmethod
    def open_readonly(cls, path: Path) -> Self:
        """Open for reading; a file of an older version is brought up to date first.

        Raises
        ------
        NoLibraryError
            If there is no such file.
        LibraryError
            If it is no database of this program.
        LibraryBusyError
            If another program holds it for longer than a second.
        """
        _require(path)
        with speaking_plainly(path):
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            connection.set_busy_timeout(READER_BUSY_TIMEOUT_MS)
            version = connection.pragma("user_version")
        if version == 0:
            connection.close()
            raise LibraryError(f"{path} holds no library of this program: index a folder into another file.")
        if version < len(MIGRATIONS):
            connection.close()
            cls.open(path, create=False).close()
            return cls.open_readonly(path)
        return cls(connection, path)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _migrate(self) -> None:
        version = self._connection.pragma("user_version")
        if version > len(MIGRATIONS):
            raise LibraryError(
                f"{self.path} was written by a newer version (schema {version}, this one knows "
                f"{len(MIGRATIONS)}): update the program."
            )
        for number in range(version, len(MIGRATIONS)):
            with self._connection:
                self._connection.execute(MIGRATIONS[number])
                self._connection.pragma("user_version", number + 1)

    def _rows(self, sql: str, bindings: tuple = ()) -> list[tuple]:
        with speaking_plainly(self.path):
            return self._connection.execute(sql, bindings).fetchall()

    def _value(self, sql: str, bindings: tuple = ()) -> object:
        rows = self._rows(sql, bindings)
        return rows[0][0] if rows else None

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Make everything inside one transaction: all of it is there after a crash, or none."""
        with speaking_plainly(self.path), self._connection:
            yield

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Read everything inside from one state of the library, whatever is written meanwhile."""
        with speaking_plainly(self.path):
            self._connection.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                self._connection.execute("ROLLBACK")


def _require(path: Path) -> None:
    if not path.exists():
        raise NoLibraryError(f"There is no library at {path}: make one with `python run.py index FOLDER`.")


@contextmanager
def speaking_plainly(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences about the file."""
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
        raise LibraryError(f"The disk of {path} is full: make room and run this again.") from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError, OSError) as error:
        raise LibraryError(
            f"{path} cannot be opened or written ({error}): check the folder's permissions."
        ) from error
