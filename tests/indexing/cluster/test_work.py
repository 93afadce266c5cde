"""What a worker refuses, and what it does with a batch, without a cluster."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from explorer.embedding.weights import find_weights_here, untrained_weights, write_h5
from explorer.errors import ClusterError, WeightsError
from explorer.indexing.cluster import work
from explorer.indexing.cluster.kit import Kit, PackedWeights, Recipe, program_digest
from explorer.indexing.cluster.work import check_fitness, embed_files, pack_weights, unpack_weights
from explorer.indexing.outcomes import Embedded, Known
from explorer.library.scanning import scan_folder


@pytest.fixture
def kit(tmp_path, make_tone):
    make_tone(tmp_path / "music" / "a.flac")
    make_tone(tmp_path / "music" / "b.flac", frequency_hz=99)
    weights = pack_weights(untrained_weights())
    recipe = Recipe(program_digest(), "openvino", "float32", 1.0, "max", weights)
    kit = Kit(name="kit", run="1", root=str(tmp_path / "music"), recipe=recipe, sounds=b"")
    kit.setup(None)
    return kit


@pytest.fixture(scope="module")
def file_weights(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.h5"
    write_h5(path, [array + 0.001 for array in untrained_weights().arrays])
    return find_weights_here(path, models_dir=path.parent)


def test_weights_arrive_as_they_were(file_weights):
    arrived = unpack_weights(pack_weights(file_weights))
    assert (arrived.sha256, arrived.name, arrived.trained) == (file_weights.sha256, "mine.h5", True)
    for mine, theirs in zip(arrived.arrays, file_weights.arrays, strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_weights_that_were_changed_on_the_way_are_refused(file_weights):
    packed = pack_weights(file_weights)
    changed = bytearray(packed.content)
    changed[len(changed) // 2] ^= 1
    with pytest.raises((ClusterError, WeightsError)):
        unpack_weights(replace(packed, content=bytes(changed)))
    with pytest.raises(ClusterError, match="has got weights of the SHA-256"):
        unpack_weights(replace(packed, sha256="0" * 64))


def test_untrained_weights_are_made_anew_and_checked():
    packed = pack_weights(untrained_weights())
    assert packed.content == b""
    assert unpack_weights(packed).sha256 == packed.sha256
    with pytest.raises(ClusterError, match="its NumPy is another"):
        unpack_weights(PackedWeights("0" * 64))


def test_another_version_of_the_program_is_refused(kit):
    check_fitness(kit)
    kit.recipe = replace(kit.recipe, program="another")
    with pytest.raises(ClusterError, match="runs another version of this program"):
        check_fitness(kit)


def test_a_processor_without_the_librarys_precision_is_refused(kit, monkeypatch):
    monkeypatch.setattr(work, "native_precisions", lambda: ("float32",))
    check_fitness(kit)
    kit.recipe = replace(kit.recipe, precision="bfloat16")
    with pytest.raises(ClusterError, match="has a processor without bfloat16"):
        check_fitness(kit)


def test_a_folder_that_is_not_there_is_refused(kit):
    kit.root += " elsewhere"
    with pytest.raises(ClusterError, match=r"does not see .* elsewhere"):
        check_fitness(kit)
    with pytest.raises(ClusterError, match=r"does not see .* elsewhere"):
        embed_files(kit, [], threading.Event())


def test_files_that_are_not_there_are_told_apart_from_those_that_fail(kit, tmp_path):
    (tmp_path / "music" / "c.mp3").write_bytes(b"no music " * 100)
    files = scan_folder(tmp_path / "music").files
    (tmp_path / "music" / "b.flac").unlink()
    answer = embed_files(kit, files, threading.Event())
    assert {outcome.file.text for outcome in answer.outcomes} == {"a.flac", "c.mp3"}
    assert [file.text for file in answer.unseen] == ["b.flac"]


def test_known_sounds_are_not_embedded(kit, tmp_path):
    files = scan_folder(tmp_path / "music").files
    first, second = embed_files(kit, files, threading.Event()).outcomes
    assert isinstance(first, Embedded)
    kit.known |= {first.song.fingerprint}
    outcomes = {one.file.text: one for one in embed_files(kit, files, threading.Event()).outcomes}
    assert isinstance(outcomes[first.file.text], Known)
    assert isinstance(outcomes[second.file.text], Embedded)


def test_a_batch_that_nobody_waits_for_is_not_begun(kit, tmp_path):
    stop = kit.begin("batch")
    kit.transition("another", "executing", "cancelled")
    assert not stop.is_set()
    kit.transition("batch", "executing", "cancelled")
    assert embed_files(kit, scan_folder(tmp_path / "music").files, stop).outcomes == []


def test_a_run_that_is_ended_begins_no_batch(kit):
    running = kit.begin("running")
    kit.finish()
    assert running.is_set()
    assert kit.begin("next").is_set()
