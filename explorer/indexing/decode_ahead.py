"""Decodes files and computes log-mels in threads, a bounded number of batches ahead of the network.

Each thread uses its own decoder process, because a bad file can crash or hang the process that decodes it.
The log-mels are computed in the thread.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.audio.channels import cancelled_note
from explorer.audio.decoder import Decoder, DecoderError, Sound
from explorer.audio.decoder_messages import SampledWindows
from explorer.database.records import Song
from explorer.embedding.frontend import windows
from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.errors import EmbeddingError, ExplorerError
from explorer.indexing.batches import Batch, Decoded, EndOfTracks, Packer, Undecoded, number_of_track
from explorer.indexing.make_previews import count_cores, window_levels
from explorer.indexing.outcomes import Failed, Known
from explorer.library.music_file import WHOLE, Fingerprints, Part, ScannedFile
from explorer.library.tracks import CUE_SHEET, MIN_TRACK_S

QUEUED_WINDOWS = 64
"""The queue's length in windows: 13 MB."""

WINDOWS_PER_STEP = 8
JOIN_TIMEOUT_S = 20.0

MAX_THREADS = 16
"""A decoder process takes 75 MB of memory, and up to 360 MB while it measures a long song."""

THREADS_PER_CORE = 1 / 3
"""In int8, the fastest precision, a seventh would do for MP3, FLAC, Ogg and M4A, and twice as many with a hop
of 1 s (benchmarks/cores.py). The queue is bounded, so threads beyond that mostly wait. They make up for songs
that are slow to decode."""

THREADS_PER_CORE_AT_FIRST_LOOK = 1.0
"""A first look needs more: the network embeds a few windows, but opening and seeking take as long as ever."""


def decoding_threads(*, first_look: bool = False, cores: int | None = None) -> int:
    """Return how many songs to decode at once, so that the network never waits for a song.

    Parameters
    ----------
    first_look : bool
        Whether only a few windows of each song are read.
    cores : int, optional
        The cores of the machine; by default those that this process may use.
    """
    cores = count_cores() if cores is None else cores
    threads = cores * (THREADS_PER_CORE_AT_FIRST_LOOK if first_look else THREADS_PER_CORE)
    return max(1, min(MAX_THREADS, math.ceil(threads)))


