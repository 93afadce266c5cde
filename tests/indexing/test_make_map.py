import subprocess
import sys

import numpy as np
import pytest
from support import store_vectors

from explorer.config import ROOT
from explorer.database.database import Database
from explorer.database.records import Song, encode_vector
from explorer.errors import LibraryError
from explorer.indexing import make_map as make_map_module
from explorer.indexing import map_request
from explorer.indexing.make_map import MapRequest, make_map
from explorer.library.music_file import ScannedFile, Tags
from explorer.util.progress import Reporter

N = 120


@pytest.fixture
def vectors():
    """150 vectors in six groups, far from zero like those of OpenL3; the last 30 are stored later."""
    rng = np.random.default_rng(0)
    return 5 + rng.normal(size=(6, 512))[np.arange(150) % 6] + 0.3 * rng.normal(size=(150, 512))


@pytest.fixture
def genres():
    return [f"Genre {number % 6}" for number in range(150)]


@pytest.fixture
def mapped(fresh_db, tmp_path, vectors, genres):
    """A library of 120 songs with its map."""
    store_vectors(fresh_db, tmp_path, vectors[:N], genres=genres)
    update(fresh_db)
    return fresh_db


def update(database, **request):
    return make_map(database, reporter=Reporter(), request=MapRequest(**request))


def places(database):
    return {
        name: dict(zip(ids, positions.tolist(), strict=True))
        for name in ("pca", "tsne", "umap")
        for ids, positions, _ in [database.positions(name)]
    }


def assert_unmoved(before, after):
    for name, old in before.items():
        assert {song_id: after[name][song_id] for song_id in old} == old


def test_an_empty_library_has_no_map(fresh_db):
    with pytest.raises(LibraryError, match="holds no song yet"):
        update(fresh_db)


def test_the_same_library_gets_the_same_map(mapped, tmp_path, vectors, genres):
    with Database.open(tmp_path / "again.db") as other:
        store_vectors(other, tmp_path, vectors[:N], genres=genres)
        update(other)
        assert places(other) == places(mapped)


