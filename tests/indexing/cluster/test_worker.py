"""The setups that a worker refuses, and its batches, without a cluster."""

import asyncio
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from explorer.embedding.model_weights import untrained_weights
from explorer.embedding.song_windows import RawWindows, fit_basis
from explorer.errors import ClusterError
from explorer.indexing.cluster import worker, worker_plugin
from explorer.indexing.cluster.client import make_setup
from explorer.indexing.cluster.worker import check_setup, embed_files
from explorer.indexing.cluster.worker_plugin import drop_setup, embed_batch, receive_setup
from explorer.indexing.model import Model
from explorer.indexing.outcomes import Embedded, Known, Tracks
from explorer.library.scanning import scan_folder

WEIGHTS = untrained_weights()
MODEL = Model(WEIGHTS.name, WEIGHTS.sha256, trained=False, hop_s=1.0, precision="float32")


@pytest.fixture
def setup(tmp_path, make_tone, fresh_db):
    """A setup as it arrives at a worker."""
    make_tone(tmp_path / "music" / "a.flac")
    make_tone(tmp_path / "music" / "b.flac", frequency_hz=99)
    return sent(
        make_setup(tmp_path / "music", database=fresh_db, model=MODEL, weights=WEIGHTS, engine="openvino")
    )


@pytest.fixture(autouse=True)
def no_setups():
    """Delete the setups after each test."""
    yield
    worker.setups.clear()


def sent(setup, **changes):
    return pickle.loads(pickle.dumps(replace(setup, **changes)))


