import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import Listener, store_library, store_original

from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.indexing import make_map as make_map_module
from explorer.legacy import mirror as mirror_module
from explorer.legacy.mirror import library_to_read, mirror_of


def mirror(path, clips=None):
    listener = Listener()
    return library_to_read(path, clips=clips, with_map=True, reporter=listener), listener.said


def interrupted(*_, **__):
    raise KeyboardInterrupt


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_an_original_gets_a_map_in_a_folder_of_its_own(tmp_path):
    path = tmp_path / "old.db"
    store_original(path, tmp_path / "clips")
    before = digest(path)
    library_path, said = mirror(path, tmp_path / "clips")
    assert library_path == tmp_path / "old.explorer" / "songs.db"
    with Database.open_readonly(library_path) as library:
        assert set(library.projections()) == {"pca", "tsne", "umap"}
        assert len(library.positions("tsne")[0]) == 12
    assert any("12 songs: 12 with a vector, 12 with a clip" in line for line in said)
    assert digest(path) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clips", "old.db", "old.explorer"]


def test_the_map_stays_and_nothing_is_read_again_until_something_changes(tmp_path):
    path = tmp_path / "old.db"
    store_original(path, tmp_path / "clips")
    library_path, _ = mirror(path, tmp_path / "clips")
    with Database.open_readonly(library_path) as library:
        ids, places, _ = library.positions("tsne")
    assert mirror(path, tmp_path / "clips")[1] == []
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM songs_vectors WHERE song_id = 'stem 1'")
        database.execute("INSERT INTO songs_genres VALUES ('stem 3', 'More')")
    (tmp_path / "clips" / "stem 5.flac").unlink()
    library_path, said = mirror(path, tmp_path / "clips")
    assert any("Without a vector" in line and "stem 1" in line for line in said)
    assert any("Without a clip" in line and "stem 5" in line for line in said)
    with Database.open_readonly(library_path) as library:
        now = dict(zip(library.positions("tsne")[0], library.positions("tsne")[1].tolist(), strict=True))
        assert now == {i: p for i, p in zip(ids, places.tolist(), strict=True) if i != "stem 1"}
        assert library.genres_of("stem 3") == ("Techno", "More")


def test_who_is_killed_before_the_map_follows_gets_it_the_next_time(tmp_path, monkeypatch):
    path = tmp_path / "old.db"
    store_original(path)
    library_path, _ = mirror(path)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO songs_vectors SELECT 'new', vector FROM songs_vectors LIMIT 1")
    with monkeypatch.context() as stopped:
        stopped.setattr(make_map_module, "make_map", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mirror(path)
    with Database.open_readonly(library_path) as library:
        assert "new" not in library.positions("pca")[0]
    mirror(path)
    with Database.open_readonly(library_path) as library:
        assert "new" in library.positions("pca")[0]
    assert mirror(path)[1] == []


def test_the_folder_of_clips_is_remembered_for_as_long_as_it_is_there(tmp_path):
    path = tmp_path / "deep" / "old.db"
    store_original(path, tmp_path / "clips")
    library_path, _ = mirror(path, tmp_path / "clips")
    assert mirror(path)[1] == []
    with Database.open_readonly(library_path) as library:
        assert library.file_of("stem 1").path == tmp_path / "clips" / "stem 1.flac"
    (tmp_path / "clips").rename(tmp_path / "moved")
    assert any("--audio" in line for line in mirror(path)[1])
    with Database.open_readonly(library_path) as library:
        assert library.file_of("stem 1") is None
    assert any("12 with a clip" in line for line in mirror(path, tmp_path / "moved")[1])


def test_ids_are_told_as_a_terminal_can_show_them(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    with closing(sqlite3.connect(path)) as database, database:
        for song_id in ("\x1b[31m red", "x" * 5000):
            database.execute("INSERT INTO songs VALUES (?, '{}')", (song_id,))
    said = " ".join(mirror(path)[1])
    assert "[31m red" in said
    assert "\x1b" not in said
    assert "x" * 100 not in said


def test_databases_side_by_side_have_mirrors_of_their_own(tmp_path):
    assert mirror_of(tmp_path / "songs.db") != mirror_of(tmp_path / "songs.sqlite")
    (tmp_path / "songs.explorer").write_text("in the way")
    assert not mirror_of(tmp_path / "songs.db").is_relative_to(tmp_path)


def test_a_damaged_mirror_may_be_deleted_and_is_made_anew(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    library_path = mirror(path)[0]
    library_path.write_bytes(b"no database" * 500)
    with pytest.raises(LibraryError, match=r"delete the folder .*old\.explorer"):
        mirror(path)
    shutil.rmtree(library_path.parent)
    mirror(path)
    with Database.open_readonly(library_path) as library:
        assert library.count_vectors() == 12


def test_of_an_original_that_is_gone_the_map_is_pointed_out(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    mirror(path)
    path.unlink()
    with pytest.raises(LibraryError, match=r"gone.*old\.explorer/songs\.db"):
        mirror(path)
    with pytest.raises(LibraryError, match=r"--audio.*none at .*never\.db"):
        mirror(tmp_path / "never.db", tmp_path)


def test_the_page_of_a_large_original_does_not_wait_for_tsne(tmp_path, monkeypatch):
    path = tmp_path / "old.db"
    store_original(path)
    monkeypatch.setattr(make_map_module, "MINUTES_FOR_TSNE", 12)
    library_path, said = mirror(path)
    assert any(f"map --db {path}" in line for line in said)
    with Database.open_readonly(library_path) as library:
        assert set(library.projections()) == {"pca", "umap"}


def test_without_clips_it_is_said_that_nothing_can_be_heard(tmp_path):
    store_original(tmp_path / "deep" / "folder" / "old.db")
    _, said = mirror(tmp_path / "deep" / "folder" / "old.db")
    assert any("--audio" in line for line in said)


def test_where_nothing_can_be_written_beside_it_the_mirror_is_elsewhere(tmp_path, monkeypatch):
    path = tmp_path / "read only" / "old.db"
    store_original(path)
    monkeypatch.setattr(mirror_module.os, "access", lambda path, mode: False)
    monkeypatch.setattr(mirror_module, "ROOT", tmp_path / "checkout")
    library_path, said = mirror(path)
    assert library_path.is_relative_to(tmp_path / "checkout" / "metadata")
    assert any(str(library_path) in line and "nothing can be written" in line for line in said)
    assert library_path != mirror_of(tmp_path / "another" / "old.db")
    assert list(path.parent.iterdir()) == [path]


def test_a_library_of_ours_is_served_as_it_is_and_takes_no_folder(tmp_path):
    store_library(tmp_path / "songs.db", tmp_path / "music", per_genre=1)
    library_path, said = mirror(tmp_path / "songs.db")
    assert (library_path, said) == (tmp_path / "songs.db", [])
    assert mirror(tmp_path / "none.db")[0] == tmp_path / "none.db"
    with pytest.raises(LibraryError, match="--audio"):
        mirror(tmp_path / "songs.db", tmp_path)


def test_a_database_without_any_vector_is_no_error(tmp_path):
    path = tmp_path / "old.db"
    store_original(path, count=0)
    library_path, said = mirror(path)
    assert any("0 songs" in line for line in said)
    with Database.open_readonly(library_path) as library:
        assert library.count_vectors() == 0
