import os

import pytest

from explorer.database.database import Database
from explorer.web.data.cached_count import CachedCount


@pytest.fixture
def count(library, monkeypatch):
    """The function that counts the songs of a library, as a list of the counts that SQLite was asked for."""
    path, _ = library
    cached, asked = CachedCount(path), []
    counted = Database.count_vectors
    monkeypatch.setattr(Database, "count_vectors", lambda database: asked.append(1) or counted(database))

    def count():
        asked.clear()
        with Database.open_readonly(path) as database:
            return cached.of(database), len(asked)

    return count


def wrote_long_ago(path):
    for file in path.parent.glob(f"{path.name}*"):
        os.utime(file, ns=(1_700_000_000_000_000_000, 1_700_000_000_000_000_000))


def test_songs_are_counted_once_until_somebody_writes(library, count):
    path, ids = library
    wrote_long_ago(path)
    assert [count(), count()] == [(24, 1), (24, 0)]
    with Database.open(path) as database:  # Its log keeps the change.
        database._rows("DELETE FROM songs WHERE id = ?", (ids[0],))
        assert count()[0] == 23
    assert count()[0] == 23


def test_a_count_soon_after_a_write_is_not_kept(library, count):
    path, _ = library
    os.utime(path)
    assert [count(), count()] == [(24, 1), (24, 1)]
