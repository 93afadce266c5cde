import json

from explorer.database.database import Database


def test_files_of_many_songs_come_in_the_order_asked_for(library, tmp_path):
    path, ids = library
    wanted = [ids[5], ids[2], ids[5], "absent", ids[23]]
    with Database.open_readonly(path) as database:
        songs = database.filed_songs(wanted)
        assert database.filed_songs([]) == []
    assert [song.song_id for song in songs] == [ids[5], ids[2], ids[5], ids[23]]
    assert songs[0].title == "Techno piece 5"
    assert (songs[0].artist, songs[0].album, songs[0].genres) == ("Artist 0", "Album", ("Techno",))
    assert (songs[0].root, songs[0].path) == (str(tmp_path / "music"), b"005.flac")
    assert songs[0].duration_s == 0.2


def test_a_song_without_a_file_has_no_path(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM files WHERE song_id = ?", (ids[0],))
        (song,) = database.filed_songs(ids[:1])
    assert (song.root, song.path) == (None, None)
    assert song.title == "Techno piece 0"
    assert song.duration_s == 0.2


def test_what_other_programs_wrote_is_read_or_passed_over(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        info = json.dumps({"album": {"release_date": "1971-08-31"}, "year": None})
        database._rows("UPDATE songs SET info = ? WHERE id = ?", (info, ids[0]))
        database._rows("UPDATE songs SET info = 'no JSON' WHERE id = ?", (ids[1],))
        database._rows("INSERT INTO songs_genres VALUES (?, x'ff')", (ids[0],))
        first, second = database.filed_songs(ids[:2])
    assert (first.title, first.year, first.genres) == (ids[0], "1971", ("Techno",))
    assert second.title == ids[1]


def test_a_song_is_found_by_its_bytes_only_while_its_file_is_there(library, tmp_path):
    path, ids = library
    with Database.open_readonly(path) as database:
        assert database.song_with_bytes(f"{3:032x}") == ids[3]
        assert database.song_with_bytes("f" * 32) is None
        (tmp_path / "music" / ids[3]).unlink()
        assert database.song_with_bytes(f"{3:032x}") is None
