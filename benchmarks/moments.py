"""Measures how long it takes to find the moments of all songs that sound like one, and how many are found.

    .venv/bin/python benchmarks/moments.py [SONGS_DB] [--windows N [N ...]] [--queries Q]

The libraries have a map as `bulk_library.py` writes it, and N windows of made-up songs of 400 windows each. A
made-up song mixes, in segments of about five seconds, the windows of two songs of SONGS_DB, a library with
windows of real songs, and adds noise: so neighbours are as close as those of real songs. Without SONGS_DB
these windows are made up, too: a slow random walk for each song, around the centres of some styles.

- `answer`: the route `/moments/…` as the page asks it, on two threads; the median of Q moments, and the
  slowest. `exact scan`: the cosines of all moments in the file with one, by all components, in blocks.
  Both also in processor time, of all threads together, to which other programs add nothing.
- `found`: how many of the ten songs are in the answer that have the best moments if the moments at every
  window of every song are compared, as stored. At least 95 % are expected.
- `comet` and `why`: these routes, the median of Q songs.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import apsw
import numpy as np
from bulk_library import store_library
from common import MIB, Options, print_head, print_table

from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.song_windows import N_COMPONENTS, SongWindows, fit_basis
from explorer.structure.moments import CODE_OF_ONE, count_moments, moment_at, moments_of
from explorer.web.app import create_app
from explorer.web.data.window_file import make_window_file, open_window_file

STEP_S, WINDOWS_OF_SONG, SEGMENT = 0.5, 400, 10
STYLES, MADE_UP = 40, 200
NOISE = 0.15
MIN_FOUND, MAX_ANSWER_S = 0.95, 0.3
BEST = 10


def source_songs(library: Path | None, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the components of the windows of some songs."""
    if library is not None:
        with Database.open_readonly(library) as database:
            found = [windows.components for _, windows in database.iterate_windows()]
        return [components for components in found if len(components) >= 2 * SEGMENT]
    spread = np.linspace(1.0, 0.15, N_COMPONENTS) ** 1.5
    centres = rng.normal(size=(STYLES, N_COMPONENTS)) * spread
    songs = []
    for number in range(MADE_UP):
        walk = np.cumsum(rng.normal(size=(120, N_COMPONENTS)), axis=0) * spread * 0.12
        songs.append(centres[number % STYLES] + walk + rng.normal(size=(120, N_COMPONENTS)) * spread * 0.3)
    return songs


