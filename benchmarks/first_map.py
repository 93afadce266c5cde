"""Measures how soon `open FOLDER` shows a page, a map of some songs, of all songs, and full vectors.

    .venv/bin/python benchmarks/first_map.py [MUSIC] [--library LIBRARY] [--songs 1000] [--seconds 200]
        [--counts 60 250 1000] [--full-songs 24] [--precision auto] [--first-look 12]

The benchmark makes MP3 files in the folder LIBRARY, unless they are there, from the songs of the folder MUSIC
(from synthetic songs without it). That needs the program ffmpeg. Then it runs `python run.py open LIBRARY` on
an empty database twice: with the first look, and with `--first-look 0`. Times count from the start of the
command. A song is on the map when songs.db has its position; an open page asks for it every few
seconds.

The full pass takes an hour or more, so each run ends after `--full-songs` full vectors. The time to the full
pass's end is then an estimate: all songs at the seconds a song of those. Such times are marked as estimates,
and so are those of songs on the map without the first look, because they get there when the run ends. The
last row compares the beginnings of the full pass, as a share of the estimated run without the first look.
Weights are OpenL3's if they are installed, otherwise untrained.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, TextIO

import apsw
from common import ROOT, Options, make_music, print_head, print_table
from mp3_library import make_mp3_library

from explorer.config import Settings
from explorer.embedding.model_weights import find_local_weights

PAGE_BAR_S = 10.0
COUNT_BARS_S = {60: 60.0, 1000: 480.0}
DELAY_BAR = 0.08

_POLL_S, _CHECK_S = 0.1, 2.0
_ANSWER_LIMIT_S = 60.0
_END_LIMIT_S = 60.0
_COUNTS = """
    SELECT (SELECT coalesce(min(n), 0) FROM (SELECT count(*) AS n FROM positions GROUP BY projection)),
        (SELECT count(*) FROM coarse_vectors), (SELECT count(*) FROM songs_vectors)
"""


@dataclass
class Times:
    """When a run of `open` reached something, in seconds after its start.

    Attributes
    ----------
    page : float
        The page was there.
    placed : dict
        Number of songs on the map, and when it was reached.
    looked : float
        The first look's last coarse vector was stored; 0 without a first look.
    full : list of tuple
        Number of full vectors, and when it was reached, in this order.
    """

    page: float = 0.0
    placed: dict[int, float] = field(default_factory=dict)
    looked: float = 0.0
    full: list[tuple[int, float]] = field(default_factory=list)

    def add(self, placed: int, coarse: int, full: int, seconds: float, arguments) -> None:
        """Add what songs.db holds after some seconds."""
        for count in arguments.counts:
            if placed >= count:
                self.placed.setdefault(count, seconds)
        if coarse >= arguments.songs and not self.looked:
            self.looked = seconds
        if full > (self.full[-1][0] if self.full else 0):
            self.full.append((full, seconds))

    @property
    def seconds_per_song(self) -> float:
        """How long the full pass takes for a song."""
        # If all were stored at once, the pass began when the first look ended, or the program was ready.
        first, started = self.full[0] if len(self.full) > 1 else (0, max(self.page, self.looked))
        last, ended = self.full[-1]
        return (ended - started) / (last - first)

    @property
    def full_start(self) -> float:
        """When the full pass began."""
        first, reached = self.full[0]
        return reached - first * self.seconds_per_song

    def estimated_end(self, songs: int) -> float:
        """Return when the full pass will have embedded some songs."""
        return self.full_start + songs * self.seconds_per_song


class Opened:
    """A run of `open`, and the page that it serves."""

    def __init__(self, library: Path, database: Path, options: Sequence[str], log: TextIO) -> None:
        self._command = [sys.executable, str(ROOT / "run.py"), "open", str(library), "--db", str(database)]
        self._command += ["--no-browser", "--port", "0", *options]
        self._log = log
        self._url = ""
        self._started = time.perf_counter()
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log)

    @property
    def seconds(self) -> float:
        """Seconds since the start of the command."""
        return time.perf_counter() - self._started

    def has_page(self) -> bool:
        """Return whether the page answers."""
        if not self._url and (found := re.search(r"http://\S+:\d+/", self._read_log())):
            self._url = found[0]
        if self._url:
            with suppress(OSError), self._get(""):
                return True
        return False

    def check(self) -> None:
        """End the benchmark if the program has ended, or its page tells that indexing has failed."""
        if self._process.poll() is not None:
            self.fail(f"status {self._process.returncode}")
        problem = ""
        if self._url:
            # A busy server answers later.
            with suppress(OSError), self._get("latest") as answer:
                problem = json.load(answer)["problem"]
        if problem:
            self.fail(problem)

    def fail(self, problem: str) -> NoReturn:
        """End the benchmark with a problem and what the program has printed."""
        sys.exit(f"{' '.join(self._command)}: {problem}\n{self._read_log()[-2000:]}")

    def end(self) -> None:
        """Interrupt the program and wait until it has ended."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _get(self, path: str) -> object:
        return urllib.request.urlopen(f"{self._url}{path}", timeout=_ANSWER_LIMIT_S)

    def _read_log(self) -> str:
        return os.pread(self._log.fileno(), 1_000_000, 0).decode(errors="replace")


