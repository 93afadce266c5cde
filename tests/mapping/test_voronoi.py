import numpy as np
import pytest

from explorer.errors import MappingError
from explorer.mapping.voronoi import PADDING, voronoi_regions


def area(polygon):
    x, y = polygon.T
    return (x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


def is_convex(polygon):
    before, after = polygon - np.roll(polygon, 1, axis=0), np.roll(polygon, -1, axis=0) - polygon
    turns = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return (turns >= -1e-9 * np.abs(turns).max()).all()


def contains(polygon, positions, tolerance):
    edges = np.roll(polygon, -1, axis=0) - polygon
    edges /= np.hypot(*edges.T)[:, None]
    offsets = positions[:, None] - polygon
    return (edges[:, 0] * offsets[..., 1] - edges[:, 1] * offsets[..., 0] >= -tolerance).all()


def check(positions, count):
    """Divide a map into regions, check them against their definition, and return them."""
    regions = voronoi_regions(positions, count=count, seed=0)
    positions = np.asarray(positions, dtype=np.float64)
    low, high = positions.min(axis=0), positions.max(axis=0)
    side = (high - low).max()
    k = len(regions.centres)
    assert len(regions.polygons) == k <= count
    assert set(regions.labels.tolist()) == set(range(k))
    distances = np.linalg.norm(positions[:, None] - regions.centres, axis=2)
    own_distances = distances[np.arange(len(positions)), regions.labels]
    assert (own_distances <= distances.min(axis=1) + 1e-6 * side).all()
    corners = np.vstack(regions.polygons)
    pad = PADDING * side or 0.5
    np.testing.assert_allclose(corners.min(axis=0), low - pad, rtol=1e-6, atol=1e-6 * pad)
    np.testing.assert_allclose(corners.max(axis=0), high + pad, rtol=1e-6, atol=1e-6 * pad)
    assert sum(map(area, regions.polygons)) == pytest.approx(np.prod(high - low + 2 * pad), rel=1e-6)
    for number, polygon in enumerate(regions.polygons):
        assert is_convex(polygon)
        assert contains(polygon, positions[regions.labels == number], 1e-6 * (side or 1))
    return regions


@pytest.mark.parametrize("count", [1, 2, 3, 20, 50])
def test_regions_fill_the_padded_frame_and_contain_their_songs(count):
    # So many positions that k-means stops before it converges.
    positions = np.random.default_rng(0).normal(size=(6_000, 2)).astype(np.float32) * [3, 1] + [40, -7]
    regions = check(positions, count)
    assert len(regions.centres) == count
    sizes = np.bincount(regions.labels)
    assert (np.diff(sizes) <= 0).all()


def test_regions_agree_with_scipys_voronoi_diagram():
    from scipy.spatial import Voronoi

    positions = np.random.default_rng(1).uniform(size=(2_000, 2)).astype(np.float32)
    regions = check(positions, 30)
    reference = Voronoi(regions.centres)
    inner = [cell for cell in reference.regions if cell and -1 not in cell]
    corners = np.vstack(regions.polygons)
    for vertex in reference.vertices[np.unique(np.concatenate(inner).astype(int))]:
        if (np.abs(vertex - 0.5) < 0.5).all():
            assert np.hypot(*(corners - vertex).T).min() < 1e-6
    # The borders are the same, except those of cells that meet outside the frame.
    pairs = {tuple(pair) for pair in regions.borders.tolist()}
    assert pairs <= {tuple(sorted(pair)) for pair in reference.ridge_points.tolist()}
    assert len(pairs) >= 0.8 * len(reference.ridge_points)


@pytest.mark.parametrize(
    ("positions", "k"),
    [
        ([[3.0, 4.0]], 1),
        ([[3.0, 4.0]] * 9, 1),
        ([[0.0, 0.0], [1.0, 0.0]], 2),
        ([[0.0, 0.0], [1.0, 0.0], [1.0, 0.0]], 2),
        ([[float(x), 0.0] for x in range(60)], 7),
        ([[float(x), -2.0 * x] for x in range(60)], 7),
        ([[x * 1e-20, x * 2e-20] for x in range(60)], 7),
        ([[x * 1e10, y * 1e10] for x in range(10) for y in range(10)], 7),
        ([[float(x), float(y)] for x in range(2) for y in range(2)], 4),
    ],
)
def test_few_identical_and_collinear_positions_have_regions(positions, k):
    assert len(check(np.array(positions), 7).centres) == k


def test_without_songs_there_are_no_regions():
    regions = voronoi_regions(np.empty((0, 2), np.float32), count=5)
    assert (regions.centres.shape, regions.labels.shape, regions.polygons) == ((0, 2), (0,), [])


def test_the_same_seed_gives_the_same_regions():
    positions = np.random.default_rng(2).normal(size=(300, 2))
    first, second = (voronoi_regions(positions, count=9, seed=3) for _ in range(2))
    assert first.labels.tolist() == second.labels.tolist()
    assert first.centres.tolist() == second.centres.tolist()


def test_positions_that_are_not_finite_and_a_count_of_zero_are_errors():
    with pytest.raises(MappingError, match="positions"):
        voronoi_regions(np.full((3, 2), np.nan), count=2)
    with pytest.raises(MappingError, match="k=0"):
        voronoi_regions(np.zeros((3, 2)), count=0)
