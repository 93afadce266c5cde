"""How well a map stands still when songs are added to it, and how well the new songs find their places.

    .venv/bin/python benchmarks/stability.py [--db LIBRARY] [--songs 3000] [--seeds N] [--whole-groups]

Nine tenths of a library are stored and mapped, the others are added and the map is brought up to date, then
all songs are laid out anew. Printed are the largest step that an old song took (*drift*), and the share of
the new songs' ten true neighbours (by centred cosine) that are within their 30 nearest on the map: after
adding, and after the new layout. The ratio of the two should be 0.85 or more.

The songs that are added are drawn at random. With `--whole-groups`, in rows of their own, they are whole
scenes, or genres of an indexed library, that the map has never seen; no ratio is asked of those. `--db` takes
the vectors of an indexed library besides the made-up one. Small libraries are asked with three seeds, of
which the mean and the least are shown. The exit status is 1 where an old song moved or a ratio is too small.
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

from explorer.database.database import Database
from explorer.database.records import Song
from explorer.indexing.make_map import TITLES, MapRequest, make_map
from explorer.library.music_file import ScannedFile, Tags
from explorer.util.progress import Reporter

SHARE_ADDED = 0.1
TRUE, NEAR = 10, 30
LEAST_RATIO = 0.85
SMALL_LIBRARY, SEEDS_OF_SMALL = 2000, 3
HEAD = "library", "songs", "added later", "projection", "drift", "after adding", "anew", "ratio", "least"


class Outcome(NamedTuple):
    """What became of one projection: an old song's largest step, and the shares of neighbours near."""

    drift: float
    after_adding: float
    anew: float


def read_library(path: Path) -> Library:
    """Return the songs of an indexed library; a group is what has the same first genre."""
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
    """Choose which songs come later [shape=(m,), int]: a tenth, at random."""
    n = len(library.songs)
    return np.random.default_rng(seed).choice(n, max(1, round(SHARE_ADDED * n)), replace=False)


def whole_groups(library: Library, seed: int) -> np.ndarray:
    """Choose which songs come later [shape=(m,), int]: about a tenth, whole groups."""
    groups, taken = rows_of(library.groups, library.groups.max() + 1), np.empty(0, dtype=int)
    for group in np.random.default_rng(seed).permutation(len(groups)):
        if len(taken) + len(groups[group]) <= SHARE_ADDED * len(library.songs):
            taken = np.concatenate([taken, groups[group]])
    return taken


def add_and_map(
    library: Library, late: np.ndarray, path: Path, projections: tuple[str, ...]
) -> dict[str, Outcome]:
    """Map a library without some of its songs, add those, and compare with a new layout of all."""
    reporter = Reporter()
    with Database.open(path) as database:

        def places(relayout: bool = False) -> dict[str, dict[str, np.ndarray]]:
            make_map(database, reporter=reporter, request=MapRequest(projections, relayout=relayout))
            return {name: dict(zip(*database.positions(name)[:2], strict=True)) for name in projections}

        library.add_to(path, np.setdiff1d(np.arange(len(library.songs)), late))
        before = places()
        library.add_to(path, late)
        after, anew = places(), places(relayout=True)
        ids, vectors = database.vectors()
    outcomes = {}
    for name, known in before.items():
        drift = max(np.abs(after[name][song_id] - place).max() for song_id, place in known.items())
        new = np.array([row for row, song_id in enumerate(ids) if song_id not in known])
        true = true_nearest(vectors, new)
        maps = [np.array([places[name][song_id] for song_id in ids]) for places in (after, anew)]
        outcomes[name] = Outcome(float(drift), *(share_near(positions, new, true) for positions in maps))
    return outcomes


def true_nearest(vectors: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return the ten songs nearest to some [shape=(m, 10)], by centred cosine in double precision."""
    directions = vectors - vectors.mean(axis=0)
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-300)
    nearest = []
    for row in rows:
        likeness = directions @ directions[row]
        likeness[row] = -np.inf
        nearest.append(np.argpartition(-likeness, TRUE)[:TRUE])
    return np.array(nearest)


def share_near(positions: np.ndarray, rows: np.ndarray, true: np.ndarray) -> float:
    """Return which share of some songs' true neighbours lies no further than their 30th on the map."""
    kept = 0
    for row, neighbours in zip(rows, true, strict=True):
        distances = ((positions.astype(np.float64) - positions[row]) ** 2).sum(axis=1)
        distances[row] = np.inf
        kept += int((distances[neighbours] <= np.partition(distances, NEAR - 1)[NEAR - 1]).sum())
    return kept / true.size


def measure(
    name: str, library: Library, choose: Callable[[Library, int], np.ndarray], arguments
) -> Iterator[tuple]:
    """Yield a library's rows of the table; a ratio that is too small, or belongs to a drift, says so."""
    trials, late = [], set()
    seeds = arguments.seeds or (SEEDS_OF_SMALL if len(library.songs) < SMALL_LIBRARY else 1)
    for seed in range(seeds):
        rows = choose(library, seed)
        late.add(len(rows))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "songs.db"
            trials.append(add_and_map(library, rows, path, tuple(arguments.projections)))
    added = f"{' to '.join(map(str, sorted({min(late), max(late)})))} {choose.__name__.replace('_', ' ')}"
    for method in arguments.projections:
        outcomes = np.array([trial[method] for trial in trials])
        drift, (_, after, anew) = outcomes[:, 0].max(), outcomes.mean(axis=0)
        ratio, least = after / anew, (outcomes[:, 1] / outcomes[:, 2]).min()
        is_wrong = drift > 0 or (choose is random_songs and not ratio >= LEAST_RATIO)
        shown = f"{drift:g}", f"{after:.3f}", f"{anew:.3f}", f"{ratio:.2f}{' **missed**' * is_wrong}"
        yield name, len(library.songs), added, TITLES[method], *shown, f"{least:.2f}"


def main() -> None:
    """Measure each library, and print a table."""
    options = Options(__doc__)
    options.add("--db", type=Path, help="An indexed library, which is only read.")
    options.add("--songs", type=int, default=3000, smallest=40, help="Made-up songs; 0 for none.")
    options.add("--seeds", type=int, smallest=1, help="Rounds (three of a small library, else one).")
    options.add("--projections", nargs="+", default=["pca", "tsne", "umap"], smallest=["pca"])
    options.add("--whole-groups", action="store_true")
    arguments = options.parse()
    libraries = {"real clips": read_library(arguments.db)} if arguments.db else {}
    if arguments.songs:
        libraries["made up"] = make_library(arguments.songs)
    ways = [random_songs, whole_groups] if arguments.whole_groups else [random_songs]
    print_head()
    table = []

    def rows():
        for name, library in libraries.items():
            for choose in ways:
                for row in measure(name, library, choose, arguments):
                    table.append(" ".join(map(str, row)))
                    yield row

    print_table(HEAD, rows())
    sys.exit(any("missed" in row for row in table))


if __name__ == "__main__":
    main()
