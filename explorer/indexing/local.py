"""Embeds files on this machine: threads decode ahead, and others run the network."""

from __future__ import annotations

import threading
from collections.abc import Callable, Container, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.embedding.engines import Engine
from explorer.embedding.pooling import RunningPool
from explorer.embedding.typical_window import EvenlySpacedWindows
from explorer.errors import ExplorerError
from explorer.indexing.batches import Batch, Decoded, Discarded, Ending, EndOfTracks, Undecoded
from explorer.indexing.decode_ahead import DecodeAhead, decoding_threads
from explorer.indexing.make_previews import choose_start
from explorer.indexing.model import Model
from explorer.indexing.outcomes import Embedded, Failed, Outcome, Tracks
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath


def embed_locally(
    root: Path | RemotePath,
    files: Iterable[ScannedFile],
    *,
    model: Model,
    engine: Engine,
    known: Container[str],
    stop: threading.Event,
    video: bool = True,
) -> Iterator[list[Outcome]]:
    """Embed files, and yield a list with one outcome as soon as a file is complete.

    The network runs on one batch while the caller stores the songs of the batch before. If the engine can
    run two batches at once, it begins the next batch before this one ends.

    Parameters
    ----------
    root : Path or RemotePath
        The folder that the files' paths are relative to.
    files : iterable of ScannedFile
        As `DecodeAhead` takes them.
    known : container of str
        Fingerprints of bytes and of sounds. A file that has one of them is not embedded: its outcome is
        `Known`.
    stop : threading.Event
        After it is set, files that were begun are finished, and no other file is begun.
    video : bool
        Whether files may hold moving pictures; otherwise, such a file fails.
    """
    decode_ahead = DecodeAhead(
        root,
        files,
        prepare=engine.prepare,
        hop_s=model.hop_s,
        batch_size=engine.batch_size,
        known=known,
        threads=decoding_threads(),
        # The published package averages the channels, and its engine is the reference.
        rescue_cancelled=engine.name != "openl3",
        video=video,
    )
    yield from embed_decoded(decode_ahead, model=model, engine=engine, stop=stop)


def embed_decoded(
    decode_ahead: DecodeAhead, *, model: Model, engine: Engine, stop: threading.Event
) -> Iterator[list[Outcome]]:
    """Embed the batches of a `DecodeAhead`: see `embed_locally`."""
    songs = _UnfinishedSongs(model)
    with (
        ThreadPoolExecutor(min(2, engine.calls_at_once), "network") as network,
        closing(decode_ahead.batches()) as batches,
    ):
        previous: tuple[Batch, Future] | None = None
        for batch in batches:
            running = network.submit(_embed_batch, engine.embed, batch)
            if previous:
                yield from songs.add(previous[0], previous[1].result())
            previous = batch, running
            if stop.is_set():
                decode_ahead.finish()
        if previous:
            yield from songs.add(previous[0], previous[1].result())


def _embed_batch(embed: Callable[[np.ndarray], np.ndarray], batch: Batch) -> list[np.ndarray | ExplorerError]:
    """Return one item for each part of a batch: its embeddings, or its error."""
    if batch.inputs is None:
        return []
    try:
        frames = embed(batch.inputs)
    except ExplorerError:
        # Embed each part alone: one song's bad windows must not fail the others in the batch.
        return [_embed_part(embed, batch.inputs[start:stop]) for _, start, stop in batch.parts]
    return [frames[start:stop] for _, start, stop in batch.parts]


def _embed_part(embed: Callable[[np.ndarray], np.ndarray], inputs: np.ndarray) -> np.ndarray | ExplorerError:
    try:
        return embed(inputs)
    except ExplorerError as error:
        return error


class _UnfinishedSongs:
    """Collects the embeddings of songs, by number, until each song is complete."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._pools: dict[int, RunningPool] = {}
        self._windows: dict[int, EvenlySpacedWindows] = {}
        self._problems: dict[int, str] = {}
        self._tracks: dict[int, list[Embedded | Failed]] = {}
        """The outcomes of the tracks of files that have not ended, by the file's number."""

    def add(self, batch: Batch, parts: list[np.ndarray | ExplorerError]) -> Iterator[list[Outcome]]:
        """Add the embeddings of a batch's parts, and yield the outcome of each song that ends with it."""
        for (number, _, _), frames in zip(batch.parts, parts, strict=True):
            if isinstance(frames, ExplorerError):
                self._problems[number] = str(frames)
            else:
                self._pools.setdefault(number, RunningPool(method=self._model.pooling)).add(frames)
                self._windows.setdefault(number, EvenlySpacedWindows()).add(frames)
        for ending in batch.endings:
            if isinstance(ending, Decoded) and ending.of_file is not None:
                self._tracks.setdefault(ending.of_file, []).append(self._outcome(ending))
            elif not isinstance(ending, Discarded):
                yield [self._outcome(ending)]
                # A file whose cue sheet does not fit its sound had tracks, but is one song.
                self._tracks.pop(ending.number, None)
            for by_number in (self._pools, self._windows, self._problems):
                by_number.pop(ending.number, None)

    def _outcome(self, ending: Ending) -> Outcome:
        if isinstance(ending, Undecoded):
            return ending.outcome
        if isinstance(ending, EndOfTracks):
            return Tracks(ending.file, (*ending.known, *self._tracks.get(ending.number, ())))
        if ending.number in self._problems:
            return Failed(ending.song.file, self._problems[ending.number])
        vector = self._pools[ending.number].vector()
        if ending.levels_db is None:  # Of a few windows: the preview start is chosen from all windows.
            return Embedded(ending.song, vector)
        start_s = choose_start(
            *self._windows[ending.number].windows(),
            vector,
            levels_db=ending.levels_db,
            hop_s=self._model.hop_s,
            duration_s=ending.song.duration_s,
        )
        return Embedded(replace(ending.song, preview_start_s=start_s), vector, features=ending.features)
