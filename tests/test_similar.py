import pytest

from explorer.errors import SongNotFoundError
from explorer.library.database import Database
from explorer.similar import find_similar


def test_the_nearest_songs_come_first_and_not_the_song_itself(library):
    path, ids = library
    with Database.open_readonly(path) as database:
        wanted, found = find_similar(database, ids[2], count=7)
    assert wanted.song_id == ids[2]
    assert {row.song_id for row, _ in found} == set(ids[:8]) - {ids[2]}
    values = [value for _, value in found]
    assert values == sorted(values, reverse=True)


def test_a_song_that_is_not_embedded_yet_is_a_sentence(library):
    path, ids = library
    with Database.open(path) as database:
        database.forget_vectors()
        with pytest.raises(SongNotFoundError, match=r"'000\.flac' has no vector yet"):
            find_similar(database, ids[0], count=3)
