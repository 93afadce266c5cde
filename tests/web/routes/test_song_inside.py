"""What the page is told about the inside of a song."""

import numpy as np
import pytest
from inside_support import features_of_structure, store_inside, windows_of_structure
from support import store_library

from explorer.analysis.missing_windows import NOT_HEARD_YET
from explorer.config import Settings
from explorer.database.database import Database
from explorer.database.features import FeatureRow
from explorer.embedding.song_windows import RawWindows, SongWindows
from explorer.structure.song_features import SongFeatures
from explorer.web.app import create_app
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.routes.song_inside import MAX_MATRIX_SIZE, describe_inside, matrix_levels

SECONDS = 36.0


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """A library of 24 songs; in the first two the structure is known, and the second has tags."""
    folder = tmp_path_factory.mktemp("inside")
    ids = store_library(folder / "songs.db", folder / "music", seconds=0.05)
    with Database.open(folder / "songs.db") as library:
        library._rows("UPDATE files SET duration_s = ? WHERE song_id IN (?, ?)", (SECONDS, *ids[:2]))
        for song_id in ids[:2]:
            store_inside(library, song_id, seconds=SECONDS)
        library._rows(
            "UPDATE songs SET info = json_set(info, '$.bpm', '128', '$.key', '8B') WHERE id = ?", (ids[1],)
        )
        library.store_features(ids[2], SongFeatures(loudness_lufs=-30.0, loudness_curve=np.full(3, -30.0)))
        library.store_windows(ids[4], RawWindows(np.ones((8, 512), dtype=np.float16), 0.5))
    return folder / "songs.db"


@pytest.fixture(scope="module")
def get(database):
    """A function that asks the server for something of the song with a number."""
    client = create_app(Settings(database=database)).server.test_client()
    revision = CatalogueHolder(database).latest().revision
    return lambda index, more="", revision=revision: client.get(f"/inside/{revision}/{index}{more}")


def test_sections_cover_the_song_and_alike_ones_have_the_same_letter(get):
    told = get(0).get_json()
    sections = told["sections"]
    assert "".join(section["label"] for section in sections) == "ABA"
    assert sections[0]["start_s"] == 0
    assert sections[-1]["end_s"] == told["duration_s"] == SECONDS
    for before, after, wanted in zip(sections, sections[1:], (12, 24), strict=False):
        assert before["end_s"] == after["start_s"] == pytest.approx(wanted, abs=1)
    assert (told["has_windows"], told["step_s"]) == (True, 0.5)
    assert get(0).headers["Cache-Control"] == "no-store"


def test_measured_values_are_told_with_their_doubt(get):
    told = get(0).get_json()
    assert (told["tempo_bpm"], told["tempo_source"], told["tempo_is_sure"]) == (120.4, "sound", True)
    assert (told["key"], told["camelot"], told["key_is_sure"]) == ("A minor", "8A", False)
    assert (told["energy"], told["loudness_lufs"], told["brightness_hz"]) == (0.62, -13.6, 2140)
    assert len(told["loudness_curve"]) == len(told["brightness_curve"]) == SECONDS
    assert told["loudness_curve"][18] == -14
    assert told["beats_s"][:2] == [0, 0.5]


def test_tags_come_before_what_was_measured(get):
    told = get(1).get_json()
    assert (told["tempo_bpm"], told["tempo_source"], told["tempo_is_sure"]) == (128, "tag", True)
    assert (told["key"], told["camelot"], told["key_source"]) == ("C major", "8B", "tag")


def test_of_a_song_without_windows_the_page_is_told_what_is_known(get):
    told = get(2).get_json()
    assert (told["has_windows"], told["sections"]) == (False, [])
    assert (told["loudness_lufs"], told["tempo_bpm"], told["key"]) == (-30, None, None)
    told = get(3).get_json()
    assert (told["has_windows"], told["loudness_lufs"], told["loudness_curve"]) == (False, None, [])
    assert told["duration_s"] == pytest.approx(0.05)
    answer = get(3, "/matrix")
    assert answer.status_code == 404
    assert "--windows" in answer.text


