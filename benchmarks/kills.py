"""Kills `index` many times, then compares the library with that of a run that was not killed.

    .venv/bin/python benchmarks/kills.py [--kills 12] [--songs 24] [--seed 0]

The real command indexes short synthetic songs, copies of some of them, copies with other tags, and broken
files; it also makes previews and a map. SIGKILL ends it at seeded random moments, mostly while songs are
still missing. After three of four kills a power cut is simulated too (see powercut.py). In two of three
rounds the library already has the first ten files and a map; in the third round it is empty and the precision
is `auto`, so the run measures precisions first.

After every kill, the database must pass SQLite's integrity and foreign key checks. It must still contain all
rows that it had before, except those that a disk loses if it reports writes before they are done. No process
may still run. Triggers log each stored row: nothing may be stored twice. A round ends with a run that is not
killed. Then all tables must equal those of a run that was not killed, row by row, except `runs` and the times
of the precision trial, and all previews must be equal byte by byte. The exit status is 1 on any difference.
Linux only.
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

import mutagen
from common import ROOT, Options, make_music, print_head, print_table
from powercut import CUTS, LYING, cut_power

from explorer.database.database import Database
from explorer.embedding.openvino_engine import native_precisions

KILLS_PER_ROUND = 4
TRIAL_EVERY = 3
"""Every third round measures precisions."""

FIRST_FILES = 10
SONG_S = 6.0
MAX_DELAY_S = 0.1
"""A run is killed at most this long after the awaited number of files was stored."""

PROCESS_END_LIMIT_S, RUN_LIMIT_S = 20.0, 300.0

# The program refuses triggers that it has not made: those of `_LOG` are allowed here.
_EXPLORER = [
    sys.executable,
    "-c",
    "from explorer.database import connection\n"
    "connection.refuse_foreign_schema = lambda *_: None\n"
    "import explorer.__main__",
]
_MARK = "EXPLORER_KILLS"
_LOG = "".join(
    f"CREATE TRIGGER log_{table}_{what} AFTER {what} ON {table} BEGIN "
    f"INSERT INTO stored VALUES ('{table}', new.{key}); END;"
    for table, key in (("songs_vectors", "song_id"), ("files", "song_id"), ("failures", "path"))
    for what in ("INSERT", "UPDATE")
)
_STORED = ("songs", "songs_vectors", "files", "failures")
_QUERIES = {
    # Row numbers are left out: a song that is stored again gets another row number.
    "song_texts": "SELECT song_id, title, artist, album, genres FROM song_texts",
    "state": "SELECT * FROM state WHERE key <> 'precision_trial'",
}


class DifferenceError(Exception):
    """A library differs from what it must be."""


class Library:
    """A library that the real command makes in runs that can be killed."""

    def __init__(
        self, music: Path, folder: Path, *, precision: str, base: Path | None, options: list
    ) -> None:
        self.database = folder / "songs.db"
        self._folder = folder
        self._command = [*_EXPLORER, "index", str(music), "--db", str(self.database), *options]
        self._command += ["--weights", "untrained", "--hop", "1.0", "--precision", precision]
        if base:
            shutil.copytree(base, folder)
            return
        folder.mkdir()
        Database.open(self.database).close()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(f"CREATE TABLE stored(what TEXT, who BLOB); {_LOG}")

    def index(self, *options: str, files: int = 0, kill_after_s: float = RUN_LIMIT_S) -> bool:
        """Run `index`; wait until the library has `files` files, and kill it `kill_after_s` seconds later.

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
            while files and process.poll() is None and self._count_files() < files:
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

    def _count_files(self) -> int:
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                return connection.execute("SELECT count(*) FROM files").fetchone()[0]
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
    queries = {table: _QUERIES.get(table, f"SELECT * FROM {table}") for (table,) in tables}
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


def require_equal(library: Library, reference: dict, previews: dict[str, bytes]) -> None:
    """Check that a library has the same rows and previews as that of the run without kills."""
    rows = library.rows()
    for table, expected in reference.items():
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


def run_round(library: Library, kills: int, seconds: float, reference: tuple, rng: random.Random):
    """Kill up to `kills` runs, and compare the library after each kill and at the end.

    Yields the number of songs stored at each kill. `seconds` is the duration of the run without kills. If a
    run ends before it is killed, the round ends.
    """
    before = library.rows()
    for number in range(kills):
        n_files, n_missing = len(before["files"]), len(reference[0]["files"]) - len(before["files"])
        is_killed_while_storing = n_missing and rng.random() < 0.75
        files = n_files + rng.randint(1, n_missing) if is_killed_while_storing else 0
        kill_after_s = rng.uniform(0, MAX_DELAY_S) if files else rng.uniform(0.02, 0.95) * seconds
        if library.index(files=files, kill_after_s=kill_after_s):
            break
        now = library.rows()
        require_kept(before, now, reference[0], may_lose=False)
        yield len(now["songs_vectors"])
        if (kind := [*CUTS, None][number % 4]) is not None:
            cut_power(library.database, kind, rng)
            before, now = now, library.rows()
            require_kept(before, now, reference[0], may_lose=kind == LYING)
        before = now
    else:
        library.index()
    require_equal(library, *reference)


def run_rounds(temporary: Path, arguments) -> Iterator[tuple]:
    """Run rounds until the requested number of kills; yield a row of the table for each."""
    rng = random.Random(arguments.seed)
    write_music(temporary / "music", songs=arguments.songs)
    fixed = "bfloat16" if "bfloat16" in native_precisions() else "float32"
    options = ["--no-map", "--no-previews"] if arguments.smallest else []

    def library(name: str, precision: str, base: Path | None) -> Library:
        return Library(temporary / "music", temporary / name, precision=precision, base=base, options=options)

    bases = {fixed: None if arguments.smallest else temporary / "first", "auto": None}
    if bases[fixed]:
        library("first", fixed, None).index("--limit", str(FIRST_FILES))
    references: dict[str, tuple] = {}
    total_kills = number = 0
    while total_kills < arguments.kills:
        number += 1
        precision = "auto" if number % TRIAL_EVERY == 0 else fixed
        if precision not in references:
            undisturbed, started = library(precision, precision, bases[precision]), time.monotonic()
            undisturbed.index()
            duration_s = time.monotonic() - started
            references[precision] = duration_s, (undisturbed.rows(), undisturbed.previews())
        killed = library(f"round {number}", precision, bases[precision])
        kills = min(KILLS_PER_ROUND, arguments.kills - total_kills)
        stored_at_kills = list(run_round(killed, kills, *references[precision], rng))
        total_kills += len(stored_at_kills)
        yield number, precision, len(stored_at_kills), " ".join(map(str, stored_at_kills)), "yes"


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
    head = ("round", "precision", "kills", "songs stored at each", "same as the run without kills")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as temporary:
        try:
            print_table(head, run_rounds(Path(temporary), arguments))
        except (DifferenceError, sqlite3.DatabaseError) as error:
            sys.exit(f"The library differs: {error}.")
    print(f"\n{arguments.kills} kills in {(time.monotonic() - started) / 60:.1f} min: no difference.")


if __name__ == "__main__":
    main()
