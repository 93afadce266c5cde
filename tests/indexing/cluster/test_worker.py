"""What a worker refuses, and what it does with a batch, without a cluster."""

import asyncio
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from explorer.embedding.model_weights import untrained_weights
from explorer.errors import ClusterError
from explorer.indexing.cluster import worker
from explorer.indexing.cluster import worker_plugin as kits_module
from explorer.indexing.cluster.client import make_kit
from explorer.indexing.cluster.worker import check_fitness, embed_files
from explorer.indexing.cluster.worker_plugin import drop_kit, embed_batch, receive_kit
from explorer.indexing.model import Model
from explorer.indexing.outcomes import Embedded, Known
from explorer.library.scanning import scan_folder

WEIGHTS = untrained_weights()
MODEL = Model(WEIGHTS.name, WEIGHTS.sha256, trained=False, hop_s=1.0, precision="float32")


@pytest.fixture
def kit(tmp_path, make_tone, fresh_db):
    """A kit as it arrives at a worker."""
    make_tone(tmp_path / "music" / "a.flac")
    make_tone(tmp_path / "music" / "b.flac", frequency_hz=99)
    return sent(
        make_kit(tmp_path / "music", database=fresh_db, model=MODEL, weights=WEIGHTS, engine="openvino")
    )


@pytest.fixture(autouse=True)
def no_kits():
    """Leave no kit to the next test."""
    yield
    worker.kits.clear()


def sent(kit, **changes):
    return pickle.loads(pickle.dumps(replace(kit, **changes)))


def run_in_a_thread(coroutine):
    """Run a coroutine; the browser tests' event loop may be running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def receive(kit):
    run_in_a_thread(receive_kit(kit))
    return worker.kits[kit.library]


def test_another_version_of_the_program_is_refused(kit):
    check_fitness(kit)
    with pytest.raises(ClusterError, match="runs another version of this program"):
        check_fitness(sent(kit, program="another"))


def test_weights_networks_and_fingerprints_that_were_changed_on_the_way_are_refused(kit):
    changed = [array.copy() for array in WEIGHTS.arrays]
    changed[7].flat[7] += 1e-6
    for change in (
        {"weights": replace(kit.weights, arrays=tuple(changed))},
        {"network": b"other"},
        {"sounds": b"0" * 16},
    ):
        with pytest.raises(ClusterError, match="has got weights that were changed on the way"):
            check_fitness(sent(kit, **change))


def test_a_processor_without_the_librarys_precision_is_refused(kit, monkeypatch):
    monkeypatch.setattr(worker, "native_precisions", lambda: ("float32",))
    check_fitness(kit)
    with pytest.raises(ClusterError, match="has a processor without bfloat16"):
        check_fitness(sent(kit, model=replace(MODEL, precision="bfloat16")))


def test_a_folder_that_is_not_there_is_refused(kit):
    elsewhere = sent(kit, root=f"{kit.root} elsewhere")
    with pytest.raises(ClusterError, match=r"does not see .* elsewhere"):
        receive(elsewhere)
    # It may also go later.
    receive(kit).root += " elsewhere"
    with pytest.raises(ClusterError, match=r"does not see .* elsewhere"):
        embed_files(kit, [])


def test_a_folder_that_does_not_answer_is_refused(kit, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(kits_module, "CHECKING_S", 0.2)
    monkeypatch.setattr(worker, "is_there", lambda _: release.wait(60))

    async def ask():
        try:
            await receive_kit(kit)
        finally:
            release.set()

    with pytest.raises(ClusterError, match=r"waits in vain for .*/music"):
        run_in_a_thread(ask())
    assert not worker.kits


def test_files_that_are_not_there_are_told_apart_from_those_that_fail(kit, tmp_path):
    (tmp_path / "music" / "c.mp3").write_bytes(b"no music " * 100)
    files = scan_folder(tmp_path / "music").files
    (tmp_path / "music" / "b.flac").unlink()
    answer = embed_files(receive(kit), files)
    assert {outcome.file.text for outcome in answer.outcomes} == {"a.flac", "c.mp3"}
    assert [file.text for file in answer.unseen] == ["b.flac"]


def test_known_sounds_are_not_embedded(kit, tmp_path):
    files = scan_folder(tmp_path / "music").files
    first, second = embed_files(receive(kit), files).outcomes
    assert isinstance(first, Embedded)
    knowing = sent(kit, run="next", sounds=bytes.fromhex(first.song.fingerprint), stop=None)
    knowing.checksum = knowing.content_digest()
    outcomes = {one.file.text: one for one in embed_files(receive(knowing), files).outcomes}
    assert isinstance(outcomes[first.file.text], Known)
    assert isinstance(outcomes[second.file.text], Embedded)


def test_the_engine_is_opened_once_for_all_batches(kit, tmp_path):
    files = scan_folder(tmp_path / "music").files
    kit = receive(kit)
    embed_files(kit, files[:1])
    engine = kit.opened[0]
    embed_files(kit, files[1:])
    assert kit.opened[0] is engine


def test_a_run_that_is_ended_begins_no_batch(kit, tmp_path):
    kit = receive(kit)
    drop_kit(kit.library, "another")
    assert not kit.stop.is_set()
    drop_kit(kit.library, kit.run)
    assert embed_files(kit, scan_folder(tmp_path / "music").files).outcomes == []
    assert embed_batch(kit.library, kit.run, []) is None


def test_the_next_run_ends_one_whose_coordinator_was_killed(kit):
    before = receive(kit)
    # A worker that is sent the same kit again goes on with it.
    assert receive(sent(kit, stop=None)) is before
    assert not before.stop.is_set()
    after = receive(sent(kit, run="next", stop=None))
    assert before.stop.is_set()
    assert not after.stop.is_set()
    assert embed_batch(kit.library, before.run, []) is None
    assert embed_batch(kit.library, "next", []).outcomes == []