def made_up_song(sources: list[np.ndarray], rng: np.random.Generator) -> SongWindows:
    """Mix the windows of two songs, segment by segment, and add noise."""
    a, b = (sources[rng.integers(len(sources))] for _ in range(2))
    share, parts = rng.random(), []
    for _ in range(WINDOWS_OF_SONG // SEGMENT):
        first, second = (
            song[start : start + SEGMENT]
            for song in (a, b)
            for start in (rng.integers(0, len(song) - SEGMENT + 1),)
        )
        parts.append(share * first + (1 - share) * second)
    components = np.concatenate(parts)
    deviation = components.std(axis=0)
    components += rng.normal(size=N_COMPONENTS) * deviation * 2 * NOISE
    components += rng.normal(size=components.shape) * deviation * NOISE
    scale = float(np.abs(components).max()) / 127
    return SongWindows(np.rint(components / scale).astype(np.int8), scale, STEP_S)


def store_songs(path: Path, count: int, sources: list[np.ndarray]) -> list[str]:
    """Write a library of songs with a map and windows; return the ids."""
    rng = np.random.default_rng(1)
    store_library(path, count)
    with Database.open(path) as database:
        database.store_window_basis(fit_basis(rng.normal(size=(200, 512))))
    connection = apsw.Connection(str(path))
    ids = [row[0] for row in connection.execute("SELECT id FROM songs ORDER BY id")]
    with connection:
        for song_id in ids:
            song = made_up_song(sources, rng)
            values = (song_id, song.step_s, song.scale, song.codes.tobytes())
            connection.execute("INSERT INTO song_windows VALUES (?, ?, ?, ?)", values)
    connection.close()
    return ids


class Took(NamedTuple):
    """How long a call took, in seconds: by the clock, and of the processors."""

    clock_s: float
    processor_s: float

    @classmethod
    def median(cls, times: list[Took]) -> Took:
        """Return the median of each."""
        return cls(*(statistics.median(column) for column in zip(*times, strict=True)))

    def __str__(self) -> str:
        return f"{1000 * self.clock_s:.0f} ms, {1000 * self.processor_s:.0f} ms"


def timed(function: Callable[[], object]) -> tuple[Took, object]:
    """Return how long a call takes, and its result."""
    started, used = time.perf_counter(), time.process_time()
    result = function()
    return Took(time.perf_counter() - started, time.process_time() - used), result


def exact_best(path: Path, ids: list[str], queries: list[tuple[int, float]]) -> list[set[int]]:
    """Return, for each query (song, time), the songs with the best moments among those at every window."""
    with Database.open_readonly(path) as library:
        moments = []
        for number, at_s in queries:
            windows = library.windows_of(ids[number])
            count = count_moments(len(windows), step_s=STEP_S)
            chosen = moment_at(at_s, count=count, step_s=STEP_S)
            moments.append(moments_of(windows.components, step_s=STEP_S)[chosen])
        columns = np.array(moments).T
        best = np.array(
            [
                (moments_of(windows.components, step_s=STEP_S) @ columns).max(axis=0)
                for _, windows in library.iterate_windows()
            ]
        )
    for column, (number, _) in enumerate(queries):
        best[number, column] = -np.inf
    return [set(np.argsort(-column)[:BEST].tolist()) for column in best.T]


def scan_all(codes: np.ndarray, moment: np.ndarray) -> float:
    """Compare a moment with all codes; return the best cosine."""
    blocks = (codes[start : start + 8192].astype(np.float32) @ moment for start in range(0, len(codes), 8192))
    return max(float(block.max()) for block in blocks) / CODE_OF_ONE


def measure(
    folder: Path, sizes: list[int], sources: list[np.ndarray], n_queries: int, results: list[tuple]
) -> Iterator[tuple]:
    """Yield a row for each size; append the found share and the processor time of an answer to `results`."""
    for size in sizes:
        path = folder / f"{size}" / "songs.db"
        path.parent.mkdir()
        ids = store_songs(path, max(30, size // WINDOWS_OF_SONG), sources)
        settings = Settings(database=path)
        with Database.open_readonly(path) as library:
            made, file_path = timed(partial(make_window_file, library, settings.moments))
        file = open_window_file(file_path)
        client = create_app(settings).server.test_client()
        revision = client.get("/latest").get_json()["revision"]
        rng = np.random.default_rng(2)
        queries = [(int(rng.integers(len(ids))), float(rng.uniform(5, 190))) for _ in range(n_queries)]

        def ask(address: str, client=client, revision=revision) -> tuple[Took, object]:
            took, answer = timed(lambda: client.get(address.format(revision)))
            if answer.status_code != 200:
                raise SystemExit(f"{address}: {answer.status_code} {answer.text}")
            return took, answer

        ask(f"/moments/{{}}/{queries[0][0]}?at_s=1")  # The first answer reads what later ones find in memory.
        answers = [ask(f"/moments/{{}}/{number}?at_s={at_s}") for number, at_s in queries]
        comets = [ask(f"/comet/{{}}/{number}?projection=pca")[0] for number, _ in queries]
        whys = [ask(f"/why/{{}}/{number}/{(number + 1) % len(ids)}")[0] for number, _ in queries]
        moment = file.search.codes[0].astype(np.float32)
        scan = Took.median([timed(partial(scan_all, file.search.codes, moment))[0] for _ in range(5)])
        found = [
            len({song["index"] for song in answer.get_json()["moments"][:BEST]} & best) / BEST
            for (_, answer), best in zip(answers, exact_best(path, ids, queries), strict=True)
        ]
        times = [took for took, _ in answers]
        usual = Took.median(times)
        results.append((statistics.mean(found), usual.processor_s))
        yield (
            f"{len(ids) * WINDOWS_OF_SONG:,}",
            f"{len(ids):,}",
            f"{len(file.search):,}",
            f"{file_path.stat().st_size / MIB:.0f} MiB",
            f"{made.clock_s:.1f} s",
            f"{usual} (slowest {max(times).clock_s * 1000:.0f} ms)",
            scan,
            f"{usual.processor_s / scan.processor_s:.2f}",
            f"{statistics.mean(found):.1%}",
            Took.median(comets),
            Took.median(whys),
        )


def main() -> None:
    """Measure, print the table, and compare with the bars."""
    options = Options(__doc__)
    options.add("library", type=Path, nargs="?", metavar="SONGS_DB")
    options.add("--windows", type=int, nargs="+", default=[400_000, 4_000_000], smallest=[24_000])
    options.add("--queries", type=int, default=40, smallest=3)
    arguments = options.parse()
    print_head()
    sources = source_songs(arguments.library, np.random.default_rng(0))
    kind = f"{len(sources)} songs of a library" if arguments.library else f"{len(sources)} made-up songs"
    print(f"The windows are mixed from those of {kind}.\n")
    results: list[tuple] = []
    with tempfile.TemporaryDirectory() as folder:
        head = (
            *("windows", "songs", "moments in the file", "file", "made in", "answer", "exact scan"),
            *("answer / scan", "found of the ten best", "comet", "why"),
        )
        rows = measure(Path(folder), arguments.windows, sources, arguments.queries, results)
        print_table(head, rows)
    found, answer_s = results[-1]
    is_found, is_quick = (
        "yes" if passed else "NO" for passed in (found >= MIN_FOUND, answer_s <= MAX_ANSWER_S)
    )
    print(f"\nAt least {MIN_FOUND:.0%} found: {is_found}.")
    print(f"An answer within {MAX_ANSWER_S:g} s of processor time: {is_quick}.")


if __name__ == "__main__":
    main()
