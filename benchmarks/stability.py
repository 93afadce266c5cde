"""How well a map stands still when songs are added to it, and how well the new songs find their places.

    .venv/bin/python benchmarks/stability.py [--db songs.db] [--songs 10000] [--seeds N] [--whole-groups]

As a user would: nine tenths of a library are stored and mapped, the others are added and the map is
brought up to date, then all songs are laid out anew. Printed are the largest step that an old song took,
and the share of the new songs' ten true neighbours (by centred cosine, sought here among all) that are
within their 30 nearest on the map: after adding, and after the new layout, which is what a map of today
would show. Their ratio should be 0.85 or more.

The songs that are added are drawn at random. With `--whole-groups`, in rows of their own, they are whole
scenes, or genres of an indexed library, that the map has never seen, which is as hard as it gets; no ratio
is asked of those. `--db` takes the vectors of an indexed library besides the made-up one; small libraries
are asked with five seeds, of which the mean and the least are shown. The exit status is 1 where an old
song moved or a ratio is too small.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from synthetic import Library, make_library  # noqa: E402

from explorer.embedding.openvino_network import processor_name  # noqa: E402
from explorer.indexing.mapmaker import TITLES, MapRequest, make_map  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.library.records import ScannedFile, Song, Tags  # noqa: E402
from explorer.progress import Reporter  # noqa: E402

SHARE_ADDED = 0.1
TRUE, NEAR = 10, 30
LEAST_RATIO = 0.85
SMALL_LIBRARY, SEEDS_OF_SMALL = 2000, 5
_CHUNK_ROWS = 500


@dataclass(frozen=True)
class Outcome:
    """What became of one projection."""

    drift: float
    """The largest difference of an old song's coordinate."""
    after_adding: float
    """The share of the new songs' true neighbours that are near on the map."""
    anew: float
    """The same, where all songs were laid out anew."""

    @property
    def ratio(self) -> float:
        """What is left of a new layout's share."""
        return self.after_adding / self.anew if self.anew else float("nan")


def read_library(path: Path) -> Library:
    """Return the songs of an indexed library; a group is what has the same first genre."""
    with Database.open_readonly(path) as database:
        _, vectors = database.vectors()
        rows = database.songs()
    songs = [
        Song(
            ScannedFile(row.song_id.encode(), 1, 1),
            Tags(row.title, (row.artist,) if row.artist else (), row.album, row.genres),
            f"{number:032x}",
            "mp3/mp3",
            row.duration_s or 0.0,
        )
        for number, row in enumerate(rows)
    ]
    names = [row.genres[0] if row.genres else row.artist or row.song_id for row in rows]
    return Library(songs, vectors, np.unique(names, return_inverse=True)[1])


def random_rows(library: Library, seed: int) -> np.ndarray:
    """Choose which songs come later [shape=(n,), bool]: a tenth, at random."""
    n = len(library.songs)
    is_late = np.zeros(n, dtype=bool)
    is_late[np.random.default_rng(seed).choice(n, max(1, round(SHARE_ADDED * n)), replace=False)] = True
    return is_late


def rows_of_whole_groups(library: Library, seed: int) -> np.ndarray:
    """Choose which songs come later [shape=(n,), bool]: about a tenth, whole groups."""
    sizes = np.bincount(library.groups)
    wanted, taken = SHARE_ADDED * len(library.songs), []
    for group in np.random.default_rng(seed).permutation(len(sizes)):
        if sizes[[*taken, group]].sum() <= wanted:
            taken.append(group)
    return np.isin(library.groups, taken)


def add_and_map(library: Library, is_late: np.ndarray, path: Path) -> dict[str, Outcome]:
    """Map a library without some of its songs, add those, and compare with a new layout of all."""
    reporter = Reporter()
    with Database.open(path) as database:
        library.part(np.flatnonzero(~is_late)).add_to(path)
        make_map(database, reporter=reporter)
        before = places(database)
        library.part(np.flatnonzero(is_late)).add_to(path)
        make_map(database, reporter=reporter)
        after = places(database)
        make_map(database, reporter=reporter, request=MapRequest(relayout=True))
        anew = places(database)
        ids, vectors = database.vectors()
    outcomes = {}
    for method, known in before.items():
        moved = [np.abs(after[method][song_id] - place).max() for song_id, place in known.items()]
        rows = np.array([row for row, song_id in enumerate(ids) if song_id not in known])
        true = true_nearest(vectors, rows)
        shares = [
            share_near(np.array([maps[method][song_id] for song_id in ids]), rows, true)
            for maps in (after, anew)
        ]
        outcomes[method] = Outcome(float(np.max(moved)), *shares)
    return outcomes


