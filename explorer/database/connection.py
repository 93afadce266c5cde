"""Opens songs.db for writing or reading, and checks every row that is read from it.

SQLite is used through apsw, in WAL mode: the web page can read while an index run writes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

import apsw

from explorer.database.foreign_schema import protect, refuse_foreign_schema
from explorer.database.row_reading import RowReader
from explorer.database.schema import MIGRATIONS
from explorer.database.sqlite_errors import damage_error, translate_errors
from explorer.errors import NoLibraryError, UnusableLibraryError
from explorer.util.commands import command_line

BUSY_TIMEOUT_MS = 5_000
READER_BUSY_TIMEOUT_MS = 1_000
MAX_WAIT_S = 600.0
"""How long a long run waits for another program that holds the library."""

_MAX_SLEEP_S = 0.1

_LIBRARY_TABLES = {"songs_vectors", "files", "state"}
"""Every version of a library has these tables; a database of the original scripts lacks some of them."""


class LibraryConnection(RowReader):
    """A connection to one songs.db. Only one thread may use it."""

    def __init__(self, connection: apsw.Connection, path: Path, stamp: tuple[int, ...] = ()):
        super().__init__(connection, path)
        self.stamp = stamp
        """The device, number, size and time of the file when it was opened. Another file at the same path has
        another stamp. SQLite changes the size and the time too, when it writes the log into the file."""

    _before_writing: Callable[[], None] | None = None
    """Called before each transaction; see `check_before_writing`."""

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
            protect(connection)
            connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            _refuse_foreign_database(connection, path)
            _use_wal(connection)
            connection.pragma("synchronous", "full")
            connection.pragma("foreign_keys", True)
            database = cls(connection, path, _stamp(path))
            database._migrate()
            refuse_foreign_schema(connection, path)
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
            connection, tables, stamp = _open_for_reading(path)
            version = connection.pragma("user_version")
        if not _is_library(connection, tables):
            connection.close()
            _refuse_original(path)
            raise UnusableLibraryError(
                f"{path} is not a library of this program: index a folder into another file."
            )
        if version != len(MIGRATIONS):
            connection.close()
            _refuse_newer(path, version)
            cls._migrate_file(path)
            return cls.open_readonly(path)
        refuse_foreign_schema(connection, path)
        return cls(connection, path, stamp)

    @classmethod
    def _migrate_file(cls, path: Path) -> None:
        """Migrate a file of an older version.

        Raises
        ------
        UnusableLibraryError
            If it cannot be written, too.
        """
        try:
            cls.open(path, create=False).close()
        except UnusableLibraryError as error:
            if not isinstance(error.__cause__, (apsw.CantOpenError, apsw.ReadOnlyError, PermissionError)):
                raise
            command = command_line("status", database=path)
            raise UnusableLibraryError(
                f"{path} was made by an older version of this program and must be changed once, but it "
                f"cannot be written: run `{command}` as a user who may, or copy it into another folder."
            ) from error

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
        _refuse_newer(self.path, version)
        if 0 < version < len(MIGRATIONS):
            # A migration copies tables: it would make a damaged library worse.
            for (text,) in self._unchecked_rows("PRAGMA integrity_check(1)"):
                if text != "ok":
                    raise damage_error(self.path, text)
        for number in range(version, len(MIGRATIONS)):
            with self.transaction():
                # Check again: another process may have migrated the file while this one waited for the lock.
                if self._connection.pragma("user_version") == number:
                    self._connection.execute(MIGRATIONS[number])
                    self._connection.pragma("user_version", number + 1)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the `with` block as one transaction: after a crash the file has all of its changes or none."""
        with translate_errors(self.path):
            if self._connection.in_transaction:
                with self._connection:  # A savepoint of the outer transaction.
                    yield
                return
            if self._before_writing is not None:
                self._before_writing()
            # apsw's own context manager would keep Python's lock (the GIL) while it waits for another
            # program; a plain statement lets other threads run.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            finally:
                if self._connection.in_transaction:  # SQLite rolls back itself after some errors.
                    self._connection.execute("ROLLBACK")

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Run the `with` block in one read transaction: it does not see what other programs write meanwhile.

        In a transaction that has already begun, the block is run in that one.
        """
        if self._connection.in_transaction:
            yield
            return
        with translate_errors(self.path):
            self._connection.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                if self._connection.in_transaction:
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
    # A library that has lost a table is damaged, and no original.
    return "songs_vectors" in tables and not tables >= _LIBRARY_TABLES and "roots" not in tables


def _refuse_original(path: Path) -> None:
    if is_original(path):
        raise UnusableLibraryError(
            f"{path} is a database of the original scripts, which this program never changes: open "
            f"it with `{command_line('serve --audio FOLDER', database=path)}`, or copy it into a library "
            f"with `{command_line('import', shlex.quote(str(path)))}`."
        )


def _refuse_newer(path: Path, version: int) -> None:
    if version > len(MIGRATIONS):
        raise UnusableLibraryError(
            f"{path} was written by a newer version (schema {version}; this version supports "
            f"{len(MIGRATIONS)}): update the program."
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
        raise UnusableLibraryError(f"{path} is another program's database: choose another file with --db.")
    refuse_foreign_schema(connection, path)


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
            protect(source)
        yield stack.enter_context(closing(source))


def pending_logs(path: Path) -> list[Path]:
    """Return a database's write-ahead log and rollback journal, if they exist and are not empty."""
    logs = []
    for log in (path.with_name(path.name + suffix) for suffix in ("-wal", "-journal")):
        with suppress(FileNotFoundError):
            if log.stat().st_size:
                logs.append(log)
    return logs


def _open_for_reading(path: Path) -> tuple[apsw.Connection, set[str], tuple[int, ...]]:
    """Return a read-only connection, the names of the tables, and the `stamp`."""
    before = _stamp(path)
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        protect(connection)
        connection.set_busy_timeout(READER_BUSY_TIMEOUT_MS)
        tables = _table_names(connection)
    except (apsw.CantOpenError, apsw.ReadOnlyError):
        # WAL needs to create a -shm file, which a read-only folder forbids. No program can write in such a
        # folder, so `immutable` is safe.
        connection.close()
        if os.access(path.parent, os.W_OK) or pending_logs(path):
            raise
        connection = _open_immutable(path)
        protect(connection)
        tables = _table_names(connection)
    except BaseException:
        connection.close()
        raise
    if _stamp(path)[:2] != before[:2]:  # Another file was put there meanwhile.
        connection.close()
        return _open_for_reading(path)
    return connection, tables, before


def _stamp(path: Path) -> tuple[int, ...]:
    state = path.stat()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


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
        command = command_line("index FOLDER", database=path)
        raise NoLibraryError(f"There is no library at {path}: make one with `{command}`.")
