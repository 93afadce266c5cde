import numpy as np

from explorer.demo import demo_library
from explorer.demo.demo_library import demo_precision, holds_other_songs


def test_the_demo_uses_bfloat16_only_where_the_processor_has_it(monkeypatch):
    monkeypatch.setattr(demo_library, "native_precisions", lambda: ("float32", "bfloat16", "int8"))
    assert demo_precision() == "bfloat16"
    monkeypatch.setattr(demo_library, "native_precisions", lambda: ("float32", "int8"))
    assert demo_precision() == "float32"


def test_an_empty_library_and_the_demos_library_hold_no_other_songs(fresh_db, tmp_path, monkeypatch):
    monkeypatch.setattr(demo_library, "FOLDER", tmp_path / "demo")
    assert not holds_other_songs(fresh_db)
    fresh_db.add_root(tmp_path / "demo")
    assert not holds_other_songs(fresh_db)
    fresh_db.add_root(tmp_path / "music")
    assert holds_other_songs(fresh_db)


def test_an_imported_library_without_a_folder_holds_other_songs(fresh_db):
    fresh_db.store_imported("a", '{"name": "A"}', (), np.arange(512.0))
    assert holds_other_songs(fresh_db)
