import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping.knn_graph import true_neighbours
from explorer.mapping.placement import aligned, place_among_neighbours, place_linearly
from explorer.mapping.projection import project, reduce
from explorer.mapping.quality import neighbours_near
from explorer.mapping.unit_rows import centred_unit_rows


def rotated(positions, degrees):
    angle = np.radians(degrees)
    return positions @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])


@pytest.fixture
def islands(make_blobs):
    """Songs in six groups, and their t-SNE: (directions, reduced, neighbours, groups, positions)."""
    vectors, groups = make_blobs(300, groups=6)
    directions, _ = centred_unit_rows(vectors)
    reduced = reduce(directions)
    return directions, reduced, true_neighbours(directions), groups, project("tsne", reduced)


def without(positions, new):
    before = positions.astype(np.float64).copy()
    before[new] = np.nan
    return before


def test_a_rotated_and_mirrored_layout_is_aligned():
    before = np.random.default_rng(0).normal(size=(50, 2))
    before -= before.mean(axis=0)
    new = rotated(before * [1, -1], 130)
    np.testing.assert_allclose(aligned(new, before), before, atol=1e-5)


def test_a_layout_is_aligned_by_the_songs_on_both_and_keeps_its_shape():
    rng = np.random.default_rng(0)
    old = rng.normal(size=(50, 2))
    new = rotated(old, 77)
    before = without(old, slice(10, 50))
    result = aligned(new, before)
    np.testing.assert_allclose(result - result[0], old - old[0], atol=1e-4)
    one_song = without(old, slice(1, 50))
    np.testing.assert_array_equal(aligned(new, one_song), new.astype(np.float32))


def test_with_scale_the_songs_on_both_get_their_old_centre_and_spread():
    old = np.random.default_rng(0).normal(size=(50, 2))
    new = 3.0 * rotated(old, 20) + [5, -1]
    np.testing.assert_allclose(aligned(new, old, scale=True), old, atol=1e-4)
    at_one_position = np.ones((50, 2))
    assert np.isfinite(aligned(at_one_position, old, scale=True)).all()
    assert np.isfinite(aligned(old, at_one_position, scale=True)).all()


@pytest.mark.parametrize("method", ["neighbours", "linearly"])
def test_old_songs_keep_their_positions_bit_for_bit(islands, method):
    _, reduced, neighbours, _, positions = islands
    new = np.arange(0, 300, 10)
    before = without(positions, new)
    found = (
        place_among_neighbours(reduced, neighbours, before)
        if method == "neighbours"
        else place_linearly(reduced, before)
    )
    old = np.setdiff1d(np.arange(300), new)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found[old], positions[old])
    assert np.isfinite(found).all()


