import json
import math

import numpy as np
import pytest

from explorer.database.records import SongFacts
from explorer.web.browser_inputs import MAX_ITEMS
from explorer.web.data.facets import Facets, Filter, Values, songs_in_clusters, unknown_clusters
from explorer.web.map.grouping import NO_ARTIST, NO_GENRE, Grouping


@pytest.fixture
def facets():
    """The facets of six songs."""
    songs = [
        SongFacts(("Björk",), 1993, 200.0),
        SongFacts(("Björk", "Tricky"), 1995, 180.5),
        SongFacts(("björk",), None, 320.25),
        SongFacts(("AC/DC",), 1980, None),
        SongFacts((), None, None),
        SongFacts(("Tyler, The Creator",), 2019, 60.0),
    ]
    genres = [("Pop", "pop", "Pop"), ("Trip-Hop", "Pop"), ("POP",), ("Rock",), (), ("Hip-Hop", b"\xff", " ")]
    return Facets.of(songs, genres)


def matching(facets, **document):
    return np.flatnonzero(facets.matching(Filter.parse(document))).tolist()


def test_each_value_counts_a_song_once_and_the_commonest_value_is_first(facets):
    assert facets.by_genre.counted() == [("Pop", 3), ("Hip-Hop", 1), ("Rock", 1), ("Trip-Hop", 1)]
    assert facets.by_artist.counted() == [
        ("Björk", 3),
        ("AC/DC", 1),
        ("Tricky", 1),
        ("Tyler, The Creator", 1),
    ]
    assert (facets.years, facets.n_without_year) == ((1980, 2019), 2)
    assert facets.durations_s == (60.0, 320.25)


def test_a_song_must_match_every_kind_and_any_value_of_a_kind(facets):
    assert matching(facets, genres=["pop"]) == [0, 1, 2]
    assert matching(facets, genres=["Trip-Hop", "ROCK", "none such"]) == [1, 3]
    assert matching(facets, genres=["pop"], years=[1990, 1994]) == [0]
    assert matching(facets, genres=["pop"], artists=["tricky", "AC/DC"]) == [1]
    assert matching(facets, genres=["none such"]) == []


def test_artists_match_alone_and_by_the_text_of_all_artists(facets):
    assert matching(facets, artists=["Björk"]) == [0, 1, 2]
    assert matching(facets, artists=["Björk, Tricky"]) == [1]
    assert matching(facets, artists=["Tyler, The Creator"]) == [5]
    assert matching(facets, artists=["Tyler"]) == []


def test_songs_without_a_year_or_duration_match_no_range(facets):
    assert matching(facets, years=[None, 3000]) == [0, 1, 3, 5]
    assert matching(facets, years=[1995, 1993]) == [0, 1]
    assert matching(facets, duration_s=[180.5, 200]) == [0, 1]
    assert matching(facets, duration_s=list(facets.durations_s)) == [0, 1, 2, 5]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bjo", ["Björk"]),
        *((text, ["AC/DC"]) for text in ("ac/d", "acdc", "ac dc", "A.C.D.C.")),
        ("bjoerk", ["Björk"]),
        ("creator ty", ["Tyler, The Creator"]),
        ("ric", ["Tricky"]),
        ("t", ["Tricky", "Tyler, The Creator"]),
        ("", ["Björk", "AC/DC", "Tricky", "Tyler, The Creator"]),
        ("zz", []),
        ("\ud800", []),
        ("x" * 100_000, []),
    ],
)
def test_artists_are_suggested_by_the_beginnings_of_their_words_or_any_part(facets, text, expected):
    assert facets.suggest_artists(text) == expected
    assert facets.suggest_artists(text, limit=1) == expected[:1]


def test_genres_and_artists_are_suggested_by_the_beginnings_of_their_words(facets):
    assert facets.suggest("hop", limit=2) == [
        {"kind": "genre", "name": "Hip-Hop", "songs": 1},
        {"kind": "genre", "name": "Trip-Hop", "songs": 1},
    ]
    assert facets.suggest("op", limit=2) == []
    assert (
        json.dumps(facets.suggest("b", limit=2)) == '[{"kind": "artist", "name": "Bj\\u00f6rk", "songs": 3}]'
    )
    assert [suggestion["kind"] for suggestion in facets.suggest("", limit=2)] == [
        "genre",
        "genre",
        "artist",
        "artist",
    ]


