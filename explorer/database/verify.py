"""Queries that check songs.db: they also return damaged and inconsistent values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import apsw

from explorer.database.foreign_schema import protect
from explorer.database.records import absolute_path
from explorer.database.sqlite_errors import damage_error, translate_row_errors
from explorer.database.state import COARSE, FULL, SHOWN, StateTables
from explorer.errors import LibraryBusyError, UnusableLibraryError
from explorer.library.music_file import WHOLE, Part
from explorer.library.stored_paths import locate

_BLOBS_PER_BATCH = 4096
_MAX_PROBLEMS = 10


QUICKLY_CHECKED_BYTES = 64 << 20
"""Checking a file of this size takes 0.2 s."""


@dataclass(frozen=True)
class SourceFile:
    """The file that a song's vector was made from.

    Attributes
    ----------
    path : Path
        Absolute path; only a name until `located` has checked it.
    size_bytes, modified_ns, fingerprint
        The size, modification time and fingerprint of the file when the vector was computed.
    duration_s : float
        Duration of the decoded audio.
    part : Part
        The part of the file that is the song. The fingerprint is that of the part.
    root, inside, link_target
        As `StoredFile` has them.
    """

    path: Path
    size_bytes: int
    modified_ns: int
    fingerprint: str
    duration_s: float
    part: Part = WHOLE
    root: str = ""
    inside: bytes = b""
    link_target: bytes | None = None

    def located(self) -> SourceFile:
        """Return this with the path to open; raise a `ForbiddenFileError` as `locate` does."""
        return replace(self, path=locate(self.root, self.inside, link_target=self.link_target))


class VerifyTables(StateTables):
    """Queries that also work on a damaged library; they change nothing."""

    def integrity_problems(self) -> list[str]:
        """Return the first ten problems that SQLite finds in the file and in the index of the search.

        This reads the whole file: 1.5 s for 100,000 songs if the file is in the memory of the system.
        SQLite's quick_check would take 1.2 s, but does not compare indexes with their tables: a song that is
        missing in an index is not found by its id.
        """
        try:
            rows = self._unchecked_rows(f"PRAGMA integrity_check({_MAX_PROBLEMS})")
        except LibraryBusyError:
            raise
        except UnusableLibraryError as error:
            return [str(error.__cause__ or error)]
        # SQLite may report several problems as the lines of one text.
        problems = [line for (text,) in rows if text != "ok" for line in str(text).splitlines() if line]
        return [" ".join(line.split()) for line in problems[:_MAX_PROBLEMS]] or self._search_problems()

    def _search_problems(self) -> list[str]:
        """Compare the index of the search with its texts, if the file can be written.

        FTS5 offers this only as a statement that writes. It changes nothing, and is rolled back.
        """
        with (
            suppress(
                apsw.BusyError, apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError, apsw.IOError
            ),
            closing(apsw.Connection(str(self.path), flags=apsw.SQLITE_OPEN_READWRITE)) as connection,
        ):
            protect(connection)
            # Without this, closing the last connection would write the log into the file.
            connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
            connection.execute("BEGIN IMMEDIATE")
            try:
                connection.execute("INSERT INTO song_words(song_words, rank) VALUES ('integrity-check', 1)")
            except (apsw.CorruptError, apsw.SQLError) as error:
                return [f"the index of the search does not fit the songs' texts: {error}"]
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
        return []

    def require_undamaged(self) -> None:
        """Raise an error if `integrity_problems` finds any.

        Raises
        ------
        UnusableLibraryError
            If the file is damaged.
        """
        if problems := self.integrity_problems():
            raise damage_error(self.path, problems[0])

    def check_before_writing(self) -> None:
        """Check the whole file: a small one at once, a large one in a thread, while this connection reads.

        The first write waits for the check. Both raise as `require_undamaged` does. A file that is busy is
        not checked.
        """
        if self.path.stat().st_size <= QUICKLY_CHECKED_BYTES:
            self._check_file()
            return
        executor = ThreadPoolExecutor(1, "check")
        self._before_writing = executor.submit(self._check_file).result
        executor.shutdown(wait=False)

    def _check_file(self) -> None:
        with suppress(LibraryBusyError), type(self).open_readonly(self.path) as library:
            library.require_undamaged()

    def stray_rows(self) -> dict[str, int]:
        """Count, per table, the rows that refer to a missing song, root, cluster or projection."""
        counts: dict[str, int] = {}
        for table, *_ in self._unchecked_rows("PRAGMA foreign_key_check"):
            counts[table] = counts.get(table, 0) + 1
        return counts

    def vectors_without_song(self) -> list[str]:
        """Return the sorted ids of shown vectors whose song does not exist."""
        rows = self._unchecked_rows(
            f"""SELECT song_id FROM {self._shown_table} WHERE song_id NOT IN (SELECT id FROM songs)
                ORDER BY song_id"""
        )
        return [str(song_id) for (song_id,) in rows]

    def songs_without_vector(self) -> list[str]:
        """Return the sorted ids of songs without a shown vector."""
        rows = self._unchecked_rows(
            f"SELECT id FROM songs WHERE id NOT IN (SELECT song_id FROM {self._shown_table}) ORDER BY id"
        )
        return [str(song_id) for (song_id,) in rows]

    def vector_blobs(self) -> Iterator[list[tuple[str, object]]]:
        """Yield the song id and the value of every shown vector, ordered by id, in batches of 4,096."""
        with translate_row_errors(self.path):
            cursor = self._connection.execute(
                f"SELECT song_id, embedding FROM {self._shown_table} ORDER BY song_id"
            )
            while rows := list(islice(cursor, _BLOBS_PER_BATCH)):
                yield rows

    def source_files(self) -> dict[str, SourceFile]:
        """Return the file of each song that has a file and a shown vector, by song id."""
        return self._source_files(self._has_vector(SHOWN))

    def files_without_coarse(self) -> dict[str, SourceFile]:
        """Return the file of each song that has a full vector, no coarse one, and a file that exists."""
        return self._source_files(
            f"""{self._has_vector(FULL)} AND NOT {self._has_vector(COARSE)} AND gone_since IS NULL
                AND NOT EXISTS (
                SELECT 1 FROM failures WHERE failures.root_id = files.root_id AND failures.path = files.path
            )"""
        )

    def _source_files(self, condition: str) -> dict[str, SourceFile]:
        rows = self._rows(
            f"""SELECT song_id, roots.path, files.path, size_bytes, modified_ns, fingerprint, duration_s,
                    track, start_s, end_s, link_target
                FROM files JOIN roots ON roots.id = root_id WHERE {condition}"""
        )
        return {
            song_id: SourceFile(absolute_path(root, path), *rest, Part(*part), root, path, link_target)
            for song_id, root, path, *rest, part, link_target in (
                (*row[:-4], row[-4:-1], row[-1]) for row in rows
            )
        }

    def stored_positions(self) -> dict[str, dict[str, tuple[float, float, int | None]]]:
        """Return the stored x, y and `near` of each song, by projection and song id."""
        places: dict[str, dict] = {name: {} for (name,) in self._rows("SELECT name FROM projections")}
        rows = self._unchecked_rows("SELECT projection, song_id, x, y, near FROM positions")
        for name, song_id, x, y, near in rows:
            places.setdefault(name, {})[song_id] = (x, y, near)
        return places

    def stored_quality(self) -> dict[str, dict]:
        """Return the quality figures of each projection; an empty dict if they are not a JSON object."""
        figures: dict[str, dict] = {}
        for name, text in self._rows("SELECT name, quality FROM projections ORDER BY name"):
            figures[name] = {}
            with suppress(ValueError):
                quality = json.loads(text)
                figures[name] = quality if isinstance(quality, dict) else {}
        return figures

    def size_bytes(self) -> int:
        """Return the size on disk of the database and its write-ahead log."""
        total = 0
        for suffix in ("", "-wal"):
            with suppress(OSError):
                total += Path(f"{self.path}{suffix}").stat().st_size
        return total

    def titles(self) -> dict[str, tuple[str, str]]:
        """Return each song's title and artists, by song id."""
        rows = self._song_rows("SELECT song_id, title, artist FROM song_texts")
        return {song_id: (title or song_id, artist) for song_id, title, artist in rows}
