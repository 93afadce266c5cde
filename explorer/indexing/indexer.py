"""Runs the embedding over a folder, so that it can be killed at any moment and go on.

Threads decode, resample and make log-mels ahead of the network, which runs on full batches in another;
the caller's thread alone writes songs.db, a song a transaction. What is stored is whole; what is not is
done again by the next run. Previews are made beside all that, of songs that are stored already.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from explorer.embedding.pooling import RunningPool
from explorer.embedding.representative import SpreadWindows
from explorer.embedding.weights import Weights
from explorer.errors import ExplorerError
from explorer.failures import FailureLog
from explorer.indexing.genres import as_choice, bring_in_line, settle_genres, tell_unknown
from explorer.indexing.model import Model, ModelRequest, settle_model
from explorer.indexing.packing import Batch, Copy, Decoded, Ending, Failure
from explorer.indexing.precision import settle_precision
from explorer.indexing.previewing import PreviewMaker, choose_start
from explorer.indexing.producer import Producer, decoding_threads
from explorer.library.database import Database
from explorer.library.genres import GenreSource, open_genre_source
from explorer.library.records import ScannedFile, Song
from explorer.library.runs import Run
from explorer.library.scanning import scan_folder
from explorer.progress import Reporter

STOPPING = "Stopping after the song in hand; Ctrl-C again stops at once."
SHOWN_PROBLEMS = 10


@dataclass
class Summary:
    """What an index run did."""

    indexed: int = 0
    skipped: int = 0
    """Known and unchanged, be it as songs or as failures."""
    failed: int = 0
    failed_before: int = 0
    """Of the skipped: those that failed in an earlier run, and have not changed since."""
    seconds: float = 0.0
    audio_seconds: float = 0.0
    copied: int = 0
    """Of the indexed: those whose bytes were known already, and their vector with them."""
    previews: int = 0
    """Made by this run; for songs, too, that were known and had none."""
    genres_changed: int = 0
    """Known songs that have other genres now, because they are taken from elsewhere."""
    interrupted: bool = False
    failures: list[tuple[str, str]] = field(default_factory=list)


def index_folder(
    database: Database,
    folder: Path,
    *,
    request: ModelRequest,
    reporter: Reporter,
    limit: int | None = None,
    retry: bool = False,
    replace: bool = False,
    previews: Path | None = None,
    genre_from: str | None = None,
    log: FailureLog | None = None,
) -> Summary:
    """Embed what is new or changed in a folder, and store it.

    Parameters
    ----------
    request : ModelRequest
        What the user asked for; what they left open follows the library's own model.
    limit : int, optional
        Embed at most so many songs.
    retry : bool
        Try files again that failed before and have not changed since.
    replace : bool
        Empty the library first, as soon as the folder and the weights are known to be there.
    previews : Path, optional
        Where a preview of each song is made, new or known; None for making none. Where they would
        begin is stored in any case.
    genre_from : str, optional
        `auto`, `tags`, `folder` or a table's path: where genres come from, from now on, those of known songs
        too. None for what was chosen for the folder before, else `auto`.
    log : FailureLog, optional
        What each failure is added to, beside the library.

    Raises
    ------
    LibraryError
        If the folder does not exist, or the library was made with another model.
    WeightsError
        If the weights cannot be had.
    """
    started = time.monotonic()
    folder = folder.expanduser().resolve()
    files = list(scan_folder(folder))
    model, weights = settle_model(None if replace else database.model(), request, reporter=reporter)
    if not files:
        reporter.say(f"{folder} holds no audio files.")
    if genre_from is not None:
        # A table that cannot be read must be known of before anything is forgotten.
        open_genre_source(as_choice(genre_from), paths=[file.path for file in files])
    if replace:
        database.forget_everything()
    elif request.reindex:
        database.forget_vectors()
    summary = Summary()
    root_id, root = database.settle_root(folder)
    prefix = folder.relative_to(root)
    files = [file.under(prefix) for file in files]
    source = settle_genres(database, root_id, files, genre_from, reporter=reporter)
    if genre_from is not None:
        summary.genres_changed = bring_in_line(database, root, root_id, files, source, reporter=reporter)
    todo = _choose(files, database, root_id, summary, retry=retry)[:limit]
    with closing(PreviewMaker(previews, root)) if previews else nullcontext() as maker:
        if todo:
            _embed(
                database,
                root,
                root_id,
                todo,
                model,
                weights,
                request=request,
                reporter=reporter,
                summary=summary,
                previews=maker,
                source=source,
                log=log,
            )
        summary.seconds = time.monotonic() - started
        if genre_from is not None:
            tell_unknown(source, reporter)
        if todo:
            _remember(database, summary)
        if maker and not summary.interrupted:
            _finish_previews(maker, database, root_id, files, summary, reporter)
    return summary


def _remember(database: Database, summary: Summary) -> None:
    began = datetime.now(UTC) - timedelta(seconds=summary.seconds)
    database.store_run(
        Run(
            began.isoformat(timespec="seconds"),
            summary.seconds,
            summary.indexed,
            summary.copied,
            summary.failed,
            summary.audio_seconds,
        )
    )


def _embed(
    database: Database,
    root: Path,
    root_id: int,
    todo: list[ScannedFile],
    model: Model,
    weights: Weights,
    *,
    request: ModelRequest,
    reporter: Reporter,
    summary: Summary,
    previews: PreviewMaker | None,
    source: GenreSource,
    log: FailureLog | None,
) -> None:
    """Embed files and store their songs."""
    engine = settle_precision(database, model, weights, request, root=root, files=todo, reporter=reporter)
    changing = {(root_id, file.path) for file in todo}
    producer = Producer(
        root,
        todo,
        prepare=engine.prepare,
        hop_s=model.hop_s,
        batch_size=engine.batch_size,
        fingerprints=database.fingerprints(excluding=changing),
        genres=source.genres,
        threads=decoding_threads(),
    )
    with reporter.counting("Indexing", total=len(todo)) as counter:
        consumer = _Consumer(database, root_id, engine.embed, model, summary, counter.advance, previews)
        if log:
            consumer.failed = lambda file, reason: log.add(root / file.native, reason)
        with (
            stopping_gently(reporter) as stop,
            closing(producer.batches()) as batches,
            closing(consumer.consume(batches)) as stored,
        ):
            for songs_ended in stored:
                if songs_ended and stop.is_set():
                    summary.interrupted = True
                    break


def _finish_previews(
    maker: PreviewMaker,
    database: Database,
    root_id: int,
    files: list[ScannedFile],
    summary: Summary,
    reporter: Reporter,
) -> None:
    """Wait for the new songs' previews, and make those that known songs lack."""
    present = {file.path: file for file in files}
    for path, key, start_s in database.preview_starts(root_id):
        if path in present:
            maker.add(present[path].native, key, start_s)
    if maker.waiting:
        said = "No more previews are made now; the page makes those that it needs."
        with (
            reporter.counting("Previews", total=maker.waiting) as counter,
            stopping_gently(reporter, said) as stop,
        ):
            maker.finish(counter.advance, stop)
    maker.close()
    summary.previews = maker.made
    for problem in maker.problems[:SHOWN_PROBLEMS]:
        reporter.say(f"No preview: {problem}")
    if len(maker.problems) > SHOWN_PROBLEMS:
        reporter.say(f"No preview of {len(maker.problems) - SHOWN_PROBLEMS:,} more songs either.")


