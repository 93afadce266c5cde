"""Every order of events in a run on a cluster, without a cluster."""

import random

import pytest

from explorer.indexing.cluster.ledger import BATCH_FILES, WORKER_BATCHES, Ledger
from explorer.library.music_file import ScannedFile


def files(count):
    return [ScannedFile(b"%04d.flac" % number, 1, 1) for number in range(count)]


def ledger_of(count, *workers):
    ledger = Ledger(files(count))
    for worker in workers:
        ledger.add_worker(worker)
    return ledger


def hand_out_all(ledger):
    jobs = []
    while job := ledger.hand_out():
        jobs.append(job)
    return jobs


def play_through(ledger):
    """Close each job as soon as it is handed out; return their files."""
    order = []
    while job := ledger.hand_out():
        order.append(job.files)
        ledger.close(job)
    return order


def names(jobs):
    return sorted(file.text for job in jobs for file in job.files)


def test_each_worker_has_at_most_two_batches():
    jobs = hand_out_all(ledger_of(1000, "a", "b", "c"))
    assert sorted(job.worker for job in jobs) == sorted("abc" * WORKER_BATCHES)
    assert {len(job.files) for job in jobs} == {BATCH_FILES}


def test_a_few_files_are_spread_over_all_workers():
    jobs = hand_out_all(ledger_of(4, "a", "b"))
    assert sorted(job.worker for job in jobs) == ["a", "a", "b", "b"]
    assert names(jobs) == [file.text for file in files(4)]


def test_without_a_worker_nothing_is_handed_out():
    ledger = ledger_of(3)
    assert ledger.hand_out() is None
    assert not ledger.is_done


def test_files_of_a_dead_worker_are_tried_again_singly_after_all_others():
    ledger = ledger_of(40, "a")
    held = [file for job in hand_out_all(ledger) for file in job.files]
    assert ledger.remove_worker("a", died=True) == []
    ledger.add_worker("b")
    order = play_through(ledger)
    assert ledger.is_done
    assert sorted(map(len, order[-len(held) :])) == [1] * len(held)
    assert {file for [file] in order[-len(held) :]} == set(held)
    assert sum(map(len, order)) == 40


def test_a_worker_with_a_suspect_has_nothing_else():
    ledger = ledger_of(2, "a")
    hand_out_all(ledger)
    ledger.remove_worker("a", died=True)
    ledger.add_worker("b")
    suspect = ledger.hand_out()
    assert len(suspect.files) == 1
    assert ledger.hand_out() is None
    # Another worker takes the next.
    ledger.add_worker("c")
    other = ledger.hand_out()
    assert (other.worker, other.is_suspect) == ("c", True)
    assert ledger.hand_out() is None


def test_only_the_file_that_kills_two_workers_fails():
    ledger = ledger_of(1, "a", "b")
    first = ledger.hand_out()
    assert ledger.remove_worker(first.worker, died=True) == []
    second = ledger.hand_out()
    assert second.worker != first.worker
    [failed] = ledger.remove_worker(second.worker, died=True)
    assert failed.reason == "0000.flac killed two workers."
    assert ledger.is_done


def test_files_of_a_stopped_worker_are_no_suspects():
    ledger = ledger_of(1, "a")
    for worker in ("a", "b", "c"):
        ledger.add_worker(worker)
        job = ledger.hand_out()
        assert (job.worker, job.is_suspect) == (worker, False)
        assert ledger.remove_worker(worker, died=False) == []
    assert not ledger.is_done


def test_a_suspect_of_a_stopped_worker_stays_a_suspect():
    ledger = ledger_of(1, "a")
    ledger.hand_out()
    ledger.remove_worker("a", died=True)
    for worker in ("b", "c"):
        ledger.add_worker(worker)
        assert ledger.hand_out().is_suspect
        assert ledger.remove_worker(worker, died=False) == []
    assert not ledger.is_done


def test_a_worker_that_rejoins_has_no_jobs():
    ledger = ledger_of(1, "a")
    job = ledger.hand_out()
    ledger.remove_worker("a", died=True)
    ledger.add_worker("a")
    assert job not in ledger.jobs["a"]


def test_unread_files_of_a_batch_are_handed_out_next_in_order():
    ledger = ledger_of(8, "a", "b")
    job = ledger.hand_out()
    ledger.close(job, unread=job.files[1:])
    assert [file for some in play_through(ledger) for file in some] == files(8)[1:]


def test_after_a_stop_only_the_first_job_of_each_worker_is_left():
    ledger = ledger_of(1000, "a", "b")
    jobs = hand_out_all(ledger)
    ledger.drop_waiting()
    assert [job for held in ledger.jobs.values() for job in held] == jobs[:2]
    assert ledger.hand_out() is None


@pytest.mark.parametrize("seed", range(20))
def test_in_any_order_of_events_each_file_has_one_outcome_and_only_killers_fail(seed):
    rng = random.Random(seed)
    ledger, killers = ledger_of(100), {b"0007.flac", b"0050.flac", b"0099.flac"}
    done, failed, born = [], [], 0
    while not ledger.is_done:
        if len(ledger.jobs) < 4:
            born += 1
            ledger.add_worker(f"worker {born}")
        hand_out_all(ledger)
        for jobs in ledger.jobs.values():
            assert len(jobs) <= (1 if any(job.is_suspect for job in jobs) else WORKER_BATCHES)
        worker = rng.choice([name for name, jobs in ledger.jobs.items() if jobs])
        job = ledger.jobs[worker][0]
        if killers & {file.path for file in job.files}:
            failed += [failure.file.path for failure in ledger.remove_worker(worker, died=True)]
        elif rng.random() < 0.1:
            assert ledger.remove_worker(worker, died=False) == []
        elif rng.random() < 0.1:
            done += [file.path for file in job.files[:3]]
            ledger.close(job, unread=job.files[3:])
        else:
            done += [file.path for file in job.files]
            ledger.close(job)
    assert set(failed) == killers
    assert sorted(done + failed) == [file.path for file in files(100)]
    assert born < 60
