"""Makes synthetic libraries of any size that behave like real ones. They have no sound.

    .venv/bin/python benchmarks/synthetic.py [synthetic.db] [--songs 10000] [--seed 0] [--map]

n songs belong to about sqrt(n) scenes: a few large ones and many small ones. Each scene has one of 40 genres,
and genres of one family are related. Within a scene, songs vary along twelve directions, most along the
first, plus a little noise. Within a scene, the songs of one artist are near each other, and few artists have
many songs. As with OpenL3, all vectors are far from zero, and vary in some directions more than in others.

With --map, the library gets made-up positions and clusters too, and is written as a stream: a million songs
take a few minutes, 7 GB of disk and 0.4 GB of memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import Options, print_head, print_table

from explorer.database.database import Database
from explorer.database.records import VECTOR_SIZE, Song
from explorer.indexing.model import Model
from explorer.library.music_file import ScannedFile, Tags

FAMILIES = (
    ("Rock", "Alternative", "Punk", "Metal", "Grunge"),
    ("Techno", "House", "Ambient", "Trance", "Drum & Bass"),
    ("Hip-Hop", "Trap", "R&B", "Soul", "Funk"),
    ("Salsa", "Reggaeton", "Bossa Nova", "Tango", "Flamenco"),
    ("Jazz", "Swing", "Blues", "Bebop", "Gospel"),
    ("Classical", "Opera", "Baroque", "Choral", "Piano"),
    ("Folk", "Country", "Bluegrass", "Singer-Songwriter", "Celtic"),
    ("Pop", "K-Pop", "Chanson", "Reggae", "Afrobeat"),
)
GENRES = [genre for family in FAMILIES for genre in family]
SYLLABLES = "ba che do fé gar hin ja kö lu mon ne øy pra qui ro sze tan ün va wil ya zo ши ля 花 夜".split()
WORDS = [first + second for first in SYLLABLES for second in SYLLABLES]
SCENE_DIRECTIONS = 12
_FAR_FROM_ZERO = 4.0
_SCENE_SPREAD, _DIRECTION_SPREAD, _NOISE = 0.6, 0.5, 0.05
# The weight of the j-th dimension is j to this power. Fifty principal components then hold 84 % of the
# variance of 187 songs out of 20,000; for 187 real clips it is 83 %.
_DECAY = -0.4
# The weights of the genre's family, the genre and the scene itself in a scene's centre; the squares sum to 1.
_FAMILY_WEIGHT, _GENRE_WEIGHT, _SCENE_WEIGHT = 0.4, 0.45, 0.8
_SCENE_SIZE_SIGMA = 0.8
# The weight of the song itself in its position in the scene; the rest is its artist's.
_SONG_WEIGHT = 0.55
_SONGS_PER_ARTIST, _SONGS_PER_ALBUM = 20, 10


@dataclass(frozen=True)
class Library:
    """Songs with their vectors, in no particular order.

    Attributes
    ----------
    songs : list of Song [length=n]
    vectors : np.ndarray [shape=(n, 512), float32 or float64]
    groups : np.ndarray [shape=(n,), int]
        Each song's group: its scene, or its genre.
    """

    songs: list[Song]
    vectors: np.ndarray
    groups: np.ndarray

    def add_to(self, path: Path, rows: np.ndarray) -> None:
        """Store the songs in these rows in a songs.db, in one transaction; create the file if needed."""
        with Database.open(path) as database:
            root = database.add_root(path.parent)
            database.claim_model(Model("untrained", "0" * 64, False, 0.5, "float32").record())
            with database.transaction():
                for row in rows:
                    database.store_song(root, self.songs[row], self.vectors[row])


def make_library(n: int, seed: int = 0) -> Library:
    """Make a library of n songs."""
    rng = np.random.default_rng(seed)
    scenes, genres = draw_scenes(n, rng)
    artists = assign_artists(scenes, len(genres), rng)
    vectors = Scenes(genres, artists.max(initial=0) + 1, rng).vectors(scenes, artists, rng)
    return Library(list(make_songs(artists, genres[scenes], rng)), vectors, scenes)


def draw_scenes(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the scene of each song [shape=(n,), int], and the genre number of each scene."""
    count = max(1, round(n**0.5))
    weights = rng.lognormal(sigma=_SCENE_SIZE_SIGMA, size=count)
    return rng.choice(count, size=n, p=weights / weights.sum()), rng.integers(0, len(GENRES), count)


