"""Measures what is left of a song's windows in 64 bytes each, and what keeping them costs an index run.

    .venv/bin/python benchmarks/windows.py [FOLDER] [--songs 96] [--seconds 12] [--timed 8] [--repeats 3]
        [--cache CACHE]

Without FOLDER, the benchmark makes synthetic songs. It embeds the first `--seconds` seconds of `--songs`
songs, in turn from each artist, and keeps the embeddings in the folder CACHE. Weights are OpenL3's if they
are installed, otherwise untrained; a line states which.

*Ten kept*: for each window, the ten nearest windows of other songs are found by the centred cosine of all 512
values; the share of them that are also among the ten nearest by the components, and by their stored form. The
same for moments, five seconds each, which the program compares. The basis is fitted on all songs, and on the
first 128, or two thirds of fewer: then only windows of the other songs are looked up.

*Time*: the processor time of `index` with and without windows on `--timed` songs, in turn, so that both meet
the same load; the median of the ratios.
"""

from __future__ import annotations

import resource
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from common import Options, make_music, print_head, print_table, run
from first_look import Embedder, embedded_songs, songs_in_turn

from explorer.config import HOP_S
from explorer.embedding.song_windows import BASIS_SONGS, N_COMPONENTS, fit_basis, windows_to_keep
from explorer.errors import ExplorerError
from explorer.structure.moments import moments_of
from explorer.structure.similarity_matrix import unit_rows

NEIGHBOURS = 10
SONG_S = 200.0
_BLOCK = 512


def nearest(rows: np.ndarray, songs: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Return the nearest rows of other songs for each asked row, by cosine [shape=(asked, 10)]."""
    directions = unit_rows(rows)
    found = []
    for start in range(0, len(asked), _BLOCK):
        block = asked[start : start + _BLOCK]
        similarity = directions[block] @ directions.T
        similarity[songs[block][:, None] == songs] = -np.inf
        found.append(np.argpartition(-similarity, NEIGHBOURS, axis=1)[:, :NEIGHBOURS])
    return np.concatenate(found)


def kept_share(found: np.ndarray, truth: np.ndarray) -> float:
    """Return the share of the true neighbours that were found."""
    return float(np.mean([len(np.intersect1d(a, b)) / NEIGHBOURS for a, b in zip(found, truth, strict=True)]))


def rows_of_neighbours(frames: list[np.ndarray]) -> Iterator[tuple]:
    """Yield a row for each basis, for windows and for moments."""
    raw = [windows_to_keep(song, hop_s=HOP_S) for song in frames]
    kept = [windows.frames.astype(np.float32) for windows in raw]
    mean = np.concatenate(kept).mean(axis=0)
    true = [song - mean for song in kept]
    first = min(BASIS_SONGS, 2 * len(kept) // 3)
    for name, fitted, first_asked in (
        ("all songs", kept, 0),
        (f"{first} songs, others asked", kept[:first], first),
    ):
        basis = fit_basis(np.concatenate(fitted))
        exact = [basis.project(song) for song in kept]
        coded = [basis.encode(windows).components for windows in raw]
        for what, describe in (("windows", np.asarray), ("moments", moments_of_song)):
            asked = [describe(song) for song in true]
            songs = np.repeat(np.arange(len(asked)), [len(song) for song in asked])
            numbers = np.flatnonzero(songs >= first_asked)
            truth, *found = (
                nearest(np.concatenate([describe(song) for song in rows]), songs, numbers)
                for rows in (true, exact, coded)
            )
            shares = (f"{kept_share(rows, truth):.1%}" for rows in found)
            yield (name, f"{len(numbers):,} {what}", *shares)


def moments_of_song(components: np.ndarray) -> np.ndarray:
    """Describe the moments of a song by the components of its windows."""
    return moments_of(components, step_s=HOP_S)


def cpu_s(*arguments: object) -> float:
    """Return the processor time of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(*arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def time_ratios(folder: Path, repeats: int, precision: str) -> Iterator[float]:
    """Index with and without windows in turn, and yield the ratio of each pair."""
    for number in range(repeats):
        seconds = {}
        for option in ("--windows", "--no-windows")[:: 1 if number % 2 else -1]:
            with tempfile.TemporaryDirectory() as place:
                seconds[option] = cpu_s(
                    *("index", folder, "--db", Path(place, "songs.db"), "--weights", "untrained", option),
                    *("--precision", precision, "--no-map", "--no-previews", "--first-look", 0),
                )
        yield seconds["--windows"] / seconds["--no-windows"]


def main() -> None:
    """Measure and print the tables."""
    options = Options(__doc__)
    options.add("folder", type=Path, nargs="?")
    options.add("--songs", type=int, default=96, smallest=6)
    options.add("--seconds", type=float, default=12.0, smallest=7.0)
    options.add("--timed", type=int, default=8, smallest=1, help="Songs of each timed run; 0 times nothing.")
    options.add("--repeats", type=int, default=3, smallest=1)
    options.add("--precision", default="float32", choices=["float32", "bfloat16"])
    options.add("--cache", type=Path, help="Default: a temporary folder.")
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        cache = arguments.cache or Path(temporary) / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        sizes = {"songs": arguments.songs, "seconds": arguments.seconds}
        folder = arguments.folder or make_music(Path(temporary) / "synthetic", **sizes)
        embedder = Embedder(cache, precision=arguments.precision, seconds=arguments.seconds)
        songs = embedded_songs(folder, embedder, limit=arguments.songs, only_cached=False)
        if len(songs) < 3:
            raise ExplorerError(f"{folder} has fewer than three songs.")
        print(f"{embedder.weights.name} weights, {arguments.precision}, {len(songs)} songs\n")
        head = ("basis of", "asked", "ten kept, exact", "ten kept, stored")
        print_table(head, rows_of_neighbours([song.frames for song in songs]))
        n_windows = len(windows_to_keep(np.zeros((int(SONG_S / HOP_S), 512), np.float32), hop_s=HOP_S).frames)
        print(f"\nA song of {SONG_S:.0f} s: {n_windows} windows, {n_windows * N_COMPONENTS / 1000:.1f} kB.")
        if arguments.timed:
            timed = Path(temporary) / "timed"
            timed.mkdir()
            for path, *_ in songs_in_turn(folder)[: arguments.timed]:
                shutil.copy(path, timed / path.name)
            ratios = sorted(time_ratios(timed, arguments.repeats, arguments.precision))
            each = ", ".join(f"{ratio - 1:+.1%}" for ratio in ratios)
            print(f"Processor time added to `index`: {np.median(ratios) - 1:+.1%} (each pair: {each}).")


if __name__ == "__main__":
    main()
