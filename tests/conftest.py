"""What all tests share: small libraries of real files."""

import pytest
from support import store_library, write_tone

from explorer.library.database import Database


@pytest.fixture
def make_tone():
    """Write an audio file."""
    return write_tone


@pytest.fixture
def make_library():
    """Fill a songs.db."""
    return store_library


@pytest.fixture
def fresh_db(tmp_path):
    """An empty songs.db."""
    with Database.open(tmp_path / "songs.db") as database:
        yield database


@pytest.fixture
def library(tmp_path):
    """A songs.db of 24 songs in three genres, with its map: (path, song ids)."""
    path = tmp_path / "songs.db"
    return path, store_library(path, tmp_path / "music")
