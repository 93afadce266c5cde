import numpy as np
import pytest

from explorer.errors import LibraryError, SongNotFoundError
from explorer.library.database import Database
from explorer.web.catalogue import Shelf, fold, group_by_text


@pytest.fixture
def catalogue(tmp_path, make_library):
    """A snapshot of a library with a few telling titles."""
    titles = {0: "Été indien", 1: "A summer's été", 2: "Indian summer", 9: "Summer"}
    make_library(tmp_path / "songs.db", tmp_path / "music", titles=titles)
    return Shelf(tmp_path / "songs.db").latest()


def test_songs_and_positions_share_their_order(catalogue):
    assert len(catalogue.songs) == 24
    assert catalogue.positions["tsne"].shape == (24, 2)
    assert catalogue.song(9).title == "Summer"
    assert catalogue.clusters.members[9] == 1
    with pytest.raises(SongNotFoundError, match="number 24"):
        catalogue.song(24)


def test_search_ignores_accents_and_case_and_prefers_beginnings(catalogue):
    assert catalogue.search("ete") == [0, 1]
    assert catalogue.search("SUMMER") == [9, 2, 1]
    assert catalogue.search("summer artist 1") == [9]
    assert catalogue.search("  ") == []
    assert len(catalogue.search("piece", limit=4)) == 4
    assert fold("Straße Ångström") == "strasse angstrom"


def test_songs_are_grouped_by_genre_artist_and_any_number_of_clusters(catalogue):
    assert sorted(catalogue.grouping("genre").names) == ["Ambient", "Techno", "Waltz"]
    assert catalogue.grouping("artist").counts.tolist() == [8, 8, 8]
    assert catalogue.grouping("cluster").names == ["Techno", "Waltz", "Ambient"]
    four = catalogue.grouping("cluster", cluster_count=4)
    assert len(four.names) == len(set(four.names)) == 4
    assert four.counts.sum() == 24
    assert catalogue.grouping("cluster", cluster_count=4) is four


def test_groups_are_ordered_by_size_and_the_nameless_come_last():
    grouping = group_by_text("Genres", ["b", "", "a", "b", "", ""], missing="no genre")
    assert grouping.names == ["b", "a", "no genre"]
    assert grouping.members.tolist() == [0, 2, 1, 0, 2, 2]


def test_the_shelf_reads_again_when_the_map_is_new(tmp_path, make_library):
    path = tmp_path / "songs.db"
    shelf = Shelf(path)
    with pytest.raises(LibraryError, match="There is no library"):
        shelf.latest()
    make_library(path, tmp_path / "music", per_genre=2)
    first = shelf.latest()
    assert shelf.latest() is first
    make_library(path, tmp_path / "music", per_genre=3)
    assert len(shelf.latest().songs) == 9
    assert shelf.latest().revision == 2


def test_songs_without_a_place_on_the_map_are_counted(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM positions WHERE song_id = ?", (ids[0],))
    catalogue = Shelf(path).latest()
    assert (len(catalogue.songs), catalogue.unmapped) == (23, 1)
    assert np.isfinite(catalogue.positions["pca"]).all()
