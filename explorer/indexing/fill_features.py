"""Measures the features of known songs that have none: an older version of this program has embedded them.

Their files are decoded, but not embedded again. Songs with the same sound share their features.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import groupby, islice
from typing import NamedTuple

from explorer.audio.decoder import Decoder
from explorer.database.features import UnmeasuredSong
from explorer.errors import AudioError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.make_previews import count_cores
from explorer.library.music_file import ScannedFile, Tags
from explorer.structure.song_features import SongFeatures
from explorer.util.interrupts import stop_on_first_interrupt
from explorer.util.progress import plural

STORED_AT_ONCE = 16
MAX_SHOWN_PROBLEMS = 10
_STOP = "Stopping after the songs in progress: the next index run measures the others. Press Ctrl-C again to "
_STOP += "stop at once."


class _Measured(NamedTuple):
    """What was measured of a file's songs, in their order, and the file's tags; or why it failed."""

    songs: Sequence[UnmeasuredSong]
    features: Sequence[SongFeatures] = ()
    tags: Tags | None = None
    problem: str = ""


def fill_features(run: IndexRun) -> None:
    """Measure the songs of the run's folder that have no features, and whose files have not changed.

    What the tags say of tempo and key is stored too. A file that cannot be decoded is left out, with a
    message.
    """
    run.database.copy_features(run.root_id)
    files = _files_to_measure(run)
    if not files:
        return
    n_songs, problems = 0, []
    with (
        run.reporter.counting("Measuring", total=len(files), unit="files") as counter,
        stop_on_first_interrupt(run.reporter, _STOP) as stop,
        ExitStack() as stack,
    ):
        results = _measure_all(run, files, stop, stack)
        while batch := list(islice(results, STORED_AT_ONCE)):
            with run.database.transaction():
                n_songs += sum(_store(run, measured) for measured in batch)
            problems += [measured.problem for measured in batch if measured.problem]
            counter.reach(counter.done + len(batch))
    run.database.copy_features(run.root_id)
    run.summary.interrupted = stop.is_set()
    run.reporter.say(f"Measured tempo, key, loudness and brightness of {plural(n_songs, 'song')}.")
    for problem in problems[:MAX_SHOWN_PROBLEMS]:
        run.reporter.say(f"Not measured: {problem}")
    if len(problems) > MAX_SHOWN_PROBLEMS:
        run.reporter.say(f"{len(problems) - MAX_SHOWN_PROBLEMS:,} more files could not be measured.")


def _files_to_measure(run: IndexRun) -> list[tuple[ScannedFile, list[UnmeasuredSong]]]:
    """Return the files that have not changed since they were read, and their unmeasured songs."""
    scanned = {file.path: file for file in run.scan.files}
    files, seen = [], set()
    for path, group in groupby(run.database.unmeasured_songs(run.root_id), key=lambda song: song.path):
        file, songs = scanned.get(path), list(group)
        if file is None or (file.size_bytes, file.modified_ns) != (songs[0].size_bytes, songs[0].modified_ns):
            continue
        # Copies get the features of the first one.
        if songs[0].fingerprint not in seen:
            seen.add(songs[0].fingerprint)
            files.append((file, songs))
    return files[: run.limit]


def _measure_all(
    run: IndexRun,
    files: Sequence[tuple[ScannedFile, list[UnmeasuredSong]]],
    stop: threading.Event,
    stack: ExitStack,
) -> Iterator[_Measured]:
    """Yield what was measured of each file, in order. After `stop` is set, no other file is begun."""
    decoders: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
    for _ in range(count_cores()):
        decoders.put(stack.enter_context(Decoder()))
    pool = stack.enter_context(ThreadPoolExecutor(count_cores(), "measuring"))
    stack.callback(pool.shutdown, wait=False, cancel_futures=True)

    def measure(file: ScannedFile, songs: Sequence[UnmeasuredSong]) -> _Measured | None:
        if stop.is_set():
            return None
        decoder = decoders.get()
        try:
            path = run.root / file.native
            features = decoder.features(path, [song.part for song in songs])
            return _Measured(songs, features, decoder.tags(path))
        except AudioError as error:
            return _Measured(songs, problem=str(error))
        finally:
            decoders.put(decoder)

    results = pool.map(measure, *zip(*files, strict=True))
    yield from (measured for measured in results if measured is not None)


def _store(run: IndexRun, measured: _Measured) -> int:
    """Store what was measured, and return of how many songs."""
    for song, features in zip(measured.songs, measured.features, strict=False):
        run.database.store_features(song.song_id, features)
        if measured.tags and not song.part.track:
            run.database.store_tempo_and_key_tags(song.song_id, bpm=measured.tags.bpm, key=measured.tags.key)
    return len(measured.features)
