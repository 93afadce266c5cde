"""Embeds one file: for its own sake, or so that it can stand beside a library's songs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mutagen
import numpy as np

from explorer.audio.decoding import AudioStream, open_audio
from explorer.embedding.engines import Engine
from explorer.embedding.frontend import SAMPLE_RATE_HZ, timestamps, windows
from explorer.embedding.pooling import pool
from explorer.errors import AudioError, LibraryError
from explorer.indexing.model import Model, ModelRequest, load_engine, settle_model
from explorer.indexing.previewing import choose_start, window_levels
from explorer.library.database import Database
from explorer.progress import Reporter


def embed_to_npz(file: Path, out: Path, *, request: ModelRequest, reporter: Reporter) -> dict:
    """Write a file's `embedding` (T, 512), `timestamps` (T,) and `pooled` (512,) to an .npz.

    Returns
    -------
    dict
        `out`, `format`, `windows`, `duration_s`, `preview_start_s`, `seconds` of work and the `model`.

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
    return _embed(stream, out, model, engine, reporter)


def embed_like_library(
    file: Path, out: Path, *, database: Path, request: ModelRequest, reporter: Reporter
) -> dict:
    """Do as `embed_to_npz` does with a library's own model: its vectors and this one can be compared.

    Returns
    -------
    dict
        As `embed_to_npz` does.

    Raises
    ------
    LibraryError
        If there is no library, it has no model yet, or another model is asked for.
    AudioError, EmbeddingError
        If the file cannot be decoded or embedded, the model cannot run here, or the .npz cannot be
        written.
    """
    stream = open_audio(file)
    with Database.open_readonly(database) as library:
        recorded, network = library.model(), library.network()
    if recorded is None:
        raise LibraryError(f"{database} holds no song yet: run `python run.py index FOLDER` first.")
    model, weights = settle_model(recorded, request, reporter=reporter)
    if model.precision == "int8" and network is None:
        raise LibraryError(f"{database} has lost its int8 network: run `python run.py index` again.")
    engine = load_engine(model, weights, request, network=network if model.precision == "int8" else None)
    return _embed(stream, out, model, engine, reporter)


def _embed(stream: AudioStream, out: Path, model: Model, engine: Engine, reporter: Reporter) -> dict:
    started = time.monotonic()
    levels: list[np.ndarray] = []
    with reporter.working(f"Embedding {stream.path.name}") as tell:
        embedding = np.concatenate(list(_frames(stream, model, engine, levels, tell)))
    pooled = pool(embedding, method=model.pooling)
    preview_start_s = choose_start(
        np.arange(len(embedding)),
        embedding,
        pooled,
        levels_db=np.concatenate(levels),
        hop_s=model.hop_s,
        duration_s=stream.duration_s,
    )
    arrays = {
        "embedding": embedding,
        "timestamps": timestamps(len(embedding), hop_s=model.hop_s),
        "pooled": pooled,
    }
    try:
        with out.open("wb") as target:
            np.savez(target, **arrays)
    except OSError as error:
        raise AudioError(f"{out} cannot be written: {error.strerror}.") from error
    return {
        "out": str(out),
        "format": stream.format,
        "windows": len(embedding),
        "duration_s": stream.duration_s,
        "preview_start_s": preview_start_s,
        "seconds": round(time.monotonic() - started, 3),
        "model": model.record(),
    }


def _frames(
    stream: AudioStream,
    model: Model,
    engine: Engine,
    levels: list[np.ndarray],
    tell: Callable[[float], None],
) -> Iterator[np.ndarray]:
    """Embed batch after batch, and note how loud each window is."""
    expected_s = _claimed_length(stream.path)
    blocks = stream.mono(sample_rate_hz=SAMPLE_RATE_HZ)
    for batch in windows(blocks, hop_s=model.hop_s, batch_size=engine.batch_size):
        levels.append(window_levels(batch))
        yield engine.embed(engine.prepare(batch))
        if expected_s > 0:
            tell(min(1.0, stream.duration_s / expected_s))


def _claimed_length(path: Path) -> float:
    """Return how many seconds a file says that it is long: good enough for a bar of progress."""
    try:
        return float(mutagen.File(path).info.length)
    except Exception:
        # Damaged tags raise whatever the parser stumbles over, and the sound may be whole.
        return 0.0