@contextmanager
def stopping_gently(reporter: Reporter, said: str = STOPPING) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request to stop after the song in hand; a second one stops at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()
        reporter.say(said)

    signal.signal(signal.SIGINT, ask)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def _choose(
    files: list[ScannedFile], database: Database, root_id: int, summary: Summary, *, retry: bool
) -> list[ScannedFile]:
    """Leave out what is known and unchanged."""
    known = database.known_files(root_id)
    chosen = []
    for file in files:
        before = known.get(file.path)
        if before is None or not before.is_unchanged(file) or (before.failed and retry):
            chosen.append(file)
        else:
            summary.skipped += 1
            summary.failed_before += before.failed
    return chosen


class _Consumer:
    """Runs the network over what the producer made, and stores each song as it ends."""

    def __init__(
        self,
        database: Database,
        root_id: int,
        embed: Callable[[np.ndarray], np.ndarray],
        model: Model,
        summary: Summary,
        advance: Callable[[], None],
        previews: PreviewMaker | None,
    ):
        self._database = database
        self._root_id = root_id
        self._embed = embed
        self._model = model
        self._summary = summary
        self._advance = advance
        self._previews = previews
        self._pools: dict[int, RunningPool] = {}
        self._windows: dict[int, SpreadWindows] = {}
        self._problems: dict[int, str] = {}
        self.failed: Callable[[ScannedFile, str], None] = lambda file, reason: None

    def consume(self, batches: Iterator[Batch]) -> Iterator[bool]:
        """Embed batch after batch; yield for each, once it is stored, whether songs ended with it.

        A thread runs the network on the next batch while this one stores what the last one brought.
        """
        with ThreadPoolExecutor(1, "network") as network:
            before: tuple[Batch, Future] | None = None
            for batch in batches:
                running = network.submit(self._embed_parts, batch)
                if before:
                    yield self._take(*before)
                before = batch, running
            if before:
                yield self._take(*before)

    def _take(self, batch: Batch, running: Future) -> bool:
        for (number, _, _), frames in zip(batch.parts, running.result(), strict=True):
            if isinstance(frames, ExplorerError):
                self._problems[number] = str(frames)
            else:
                self._pool(number).add(frames)
                self._windows.setdefault(number, SpreadWindows()).add(frames)
        for ending in batch.endings:
            self._end(ending)
            self._pools.pop(ending.number, None)
            self._windows.pop(ending.number, None)
            self._problems.pop(ending.number, None)
            self._advance()
        return bool(batch.endings)

    def _embed_parts(self, batch: Batch) -> list[np.ndarray | ExplorerError]:
        """Return the embeddings of each part of a batch, or why it has none."""
        if batch.inputs is None:
            return []
        try:
            frames = self._embed(batch.inputs)
        except ExplorerError:
            # One song's windows must not cost the others that share its batch.
            return [self._embed_alone(batch.inputs[start:stop]) for _, start, stop in batch.parts]
        return [frames[start:stop] for _, start, stop in batch.parts]

    def _embed_alone(self, inputs: np.ndarray) -> np.ndarray | ExplorerError:
        try:
            return self._embed(inputs)
        except ExplorerError as error:
            return error

    def _pool(self, number: int) -> RunningPool:
        return self._pools.setdefault(number, RunningPool(method=self._model.pooling))

    def _end(self, ending: Ending) -> None:
        if isinstance(ending, Failure):
            self._fail(ending.file, ending.reason)
        elif isinstance(ending, Copy):
            self._copy(ending.song)
        elif ending.number in self._problems:
            self._fail(ending.song.file, self._problems[ending.number])
        else:
            self._store_embedded(ending)

    def _store_embedded(self, ending: Decoded) -> None:
        vector = self._pools[ending.number].vector()
        song = ending.song
        start_s = choose_start(
            *self._windows[ending.number].windows(),
            vector,
            levels_db=ending.levels_db,
            hop_s=self._model.hop_s,
            duration_s=song.duration_s,
        )
        # Another model may find another part of the song most like the whole.
        moved = self._database.preview_start_of(song.fingerprint) != start_s
        self._store(replace(song, preview_start_s=start_s), vector, moved=moved)

    def _copy(self, song: Song) -> None:
        vector = self._database.vector_of(song.fingerprint)
        if vector is None:
            self._fail(song.file, "The same sound failed under another name.")
        else:
            self._summary.copied += 1
            start_s = self._database.preview_start_of(song.fingerprint)
            self._store(replace(song, preview_start_s=start_s), vector)

    def _store(self, song: Song, vector: np.ndarray, *, moved: bool = False) -> None:
        self._database.store_song(self._root_id, song, vector)
        self._summary.indexed += 1
        self._summary.audio_seconds += song.duration_s
        if self._previews:
            self._previews.add(song.file.native, song.fingerprint, song.preview_start_s, again=moved)

    def _fail(self, file: ScannedFile, reason: str) -> None:
        self._database.store_failure(self._root_id, file, reason)
        self._summary.failed += 1
        self._summary.failures.append((file.text, reason))
        self.failed(file, reason)
