"""Kills `index` many times, then compares the library with that of a run that was not killed.

    .venv/bin/python benchmarks/kills.py [--kills 12] [--songs 24] [--seed 0]

The real command indexes short synthetic songs, copies of some of them, copies with other tags, and broken
files; it also makes previews and a map. SIGKILL ends it at seeded random moments: mostly while songs are
still missing, in the first look or in the full pass, and some just after the last song, around the moment
when the full vectors replace the coarse ones. After three of four kills a power cut is simulated too (see
powercut.py). The rounds take turns: with a first look at an empty library; without, on a library that already
has the first ten files and a map; with a first look at such a library; and without, on an empty library, with
the precision `auto`, so that the run measures precisions first.

After every kill, the database must pass SQLite's integrity and foreign key checks. It must still contain all
rows that it had before, except those that a disk loses if it reports writes before they are done. No process
may still run. Triggers log each stored row: nothing may be stored twice in the same pass. A round ends with a
run that is not killed. Then all tables must equal those of a run that was not killed, row by row, except
`runs` and the times of the precision trial, and all previews must be equal byte by byte. With a first look,
also the coarse vectors must have been equal; the places on the map depend on the moments at which it grew, so
only their number is compared. The exit status is 1 on any difference. Linux only.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import mutagen
from common import ROOT, Options, make_music, print_head, print_table
from powercut import CUTS, LYING, cut_power

from explorer.database.database import Database
from explorer.embedding.openvino_engine import native_precisions

KILLS_PER_ROUND = 4
LOOK_WINDOWS = 2
SWITCH_LIMIT_S = 20.0
"""A run is killed at most this long after its last song, while it makes the map of the full vectors."""


class Kind(NamedTuple):
    """A kind of round."""

    name: str
    is_empty: bool
    precision: str = ""
    """Empty is a fixed one."""
    first_look: int = 0


KINDS = (
    Kind("first look", True, first_look=LOOK_WINDOWS),
    Kind("known songs", False),
    Kind("known songs, first look", False, first_look=LOOK_WINDOWS),
    Kind("precisions", True, "auto"),
)

FIRST_FILES = 10
SONG_S = 6.0
MAX_DELAY_S = 0.1
"""A run is killed at most this long after the awaited number of files was stored."""

PROCESS_END_LIMIT_S, RUN_LIMIT_S = 20.0, 300.0

# The program refuses triggers that it has not made. Those of `_LOG` are allowed here, and in the process
# that makes the map.
_ALLOW = "from explorer.database import connection\nconnection.refuse_foreign_schema = lambda *_: None\n"
_EXPLORER = [
    sys.executable,
    "-c",
    f"{_ALLOW}from explorer.indexing import growing_map\n"
    f"start, main = growing_map._START_CODE.split('from', 1)\n"
    f"growing_map._START_CODE = start + {_ALLOW!r} + 'from' + main\n"
    "import explorer.__main__",
]
_MARK = "EXPLORER_KILLS"
_LOG = "".join(
    f"CREATE TRIGGER log_{table}_{what} AFTER {what} ON {table} BEGIN "
    f"INSERT INTO stored VALUES ({name}, new.{key}); END;"
    for table, key, name in (
        ("songs_vectors", "song_id", "'songs_vectors'"),
        # The preview start is stored by the full pass.
        ("files", "song_id", "'files ' || (new.preview_start_s IS NULL)"),
        ("failures", "path", "'failures'"),
    )
    for what in ("INSERT", "UPDATE")
) + (
    "CREATE TABLE coarse_log(song_id TEXT, embedding BLOB);"
    "CREATE TRIGGER log_coarse AFTER INSERT ON coarse_vectors BEGIN "
    "INSERT INTO coarse_log VALUES (new.song_id, new.embedding); "
    "INSERT INTO stored VALUES ('coarse_vectors', new.song_id); END;"
)
_STORED = ("song ids", "songs_vectors", "coarse_log", "file fingerprints", "failures")
"""What no kill may lose, and what a run without kills has too. The first look stores files in part."""

_QUERIES = {
    # Row numbers are left out: they depend on the order of the songs, and on what was stored again.
    "song_texts": "SELECT song_id, title, artist, album, genres FROM song_texts",
    "song_spellings": """SELECT song_id, song_spellings.title, song_spellings.artist, song_spellings.album,
        song_spellings.genres FROM song_spellings JOIN song_texts USING (number)""",
    "state": "SELECT * FROM state WHERE key <> 'precision_trial'",
}
_MORE_QUERIES = {
    "song ids": "SELECT id FROM songs",
    "file fingerprints": "SELECT song_id, path, track, fingerprint, audio_fingerprint FROM files",
    "places": "SELECT projection, song_id FROM positions",
}
_OF_MAP = {"positions", "projections", "clusters", "song_clusters"}
_STATE_OF_MAP = {"map_revision", "neighbourhood"}


class DifferenceError(Exception):
    """A library differs from what it must be."""


class Library:
    """A library that the real command makes in runs that can be killed."""

    def __init__(self, music: Path, folder: Path, kind: Kind, *, base: Path | None, options: list) -> None:
        self.database = folder / "songs.db"
        self._folder = folder
        self._command = [*_EXPLORER, "index", str(music), "--db", str(self.database), *options]
        self._command += ["--weights", "untrained", "--hop", "1.0", "--precision", kind.precision]
        self._command += ["--first-look", str(kind.first_look)]
        if base:
            shutil.copytree(base, folder)
            return
        folder.mkdir()
        Database.open(self.database).close()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(f"CREATE TABLE stored(what TEXT, who BLOB); {_LOG}")

    def index(self, *options: str, stored: int = 0, kill_after_s: float = RUN_LIMIT_S) -> bool:
        """Run `index`; wait until the library has `stored` rows, and kill it `kill_after_s` seconds later.

        Files and full vectors are counted, so the count grows in both passes.

        Returns
        -------
        bool
            Whether the run ended by itself.
        """
        with tempfile.TemporaryFile("w+") as log:
            process = subprocess.Popen(
                [*self._command, *options],
                cwd=ROOT,
                env=os.environ | {_MARK: str(self._folder)},
                stdout=log,
                stderr=log,
            )
            while stored and process.poll() is None and self._count_stored() < stored:
                time.sleep(0.02)
            try:
                status = process.wait(kill_after_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                self._require_no_process()
                return False
            log.seek(0)
            text = log.read()
        if status not in (0, 3) or "Traceback" in text:
            raise DifferenceError(f"exit status {status}: {text[-500:]}")
        return True

    def _count_stored(self) -> int:
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                return connection.execute(
                    "SELECT (SELECT count(*) FROM files) + (SELECT count(*) FROM songs_vectors)"
                ).fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def _require_no_process(self) -> None:
        """Wait until all processes that the command started have ended; they must end by themselves."""
        deadline = time.monotonic() + PROCESS_END_LIMIT_S
        while running := [path.name for path in Path("/proc").glob("[0-9]*") if self._has_started(path)]:
            if time.monotonic() > deadline:
                raise DifferenceError(f"processes still run: {', '.join(running)}")
            time.sleep(0.05)

    def _has_started(self, process: Path) -> bool:
        try:
            return f"{_MARK}={self._folder}\0".encode() in (process / "environ").read_bytes()
        except OSError:
            return False

    def rows(self) -> dict[str, list[tuple]]:
        """Read the rows of all tables, from a copy: opening and closing the database would change it."""
        with tempfile.TemporaryDirectory() as copy:
            for file in self.database.parent.glob(f"{self.database.name}*"):
                if not file.name.endswith("-shm") and file.is_file():
                    shutil.copy(file, copy)
            with closing(sqlite3.connect(Path(copy) / self.database.name)) as connection:
                return _read_checked(lambda query: connection.execute(query).fetchall())

    def previews(self) -> dict[str, bytes]:
        """Read the previews by file name, without the incomplete files of killed runs."""
        files = (self._folder / "previews").rglob("*")
        return {file.name: file.read_bytes() for file in files if file.is_file() and file.suffix != ".part"}


def _read_checked(query_rows) -> dict[str, list[tuple]]:
    """Check the database, and return the rows of each table."""
    for check, expected in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
        if (problems := query_rows(f"PRAGMA {check}")) != expected:
            raise DifferenceError(f"{check}: {problems[:3]}")
    if twice := query_rows("SELECT what, who FROM stored GROUP BY what, who HAVING count(*) > 1"):
        raise DifferenceError(f"stored more than once: {twice[:3]}")
    tables = query_rows(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'song\\_words%' ESCAPE '\\' "
        "AND name NOT IN ('runs', 'stored')"
    )
    queries = {table: _QUERIES.get(table, f"SELECT * FROM {table}") for (table,) in tables} | _MORE_QUERIES
    return {table: sorted(query_rows(query), key=repr) for table, query in queries.items()}


def require_kept(before: dict, now: dict, reference: dict, *, may_lose: bool) -> None:
    """Check that no rows were lost, and that the run without kills has all rows of this library."""
    for table in _STORED:
        if not may_lose and (lost := set(before[table]) - set(now[table])):
            raise DifferenceError(f"{table} lost {len(lost)} rows")
        if unexpected := set(now[table]) - set(reference[table]):
            raise DifferenceError(
                f"{table} has {len(unexpected)} rows that the run without kills does not have"
            )


def require_equal(library: Library, reference: dict, previews: dict[str, bytes], *, has_grown: bool) -> None:
    """Check that a library has the same rows and previews as that of the run without kills.

    `has_grown` leaves out what depends on the moments at which the map has grown.
    """
    rows = library.rows()
    if has_grown:
        for tables in (rows, reference):
            tables["state"] = [row for row in tables["state"] if row[0] not in _STATE_OF_MAP]
    for table, expected in reference.items():
        if has_grown and table in _OF_MAP:
            continue
        if rows.get(table) != expected:
            raise DifferenceError(f"{table} differs in {len(set(rows.get(table, [])) ^ set(expected))} rows")
    if library.previews() != previews:
        raise DifferenceError("the previews differ")


def write_music(folder: Path, *, songs: int) -> None:
    """Write short songs, copies, copies with other tags, and broken files."""
    make_music(folder, songs=songs, seconds=SONG_S, suffixes=(".flac", ".ogg", ".mp3"))
    written = sorted(folder.iterdir())
    for number, path in enumerate(written[:: max(1, songs // 4)]):
        shutil.copy(path, folder / f"copy {number}{path.suffix}")
        retagged = mutagen.File(shutil.copy(path, folder / f"retagged {number}{path.suffix}"), easy=True)
        if retagged.tags is None:
            retagged.add_tags()
        retagged.update({"title": f"Another title {number}", "genre": "Retagged"})
        retagged.save()
    (folder / "broken.mp3").write_bytes(b"no sound at all " * 100)
    (folder / "empty.flac").touch()
    (folder / "cut.flac").write_bytes(written[0].read_bytes()[:300])


def count_stored(rows: dict) -> int:
    """Count files and full vectors."""
    return len(rows["files"]) + len(rows["songs_vectors"])


def run_round(
    library: Library, kind: Kind, kills: int, seconds: float, reference: tuple, rng: random.Random
) -> Iterator[str]:
    """Kill up to `kills` runs, and compare the library after each kill and at the end.

    Yields the numbers of coarse and full vectors at each kill. `seconds` is the duration of the run without
    kills. If a run ends before it is killed, the round ends.
    """
    before = library.rows()
    for number in range(kills):
        n_stored, n_all = count_stored(before), count_stored(reference[0])
        how, stored = rng.random(), 0
        if how < 0.65 and n_stored < n_all:
            stored, kill_after_s = rng.randint(n_stored + 1, n_all), rng.uniform(0, MAX_DELAY_S)
        elif how < 0.8:
            stored, kill_after_s = n_all, rng.uniform(0, min(SWITCH_LIMIT_S, seconds / 2))
        else:
            kill_after_s = rng.uniform(0.02, 0.95) * seconds
        if library.index(stored=stored, kill_after_s=kill_after_s):
            break
        now = library.rows()
        require_kept(before, now, reference[0], may_lose=False)
        yield f"{len(now['coarse_vectors'])}+{len(now['songs_vectors'])}"
        if (cut := [*CUTS, None][number % 4]) is not None:
            cut_power(library.database, cut, rng)
            before, now = now, library.rows()
            require_kept(before, now, reference[0], may_lose=cut == LYING)
        before = now
    else:
        library.index()
    require_equal(library, *reference, has_grown=bool(kind.first_look))


def run_rounds(temporary: Path, arguments) -> Iterator[tuple]:
    """Run rounds until the requested number of kills; yield a row of the table for each."""
    rng = random.Random(arguments.seed)
    write_music(temporary / "music", songs=arguments.songs)
    fixed = "bfloat16" if "bfloat16" in native_precisions() else "float32"
    options = ["--no-map", "--no-previews"] if arguments.smallest else []

    def library(name: str, kind: Kind, base: Path | None) -> Library:
        kind = kind._replace(precision=kind.precision or fixed)
        return Library(temporary / "music", temporary / name, kind, base=base, options=options)

    first = temporary / "first"
    references: dict[Kind, tuple] = {}
    total_kills = number = 0
    while total_kills < arguments.kills:
        number += 1
        kind = KINDS[(number - 1) % len(KINDS)]
        base = None if kind.is_empty else first
        if base and not base.exists():
            library("first", Kind("", True), None).index("--limit", str(FIRST_FILES))
        if kind not in references:
            undisturbed, started = library(kind.name, kind, base), time.monotonic()
            undisturbed.index()
            duration_s = time.monotonic() - started
            references[kind] = duration_s, (undisturbed.rows(), undisturbed.previews())
        killed = library(f"round {number}", kind, base)
        kills = min(KILLS_PER_ROUND, arguments.kills - total_kills)
        stored_at_kills = list(run_round(killed, kind, kills, *references[kind], rng))
        total_kills += len(stored_at_kills)
        yield number, kind.name, len(stored_at_kills), " ".join(stored_at_kills), "yes"


def main() -> None:
    """Kill runs, and print the table."""
    options = Options(__doc__)
    options.add("--kills", type=int, default=12, smallest=1)
    options.add(
        "--songs", type=int, default=24, smallest=2, help="Number of songs, without copies and broken files."
    )
    options.add("--seed", type=int, default=0)
    arguments = options.parse()
    print_head()
    head = ("round", "kind", "kills", "coarse+full vectors at each", "same as the run without kills")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        try:
            print_table(head, run_rounds(Path(temporary), arguments))
        except (DifferenceError, sqlite3.DatabaseError) as error:
            sys.exit(f"The library differs: {error}.")
    print(f"\n{arguments.kills} kills in {(time.monotonic() - started) / 60:.1f} min: no difference.")


if __name__ == "__main__":
    main()
