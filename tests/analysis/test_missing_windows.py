"""What a user is told about songs whose inside is not known."""

import shlex

import numpy as np
import pytest
from support import store_library
from window_support import song_windows, store_windows

from explorer.analysis.inside_song import look_inside
from explorer.analysis.missing_windows import NOT_HEARD_YET, missing_inside, missing_match, missing_moments
from explorer.analysis.similar_songs import recommend
from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding.song_windows import RawWindows
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

ANY = ModelRequest(Settings().models)
RAW = RawWindows(np.ones((8, 512), dtype=np.float16), 0.5)


@pytest.fixture
def quoted(tmp_path):
    """A library whose folder's name must be quoted: (path, ids, the words of the command for its folder)."""
    folder = tmp_path / "it's music"
    ids = store_library(tmp_path / "songs.db", folder, seconds=0.05)
    return tmp_path / "songs.db", ids, ["python", "run.py", "index", str(folder)]


def command_in(sentence):
    return shlex.split(sentence.split("`")[1])


def inside_notes(path, song_id):
    return look_inside(song_id, database=path, request=ANY, reporter=Reporter())[0].notes


def test_the_command_names_the_folder_of_the_song(quoted, tmp_path):
    path, ids, index = quoted
    windows, database = ["--windows"], ["--db", str(path)]
    with Database.open(path) as library:
        library.add_root(tmp_path / "other")
        for known, expected in (
            ({"has_windows": False, "has_features": False}, windows),
            ({"has_windows": False, "has_features": True}, windows),
            ({"has_windows": True, "has_features": False}, []),
        ):
            sentence = missing_inside(library, ids[0], **known)
            assert command_in(sentence) == index + expected + database
        assert missing_inside(library, ids[0], has_windows=True, has_features=True) is None
        assert command_in(missing_moments(library, ids[0])) == index + windows + database
        assert command_in(missing_match(library, (ids[0], ids[1]))) == index + windows + database
    (note,) = inside_notes(path, ids[0])
    assert command_in(note) == index + windows + database


def test_of_several_songs_the_command_names_the_only_folder_of_the_library(quoted, tmp_path):
    path, ids, index = quoted
    asked = {"count": 3, "request": ANY, "reporter": Reporter(), "why": True}
    advice = recommend(ids[0], database=path, **asked).advice
    assert command_in(advice) == [*index, "--windows", "--db", str(path)]
    with Database.open(path) as library:
        library.add_root(tmp_path / "other")
    advice = recommend(ids[0], database=path, **asked).advice
    assert command_in(advice)[2:5] == ["index", "FOLDER", "--windows"]


def test_windows_that_wait_for_a_basis_need_no_command(quoted):
    path, ids, _ = quoted
    with Database.open(path) as library:
        for song_id in ids:
            library.store_windows(song_id, RAW)
        sentences = (
            missing_inside(library, ids[0], has_windows=False, has_features=True),
            missing_moments(library, ids[0]),
            missing_match(library, (ids[0], ids[1])),
        )
    assert sentences[:2] == (NOT_HEARD_YET, NOT_HEARD_YET)
    assert "index run" in sentences[2] and "`" not in sentences[2]
    assert inside_notes(path, ids[0]) == (NOT_HEARD_YET,)
    asked = {"count": 3, "request": ANY, "reporter": Reporter(), "why": True}
    advice = recommend(ids[0], database=path, **asked).advice
    assert "3 songs" in advice and "`" not in advice


def test_a_song_of_the_first_look_needs_no_command(quoted):
    path, ids, _ = quoted
    with Database.open(path) as library:
        library.store_coarse_vector(ids[0], np.ones(512))
        assert not library.awaits_windows(ids[0]), "it has a full vector, too"
        library._rows("DELETE FROM songs_vectors WHERE song_id = ?", (ids[0],))
        assert library.awaits_windows(ids[0])
        assert missing_moments(library, ids[0]) == NOT_HEARD_YET
        assert "`" in missing_moments(library, ids[1])
        assert "`" in missing_match(library, (ids[0], ids[1]))


def test_songs_with_windows_need_nothing(quoted):
    path, ids, _ = quoted
    store_windows(path, {song_id: song_windows(number) for number, song_id in enumerate(ids[:2])})
    with Database.open(path) as library:
        assert missing_match(library, (ids[0], ids[1])) is None
        assert "`" in missing_match(library, (ids[0], ids[2]))
