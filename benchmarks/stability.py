"""Measures whether old songs keep their positions when songs are added, and how well new songs are placed.

    .venv/bin/python benchmarks/stability.py [--db LIBRARY] [--songs 3000] [--seeds N] [--whole-groups]

The benchmark makes a map of nine tenths of a library. Then it adds the other songs and updates the map. Then
it makes a new layout of all songs. The table shows the largest move of an old song (*drift*), and the share
of the new songs' ten true neighbours (by centred cosine) that are among their 30 nearest on the map: after
adding, and after the new layout. The ratio of the two shares should be 0.85 or more.

The added songs are chosen at random. With `--whole-groups`, additional rows add whole groups that the map
does not have yet: scenes, or genres of an indexed library. For these rows no ratio is required. `--db` adds
rows for the vectors of an indexed library to those of the synthetic library. Small libraries are measured
with three seeds; the table shows the mean and the lowest ratio. The exit status is 1 if an old song moved or
a ratio is too small.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from common import Options, print_head, print_table
from synthetic import Library, make_library, rows_of

from explorer.config import PROJECTION_NAMES
from explorer.database.database import Database
from explorer.database.records import Song
from explorer.indexing.make_map import MapRequest, make_map
from explorer.library.music_file import ScannedFile, Tags
from explorer.util.progress import Reporter

SHARE_ADDED = 0.1
TRUE_NEIGHBOURS, NEAR_ON_MAP = 10, 30
MIN_RATIO = 0.85
SMALL_LIBRARY, SEEDS_OF_SMALL = 2000, 3
HEAD = "library|songs|added later|projection|drift|after adding|new layout|ratio|least".split("|")


class Outcome(NamedTuple):
    """The result for one projection: the largest move of an old song, and the shares of near neighbours."""

    drift: float
    after_adding: float
    new_layout: float


def read_library(path: Path) -> Library:
    """Read the songs of an indexed library; songs with the same first genre are a group."""
    with Database.open_readonly(path) as database:
        _, vectors = database.vectors()
        rows = database.songs()
    songs = [
        Song(ScannedFile(row.song_id.encode(), 1, 1), Tags(row.title), f"{number:032x}", "mp3/mp3", 0.0)
        for number, row in enumerate(rows)
    ]
    names = [row.genres[0] if row.genres else row.artist or row.song_id for row in rows]
    return Library(songs, vectors, np.unique(names, return_inverse=True)[1])


def random_songs(library: Library, seed: int) -> np.ndarray:
    """Choose the songs to add later [shape=(m,), int]: a random tenth."""
    n = len(library.songs)
    return np.random.default_rng(seed).choice(n, max(1, round(SHARE_ADDED * n)), replace=False)


def whole_groups(library: Library, seed: int) -> np.ndarray:
    """Choose the songs to add later [shape=(m,), int]: whole groups, at most a tenth of the songs."""
    groups, chosen = rows_of(library.groups, library.groups.max() + 1), np.empty(0, dtype=int)
    for group in np.random.default_rng(seed).permutation(len(groups)):
        if len(chosen) + len(groups[group]) <= SHARE_ADDED * len(library.songs):
            chosen = np.concatenate([chosen, groups[group]])
    return chosen


def add_and_map(
    library: Library, added_later: np.ndarray, path: Path, projections: tuple[str, ...]
) -> dict[str, Outcome]:
    """Map a library without some songs, add these, and compare with a new layout of all songs."""
    reporter = Reporter()
    with Database.open(path) as database:

        def mapped_positions(relayout: bool = False) -> dict[str, dict[str, np.ndarray]]:
            make_map(database, reporter=reporter, request=MapRequest(projections, relayout=relayout))
            return {name: dict(zip(*database.positions(name)[:2], strict=True)) for name in projections}

        library.add_to(path, np.setdiff1d(np.arange(len(library.songs)), added_later))
        before = mapped_positions()
        library.add_to(path, added_later)
        after, new_layout = mapped_positions(), mapped_positions(relayout=True)
        ids, vectors = database.vectors()
    outcomes = {}
    for name, old in before.items():
        drift = max(np.abs(after[name][song_id] - position).max() for song_id, position in old.items())
        new = np.array([row for row, song_id in enumerate(ids) if song_id not in old])
        true = true_nearest(vectors, new)
        maps = [np.array([layout[name][song_id] for song_id in ids]) for layout in (after, new_layout)]
        outcomes[name] = Outcome(float(drift), *(share_near(positions, new, true) for positions in maps))
    return outcomes


def true_nearest(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the ten nearest songs of each of m rows [shape=(m, 10)], by centred cosine in float64."""
    directions = vectors - vectors.mean(axis=0)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-300)
    nearest = []
    for row in rows:
        similarities = directions @ directions[row]
        similarities[row] = -np.inf
        nearest.append(np.argpartition(-similarities, TRUE_NEIGHBOURS)[:TRUE_NEIGHBOURS])
    return np.array(nearest)