def test_new_songs_are_placed_among_their_true_neighbours(islands):
    _, reduced, neighbours, groups, positions = islands
    new = np.arange(0, 300, 10)
    found = place_among_neighbours(reduced, neighbours, without(positions, new))
    centres = np.array([np.delete(positions, new, 0)[np.delete(groups, new) == g].mean(0) for g in range(6)])
    nearest = np.linalg.norm(found[new][:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == groups[new]).all()
    kept = neighbours_near(neighbours, found)[new].mean()
    assert kept >= 0.85 * neighbours_near(neighbours, positions)[new].mean()


def test_new_songs_do_not_overlap(islands):
    _, reduced, neighbours, _, positions = islands
    new = np.arange(0, 300, 10)
    found = place_among_neighbours(reduced, neighbours, without(positions, new))
    gaps = np.linalg.norm(found[new][:, None] - found, axis=2)
    gaps[np.arange(len(new)), new] = np.inf
    assert gaps.min() > 1e-4


def test_copies_are_placed_beside_their_songs(islands):
    directions, _, _, _, positions = islands
    directions = np.vstack([directions, directions[:5]])
    reduced = reduce(directions)
    before = np.vstack([positions, np.full((5, 2), np.nan)])
    found = place_among_neighbours(reduced, true_neighbours(directions), before)
    assert np.linalg.norm(found[300:] - positions[:5], axis=1).max() < 0.5
    assert len(np.unique(found, axis=0)) == 305


def test_a_group_without_old_neighbours_is_placed_together(islands):
    _, reduced, neighbours, groups, positions = islands
    new = np.flatnonzero(groups == 2)
    others = np.setdiff1d(np.arange(300), new)
    assert not np.isin(neighbours[new], others).any()
    found = place_among_neighbours(reduced, neighbours, without(positions, new))
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 2 * np.abs(positions).max()
    kept = neighbours_near(neighbours, found)[new].mean()
    assert kept >= 0.6 * neighbours_near(neighbours, positions)[new].mean()


def test_a_song_with_separated_neighbours_is_placed_where_most_of_them_are(islands):
    _, reduced, neighbours, groups, positions = islands
    majority, minority = np.flatnonzero(groups == 1), np.flatnonzero(groups == 4)
    neighbours = neighbours.copy()
    neighbours[0] = [*minority[:3], *majority[:7]]
    found = place_among_neighbours(reduced, neighbours, without(positions, [0]))
    radius = np.linalg.norm(positions[majority] - positions[majority].mean(axis=0), axis=1).max()
    assert np.linalg.norm(found[0] - positions[majority].mean(axis=0)) < 1.5 * radius


def test_copies_among_the_new_songs_do_not_overlap(islands):
    directions, _, _, _, positions = islands
    directions = np.vstack([directions, np.repeat(directions[:1], 4, axis=0)])
    reduced = reduce(directions)
    before = np.vstack([positions, np.full((4, 2), np.nan)])
    neighbours = np.tile(np.arange(1, 11), (304, 1))
    found = place_among_neighbours(reduced, neighbours, before)[300:]
    gaps = np.linalg.norm(found[:, None] - found, axis=2) + np.eye(4)
    assert gaps.min() > 1e-4


def test_a_new_group_is_about_as_wide_as_the_others(islands):
    _, reduced, neighbours, groups, positions = islands
    new = np.flatnonzero(groups == 2)
    found = place_among_neighbours(reduced, neighbours, without(positions, new))
    typical = np.median([positions[groups == group].std(axis=0).mean() for group in range(6)])
    assert 0.3 < found[new].std(axis=0).mean() / typical < 3


def test_the_same_input_gives_the_same_positions(islands):
    _, reduced, neighbours, _, positions = islands
    before = without(positions, np.arange(0, 300, 7))
    first = place_among_neighbours(reduced, neighbours, before)
    np.testing.assert_array_equal(place_among_neighbours(reduced, neighbours, before), first)


def test_a_pca_map_is_extended_with_its_own_projection(make_blobs):
    vectors, _ = make_blobs(200)
    directions, _ = centred_unit_rows(vectors)
    reduced = reduce(directions)
    positions = project("pca", reduced)
    new = np.arange(0, 200, 4)
    found = place_linearly(reduced, without(positions, new))
    np.testing.assert_allclose(found[new], positions[new], atol=1e-3)


@pytest.mark.parametrize("n_old", [1, 2, 3])
def test_new_songs_can_be_added_to_tiny_maps(n_old):
    vectors = np.random.default_rng(0).normal(size=(n_old + 1, 64))
    directions, _ = centred_unit_rows(vectors)
    reduced = reduce(directions)
    before = np.vstack([np.eye(3, 2)[:n_old], [[np.nan, np.nan]]])
    for found in (
        place_among_neighbours(reduced, true_neighbours(directions), before),
        place_linearly(reduced, before),
    ):
        assert np.isfinite(found).all()
        np.testing.assert_array_equal(found[:n_old], before[:n_old].astype(np.float32))


def test_the_copy_of_the_only_song_is_placed_beside_it():
    reduced = np.ones((2, 2), dtype=np.float32)
    before = np.array([[0.0, 0.0], [np.nan, np.nan]])
    found = place_among_neighbours(reduced, np.array([[1], [0]]), before)
    assert 1e-4 < np.linalg.norm(found[1] - found[0]) < 1


def test_a_map_without_new_songs_does_not_change(islands):
    _, reduced, neighbours, _, positions = islands
    np.testing.assert_array_equal(place_among_neighbours(reduced, neighbours, positions), positions)
    np.testing.assert_array_equal(place_linearly(reduced, positions), positions)


def test_a_map_without_old_songs_and_wrong_shapes_are_errors(islands):
    _, reduced, neighbours, _, positions = islands
    with pytest.raises(MappingError, match="no song has a position"):
        place_among_neighbours(reduced, neighbours, np.full((300, 2), np.nan))
    with pytest.raises(MappingError, match=r"300 songs need \(300, 2\)"):
        place_linearly(reduced, positions[:5])
    with pytest.raises(MappingError, match=r"both need \(n, 2\)"):
        aligned(positions, positions[:4])
