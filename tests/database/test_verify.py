"""Queries that also work on a damaged library."""

import numpy as np
import pytest
from report_support import ask, change
from support import store_vectors

from explorer.database.records import encode_vector
from explorer.database.verify import SourceFile


@pytest.fixture
def stored(fresh_db, tmp_path):
    """Three songs with vectors."""
    store_vectors(fresh_db, tmp_path, np.arange(3 * 512.0).reshape(3, 512), genres=["A", "B", "A"])
    return fresh_db


def test_an_undamaged_library_has_no_problems(stored):
    assert stored.integrity_problems() == []
    assert stored.stray_rows() == {}
    assert stored.vectors_without_song() == []
    assert stored.songs_without_vector() == []


def test_rows_of_missing_songs_are_counted_by_table(stored):
    change(
        stored.path,
        "INSERT INTO songs_genres VALUES ('ghost', 'A'), ('ghost', 'B')",
        ("INSERT INTO songs_vectors VALUES ('ghost', ?)", (encode_vector(np.ones(512)),)),
    )
    assert stored.stray_rows() == {"songs_genres": 2, "songs_vectors": 1}
    assert stored.vectors_without_song() == ["ghost"]


def test_songs_without_a_vector_are_listed(stored):
    change(stored.path, "DELETE FROM songs_vectors WHERE song_id = '00001.flac'")
    assert stored.songs_without_vector() == ["00001.flac"]


def test_vectors_are_returned_as_stored_ordered_by_id(stored):
    change(stored.path, "UPDATE songs_vectors SET embedding = 'text' WHERE song_id = '00001.flac'")
    rows = [row for batch in stored.vector_blobs() for row in batch]
    assert [song_id for song_id, _ in rows] == ["00000.flac", "00001.flac", "00002.flac"]
    assert rows[0][1] == encode_vector(np.arange(512.0))
    assert rows[1][1] == "text"


def test_files_are_returned_by_song_id(stored, tmp_path):
    files = stored.source_files()
    assert files["00002.flac"] == SourceFile(
        tmp_path / "00002.flac", 1, 1, f"{2:032x}", 1.0, root=str(tmp_path), inside=b"00002.flac"
    )
    change(stored.path, "DELETE FROM songs_vectors WHERE song_id = '00002.flac'")
    assert set(stored.source_files()) == {"00000.flac", "00001.flac"}


def test_positions_and_quality_figures_are_returned_as_stored(stored):
    change(
        stored.path,
        "INSERT INTO projections VALUES ('tsne', '{}', 'no JSON')",
        """INSERT INTO projections VALUES ('pca', '{}', '{"trustworthiness": 0.5}')""",
        "INSERT INTO positions VALUES ('pca', '00000.flac', 1.5, 9e999, NULL), ('pca', 'gone', 0, 0, 3)",
    )
    assert stored.stored_positions() == {
        "pca": {"00000.flac": (1.5, float("inf"), None), "gone": (0.0, 0.0, 3)},
        "tsne": {},
    }
    assert stored.stored_quality() == {"pca": {"trustworthiness": 0.5}, "tsne": {}}


def test_titles_are_returned_with_artists(stored):
    assert stored.titles()["00001.flac"] == ("Song 1", "Artist 1")


def test_the_size_includes_the_log(stored):
    assert stored.size_bytes() >= stored.path.stat().st_size
    ((pages,),) = ask(stored.path, "PRAGMA page_count")
    assert stored.size_bytes() >= 4096 * pages
