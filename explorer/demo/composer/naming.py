"""Gives every piece an invented title, artist and album."""

from dataclasses import dataclass
from zlib import crc32

import numpy as np


@dataclass(frozen=True)
class Words:
    """The words that a style's names are made of; semicolons separate the entries of a field.

    An entry of `artists` is "artist: album". A title is an opening followed by an ending.
    """

    artists: str
    openings: str
    endings: str


@dataclass(frozen=True)
class Names:
    """A piece's title, artist, album, year and track number."""

    title: str
    artist: str
    album: str
    year: int
    track: int


WORDS = {
    "Ambient": Words(
        "Pale Meridian: Slow Weather; Isla Vantongeren: Rooms Without Walls; Low Tide Index: Drift Tables",
        "Fog; Snowlight; Halflight; Moss; Glass; Distance; Salt; Silence",
        "over Still Water; in Seven Shades; before Anyone Wakes; on the Far Shore; Breathing; without Edges; "
        "at the Pole; Remembered",
    ),
    "Baroque": Words(
        "Collegium Holderbach: Concerti da Giardino; The Pennyfold Consort: Music for a Small Court",
        "Gavotte; Minuet; Allegro; Rondeau; Courante; Passepied; Badinage; Capriccio",
        "for the Clockmaker; for a Vain Peacock; of the Two Ladders; for the Duke's Breakfast; "
        "of the Orangery; for Eleven Candles; for the Clever Fox; of the Garden Maze",
    ),
    "Blues": Words(
        "Catfish Ellery: Railroad Kitchen; Mama Tolliver: Half Past Lonesome; The Gravel Deacons: Road Dust",
        "Empty; Crooked; Borrowed; Rusty; Midnight; Two-Dollar; Barefoot; Leaky",
        "Mailbox Blues; Suitcase Shuffle; Porch Light Blues; Ferry Blues; Coffee Shuffle; Streetcar Blues; "
        "Boots Boogie; Rooftop Blues",
    ),
    "Chiptune": Words(
        "Pixel Badgerson: Insert Coin; Captain Cartridge-Smith: Bonus Stage; 8 Bit Heron: Save Point",
        "Turbo; Castle; Rocket; Goblin; Lunar; Bubble; Secret; Hyper",
        "Level Select; Boss Parade; Jetpack Picnic; Coin Chase; High Score; Dungeon Disco; Moon Race; "
        "Extra Life",
    ),
    "Choir": Words(
        "Saint Orrin's Singers: Evening Office; Kammerkoret Norrlinje: Winter Psalms",
        "Lux; Gaudium; Pax; Stella; Vesper; Aurora; Requies; Gloria",
        "in Montibus; super Flumina; Hiemalis; Nova; Perpetua; in Silvis; Matutina; et Umbra",
    ),
    "Drum and Bass": Words(
        "Gantry Vex: Terminal Velocity Club; DJ Halcyon Pike: Concrete Garden; Sub Orchard: Pressure Map",
        "Carbon; Neon; Static; Razor; Liquid; Orbital; Shadow; Voltage",
        "Runner; Protocol; Flyover; Gravity; Skyline; Reflex; Undertow; Circuit",
    ),
    "Dub": Words(
        "King Lanternfish: Echo Chamber Session; Roots Cartography: Version Atlas; "
        "Sister Basswell: Deep Harbour",
        "Mango; Lighthouse; Bamboo; Thunder; Harbour; Cinnamon; Zebra; Coconut",
        "Dub; Rockers; Version; Steppers; Echo; Skank; Riddim; Meditation",
    ),
    "Folk": Words(
        "Rowan and the Weir: Lanes; Hester Quillfeather: The Wool Road; The Lower Mill Band: Hearth and Hill",
        "The Miller's; The Ferryman's; The Drover's; The Tinker's; The Shepherd's; The Weaver's; "
        "The Widow's; The Fiddler's",
        "Lantern; Daughter; Farewell; Goose; Return; Wedding Morning; Fancy; Long Road Home",
    ),
    "Gamelan": Words(
        "Sekar Wulan Ensemble: Bronze Rain; Gong Tirta Asri: Gardens of Metal",
        "Gending; Lancaran; Ladrang; Ketawang; Bubaran; Srepegan; Ayak; Tabuh",
        "Hujan Emas; Bulan Biru; Kupu Kupu; Angin Pagi; Sawah Ijo; Burung Malam; Bunga Teratai; "
        "Lintang Wengi",
    ),
    "Nocturne": Words(
        "Adele Mirabeau-Lund: Night Pieces; Tomasz Wierzbnik: Unsent Letters; Clara Ostrander: Ivory Hours",
        "Lamplight; Rain; A Candle; An Old Letter; Moonrise; A Last Train; Starlings; A Promise",
        "by the Canal; at Two in the Morning; for Josephine; behind the Curtain; in an Empty Ballroom; "
        "above the Rooftops; after the Guests Have Gone; in Late September",
    ),
    "Techno": Words(
        "Kilo Ostrava: Warehouse Arithmetic; Modul Veldt: Night Shift; Ada Strobe: Machine Tenderness",
        "Steel; Phase; Signal; Concrete; Vapour; Magnet; Tunnel; Cobalt",
        "Assembly; Shift; Loop 7; Transit; Hall; Function; Conveyor; Relay",
    ),
    "Waltz": Words(
        "Musette Garibelle: Bal du Canal; Papa Zitouni's Accordion: Carousel; Trio Vermillonne: Sundays",
        "Waltz of; The Dance of; Springtime with; Sunday with; One Turn for; Lanterns for; The Carousel of; "
        "Champagne with",
        "the Chestnut Sellers; the Umbrella Makers; Madame Pinceau; the Lost Gloves; the Pastry Cooks; "
        "the River Barges; Three Balconies; the Pigeon Keeper",
    ),
}


def random_stream(seed: int, style: str, *numbers: int) -> np.random.Generator:
    """Return the random generator for a seed, a style and `numbers`; it is the same on every machine."""
    return np.random.default_rng([seed, crc32(style.encode()), *numbers])


def name_piece(style: str, index: int, *, seed: int) -> Names:
    """Name the piece with a number (from 0) in a style; no two pieces of a seed have the same title."""
    words = WORDS[style]
    rng = random_stream(seed, style)
    openings = rng.permutation(words.openings.split("; "))
    endings = rng.permutation(words.endings.split("; "))
    # Every pair of an opening and an ending occurs once. Eight successive titles have eight different
    # openings and eight different endings.
    size = len(endings)
    title = f"{openings[index % size]} {endings[(index + index // size) % size]}"
    if index >= size**2:
        title += f", No. {index // size**2 + 1}"
    artists = words.artists.split("; ")
    artist, album = artists[index % len(artists)].split(": ")
    year = int(rng.integers(1968, 2026, len(artists))[index % len(artists)])
    return Names(title, artist, album, year, index // len(artists) + 1)
