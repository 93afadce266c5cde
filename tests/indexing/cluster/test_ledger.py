"""Every turn that a run over a cluster may take, without a cluster."""

import random

import pytest

from explorer.indexing.cluster.ledger import BATCH_FILES, OUTSTANDING_BATCHES, Ledger
from explorer.library.records import ScannedFile


def files(count):
    return [ScannedFile(b"%04d.flac" % number, 1, 1) for number in range(count)]


def ledger_of(count, *workers):
    ledger = Ledger(files(count))
    for worker in workers:
        ledger.join(worker)
    return ledger


def hand_out_all(ledger):
    jobs = []
    while job := ledger.hand_out():
        jobs.append(job)
    return jobs


def names(jobs):
    return sorted(file.text for job in jobs for file in job.files)


def test_each_worker_has_two_batches_at_most():
    jobs = hand_out_all(ledger_of(1000, "a", "b", "c"))
    assert sorted(job.worker for job in jobs) == sorted("abc" * OUTSTANDING_BATCHES)
    assert {len(job.files) for job in jobs} == {BATCH_FILES}


def test_batches_shrink_so_that_a_few_files_are_spread_over_all_workers():
    jobs = hand_out_all(ledger_of(4, "a", "b"))
    assert sorted(job.worker for job in jobs) == ["a", "a", "b", "b"]
    assert names(jobs) == [file.text for file in files(4)]


def test_without_a_worker_nothing_is_handed_out():
    ledger = ledger_of(3)
    assert ledger.hand_out() is None
    assert not ledger.is_done


def test_what_a_dead_worker_was_running_is_tried_again_file_by_file_after_all_others():
    ledger = ledger_of(40, "a")
    running, waiting = hand_out_all(ledger)
    assert ledger.leave("a", died=True) == []
    ledger.join("b")
    order = []
    while job := ledger.hand_out():
        order.append(job.files)
        ledger.close(job)
    assert order[0] == waiting.files
    assert order[-BATCH_FILES:] == [[file] for file in running.files]
    assert ledger.is_done
    assert sum(map(len, order)) == 40


def test_a_file_that_takes_two_workers_down_fails_and_no_other():
    ledger = ledger_of(1, "a", "b")
    first = ledger.hand_out()
    assert ledger.leave(first.worker, died=True) == []
    second = ledger.hand_out()
    assert second.worker != first.worker
    [failed] = ledger.leave(second.worker, died=True)
    assert failed.reason == "0000.flac took two workers down with it."
    assert ledger.is_done


def test_a_batch_that_only_waited_is_not_accused():
    ledger = ledger_of(1000, "a")
    _, waiting = hand_out_all(ledger)
    ledger.leave("a", died=True)
    ledger.join("b")
    again = ledger.hand_out()
    assert again.files == waiting.files
    # Its first death is the first accusation: each is tried again.
    assert ledger.leave("b", died=True) == []


def test_a_worker_that_leaves_in_order_accuses_nobody():
    ledger = ledger_of(1, "a")
    for worker in ("a", "b", "c"):
        ledger.join(worker)
        assert ledger.hand_out().worker == worker
        assert ledger.leave(worker, died=False) == []
    assert not ledger.is_done


def test_a_batch_that_was_done_when_its_worker_died_leaves_the_blame_to_the_next():
    ledger = ledger_of(1000, "a")
    done, running = hand_out_all(ledger)
    ledger.leave("a", died=True, is_done=lambda job: job is done)
    ledger.join("b")
    assert ledger.hand_out().files == done.files
    assert all(file.path in ledger._accused for file in running.files)


def test_an_answer_is_expected_from_its_worker_only_while_it_is_there():
    ledger = ledger_of(1, "a")
    job = ledger.hand_out()
    assert ledger.holds(job)
    ledger.leave("a", died=True)
    ledger.join("a")
    assert not ledger.holds(job)


def test_unread_files_of_a_batch_are_given_to_others():
    ledger = ledger_of(8, "a", "b")
    job = ledger.hand_out()
    ledger.close(job, unread=job.files[1:])
    rest = []
    while job := ledger.hand_out():
        rest.append(job)
        ledger.close(job)
    assert names(rest) == [file.text for file in files(8)[1:]]


def test_when_a_run_is_ended_only_what_runs_is_left():
    ledger = ledger_of(1000, "a", "b")
    jobs = hand_out_all(ledger)
    waiting = ledger.drop_waiting()
    assert waiting == jobs[2:]
    assert ledger.outstanding == 2
    assert ledger.hand_out() is None


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_file_has_one_outcome_and_only_killers_fail(seed):
    rng = random.Random(seed)
    ledger, killers = ledger_of(100), {b"0007.flac", b"0050.flac", b"0099.flac"}
    outcomes, born = [], 0
    running: dict[str, list] = {}
    while not ledger.is_done:
        if len(ledger.workers) < 4:
            born += 1
            ledger.join(f"worker {born}")
            running[f"worker {born}"] = []
        for job in hand_out_all(ledger):
            running[job.worker].append(job)
        worker = rng.choice([name for name in ledger.workers if running[name]])
        job = running[worker].pop(0)
        if killers & {file.path for file in job.files}:
            outcomes += [failed.file.path for failed in ledger.leave(worker, died=True)]
        elif rng.random() < 0.1:
            ledger.leave(worker, died=False)
        else:
            outcomes += [file.path for file in job.files]
            ledger.close(job)
    assert sorted(outcomes) == [file.path for file in files(100)]
    assert born < 60
