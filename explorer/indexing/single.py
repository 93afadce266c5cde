"""Embeds one file, without a library."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.audio.decoding import open_audio
from explorer.embedding.frontend import SAMPLE_RATE_HZ, timestamps, windows
from explorer.embedding.pooling import pool
from explorer.errors import AudioError
from explorer.indexing.model import ModelRequest, load_engine, settle_model
from explorer.progress import Reporter


def embed_to_npz(file: Path, out: Path, *, request: ModelRequest, reporter: Reporter) -> dict:
    """Write a file's `embedding` (T, 512), `timestamps` (T,) and `pooled` (512,) to an .npz.

    Returns
    -------
    dict
        `out`, `windows`, `duration_s`, `seconds` of work and the model.

    Raises
    ------
    AudioError, EmbeddingError
        If the file cannot be decoded or embedded, or the .npz cannot be written.
    """
    stream = open_audio(file)
    # One song has no neighbours to measure a faster precision by.
    request = replace(request, precision=request.precision or "float32")
    model, weights = settle_model(None, request, reporter=reporter)
    engine = load_engine(model, weights, request)
    started = time.monotonic()
    blocks = stream.mono(sample_rate_hz=SAMPLE_RATE_HZ)
    frames = [
        engine.embed(engine.prepare(batch))
        for batch in windows(blocks, hop_s=model.hop_s, batch_size=engine.batch_size)
    ]
    embedding = np.concatenate(frames)
    arrays = {
        "embedding": embedding,
        "timestamps": timestamps(len(embedding), hop_s=model.hop_s),
        "pooled": pool(embedding, method=model.pooling),
    }
    try:
        with out.open("wb") as target:
            np.savez(target, **arrays)
    except OSError as error:
        raise AudioError(f"{out} cannot be written: {error.strerror}.") from error
    return {
        "out": str(out),
        "windows": len(embedding),
        "duration_s": round(stream.duration_s, 3),
        "seconds": round(time.monotonic() - started, 3),
        "model": model.record(),
    }
