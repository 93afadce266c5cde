import numpy as np

from explorer.web.map.grouping import NO_GENRE, Grouping
from explorer.web.map.legend_entries import Tags, legend_entries
from explorer.web.map.palette import GREYS, MAX_COLOURS, PALETTES

THREE = Grouping("Clusters", ["a", "b", "c"], np.array([0, 1, 1, 1, 2, 2], np.int32), [0, 2, -1])


def test_large_groups_have_rows_and_the_smallest_share_one():
    members = np.repeat(np.arange(30, dtype=np.int32), 3)
    entries = legend_entries(Grouping("Clusters", [f"group {i}" for i in range(30)], members), theme="dark")
    assert len(entries) == MAX_COLOURS + 1
    first = {"name": "group 0", "count": 3, "representative": None}
    assert entries[0] == {"is_group": True, "colour": PALETTES["dark"][0], **first}
    rest = {"name": "10 more clusters", "count": 30, "representative": None}
    assert entries[-1] == {"is_group": False, "colour": GREYS["dark"], **rest}


def test_rows_are_sorted_by_size_and_colours_follow_the_groups_numbers():
    entries = legend_entries(THREE, theme="light")
    assert [entry["name"] for entry in entries] == ["b", "c", "a"]
    assert entries[0]["colour"] == PALETTES["light"][1]
    assert [entry["representative"] for entry in entries] == [2, None, 0]
    own = legend_entries(THREE, theme="light", colours=["#111111", "#222222", "#333333"])
    assert [entry["colour"] for entry in own] == ["#222222", "#333333", "#111111"]


def test_hidden_songs_do_not_count_and_represent_no_group():
    entries = legend_entries(THREE, theme="dark", hidden=np.array([1, 0, 1, 0, 0, 0], bool))
    assert [(entry["name"], entry["count"], entry["representative"]) for entry in entries] == [
        ("b", 2, None),
        ("c", 2, None),
    ]
    members = np.repeat(np.arange(25, dtype=np.int32), 2)
    many = Grouping("Genres", [str(i) for i in range(25)], members)
    last = legend_entries(many, theme="dark", hidden=members >= 21)[-1]
    assert (last["name"], last["count"]) == ("1 more genre", 2)


def test_a_map_without_songs_has_no_rows():
    assert legend_entries(Grouping("Clusters", [], np.empty(0, np.int32)), theme="dark") == []


def test_genres_have_as_many_songs_as_their_filter_shows_and_are_as_many_as_the_library_has():
    members = np.array([0, 0, 1, 2], np.int32)
    genres = Grouping("Genres", ["Rock", "Pop", NO_GENRE], members)
    songs = {"Rock": 2, "Pop": 3, NO_GENRE: 1, "Jazz": 2}

    def count(names):
        return sum(songs[name] for name in names)

    entries = legend_entries(genres, theme="dark", tags=Tags(["Pop", "Rock", "Jazz"], 3, count))
    assert [(entry["name"], entry["count"]) for entry in entries] == [
        ("Pop", 3),
        ("Rock", 2),
        (NO_GENRE, 1),
        # The third genre is nowhere the first one of a song.
        ("1 more genre", 2),
    ]
    assert len(legend_entries(genres, theme="dark", tags=Tags(["Pop", "Rock"], 2, count))) == 3
