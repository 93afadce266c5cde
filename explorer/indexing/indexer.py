"""Runs the embedding over a folder, so that it can be killed at any moment and go on.

One thread decodes, resamples and makes log-mels ahead of the network; the caller's thread runs the
network and alone writes songs.db, a song a transaction. What is stored is whole; what is not is
done again by the next run.
"""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from explorer.audio.decoding import fingerprint, open_audio
from explorer.embedding.frontend import SAMPLE_RATE_HZ, log_mel, windows
from explorer.embedding.pooling import pool
from explorer.errors import ExplorerError, LibraryError
from explorer.indexing.model import Model, ModelRequest, load_engine, settle_model
from explorer.library.database import Database
from explorer.library.records import ScannedFile, Song
from explorer.library.scanning import scan_folder
from explorer.library.tags import read_tags
from explorer.progress import Reporter

QUEUED_BATCHES = 8
STOPPING_TIMEOUT_S = 20.0


@dataclass
class Summary:
    """What an index run did."""

    indexed: int = 0
    skipped: int = 0
    failed: int = 0
    seconds: float = 0.0
    audio_seconds: float = 0.0
    copied: int = 0
    """Of the indexed: those whose bytes were known already, and their vector with them."""
    interrupted: bool = False
    failures: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class _Batch:
    log_mels: np.ndarray


@dataclass(frozen=True)
class _Decoded:
    song: Song


@dataclass(frozen=True)
class _Copy:
    """A song whose bytes another song has, and the vector with them."""

    song: Song


@dataclass(frozen=True)
class _Failure:
    file: ScannedFile
    reason: str


class _End:
    pass


_Message = _Batch | _Decoded | _Copy | _Failure | _End


def index_folder(
    database: Database,
    folder: Path,
    *,
    request: ModelRequest,
    reporter: Reporter,
    limit: int | None = None,
    retry: bool = False,
    replace: bool = False,
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
    if replace:
        database.forget_everything()
    elif request.reindex:
        database.forget_vectors()
    summary = Summary()
    root_id, root = database.settle_root(folder)
    prefix = folder.relative_to(root)
    files = [file.under(prefix) for file in files]
    todo = _choose(files, database, root_id, summary, retry=retry)[:limit]
    if todo:
        database.set_model(model.record())
        engine = load_engine(model, weights, request)
        changing = {(root_id, file.path) for file in todo}
        producer = _Producer(
            root,
            todo,
            hop_s=model.hop_s,
            batch_size=engine.batch_size,
            fingerprints=database.fingerprints(excluding=changing),
        )
        with reporter.counting("Indexing", total=len(todo)) as counter:
            consumer = _Consumer(database, root_id, engine.embed, model, summary, counter.advance)
            with stopping_gently(reporter) as stop, closing(producer.messages()) as messages:
                for message in messages:
                    song_ended = consumer.take(message)
                    if song_ended and stop.is_set():
                        summary.interrupted = True
                        break
    summary.seconds = time.monotonic() - started
    return summary


@contextmanager
def stopping_gently(reporter: Reporter) -> Iterator[threading.Event]:
    """Turn the first Ctrl-C into a request to stop after the song in hand; a second one stops at once."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(_number: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop.set()
        reporter.say("Stopping after the song in hand; Ctrl-C again stops at once.")

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
    return chosen


class _Producer:
    """Turns files into log-mels in a thread of its own, a bounded number of batches ahead."""

    def __init__(
        self,
        folder: Path,
        files: list[ScannedFile],
        *,
        hop_s: float,
        batch_size: int,
        fingerprints: set[str],
    ):
        self._folder = folder
        self._files = files
        self._hop_s = hop_s
        self._batch_size = batch_size
        self._embedded = set(fingerprints)
        self._queue: queue.Queue[_Message] = queue.Queue(maxsize=QUEUED_BATCHES)
        self._stopped = threading.Event()

    def messages(self) -> Iterator[_Message]:
        """Start the thread and yield what it makes, in the order of the files."""
        thread = threading.Thread(target=self._run, name="decoding", daemon=True)
        thread.start()
        try:
            while not isinstance(message := self._queue.get(), _End):
                yield message
        finally:
            # A thread that still decodes while the interpreter goes away aborts the process.
            self._stopped.set()
            thread.join(STOPPING_TIMEOUT_S)

    def _run(self) -> None:
        for file in self._files:
            for message in self._read(file):
                if not self._put(message):
                    return
        self._put(_End())

    def _put(self, message: _Message) -> bool:
        """Hand a message over, or return False where nobody wants it any more."""
        while not self._stopped.is_set():
            try:
                self._queue.put(message, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False

    def _read(self, file: ScannedFile) -> Iterator[_Message]:
        try:
            yield from self._decode(file)
        except ExplorerError as error:
            yield _Failure(file, str(error))
        except Exception as error:
            # Whatever a decoder stumbles over costs one file, and not the others.
            yield _Failure(file, f"{file.text} cannot be read ({type(error).__name__}: {error}).")

    def _decode(self, file: ScannedFile) -> Iterator[_Message]:
        path = self._folder / file.native
        mark = fingerprint(path)
        tags = read_tags(path)
        stream = open_audio(path)
        if mark in self._embedded:
            for _ in stream.blocks():
                pass
            yield _Copy(Song(file, tags, mark, stream.format, stream.duration_s))
            return
        blocks = stream.mono(sample_rate_hz=SAMPLE_RATE_HZ)
        for batch in windows(blocks, hop_s=self._hop_s, batch_size=self._batch_size):
            yield _Batch(log_mel(batch))
        self._embedded.add(mark)
        yield _Decoded(Song(file, tags, mark, stream.format, stream.duration_s))


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
    ):
        self._database = database
        self._root_id = root_id
        self._embed = embed
        self._model = model
        self._summary = summary
        self._advance = advance
        self._frames: list[np.ndarray] = []
        self._problem: str | None = None

    def take(self, message: _Message) -> bool:
        """Do what a message asks for, and tell whether a song came to its end."""
        if isinstance(message, _Batch):
            self._extend(message.log_mels)
            return False
        if isinstance(message, _Failure):
            self._fail(message.file, message.reason)
        elif isinstance(message, _Copy):
            self._copy(message)
        elif self._problem:
            self._fail(message.song.file, self._problem)
        else:
            self._store(message.song, pool(np.concatenate(self._frames), method=self._model.pooling))
        self._frames, self._problem = [], None
        self._advance()
        return True

    def _extend(self, log_mels: np.ndarray) -> None:
        if self._problem is None:
            try:
                self._frames.append(self._embed(log_mels))
            except ExplorerError as error:
                self._problem = str(error)

    def _copy(self, message: _Copy) -> None:
        vector = self._database.vector_of(message.song.fingerprint)
        if vector is None:
            self._fail(message.song.file, "The same sound failed under another name.")
        else:
            self._summary.copied += 1
            self._store(message.song, vector)

    def _store(self, song: Song, vector: np.ndarray) -> None:
        self._database.store_song(self._root_id, song, vector)
        self._summary.indexed += 1
        self._summary.audio_seconds += song.duration_s

    def _fail(self, file: ScannedFile, reason: str) -> None:
        self._database.store_failure(self._root_id, file, reason)
        self._summary.failed += 1
        self._summary.failures.append((file.text, reason))


def require_songs(database: Database) -> None:
    """Refuse to go on with an empty library.

    Raises
    ------
    LibraryError
        If no song has a vector.
    """
    if not database.summary()["vectors"]:
        raise LibraryError(f"{database.path} holds no song yet: run `python run.py index FOLDER` first.")
