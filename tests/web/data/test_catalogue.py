import json
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from explorer.database.database import Database
from explorer.errors import ExplorerError, LibraryError, SongNotFoundError
from explorer.structure.song_features import SongFeatures
from explorer.web.data.facets import Filter
from explorer.web.data.snapshot import CatalogueHolder, _warm_up
from explorer.web.map.grouping import group_by_text


@pytest.fixture
def catalogue(tmp_path, make_library):
    """A snapshot of a library in which four songs have known titles."""
    titles = {0: "Été indien", 1: "A summer's été", 2: "Indian summer", 9: "Summer"}
    make_library(tmp_path / "songs.db", tmp_path / "music", titles=titles)
    return CatalogueHolder(tmp_path / "songs.db").latest()


def test_songs_and_positions_share_their_order(catalogue):
    assert len(catalogue) == 24
    assert catalogue.positions["tsne"].shape == (24, 2)
    assert catalogue.song(9).title == "Summer"
    assert catalogue.clusters.members[9] == 1
    with pytest.raises(SongNotFoundError, match="number 24"):
        catalogue.song(24)


def test_search_ignores_accents_and_case_and_ranks_beginnings_first(catalogue):
    def search(text, **options):
        return [index for index, _ in catalogue.search(text, **options)]

    assert search("ete") == [0, 1]
    assert search("SUMMER") == [9, 2, 1]
    assert search("summer artist 1") == [9]
    assert search("  ") == []
    assert len(search("piece", limit=4)) == 4


