"""Made-up libraries that behave like real ones, as large as a benchmark wants them.

    .venv/bin/python benchmarks/synthetic.py [synthetic.db] [--songs 10000] [--seed 0]

Songs belong to scenes, about the square root of as many, a few of them large and most small; a scene has
one of 40 genres, and genres of one family are related. Within a scene songs vary in twelve ways, most in
the first, and a little at random; its artists, of whom few have many songs, each have a corner of it. All
vectors lie far from zero, as OpenL3's do, and vary in some directions more than in others. There is no
sound.
"""

from __future__ import annotations

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
WAYS = 12
_FAR_FROM_ZERO = 4.0
_SCENE_SPREAD, _WAY_SPREAD, _NOISE = 0.6, 0.5, 0.05
# The j-th of the directions in which songs differ weighs j to this power. Of 187 songs out of 20,000 fifty
# components then hold 84 % of the variance; of 187 real clips it is 83 %.
_DECAY = -0.4
# What a scene's centre owes to its genre's family, to its genre and to itself; the squares sum to 1.
_OF_FAMILY, _OF_GENRE, _OF_SCENE = 0.4, 0.45, 0.8
_SIZES_SPREAD = 0.8
# How far a song's place in its scene is its own, and not its artist's.
_OF_SONG = 0.55
_SONGS_OF_ARTIST, _SONGS_OF_ALBUM = 20, 10


@dataclass(frozen=True)
class Library:
    """Songs with their vectors, in no order.

    Attributes
    ----------
    songs : list of Song [length=n]
    vectors : np.ndarray [shape=(n, 512), float32 or float64]
    groups : np.ndarray [shape=(n,), int]
        Which songs belong together: a scene, or a genre.
    """

    songs: list[Song]
    vectors: np.ndarray
    groups: np.ndarray

    def add_to(self, path: Path, rows: np.ndarray) -> None:
        """Store some of the songs in a songs.db, in one transaction; made where there is none."""
        with Database.open(path) as database:
            root = database.add_root(path.parent)
            database.claim_model(Model("untrained", "0" * 64, False, 0.5, "float32").record())
            with database.transaction():
                for row in rows:
                    database.store_song(root, self.songs[row], self.vectors[row])


def make_library(n: int, seed: int = 0) -> Library:
    """Make up so many songs."""
    rng = np.random.default_rng(seed)
    count = max(1, round(n**0.5))
    weights = rng.lognormal(sigma=_SIZES_SPREAD, size=count)
    scenes = rng.choice(count, size=n, p=weights / weights.sum())
    genres = rng.integers(0, len(GENRES), count)
    artists = deal_to_artists(scenes, count, rng)
    return Library(
        make_songs(artists, genres[scenes], rng), make_vectors(scenes, artists, genres, rng), scenes
    )


def rows_of(groups: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the rows of each group."""
    sizes = np.bincount(groups, minlength=count)
    return np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])


def deal_to_artists(scenes: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return each song's artist [shape=(n,), int]; by Zipf's law, the first of a scene has the most songs."""
    artists, first = np.zeros(len(scenes), dtype=np.int64), 0
    for rows in rows_of(scenes, count):
        number = max(1, round(len(rows) / _SONGS_OF_ARTIST))
        share = 1.0 / np.arange(1, number + 1)
        artists[rows] = first + rng.choice(number, size=len(rows), p=share / share.sum())
        first += number
    return artists


def make_vectors(
    scenes: np.ndarray, artists: np.ndarray, genres: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Return the songs' vectors [shape=(n, 512), float32]; `genres` has one number for each scene."""
    family = np.repeat(rng.normal(size=(len(FAMILIES), VECTOR_SIZE)), len(FAMILIES[0]), axis=0)
    genre = _OF_FAMILY * family + _OF_GENRE * rng.normal(size=(len(GENRES), VECTOR_SIZE))
    everywhere = rng.normal(loc=_FAR_FROM_ZERO, size=VECTOR_SIZE)
    corners = rng.normal(size=(artists.max(initial=0) + 1, WAYS))
    weights = np.arange(1, VECTOR_SIZE + 1) ** _DECAY
    weights /= np.sqrt((weights**2).mean())
    vectors = np.empty((len(scenes), VECTOR_SIZE), dtype=np.float32)
    for scene, rows in enumerate(rows_of(scenes, len(genres))):
        centre = genre[genres[scene]] + _OF_SCENE * rng.normal(size=VECTOR_SIZE)
        ways = rng.normal(scale=WAYS**-0.5, size=(WAYS, VECTOR_SIZE)) * np.linspace(1.0, 0.3, WAYS)[:, None]
        steps = (1 - _OF_SONG**2) ** 0.5 * corners[artists[rows]]
        steps += _OF_SONG * rng.normal(size=(len(rows), WAYS))
        noise = rng.standard_normal((len(rows), VECTOR_SIZE), dtype=np.float32) * np.float32(_NOISE)
        apart = (steps @ ways * _WAY_SPREAD + centre * _SCENE_SPREAD) * weights
        vectors[rows] = noise + (apart + everywhere).astype(np.float32)
    return vectors


def make_songs(artists: np.ndarray, genres: np.ndarray, rng: np.random.Generator) -> list[Song]:
    """Return songs with their tags, at most 10 on an album."""
    names = [say(rng, 2) for _ in range(artists.max(initial=-1) + 1)]
    albums: dict[tuple[int, int], tuple[str, str]] = {}
    n_songs_of = [0] * len(names)
    songs = []
    for number, (artist, genre) in enumerate(zip(artists.tolist(), genres.tolist(), strict=True)):
        key = (artist, n_songs_of[artist] // _SONGS_OF_ALBUM)
        n_songs_of[artist] += 1
        if key not in albums:
            albums[key] = (say(rng, int(rng.integers(1, 5))), str(rng.integers(1960, 2027)))
        album, year = albums[key]
        title = say(rng, int(rng.integers(1, 5)))
        path = f"{names[artist]}/{album}/{number:06d} {title}.mp3".encode()
        family = FAMILIES[genre // len(FAMILIES[0])]
        of_song = {GENRES[genre]: None, family[rng.integers(len(family))]: None}
        tags = Tags(title, (names[artist],), album, tuple(of_song)[: 1 + (rng.random() < 0.3)], year)
        duration_s = float(rng.lognormal(np.log(215.0), 0.35))
        songs.append(Song(ScannedFile(path, 1, 1), tags, f"{number:032x}", "mp3/mp3", duration_s))
    return songs


def say(rng: np.random.Generator, length: int) -> str:
    """Return some made-up words."""
    return " ".join(WORDS[word] for word in rng.integers(0, len(WORDS), length)).title()


def main() -> None:
    """Write a songs.db."""
    options = Options(__doc__)
    options.add("database", type=Path, nargs="?", default=Path("synthetic.db"), help="Must not exist.")
    options.add("--songs", type=int, default=10_000, smallest=10)
    options.add("--seed", type=int, default=0)
    arguments = options.parse()
    if arguments.database.exists():
        options.error(f"{arguments.database} exists already: give another name, or remove it")
    print_head()
    library = make_library(arguments.songs, arguments.seed)
    library.add_to(arguments.database.resolve(), np.arange(arguments.songs))
    artists = len({song.tags.artists for song in library.songs})
    print_table(("songs", "artists", "scenes"), [(arguments.songs, artists, len(set(library.groups)))])


if __name__ == "__main__":
    main()
