"""Tests of the simulated index run: cases whose times can be calculated by hand."""

import pytest

from explorer.config import ROOT


@pytest.fixture
def pipeline(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import simulated_pipeline

    return simulated_pipeline


@pytest.fixture
def run(pipeline):
    """Run `count` equal songs of 64 windows, with a network that takes `network_s` of a core for a song."""

    def run(count, *, threads, network_s=0.0, python_s=0.0, cores=16, network_cores=None, **cost):
        cost = {"before_s": 0.0, "decoder_s": 0.0, "thread_s": 0.0, "gil_s": 0.0} | cost
        songs = [pipeline.SongCost(64, **cost)] * count
        machine = pipeline.Machine(cores, network_s / 64, 0.0, python_s / 64, 64, network_cores)
        return pipeline.simulate(songs, machine, threads=threads)

    return run


def test_a_network_with_cores_of_its_own_waits_for_slow_decoding(run):
    one = run(40, threads=1, decoder_s=1.0, network_s=0.5, network_cores=1)
    assert one.idle == pytest.approx(0.5, abs=0.02)
    two = run(40, threads=2, decoder_s=1.0, network_s=0.5, network_cores=1)
    assert two.seconds == pytest.approx(20, rel=0.05)
    assert two.idle < 0.05


def test_decoding_and_network_share_the_cores_without_losing_time(run):
    outcome = run(40, threads=4, cores=4, before_s=0.5, decoder_s=0.5, thread_s=1.0, network_s=8.0)
    assert outcome.idle == 0
    assert outcome.seconds == pytest.approx(40 * (2 + 8) / 4, rel=0.05)


def test_the_network_waits_with_fewer_threads_than_its_share_of_the_work_needs(run):
    # 16 cores embed two songs in a second; a thread decodes one in two seconds, so four threads are needed.
    one, two, six = (run(60, threads=n, decoder_s=2.0, network_s=8.0).idle for n in (1, 2, 6))
    assert one > two > 0.2 > 0.01 > six


def test_the_gil_lets_one_thread_compute_at_a_time(run):
    assert run(80, threads=8, thread_s=1.0).seconds == pytest.approx(10, rel=0.15)
    assert run(80, threads=8, thread_s=1.0, gil_s=0.5).seconds == pytest.approx(40, rel=0.05)


def test_the_network_gets_no_requests_while_a_thread_holds_the_gil(run):
    outcome = run(40, threads=4, thread_s=1.0, gil_s=1.0, python_s=1.0)
    assert outcome.seconds == pytest.approx(80, rel=0.1)
    assert outcome.idle > 0.9
