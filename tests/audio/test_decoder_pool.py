"""Pools of decoding processes: order, limits, shared jobs, and processes that end."""

import threading
import time

import pytest

from explorer.audio.decoder_pool import BusyError, DecoderPool, Kind

URGENT, USUAL, SLOW = Kind(0, 2, 9), Kind(1, 2, 9), Kind(2, 1, 9)


@pytest.fixture
def start_pool():
    """The function that makes a pool, which is closed after the test."""
    pools = []

    def start(*arguments, **options):
        pools.append(DecoderPool(*arguments, **options))
        return pools[-1]

    yield start
    for pool in pools:
        pool.close()


class Callers:
    """Threads that call a pool with jobs that need no process: each job waits until it is let go."""

    def __init__(self, pool):
        self.pool = pool
        self.begun, self.results, self.threads = [], {}, []
        self.gate = threading.Event()

    def call(self, name, kind=USUAL, *, key=None, **options):
        """Start a thread that asks for a job, and return when the pool has it."""

        def work(_decoder):
            self.begun.append(name)
            assert self.gate.wait(20)
            return name

        def call():
            try:
                self.results[name] = self.pool.run(kind, key or name, work, **options)
            except BusyError as error:
                self.results[name] = error

        n_waiting = sum(self.pool._waiting.values())
        self.threads.append(threading.Thread(target=call))
        self.threads[-1].start()
        wait_until(lambda: sum(self.pool._waiting.values()) > n_waiting or name in self.results)

    def finish(self):
        """Let all jobs go; return their results."""
        self.gate.set()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.results


def wait_until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true"
        time.sleep(0.005)


def test_the_most_urgent_job_is_done_first(start_pool):
    callers = Callers(start_pool(1))
    callers.call("running")
    wait_until(lambda: callers.begun)
    for name, kind in (("slow", SLOW), ("usual", USUAL), ("urgent", URGENT), ("usual 2", USUAL)):
        callers.call(name, kind)
    callers.finish()
    assert callers.begun == ["running", "urgent", "usual", "usual 2", "slow"]


def test_a_process_stays_free_of_slow_jobs(start_pool):
    callers = Callers(start_pool(2))
    for name in ("slow 1", "slow 2", "slow 3"):
        callers.call(name, SLOW)
    callers.call("urgent", URGENT)
    wait_until(lambda: len(callers.begun) == 2)
    assert sorted(callers.begun) == ["slow 1", "urgent"]
    assert len(callers.finish()) == 4


def test_the_same_job_is_done_once_for_all_who_ask_at_the_same_time(start_pool):
    callers = Callers(start_pool(2))
    for name in "abc":
        callers.call(name, key="same")
    assert set(callers.finish().values()) == {"a"}
    assert callers.begun == ["a"]
    assert callers.pool.run(USUAL, "same", lambda _: "again") == "again"


def test_callers_beyond_the_limit_are_refused_at_once_and_later_ones_are_not(start_pool):
    callers = Callers(start_pool(1))
    kind = Kind(0, 1, 3)
    for name in "abcde":
        callers.call(name, kind)
    callers.call("other kind", USUAL)
    callers.call("the server itself", kind, is_bounded=False)
    assert {name for name, result in callers.results.items() if isinstance(result, BusyError)} == {"d", "e"}
    results = callers.finish()
    assert [results[name] for name in ("a", "b", "c", "other kind", "the server itself")] == [
        "a", "b", "c", "other kind", "the server itself",
    ]  # fmt: skip
    assert callers.pool.run(kind, "later", lambda _: 1) == 1


def test_a_job_is_dropped_if_nobody_wants_it_any_more_unless_it_has_begun(start_pool):
    callers = Callers(start_pool(1))
    gone = threading.Event()
    callers.call("begun", is_wanted=lambda: not gone.is_set())
    wait_until(lambda: callers.begun)
    callers.call("dropped", is_wanted=lambda: not gone.is_set())
    callers.call("shared", is_wanted=lambda: not gone.is_set())
    callers.call("still wanted", key="shared")
    gone.set()
    wait_until(lambda: len(callers.results) == 3)
    assert all(isinstance(result, BusyError) for result in callers.results.values())
    assert callers.finish()["still wanted"] == "shared"
    assert callers.begun == ["begun", "shared"]


def test_an_error_of_a_job_reaches_all_callers_and_the_pool_goes_on(start_pool):
    pool = start_pool(1)
    with pytest.raises(ZeroDivisionError):
        pool.run(USUAL, "bad", lambda _: 1 / 0)
    assert pool.run(USUAL, "bad", lambda _: "good") == "good"


def test_closing_ends_the_processes_and_fails_all_jobs(start_pool, make_tone, tmp_path):
    song = make_tone(tmp_path / "song.flac", tags={"title": "A"})
    pool = start_pool(1)
    assert pool.run(USUAL, "tags", lambda decoder: decoder.tags(song)).title == "A"
    (decoder,) = pool._decoders
    process = decoder._process
    callers = Callers(pool)
    callers.call("begun")
    callers.call("queued")
    pool.close()
    assert process.poll() is not None
    results = callers.finish()
    assert isinstance(results["queued"], BusyError)
    with pytest.raises(BusyError):
        pool.run(USUAL, "later", lambda _: 1)


def test_an_idle_process_ends_and_a_new_one_starts(start_pool, make_tone, tmp_path):
    song = make_tone(tmp_path / "song.flac", tags={"title": "A"})
    pool = start_pool(1, idle_s=0.2)
    processes = []

    def read(decoder):
        tags = decoder.tags(song)
        processes.append(decoder._process)
        return tags.title

    assert pool.run(USUAL, "tags", read) == "A"
    wait_until(lambda: processes[0].poll() is not None)
    assert pool.run(USUAL, "tags", read) == "A"
    assert processes[0].pid != processes[1].pid


def test_a_job_that_comes_just_when_a_thread_has_idled_long_enough_is_done(start_pool, monkeypatch):
    pool = start_pool(1)
    really_wait = pool._changed.wait
    # The wait's time is over and the job is there, so the wait does not tell that it was notified.
    monkeypatch.setattr(pool._changed, "wait", lambda timeout: really_wait(timeout) and False)
    end = time.monotonic() + 10
    for number in range(3):
        assert (
            pool.run(USUAL, number, lambda _, n=number: n, is_wanted=lambda: time.monotonic() < end) == number
        )
        wait_until(lambda: pool._n_idle == 1 or not pool._decoders)


def test_a_thread_that_cannot_be_started_makes_the_pool_busy_only_now(start_pool, monkeypatch):
    pool = start_pool(2)

    def fail(_thread):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        for _ in range(3):
            with pytest.raises(BusyError):
                pool.run(USUAL, "a", lambda _: 1)
    end = time.monotonic() + 10
    assert pool.run(USUAL, "a", lambda _: 1, is_wanted=lambda: time.monotonic() < end) == 1
