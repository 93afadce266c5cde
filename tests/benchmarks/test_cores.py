"""Tests of the calculated speed of an index run: cases that can be calculated by hand."""

import pytest

from explorer.config import ROOT


@pytest.fixture
def predict(monkeypatch):
    """Calculate for songs of 64 windows, with a network that takes `network_s` of a core for a song."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import cores

    def predict(*, decoding_s, network_s, **options):
        songs = [cores.SongCost(64, 0.0, decoding_s * share, 0.0) for share in (0.5, 1.5)]
        return cores.predict(songs, network_s / 64, **options)

    return predict


def test_a_network_with_cores_of_its_own_waits_for_slow_decoding(predict):
    one = predict(decoding_s=1.0, network_s=0.5, cores=16, threads=1, network_cores=1)
    assert (one.idle, one.songs_per_s) == (pytest.approx(0.5), pytest.approx(1.0))
    two = predict(decoding_s=1.0, network_s=0.5, cores=16, threads=2, network_cores=1)
    assert (two.idle, two.songs_per_s) == (pytest.approx(0.0), pytest.approx(2.0))
    assert predict(decoding_s=1.0, network_s=0.5, cores=1, threads=2, network_cores=1) == one


def test_decoding_and_network_share_the_cores_without_losing_time(predict):
    outcome = predict(decoding_s=2.0, network_s=8.0, cores=4, threads=4)
    assert (outcome.idle, outcome.songs_per_s) == (0, pytest.approx(4 / (2 + 8)))


def test_the_network_waits_with_fewer_threads_than_its_share_of_the_work_needs(predict):
    # 16 cores embed two songs in a second; a thread decodes one in two seconds, so four threads are needed.
    runs = [predict(decoding_s=2.0, network_s=8.0, cores=16, threads=n) for n in (1, 2, 6)]
    assert runs[0].idle > runs[1].idle > 0.2 > runs[2].idle == 0
    assert [run.songs_per_s for run in runs[:2]] == pytest.approx([0.5, 1.0], rel=0.1)


def test_the_network_waits_equally_long_whichever_way_it_is_calculated(predict):
    # Two threads of one core each; the network computes for `busy` of the time, at two thirds of the speed.
    outcome = predict(decoding_s=3.0, network_s=1.0, cores=2, threads=1)
    busy, speed = 1 - outcome.idle, 2 / 3
    assert outcome.songs_per_s == pytest.approx(busy * 2 * speed)
    assert 3 * outcome.songs_per_s == pytest.approx(busy * speed + 1 - busy)
