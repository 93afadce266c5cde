"""Made-up libraries that behave like real ones, as large as a benchmark wants them.

    .venv/bin/python benchmarks/synthetic.py songs.db [--songs 10000] [--seed 0]

Songs belong to scenes, about the square root of as many, a few of them large and most small; a scene has
one of 40 genres, and genres of one family are related. Within a scene songs vary in twelve ways, most in
the first, and a little at random; its artists, of whom few have many songs, each have a corner of it. All
vectors lie far from zero, as OpenL3's do, and vary in some directions more than in others. There is no
sound.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from explorer.indexing.model import Model  # noqa: E402
from explorer.library.database import Database  # noqa: E402
from explorer.library.records import VECTOR_SIZE, ScannedFile, Song, Tags  # noqa: E402

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
WORDS = """
about across after again air alone always amber angel animal another answer apart april arrow ashes autumn
avenue away baby back ballad beautiful before begin believe belong below beneath better between bird bitter
black blind blood bloom blossom blue body bone border born bottle boulevard brave break breath bridge bright
broken brother bullet burn butterfly call candle carry castle chain change chase child circle city clear
cloud coast cold colour come copper corner crazy cross crystal dance danger dark daughter dawn day dear deep
desert devil diamond distance door down dream drift drive dust early earth easy echo edge electric empty end
engine ever every eye face fade fall far fast father fear feather feel fever field fire first float flood
flower fly fog follow forest forever forget free friend frost garden ghost glass gold gone good goodbye grace
gravity green ground hand happy harbour heart heaven heavy hello high hold hollow home honey horizon hour
house hunter ice inside iron island jealous jewel journey july june jungle keep kiss ladder lake land lantern
last late leave letter light lightning line lonely long lost love low machine magic man maybe memory midnight
mile mirror money moon morning mother motion mountain moving name neon never new night nobody north nothing
ocean october old only open orbit over paper paradise people perfect phantom pilot poison prayer promise rain
rainbow red rhythm ride river road rose run sad sailor salt satellite sea season secret seven shadow shine
ship silence silver sister sky sleep slow smoke snow somebody song sorrow south spark stairs star station
steel stone storm stranger street summer sun sunday sweet tears thunder tide time tomorrow tonight train
trouble under valley velvet violet voice wait walk wall water wave west whisper white wild wind window winter
wolf wonder world yellow yesterday young
été à où déjà château forêt lumière rêve cœur âme mélancolie étoile fenêtre naïve garçon là-bas toujours
corazón canción mañana niño sueño camino río montaña jardín adiós pasión corazones señorita lágrimas luz
saudade coração manhã ilusão solidão você não avião maré paixão irmão
für über schön träume nächte mädchen größe frühling straße himmel sehnsucht müde
perché città più così felicità libertà città-luce notte
güneş çiçek gökyüzü şarkı yağmur aşk ışık dönüş
miłość życie noc światło dzień łza wspomnień
hjärta älskling sjö över månen kärlek stjärnor
yö sydän tähti järvi kesä Ævintýri þögn ljós
večer láska žluť příběh tér őszi hűség
любовь ночь снег дорога 夜 海 花 東京 서울 사랑 θάλασσα νύχτα
""".split()
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

    def part(self, rows: np.ndarray) -> Library:
        """Return some of the songs."""
        return Library([self.songs[row] for row in rows], self.vectors[rows], self.groups[rows])

    def add_to(self, path: Path) -> None:
        """Store the songs in a songs.db, in one transaction; made where there is none."""
        with Database.open(path) as database:
            root = database.add_root(path.parent)
            database.claim_model(Model("untrained", "0" * 64, False, 0.5, "float32").record())
            with database.transaction():
                for song, vector in zip(self.songs, self.vectors, strict=True):
                    database.store_song(root, song, vector)


@dataclass(frozen=True)
class Scenes:
    """Who belongs to whom.

    Attributes
    ----------
    of_song, artist_of_song : np.ndarray [shape=(n,), int]
    genre_of_scene : np.ndarray [shape=(scenes,), int]
        Numbers of `GENRES`.
    """

    of_song: np.ndarray
    artist_of_song: np.ndarray
    genre_of_scene: np.ndarray


def make_library(n: int, seed: int = 0) -> Library:
    """Make up so many songs."""
    return Library(make_songs(n, seed), make_vectors(n, seed), make_scenes(n, seed).of_song)


def store(path: Path, n: int, seed: int = 0) -> None:
    """Write a songs.db of so many songs, without a map."""
    make_library(n, seed).add_to(path)


def make_scenes(n: int, seed: int = 0) -> Scenes:
    """Deal so many songs out to scenes, and those of a scene to its artists."""
    rng = np.random.default_rng([seed, 0])
    count = max(1, round(n**0.5))
    weights = rng.lognormal(sigma=_SIZES_SPREAD, size=count)
    scenes = rng.choice(count, size=n, p=weights / weights.sum())
    artists = np.zeros(n, dtype=np.int64)
    first = 0
    for rows in _rows_of(scenes, count):
        number = max(1, round(len(rows) / _SONGS_OF_ARTIST))
        # Zipf: the first of a scene has the most songs.
        share = 1.0 / np.arange(1, number + 1)
        artists[rows] = first + rng.choice(number, size=len(rows), p=share / share.sum())
        first += number
    return Scenes(scenes, artists, rng.integers(0, len(GENRES), count))


def _rows_of(groups, count):
    """Return the rows of each group."""
    sizes = np.bincount(groups, minlength=count)
    return np.split(np.argsort(groups, kind="stable"), np.cumsum(sizes)[:-1])


def make_vectors(n: int, seed: int = 0) -> np.ndarray:
    """Return the songs' vectors [shape=(n, 512), float32], in the order of `make_songs`."""
    scenes = make_scenes(n, seed)
    rng = np.random.default_rng([seed, 1])
    family = np.repeat(rng.normal(size=(len(FAMILIES), VECTOR_SIZE)), len(FAMILIES[0]), axis=0)
    genre = _OF_FAMILY * family + _OF_GENRE * rng.normal(size=(len(GENRES), VECTOR_SIZE))
    everywhere = rng.normal(loc=_FAR_FROM_ZERO, size=VECTOR_SIZE)
    corners = rng.normal(size=(scenes.artist_of_song.max(initial=0) + 1, WAYS))
    weights = np.arange(1, VECTOR_SIZE + 1) ** _DECAY
    weights /= np.sqrt((weights**2).mean())
    vectors = np.empty((n, VECTOR_SIZE), dtype=np.float32)
    for scene, rows in enumerate(_rows_of(scenes.of_song, len(scenes.genre_of_scene))):
        centre = genre[scenes.genre_of_scene[scene]] + _OF_SCENE * rng.normal(size=VECTOR_SIZE)
        ways = rng.normal(scale=WAYS**-0.5, size=(WAYS, VECTOR_SIZE)) * np.linspace(1.0, 0.3, WAYS)[:, None]
        steps = (1 - _OF_SONG**2) ** 0.5 * corners[scenes.artist_of_song[rows]]
        steps += _OF_SONG * rng.normal(size=(len(rows), WAYS))
        some = rng.standard_normal((len(rows), VECTOR_SIZE), dtype=np.float32) * np.float32(_NOISE)
        apart = (steps @ ways * _WAY_SPREAD + centre * _SCENE_SPREAD) * weights
        some += (apart + everywhere).astype(np.float32)
        vectors[rows] = some
    return vectors