def places(database: Database) -> dict[str, dict[str, np.ndarray]]:
    """Return each projection's position of each song."""
    return {
        method: dict(zip(*database.positions(method)[:2], strict=True)) for method in database.projections()
    }


def true_nearest(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the ten songs nearest to some [shape=(m, 10)], by centred cosine in double precision."""
    directions = vectors - vectors.mean(axis=0)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-300)
    nearest = []
    for some in np.array_split(rows, -(-len(rows) // _CHUNK_ROWS)):
        likeness = directions[some] @ directions.T
        likeness[np.arange(len(some)), some] = -np.inf
        nearest.append(np.argpartition(-likeness, TRUE, axis=1)[:, :TRUE])
    return np.concatenate(nearest)


def share_near(positions: np.ndarray, rows: np.ndarray, true: np.ndarray) -> float:
    """Return which share of some songs' true neighbours lies no further than their 30th on the map."""
    kept = 0
    for row, neighbours in zip(rows, true, strict=True):
        distances = ((positions.astype(np.float64) - positions[row]) ** 2).sum(axis=1)
        distances[row] = np.inf
        kept += int((distances[neighbours] <= np.partition(distances, NEAR - 1)[NEAR - 1]).sum())
    return kept / true.size


def report(
    name: str, library: Library, choose: Callable[[Library, int], np.ndarray], seeds: int, *, bar: bool
) -> bool:
    """Print a library's rows of the table; return whether every song stood still and new ones fit in."""
    trials, late = [], []
    for seed in range(seeds):
        is_late = choose(library, seed)
        late.append(int(is_late.sum()))
        with tempfile.TemporaryDirectory() as folder:
            trials.append(add_and_map(library, is_late, Path(folder) / "songs.db"))
    fine = True
    added = f"{min(late):,}" if min(late) == max(late) else f"{min(late):,} to {max(late):,}"
    kind = "at random" if bar else "whole groups"
    for method in ("pca", "tsne", "umap"):
        outcomes = [trial[method] for trial in trials]
        drift = float(np.max([outcome.drift for outcome in outcomes]))
        whole = Outcome(
            drift,
            float(np.mean([outcome.after_adding for outcome in outcomes])),
            float(np.mean([outcome.anew for outcome in outcomes])),
        )
        least = min(outcome.ratio for outcome in outcomes)
        missed = bar and not whole.ratio >= LEAST_RATIO
        fine = fine and drift == 0 and not missed
        print(
            f"| {name} | {len(library.songs):,} | {added} {kind} | {TITLES[method]} | {drift:g} "
            f"| {whole.after_adding:.3f} | {whole.anew:.3f} "
            f"| {whole.ratio:.2f}{' (missed)' if missed else ''} | {least:.2f} |",
            flush=True,
        )
    return fine


def main() -> None:
    """Measure each library, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--db", type=Path, help="An indexed library, which is only read.")
    parser.add_argument("--songs", type=int, default=10_000, help="Made-up songs; 0 for none.")
    parser.add_argument("--seeds", type=int, help="Rounds (five of a small library, else one).")
    parser.add_argument("--whole-groups", action="store_true")
    arguments = parser.parse_args()
    libraries = {arguments.db.name: read_library(arguments.db)} if arguments.db else {}
    if arguments.songs:
        libraries["made up"] = make_library(arguments.songs)
    print(f"`benchmarks/stability.py {' '.join(sys.argv[1:])}`, {processor_name()}, {os.cpu_count()} cores")
    print()
    print("| library | songs | added later | projection | drift | after adding | anew | ratio | least |")
    print("|---|---|---|---|---|---|---|---|---|")
    fine = True
    for name, library in libraries.items():
        seeds = arguments.seeds or (SEEDS_OF_SMALL if len(library.songs) < SMALL_LIBRARY else 1)
        fine &= report(name, library, random_rows, seeds, bar=True)
        if arguments.whole_groups:
            fine &= report(name, library, rows_of_whole_groups, seeds, bar=False)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