def found(values, text, **options):
    return [values.names[number] for number in values.find(text, **{"limit": 5, **options})]


def test_names_of_punctuation_only_can_be_found():
    values = Values.of([("!!!",), ("???",), ("plain",)])
    assert found(values, "!!") == ["!!!"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lodz", "Łódź Live"),
        ("rem", "R.E.M."),
        ("r.e", "R.E.M."),
        ("oconn", "Sinéad O’Connor"),
        ("kino", "Кино"),
        ("ИНО", "Кино"),
        ("live ла lodz", None),
    ],
)
def test_names_are_found_however_they_are_typed(text, name):
    values = Values.of([("Łódź Live", "R.E.M.", "Sinéad O’Connor", "Кино")])
    assert found(values, text, anywhere=True) == ([name] if name else [])


def test_the_value_that_is_the_text_comes_before_commoner_ones():
    values = Values.of([("Moby", "Motörhead", "MØ")] + [("Moby", "Motörhead")] * 2)
    assert found(values, "mo", limit=2) == ["MØ", "Moby"]
    assert found(values, "moe", limit=2) == ["MØ"]


def test_no_songs_and_songs_without_tags_have_no_values():
    for songs in ([], [SongFacts()] * 3):
        facets = Facets.of(songs, [()] * len(songs))
        assert (facets.by_genre.counted(), facets.by_artist.counted(), facets.years, facets.durations_s) == (
            [],
            [],
            None,
            None,
        )
        assert facets.n_without_year == len(songs)
        assert facets.matching(Filter(genres=("x",))).tolist() == [False] * len(songs)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "genres",
        7,
        {},
        {"genres": "Pop", "clusters": {"a": 1}, "artists": [None, 7, [], ""], "years": 1990},
        {"years": [1990], "duration_s": ["a", "b"]},
        {"years": [None, None], "duration_s": [True, False]},
        {"years": [math.nan, 2000], "duration_s": [[1], 2]},
        {"years": None, "duration_s": None, "unknown": 1},
    ],
)
def test_a_malformed_filter_matches_every_song(document):
    assert Filter.parse(document).is_empty


def test_a_filter_is_parsed_and_limited():
    names = [f"genre {i}" for i in range(MAX_ITEMS + 10)]
    chosen = Filter.parse(
        {
            "genres": [*names, 7],
            "years": [10**400, None],
            "duration_s": [90, -(10**400)],
        }
    )
    assert chosen.genres == tuple(names[:MAX_ITEMS])
    assert chosen.years == (math.inf, math.inf)
    assert chosen.duration_s == (-math.inf, 90)


def test_clusters_are_chosen_by_name_and_names_that_mean_nothing_now_are_ignored():
    stored = Grouping("Clusters", ["rock", "pop"], np.array([0, 0, 1, 1], np.int32))
    other = Grouping("Clusters", ["pop", "jazz", "soul"], np.array([0, 1, 2, 2], np.int32))

    def chosen(current, *names):
        matching = songs_in_clusters(names, current, stored)
        return None if matching is None else matching.tolist()

    assert chosen(stored, "pop") == [False, False, True, True]
    assert chosen(other, "pop") == [True, False, False, False]
    # A name can mean a stored cluster that is not shown.
    assert chosen(other, "rock") == [True, True, False, False]
    assert chosen(other, "soul", "rock") == [True, True, True, True]
    assert chosen(other, "soul", "unknown") == [False, False, True, True]
    assert chosen(other, "unknown") is chosen(other) is None
    assert unknown_clusters(["soul", "unknown", "rock"], other, stored) == ["unknown"]


def test_songs_without_a_genre_or_artist_can_be_chosen():
    facts = [SongFacts(artists=("A", "B")), SongFacts(), SongFacts(artists=("B",))]
    facets = Facets.of(facts, [(), ("Pop", "Rock"), ("Rock",)])
    assert facets.matching(Filter(genres=(NO_GENRE,))).tolist() == [True, False, False]
    assert facets.matching(Filter(genres=(NO_GENRE, "pop"))).tolist() == [True, True, False]
    assert facets.matching(Filter(artists=(NO_ARTIST,))).tolist() == [False, True, False]
    assert facets.songs_with("artist", ["A, B"]).tolist() == [True, False, False]