def share_near(positions: np.ndarray, rows: np.ndarray, true: np.ndarray) -> float:
    """Return the share of the rows' true neighbours that are among their 30 nearest on the map."""
    kept = 0
    for row, neighbours in zip(rows, true, strict=True):
        distances = ((positions.astype(np.float64) - positions[row]) ** 2).sum(axis=1)
        distances[row] = np.inf
        kept += int(
            (distances[neighbours] <= np.partition(distances, NEAR_ON_MAP - 1)[NEAR_ON_MAP - 1]).sum()
        )
    return kept / true.size


def measure(
    name: str, library: Library, choose: Callable[[Library, int], np.ndarray], arguments
) -> Iterator[tuple]:
    """Yield a library's rows of the table, marked if the ratio is too small or an old song moved."""
    trials, added_counts = [], set()
    seeds = arguments.seeds or (SEEDS_OF_SMALL if len(library.songs) < SMALL_LIBRARY else 1)
    for seed in range(seeds):
        rows = choose(library, seed)
        added_counts.add(len(rows))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "songs.db"
            trials.append(add_and_map(library, rows, path, tuple(arguments.projections)))
    counts = " to ".join(map(str, sorted({min(added_counts), max(added_counts)})))
    added = f"{counts} {choose.__name__.replace('_', ' ')}"
    for method in arguments.projections:
        outcomes = np.array([trial[method] for trial in trials])
        drift, (_, after, new_layout) = outcomes[:, 0].max(), outcomes.mean(axis=0)
        ratio, lowest_ratio = after / new_layout, (outcomes[:, 1] / outcomes[:, 2]).min()
        is_missed = drift > 0 or (choose is random_songs and not ratio >= MIN_RATIO)
        figures = f"{drift:g}", f"{after:.3f}", f"{new_layout:.3f}", f"{ratio:.2f}{' **missed**' * is_missed}"
        yield name, len(library.songs), added, PROJECTION_NAMES[method], *figures, f"{lowest_ratio:.2f}"


def main() -> None:
    """Measure each library, and print the table."""
    options = Options(__doc__)
    options.add("--db", type=Path, help="An indexed library, which is not changed.")
    options.add("--songs", type=int, default=3000, smallest=40, help="Number of synthetic songs; 0 for none.")
    options.add(
        "--seeds",
        type=int,
        smallest=1,
        help="Number of seeds (default: three for a small library, otherwise one).",
    )
    options.add("--projections", nargs="+", default=["pca", "tsne", "umap"], smallest=["pca"])
    options.add("--whole-groups", action="store_true")
    arguments = options.parse()
    libraries = {"real clips": read_library(arguments.db)} if arguments.db else {}
    if arguments.songs:
        libraries["made up"] = make_library(arguments.songs)
    selections = [random_songs, whole_groups] if arguments.whole_groups else [random_songs]
    print_head()
    table = []

    def rows():
        for name, library in libraries.items():
            for choose in selections:
                for row in measure(name, library, choose, arguments):
                    table.append(" ".join(map(str, row)))
                    yield row

    print_table(HEAD, rows())
    sys.exit(any("missed" in row for row in table))


if __name__ == "__main__":
    main()
