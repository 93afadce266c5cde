"""Compares ways to choose a few windows of a song for its coarse vector, and how many windows it needs.

    .venv/bin/python benchmarks/first_look.py [FOLDER ...] [--songs 150] [--seconds 240]
        [--counts 2 4 6 8 12 16 24 32 48] [--rules evenly loudest ...] [--precision int8] [--cache CACHE]

Each FOLDER is a library of its own; without one, the benchmark makes synthetic songs. It embeds every window
of up to `--songs` songs of each, of at most `--seconds` seconds, and keeps the embeddings in the folder
CACHE, so that a second run only prints. A folder's songs are taken in turn from each artist. If it is
stopped, the next run goes on; `--only-cached` prints what there is. Weights are OpenL3's if they are
installed, otherwise untrained; the first lines state which.

Each row makes every song's vector from N windows and compares it with the full vector, which is made from all
windows, for both ways of pooling. *Ten kept*: the share of a full vector's ten nearest songs that are among
the ten nearest by the coarse vectors. *Of the maximum's ten*: the same share where the coarse vectors are
means and the full ones maxima. *Artist* and *genre*: the share of a song's five nearest that have its artist;
and its genre, where songs of the same artist are left out. Songs without an artist or genre in their tags
count by the first folder of their path. The row "any songs" says what random neighbours would give. *Network*
is the time of the network for one song's windows.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

import numpy as np
from common import Options, make_music, print_head, print_table, read_samples

from explorer.config import HOP_S, Settings
from explorer.embedding.engines import Engine, open_engine, quantised_network
from explorer.embedding.frontend import log_mel, windows
from explorer.embedding.model_weights import Weights, find_local_weights, find_weights
from explorer.embedding.pooling import METHODS, pool
from explorer.embedding.precision import neighbours_lost
from explorer.embedding.window_grid import SAMPLE_RATE_HZ, choose_windows
from explorer.errors import ExplorerError
from explorer.indexing.make_previews import window_levels
from explorer.library.scanning import scan_folder
from explorer.library.tags import read_tags

NEIGHBOURS = 10
"""How many of a full vector's nearest songs are looked for among the nearest by other vectors."""

NEAREST = 5
"""How many neighbours are asked for their artist and genre."""

CALIBRATION_SONGS, CALIBRATION_S = 64, 15.0
TIMED_WINDOWS = 64


@dataclass(frozen=True)
class Song:
    """A song with the embeddings [shape=(T, 512)] and levels [shape=(T,), dBFS] of all its windows."""

    artist: str
    genre: str
    frames: np.ndarray
    levels_db: np.ndarray


# How windows are chosen. Each rule returns numbers of windows in ascending order, at most `count`.


def evenly(levels_db: np.ndarray, count: int) -> np.ndarray:
    """Cut the song into equal pieces and take the window in the middle of each."""
    pieces = min(len(levels_db), count)
    return (2 * np.arange(pieces) + 1) * len(levels_db) // (2 * pieces)


def with_ends(levels_db: np.ndarray, count: int) -> np.ndarray:
    """Take the first and the last window, and choose evenly between them, as the program does."""
    return choose_windows(len(levels_db), count=count)


def middle(levels_db: np.ndarray, count: int) -> np.ndarray:
    """Leave out the song's first and last tenth, and choose evenly from the rest."""
    edge = len(levels_db) // 10
    return edge + evenly(levels_db[edge : len(levels_db) - edge], count)


def loudest(levels_db: np.ndarray, count: int) -> np.ndarray:
    """Read twice as many windows, evenly, and take the loudest half of them."""
    candidates = evenly(levels_db, 2 * count)
    return np.sort(candidates[np.argsort(-levels_db[candidates], kind="stable")[:count]])


def louder_of_two(levels_db: np.ndarray, count: int) -> np.ndarray:
    """Read twice as many windows, evenly, and take the louder one of each two."""
    candidates = evenly(levels_db, 2 * count)
    pairs = np.array_split(candidates, min(count, len(candidates)))
    return np.array([pair[np.argmax(levels_db[pair])] for pair in pairs])


RULES: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "evenly": evenly,
    "with-ends": with_ends,
    "middle": middle,
    "loudest": loudest,
    "louder-of-two": louder_of_two,
}


