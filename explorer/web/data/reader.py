"""Opens songs.db for reading: all functions that answer one request share one connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask, g, has_app_context

from explorer.database.database import Database


@contextmanager
def open_library(path: Path) -> Iterator[Database]:
    """Yield a connection that reads songs.db.

    During a request the first call opens the connection and later calls reuse it; it is closed when the
    request ends. In a background thread there is no request: each `with` block opens and closes its own.
    Do not pass a connection to another thread.

    Raises
    ------
    LibraryError, LibraryBusyError
        As `Database.open_readonly` does.
    """
    if not has_app_context():
        with Database.open_readonly(path) as database:
            yield database
        return
    if "library" not in g:
        g.library = Database.open_readonly(path)
    yield g.library


def close_after_requests(app: Flask) -> None:
    """Make an app close the connection of each request when the request ends."""

    @app.teardown_appcontext
    def close(_error: BaseException | None) -> None:
        library = g.pop("library", None)
        if library is not None:
            library.close()
