"""Positions on the map, and songs without one."""

import numpy as np
from support import store_vectors

from explorer.database.database import Database


def test_a_song_added_after_the_map_is_unplaced(library, tmp_path):
    path, _ = library
    with Database.open(path) as database:
        assert not database.has_unplaced_songs()
        store_vectors(database, tmp_path / "more", database.vectors()[1][:1] + 1)
        assert database.has_unplaced_songs()


def test_a_song_that_lost_its_position_in_one_projection_is_unplaced(library):
    path, song_ids = library
    with Database.open(path) as database:
        database._rows("DELETE FROM positions WHERE song_id = ? AND projection = 'umap'", (song_ids[3],))
        assert database.has_unplaced_songs()


def test_without_a_map_no_song_is_unplaced(fresh_db):
    assert not fresh_db.has_unplaced_songs()


def test_positions_come_in_the_order_asked_for_and_unknown_songs_have_none(library):
    path, song_ids = library
    with Database.open(path) as database:
        stored_ids, stored, _ = database.positions("umap")
        assert np.array_equal(database.positions_of(stored_ids, ["umap"])["umap"], stored)
        asked = [song_ids[5], "absent", song_ids[2]]
        found = database.positions_of(asked, ["umap", "pca"])
        assert list(found) == ["umap", "pca"]
        expected = stored[[stored_ids.index(song_ids[5]), stored_ids.index(song_ids[2])]]
        assert np.array_equal(found["umap"][[0, 2]], expected)
        assert np.isnan(found["umap"][1]).all()
        assert database.positions_of([], ["umap"])["umap"].shape == (0, 2)
        assert database.positions_of(["absent"], ["none"])["none"].shape == (1, 2)
