"""Embeds files on this machine: decoding ahead in threads and processes, the network in a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.embedding.engines import Engine
from explorer.embedding.pooling import RunningPool
from explorer.embedding.typical_window import SpreadWindows
from explorer.errors import ExplorerError
from explorer.indexing.batches import Batch, Decoded, Ending, Undecoded
from explorer.indexing.decode_ahead import Producer, decoding_threads
from explorer.indexing.make_previews import choose_start
from explorer.indexing.outcomes import Embedded, Failed, Outcome
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath


def embed_here(
    root: Path | RemotePath,
    files: list[ScannedFile],
    *,
    engine: Engine,
    hop_s: float,
    pooling: str,
    known: Container[str],
    stop: threading.Event,
) -> Iterator[Outcome]:
    """Embed files; yield each one's outcome as soon as it is there.

    A thread runs the network on the next batch while the caller stores what the last one brought.

    Parameters
    ----------
    root : Path or RemotePath
        What the files' paths are relative to.
    known : container of str
        Files with one of these fingerprints, of bytes or of sound, need no embedding.
    stop : threading.Event
        Once it is set no other file is begun, and those in hand are finished.
    """
    producer = Producer(
        root,
        files,
        prepare=engine.prepare,
        hop_s=hop_s,
        batch_size=engine.batch_size,
        known=known,
        threads=decoding_threads(),
    )
    songs = _Songs(hop_s=hop_s, pooling=pooling)
    with ThreadPoolExecutor(1, "network") as network, closing(producer.batches()) as batches:
        before: tuple[Batch, Future] | None = None
        for batch in batches:
            running = network.submit(_embed_parts, engine.embed, batch)
            if before:
                yield from songs.take(before[0], before[1].result())
            before = batch, running
            if stop.is_set():
                producer.finish()
        if before:
            yield from songs.take(before[0], before[1].result())


def _embed_parts(embed: Callable[[np.ndarray], np.ndarray], batch: Batch) -> list[np.ndarray | ExplorerError]:
    """Return the embeddings of each part of a batch, or why it has none."""
    if batch.inputs is None:
        return []
    try:
        frames = embed(batch.inputs)
    except ExplorerError:
        # One song's windows must not cost the others that share its batch.
        return [_embed_alone(embed, batch.inputs[start:stop]) for _, start, stop in batch.parts]
    return [frames[start:stop] for _, start, stop in batch.parts]


def _embed_alone(embed: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray) -> np.ndarray | ExplorerError:
    try:
        return embed(inputs)
    except ExplorerError as error:
        return error


class _Songs:
    """Songs whose windows are coming in: their pools, the windows that are kept, and their problems."""

    def __init__(self, *, hop_s: float, pooling: str) -> None:
        self._hop_s = hop_s
        self._pooling = pooling
        self._pools: dict[int, RunningPool] = {}
        self._windows: dict[int, SpreadWindows] = {}
        self._problems: dict[int, str] = {}

    def take(self, batch: Batch, parts: list[np.ndarray | ExplorerError]) -> Iterator[Outcome]:
        """Take in a batch's embeddings, and yield the outcomes of the songs that end with it."""
        for (number, _, _), frames in zip(batch.parts, parts, strict=True):
            if isinstance(frames, ExplorerError):
                self._problems[number] = str(frames)
            else:
                self._pools.setdefault(number, RunningPool(method=self._pooling)).add(frames)
                self._windows.setdefault(number, SpreadWindows()).add(frames)
        for ending in batch.endings:
            yield self._outcome(ending)
            for kept in (self._pools, self._windows, self._problems):
                kept.pop(ending.number, None)

    def _outcome(self, ending: Ending) -> Outcome:
        if isinstance(ending, Undecoded):
            return ending.outcome
        if ending.number in self._problems:
            return Failed(ending.song.file, self._problems[ending.number])
        return self._embedded(ending)

    def _embedded(self, ending: Decoded) -> Embedded:
        vector = self._pools[ending.number].vector()
        start_s = choose_start(
            *self._windows[ending.number].windows(),
            vector,
            levels_db=ending.levels_db,
            hop_s=self._hop_s,
            duration_s=ending.song.duration_s,
        )
        return Embedded(replace(ending.song, preview_start_s=start_s), vector)
