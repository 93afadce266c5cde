"""What the library knows of its map."""

from support import store_vectors

from explorer.database.database import Database


def test_songs_that_came_after_the_map_have_no_place_yet(library, tmp_path):
    path, _ = library
    with Database.open(path) as database:
        assert not database.has_unplaced_songs()
        store_vectors(database, tmp_path / "more", database.vectors()[1][:1] + 1)
        assert database.has_unplaced_songs()


def test_a_song_that_sounds_otherwise_now_has_no_place_any_more(library):
    path, song_ids = library
    with Database.open(path) as database:
        database._rows("DELETE FROM positions WHERE song_id = ? AND projection = 'umap'", (song_ids[3],))
        assert database.has_unplaced_songs()


def test_where_there_is_no_map_nothing_lacks_a_place_on_it(fresh_db, tmp_path):
    assert not fresh_db.has_unplaced_songs()
