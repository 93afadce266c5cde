import numpy as np
import pytest
from support import store_vectors

from explorer.indexing import kept_neighbours, make_map
from explorer.indexing.kept_neighbours import read_kept
from explorer.indexing.make_map import MapRequest
from explorer.mapping.quality import neighbours_near
from explorer.util.progress import Reporter

N = 300
METHODS = ("tsne", "pca")


@pytest.fixture
def vectors():
    """360 vectors in six groups; those from 300 are stored later."""
    rng = np.random.default_rng(0)
    return 5 + rng.normal(size=(6, 512))[np.arange(360) % 6] + 0.3 * rng.normal(size=(360, 512))


@pytest.fixture
def mapped(fresh_db, tmp_path, vectors, monkeypatch):
    """A library of 300 songs, with a map and kept neighbours."""
    monkeypatch.setattr(kept_neighbours, "MIN_SONGS", 100)
    store_vectors(fresh_db, tmp_path, vectors[:N])
    update(fresh_db)
    return fresh_db


@pytest.fixture
def few(monkeypatch):
    """The results of all small updates."""
    results, update_few = [], make_map.update_few

    def recorded(*arguments, **options):
        results.append(update_few(*arguments, **options))
        return results[-1]

    monkeypatch.setattr(make_map, "update_few", recorded)
    return results


def update(database, **request):
    request = {"projections": METHODS} | request
    return make_map.make_map(database, reporter=Reporter(), request=MapRequest(**request))


def places(database, name="tsne"):
    ids, positions, _ = database.positions(name)
    return dict(zip(ids, positions.tolist(), strict=True))


def add(database, folder, vectors, first, last):
    return store_vectors(database, folder, vectors[first:last], first=first)


def test_new_songs_get_the_places_that_a_whole_update_gives(mapped, few, tmp_path, vectors, monkeypatch):
    before = {name: places(mapped, name) for name in METHODS}
    new = add(mapped, tmp_path, vectors, N, N + 20)
    revision = mapped.map_revision()
    update(mapped)
    assert len(few) == 1
    assert mapped.map_revision() == revision + 1
    graph = read_kept(mapped.path, N).indices[:, :10]
    after = {name: places(mapped, name) for name in METHODS}
    labels = mapped.clusters()[0]
    stored = {name: mapped.positions(name) for name in METHODS}
    with mapped.transaction():
        for song_id in new:
            mapped._rows("DELETE FROM positions WHERE song_id = ?", (song_id,))
    monkeypatch.setattr(kept_neighbours, "MIN_SONGS", 1000)
    update(mapped)
    assert len(few) == 1
    for name, old in before.items():
        assert after[name].keys() == old.keys() | set(new)
        assert {song_id: after[name][song_id] for song_id in old} == old
        whole = places(mapped, name)
        radius = np.std(list(old.values()))
        for song_id in new:
            gap = np.linalg.norm(np.subtract(after[name][song_id], whole[song_id]))
            assert gap < (0.02 if name == "pca" else 0.1) * radius
    assert mapped.clusters()[0] == labels
    # The songs whose neighbours changed have new counts of near neighbours.
    ids, positions, near = stored["tsne"]
    assert ids == few[0].song_ids
    expected = neighbours_near(graph, positions)
    assert (near[-20:] == expected[-20:]).all()
    assert np.abs(near.astype(int) - expected).max() <= 3


def test_a_tenth_of_new_songs_leads_to_new_neighbours(mapped, few, tmp_path, vectors):
    add(mapped, tmp_path, vectors, N, N + 20)
    update(mapped)
    assert read_kept(mapped.path, N).changed == 20
    add(mapped, tmp_path, vectors, N + 20, N + 33)
    update(mapped)
    assert len(few) == 1
    kept = read_kept(mapped.path, N)
    assert (kept.changed, len(kept.digests)) == (0, N + 33)


def test_changed_and_removed_songs_are_noticed(mapped, few, tmp_path, vectors):
    before = places(mapped)
    store_vectors(mapped, tmp_path, vectors[N + 1 : N + 2], first=6)
    with mapped.transaction():
        mapped._rows("DELETE FROM songs WHERE id = '00007.flac'")
        # Another program removes only the vector.
        mapped._rows("DELETE FROM songs_vectors WHERE song_id = '00008.flac'")
    update(mapped)
    assert len(few) == 1
    after = places(mapped)
    assert before.keys() - after.keys() == {"00007.flac", "00008.flac"}
    assert {song_id for song_id in after if after[song_id] != before[song_id]} == {"00006.flac"}
    # It has the vector of another group now.
    assert np.linalg.norm(np.subtract(after["00006.flac"], before["00001.flac"])) < 0.5
    clusters = mapped.clusters()[0]
    assert clusters["00006.flac"] == clusters["00001.flac"] != clusters["00000.flac"]
    assert "00008.flac" not in clusters
    assert read_kept(mapped.path, N).changed == 3


@pytest.mark.parametrize(
    "request_", [{"clusters": 4}, {"relayout": True}, {"perplexity": 9}, {"projections": ("umap", "pca")}]
)
def test_other_requests_are_not_small_updates(mapped, few, tmp_path, vectors, request_, monkeypatch):
    monkeypatch.setattr(make_map, "_laid_out", lambda *_: np.zeros((N + 5, 2)))
    add(mapped, tmp_path, vectors, N, N + 5)
    update(mapped, **request_)
    assert few == []


def test_without_new_songs_the_kept_neighbours_give_the_same_map(mapped, few, monkeypatch):
    monkeypatch.setattr(kept_neighbours, "true_graph", None)
    before, near = places(mapped), mapped.positions("tsne")[2]
    update(mapped, clusters=4)
    assert places(mapped) == before
    assert (mapped.positions("tsne")[2] == near).all()
    assert len(mapped.clusters()[1]) == 4
    assert few == []


def test_a_library_that_becomes_small_keeps_no_neighbours(mapped, monkeypatch):
    file = kept_neighbours._file_of(mapped.path)
    assert file.exists()
    monkeypatch.setattr(kept_neighbours, "MIN_SONGS", N + 1)
    update(mapped)
    assert not file.exists()


def test_coarse_vectors_have_no_kept_neighbours(mapped):
    file = kept_neighbours._file_of(mapped.path)
    assert file.exists()
    mapped.show_coarse(True)
    with mapped.transaction():
        mapped._rows("INSERT INTO coarse_vectors SELECT song_id, embedding FROM songs_vectors")
    update(mapped)
    assert not file.exists()
