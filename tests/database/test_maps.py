"""Songs that have no place on the map."""

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
