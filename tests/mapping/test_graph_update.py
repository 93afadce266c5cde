import numpy as np
import pytest

from explorer.mapping import graph_update
from explorer.mapping.graph_update import update_graph
from explorer.mapping.knn_graph import true_graph
from explorer.mapping.unit_rows import unit_rows

K = 12


def vectors_of(n, *, copies=False):
    rng = np.random.default_rng(0)
    vectors = 5 + rng.normal(size=(8, 64))[np.arange(n) % 8] + 0.5 * rng.normal(size=(n, 64))
    if copies:
        vectors = vectors[rng.integers(0, n // 3, n)]
    return vectors.astype(np.float32)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(graph_update, "_CHUNK_ROWS", 50)
    monkeypatch.setattr(graph_update, "_QUERIES_AT_ONCE", 7)


@pytest.mark.parametrize("copies", [False, True])
@pytest.mark.parametrize(
    "change", ["added", "removed", "changed", "all three", "far away", "one album", "nothing"]
)
def test_an_updated_graph_is_the_graph_found_anew(change, copies):
    before = vectors_of(300, copies=copies)
    mean = before.mean(axis=0, dtype=np.float64)
    rng = np.random.default_rng(1)
    now, rows = before.copy(), np.arange(300)
    if change in ("removed", "all three"):
        kept = np.sort(rng.choice(300, 280, replace=False))
        now, rows = now[kept], rows[kept]
    if change in ("changed", "all three"):
        changed = rng.choice(len(now), 9, replace=False)
        now[changed] = now[changed[::-1]] + np.float32(0.1)
        rows[changed] = -1
    if change in ("added", "all three", "far away", "one album"):
        added = vectors_of(330)[300:]
        if change == "far away":
            added = added * np.float32(3)
        if change == "one album":
            added = added[:1] + rng.normal(scale=1e-3, size=(30, 64)).astype(np.float32)
        # New songs come between the old ones, in the order of their ids.
        places = np.sort(rng.integers(0, len(now), 30))
        now, rows = np.insert(now, places, added, axis=0), np.insert(rows, places, -1)
    indices, costs, touched = update_graph(*graph_of(before, mean), rows, now, mean)
    expected, expected_costs = graph_of(now, mean)
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(costs, expected_costs, atol=1e-6)
    unchanged = np.flatnonzero(~touched)
    row_now = np.full(300, -1)
    row_now[rows[rows >= 0]] = np.flatnonzero(rows >= 0)
    before_indices = row_now[graph_of(before, mean)[0][rows[unchanged]]]
    np.testing.assert_array_equal(indices[unchanged], before_indices)
    assert touched.any() == (change != "nothing")


def graph_of(vectors, mean):
    return true_graph(unit_rows(vectors, mean).astype(np.float32), K)
