"""Splitting the text of genre tags, and one spelling for each genre."""

import pytest

from explorer.library.genre_names import KNOWN_GENRES, genre_key
from explorer.library.genre_texts import common_spellings, split_genres


@pytest.mark.parametrize(
    ("text", "genres"),
    [
        ("Rock", ["Rock"]),
        ("Rock; Pop;;Jazz", ["Rock", "Pop", "Jazz"]),
        ("Rock|Pop", ["Rock", "Pop"]),
        (r"Rock\Pop", ["Rock", "Pop"]),
        (r"Rock\\Pop \\ Jazz", ["Rock", "Pop", "Jazz"]),
        ("R&B / Soul", ["R&B", "Soul"]),
        # Never inside parentheses
        ("Techno (Peak Time / Driving)", ["Techno (Peak Time / Driving)"]),
        ("Techno (Raw / Deep / Hypnotic); House", ["Techno (Raw / Deep / Hypnotic)", "House"]),
        ("Trance (Main Floor; Hard) / House", ["Trance (Main Floor; Hard)", "House"]),
        ("Bass [Dub / Wave (Rock / Pop)] / Jazz", ["Bass [Dub / Wave (Rock / Pop)]", "Jazz"]),
        ("House (Rock, Pop)", ["House (Rock, Pop)"]),
        ("Techno (Peak / Driving", ["Techno (Peak", "Driving"]),
        # Slashes and commas only between known genres
        ("Rock/Pop", ["Rock", "Pop"]),
        ("Hip-Hop/Rap", ["Hip-Hop/Rap"]),
        ("R&B/Soul", ["R&B/Soul"]),
        ("Pop/Funk", ["Pop/Funk"]),
        ("Drum/Bass", ["Drum/Bass"]),
        ("AC/DC Tribute", ["AC/DC Tribute"]),
        ("House, IDM, Dance", ["House", "IDM", "Dance"]),
        ("Drum & Bass,hip hop/House", ["Drum & Bass", "hip hop", "House"]),
        ("Folk, World, & Country", ["Folk, World, & Country"]),
        ("Folk, World, and Country", ["Folk, World, and Country"]),
        ("Rock, Mysterious", ["Rock, Mysterious"]),
        ("Pop, Rock", ["Pop", "Rock"]),
        ("Jazz, Funk / Soul", ["Jazz", "Funk", "Soul"]),
        # Numbers of ID3
        ("17", ["Rock"]),
        ("(17)", ["Rock"]),
        ("(17)(8)Fusion", ["Rock", "Jazz", "Fusion"]),
        ("(RX)", ["Remix"]),
        ("17;8", ["Rock", "Jazz"]),
        ("((Weird)", ["(Weird)"]),
        ("255", []),
        ("(255)", []),
        ("(255)Polka", ["Polka"]),
        ("(\u0663)", ["(\u0663)"]),
        ("1970", ["1970"]),
        ("80s", ["80s"]),
        # No genre
        ("Unknown", []),
        ("unknown genre; Jazz", ["Jazz"]),
        ("Other", ["Other"]),
        ("", []),
        (" ; / ", []),
    ],
)
def test_a_text_is_split_into_genres(text, genres):
    assert split_genres(text) == genres


def test_bytes_of_other_encodings_are_not_split():
    text = "ソウル".encode("shift-jis").decode("latin-1")
    assert "\\" in text
    assert split_genres(text) == [text]


def test_hostile_texts_are_split_in_time():
    text = "a" + "(" * 900
    assert split_genres(text) == [text]
    assert len(split_genres("a;" * 500)) == 500


def test_genres_are_known_in_each_spelling():
    for name in ("drum and bass", "Drum'n'Bass", "DRUM & BASS", "drum n bass", "Hip Hop", "hip-hop", "RnB"):
        assert genre_key(name) in KNOWN_GENRES
    assert genre_key("& Country") not in KNOWN_GENRES
    assert len(KNOWN_GENRES) > 500


def test_the_most_frequent_spelling_is_chosen():
    counts = {"piano": 3, "Piano": 2, "PIANO": 1, "Hip-Hop": 5, "hip hop": 4, "STRASSE": 1, "straße": 2}
    assert common_spellings(counts) == {
        "Piano": "piano",
        "PIANO": "piano",
        "hip hop": "Hip-Hop",
        "STRASSE": "straße",
    }
    assert common_spellings({"jazz": 1, "Jazz": 1, "JAZZ": 1}) == {"jazz": "JAZZ", "Jazz": "JAZZ"}
    assert common_spellings({"Rock": 1, "Rocker": 1, "Hiphop": 1, "Hip Hop": 1}) == {}