class Embedder:
    """Embeds all windows of songs, and keeps the result of each song in a file.

    Parameters
    ----------
    cache : Path
        The folder of these files, and of the int8 network.
    precision : {"float32", "bfloat16", "int8"}
    seconds : float
        Songs are embedded up to this length.
    """

    def __init__(self, cache: Path, *, precision: str, seconds: float) -> None:
        self._cache, self._precision, self._seconds = cache, precision, seconds
        self._calibration: list[Path] = []
        models = Settings().models
        found = find_local_weights(None, models_dir=models)
        self.weights: Weights = found or find_weights("untrained", models_dir=models)

    def calibrate_with(self, paths: list[Path]) -> None:
        """Give the songs that an int8 network is calibrated with, unless the cache has one."""
        self._calibration = [paths[int(i)] for i in np.linspace(0, len(paths) - 1, CALIBRATION_SONGS)]

    def cached(self, path: Path) -> Path:
        """Return where the result for a song is."""
        status = path.stat()
        parts = path.resolve(), status.st_size, status.st_mtime_ns, self._seconds, self._precision, HOP_S
        key = hashlib.sha256(repr((*parts, self.weights.sha256)).encode())
        return self._cache / f"{key.hexdigest()[:32]}.npz"

    def embed(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        """Return the embeddings and levels of a song's windows."""
        file = self.cached(path)
        if not file.exists():
            frames, levels_db = self._compute(path)
            part = file.with_suffix(".part.npz")
            np.savez(part, frames=frames, levels_db=levels_db)
            part.replace(file)
        with np.load(file) as stored:
            return stored["frames"], stored["levels_db"]

    def milliseconds_per_window(self) -> float:
        """Measure the network's time per window, without the log-mels."""
        noise = np.random.default_rng(0).normal(size=(TIMED_WINDOWS, SAMPLE_RATE_HZ)).astype(np.float32)
        inputs = self._engine.prepare(noise)
        self._engine.embed(inputs[:8])
        started = time.perf_counter()
        self._engine.embed(inputs)
        return 1000 * (time.perf_counter() - started) / TIMED_WINDOWS

    def _compute(self, path: Path) -> tuple[np.ndarray, np.ndarray]:
        samples = read_samples(path, rate_hz=SAMPLE_RATE_HZ, seconds=self._seconds)
        frames, levels_db = [], []
        for batch in windows([samples], hop_s=HOP_S, batch_size=self._engine.batch_size):
            frames.append(self._engine.embed(self._engine.prepare(batch)))
            levels_db.append(window_levels(batch))
        return np.concatenate(frames), np.concatenate(levels_db)

    @cached_property
    def _engine(self) -> Engine:
        network = self._network() if self._precision == "int8" else None
        return open_engine("openvino", self.weights, precision=self._precision, network=network)

    def _network(self) -> bytes:
        file = self._cache / f"int8-{self.weights.sha256[:16]}.network"
        if not file.exists():
            log_mels = np.concatenate([self._calibration_window(path) for path in self._calibration])
            file.write_bytes(quantised_network(self.weights, log_mels))
        return file.read_bytes()

    @staticmethod
    def _calibration_window(path: Path) -> np.ndarray:
        samples = read_samples(path, rate_hz=SAMPLE_RATE_HZ, seconds=CALIBRATION_S)
        *_, last = windows([samples], hop_s=1.0, batch_size=1)
        return log_mel(last)


def songs_in_turn(folder: Path) -> list[tuple[Path, str, str]]:
    """List a folder's songs as path, artist and genre: one of each artist, then another one of each."""
    by_artist: dict[str, list] = {}
    for file in scan_folder(folder):
        path, first_folder = folder / file.native, file.text.partition("/")[0]
        tags = read_tags(path)
        artist = tags.artists[0] if tags.artists and not tags.artists_from_name else first_folder
        genre = tags.genres[0] if tags.genres else first_folder
        by_artist.setdefault(artist, []).append((path, artist, genre))
    rounds = zip_longest(*by_artist.values())
    return [song for one_of_each in rounds for song in one_of_each if song]


def embedded_songs(folder: Path, embedder: Embedder, *, limit: int, only_cached: bool) -> list[Song]:
    """Embed the first songs of a folder; those that cannot be read are left out."""
    listed = songs_in_turn(folder)
    embedder.calibrate_with([path for path, *_ in listed])
    songs: list[Song] = []
    for path, artist, genre in listed:
        if len(songs) == limit:
            break
        if only_cached and not embedder.cached(path).exists():
            continue
        try:
            songs.append(Song(artist, genre, *embedder.embed(path)))
        except ExplorerError as error:
            print(error, file=sys.stderr)
    return songs


class Library:
    """Songs, and how their neighbours by any vectors compare with those by the full vectors."""

    def __init__(self, songs: list[Song]) -> None:
        self.songs = songs
        artists, genres = (np.array([getattr(song, name) for song in songs]) for name in ("artist", "genre"))
        self._is_other = ~np.eye(len(songs), dtype=bool)
        self._same_artist = artists[:, np.newaxis] == artists
        self._same_genre = genres[:, np.newaxis] == genres
        self.full = {method: self.vectors(method) for method in METHODS}

    def vectors(self, method: str, rule: str | None = None, count: int = 0) -> np.ndarray:
        """Return the songs' vectors from chosen windows, or from all windows [shape=(songs, 512)]."""
        choose = RULES[rule] if rule else lambda levels_db, _: np.arange(len(levels_db))
        return np.array([pool(s.frames[choose(s.levels_db, count)], method=method) for s in self.songs])

    def agreement(self, vectors: np.ndarray | None) -> tuple[str, str]:
        """Return the shares of the nearest songs with the same artist, and with the same genre.

        None takes all songs in place of the nearest.
        """
        other_artist = self._is_other & ~self._same_artist
        by_artist = self._share(vectors, self._is_other, self._same_artist)
        return by_artist, self._share(vectors, other_artist, self._same_genre)

    @staticmethod
    def _share(vectors: np.ndarray | None, candidates: np.ndarray, wanted: np.ndarray) -> str:
        """Return the share of wanted songs among the nearest candidates, for songs that have wanted ones."""
        near = candidates
        if vectors is not None:
            centred = vectors - vectors.mean(axis=0)
            centred /= np.linalg.norm(centred, axis=1, keepdims=True)
            similarity = np.where(candidates, centred @ centred.T, -np.inf)
            near = np.zeros_like(candidates)
            np.put_along_axis(near, np.argsort(-similarity, axis=1)[:, :NEAREST], True, axis=1)
            near &= candidates
        has_wanted = (candidates & wanted).any(axis=1)
        shares = (near & wanted).sum(axis=1) / np.maximum(1, near.sum(axis=1))
        return f"{shares[has_wanted].mean():.3f}" if has_wanted.any() else "-"


def kept_share(vectors: np.ndarray, full: np.ndarray) -> float:
    """Return the share of the nearest songs by full vectors that are among the nearest by other vectors."""
    return 1 - neighbours_lost(vectors, full, sizes=[NEIGHBOURS])


HEAD = (
    *("windows", "chosen", "network", "share", "maximum: ten kept", "cosine", "artist", "genre"),
    *("mean: ten kept", "cosine", "artist", "genre", "of the maximum's ten"),
)


def rows_of(library: Library, milliseconds: float, arguments) -> Iterator[tuple]:
    """Yield a row for random neighbours, for the full vectors, and for each number of windows and rule."""
    n_windows = np.mean([len(song.frames) for song in library.songs])
    by_chance = library.agreement(None)
    kept = f"{NEIGHBOURS / (len(library.songs) - 1):.0%}"
    yield "any songs", "", "", "", kept, "", *by_chance, kept, "", *by_chance, kept
    maxima, means = library.full["max"], library.full["mean"]
    cells = [("100%", "1", *library.agreement(vectors)) for vectors in (maxima, means)]
    across = f"{kept_share(means, maxima):.0%}"
    yield (
        f"all, {n_windows:.0f}",
        "",
        f"{milliseconds * n_windows / 1000:.1f} s",
        "1",
        *sum(cells, ()),
        across,
    )
    for count in arguments.counts:
        for rule in arguments.rules:
            cells = []
            for method, full in library.full.items():
                vectors = library.vectors(method, rule, count)
                cosines = (vectors * full).sum(axis=1)
                cosines /= np.linalg.norm(vectors, axis=1) * np.linalg.norm(full, axis=1)
                kept = f"{kept_share(vectors, full):.1%}"
                cells += [kept, f"{cosines.mean():.4f}", *library.agreement(vectors)]
            across = f"{kept_share(vectors, maxima):.1%}"
            network, share = f"{milliseconds * count / 1000:.2f} s", f"{count / n_windows:.3f}"
            yield count, rule, network, share, *cells, across


def describe(folder: Path, library: Library) -> str:
    """Describe a library's size in one line."""
    minutes = sum(len(song.frames) for song in library.songs) * HOP_S / 60
    counts = [len(Counter(getattr(song, name) for song in library.songs)) for name in ("artist", "genre")]
    size = f"{len(library.songs)} songs, {minutes:.0f} minutes"
    return f"{folder.name}: {size}, {counts[0]} artists, {counts[1]} genres"


def main() -> None:
    """Embed the songs and print a table for each library."""
    options = Options(__doc__)
    options.add("folders", type=Path, nargs="*")
    options.add("--songs", type=int, default=150, smallest=12, help="Number of songs of each folder.")
    options.add("--seconds", type=float, default=240.0, smallest=2.0)
    counts = [2, 4, 6, 8, 12, 16, 24, 32, 48]
    options.add("--counts", type=int, nargs="+", default=counts, smallest=[2, 3])
    options.add("--rules", nargs="+", default=list(RULES), choices=list(RULES))
    options.add("--precision", default="int8", smallest="float32", choices=["float32", "bfloat16", "int8"])
    options.add("--cache", type=Path, help="Default: a temporary folder.")
    options.add("--only-cached", action="store_true", help="Take only songs whose embeddings are in CACHE.")
    arguments = options.parse()
    print_head()
    with tempfile.TemporaryDirectory() as temporary:
        cache = arguments.cache or Path(temporary) / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        embedder = Embedder(cache, precision=arguments.precision, seconds=arguments.seconds)
        print(f"{embedder.weights.name} weights, {arguments.precision}")
        sizes = {"songs": arguments.songs, "seconds": arguments.seconds}
        folders = arguments.folders or [make_music(Path(temporary) / "synthetic", **sizes)]
        take = {"limit": arguments.songs, "only_cached": arguments.only_cached}
        for folder in folders:
            library = Library(embedded_songs(folder.resolve(), embedder, **take))
            if len(library.songs) <= NEIGHBOURS:
                sys.exit(
                    f"{folder} has {len(library.songs)} readable songs: more than {NEIGHBOURS} are needed."
                )
            print(f"\n{describe(folder, library)}\n")
            print_table(HEAD, rows_of(library, embedder.milliseconds_per_window(), arguments))


if __name__ == "__main__":
    main()
