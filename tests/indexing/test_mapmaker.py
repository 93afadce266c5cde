import numpy as np
import pytest

from explorer.errors import LibraryError
from explorer.indexing import mapmaker
from explorer.indexing.mapmaker import make_map
from explorer.library.database import Database
from explorer.library.records import ScannedFile, Song, Tags
from explorer.progress import Reporter


def test_an_empty_library_has_no_map(fresh_db):
    with pytest.raises(LibraryError, match="holds no song yet"):
        make_map(fresh_db, reporter=Reporter())


def test_a_song_stored_while_the_library_is_read_waits_for_the_next_map(library, tmp_path, monkeypatch):
    path, ids = library
    read_songs = Database.songs

    def store_then_read(database):
        with Database.open(path) as other:
            song = Song(ScannedFile(b"late.flac", 1, 1), Tags("Late"), "e" * 32, "flac/pcm_16", 1.0)
            other.store_song(other.add_root(tmp_path), song, np.ones(512))
        return read_songs(database)

    monkeypatch.setattr(Database, "songs", store_then_read)
    monkeypatch.setattr(mapmaker, "METHODS", ("pca",))
    with Database.open(path) as database:
        made = make_map(database, reporter=Reporter())
        assert made.song_ids == ids
        assert len(database.vectors()[0]) == 25
        assert set(made.cluster_names) == {"Techno", "Waltz", "Ambient"}