def run_in_a_thread(coroutine):
    """Run a coroutine; the browser tests' event loop may be running in this thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def receive(setup):
    run_in_a_thread(receive_setup(setup))
    return worker.setups[setup.library]


def test_another_version_of_the_program_is_refused(setup):
    check_setup(setup)
    with pytest.raises(ClusterError, match="runs another version of this program"):
        check_setup(sent(setup, program="another"))


def test_a_setup_that_was_damaged_in_transfer_is_refused(setup):
    changed = [array.copy() for array in WEIGHTS.arrays]
    changed[7].flat[7] += 1e-6
    for change in (
        {"weights": replace(setup.weights, arrays=tuple(changed))},
        {"network": b"other"},
        {"known": b"0" * 16},
    ):
        with pytest.raises(ClusterError, match="received damaged data"):
            check_setup(sent(setup, **change))


def test_a_processor_without_the_precision_of_the_library_is_refused(setup, monkeypatch):
    monkeypatch.setattr(worker, "native_precisions", lambda: ("float32",))
    check_setup(setup)
    with pytest.raises(ClusterError, match="has a processor without bfloat16"):
        check_setup(sent(setup, model=replace(MODEL, precision="bfloat16")))


def test_a_missing_folder_is_refused(setup):
    elsewhere = sent(setup, root=f"{setup.root} elsewhere")
    with pytest.raises(ClusterError, match=r"does not see .* elsewhere"):
        receive(elsewhere)
    # It may also go later.
    receive(setup).root += " elsewhere"
    with pytest.raises(ClusterError, match=r"does not see .* elsewhere"):
        embed_files(setup, [])


def test_a_folder_that_does_not_answer_is_refused(setup, monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(worker_plugin, "CHECK_TIMEOUT_S", 0.2)
    monkeypatch.setattr(worker, "file_exists", lambda _: release.wait(60))

    async def ask():
        try:
            await receive_setup(setup)
        finally:
            release.set()

    with pytest.raises(ClusterError, match=r"gets no answer from .*/music"):
        run_in_a_thread(ask())
    assert not worker.setups


def test_missing_files_are_listed_apart_from_failures(setup, tmp_path):
    (tmp_path / "music" / "c.mp3").write_bytes(b"no music " * 100)
    files = scan_folder(tmp_path / "music").files
    (tmp_path / "music" / "b.flac").unlink()
    answer = embed_files(receive(setup), files)
    assert {outcome.file.text for outcome in answer.outcomes} == {"a.flac", "c.mp3"}
    assert [file.text for file in answer.missing] == ["b.flac"]


def test_known_sounds_are_not_embedded(setup, tmp_path):
    files = scan_folder(tmp_path / "music").files
    first, second = embed_files(receive(setup), files).outcomes
    assert isinstance(first, Embedded)
    knowing = sent(setup, run="next", known=bytes.fromhex(first.song.fingerprint), stop=None)
    knowing.checksum = knowing.content_digest()
    outcomes = {outcome.file.text: outcome for outcome in embed_files(receive(knowing), files).outcomes}
    assert isinstance(outcomes[first.file.text], Known)
    assert isinstance(outcomes[second.file.text], Embedded)


def test_a_file_with_a_cue_sheet_has_one_outcome_for_all_its_tracks(setup, tmp_path, make_tone):
    make_tone(tmp_path / "music" / "album.flac", seconds=4.0)
    tracks = "".join(f"TRACK {n} AUDIO\nINDEX 01 00:0{n}:00\n" for n in (1, 2))
    (tmp_path / "music" / "album.cue").write_text(f'FILE "album.wav" WAVE\n{tracks}')
    answer = embed_files(receive(setup), scan_folder(tmp_path / "music").files)
    outcomes = {outcome.file.text: outcome for outcome in pickle.loads(pickle.dumps(answer)).outcomes}
    assert outcomes.keys() == {"a.flac", "album.flac", "b.flac"}
    assert isinstance(outcomes["album.flac"], Tracks)
    assert [song.part.track for song in outcomes["album.flac"].songs] == [1, 2]


def test_the_engine_is_opened_once_for_all_batches(setup, tmp_path):
    files = scan_folder(tmp_path / "music").files
    setup = receive(setup)
    embed_files(setup, files[:1])
    engine = setup.opened[0]
    embed_files(setup, files[1:])
    assert setup.opened[0] is engine


def test_after_the_setup_is_dropped_no_batch_is_embedded(setup, tmp_path):
    setup = receive(setup)
    drop_setup(setup.library, "another")
    assert not setup.stop.is_set()
    drop_setup(setup.library, setup.run)
    assert embed_files(setup, scan_folder(tmp_path / "music").files).outcomes == []
    assert embed_batch(setup.library, setup.run, []) is None


def test_the_next_run_stops_the_run_of_a_killed_program(setup):
    before = receive(setup)
    # A worker that is sent the same setup again goes on with it.
    assert receive(sent(setup, stop=None)) is before
    assert not before.stop.is_set()
    after = receive(sent(setup, run="next", stop=None))
    assert before.stop.is_set()
    assert not after.stop.is_set()
    assert embed_batch(setup.library, before.run, []) is None
    assert embed_batch(setup.library, "next", []).outcomes == []


def test_windows_are_sent_raw_until_the_library_has_a_basis(setup, tmp_path):
    setup = receive(sent(setup, keeps_windows=True))
    files = list(scan_folder(tmp_path / "music"))
    raw = [outcome.windows for outcome in sent_back(embed_batch(setup.library, setup.run, files)).outcomes]
    assert [(type(windows), windows.frames.dtype) for windows in raw] == 2 * [(RawWindows, np.float16)]
    basis = fit_basis(np.concatenate([windows.frames for windows in raw]))
    result = sent_back(embed_batch(setup.library, setup.run, files, basis))
    for outcome, windows in zip(result.outcomes, raw, strict=True):
        np.testing.assert_array_equal(outcome.windows.codes, basis.encode(windows).codes)


def test_no_windows_are_sent_if_none_are_kept(setup, tmp_path):
    setup = receive(setup)
    result = embed_batch(setup.library, setup.run, list(scan_folder(tmp_path / "music")))
    assert [outcome.windows for outcome in result.outcomes] == [None, None]


def sent_back(result):
    return pickle.loads(pickle.dumps(result))
