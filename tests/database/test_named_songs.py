"""The song that a text names."""

import json

import pytest

from explorer.errors import AmbiguousSongError, SongNotFoundError


@pytest.fixture
def songs(fresh_db):
    for song_id, title, artist, album in (
        ("dream", "A Dream of Łódź", "AC/DC", "Live"),
        ("lodz", "Łódź", "Żółw", "Live"),
        ("stop", "Don't Stop", "Fleetwood Mac", "Rumours"),
        ("go", "Go Your Own Way", "Fleetwood Mac", "Rumours"),
        ("rumours", "Everybody talks", "Nobody", ""),
        ("bang", "!!!", "!!!", ""),
        ("\x1b[31m", "", "", ""),
    ):
        info = {"name": title, "artists": [artist], "album": {"name": album}}
        fresh_db._rows("INSERT INTO songs VALUES (?, ?)", (song_id, json.dumps(info)))
    fresh_db._rows("INSERT INTO songs_genres VALUES ('go', 'Talking')")
    return fresh_db


@pytest.mark.parametrize(
    ("text", "song_id"),
    [
        ("dont stop", "stop"),
        ("OWN WAY", "go"),
        ("dream", "dream"),
        ("lodz", "lodz"),  # It is one song's whole title, though another title contains it.
        ("mac stop", "stop"),
        ("fleetwood mac - don’t", "stop"),
        ("acdc", "dream"),
        ("ac dc lodz", "dream"),
        ("verybod", "rumours"),
        ("talk", "rumours"),  # A genre is no name.
        ("!!!", "bang"),
        ("go", "go"),
    ],
)
def test_a_song_is_named_by_words_that_fit_only_one(songs, text, song_id):
    assert songs.find_song(text).song_id == song_id


def test_words_that_fit_several_songs_are_refused_with_their_names(songs):
    with pytest.raises(AmbiguousSongError, match="2 songs fit 'fleetwood'") as raised:
        songs.find_song("fleetwood")
    assert raised.value.__notes__ == [
        "Don't Stop  ·  Fleetwood Mac  ·  stop",
        "Go Your Own Way  ·  Fleetwood Mac  ·  go",
    ]


@pytest.mark.parametrize(("count", "is_told"), [(10, False), (11, True)])
def test_at_most_ten_of_the_songs_that_fit_are_listed(fresh_db, count, is_told):
    for number in range(count):
        info = json.dumps({"name": f"Love \x1b[{number}"})
        fresh_db._rows("INSERT INTO songs VALUES (?, ?)", (f"{number:02d}", info))
    with pytest.raises(AmbiguousSongError, match=f"{count} songs fit 'lov'") as raised:
        fresh_db.find_song("lov")
    assert ("first ten" in str(raised.value)) == is_told
    assert len(raised.value.__notes__) == 10
    assert raised.value.__notes__[0] == "Love [0  ·  unknown artist  ·  00"


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Dont Stopp", r'did you mean "Don\'t Stop"\?$'),
        ("go your own weigh", r"did you mean 'Go Your Own Way'\?$"),
        ("Lotz", r"did you mean 'Łódź'\?$"),
        ("zzzz", r"search on the page"),
        ("talking", "search on the page"),
        ("", "search on the page"),
        ("x" * 5_000, "search on the page"),
        ("\udcff", "search on the page"),
        ("%", "search on the page"),
    ],
)
def test_a_text_that_names_no_song_is_refused_with_similar_titles(songs, text, suggestion):
    with pytest.raises(SongNotFoundError, match=suggestion) as raised:
        songs.find_song(text)
    assert not isinstance(raised.value, AmbiguousSongError)


def test_words_are_searched_only_if_they_may_be(songs):
    assert songs.song_ids_matching("dream") == ["dream"]
    assert songs.song_ids_matching("fleetwood", by_words=False) == []
    assert songs.song_ids_matching("Don't Stop", by_words=False, by_file_name=False) == ["stop"]
