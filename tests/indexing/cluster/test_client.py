"""Indexing on real clusters: a scheduler over TCP and workers in processes, which are killed."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import numpy as np
import pytest
from cluster_support import poisoned, started, tasks_on
from distributed import LocalCluster
from support import RecordingReporter, write_tone

from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.errors import ClusterError
from explorer.indexing.cluster import client, dispatcher
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, precision="float32")
SONGS = 22


@pytest.fixture(scope="module")
def music(tmp_path_factory):
    """Songs in folders, a copy of a song, and broken files."""
    folder = tmp_path_factory.mktemp("music")
    for number in range(SONGS - 1):
        tags = {"title": f"Song {number}", "genre": "Test"}
        write_tone(
            folder / f"disc {number % 3}" / f"{number:02d}.flac",
            frequency_hz=90 * (number + 1),
            seconds=2.5,
            tags=tags,
        )
    (folder / "zz copy.flac").write_bytes((folder / "disc 0" / "00.flac").read_bytes())
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    (folder / "empty.wav").touch()
    return folder


@pytest.fixture(scope="module")
def alone(music, tmp_path_factory):
    """The result of a single machine: (vector of each id, failures)."""
    with Database.open(tmp_path_factory.mktemp("alone") / "songs.db") as database:
        index_folder(IndexRun(database, music, request=REQUEST, reporter=RecordingReporter()))
        return contents(database)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes with their nannies, and a scheduler over TCP."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://")
        yield cluster


def contents(database):
    ids, vectors = database.vectors()
    return dict(zip(ids, vectors, strict=True)), database.failures()


def assert_same(actual, expected):
    vectors, failures = actual
    assert failures == expected[1]
    assert vectors.keys() == expected[0].keys()
    for song_id, vector in vectors.items():
        np.testing.assert_array_equal(vector, expected[0][song_id], err_msg=song_id)


def index(database, folder, cluster, reporter=None, **options):
    return index_folder(
        IndexRun(
            database,
            folder,
            request=REQUEST,
            reporter=reporter or RecordingReporter(),
            scheduler=getattr(cluster, "scheduler_address", cluster),
            **options,
        )
    )


def wait_for(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_cluster_makes_the_same_vectors_and_failures_as_one_machine(
    fresh_db, music, cluster, alone, tmp_path
):
    with poisoned(cluster.scheduler_address, log=str(tmp_path / "log")):
        summary = index(fresh_db, music, cluster)
    assert_same(contents(fresh_db), alone)
    assert (summary.indexed, summary.failed, summary.interrupted) == (SONGS, 2, False)
    log = (tmp_path / "log").read_text().splitlines()
    workers = {line.split()[0] for line in log}
    assert len(workers) == 2, "both workers have worked"
    # Weights, networks and fingerprints travel once to each, not with each batch.
    kits = (tmp_path / "log.kits").read_text().splitlines()
    assert sorted(line.split()[0] for line in kits) == sorted(workers)
    assert len(log) > len(kits)
    again = index(fresh_db, music, cluster)
    assert (again.indexed, again.skipped) == (0, SONGS + 2)


def test_the_number_and_size_of_tasks_do_not_grow_with_the_files(fresh_db, cluster, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(600):
        (folder / f"{number:03d}.mp3").touch()
    seen, is_over = [(0, 0)], threading.Event()
    with poisoned(cluster.scheduler_address, log=str(tmp_path / "log"), pretends=True) as client:

        def watch():
            while not is_over.wait(0.02):
                seen.append(client.run_on_scheduler(tasks_on))

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            summary = index(fresh_db, folder, cluster)
        finally:
            is_over.set()
            watcher.join()
    assert summary.failed == 600
    # Two for each of two workers; answered tasks are forgotten a moment later.
    assert 0 < max(count for count, _ in seen) <= 8
    assert max(size for _, size in seen) < 5_000


def test_known_sounds_are_not_embedded_again(fresh_db, music, cluster, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(3):
        source = music / "disc 0" / f"{3 * number:02d}.flac"
        (folder / source.name).write_bytes(source.read_bytes())
    index(fresh_db, folder, cluster)
    before = contents(fresh_db)[0]
    (folder / "00.flac").rename(folder / "moved.flac")
    (folder / "copied.flac").write_bytes((folder / "03.flac").read_bytes())
    summary = index(fresh_db, folder, cluster)
    assert (summary.moved, summary.copied, summary.embedded) == (1, 1, 0)
    np.testing.assert_array_equal(contents(fresh_db)[0]["moved.flac"], before["00.flac"])


def test_a_worker_killed_during_a_run_loses_no_song(fresh_db, music, cluster, alone, tmp_path):
    log, reporter = tmp_path / "log", RecordingReporter()

    def kill_one_that_works():
        wait_for(lambda: log.exists() and log.read_text().count("\n") >= 3)
        # Its answer to the first batch is stored, and the second is in its hands.
        os.kill(int(log.read_text().splitlines()[-1].split()[0]), signal.SIGKILL)

    with poisoned(cluster.scheduler_address, log=str(log), seconds=1.0):
        killer = threading.Thread(target=kill_one_that_works)
        killer.start()
        summary = index(fresh_db, music, cluster, reporter)
        killer.join()
    assert any("is gone" in text for text in reporter.said)
    assert_same(contents(fresh_db), alone)
    assert (summary.indexed, summary.failed) == (SONGS, 2)


def test_a_file_that_kills_two_workers_fails_alone(fresh_db, music, cluster, tmp_path):
    folder = tmp_path / "music"
    folder.mkdir()
    for number, source in enumerate(sorted(music.glob("disc */*.flac"))[:9]):
        name = "poison.flac" if number == 4 else f"{number}.flac"
        (folder / name).write_bytes(source.read_bytes())
    log = tmp_path / "log"
    with poisoned(cluster.scheduler_address, log=str(log)):
        summary = index(fresh_db, folder, cluster)
    assert summary.failures == [("poison.flac", "poison.flac killed two workers.")]
    assert summary.indexed == 8
    eaten = [line.split() for line in log.read_text().splitlines() if "poison.flac" in line]
    assert len(eaten) == 2
    assert len({pid for pid, *_ in eaten}) == 2
    # It stays a failure, and is tried again only when asked for.
    assert index(fresh_db, folder, cluster).failed_before == 1


@pytest.mark.parametrize("missing", ["music", "00.flac"])
def test_workers_that_do_not_see_the_folder_are_named_and_no_file_is_blamed(
    fresh_db, music, cluster, tmp_path, missing
):
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "00.flac").write_bytes((music / "disc 0" / "00.flac").read_bytes())
    with (
        poisoned(cluster.scheduler_address, log=str(tmp_path / "log"), blind_to=missing),
        pytest.raises(ClusterError, match=r"The worker tcp://\S+ does not see .*/music") as caught,
    ):
        index(fresh_db, folder, cluster)
    assert str(folder) in str(caught.value)
    assert fresh_db.failures() == []
    assert index(fresh_db, folder, cluster).indexed == 1


def test_a_killed_index_run_resumes_on_the_cluster(tmp_path, music, cluster, alone):
    path, log = tmp_path / "songs.db", tmp_path / "log"
    command = [sys.executable, "-m", "explorer", "index", str(music), "--db", str(path), "--json"]
    command += [
        "--weights",
        "untrained",
        "--hop",
        "1.0",
        "--precision",
        "float32",
        "--no-map",
        "--no-previews",
    ]
    command += ["--scheduler", cluster.scheduler_address]
    with poisoned(cluster.scheduler_address, log=str(log), seconds=0.5):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: process.poll() is not None or count_songs(path) >= 2)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        stored = count_songs(path)
        assert 0 < stored < SONGS
        last = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert last.returncode == 3, last.stderr
    assert f'"indexed": {SONGS - stored},' in last.stdout
    with Database.open(path) as database:
        assert_same(contents(database), alone)


def count_songs(path):
    try:
        with Database.open_readonly(path) as database:
            return database.count_vectors()
    except Exception:
        return 0


def test_ctrl_c_finishes_begun_files_and_a_second_run_does_the_rest(tmp_path, music, cluster, alone):
    path, log = tmp_path / "songs.db", tmp_path / "log"
    command = [sys.executable, "-m", "explorer", "index", str(music), "--db", str(path)]
    command += [
        "--weights",
        "untrained",
        "--hop",
        "1.0",
        "--precision",
        "float32",
        "--no-map",
        "--no-previews",
    ]
    command += ["--scheduler", cluster.scheduler_address]
    with poisoned(cluster.scheduler_address, log=str(log), seconds=1.0):
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        wait_for(lambda: process.poll() is not None or count_songs(path) >= 1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in said
    with Database.open(path) as database:
        assert 1 <= database.count_vectors() < SONGS
        index(database, music, cluster)
        assert_same(contents(database), alone)


def test_a_worker_that_joins_later_gets_files(fresh_db, music, alone, tmp_path):
    log = tmp_path / "log"
    reporter = RecordingReporter()
    with ExitStack() as stack:
        address, _ = stack.enter_context(scheduler_alone())

        def bring_workers():
            for number in range(2):
                if number:
                    wait_for(log.exists)
                stack.enter_context(a_worker(address))

        helper = threading.Thread(target=bring_workers)
        with poisoned(address, log=str(log), seconds=3.0):
            helper.start()
            index(fresh_db, music, address, reporter)
            helper.join()
    assert_same(contents(fresh_db), alone)
    assert len({line.split()[0] for line in log.read_text().splitlines()}) == 2


@contextlib.contextmanager
def scheduler_alone():
    """Start a scheduler as a user does: (address, process)."""
    port = free_port()
    with started("dask_scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard") as process:
        wait_for(lambda: is_open(port))
        yield f"tcp://127.0.0.1:{port}", process


def a_worker(address):
    return started("dask_worker", address, "--nthreads", "1", "--no-dashboard", "--memory-limit", "0")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_open(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_missing_scheduler_is_an_error(fresh_db, music):
    with pytest.raises(ClusterError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:\d+"):
        index(fresh_db, music, f"tcp://127.0.0.1:{free_port()}")
    with pytest.raises(ClusterError, match="No Dask scheduler answers at nonsense://x"):
        index(fresh_db, music, "nonsense://x")
    assert fresh_db.failures() == []


def test_a_scheduler_without_workers_is_an_error_after_a_timeout(fresh_db, music, monkeypatch):
    monkeypatch.setattr(dispatcher, "NO_WORKER_TIMEOUT_S", 2.0)
    said = pytest.raises(ClusterError, match=r"has had no worker for 2 s: start some")
    with scheduler_alone() as (address, _), said:
        index(fresh_db, music, address)


def test_stored_songs_stay_if_the_scheduler_dies(fresh_db, music, alone):
    with scheduler_alone() as (address, process), a_worker(address):

        def kill():
            wait_for(lambda: count_songs(fresh_db.path) >= 1)
            process.kill()

        killer = threading.Thread(target=kill)
        killer.start()
        with pytest.raises(ClusterError, match="is lost"):
            index(fresh_db, music, address)
        killer.join()
    stored = fresh_db.count_vectors()
    assert 0 < stored < SONGS
    assert set(fresh_db.failures()) <= set(alone[1])
    assert (
        index_folder(IndexRun(fresh_db, music, request=REQUEST, reporter=RecordingReporter())).indexed
        == SONGS - stored
    )
    assert_same(contents(fresh_db), alone)


def test_without_dask_the_error_says_what_to_install(fresh_db, music, monkeypatch):
    monkeypatch.setattr(client, "find_spec", lambda _: None)
    with pytest.raises(ClusterError, match=r"run `pip install -r requirements-distributed\.lock`"):
        index(fresh_db, music, "tcp://127.0.0.1:1")