def measure(library: Path, database: Path, options: Sequence[str], arguments) -> Times:
    """Run `open` until all songs are on the map and enough full vectors are there; return the times."""
    times = Times()
    has_look = options[-2:] != ["--first-look", "0"]
    with tempfile.TemporaryFile("w+") as log:
        opened = Opened(library, database, options, log)
        try:
            checked = 0.0
            while not _is_measured(times, arguments, has_look=has_look):
                time.sleep(_POLL_S)
                if not times.page and opened.has_page():
                    times.page = opened.seconds
                times.add(*_read_counts(database), opened.seconds, arguments)
                if opened.seconds - checked > _CHECK_S:
                    opened.check()
                    checked = opened.seconds
                if opened.seconds > 60 * arguments.limit_minutes:
                    opened.fail(f"{times} after {arguments.limit_minutes:g} minutes")
        finally:
            opened.end()
    return times


def _is_measured(times: Times, arguments, *, has_look: bool) -> bool:
    is_on_map = max(arguments.counts) in times.placed or not has_look
    return bool(
        times.page and is_on_map and len(times.full) > 1 and times.full[-1][0] >= arguments.full_songs
    )


def _read_counts(database: Path) -> tuple[int, int, int]:
    """Return how many songs are on the map, have a coarse vector, and have a full vector."""
    # The database is not there at first, and its tables come a little later.
    try:
        with closing(apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
            return connection.execute(_COUNTS).fetchone()
    except (apsw.CantOpenError, apsw.SQLError, apsw.BusyError):
        return 0, 0, 0


def rows_of(times: Times, without: Times, arguments) -> Iterator[tuple]:
    """Yield a row for each event."""
    yield "the page", f"{times.page:.1f} s", f"{without.page:.1f} s", f"{PAGE_BAR_S:.0f} s"
    songs = arguments.songs
    end, end_without = times.estimated_end(songs), without.estimated_end(songs)
    for count in arguments.counts:
        bar = f"{COUNT_BARS_S[count]:.0f} s" if count in COUNT_BARS_S else ""
        measured = without.placed.get(count)
        later = f"{measured:,.0f} s" if measured else f"{end_without:,.0f} s, an estimate"
        yield f"{count:,} songs on the map", f"{times.placed[count]:,.0f} s", later, bar
    yield f"{songs:,} coarse vectors", f"{times.looked:,.0f} s", "", ""
    each = (f"{run.seconds_per_song:.2f} s" for run in (times, without))
    yield "a full vector", *each, ""
    yield f"{songs:,} full vectors", f"{end:,.0f} s, an estimate", f"{end_without:,.0f} s, an estimate", ""
    delay = (times.full_start - without.full_start) / end_without
    yield "the full pass begins later by", f"{delay:.1%} of its time", "", f"{DELAY_BAR:.0%}"


def main() -> None:
    """Make the library, run `open` on it twice, and print the table."""
    options = Options(__doc__)
    options.add("music", type=Path, nargs="?")
    options.add("--library", type=Path, help="Folder of the MP3 files. Default: a temporary folder.")
    options.add("--songs", type=int, default=1000, smallest=12)
    options.add("--seconds", type=float, default=200.0, smallest=3.0)
    options.add("--counts", type=int, nargs="+", default=[60, 250, 1000], smallest=[6, 12])
    options.add("--full-songs", type=int, default=24, smallest=6, help="Full vectors to wait for.")
    options.add(
        "--first-look", type=int, help="Windows of the first look. Default: that of `open`.", smallest=2
    )
    options.add("--precision", default="auto", smallest="float32")
    options.add("--limit-minutes", type=float, default=40.0, smallest=9.0, help="Of each run.")
    arguments = options.parse()
    print_head()
    chosen = ["--precision", arguments.precision]
    if find_local_weights(None, models_dir=Settings().models) is None:
        chosen += ["--weights", "untrained"]
    look = ["--first-look", str(arguments.first_look)] if arguments.first_look else []
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        music = arguments.music or make_music(
            temporary / "music", songs=4, seconds=min(10, arguments.seconds)
        )
        library = (arguments.library or temporary / "library").resolve()
        sizes = {"songs": arguments.songs, "seconds": arguments.seconds}
        made = make_mp3_library(library, music.resolve(), **sizes)
        print(f"{arguments.songs:,} songs of {arguments.seconds:g} s, {made:,} of them new\n", flush=True)
        times = measure(library, temporary / "looked" / "songs.db", [*chosen, *look], arguments)
        without = measure(library, temporary / "full" / "songs.db", [*chosen, "--first-look", "0"], arguments)
    print_table(("", "with the first look", "without", "limit"), rows_of(times, without, arguments))


if __name__ == "__main__":
    main()
