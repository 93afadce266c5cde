"""How many batches the network works on at once."""

import threading

import numpy as np
import pytest
import soundfile

from explorer.embedding.engines import Engine
from explorer.errors import EmbeddingError
from explorer.indexing.local import embed_locally
from explorer.indexing.model import Model
from explorer.indexing.outcomes import Embedded
from explorer.library.scan_rules import ScanOptions
from explorer.library.scanning import scan_folder

TIMEOUT_S = 60


@pytest.fixture
def embed(tmp_path):
    """Embed a song of 8 batches, with a function instead of the network; return the outcome."""
    soundfile.write(tmp_path / "song.wav", np.random.RandomState(0).uniform(-0.1, 0.1, 7 * 48_000), 48_000)

    def embed(infer, *, calls_at_once):
        engine = Engine(
            infer,
            name="openvino",
            precision="float32",
            batch_size=1,
            front_end=lambda windows: np.zeros((len(windows), 256, 199, 1), np.float32),
            calls_at_once=calls_at_once,
        )
        files = scan_folder(tmp_path, root=tmp_path, options=ScanOptions()).files
        model = Model("untrained", "0", False, 1.0, "float32")
        arguments = {"model": model, "engine": engine, "known": set(), "stop": threading.Event()}
        [[outcome]] = embed_locally(tmp_path, files, **arguments)
        return outcome

    return embed


def test_the_next_batch_begins_before_a_batch_ends(embed):
    both = threading.Barrier(2)

    def wait_for_another_call(inputs):
        try:
            both.wait(TIMEOUT_S)
        except threading.BrokenBarrierError:
            raise EmbeddingError("No other batch was begun.") from None
        return np.zeros((len(inputs), 512), np.float32)

    outcome = embed(wait_for_another_call, calls_at_once=2)
    assert isinstance(outcome, Embedded), outcome


def test_an_engine_for_one_call_at_a_time_gets_one(embed):
    running = threading.Lock()

    def refuse_another_call(inputs):
        if not running.acquire(blocking=False):
            raise EmbeddingError("Two batches run at once.")
        try:
            threading.Event().wait(0.02)
            return np.zeros((len(inputs), 512), np.float32)
        finally:
            running.release()

    outcome = embed(refuse_another_call, calls_at_once=1)
    assert isinstance(outcome, Embedded), outcome