class DecodeAhead:
    """Turns files into batches for the network, in threads.

    Parameters
    ----------
    root : Path
        The folder that the files' paths are relative to.
    files : iterable of ScannedFile
        The files to read, in this order. The threads take each file, one thread at a time, when they begin to
        read it; taking it must not raise an exception.
    prepare : callable
        Computes the network's inputs from windows: `Engine.prepare`.
    hop_s : float
        Seconds from one window to the next.
    batch_size : int
        Windows in a batch.
    known : container of str
        Fingerprints of bytes and of sounds. A file that has one of them is not decoded: it is `Known`.
    threads : int
        The number of songs decoded at once.
    rescue_cancelled : bool
        Embed the louder channel of a song whose channels cancel each other, instead of their average.
    video : bool
        Whether files may hold moving pictures; otherwise, such a file fails.
    features : bool
        Whether the musical features of the songs are measured too.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[ScannedFile],
        *,
        prepare: Callable[[np.ndarray], np.ndarray],
        hop_s: float,
        batch_size: int,
        known: Container[str],
        threads: int = 1,
        rescue_cancelled: bool = True,
        video: bool = True,
        features: bool = True,
    ) -> None:
        self._features = features
        self._root = root
        self._prepare = prepare
        self._hop_s = hop_s
        self._known = known
        self._video = video
        self._decoded_fingerprints: set[str] = set()
        """Fingerprints of the files that were decoded completely."""
        self._rescue_cancelled = rescue_cancelled
        self._files = iter(enumerate(files))
        self._packer = Packer(batch_size)
        self._lock = threading.Lock()
        """Guards `_files`, `_packer` and `_running`."""
        self._queue: queue.Queue[Batch | DecoderError | None] = queue.Queue(
            max(2, QUEUED_WINDOWS // batch_size)
        )
        self._stopped = threading.Event()
        self._finishing = threading.Event()
        self._running = threads
        self._decoders = [Decoder() for _ in range(threads)]

    def batches(self) -> Iterator[Batch]:
        """Start the threads, and yield their batches. The windows of each song are in order.

        Raises
        ------
        DecoderError
            If no decoder process can be started.
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
            # A thread that still decodes while the interpreter shuts down would abort the process.
            self._stopped.set()
            for decoder in self._decoders:
                decoder.interrupt()
            for thread in threads:
                thread.join(JOIN_TIMEOUT_S)

    def finish(self) -> None:
        """Let the threads finish the files that they have begun, and begin no others."""
        self._finishing.set()

    def _run(self, decoder: Decoder) -> None:
        with decoder:
            try:
                while not self._stopped.is_set() and (item := self._next_file()) is not None:
                    self._read(*item, decoder)
            except DecoderError as error:
                # The process could not start: no file is to blame, and the next file would fail as well.
                self._put(error)
        with self._lock:
            self._running -= 1
            if not self._running:
                self._put(self._packer.flush())
                self._put(None)

    def _next_file(self) -> tuple[int, ScannedFile] | None:
        with self._lock:
            return None if self._finishing.is_set() else next(self._files, None)

    def _put(self, batch: Batch | DecoderError | None) -> None:
        """Put a batch into the queue. Wait while the queue is full, unless the reader has stopped."""
        while not self._stopped.is_set():
            try:
                return self._queue.put(batch, timeout=0.2)
            except queue.Full:
                continue

    def _pack(self, batches: Iterator[Batch]) -> None:
        # `batches` runs the packer, so only the thread with the lock may iterate over it. The batches enter
        # the queue under the lock too, in the packer's order: a song's end never comes before its windows.
        with self._lock:
            for batch in batches:
                self._put(batch)

    def _read(self, number: int, file: ScannedFile, decoder: Decoder) -> None:
        """Decode a file, and pack its windows and its end."""
        try:
            self._decode(number, file, decoder)
        except DecoderError:
            raise
        except ExplorerError as error:
            self._fail(number, file, str(error))
        except Exception as error:
            # An unexpected error must fail only this file.
            self._fail(number, file, f"{file.text} cannot be read ({type(error).__name__}: {error}).")

    def _fail(self, number: int, file: ScannedFile, reason: str) -> None:
        self._pack(self._packer.end(Undecoded(number, Failed(file, reason))))

    def _decode(self, number: int, file: ScannedFile, decoder: Decoder) -> None:
        path = self._root / file.native
        # Without cue sheets, one inside the file is ignored too.
        sheets = None if file.sheets_state is None else file.sheet_paths(self._root)
        fingerprints = decoder.fingerprints(path, video=self._video, sheets=sheets)
        if fingerprints.tracks:
            problem = self._decode_tracks(number, file, fingerprints, decoder)
            if not problem:
                return
            fingerprints = replace(fingerprints, tracks=(), cue_problem=problem)
        if self._is_known(fingerprints):
            self._pack(self._packer.end(Undecoded(number, Known(file, fingerprints))))
            return
        self._decode_song(number, file, fingerprints, decoder)

    def _decode_song(
        self, number: int, file: ScannedFile, fingerprints: Fingerprints, decoder: Decoder
    ) -> None:
        """Decode a file that is one song."""
        path = self._root / file.native
        options = {"rate_hz": SAMPLE_RATE_HZ, "features": self._features}
        sound = decoder.sound(path, **options)
        levels = self._add_windows(number, sound)
        notes, channel = [sound.note], sound.louder_channel
        if channel is not None and self._rescue_cancelled:
            # Only now it is known that the average of the channels is nearly silent.
            self._pack(self._packer.discard(number))
            sound = decoder.sound(path, channel=channel, **options)
            levels = self._add_windows(number, sound)
            notes.append(cancelled_note(channel))
        if self._stopped.is_set():
            return
        song = song_of(file, fingerprints, sound, [*notes, fingerprints.cue_problem])
        ending = Decoded(number, song, np.concatenate(levels), sound.features)
        self._pack(self._packer.end(ending))
        # Only now: the end of a copy must be packed after the end of the song that it copies.
        self._decoded_fingerprints |= fingerprints.all

    def _decode_tracks(
        self, number: int, file: ScannedFile, fingerprints: Fingerprints, decoder: Decoder
    ) -> str:
        """Decode the tracks of a file; return why its cue sheet does not fit its sound, or an empty text."""
        by_part = {track.part: fingerprints.of_track(track) for track in fingerprints.tracks}
        known = tuple(Known(file, prints, part) for part, prints in by_part.items() if self._is_known(prints))
        known_parts = {track.part for track in known}
        channels: dict[Part, int | None] = {part: None for part in by_part if part not in known_parts}
        # A track whose channels cancel each other is decoded again, only its louder channel.
        while channels:
            again: dict[Part, int | None] = {}
            path = self._root / file.native
            sounds = decoder.sounds(path, rate_hz=SAMPLE_RATE_HZ, parts=channels, features=self._features)
            for (part, channel), sound in zip(channels.items(), sounds, strict=True):
                levels = self._add_track(number_of_track(number, part), sound)
                if self._stopped.is_set():
                    return ""
                if not levels:
                    return f"{CUE_SHEET} starts track {part.track} after the sound ends: it was not used."
                louder = sound.louder_channel if channel is None and self._rescue_cancelled else None
                if louder is not None or sound.duration_s < MIN_TRACK_S:
                    self._pack(self._packer.discard(number_of_track(number, part)))
                    again |= {} if louder is None else {part: louder}
                    continue
                notes = [sound.note, "" if channel is None else cancelled_note(channel)]
                song = song_of(file, by_part[part], sound, notes, part=part)
                end = (number_of_track(number, part), song, np.concatenate(levels), sound.features)
                self._pack(self._packer.end(Decoded(*end, of_file=number)))
            channels = again
        self._pack(self._packer.end(EndOfTracks(number, file, known)))
        for prints in by_part.values():
            self._decoded_fingerprints |= prints.all
        return ""

    def _add_track(self, number: int, sound: Sound) -> list[np.ndarray]:
        """Pack the windows of a track, and return their levels; none if the file ends before the track."""
        try:
            return self._add_windows(number, sound)
        except ExplorerError as error:
            self._pack(self._packer.discard(number))
            if isinstance(error, EmbeddingError) and not sound.duration_s:
                return []
            raise

    def _is_known(self, fingerprints: Fingerprints) -> bool:
        return any(text in self._known or text in self._decoded_fingerprints for text in fingerprints.all)

    def _add_windows(self, number: int, sound: Sound) -> list[np.ndarray]:
        """Pack the windows of a sound, and return their levels."""
        levels = []
        for step in windows(sound.blocks(), hop_s=self._hop_s, batch_size=WINDOWS_PER_STEP):
            levels.append(window_levels(step))
            self._pack(self._packer.add(number, self._prepare(step)))
            if self._stopped.is_set():
                break
        return levels


def song_of(
    file: ScannedFile,
    fingerprints: Fingerprints,
    sound: Sound | SampledWindows,
    notes: list[str],
    *,
    part: Part = WHOLE,
) -> Song:
    """Return the song of a file, or of a part of it, from what was read and decoded."""
    return Song(
        file,
        fingerprints.tags,
        fingerprints.fingerprint,
        sound.format,
        sound.duration_s,
        audio_fingerprint=fingerprints.audio_fingerprint,
        note=" ".join(filter(None, notes)),
        part=part,
    )
