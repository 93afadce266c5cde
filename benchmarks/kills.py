"""Kills `index` again and again, and compares the library in the end with that of an undisturbed run.

    .venv/bin/python benchmarks/kills.py [--kills 12] [--songs 24] [--seed 0]

Short made-up songs, copies of some, copies with other tags and broken files are indexed by the real command,
with previews and a map. SIGKILL ends it at seeded random moments, most of them while songs are missing, and
three of four times the power is cut as well (see powercut.py). In two of three rounds songs are added to a
library with a map of the first ten files; in the third the library is empty, and goes through the measuring
of precisions.

After every kill the file must pass SQLite's integrity and foreign key checks and hold what it held before,
but for what a lying disk has lost; no process may be left over. Triggers count what is stored: nothing may be
stored twice. A round ends with a run that ends by itself: then all tables must equal the undisturbed run's
row by row, but for `runs` and the precision trial's times, and the previews byte by byte. The exit status is
1 on any difference. Linux only.
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
from common import EXPLORER, ROOT, Options, make_music, print_head, print_table
from powercut import CUTS, LYING, cut_power

from explorer.database.database import Database
from explorer.embedding.openvino_engine import native_precisions

KILLS_A_ROUND, TRIAL_EVERY = 4, 3
FIRST_FILES = 10
SONG_S, NEXT_SONG_S = 6.0, 0.1
GONE_AFTER_S, LONGEST_RUN_S = 20.0, 300.0

_MARK = "EXPLORER_KILLS"
_LOG = "".join(
    f"CREATE TRIGGER log_{table}_{what} AFTER {what} ON {table} BEGIN "
    f"INSERT INTO stored VALUES ('{table}', new.{key}); END;"
    for table, key in (("songs_vectors", "song_id"), ("files", "song_id"), ("failures", "path"))
    for what in ("INSERT", "UPDATE")
)
_STORED = ("songs", "songs_vectors", "files", "failures")
_QUERIES = {
    # Rows are numbered as they come: of a song that is stored again, the number is another.
    "song_texts": "SELECT song_id, title, artist, album, genres FROM song_texts",
    "state": "SELECT * FROM state WHERE key <> 'precision_trial'",
}


class DifferenceError(Exception):
    """Something is not as it must be."""


class Library:
    """A library that the real command makes, its runs killed or not."""

    def __init__(self, music: Path, place: Path, *, precision: str, base: Path | None, options: list) -> None:
        self.database = place / "songs.db"
        self._place = place
        self._command = [*EXPLORER, "index", str(music), "--db", str(self.database), *options]
        self._command += ["--weights", "untrained", "--hop", "1.0", "--precision", precision]
        if base:
            shutil.copytree(base, place)
            return
        place.mkdir()
        Database.open(self.database).close()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(f"CREATE TABLE stored(what TEXT, who BLOB); {_LOG}")

    def index(self, *options: str, files: int = 0, kill_after_s: float = LONGEST_RUN_S) -> bool:
        """Index, until so many files are stored and some seconds on; return whether it ended by itself."""
        with tempfile.TemporaryFile("w+") as told:
            process = subprocess.Popen(
                [*self._command, *options],
                cwd=ROOT,
                env=os.environ | {_MARK: str(self._place)},
                stdout=told,
                stderr=told,
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
            told.seek(0)
            text = told.read()
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
        """Wait until all that the command has started has ended, as it must without being told."""
        deadline = time.monotonic() + GONE_AFTER_S
        while left := [path.name for path in Path("/proc").glob("[0-9]*") if self._has_started(path)]:
            if time.monotonic() > deadline:
                raise DifferenceError(f"still running: {', '.join(left)}")
            time.sleep(0.05)

    def _has_started(self, process: Path) -> bool:
        try:
            return f"{_MARK}={self._place}\0".encode() in (process / "environ").read_bytes()
        except OSError:
            return False

    def rows(self) -> dict[str, list[tuple]]:
        """Return the rows of all tables, from a copy: opening and closing the file itself would change it."""
        with tempfile.TemporaryDirectory() as aside:
            for file in self.database.parent.glob(f"{self.database.name}*"):
                if not file.name.endswith("-shm") and file.is_file():
                    shutil.copy(file, aside)
            with closing(sqlite3.connect(Path(aside) / self.database.name)) as connection:
                return _checked_rows(lambda query: connection.execute(query).fetchall())

    def previews(self) -> dict[str, bytes]:
        """Return the previews, but for what killed programs left half written."""
        files = (self._place / "previews").rglob("*")
        return {file.name: file.read_bytes() for file in files if file.is_file() and file.suffix != ".part"}


def _checked_rows(ask) -> dict[str, list[tuple]]:
    for check, fine in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
        if (found := ask(f"PRAGMA {check}")) != fine:
            raise DifferenceError(f"{check}: {found[:3]}")
    if twice := ask("SELECT what, who FROM stored GROUP BY what, who HAVING count(*) > 1"):
        raise DifferenceError(f"stored more than once: {twice[:3]}")
    tables = ask(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'song\\_words%' ESCAPE '\\' "
        "AND name NOT IN ('runs', 'stored')"
    )
    queries = {table: _QUERIES.get(table, f"SELECT * FROM {table}") for (table,) in tables}
    return {table: sorted(ask(query), key=repr) for table, query in queries.items()}


def require_kept(before: dict, now: dict, reference: dict, *, may_lose: bool) -> None:
    """Compare a library with what it was before a kill, and with what it is to be."""
    for table in _STORED:
        if not may_lose and (lost := set(before[table]) - set(now[table])):
            raise DifferenceError(f"{table} lost {len(lost)} rows")
        if odd := set(now[table]) - set(reference[table]):
            raise DifferenceError(f"{table} has {len(odd)} rows that the undisturbed run has not")


def require_equal(library: Library, reference: dict, previews: dict[str, bytes]) -> None:
    """Compare all that runs have made with what the undisturbed one has made."""
    rows = library.rows()
    for table, expected in reference.items():
        if rows.get(table) != expected:
            raise DifferenceError(f"{table} differs in {len(set(rows.get(table, [])) ^ set(expected))} rows")
    if library.previews() != previews:
        raise DifferenceError("the previews differ")


def write_music(folder: Path, *, songs: int) -> None:
    """Write short songs, copies, retagged copies and broken files."""
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


def play_round(library: Library, kills: int, seconds: float, reference: tuple, rng: random.Random):
    """Kill runs until one ends by itself, or so many times; yield the songs stored at each kill; compare."""
    before = library.rows()
    for number in range(kills):
        n_files, n_missing = len(before["files"]), len(reference[0]["files"]) - len(before["files"])
        is_while_storing = n_missing and rng.random() < 0.75
        files = n_files + rng.randint(1, n_missing) if is_while_storing else 0
        moment_s = rng.uniform(0, NEXT_SONG_S) if files else rng.uniform(0.02, 0.95) * seconds
        if library.index(files=files, kill_after_s=moment_s):
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


def play(place: Path, arguments) -> Iterator[tuple]:
    """Play rounds until there were enough kills; yield a row of the table for each."""
    rng = random.Random(arguments.seed)
    write_music(place / "music", songs=arguments.songs)
    fixed = "bfloat16" if "bfloat16" in native_precisions() else "float32"
    choices = ["--no-map", "--no-previews"] if arguments.smallest else []

    def library(name: str, precision: str, base: Path | None) -> Library:
        return Library(place / "music", place / name, precision=precision, base=base, options=choices)

    bases = {fixed: None if arguments.smallest else place / "first", "auto": None}
    if bases[fixed]:
        library("first", fixed, None).index("--limit", str(FIRST_FILES))
    references: dict[str, tuple] = {}
    done = number = 0
    while done < arguments.kills:
        number += 1
        precision = "auto" if number % TRIAL_EVERY == 0 else fixed
        if precision not in references:
            undisturbed, started = library(precision, precision, bases[precision]), time.monotonic()
            undisturbed.index()
            took_s = time.monotonic() - started
            references[precision] = took_s, (undisturbed.rows(), undisturbed.previews())
        killed = library(f"round {number}", precision, bases[precision])
        kills = min(KILLS_A_ROUND, arguments.kills - done)
        at = list(play_round(killed, kills, *references[precision], rng))
        done += len(at)
        yield number, precision, len(at), " ".join(map(str, at)), "yes"


def main() -> None:
    """Kill so many runs, and print a table."""
    options = Options(__doc__)
    options.add("--kills", type=int, default=12, smallest=1)
    options.add("--songs", type=int, default=24, smallest=2, help="Besides copies and broken files.")
    options.add("--seed", type=int, default=0)
    arguments = options.parse()
    print_head()
    head = ("round", "precision", "kills", "songs stored at each", "ended as the undisturbed run")
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        try:
            print_table(head, play(Path(place), arguments))
        except (DifferenceError, sqlite3.DatabaseError) as error:
            sys.exit(f"NOT the same: {error}")
    print(f"\n{arguments.kills} kills in {(time.monotonic() - began) / 60:.1f} min: no difference.")


if __name__ == "__main__":
    main()
