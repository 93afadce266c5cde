import numpy as np
import pytest

from explorer.mapping import candidates, knn_graph
from explorer.mapping.unit_rows import centred_unit_rows


@pytest.fixture
def shares(monkeypatch):
    """The chosen shares of the songs that are searched; libraries of 1,000 songs are divided into cells."""
    chosen = []
    choose = candidates._choose_share
    monkeypatch.setattr(knn_graph, "_MAX_SONGS_EXACT", 1000)
    monkeypatch.setattr(
        candidates, "_choose_share", lambda *arguments: chosen.append(choose(*arguments)) or chosen[-1]
    )
    return chosen


@pytest.mark.parametrize(("limit", "is_approximate"), [(1500, False), (1499, True)])
def test_only_above_a_limit_fewer_cells_are_searched(make_blobs, monkeypatch, shares, limit, is_approximate):
    monkeypatch.setattr(candidates, "MAX_SONGS_NEARLY_EXACT", limit)
    directions, _ = centred_unit_rows(make_blobs(1500, groups=40)[0])
    graph = knn_graph.true_neighbours(directions)
    assert shares == [0.02 if is_approximate else 0.35] or (is_approximate and 0.02 < shares[0] < 0.35)
    assert knn_graph.found_share(directions, graph) >= 0.98


@pytest.mark.parametrize(("limit", "share"), [(1500, None), (1499, 0.35)])
def test_songs_without_groups_are_all_compared_unless_there_are_too_many(monkeypatch, shares, limit, share):
    monkeypatch.setattr(candidates, "MAX_SONGS_NEARLY_EXACT", limit)
    vectors = np.random.default_rng(0).normal(size=(1500, 64))
    directions, _ = centred_unit_rows(vectors)
    graph = knn_graph.true_neighbours(directions)
    assert shares == [share]
    assert knn_graph.found_share(directions, graph) >= 0.5


def test_few_cells_at_a_time_give_the_same_graph(make_blobs, monkeypatch, shares):
    directions, _ = centred_unit_rows(make_blobs(1500, groups=40)[0])
    together = knn_graph.true_graph(directions)
    monkeypatch.setattr(candidates, "_CELLS_AT_ONCE", 3)
    monkeypatch.setattr(candidates, "_PREDICTED_AT_ONCE", 256)
    for expected, found in zip(together, knn_graph.true_graph(directions), strict=True):
        assert found.tobytes() == expected.tobytes()
