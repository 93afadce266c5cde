"""Which folder `index` takes if the user names none."""

import shutil

from explorer.database.database import Database


def copy(indexed, tmp_path):
    shutil.copy(indexed / "songs.db", tmp_path / "songs.db")
    return tmp_path / "songs.db"


def test_windows_are_kept_for_the_only_folder_of_the_library(indexed, tmp_path, run_command):
    database = copy(indexed, tmp_path)
    with Database.open(database) as library:
        for song_id in library.songs_with_windows():
            library.forget_windows(song_id)
        assert library.count_windows()["without"] == 4
    arguments = ("index", "--windows", "--no-map", "--no-previews", "--db", database)
    assert run_command(*arguments)[0] == 0
    with Database.open_readonly(database) as library:
        assert library.count_windows()["without"] == 0


def test_a_library_of_several_folders_needs_a_name(indexed, tmp_path, run_command):
    database = copy(indexed, tmp_path)
    with Database.open(database) as library:
        library.add_root(tmp_path / "other")
    status, _, said = run_command("index", "--windows", "--db", database)
    assert status == 1
    assert str(indexed / "music") in said and str(tmp_path / "other") in said
