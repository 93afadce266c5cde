import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping import projection
from explorer.mapping.knn_graph import nearest_rows
from explorer.mapping.unit_rows import centred_unit_rows

ROOT = Path(__file__).parents[2]
# One song; too few for t-SNE and UMAP; the smallest number that they lay out; fewer than 3 x perplexity.
SIZES = (1, 2, 3, 4, 9, 10, 16)
IN_A_FRESH_PROCESS = """
import hashlib, sys
import numpy as np
from explorer.mapping import projection
reduced = np.load(sys.argv[1])
assert not {"umap", "numba", "openTSNE", "sklearn"} & set(sys.modules), "imported too early"
for method in projection.METHODS:
    print(hashlib.sha256(projection.project(method, reduced, seed=3).tobytes()).hexdigest())
assert "tensorflow" not in sys.modules, "imported without need"
"""


def _digest(positions):
    return hashlib.sha256(positions.tobytes()).hexdigest()


def _purity_on_map(positions, members):
    distances = ((positions[:, None] - positions[None]) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)
    return (members[distances.argsort(axis=1)[:, :5]] == members[:, None]).mean()


def test_reduce_equals_the_singular_value_decomposition_of_centred_vectors(make_blobs):
    vectors, _ = make_blobs(80)
    centred = vectors - vectors.mean(axis=0)
    _, values, directions = np.linalg.svd(centred, full_matrices=False)
    reduced = projection.reduce(vectors, dimensions=5)
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(np.abs(reduced), np.abs(centred @ directions[:5].T), atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(reduced, axis=0), values[:5], rtol=1e-5)


def test_reduce_does_not_mirror_the_map_if_the_order_of_songs_changes(make_blobs):
    vectors, _ = make_blobs(60)
    order = np.random.default_rng(1).permutation(60)
    np.testing.assert_allclose(
        projection.reduce(vectors[order], dimensions=3),
        projection.reduce(vectors, dimensions=3)[order],
        atol=1e-4,
    )


def test_reduce_makes_the_largest_loading_of_each_component_positive(make_blobs):
    vectors, _ = make_blobs(60)
    reduced = projection.reduce(vectors, dimensions=8).astype(np.float64)
    loadings = (vectors - vectors.mean(axis=0)).T @ reduced
    assert (loadings[np.abs(loadings).argmax(axis=0), np.arange(8)] > 0).all()


def test_reduce_keeps_at_most_fifty_components_and_only_those_with_variance(make_blobs):
    assert projection.reduce(make_blobs(200)[0]).shape == (200, 50)
    assert projection.reduce(make_blobs(6)[0]).shape == (6, 5)
    assert projection.reduce(make_blobs(1)[0]).shape == (1, 2)


def test_reduce_gives_zeros_for_identical_vectors(make_blobs):
    vectors = np.repeat(make_blobs(1)[0], 7, axis=0)
    np.testing.assert_array_equal(projection.reduce(vectors), np.zeros((7, 2), dtype=np.float32))


