"""An engine for tests of windows: it needs no network, and a window's embedding depends only on its sound."""

from __future__ import annotations

import numpy as np

from explorer.config import Settings
from explorer.embedding.engines import Engine
from explorer.embedding.frontend import log_mel
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from tests.support import RecordingReporter

REQUEST = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=0.5, precision="float32")


def embed(inputs: np.ndarray) -> np.ndarray:
    """Return the mean and the deviation of each band [shape=(n, 512), float32]."""
    bands = np.asarray(inputs).reshape(len(inputs), 256, -1)
    return np.concatenate([bands.mean(axis=2) + 100, bands.std(axis=2)], axis=1).astype(np.float32)


def use_fast_engine(monkeypatch, infer=embed) -> None:
    """Let index runs embed without a network."""
    engine = Engine(
        infer, name="openvino", precision="float32", batch_size=8, front_end=log_mel, calls_at_once=1
    )

    def choose(run):
        run.database.claim_model(run.model.record())
        return engine

    monkeypatch.setattr("explorer.indexing.indexer.choose_engine", choose)


def index(database, folder, **options):
    """Index a folder; return the summary and what was said."""
    reporter = RecordingReporter()
    summary = index_folder(IndexRun(database, folder, request=REQUEST, reporter=reporter, **options))
    return summary, "\n".join(reporter.said)
