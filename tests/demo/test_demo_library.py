import numpy as np

from explorer.demo import demo_library
from explorer.demo.demo_library import holds_somebodys_songs, quick_precision


def test_the_demo_is_embedded_in_what_the_processor_does_fast(monkeypatch):
    monkeypatch.setattr(demo_library, "native_precisions", lambda: ("float32", "bfloat16", "int8"))
    assert quick_precision() == "bfloat16"
    monkeypatch.setattr(demo_library, "native_precisions", lambda: ("float32", "int8"))
    assert quick_precision() == "float32"


def test_only_an_empty_library_and_the_demos_own_make_room_for_the_demo(fresh_db, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_library, "FOLDER", tmp_path / "demo")
    assert not holds_somebodys_songs(fresh_db)
    fresh_db.add_root(tmp_path / "demo")
    assert not holds_somebodys_songs(fresh_db)
    fresh_db.add_root(tmp_path / "music")
    assert holds_somebodys_songs(fresh_db)


def test_an_imported_library_without_a_folder_is_somebodys(fresh_db):
    fresh_db.store_imported("a", '{"name": "A"}', (), np.arange(512.0))
    assert holds_somebodys_songs(fresh_db)