def test_the_pages_search_finds_titles_however_they_are_typed(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        for song_id, title, artist in ((ids[4], "Łódź", "Żółw"), (ids[5], "Don't Stop", "AC/DC")):
            info = json.dumps({"name": title, "artists": [{"name": artist}]})
            database._rows("UPDATE songs SET info = ? WHERE id = ?", (info, song_id))
    catalogue = CatalogueHolder(path).latest()
    for text, index in (("lodz", 4), ("zolw", 4), ("dont stop", 5), ("acdc", 5)):
        songs = [found["id"] for found in catalogue.suggest(text) if found["kind"] == "song"]
        assert songs == [ids[index]]
    assert catalogue.suggest("zolw")[0] == {"kind": "artist", "name": "Żółw", "songs": 1}


def test_a_search_suggests_genres_and_artists_and_then_songs(catalogue):
    suggestions = catalogue.suggest("TECHNO")
    assert suggestions[0] == {"kind": "genre", "name": "Techno", "songs": 8}
    song = {"kind": "song", "id": "003.flac", "title": "Techno piece 3", "artist": "Artist 0"}
    assert suggestions[1] == song | {"is_mapped": True}
    # First songs with the word in the title, then songs of the genre.
    ids = [song["id"] for song in suggestions[1:]]
    assert ids == [f"{index:03d}.flac" for index in (3, 4, 5, 6, 7, 0, 2, 1)]
    kinds = [suggestion["kind"] for suggestion in catalogue.suggest("artist")]
    assert kinds == ["artist"] * 2 + ["song"] * 8
    assert catalogue.suggest("ete")[0]["title"] == "Été indien"
    assert catalogue.suggest("  ") == catalogue.suggest("zzz") == []


def test_a_filter_matches_songs_by_tags_and_groups(catalogue):
    stored = catalogue.clusters
    chosen = Filter.parse({"genres": ["waltz", "TECHNO"], "artists": ["Artist 1"]})
    assert np.flatnonzero(catalogue.matching(chosen, stored)).tolist() == list(range(8, 16))
    name = stored.names[stored.members[20]]
    chosen = Filter.parse({"clusters": [name]})
    assert np.flatnonzero(catalogue.matching(chosen, stored)).tolist() == [*range(16, 24)]
    both = Filter.parse({"clusters": [name], "genres": ["Waltz"]})
    assert not catalogue.matching(both, stored).any()
    four = catalogue.grouping("cluster", cluster_count=4)
    assert catalogue.matching(Filter(clusters=(four.names[3],)), four).sum() == four.counts[3]
    assert catalogue.matching(Filter.parse({"genres": []}), stored) is None


def test_facets_cover_the_songs_on_the_map_and_are_read_once(library, monkeypatch):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM positions WHERE song_id = ?", (ids[0],))
    catalogue = CatalogueHolder(path).latest()
    calls = []
    facts = Database.iterate_facts

    def slowly(database):
        calls.append(1)
        time.sleep(0.3)
        return facts(database)

    monkeypatch.setattr(Database, "iterate_facts", slowly)
    results = []
    threads = [threading.Thread(target=lambda: results.append(catalogue.facets)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1
    assert all(facets is results[0] for facets in results)
    assert dict(results[0].by_genre.counted()) == {"Ambient": 8, "Waltz": 8, "Techno": 7}
    assert (results[0].years, results[0].n_without_year) == (None, 23)


def test_facets_do_not_wait_for_the_vectors(catalogue, monkeypatch):
    reading, go_on = threading.Event(), threading.Event()
    vectors = Database.vectors

    def slowly(database, **options):
        reading.set()
        go_on.wait(60)
        return vectors(database, **options)

    monkeypatch.setattr(Database, "vectors", slowly)
    thread = threading.Thread(target=lambda: catalogue.nearest(0))
    thread.start()
    assert reading.wait(60)
    other = threading.Thread(target=lambda: catalogue.facets, daemon=True)
    other.start()
    other.join(30)
    assert not other.is_alive()
    go_on.set()
    thread.join()


def test_regions_have_names_and_representatives(catalogue):
    regions, grouping = catalogue.regions(3)
    assert (grouping.title, sorted(grouping.names)) == ("Regions", ["Ambient", "Techno", "Waltz"])
    assert grouping.members is regions.labels
    for group, representative in enumerate(grouping.representatives):
        assert grouping.members[representative] == group
    assert catalogue.regions(3)[0] is regions
    assert len(catalogue.regions(10_000)[1].names) == 24
    assert len(catalogue.regions(0)[1].names) == 1


def test_regions_need_a_pca_map(library):
    path, _ = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM projections WHERE name = 'pca'")
    with pytest.raises(LibraryError, match="no PCA map"):
        CatalogueHolder(path).latest().regions(3)


def test_known_clusters_are_those_that_were_computed_before(catalogue):
    assert catalogue.known_clusters(None) is catalogue.known_clusters(4) is catalogue.clusters
    four = catalogue.grouping("cluster", cluster_count=4)
    assert catalogue.known_clusters(4) is four
    assert catalogue.known_clusters(-1) is catalogue.clusters


def test_songs_are_grouped_by_genre_by_artist_and_by_any_number_of_clusters(catalogue):
    assert sorted(catalogue.grouping("genre").names) == ["Ambient", "Techno", "Waltz"]
    assert catalogue.grouping("artist").counts.tolist() == [8, 8, 8]
    assert catalogue.grouping("cluster").names == ["Techno", "Waltz", "Ambient"]
    four = catalogue.grouping("cluster", cluster_count=4)
    assert len(four.names) == len(set(four.names)) == 4
    assert four.counts.sum() == 24
    assert catalogue.grouping("cluster", cluster_count=4) is four


def test_groups_are_ordered_by_size_and_the_one_without_a_name_is_last():
    grouping = group_by_text("Genres", ["b", "", "a", "b", "", ""], missing="no genre")
    assert grouping.names == ["b", "a", "no genre"]
    assert grouping.members.tolist() == [0, 2, 1, 0, 2, 2]


def test_new_clusters_keep_the_numbers_of_stored_ones_that_they_overlap(catalogue):
    four = catalogue.grouping("cluster", cluster_count=4)
    n_unchanged = (four.members == catalogue.clusters.members).sum()
    assert n_unchanged >= 16
    for group, representative in enumerate(four.representatives):
        assert four.members[representative] == group


def test_the_stored_clusters_have_representatives(catalogue):
    assert catalogue.clusters.representatives == [0, 8, 16]


def test_neighbours_have_the_maps_numbers_even_if_some_songs_are_not_on_it(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM positions WHERE song_id = ?", (ids[0],))
    catalogue = CatalogueHolder(path).latest()
    neighbours = [index for index, _ in catalogue.nearest(0, 6)]
    assert {catalogue.song_ids[index] for index in neighbours} == set(ids[2:8])
    assert catalogue.number_of(ids[0]) is None
    assert catalogue.number_of(ids[1]) == 0
    assert [index for index, _ in catalogue.search("techno")] == list(range(7))


@pytest.fixture
def on_disk(monkeypatch):
    """Search in songs.db, as in a library of a million songs."""
    monkeypatch.setattr("explorer.web.data.catalogue.MAX_SONGS_IN_MEMORY", 5)


def test_a_search_on_disk_finds_what_a_search_in_memory_finds(library, on_disk, monkeypatch):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM positions WHERE song_id = ?", (ids[3],))
        database._rows("UPDATE songs_vectors SET embedding = x'00' WHERE song_id = ?", (ids[5],))
        outside = database.vector(ids[3])
    on_disk = CatalogueHolder(path).latest()
    found = [*(on_disk.nearest(number, 7) for number in range(3)), on_disk.nearest_to(outside, 4)]
    monkeypatch.undo()
    in_memory = CatalogueHolder(path).latest()
    expected = [*(in_memory.nearest(number, 7) for number in range(3)), in_memory.nearest_to(outside, 4)]
    for neighbours, others in zip(found, expected, strict=True):
        assert [number for number, _ in neighbours] == [number for number, _ in others]
        np.testing.assert_allclose(neighbours, others, rtol=0, atol=1e-6)
    places, expected = (catalogue.place(outside) for catalogue in (on_disk, in_memory))
    np.testing.assert_allclose(places["pca"], expected["pca"], atol=0.1)
    for catalogue in (on_disk, in_memory):
        with pytest.raises(LibraryError, match="index the song again"):
            catalogue.nearest(catalogue.number_of(ids[5]))
        assert catalogue.damage.keys() == {ids[5]}


def test_a_search_on_disk_outlives_changed_files_and_ends_with_its_library(library, on_disk):
    path, _ = library
    catalogue = CatalogueHolder(path).latest()
    before = catalogue.nearest(0)
    later = catalogue.with_changes("later")
    assert later.nearest(0) == before
    assert later._compared is catalogue._compared
    with Database.open(path) as database:
        database.forget_vectors()
    with pytest.raises(ExplorerError, match="has changed"):
        CatalogueHolder(path).latest().nearest(0) if False else later.with_changes("x")._compared_on_disk()


def test_the_songs_of_an_earlier_map_are_found_by_their_new_numbers(library):
    path, ids = library
    holder = CatalogueHolder(path)
    first = holder.latest()
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM positions WHERE song_id IN (?, ?)", (ids[0], ids[7]))
        database.increment_map_revision()
    second = holder.latest()
    moved = holder.moved(first.revision, second.revision)
    assert moved.dtype == np.int32
    assert moved.tolist() == [-1, *range(6), -1, *range(6, 22)]
    assert holder.moved(first.revision, second.revision) is moved


def test_warming_up_reads_vectors_in_advance_and_ignores_errors(library):
    path, _ = library
    holder = CatalogueHolder(path)
    holder.warm_up(holder.latest())
    for thread in threading.enumerate():
        if thread.name == "warm-up":
            thread.join(60)
    assert {"_compared", "_reduced", "_vocabulary"} <= set(holder.current().__dict__)
    assert {"genre", "artist"} <= set(holder.current()._groupings)
    other = CatalogueHolder(path)
    catalogue = other.latest()
    with Database.open(path) as database:
        database.forget_vectors()
    _warm_up(catalogue)
    with pytest.raises(ExplorerError, match="has changed"):
        catalogue.nearest(0)


def test_the_snapshot_is_read_again_when_there_is_a_new_map(tmp_path, make_library):
    path = tmp_path / "songs.db"
    holder = CatalogueHolder(path)
    with pytest.raises(LibraryError, match="There is no library"):
        holder.latest()
    make_library(path, tmp_path / "music", per_genre=2)
    first = holder.latest()
    assert holder.latest() is first
    make_library(path, tmp_path / "music", per_genre=3)
    assert len(holder.latest()) == 9
    assert holder.latest().revision == 2


def test_songs_that_are_not_on_the_map_are_counted(library):
    path, ids = library
    with Database.open(path) as database, database.transaction():
        database._rows("DELETE FROM positions WHERE song_id = ?", (ids[0],))
    catalogue = CatalogueHolder(path).latest()
    assert (len(catalogue), catalogue.unmapped) == (23, 1)
    assert np.isfinite(catalogue.positions["pca"]).all()


def test_a_genre_has_one_spelling_on_the_page(library):
    path, ids = library
    with Database.open(path) as database:
        database.store_genres({ids[0]: ("piano", "Jazz"), ids[1]: ("Piano",), ids[2]: ("piano", "Piano")})
        database.store_genres({ids[6]: ("piano",)})
        database.store_genres({ids[3]: ("Hip-Hop",), ids[4]: ("hip hop",), ids[5]: ("Hip-Hop",)})
    catalogue = CatalogueHolder(path).latest()
    assert [catalogue.song(number).genres for number in range(6)] == [
        ("piano", "Jazz"),
        ("piano",),
        ("piano",),
        ("Hip-Hop",),
        ("Hip-Hop",),
        ("Hip-Hop",),
    ]
    names = ["Ambient", "Hip-Hop", "Jazz", "Techno", "Waltz", "piano"]
    assert sorted(catalogue.facets.by_genre.names) == names
    assert catalogue.n_genres == 6
    grouping = catalogue.grouping("genre")
    assert dict(zip(grouping.names, grouping.counts.tolist(), strict=True))["piano"] == 4
    assert [found["name"] for found in catalogue.suggest("hip") if found["kind"] == "genre"] == ["Hip-Hop"]
    with Database.open(path) as database:
        assert database.genres_of(ids[4]) == ("hip hop",)


def test_clusters_of_another_number_keep_the_names_of_the_stored_ones(catalogue):
    names = catalogue.grouping("cluster", cluster_count=4).names
    assert {"Techno", "Waltz", "Ambient"} <= set(names)
    assert all(len(name) <= 24 for name in names)


@pytest.mark.parametrize(("count", "first"), [(29, "pca"), (30, "tsne")])
def test_a_small_library_shows_pca_first_and_offers_no_t_sne(catalogue, count, first):
    song_ids = [f"{number:02d}" for number in range(count)]
    positions = {name: np.zeros((count, 2)) for name in ("pca", "tsne", "umap")}
    made = {name: {"songs": count} for name in positions}
    small = replace(catalogue, song_ids=song_ids, positions=positions, parameters=made)
    assert small.first_projection == first
    assert [small.offers(name) for name in ("pca", "tsne", "umap")] == [True, count >= 30, count >= 30]
    only_umap = replace(small, positions={"umap": positions["umap"]})
    assert (only_umap.first_projection, only_umap.offers("tsne")) == ("umap", False)


def test_features_that_a_run_adds_colour_the_map_although_nothing_else_changed(library):
    path, ids = library
    catalogue = CatalogueHolder(path).latest()
    assert catalogue.scales_offered == {"length"}
    assert catalogue.scale("tempo") is None
    with Database.open(path) as database:
        database.store_features(ids[2], SongFeatures(tempo_bpm=120.0, tempo_confidence=0.9))
    assert catalogue.scales_offered == {"tempo", "length"}
    assert catalogue.scale("tempo").values[2] == 120
    assert catalogue.scale("tempo") is catalogue.scale("tempo")
    assert catalogue.known_features(2).tempo.is_sure
    assert catalogue.known_features(3).tempo is None
