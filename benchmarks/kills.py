"""Kills an index again and again, and compares what it ends with to a run that nobody disturbed.

    .venv/bin/python benchmarks/kills.py [--kills 100] [--folder CLIPS] [--seed 0] [--songs 24]

Six seconds of some clips, copies of a few of them, copies with other tags and broken files are indexed by the
real command, with previews and a map. Then the same is done with other databases, and SIGKILL ends the
command at seeded random moments of its start, the precision trial, embedding, previews and the map. In three
of four rounds songs are added to a library that has a map of the first ten files; in the fourth it is empty,
and goes through the precision trial, which takes most of a run of so few songs. After
every second kill the power is cut as well (see powercut.py), by turns so that only what was never synced is
garbled, as a disk that lies about syncing would lose the last commits too, and in the middle of copying the
log into the database.

After every kill the file must pass SQLite's integrity and foreign key checks, hold the songs it held before
(but for those that the lying disk lost), equal to the undisturbed run's, and have no process left over. The
run that was killed must have set out to do just what was missing, and triggers count what is stored: no song
is twice. After twelve kills, or four when all songs are stored, a run may end by itself; then all tables are
compared row by row, but for `runs` and the times in the precision trial, and the previews byte by byte. Exit
status 1 on any difference.

Weights are untrained. Where the machine has several cores, songs are embedded in the same order only if one
thread decodes (up to seven cores); vectors do not depend on it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from powercut import COPYING, LYING, UNSYNCED, cut_power  # noqa: E402
from short_songs import write_music  # noqa: E402

from explorer.embedding.openvino_network import native_precisions  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.library.locking import killed_index  # noqa: E402

KILLS_A_ROUND = 12
KILLS_WHEN_COMPLETE = 4
"""Of these, once all songs are stored: what is left to be disturbed is the start and the map."""

TRIAL_EVERY = 4
FIRST_FILES = 10

LONGEST_RUN_S = 300.0
GONE_AFTER_S = 20.0
STAGES = {"start": 0.2, "embedding": 0.45, "previews": 0.15, "map": 0.2}
"""Which share of the kills is meant for what."""

NEXT_SONG_S = 0.05
SHARE_OF_STAGE = 0.7
"""Nearer its end, a stage may be over before: other programs made the undisturbed run slower, perhaps."""

CUTS = (UNSYNCED, LYING, COPYING)

_MARK = "EXPLORER_KILLS"
_COMPARED = {
    "songs": "SELECT * FROM songs ORDER BY id",
    "songs_vectors": "SELECT * FROM songs_vectors ORDER BY song_id",
    "songs_genres": "SELECT * FROM songs_genres ORDER BY song_id, genre",
    "files": "SELECT * FROM files ORDER BY song_id",
    "failures": "SELECT * FROM failures ORDER BY path",
    "roots": "SELECT * FROM roots",
    "state": "SELECT * FROM state WHERE key <> 'precision_trial' ORDER BY key",
    "networks": "SELECT * FROM networks ORDER BY precision",
    "projections": "SELECT * FROM projections ORDER BY name",
    "positions": "SELECT * FROM positions ORDER BY projection, song_id",
    "clusters": "SELECT * FROM clusters ORDER BY number",
    "song_clusters": "SELECT * FROM song_clusters ORDER BY song_id",
    # Rows are numbered as they come, and a song that is stored again gets another number.
    "song_texts": "SELECT song_id, title, artist, album, genres FROM song_texts ORDER BY song_id",
}
_STORED = ("songs", "songs_vectors", "files", "failures")
_LOG = "".join(
    f"CREATE TRIGGER log_{table}_{what} AFTER {what} ON {table} BEGIN "
    f"INSERT INTO stored VALUES ('{table}', new.{key}); END;"
    for table, key in (("songs_vectors", "song_id"), ("files", "song_id"), ("failures", "path"))
    for what in ("INSERT", "UPDATE")
)


class DifferenceError(Exception):
    """Something is not as it must be."""


@dataclass
class Round:
    """What became of one database."""

    number: int
    precision: str
    """As it is asked for: `auto` where a library is begun."""
    kills: int = 0
    cuts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CUTS, 0))
    lost: int = 0
    """Songs that the lying disk lost, and that were embedded again."""
    at: list[int] = field(default_factory=list)
    """Songs stored at each kill."""


class Index:
    """The real command on one database."""

    def __init__(
        self, folder: Path, place: Path, *, precision: str, n_files: int, base: Path | None = None
    ) -> None:
        self.place = place
        self.n_files = n_files
        self.database = place / "songs.db"
        self.command = [sys.executable, "-m", "explorer", "index", str(folder), "--db", str(self.database)]
        self.command += ["--weights", "untrained", "--hop", "1.0", "--precision", precision, "--json"]
        if base:
            shutil.copytree(base, place)
            return
        place.mkdir()
        Database.open(self.database).close()
        with closing(sqlite3.connect(self.database)) as connection:
            connection.executescript(f"CREATE TABLE stored(what TEXT, who BLOB); {_LOG}")

    def start(self, *options: str) -> subprocess.Popen:
        """Start it, in a group of its own."""
        return subprocess.Popen(
            [*self.command, *options],
            cwd=ROOT,
            env=os.environ | {_MARK: str(self.place)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def look(self) -> dict[str, list[tuple]]:
        """Return all rows, from a copy: who opens and closes the file itself tidies it up."""
        with tempfile.TemporaryDirectory() as aside:
            for end in ("", "-wal"):
                file = self.database.with_name(self.database.name + end)
                if file.exists():
                    shutil.copy(file, aside)
            with closing(sqlite3.connect(Path(aside) / self.database.name)) as connection:
                for check, fine in (("integrity_check", [("ok",)]), ("foreign_key_check", [])):
                    if (found := connection.execute(f"PRAGMA {check}").fetchall()) != fine:
                        raise DifferenceError(f"{check}: {found[:3]}")
                rows = {table: connection.execute(query).fetchall() for table, query in _COMPARED.items()}
                twice = connection.execute(
                    "SELECT what, who, count(*) FROM stored GROUP BY what, who HAVING count(*) > 1"
                ).fetchall()
        if twice:
            raise DifferenceError(f"stored more than once: {twice[:3]}")
        return rows

    def count_files(self) -> int:
        """Return how many files are stored by now."""
        try:
            with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
                return connection.execute("SELECT count(*) FROM files").fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    def previews(self) -> dict[str, bytes]:
        """Return the previews, but for what killed programs left half written."""
        files = (self.place / "previews").rglob("*")
        return {file.name: file.read_bytes() for file in files if file.is_file() and file.suffix != ".part"}

    def finish(self, *options: str) -> dict:
        """Let it end by itself, and return what it tells."""
        return Watched(self, *options).outcome()

    def require_no_process(self) -> None:
        """Wait until what the command has started has ended, as it must without being told."""
        deadline = time.monotonic() + GONE_AFTER_S
        while left := [path for path in Path("/proc").glob("[0-9]*") if self._started(path)]:
            if time.monotonic() > deadline:
                raise DifferenceError(f"still running: {', '.join(path.name for path in left)}")
            time.sleep(0.05)

    def _started(self, process: Path) -> bool:
        try:
            return f"{_MARK}={self.place}\0".encode() in (process / "environ").read_bytes() + b"\0"
        except OSError:
            return False


class Watched:
    """A run of the command, and how far it has come."""

    def __init__(self, index: Index, *options: str) -> None:
        self._index = index
        self.began = time.monotonic()
        self.process = index.start(*options)
        self.said: list[tuple[float, str]] = []
        """What it said, and when: seconds after its start."""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        for line in self.process.stderr:
            self.said.append((time.monotonic() - self.began, line))

    def outcome(self) -> dict:
        """Wait for its end, and return what it tells."""
        out, _ = self.process.stdout.read(), self.process.wait(LONGEST_RUN_S)
        self._listener.join()
        said = "".join(line for _, line in self.said)
        if self.process.returncode not in (0, 3) or "Traceback" in said:
            raise DifferenceError(f"exit status {self.process.returncode}: {said[-500:]}")
        return json.loads(out.splitlines()[-1])

    def when_said(self, begins: str) -> float | None:
        """Return when it last said something that begins so."""
        return next((when for when, line in reversed(self.said) if line.startswith(begins)), None)

    def has_begun(self, stage: str, n_files: int, n_missing: int) -> bool:
        """Tell whether it has come as far as a stage: to so many files, where that is embedding."""
        if stage == "start":
            return True
        if stage == "embedding":
            return self._index.count_files() >= n_files
        if stage == "previews":
            return self.when_said(f"Indexing: {n_missing} of {n_missing}") is not None
        return self.when_said("Reading the library") is not None

    def kill(self) -> None:
        """End it and its group, whatever it is doing."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._listener.join()