def test_the_page_is_told_what_to_do_in_one_sentence(get, database):
    assert get(0).get_json()["advice"] is None
    folder = f"index {database.parent / 'music'}"
    for index in (2, 3):
        advice = get(index).get_json()["advice"]
        assert f"`python run.py {folder} --windows --db {database}`" in advice
    assert get(2).get_json()["advice"] != get(3).get_json()["advice"]
    assert get(4).get_json()["advice"] == get(4, "/matrix").text == NOT_HEARD_YET


def test_silence_is_neither_quiet_nor_dark():
    features = SongFeatures(
        loudness_lufs=-70.0,
        brightness_hz=0.0,
        loudness_curve=np.array([-70, -20.04], dtype=np.float32),
        brightness_curve=np.array([0, 900], dtype=np.float32),
    )
    told = describe_inside(2.0, None, features, FeatureRow(loudness_lufs=-70.0, brightness_hz=0.0))
    assert (told["loudness_curve"], told["brightness_curve"]) == ([None, -20.0], [None, 900])
    assert (told["loudness_lufs"], told["brightness_hz"]) == (None, None)


def test_the_matrix_is_bright_where_parts_are_alike(get):
    answer = get(0, "/matrix")
    size = int(answer.headers["X-Size"])
    levels = np.frombuffer(answer.data, dtype=np.uint8).reshape(size, size)
    assert (np.diag(levels) == 255).all()
    assert (levels == levels.T).all()
    first, middle, last = levels[5], levels[size // 2], levels[-5]
    assert first[-5] > 200 > 60 > first[size // 2]
    assert middle[5] < 60
    assert last[5] > 200


def test_songs_that_are_not_on_the_map_and_old_maps_are_refused(get):
    assert get(99).status_code == 404
    assert get(99, "/matrix").status_code == 404
    assert get(0, revision=99).status_code == 409


def test_the_matrix_of_a_long_song_is_small():
    windows = windows_of_structure("AB", seconds=2 * 3600)
    levels = matrix_levels(windows.components)
    assert levels.shape == (MAX_MATRIX_SIZE, MAX_MATRIX_SIZE)
    assert levels[0, 100] > 200 > 60 > levels[0, -1]


def test_a_long_song_has_few_sections():
    # A new sound every forty seconds.
    letters = "".join(chr(0x100 + number) for number in range(180))
    windows = windows_of_structure(letters, seconds=7200)
    sections = describe_inside(7200.0, windows, None, FeatureRow())["sections"]
    assert 2 < len(sections) <= 60


def test_what_is_not_finite_is_unknown():
    features = SongFeatures(loudness_curve=np.array([-np.inf, np.nan, -20.0], dtype=np.float32))
    row = FeatureRow(tempo_bpm=float("nan"), loudness_lufs=float("-inf"), key="?", key_confidence=1.0)
    told = describe_inside(None, None, features, row)
    assert told["loudness_curve"] == [None, None, -20]
    assert (told["tempo_bpm"], told["loudness_lufs"], told["key"]) == (None, None, None)
    assert told["duration_s"] == 3


def test_a_song_of_one_window_and_one_of_no_known_length():
    windows = SongWindows(np.ones((1, 64), dtype=np.int8), 0.1, 0.5)
    told = describe_inside(0.3, windows, None, FeatureRow())
    assert [(section["start_s"], section["end_s"]) for section in told["sections"]] == [(0, 0.3)]
    assert matrix_levels(windows.components).tolist() == [[255]]
    assert describe_inside(None, None, None, FeatureRow())["duration_s"] is None
    features = features_of_structure("A", seconds=5)
    assert describe_inside(None, windows, features, FeatureRow())["duration_s"] == 5
