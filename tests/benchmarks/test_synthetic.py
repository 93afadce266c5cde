"""Tests of the libraries that the benchmarks make up."""

import pytest

from explorer.config import ROOT
from explorer.database.database import Database


@pytest.fixture
def made_up(monkeypatch, tmp_path):
    """A library of 700 songs that was written without the triggers of songs.db."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import bulk_library

    bulk_library.store_library(tmp_path / "songs.db", 700)
    with Database.open_readonly(tmp_path / "songs.db") as database:
        yield database


def test_a_bulk_library_is_like_one_that_was_stored_song_by_song(made_up, tmp_path):
    assert made_up.integrity_problems() == []
    assert made_up.stray_rows() == made_up.damaged_songs() == {}
    assert (made_up.count_vectors(), len(made_up.duplicates()), len(made_up.gone_songs())) == (700, 3, 2)
    texts = "song_id, title, artist, album, genres"
    views = f"SELECT {texts.replace('song_id', 'id')} FROM texts_of_songs"
    assert made_up._rows(f"SELECT {texts} FROM song_texts EXCEPT {views}") == []
    columns = "number, title, artist, album, genres, other_title, other_artist, other_album, other_genres"
    spelled = f"SELECT {columns} FROM spellings_of_songs"
    assert made_up._rows(f"SELECT {columns} FROM song_spellings EXCEPT {spelled}") == []
    song_id = next(iter(made_up.artists()))
    assert song_id in made_up.search(made_up.song(song_id).title)
    # The triggers are there again.
    with Database.open(tmp_path / "songs.db") as writer:
        writer._rows("DELETE FROM songs WHERE id = ?", (song_id,))
        assert song_id not in writer.search(song_id)
        assert writer.integrity_problems() == []
