"""The mirror of an original database: when it is made, updated, and where it lies."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support import RecordingReporter, store_library, store_original

from explorer.database.database import Database
from explorer.errors import LibraryError
from explorer.indexing import make_map as make_map_module
from explorer.legacy import mirror as mirror_module
from explorer.legacy.mirror import library_to_read, mirror_of
from explorer.library import confirmed_roots
from explorer.library.confirmed_roots import is_confirmed


def mirror(path, clips=None):
    listener = RecordingReporter()
    return library_to_read(path, clips=clips, with_map=True, reporter=listener), listener.said


def interrupted(*_, **__):
    raise KeyboardInterrupt


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_mirror_of_an_original_lies_beside_it_and_has_a_map(tmp_path):
    path = tmp_path / "old.db"
    store_original(path, tmp_path / "clips")
    before = digest(path)
    library_path, messages = mirror(path, tmp_path / "clips")
    assert library_path == tmp_path / "old.explorer" / "songs.db"
    with Database.open_readonly(library_path) as library:
        assert set(library.projections()) == {"pca", "tsne", "umap"}
        assert len(library.positions("tsne")[0]) == 12
    assert any("12 songs: 12 with a vector, 12 with a clip" in line for line in messages)
    assert digest(path) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["clips", "old.db", "old.explorer"]


def test_the_original_is_read_again_only_if_it_or_its_clips_changed(tmp_path):
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
    library_path, messages = mirror(path, tmp_path / "clips")
    assert any("Without a vector" in line and "stem 1" in line for line in messages)
    assert any("Without a clip" in line and "stem 5" in line for line in messages)
    with Database.open_readonly(library_path) as library:
        now = dict(zip(library.positions("tsne")[0], library.positions("tsne")[1].tolist(), strict=True))
        assert now == {i: p for i, p in zip(ids, places.tolist(), strict=True) if i != "stem 1"}
        assert library.genres_of("stem 3") == ("Techno", "More")


def test_a_map_that_an_interrupt_prevented_is_made_the_next_time(tmp_path, monkeypatch):
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


def test_the_folder_of_clips_is_remembered_while_it_exists(tmp_path):
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


def test_ids_in_messages_are_short_and_without_control_characters(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    with closing(sqlite3.connect(path)) as database, database:
        for song_id in ("\x1b[31m red", "x" * 5000):
            database.execute("INSERT INTO songs VALUES (?, '{}')", (song_id,))
    text = " ".join(mirror(path)[1])
    assert "[31m red" in text
    assert "\x1b" not in text
    assert "x" * 100 not in text


def test_databases_in_one_folder_have_different_mirrors(tmp_path):
    assert mirror_of(tmp_path / "songs.db") != mirror_of(tmp_path / "songs.sqlite")
    (tmp_path / "songs.explorer").write_text("in the way")
    assert not mirror_of(tmp_path / "songs.db").is_relative_to(tmp_path)


def test_a_damaged_mirror_can_be_deleted_and_is_made_again(tmp_path):
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


def test_the_error_for_a_deleted_original_names_its_mirror(tmp_path):
    path = tmp_path / "old.db"
    store_original(path)
    mirror(path)
    path.unlink()
    with pytest.raises(LibraryError, match=r"does not exist.*old\.explorer/songs\.db"):
        mirror(path)


def test_the_map_of_a_large_original_is_made_without_tsne(tmp_path, monkeypatch):
    path = tmp_path / "old.db"
    store_original(path)
    monkeypatch.setattr(make_map_module, "SLOW_TSNE_SONGS", 12)
    library_path, messages = mirror(path)
    assert any(f"map --projection tsne --db {path}" in line for line in messages)
    with Database.open_readonly(library_path) as library:
        assert set(library.projections()) == {"pca", "umap"}


def test_a_message_says_how_to_give_the_folder_of_clips(tmp_path):
    store_original(tmp_path / "deep" / "folder" / "old.db")
    _, messages = mirror(tmp_path / "deep" / "folder" / "old.db")
    assert any("--audio" in line for line in messages)


def test_the_mirror_of_an_original_in_a_read_only_folder_lies_in_metadata(tmp_path, monkeypatch):
    path = tmp_path / "read only" / "old.db"
    store_original(path)
    monkeypatch.setattr(mirror_module.os, "access", lambda path, mode: False)
    monkeypatch.setattr(mirror_module, "ROOT", tmp_path / "checkout")
    library_path, messages = mirror(path)
    assert library_path.is_relative_to(tmp_path / "checkout" / "metadata")
    assert any(str(library_path) in line and "nothing can be written" in line for line in messages)
    assert library_path != mirror_of(tmp_path / "another" / "old.db")
    assert list(path.parent.iterdir()) == [path]


def test_a_library_has_no_mirror(tmp_path):
    store_library(tmp_path / "songs.db", tmp_path / "music", per_genre=1)
    library_path, messages = mirror(tmp_path / "songs.db")
    assert (library_path, messages) == (tmp_path / "songs.db", [])
    assert mirror(tmp_path / "none.db")[0] == tmp_path / "none.db"


def test_an_original_without_vectors_is_mirrored(tmp_path):
    path = tmp_path / "old.db"
    store_original(path, count=0)
    library_path, messages = mirror(path)
    assert any("0 songs" in line for line in messages)
    with Database.open_readonly(library_path) as library:
        assert library.count_vectors() == 0


def test_clips_beside_the_original_count_as_given_but_not_what_links_or_the_mirror_name(
    tmp_path, no_music_folders, monkeypatch
):
    path, elsewhere = tmp_path / "old.db", tmp_path / "elsewhere"
    store_original(path, tmp_path / "previews")
    library_path, _ = mirror(path)
    assert is_confirmed(tmp_path / "previews")
    assert not no_music_folders.exists()
    # A stranger sends the database with a link in place of the folder, and with a mirror that names it.
    (tmp_path / "previews").rename(elsewhere)
    (tmp_path / "previews").symlink_to(elsewhere)
    monkeypatch.setattr(confirmed_roots, "_given_to_this_process", set())
    with Database.open(library_path) as library:
        library.store_origin({**library.origin(), "clips": str(elsewhere)})
    mirror(path)
    assert not is_confirmed(elsewhere)
    with Database.open_readonly(library_path) as library:
        assert library.clips() == {}
    mirror(path, elsewhere)
    assert is_confirmed(elsewhere)
    assert str(elsewhere) in no_music_folders.read_text()
    mirror(path)
    with Database.open_readonly(library_path) as library:
        assert len(library.clips()) == 12
