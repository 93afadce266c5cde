import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
from misbehaving_server import CUT, FILE, OTHER, SHA256, hangs_up, held, ranged, refuses, stalls, whole

from explorer.config import ROOT
from explorer.embedding.downloading import download_file

PART, RECORD = ".w.h5.gz.part", ".w.h5.gz.part.json"
LOCK = ".w.h5.gz.lock"
WHOLE = {"w.h5.gz": len(FILE)}


# Connections that break


def test_a_dropped_connection_goes_on_where_it_stopped(fetch, server, kept):
    fetch(ranged(cut=CUT), ranged())
    assert server.ranges == [(None, None), (f"bytes={CUT}-", '"v1"')]
    assert server.body_bytes == len(FILE)
    assert kept() == WHOLE


def test_it_may_drop_again_and_hang_up_in_between(fetch, server, kept):
    fetch(ranged(cut=CUT), hangs_up, ranged(cut=2 * CUT), ranged(), tries=4)
    assert [asked for asked, _ in server.ranges] == [
        None,
        f"bytes={CUT}-",
        f"bytes={CUT}-",
        f"bytes={2 * CUT}-",
    ]
    assert server.body_bytes == len(FILE)
    assert kept() == WHOLE


@pytest.mark.parametrize(
    ("validators", "sent"),
    [
        ({"etag": None, "modified": "Mon, 06 Jan 2020 10:00:00 GMT"}, "Mon, 06 Jan 2020 10:00:00 GMT"),
        ({"etag": 'W/"v1"', "modified": "Mon, 06 Jan 2020 10:00:00 GMT"}, "Mon, 06 Jan 2020 10:00:00 GMT"),
        ({"etag": 'W/"v1"'}, None),
        ({"etag": None}, None),
    ],
)
def test_if_range_has_what_the_server_gave(fetch, server, kept, validators, sent):
    fetch(ranged(cut=CUT, **validators), ranged(**validators))
    assert server.ranges[1] == (f"bytes={CUT}-", sent)
    assert server.body_bytes == len(FILE)
    assert kept() == WHOLE


def test_a_connection_that_keeps_dropping_leaves_its_part_to_the_next_run(fetch, refused, server, kept):
    said = refused(ranged(cut=CUT), refuses(503), tries=3)
    assert len(server.requests) == 3
    assert "could not be downloaded (HTTP 503 Service Unavailable): run this again to go on after" in said
    assert f"after the {CUT} bytes that are kept, put the file {server.url} at" in said
    assert set(kept()) == {PART, RECORD}
    assert kept()[PART] == CUT
    server.body_bytes = 0
    fetch(ranged())
    assert server.ranges == [(f"bytes={CUT}-", '"v1"')]
    assert server.body_bytes == len(FILE) - CUT
    assert kept() == WHOLE


def test_a_file_that_is_always_cut_says_how_far_it_came(refused, server, kept):
    said = refused(whole(cut=CUT), tries=3)
    assert f"stopped after {CUT} of {len(FILE)} bytes: run this again" in said
    assert len(server.requests) == 3
    assert kept()[PART] == CUT


def test_an_empty_answer_leaves_nothing(refused, kept):
    said = refused(whole(b""))
    assert "stopped after 0 of unknown bytes: put the file" in said
    assert kept() == {}


def test_a_stalled_server_counts_as_lost(fetch, refused, make_gate, server, kept):
    said = refused(stalls(make_gate()), tries=1, timeout_s=0.2)
    assert f"stopped after {CUT} of {len(FILE)} bytes (timed out): run this again" in said
    assert kept()[PART] == CUT
    fetch(ranged())
    assert server.ranges[0][0] == f"bytes={CUT}-"
    assert kept() == WHOLE


def test_a_busy_server_is_asked_again(fetch, server, kept):
    fetch(refuses(503), refuses(500), whole())
    assert len(server.requests) == 3
    assert kept() == WHOLE


def test_an_interrupt_leaves_the_part_to_the_next_run(fetch, server, kept):
    def interrupt(done, total):
        if done > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(ranged(), progress=interrupt)
    here = kept()[PART]
    assert set(kept()) == {PART, RECORD}
    fetch(ranged())
    assert server.ranges[0][0] == f"bytes={here}-"
    assert kept() == WHOLE


# Servers that have no such range


def test_a_server_without_ranges_sends_all_of_it_again(fetch, server, kept):
    fetch(whole(cut=CUT), whole())
    assert server.ranges[1][0] == f"bytes={CUT}-"
    assert server.body_bytes == CUT + len(FILE)
    assert kept() == WHOLE


def test_a_file_that_changed_between_tries_is_started_again(fetch, server, kept):
    fetch(ranged(OTHER, cut=CUT, etag='"old"'), ranged())
    assert server.ranges[1] == (f"bytes={CUT}-", '"old"')
    assert server.body_bytes == CUT + len(FILE)
    assert kept() == WHOLE


@pytest.mark.parametrize(
    ("old", "old_etag"), [(OTHER, 'W/"v0"'), (OTHER + b"longer", None)], ids=["etag", "length"]
)
def test_a_part_of_a_changed_file_is_not_taken_where_if_range_does_not_help(
    fetch, server, kept, old, old_etag
):
    fetch(ranged(old, cut=CUT, etag=old_etag), ranged(cut=2 * CUT), ranged())
    assert [asked for asked, _ in server.ranges] == [None, f"bytes={CUT}-", None]
    assert kept() == WHOLE


def test_another_range_than_asked_for_is_not_taken(fetch, server, kept):
    fetch(ranged(cut=CUT), ranged(shift=10), ranged())
    assert [asked for asked, _ in server.ranges] == [None, f"bytes={CUT}-", None]
    assert kept() == WHOLE


