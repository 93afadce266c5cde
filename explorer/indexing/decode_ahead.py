"""Decoding, resampling and log-mels, a bounded number of batches ahead of the network.

Each thread has a process that decodes for it, and that a bad file may crash or hang; the log-mels are
made in the thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Container, Iterator
from pathlib import Path

import numpy as np

from explorer.audio.decoder import Decoder, DecoderError
from explorer.database.records import Song
from explorer.embedding.frontend import SAMPLE_RATE_HZ, windows
from explorer.errors import ExplorerError
from explorer.indexing.batches import Batch, Decoded, Packer, Undecoded
from explorer.indexing.make_previews import count_cores, window_levels
from explorer.indexing.outcomes import Failed, Known
from explorer.library.music_file import ScannedFile

QUEUED_WINDOWS = 64
"""How far ahead of the network: 13 MB."""

WINDOWS_AT_A_TIME = 8
MOST_THREADS = 8
STOPPING_TIMEOUT_S = 20.0


def decoding_threads() -> int:
    """Return how many songs to decode at once: a quarter of the cores feed what the others compute."""
    return max(1, min(MOST_THREADS, count_cores() // 4))


class Producer:
    """Turns files into batches for the network.

    Parameters
    ----------
    folder : Path
        The root that the files' paths are relative to.
    files : list of ScannedFile
        What to read, in this order.
    prepare : callable
        From windows to the network's inputs: `Engine.prepare`.
    hop_s : float
        Seconds from one window to the next.
    batch_size : int
        Windows in a batch.
    known : container of str
        Files with one of these fingerprints, of bytes or of sound, are not decoded: they are `Known`.
    threads : int
        Songs that are decoded at once.
    """

    def __init__(
        self,
        folder: Path,
        files: list[ScannedFile],
        *,
        prepare: Callable[[np.ndarray], np.ndarray],
        hop_s: float,
        batch_size: int,
        known: Container[str],
        threads: int = 1,
    ) -> None:
        self._folder = folder
        self._prepare = prepare
        self._hop_s = hop_s
        self._known = known
        self._read_here: set[str] = set()
        self._todo = iter(enumerate(files))
        self._packer = Packer(batch_size)
        self._lock = threading.Lock()
        self._queue: queue.Queue[Batch | DecoderError | None] = queue.Queue(
            max(2, QUEUED_WINDOWS // batch_size)
        )
        self._stopped = threading.Event()
        self._finishing = threading.Event()
        self._running = threads
        self._decoders = [Decoder() for _ in range(threads)]

    def batches(self) -> Iterator[Batch]:
        """Start the threads and yield what they make, each song's windows in their order.

        Raises
        ------
        DecoderError
            If no process that decodes can be started.
        """
        threads = [
            threading.Thread(target=self._run, args=(decoder,), name=f"decoding {number}", daemon=True)
            for number, decoder in enumerate(self._decoders)
        ]
        for thread in threads:
            thread.start()
        try:
            while (batch := self._queue.get()) is not None:
                if isinstance(batch, DecoderError):
                    raise batch
                yield batch
        finally:
            # A thread that still decodes while the interpreter goes away aborts the process.
            self._stopped.set()
            for decoder in self._decoders:
                decoder.interrupt()
            for thread in threads:
                thread.join(STOPPING_TIMEOUT_S)

    def finish(self) -> None:
        """Begin no other file: what is in hand is the rest."""
        self._finishing.set()

    def _run(self, decoder: Decoder) -> None:
        with decoder:
            try:
                while not self._stopped.is_set() and (item := self._next()) is not None:
                    self._read(*item, decoder)
            except DecoderError as error:
                # No file is to blame, and the next one would fare no better.
                self._put(error)
        with self._lock:
            self._running -= 1
            if not self._running:
                self._put(self._packer.flush())
                self._put(None)

    def _next(self) -> tuple[int, ScannedFile] | None:
        with self._lock:
            return None if self._finishing.is_set() else next(self._todo, None)

    def _put(self, batch: Batch | DecoderError | None) -> None:
        """Hand a batch over, unless nobody wants it any more."""
        while not self._stopped.is_set():
            try:
                return self._queue.put(batch, timeout=0.2)
            except queue.Full:
                continue

    def _pack(self, batches: Iterator[Batch]) -> None:
        # The lock keeps a song's windows before its end, whatever the other threads pack between.
        with self._lock:
            for batch in batches:
                self._put(batch)

    def _read(self, number: int, file: ScannedFile, decoder: Decoder) -> None:
        try:
            self._decode(number, file, decoder)
        except DecoderError:
            raise
        except ExplorerError as error:
            self._fail(number, file, str(error))
        except Exception as error:
            # Whatever a file makes us stumble over costs one file, and not the others.
            self._fail(number, file, f"{file.text} cannot be read ({type(error).__name__}: {error}).")

    def _fail(self, number: int, file: ScannedFile, reason: str) -> None:
        self._pack(self._packer.end(Undecoded(number, Failed(file, reason))))

    def _decode(self, number: int, file: ScannedFile, decoder: Decoder) -> None:
        path = self._folder / file.native
        fingerprints = decoder.fingerprints(path)
        if any(mark in self._known or mark in self._read_here for mark in fingerprints.all):
            self._pack(self._packer.end(Undecoded(number, Known(file, fingerprints))))
            return
        sound = decoder.sound(path, rate_hz=SAMPLE_RATE_HZ)
        levels = []
        for some in windows(sound.blocks(), hop_s=self._hop_s, batch_size=WINDOWS_AT_A_TIME):
            levels.append(window_levels(some))
            self._pack(self._packer.add(number, self._prepare(some)))
            if self._stopped.is_set():
                return
        song = Song(
            file,
            fingerprints.tags,
            fingerprints.fingerprint,
            sound.format,
            sound.duration_s,
            audio_fingerprint=fingerprints.audio_fingerprint,
        )
        self._pack(self._packer.end(Decoded(number, song, np.concatenate(levels))))
        # Only now: a copy of it must not come before it.
        self._read_here |= fingerprints.all