def time_stages(index: Index) -> tuple[dict[str, float], dict]:
    """Run undisturbed; return how many seconds each stage took, and what the run told."""
    run = Watched(index)
    told = run.outcome()
    ends = [
        run.when_said("Precision: ") or max(0.5, run.when_said("Indexing: ") - told["seconds"]),
        run.when_said("Indexing: "),
        run.when_said("Reading the library"),
        time.monotonic() - run.began,
    ]
    return {stage: end - begin for stage, begin, end in zip(STAGES, [0.0, *ends], ends, strict=False)}, told


def kill_once(index: Index, before: dict, lengths: dict[str, float], rng: random.Random) -> dict | None:
    """Kill a run at a random moment of a random stage; return what it told if it ended before that."""
    n_missing = index.n_files - len(before["files"]) - len(before["failures"])
    chances = {stage: share for stage, share in STAGES.items() if n_missing or stage in ("start", "map")}
    stage = rng.choices(list(chances), list(chances.values()))[0]
    n_files = len(before["files"]) + rng.randint(1, max(1, n_missing * 4 // 5))
    length = NEXT_SONG_S if stage == "embedding" else lengths[stage] * SHARE_OF_STAGE
    run, moment = Watched(index), None
    while run.process.poll() is None:
        if moment is None and run.has_begun(stage, n_files, n_missing):
            moment = time.monotonic() + rng.uniform(0, length)
        if moment is not None and time.monotonic() >= moment:
            run.kill()
            index.require_no_process()
            require_just_what_was_missing(index, n_missing, run.process.pid)
            return None
        time.sleep(0.01)
    told = run.outcome()
    if told["indexed"] + told["failed"] != n_missing or told["skipped"] != index.n_files - n_missing:
        raise DifferenceError(f"{n_missing} files were missing, and the run tells {told}")
    return told


def require_just_what_was_missing(index: Index, n_missing: int, pid: int) -> None:
    """Compare what a killed run had set out to do with what there was to do."""
    left = killed_index(index.database)
    if left and left["pid"] == pid and left["total"] not in (0, n_missing):
        raise DifferenceError(f"{n_missing} files were missing, and the run was to do {left['total']}")


def require_kept(before: dict, now: dict, reference: dict, *, may_lose: bool) -> int:
    """Compare a database with what it was before a kill, and with what it is to be; return what is lost."""
    for table in _STORED:
        if not may_lose and (lost := set(before[table]) - set(now[table])):
            raise DifferenceError(f"{table} lost {len(lost)} rows")
        if odd := set(now[table]) - set(reference[table]):
            raise DifferenceError(f"{table} has {len(odd)} rows that the undisturbed run has not")
    return len(before["songs_vectors"]) - len(now["songs_vectors"]) if may_lose else 0


def require_equal(index: Index, reference: dict, previews: dict[str, bytes]) -> None:
    """Compare all that a run has made with what the undisturbed one has."""
    rows = index.look()
    for table, expected in reference.items():
        if rows[table] != expected:
            raise DifferenceError(f"{table} differs in {len(set(rows[table]) ^ set(expected))} rows")
    if index.previews() != previews:
        raise DifferenceError("the previews differ")


def play_round(
    index: Index,
    result: Round,
    kills: int,
    lengths: dict[str, float],
    reference: tuple[dict, dict],
    rng: random.Random,
) -> None:
    """Kill runs on one database until it is complete, or so many times, and compare."""
    rows = index.look()
    for _ in range(kills):
        if result.at.count(len(reference[0]["songs_vectors"])) >= KILLS_WHEN_COMPLETE:
            index.finish()
            break
        if kill_once(index, rows, lengths, rng) is not None:
            break
        result.kills += 1
        before_cut = index.look()
        require_kept(rows, before_cut, reference[0], may_lose=False)
        result.at.append(len(before_cut["songs_vectors"]))
        rows = before_cut
        if result.kills % 2 == 0:
            kind = CUTS[result.kills // 2 % len(CUTS)]
            cut_power(index.database, kind, rng)
            result.cuts[kind] += 1
            rows = index.look()
            result.lost += require_kept(before_cut, rows, reference[0], may_lose=kind == LYING)
    else:
        index.finish()
    require_equal(index, *reference)


def main() -> None:
    """Kill so many runs, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--folder", type=Path, help="Clips to cut songs from; else they are made up.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--songs", type=int, default=24, help="Besides copies and broken files.")
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kills-") as place:
        print(
            f"| round | precision | kills | power cuts ({', '.join(CUTS)}) | songs lost to the lying disk | ",
            end="",
        )
        print("songs stored at each kill | ended as the undisturbed run |\n|---|---|---|---|---|---|---|")
        fine, done = run_rounds(Path(place), arguments, rng)
    minutes = (time.monotonic() - began) / 60
    print(f"\n{done} kills in {minutes:.1f} min: " + ("no difference." if fine else "NOT the same."))
    sys.exit(0 if fine else 1)


def run_rounds(place: Path, arguments: argparse.Namespace, rng: random.Random) -> tuple[bool, int]:
    """Play rounds until there were enough kills; return whether all went well, and how many there were."""
    folder = place / "music"
    n_files = write_music(folder, arguments.folder, songs=arguments.songs, rng=rng)
    fixed = "bfloat16" if "bfloat16" in native_precisions() else "float32"
    first = Index(folder, place / "first", precision=fixed, n_files=n_files)
    first.finish("--limit", str(FIRST_FILES))
    bases = {fixed: first.place, "auto": None}
    references = {}
    for precision, base in bases.items():
        index = Index(folder, place / precision, precision=precision, n_files=n_files, base=base)
        lengths, told = time_stages(index)
        references[precision] = lengths, (index.look(), index.previews())
        counts = f"{told['indexed']} songs, {told['failed']} failures"
        print(f"| undisturbed | {precision} | 0 | | | {counts} | |", flush=True)
    done = number = 0
    while done < arguments.kills:
        number += 1
        precision = "auto" if number % TRIAL_EVERY == 0 else fixed
        lengths, reference = references[precision]
        result = Round(number, precision)
        index = Index(
            folder, place / f"round {number}", precision=precision, n_files=n_files, base=bases[precision]
        )
        try:
            kills = min(KILLS_A_ROUND, arguments.kills - done)
            play_round(index, result, kills, lengths, reference, rng)
            verdict = "yes"
        except (DifferenceError, sqlite3.DatabaseError) as error:
            verdict = f"NO: {error}"
        done += result.kills
        at = " ".join(map(str, result.at))
        cuts = ", ".join(str(result.cuts[kind]) for kind in CUTS)
        print(
            f"| {number} | {result.precision} | {result.kills} | {cuts} | {result.lost} | {at} | {verdict} |",
            flush=True,
        )
        if verdict != "yes":
            return False, done
    return True, done


if __name__ == "__main__":
    main()