def test_a_range_that_cannot_be_had_starts_again(fetch, server, kept):
    fetch(ranged(cut=CUT), refuses(416), ranged())
    assert [asked for asked, _ in server.ranges] == [None, f"bytes={CUT}-", None]
    assert kept() == WHOLE


def test_a_mixture_of_two_versions_is_fetched_once_more_from_the_start(fetch, server, kept):
    fetch(ranged(OTHER[: len(FILE)], cut=CUT, etag=None), ranged(etag=None), ranged(etag=None))
    assert [asked for asked, _ in server.ranges] == [None, f"bytes={CUT}-", None]
    assert kept() == WHOLE


def test_a_mixture_that_stays_wrong_is_given_up_after_the_second_round(refused, server, kept):
    said = refused(ranged(OTHER, cut=CUT), ranged(OTHER), ranged(OTHER, cut=CUT), ranged(OTHER))
    assert "came with the wrong checksum" in said
    assert len(server.requests) == 4
    assert kept() == {}


def test_a_redirect_keeps_the_range(fetch, server, kept):
    elsewhere = refuses(302, Location="/elsewhere")
    fetch(elsewhere, ranged(cut=CUT), elsewhere, ranged())
    assert server.ranges[2:] == [(f"bytes={CUT}-", '"v1"')] * 2
    assert kept() == WHOLE


# Other runs


@pytest.mark.parametrize("cut", [100, CUT])
def test_a_run_that_was_killed_is_gone_on_from(fetch, make_gate, server, kept, tmp_path, cut):
    gate = make_gate()
    server.answers[:] = [stalls(gate, cut=cut)]
    target = tmp_path / "models" / "w.h5.gz"
    code = (
        "import sys; from pathlib import Path; from explorer.embedding.downloading import download_file;"
        " download_file(sys.argv[1], Path(sys.argv[2]), sha256=sys.argv[3], timeout_s=600)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, server.url, str(target), SHA256], cwd=ROOT)
    try:
        part = target.with_name(PART)
        while not part.exists() or part.stat().st_size < cut:
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == (-signal.SIGKILL if os.name != "nt" else 1)
    assert not target.exists()
    gate.set()
    fetch(ranged())
    assert server.ranges == [(f"bytes={cut}-", '"v1"')]
    assert target.read_bytes() == FILE
    assert kept() == WHOLE


def test_a_run_killed_before_the_last_step_needs_no_server(fetch, server, kept, tmp_path):
    fetch(whole())
    models = tmp_path / "models"
    (models / "w.h5.gz").rename(models / PART)
    record = {"url": server.url, "sha256": SHA256, "total": len(FILE)}
    (models / RECORD).write_text(json.dumps(record))
    fetch(refuses(500))
    assert server.requests == []
    assert kept() == WHOLE


@pytest.mark.parametrize(
    "record",
    [None, "", "{", "[]", '{"url": "http://elsewhere.invalid", "sha256": "0"}'],
)
def test_a_part_of_unknown_origin_is_not_gone_on_from(fetch, server, kept, tmp_path, record):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / PART).write_bytes(OTHER[:CUT])
    if record is not None:
        (tmp_path / "models" / RECORD).write_text(record)
    fetch(ranged())
    assert server.ranges == [(None, None)]
    assert kept() == WHOLE


def test_damage_to_a_part_is_made_good(fetch, server, kept, tmp_path, refused):
    refused(ranged(cut=CUT), refuses(404))
    (tmp_path / "models" / PART).write_bytes(bytes(CUT))
    fetch(ranged())
    assert [asked for asked, _ in server.ranges] == [f"bytes={CUT}-", None]
    assert kept() == WHOLE


@pytest.fixture
def run_beside(server, tmp_path):
    """Download in a thread of its own; its errors are gathered in `run_beside.errors`."""
    threads, errors = [], []

    def run(reached):
        def progress(done, total):
            if done >= CUT:
                reached.set()

        def download():
            target = tmp_path / "models" / "w.h5.gz"
            try:
                download_file(server.url, target, sha256=SHA256, progress=progress, pauses_s=[0])
            except BaseException as error:
                errors.append(error)

        threads.append(threading.Thread(target=download))
        threads[-1].start()
        assert reached.wait(60)
        return threads[-1]

    run.errors = errors
    yield run
    for thread in threads:
        thread.join()


def test_two_runs_at_once_share_one_download(run_beside, make_gate, server, kept):
    gate = make_gate()
    server.answers[:] = [stalls(gate)]
    threads = [run_beside(threading.Event()), run_beside(threading.Event())]
    gate.set()
    for thread in threads:
        thread.join()
    assert run_beside.errors == []
    assert len(server.requests) == 1
    assert kept() == WHOLE


def test_a_run_that_waited_takes_over_from_one_that_failed(run_beside, make_gate, server, kept):
    gate, second_gate = make_gate(), make_gate()
    asked = threading.Event()
    server.answers[:] = [stalls(gate, upto=CUT), refuses(404), held(second_gate, asked, ranged())]
    first, second = run_beside(threading.Event()), run_beside(threading.Event())
    gate.set()
    first.join()
    assert asked.wait(60)
    # Whoever comes now must find the lock that the second one holds, not make another.
    assert set(kept()) == {PART, RECORD, LOCK}
    second_gate.set()
    second.join()
    assert [str(error) for error in run_beside.errors if "HTTP 404" not in str(error)] == []
    assert [asked for asked, _ in server.ranges] == [None, f"bytes={CUT}-", f"bytes={CUT}-"]
    assert kept() == WHOLE
