"""Other encodings of a recording, and songs with equal titles: what the page and the commands tell."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt
from support import write_sound

from explorer.analysis.library_status import describe_library, library_status
from explorer.cli.main import run
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.records import encode_vector
from explorer.mapping.same_recordings import same_recordings
from explorer.web.app import create_app
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.data.song_lists import describe_neighbours


def set_title(library, song_id, title):
    library._rows("UPDATE songs SET info = json_set(info, '$.name', ?) WHERE id = ?", (title, song_id))


@pytest.fixture
def two_encodings(library):
    """The path of a library: songs 2 and 9 are the same recording; song 12 only has their title."""
    path, ids = library
    with Database.open(path) as database, database.transaction():
        vector = database.vector(ids[2])
        noise = np.random.default_rng(1).normal(size=512) * 0.01 * np.linalg.norm(vector) / np.sqrt(512)
        blob = encode_vector(vector + noise)
        database._rows("UPDATE songs_vectors SET embedding = ? WHERE song_id = ?", (blob, ids[9]))
        for number, title, album in (
            (2, "One Song", "Album A"),
            (9, "one song", "Album B"),
            (12, "One Song", "C"),
        ):
            set_title(database, ids[number], title)
            database._rows(
                "UPDATE songs SET info = json_set(info, '$.album', ?) WHERE id = ?", (album, ids[number])
            )
        database._rows("UPDATE files SET format = 'mp3/mp3float' WHERE song_id = ?", (ids[9],))
    return path


def test_a_songs_details_list_its_other_encodings_with_format_and_path(two_encodings):
    client = create_app(Settings(database=two_encodings)).server.test_client()
    for song, other, form in ((2, 9, "MP3"), (9, 2, "FLAC")):
        details = client.get(f"/songs/1/{song}").get_json()
        assert (details["same_recording_count"], details["same_sound_count"]) == (1, 0)
        (listed,) = details["same_recording"]
        assert (listed["index"], listed["format"], listed["path"]) == (other, form, f"{other:03d}.flac")
    assert client.get("/songs/1/12").get_json()["same_recording"] == []


def test_neighbours_tell_the_same_recording_and_the_album_of_equal_titles(two_encodings):
    client = create_app(Settings(database=two_encodings)).server.test_client()
    neighbours = {row["index"]: row for row in client.get("/neighbours/1/2").get_json()["neighbours"]}
    assert (neighbours[9]["same_recording"], neighbours[9]["same_sound"]) == (True, False)
    # The chosen song has the same title.
    assert neighbours.pop(9)["album"] == "Album B"
    assert {(row["album"], row["same_recording"]) for row in neighbours.values()} == {("", False)}
    # Two of the neighbours have the same title.
    catalogue = CatalogueHolder(two_encodings).latest()
    rows = describe_neighbours(catalogue, [(2, 0.9), (9, 0.8), (4, 0.7)], of=5)
    assert [row["album"] for row in rows] == ["Album A", "Album B", ""]


def test_after_a_title_has_changed_the_recordings_are_compared_again(two_encodings):
    catalogue = CatalogueHolder(two_encodings).latest()
    assert [catalogue.same_recordings(number) for number in (2, 9, 12)] == [(9,), (2,), ()]
    with Database.open(two_encodings) as database:
        set_title(database, catalogue.song_ids[9], "Another Song")
    assert catalogue.with_changes("later").same_recordings(2) == ()


def test_status_counts_the_other_encodings(two_encodings):
    with Database.open_readonly(two_encodings) as database:
        status = library_status(database)
    assert status["same_recordings"] == 1
    assert "1 song: the same recording as another" in describe_library(status)


def test_similar_shows_the_album_of_equal_titles(two_encodings, capsys):
    assert run(["similar", "002.flac", "--db", str(two_encodings), "-k", "8"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert [line for line in lines if "Album" in line] == [line for line in lines if "009.flac" in line]
    assert "one song  ·  Artist 1  ·  Album B  ·  009.flac" in lines[0]


def test_a_flac_and_an_mp3_of_a_song_are_told_and_another_take_is_not(tmp_path, capsys):
    rng = np.random.default_rng(0)
    time = np.arange(3 * 44_100) / 44_100
    # MP3 encoders remove the highest frequencies, which would change the vectors of untrained filters.
    low_pass = butter(8, 8_000, fs=44_100, output="sos")
    for take in (1, 2):
        tones = np.sin(2 * np.pi * rng.uniform(100, 4_000, size=(6, 1)) * time).sum(axis=0)
        sound = 0.1 * tones + 0.05 * sosfilt(low_pass, rng.normal(size=len(time)))
        for suffix in ("flac", "mp3"):
            write_sound(tmp_path / "music" / str(take) / f"Song.{suffix}", sound)
    arguments = ["index", tmp_path / "music", "--weights", "untrained", "--no-previews", "--no-map"]
    database = tmp_path / "songs.db"
    assert run([*map(str, arguments), "--db", str(database)]) == 0
    with Database.open_readonly(database) as library:
        assert same_recordings(library) == [("1/Song.flac", "1/Song.mp3"), ("2/Song.flac", "2/Song.mp3")]
    said = capsys.readouterr().err.splitlines()
    assert "2 songs" in next(line for line in said if "another encoding" in line)
