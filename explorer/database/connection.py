"""Opening songs.db: one writer, many readers, and SQLite's errors as sentences.

SQLite through apsw, in WAL mode, so that a page can be read while an index runs.
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
PATIENCE_S = 600.0
"""How long a run that has worked for a while waits for another program."""

_LONGEST_NAP_S = 0.1
_LEAST_FREE_BYTES = 65_536

_OURS = {"songs_vectors", "files", "state"}
"""Tables that every version of a library has, and no original database."""


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
            If the file cannot be opened, is no database or one of the original scripts, or was written by
            a newer version.
        LibraryBusyError
            If another program holds it for longer than five seconds.
        """
        if not create:
            _require(path)
        _refuse_original(path)
        with speaking_plainly(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            connection = apsw.Connection(str(path))
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            _refuse_another_programs(connection, path)
            _use_wal(connection)
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
            # SQLite makes files beside a database in WAL mode even to read it.
            if not _version_in_file(path):
                _refuse_original(path)
            connection, tables = _open_to_read(path)
            version = connection.pragma("user_version")
        if not _is_ours(connection, tables):
            connection.close()
            _refuse_original(path)
            raise LibraryError(f"{path} holds no library of this program: index a folder into another file.")
        if version < len(MIGRATIONS):
            connection.close()
            cls.open(path, create=False).close()
            return cls.open_readonly(path)
        return cls(connection, path)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def wait_patiently(self, say: Callable[[str], None], *, most_s: float = PATIENCE_S) -> None:
        """From now on, wait for minutes while another program holds the library, and say so once each time.

        Parameters
        ----------
        say : callable
            Is told when it takes longer than the five seconds that are waited otherwise.
        most_s : float
            After so long it is `LibraryBusyError` all the same.
        """
        self._connection.set_busy_handler(_Patience(self.path, say, most_s).wait)

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
                # Another process may have done this step while this one waited for the lock.
                if self._connection.pragma("user_version") == number:
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


class _Patience:
    """What SQLite asks whether to go on waiting for another program."""

    def __init__(self, path: Path, say: Callable[[str], None], most_s: float) -> None:
        self._path = path
        self._say = say
        self._most_s = most_s
        self._began = 0.0
        self._has_said = False

    def wait(self, waited_before: int) -> bool:
        """Wait a moment; return False to give up."""
        now = time.monotonic()
        if not waited_before:
            self._began, self._has_said = now, False
        waited_s = now - self._began
        if waited_s >= BUSY_TIMEOUT_MS / 1000 and not self._has_said:
            self._has_said = True
            most = f"{self._most_s / 60:.0f} minutes at most"
            self._say(f"{self._path} is held by another program: waiting for it, {most}.")
        if waited_s >= self._most_s:
            return False
        time.sleep(min(_LONGEST_NAP_S, 0.001 * 2 ** min(waited_before, 10)))
        return True


def is_original(path: Path) -> bool:
    """Tell whether a file is a database of the original experiment's scripts, without changing anything.

    Raises
    ------
    LibraryError
        If it cannot be read, or is no database at all.
    """
    if not path.is_file():
        return False
    with speaking_plainly(path):
        logs = logs_beside(path)
        # A library of ours whose log is being written or was cut short: the scripts set no version.
        if logs and _version_in_file(path):
            return False
        try:
            with reading_untouched(path) as connection:
                tables = _tables(connection)
        except apsw.CorruptError:
            if not logs:
                raise
            return False  # Another process changed the files while they were copied.
    return "songs_vectors" in tables and not tables >= _OURS


def _refuse_original(path: Path) -> None:
    if is_original(path):
        raise LibraryError(
            f"{path} is a database of the original scripts, which is only read: look at it with "
            f"`python run.py serve --db {path} --audio FOLDER`, or copy it into a library with "
            f"`python run.py import {path}`."
        )


def _version_in_file(path: Path) -> int:
    """Return the version of a database's tables as the file has it, without what is in its log."""
    with path.open("rb") as file:
        return int.from_bytes(file.read(64)[60:], "big")


def _refuse_another_programs(connection: apsw.Connection, path: Path) -> None:
    # The tables first: a library that another process makes meanwhile has them and its version at once.
    tables = _tables(connection)
    if tables and not _is_ours(connection, tables):
        connection.close()
        raise LibraryError(f"{path} is another program's database: choose another file with --db.")


def _use_wal(connection: apsw.Connection) -> None:
    """Switch a database to WAL mode.

    SQLite fails at once, whatever the timeout, when another process switches at the same moment: retry.
    """
    give_up_at = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.pragma("journal_mode", "wal")
            return
        except apsw.BusyError:
            if time.monotonic() > give_up_at:
                raise
        time.sleep(_LONGEST_NAP_S / 10)


@contextmanager
def reading_untouched(path: Path) -> Iterator[apsw.Connection]:
    """Open a database so that neither it nor its folder is changed.

    SQLite opens a file that is said to be immutable without locks, and makes no file beside it. It would
    ignore a log that the last writer left, so then a copy of both is read.
    """
    with ExitStack() as stack:
        with speaking_plainly(path):
            if logs := logs_beside(path):
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="music-explorer-")))
                for file in [path, *logs]:
                    with suppress(FileNotFoundError):  # Its writer has just put a log into the file.
                        shutil.copyfile(file, folder / file.name)
            source = apsw.Connection(str(folder / path.name)) if logs else _immutable(path)
        yield stack.enter_context(closing(source))


def logs_beside(path: Path) -> list[Path]:
    """Return the logs with what the last writer of a database did not put into it."""
    found = []
    for log in (path.with_name(path.name + end) for end in ("-wal", "-journal")):
        with suppress(FileNotFoundError):
            if log.stat().st_size:
                found.append(log)
    return found


def _open_to_read(path: Path) -> tuple[apsw.Connection, set[str]]:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    connection.set_busy_timeout(READER_BUSY_TIMEOUT_MS)
    try:
        return connection, _tables(connection)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        # WAL needs to create a -shm file, which a read-only folder forbids. Nobody can write there, so
        # `immutable` is safe.
        connection.close()
        if os.access(path.parent, os.W_OK) or logs_beside(path):
            raise
        connection = _immutable(path)
        return connection, _tables(connection)


def _immutable(path: Path) -> apsw.Connection:
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    return apsw.Connection(f"file:{quote(os.fsencode(path.absolute()))}?immutable=1", flags=flags)


def _tables(connection: apsw.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def _is_ours(connection: apsw.Connection, tables: set[str]) -> bool:
    """Tell whether a database with these tables is a library; other programs count versions too."""
    return tables >= _OURS and connection.pragma("user_version") > 0


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
        raise LibraryError(_full(path)) from error
    except (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError, OSError) as error:
        told = f"{path} cannot be opened or written ({error}): check the folder's permissions, and the disk."
        raise LibraryError(_full(path) if _is_full(path, error) else told) from error


def _full(path: Path) -> str:
    return f"The disk of {path} is full: make room and run this again."


def _is_full(path: Path, error: Exception) -> bool:
    """Tell whether it is for want of room that SQLite failed: some of its files it makes by other ways."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    with suppress(OSError):
        return shutil.disk_usage(path.parent).free < _LEAST_FREE_BYTES
    return False