def rows_of(groups: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the rows of each group."""
    sizes = np.bincount(groups, minlength=count)
    return np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])


def assign_artists(scenes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return each song's artist [shape=(n,), int]; by Zipf's law, a scene's first artist has the most."""
    artists, first = np.zeros(len(scenes), dtype=np.int64), 0
    for rows in rows_of(scenes, count):
        number = max(1, round(len(rows) / _SONGS_PER_ARTIST))
        share = 1.0 / np.arange(1, number + 1)
        artists[rows] = first + rng.choice(number, size=len(rows), p=share / share.sum())
        first += number
    return artists


class Scenes:
    """The sounds of a library's scenes and artists, from which the vectors of its songs are made.

    Parameters
    ----------
    genres : np.ndarray [shape=(s,), int]
        The genre number of each scene.
    n_artists : int
    """

    def __init__(self, genres: np.ndarray, n_artists: int, rng: np.random.Generator) -> None:
        family = np.repeat(rng.normal(size=(len(FAMILIES), VECTOR_SIZE)), len(FAMILIES[0]), axis=0)
        genre = _FAMILY_WEIGHT * family + _GENRE_WEIGHT * rng.normal(size=(len(GENRES), VECTOR_SIZE))
        weights = np.arange(1, VECTOR_SIZE + 1) ** _DECAY
        weights /= np.sqrt((weights**2).mean())
        mean = rng.normal(loc=_FAR_FROM_ZERO, size=VECTOR_SIZE)
        centres = genre[genres] + _SCENE_WEIGHT * rng.normal(size=(len(genres), VECTOR_SIZE))
        directions = rng.normal(
            scale=SCENE_DIRECTIONS**-0.5, size=(len(genres), SCENE_DIRECTIONS, VECTOR_SIZE)
        )
        directions *= np.linspace(1.0, 0.3, SCENE_DIRECTIONS)[:, None]
        self._centres = (mean + centres * _SCENE_SPREAD * weights).astype(np.float32)
        self._directions = (directions * _DIRECTION_SPREAD * weights).astype(np.float32)
        self._artists = rng.normal(size=(n_artists, SCENE_DIRECTIONS))

    def vectors(self, scenes: np.ndarray, artists: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return vectors [shape=(m, 512), float32] of songs, given the scene and the artist of each."""
        in_scene = _SONG_WEIGHT * rng.normal(size=(len(scenes), SCENE_DIRECTIONS))
        in_scene += (1 - _SONG_WEIGHT**2) ** 0.5 * self._artists[artists]
        vectors = rng.standard_normal((len(scenes), VECTOR_SIZE), dtype=np.float32) * np.float32(_NOISE)
        for scene in np.unique(scenes):
            rows = np.flatnonzero(scenes == scene)
            vectors[rows] += (
                in_scene[rows].astype(np.float32) @ self._directions[scene] + self._centres[scene]
            )
        return vectors


def make_songs(artists: np.ndarray, genres: np.ndarray, rng: np.random.Generator) -> Iterator[Song]:
    """Yield songs with tags, at most 10 on an album."""
    names = [made_up_words(rng, 2) for _ in range(artists.max(initial=-1) + 1)]
    albums: dict[int, tuple[str, str]] = {}
    n_songs_of = [0] * len(names)
    for number, (artist, genre) in enumerate(zip(artists.tolist(), genres.tolist(), strict=True)):
        if n_songs_of[artist] % _SONGS_PER_ALBUM == 0:
            albums[artist] = (made_up_words(rng, int(rng.integers(1, 5))), str(rng.integers(1960, 2027)))
        n_songs_of[artist] += 1
        album, year = albums[artist]
        title = made_up_words(rng, int(rng.integers(1, 5)))
        path = f"{names[artist]}/{album}/{number:06d} {title}.mp3".encode()
        family = FAMILIES[genre // len(FAMILIES[0])]
        song_genres = {GENRES[genre]: None, family[rng.integers(len(family))]: None}
        tags = Tags(title, (names[artist],), album, tuple(song_genres)[: 1 + (rng.random() < 0.3)], year)
        duration_s = float(rng.lognormal(np.log(215.0), 0.35))
        yield Song(ScannedFile(path, 1, 1), tags, f"{number:032x}", "mp3/mp3", duration_s)


def made_up_words(rng: np.random.Generator, length: int) -> str:
    """Return invented words in title case."""
    return " ".join(WORDS[word] for word in rng.integers(0, len(WORDS), length)).title()


def main() -> None:
    """Write a songs.db."""
    options = Options(__doc__)
    options.add(
        "database",
        type=Path,
        nargs="?",
        default=Path("synthetic.db"),
        help="The file to create; it must not exist.",
    )
    options.add("--songs", type=int, default=10_000, smallest=10)
    options.add("--seed", type=int, default=0)
    options.add("--map", action="store_true", help="Make up a map too, as no layout would draw it.")
    arguments = options.parse()
    if arguments.database.exists():
        options.error(f"{arguments.database} already exists: choose another name or remove the file")
    print_head()
    started, path = time.perf_counter(), arguments.database.resolve()
    if arguments.map:
        from bulk_library import store_library

        store_library(path, arguments.songs, arguments.seed)
    else:
        make_library(arguments.songs, arguments.seed).add_to(path, np.arange(arguments.songs))
    size_gb, seconds = path.stat().st_size / 1e9, time.perf_counter() - started
    print_table(("songs", "GB", "seconds"), [(arguments.songs, f"{size_gb:.2f}", f"{seconds:.0f}")])


if __name__ == "__main__":
    main()