def make_songs(n: int, seed: int = 0) -> list[Song]:
    """Return songs with their tags: about 20 an artist, at most 10 an album."""
    scenes = make_scenes(n, seed)
    rng = np.random.default_rng([seed, 2])
    names = [_artist_name(rng) for _ in range(scenes.artist_of_song.max(initial=-1) + 1)]
    albums: dict[tuple[int, int], tuple[str, str]] = {}
    n_songs_of = [0] * len(names)
    genres = scenes.genre_of_scene[scenes.of_song].tolist()
    songs = []
    for number, (artist, genre) in enumerate(zip(scenes.artist_of_song.tolist(), genres, strict=True)):
        key = (artist, n_songs_of[artist] // _SONGS_OF_ALBUM)
        n_songs_of[artist] += 1
        if key not in albums:
            albums[key] = (_title(rng), str(rng.integers(1960, 2027)))
        album, year = albums[key]
        title = _title(rng)
        path = f"{names[artist]}/{album}/{number:06d} {title}.mp3".encode()
        tags = Tags(title, (names[artist],), album, _genres_of(genre, rng), year)
        duration_s = float(rng.lognormal(np.log(215.0), 0.35))
        songs.append(Song(ScannedFile(path, 1, 1), tags, f"{number:032x}", "mp3/mp3", duration_s))
    return songs


def _genres_of(genre, rng):
    """Return a scene's genre, and for three songs in ten another of its family."""
    family = FAMILIES[genre // len(FAMILIES[0])]
    other = family[rng.integers(len(family))]
    if other == GENRES[genre] or rng.random() >= 0.3:
        return (GENRES[genre],)
    return (GENRES[genre], other)


def _title(rng):
    length = rng.choice([1, 2, 3, 4, 5], p=[0.25, 0.35, 0.2, 0.12, 0.08])
    text = " ".join(WORDS[word] for word in rng.integers(0, len(WORDS), length))
    return text[:1].upper() + text[1:]


def _artist_name(rng):
    first, second = (WORDS[word].capitalize() for word in rng.integers(0, len(WORDS), 2))
    return (f"{first} {second}", f"The {first} {second}", f"{first} & the {second}", first)[rng.integers(4)]


def main() -> None:
    """Write a songs.db."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("database", type=Path, help="The songs.db to write; it must not exist.")
    parser.add_argument("--songs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.database.exists():
        parser.error(f"{arguments.database} exists already")
    store(arguments.database, arguments.songs, arguments.seed)


if __name__ == "__main__":
    main()