def test_new_songs_do_not_move_the_others(mapped, tmp_path, vectors, genres):
    before = places(mapped)
    new = store_vectors(mapped, tmp_path, vectors[N:], genres=genres[N:], first=N)
    update(mapped)
    after = places(mapped)
    assert_unmoved(before, after)
    for name in after:
        assert set(after[name]) == set(before[name]) | set(new)
        own = np.array([after[name][song_id] for song_id in new])
        assert np.isfinite(own).all()
    assert mapped.projections()["tsne"]["parameters"]["songs"] == N
    groups = np.arange(N) % 6
    old = np.array(list(before["tsne"].values()))
    centres = np.array([old[groups == group].mean(axis=0) for group in range(6)])
    placed = np.array([after["tsne"][song_id] for song_id in new])
    nearest = np.linalg.norm(placed[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == np.arange(N, 150) % 6).all()


def test_removed_songs_do_not_move_the_others(mapped):
    before = places(mapped)
    gone = [f"{number:05d}.flac" for number in range(0, N, 9)]
    with mapped.transaction():
        for song_id in gone:
            mapped._rows("DELETE FROM songs WHERE id = ?", (song_id,))
    update(mapped)
    after = places(mapped)
    assert set(before["umap"]) - set(after["umap"]) == set(gone)
    for name, layout in after.items():
        assert layout == {song_id: place for song_id, place in before[name].items() if song_id not in gone}


def test_a_song_whose_vector_changed_gets_another_place(mapped, tmp_path, vectors):
    before = places(mapped)
    store_vectors(mapped, tmp_path, vectors[1:2], first=0)
    update(mapped)
    after = places(mapped)
    assert after["tsne"]["00000.flac"] != before["tsne"]["00000.flac"]
    del before["tsne"]["00000.flac"], before["umap"]["00000.flac"], before["pca"]["00000.flac"]
    assert_unmoved(before, after)
    gap = np.subtract(after["tsne"]["00000.flac"], before["tsne"]["00001.flac"])
    assert np.linalg.norm(gap) < 0.5


def test_a_song_with_new_tags_does_not_move(mapped, tmp_path, vectors):
    before = places(mapped)
    store_vectors(mapped, tmp_path, vectors[:1], genres=["Another"], first=0)
    update(mapped)
    assert places(mapped) == before


def test_relayout_moves_songs_and_keeps_the_orientation(mapped, tmp_path, vectors, genres):
    store_vectors(mapped, tmp_path, vectors[N:], genres=genres[N:], first=N)
    update(mapped)
    before = places(mapped)
    update(mapped, relayout=True)
    after = places(mapped)
    for name in ("pca", "tsne", "umap"):
        old, new = (
            np.array([layout[name][song_id] for song_id in before[name]]) for layout in (before, after)
        )
        assert not np.array_equal(old, new)
        # No rotation brings the new layout nearer to the old one: any further rotation makes it worse.
        now = ((old - new) ** 2).sum()
        for angle in np.radians([-25, 25, 90, 180]):
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            assert ((old - old.mean(0) - (new - new.mean(0)) @ turn) ** 2).sum() > now


def test_another_perplexity_lays_out_only_t_sne_and_is_remembered(mapped):
    before = places(mapped)
    update(mapped, perplexity=5)
    after = places(mapped)
    assert after["tsne"] != before["tsne"]
    assert (after["umap"], after["pca"]) == (before["umap"], before["pca"])
    update(mapped, perplexity=5)
    update(mapped)
    assert places(mapped) == after
    update(mapped, relayout=True)
    assert mapped.projections()["tsne"]["parameters"]["perplexity"] == 5
    assert mapped.projections()["umap"]["parameters"]["neighbours"] == 15


def test_one_projection_is_laid_out_and_the_others_get_new_songs(mapped, tmp_path, vectors):
    before = places(mapped)
    store_vectors(mapped, tmp_path, vectors[N:], first=N)
    update(mapped, projections=("umap",), relayout=True)
    after = places(mapped)
    assert_unmoved({name: before[name] for name in ("pca", "tsne")}, after)
    assert len(after["tsne"]) == len(after["umap"]) == 150
    assert any(after["umap"][song_id] != place for song_id, place in before["umap"].items())


def test_only_requested_projections_are_made_at_first(fresh_db, tmp_path, vectors):
    store_vectors(fresh_db, tmp_path, vectors[:20])
    update(fresh_db, projections=("pca",))
    assert set(fresh_db.projections()) == {"pca"}


def test_many_new_songs_get_places_from_a_new_layout(fresh_db, tmp_path, vectors, monkeypatch):
    laid_out, project = [], make_map_module.project
    monkeypatch.setattr(
        make_map_module,
        "project",
        lambda method, *a, **o: laid_out.append(method) or project(method, *a, **o),
    )
    store_vectors(fresh_db, tmp_path, vectors[:9])
    update(fresh_db)
    store_vectors(fresh_db, tmp_path, vectors[9:12], first=9)
    update(fresh_db)
    assert laid_out == ["pca", "umap", "tsne"]
    before = places(fresh_db)
    store_vectors(fresh_db, tmp_path, vectors[12:], first=12)
    update(fresh_db)
    assert laid_out == ["pca", "umap", "tsne"] * 2
    after = places(fresh_db)
    assert_unmoved(before, after)
    groups = np.arange(12, 150) % 6
    new = np.array([after["tsne"][f"{number:05d}.flac"] for number in range(12, 150)])
    inner = np.mean([new[groups == group].std(axis=0).mean() for group in range(6)])
    assert new.std(axis=0).mean() > 1.5 * inner


def test_clusters_keep_their_numbers_and_a_chosen_count_is_remembered(mapped, tmp_path, vectors, genres):
    labels, names, _ = mapped.clusters()
    assert len(names) == 6
    # The smallest cluster becomes the largest.
    members = [number for number in range(N) if labels[f"{number:05d}.flac"] == 5]
    store_vectors(mapped, tmp_path, vectors[members] + 0.01, genres=[genres[i] for i in members], first=N)
    update(mapped)
    later, _, _ = mapped.clusters()
    assert {song_id: later[song_id] for song_id in labels} == labels
    update(mapped, clusters=4)
    update(mapped)
    assert len(mapped.clusters()[1]) == 4
    update(mapped, clusters=0)
    assert len(mapped.clusters()[1]) == 6


def test_a_cluster_keeps_its_name_while_it_is_true_when_a_song_is_added(fresh_db, tmp_path, vectors):
    def add(number):
        genres = [("Techno", "Waltz", "Ambient", "Jazz", "Folk", "House")[i % 6] for i in range(number, 150)]
        store_vectors(fresh_db, tmp_path, vectors[number:][:30], genres=genres, first=number)
        update(fresh_db, projections=("pca",), clusters=6)
        return set(fresh_db.clusters()[1])

    def rename(name):
        with fresh_db.transaction():
            fresh_db._rows("UPDATE clusters SET name = ? WHERE name LIKE 'Techno%'", (name,))

    others = {"Waltz", "Ambient", "Jazz", "Folk", "House"}
    assert add(0) == {"Techno", *others}
    rename("TECHNO")
    assert add(30) == {"TECHNO", *others}
    rename("Reggae")
    assert add(60) == {"Techno", *others}


def test_quality_is_stored_with_the_map(mapped):
    for projection in mapped.projections().values():
        quality = projection["quality"]
        assert 0.5 < quality["trustworthiness"] <= 1
        assert 0.5 < quality["continuity"] <= 1
        assert quality["neighbours_kept"] > 0.2
        assert quality["genre_purity"] > 3 * quality["genre_chance"]
    facts = mapped.neighbourhood()
    assert facts["genre_purity"] == 1.0
    assert facts["largest_hub"] >= 10
    near = mapped.positions("tsne")[2]
    assert near.min() >= 0
    assert near.mean() > 5


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_a_few_songs_without_genres_get_a_map(fresh_db, tmp_path, vectors, n):
    store_vectors(fresh_db, tmp_path, vectors[:n])
    update(fresh_db)
    made = update(fresh_db, clusters=50)
    assert 1 <= len(made.cluster_names) <= n
    for positions in made.positions.values():
        assert positions.shape == (n, 2)
        assert np.isfinite(positions).all()


def test_identical_songs_get_a_map(fresh_db, tmp_path, vectors):
    store_vectors(fresh_db, tmp_path, np.repeat(vectors[:1], 12, axis=0))
    made = update(fresh_db)
    store_vectors(fresh_db, tmp_path, np.repeat(vectors[:1], 3, axis=0), first=12)
    made = update(fresh_db)
    assert len(made.cluster_names) == 1
    for positions in made.positions.values():
        assert np.isfinite(positions).all()
        assert len(np.unique(positions, axis=0)) > 1


def test_the_map_of_a_large_library_is_stored_before_t_sne(mapped, monkeypatch):
    stored = []
    store_map = Database.store_map
    monkeypatch.setattr(make_map_module, "SLOW_TSNE_SONGS", N)
    monkeypatch.setattr(
        Database,
        "store_map",
        lambda self, new, **options: stored.append(set(new.positions)) or store_map(self, new, **options),
    )
    update(mapped)
    update(mapped, relayout=True)
    assert stored == [{"pca", "tsne", "umap"}, {"pca", "umap"}, {"pca", "tsne", "umap"}]


def test_a_song_stored_while_the_library_is_read_is_left_for_the_next_map(library, tmp_path, monkeypatch):
    path, ids = library
    read_songs = Database.songs

    def store_then_read(database, *arguments, **options):
        with Database.open(path) as other:
            song = Song(ScannedFile(b"late.flac", 1, 1), Tags("Late"), "e" * 32, "flac/pcm_16", 1.0)
            other.store_song(other.add_root(tmp_path), song, np.ones(512))
        return read_songs(database, *arguments, **options)

    monkeypatch.setattr(Database, "songs", store_then_read)
    with Database.open(path) as database:
        made = make_map(database, reporter=Reporter())
        assert made.song_ids == ids
        assert len(database.vectors()[0]) == 25
        assert set(made.cluster_names) == {"Techno", "Waltz", "Ambient"}


def test_a_song_removed_while_the_map_is_made_is_left_out(mapped, monkeypatch):
    measure = make_map_module._measure

    def remove_then_measure(*arguments):
        with Database.open(mapped.path) as other:
            other._rows("DELETE FROM songs WHERE id = '00003.flac'")
        measure(*arguments)

    monkeypatch.setattr(make_map_module, "_measure", remove_then_measure)
    update(mapped)
    assert len(mapped.positions("tsne")[0]) == N - 1


def test_requesting_the_present_options_moves_nothing(mapped):
    before = places(mapped)
    update(mapped, perplexity=30, neighbours=15)
    assert places(mapped) == before


def test_a_map_that_another_program_stored_meanwhile_is_not_overwritten(
    mapped, tmp_path, vectors, monkeypatch
):
    measure, others = make_map_module._measure, []

    def measure_too_late(*arguments):
        if not others:
            others.append(None)
            with Database.open(mapped.path) as other:
                store_vectors(other, tmp_path, vectors[N:], first=N)
                update(other, relayout=True)
                others.append(places(other))
        measure(*arguments)

    monkeypatch.setattr(make_map_module, "_measure", measure_too_late)
    update(mapped)
    assert places(mapped) == others[1]
    assert mapped.map_revision() == 3


@pytest.fixture
def looked_at(fresh_db, tmp_path, vectors, genres):
    """A library with a map of 120 songs by coarse vectors, while all of 121 songs but two have full ones.

    The coarse vectors of the second half of the songs are in other groups than their full ones.
    """
    ids = store_vectors(fresh_db, tmp_path, vectors[: N + 1], genres=genres[: N + 1])
    coarse = vectors[np.r_[: N // 2, N // 2 + 1 : N + 1]]
    fresh_db.show_coarse(True)
    with fresh_db.transaction():
        for song_id, vector in zip(ids[:N], coarse, strict=True):
            fresh_db._rows("INSERT INTO coarse_vectors VALUES (?, ?)", (song_id, encode_vector(vector)))
        fresh_db._rows("DELETE FROM songs_vectors WHERE song_id IN (?, ?)", (ids[3], ids[80]))
    update(fresh_db)
    return fresh_db


def test_the_switch_to_full_vectors_moves_no_song(looked_at, vectors):
    before, quality = places(looked_at), looked_at.projections()["tsne"]["quality"]
    clusters = looked_at.clusters()[0]
    assert looked_at.projections()["tsne"]["parameters"]["vectors"] == "coarse"
    make_map(looked_at, reporter=Reporter(), switch_to_full=True)
    after = places(looked_at)
    counts = looked_at.vector_counts()
    assert (counts.coarse, counts.full, counts.shows_coarse) == (0, N - 1, False)
    without_full, without_place = {"00003.flac", "00080.flac"}, {f"{N:05d}.flac"}
    for name in after:
        assert before[name].keys() ^ after[name].keys() == without_full | without_place
        kept = {song_id: place for song_id, place in before[name].items() if song_id not in without_full}
        assert {song_id: after[name][song_id] for song_id in kept} == kept
    # The layouts are still those of coarse vectors, but all measures are those of the full ones.
    stored = looked_at.projections()["tsne"]
    assert stored["parameters"]["vectors"] == "coarse"
    assert stored["quality"]["trustworthiness"] < quality["trustworthiness"]
    labels = looked_at.clusters()[0]
    assert len({labels[f"{number:05d}.flac"] for number in range(0, N, 6) if number not in (3, 80)}) == 1
    first_half = [f"{number:05d}.flac" for number in range(N // 2) if number != 3]
    assert {labels[song_id] - clusters[song_id] for song_id in first_half} == {0}
    make_map(looked_at, reporter=Reporter(), request=MapRequest(("tsne",), relayout=True))
    assert "vectors" not in looked_at.projections()["tsne"]["parameters"]


def test_during_a_first_look_new_songs_join_the_clusters_until_there_is_a_new_layout(
    looked_at, tmp_path, vectors
):
    new = store_vectors(looked_at, tmp_path, vectors[-6:], genres=["New"] * 6, first=N + 1)
    with looked_at.transaction():
        for song_id, vector in zip(new, vectors[-6:], strict=True):
            looked_at._rows("INSERT INTO coarse_vectors VALUES (?, ?)", (song_id, encode_vector(vector)))
    before, _, _ = looked_at.clusters()
    update(looked_at)
    labels, names, _ = looked_at.clusters()
    assert len(names) == 6 and labels.keys() >= set(new)
    assert {song_id: labels[song_id] for song_id in before} == before
    # The new songs are one of each group, in its order.
    assert [labels[song_id] for song_id in new] == [labels[f"{number:05d}.flac"] for number in range(6)]
    update(looked_at, projections=("tsne",), relayout=True)
    assert len(looked_at.clusters()[1]) == 7


def test_a_failed_switch_shows_the_coarse_vectors_still(looked_at, monkeypatch):
    before = places(looked_at)

    def fail(*_arguments):
        raise LibraryError("stopped")

    monkeypatch.setattr(Database, "increment_map_revision", fail)
    with pytest.raises(LibraryError, match="stopped"):
        make_map(looked_at, reporter=Reporter(), switch_to_full=True)
    assert looked_at.vector_counts().coarse == N
    assert looked_at.shows_coarse()
    assert places(looked_at) == before


def test_no_switch_without_full_vectors(looked_at):
    with looked_at.transaction():
        looked_at._rows("DELETE FROM songs_vectors")
    with pytest.raises(LibraryError, match="no full vector"):
        make_map(looked_at, reporter=Reporter(), switch_to_full=True)
    assert looked_at.shows_coarse()


@pytest.fixture
def said(monkeypatch):
    """What `update` prints; libraries of more than 100 songs count as very large."""
    lines = []
    monkeypatch.setattr(Reporter, "say", lambda self, text: lines.append(text))
    monkeypatch.setattr(make_map_module, "MAX_SONGS_NEARLY_EXACT", 100)
    monkeypatch.setattr(map_request, "MAX_SONGS_TSNE", 100)
    return lines


def test_a_very_large_library_gets_tsne_only_if_asked_and_says_that_neighbours_are_approximate(
    fresh_db, tmp_path, vectors, said
):
    store_vectors(fresh_db, tmp_path, vectors[:N])
    made = update(fresh_db)
    assert set(fresh_db.projections()) == {"pca", "umap"}
    assert any("t-SNE is left out" in line and "--projection tsne" in line for line in said)
    for quality in made.quality.values():
        assert quality["neighbours_found"] == 1.0
    said.clear()
    update(fresh_db, projections=("tsne",))
    assert set(fresh_db.projections()) == {"pca", "tsne", "umap"}
    assert not any("left out" in line for line in said)
    moved = places(fresh_db)
    store_vectors(fresh_db, tmp_path, vectors[N:], first=N)
    update(fresh_db, relayout=True)
    assert_unmoved({"tsne": moved["tsne"]}, places(fresh_db))
    assert len(fresh_db.positions("tsne")[0]) == 150


def test_a_map_tells_each_step_and_a_large_one_which_steps_follow(fresh_db, tmp_path, vectors, said):
    store_vectors(fresh_db, tmp_path, vectors[:100])
    made = update(fresh_db, projections=("pca",))
    assert "neighbours_found" not in made.quality["pca"]
    steps = ["Reading", "Finding the neighbours", "Finding clusters", "Mapping", "Measuring", "Storing"]
    assert len(said) == len(steps)
    assert all(map(str.startswith, said, steps))
    store_vectors(fresh_db, tmp_path, vectors[100:], first=100)
    said.clear()
    update(fresh_db, projections=("pca",))
    [follows] = [line for line in said if "The map of 150 songs" in line]
    assert "PCA" in follows
    assert "UMAP" not in follows


def test_a_killed_map_leaves_the_old_one(mapped, tmp_path, vectors):
    before, revision = places(mapped), mapped.map_revision()
    store_vectors(mapped, tmp_path, vectors[N:], first=N)
    command = [sys.executable, "-m", "explorer", "map", "--relayout", "--db", str(mapped.path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert any(line.startswith("Mapping 150 songs: UMAP") for line in process.stderr)
        process.kill()
    assert (places(mapped), mapped.map_revision()) == (before, revision)
    update(mapped)
    assert_unmoved(before, places(mapped))
    assert len(mapped.positions("umap")[0]) == 150