def test_reduce_gives_the_same_in_single_precision(make_blobs):
    vectors, _ = make_blobs(50)
    single = projection.reduce(vectors.astype(np.float32), dimensions=3)
    np.testing.assert_allclose(single, projection.reduce(vectors, dimensions=3), atol=1e-4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_an_error_that_names_the_song(make_blobs, value):
    vectors, _ = make_blobs(12)
    vectors[7, 20] = value
    with pytest.raises(MappingError, match="song 7"):
        projection.reduce(vectors)
    with pytest.raises(MappingError, match="song 7"):
        projection.project("pca", vectors)


def test_an_unknown_method_is_an_error_that_names_the_choices():
    with pytest.raises(MappingError, match=r"'isomap'.*tsne, umap, pca"):
        projection.project("isomap", np.zeros((3, 2)))
    with pytest.raises(MappingError, match="tsne, umap, pca"):
        projection.default_parameters("isomap", 3)


@pytest.mark.parametrize("parameter", [{"perplexity": 0}, {"perplexity": np.nan}, {"neighbours": 1}])
def test_a_parameter_out_of_range_is_an_error_that_names_its_value(parameter):
    (name, value), *_ = parameter.items()
    with pytest.raises(MappingError, match=f"{name}={value}"):
        projection.project("tsne", np.zeros((3, 2)), **parameter)


def test_fewer_than_two_dimensions_are_an_error():
    with pytest.raises(MappingError, match="dimensions=1"):
        projection.reduce(np.zeros((3, 8)), dimensions=1)


@pytest.mark.parametrize("method", projection.METHODS)
def test_no_songs_make_an_empty_map(method):
    positions = projection.project(method, projection.reduce(np.empty((0, 512))))
    assert positions.shape == (0, 2)
    assert positions.dtype == np.float32


@pytest.mark.parametrize("method", projection.METHODS)
@pytest.mark.parametrize("n", SIZES)
def test_every_small_library_gets_finite_and_separate_positions(make_blobs, method, n):
    positions = projection.project(method, projection.reduce(make_blobs(n, groups=3)[0]))
    assert positions.shape == (n, 2)
    assert positions.dtype == np.float32
    assert np.isfinite(positions).all()
    assert len(np.unique(positions, axis=0)) == n


@pytest.mark.parametrize("method", projection.METHODS)
@pytest.mark.parametrize("n", [2, 40])
def test_identical_songs_are_drawn_side_by_side(make_blobs, method, n):
    vectors = np.repeat(make_blobs(1)[0], n, axis=0)
    positions = projection.project(method, projection.reduce(vectors))
    assert len(np.unique(positions, axis=0)) == n
    assert np.sqrt((positions**2).sum(axis=1).mean()) == pytest.approx(1.0, abs=1e-5)


@pytest.mark.parametrize("method", projection.METHODS)
def test_copies_are_drawn_beside_their_song_and_do_not_overlap(make_blobs, method):
    vectors, _ = make_blobs(60)
    vectors[40:45] = vectors[3]
    positions = projection.project(method, projection.reduce(vectors))
    copies = positions[[3, 40, 41, 42, 43, 44]]
    assert len(np.unique(copies, axis=0)) == 6
    assert np.linalg.norm(copies - copies[0], axis=1).max() < 0.05


@pytest.mark.parametrize("method", projection.METHODS)
def test_copies_of_a_song_do_not_move_the_others(make_blobs, method):
    def others(reduced):
        positions = projection.project(method, reduced)[:39].astype(np.float64)
        positions -= positions.mean(axis=0)
        return positions / np.linalg.norm(positions)

    reduced = projection.reduce(make_blobs(40)[0])
    copied = np.concatenate([reduced, np.repeat(reduced[39:], 30, axis=0)])
    np.testing.assert_allclose(others(copied), others(reduced), atol=1e-5)


@pytest.mark.parametrize("method", projection.METHODS)
def test_songs_on_one_line_get_different_positions(method):
    line = np.zeros((30, 2), dtype=np.float32)
    line[:, 0] = np.arange(30)
    positions = projection.project(method, line)
    assert np.isfinite(positions).all()
    assert len(np.unique(positions, axis=0)) == 30


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_songs_on_one_line_do_not_stay_on_it(method):
    line = np.zeros((30, 2), dtype=np.float32)
    line[:, 0] = np.arange(30)
    assert projection.project(method, line)[:, 1].std() > 0.05


@pytest.mark.parametrize("method", projection.METHODS)
def test_maps_of_all_methods_have_radius_one(make_blobs, method):
    vectors, _ = make_blobs(60)
    positions = projection.project(method, 1000 * projection.reduce(vectors)).astype(np.float64)
    np.testing.assert_allclose(positions.mean(axis=0), 0.0, atol=1e-6)
    assert np.sqrt((positions**2).sum(axis=1).mean()) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("method", projection.METHODS)
def test_separate_groups_of_songs_stay_together(make_blobs, method):
    vectors, members = make_blobs(160)
    order = np.random.default_rng(0).permutation(160)
    vectors, members = vectors[order], members[order]
    positions = projection.project(method, projection.reduce(vectors))
    assert _purity_on_map(positions, members) > 0.95


def test_pca_is_the_first_two_columns(make_blobs):
    reduced = projection.reduce(make_blobs(40)[0])
    positions = projection.project("pca", reduced)
    scale = np.sqrt((reduced[:, :2] ** 2).sum(axis=1).mean())
    np.testing.assert_allclose(positions, reduced[:, :2] / scale, atol=1e-5)


@pytest.fixture(scope="module")
def reduced_150(make_blobs):
    return projection.reduce(make_blobs(150)[0])


@pytest.fixture(scope="module")
def fresh_process(reduced_150, tmp_path_factory):
    path = tmp_path_factory.mktemp("fresh") / "reduced.npy"
    np.save(path, reduced_150)
    command = [sys.executable, "-c", IN_A_FRESH_PROCESS, str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_same_seed_gives_the_same_map_bit_for_bit_also_in_a_fresh_process(reduced_150, fresh_process):
    here = [_digest(projection.project(method, reduced_150, seed=3)) for method in projection.METHODS]
    again = [_digest(projection.project(method, reduced_150, seed=3)) for method in projection.METHODS]
    assert here == again == fresh_process.stdout.split()


def test_projecting_gives_no_warning_and_does_not_import_tensorflow(fresh_process):
    assert (fresh_process.returncode, fresh_process.stderr) == (0, "")


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_another_seed_gives_another_map(make_blobs, method):
    reduced = projection.reduce(make_blobs(40)[0])
    assert _digest(projection.project(method, reduced, seed=0)) != _digest(
        projection.project(method, reduced, seed=1)
    )


def test_the_number_of_threads_does_not_change_tsne(make_blobs, monkeypatch):
    reduced = projection.reduce(make_blobs(60)[0])
    default_parameters = projection.default_parameters
    # On a busy machine threads wait for each other, so that 750 iterations would take long.
    few_iterations = {"early_iterations": 20, "iterations": 30}
    monkeypatch.setattr(
        projection, "default_parameters", lambda *a, **k: default_parameters(*a, **k) | few_iterations
    )
    one_thread = projection.project("tsne", reduced)
    monkeypatch.setattr(projection, "_MIN_SONGS_FOR_THREADS", 0)
    assert _digest(projection.project("tsne", reduced)) == _digest(one_thread)


@pytest.mark.parametrize("method", projection.METHODS)
def test_progress_rises_from_zero_to_one_and_does_not_change_the_map(make_blobs, method):
    reduced = projection.reduce(make_blobs(40)[0])
    shares = []
    positions = projection.project(method, reduced, progress=shares.append)
    assert shares[0] == 0.0
    assert shares[-1] == 1.0
    assert shares == sorted(shares)
    assert _digest(positions) == _digest(projection.project(method, reduced))


@pytest.mark.parametrize("method", ["tsne", "umap"])
def test_a_layout_reports_progress_while_it_is_computed(make_blobs, method, monkeypatch, capfd):
    monkeypatch.setattr(projection, "_EPOCHS_INTERVAL_S", 0.0)
    shares = []
    projection.project(method, projection.reduce(make_blobs(40)[0]), progress=shares.append)
    assert len(shares) > 10
    assert shares == sorted(shares)
    assert len({round(share, 1) for share in shares}) >= 8
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("method", "name", "values"), [("tsne", "perplexity", (3, 30)), ("umap", "neighbours", (3, 30))]
)
def test_parameters_reach_the_method(make_blobs, method, name, values):
    reduced = projection.reduce(make_blobs(100)[0])
    one, other = (projection.project(method, reduced, **{name: value}) for value in values)
    assert not np.allclose(one, other, atol=1e-3)


def test_default_parameters_are_adapted_to_the_number_of_songs():
    assert projection.default_parameters("tsne", 1000)["perplexity"] == 30
    assert projection.default_parameters("tsne", 31)["perplexity"] == 10
    assert projection.default_parameters("umap", 1000, neighbours=20)["neighbours"] == 20
    assert projection.default_parameters("umap", 12)["neighbours"] == 11
    assert projection.default_parameters("umap", 9)["layout"] == "pca"
    assert (
        projection.default_parameters("umap", 100_000)["epochs"]
        < projection.default_parameters("umap", 500)["epochs"]
    )
    assert projection.default_parameters("tsne", 500, seed=7)["seed"] == 7


def test_distances_of_reduced_rows_follow_from_centred_cosines():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(40, 512))
    directions -= directions.mean(axis=0)
    lengths = rng.uniform(0.2, 5.0, size=(40, 1))
    scaled = directions * lengths
    scaled -= scaled.mean(axis=0)
    space = projection.reduce(centred_unit_rows(scaled)[0])
    rows = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cosines = rows @ rows.T
    distances = np.linalg.norm(space[:, None] - space[None], axis=-1)
    np.testing.assert_allclose(distances**2, 2 - 2 * cosines, atol=1e-4)


def test_umap_uses_the_given_graph(make_blobs):
    reduced = projection.reduce(make_blobs(200)[0])
    own = nearest_rows(reduced, 14)
    np.testing.assert_array_equal(
        projection.project("umap", reduced, graph=own), projection.project("umap", reduced)
    )
    # A graph of other songs gives another map.
    other = (own[0][::-1].copy(), own[1])
    assert not np.array_equal(
        projection.project("umap", reduced, graph=other), projection.project("umap", reduced)
    )


def test_copies_count_once_in_the_given_graph(make_blobs):
    vectors = make_blobs(200)[0]
    reduced = projection.reduce(np.vstack([vectors, vectors[:3]]))
    indices, distances = nearest_rows(reduced, 17)
    found = projection.project("umap", reduced, graph=(indices, distances))
    np.testing.assert_array_equal(found, projection.project("umap", reduced))
    # If copies leave too few neighbours, the neighbours are searched again.
    found_again = projection.project("umap", reduced, graph=(indices[:, :14], distances[:, :14]))
    np.testing.assert_array_equal(found_again, found)
