"""Reads songs again that an older version of this program read, and finds those whose sound it read wrongly.

Older versions read some files in part or as noise. A song keeps its vector if its file gives the same sound
now: the same packets, codec and duration. Reading takes about a hundredth of the time of embedding.
"""

from __future__ import annotations

import queue
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from explorer.audio.decoder import Decoder
from explorer.config import Settings
from explorer.database.records import SameSound, Song
from explorer.errors import AudioError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.make_previews import count_cores
from explorer.indexing.prune import clear_caches
from explorer.library.music_file import Fingerprints, ScannedFile
from explorer.library.remote import RemotePath
from explorer.util.interrupts import stop_on_first_interrupt
from explorer.util.progress import plural

MAX_DIFFERENCE_S = 0.1
"""Decoders differ by less than this in the silence that MP3 and AAC encoders add at both ends."""

STORED_AT_ONCE = 32


class _Reading(NamedTuple):
    """What a file gives now. The fields from `fingerprints` on are those of `is_same_sound`."""

    file: ScannedFile
    fingerprints: Fingerprints
    duration_s: float
    cancels: bool
    note: str


def reread_songs(run: IndexRun) -> None:
    """Read the run's outdated songs, and add those whose sound was read wrongly to the files to embed.

    The others get the tags and fingerprints that they have now, and keep their vectors. A file that cannot be
    read any more is embedded too, so that its failure is stored.
    """
    if not run.outdated:
        return
    summary, n_kept = run.summary, 0
    with (
        run.reporter.counting("Checking", total=len(run.outdated)) as counter,
        stop_on_first_interrupt(run.reporter) as stop,
        ExitStack() as stack,
    ):
        readings = _read_all(run, stack)
        while not stop.is_set() and (batch := list(islice(readings, STORED_AT_ONCE))):
            with run.database.transaction():
                for file, reading in batch:
                    n_kept += _keep(run, file, reading)
            counter.reach(counter.done + len(batch))
    summary.interrupted = stop.is_set()
    n_checked = counter.done
    summary.reread, summary.misread = n_kept, n_checked - n_kept
    summary.skipped -= summary.misread
    summary.left += summary.misread
    run.files.sort(key=lambda file: file.path)
    run.reporter.say(
        f"Checked {plural(n_checked, 'song')} that an older version had read: {summary.misread:,} had been "
        "read in part or wrongly and must be embedded again; the others keep their vectors."
    )


def _read_all(run: IndexRun, stack: ExitStack) -> Iterator[tuple[ScannedFile, _Reading | None]]:
    """Yield each outdated file, in order, and what it gives now; None if it cannot be read."""
    decoders: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
    for _ in range(count_cores()):
        decoders.put(stack.enter_context(Decoder()))
    pool = stack.enter_context(ThreadPoolExecutor(count_cores(), "checking"))
    stack.callback(pool.shutdown, wait=False, cancel_futures=True)

    def read(file: ScannedFile) -> _Reading | None:
        decoder = decoders.get()
        try:
            return _read(run.root, file, decoder)
        except AudioError:
            return None
        finally:
            decoders.put(decoder)

    yield from zip(run.outdated, pool.map(read, run.outdated), strict=True)


def _read(root: Path | RemotePath, file: ScannedFile, decoder: Decoder) -> _Reading:
    path = root / file.native
    sheets = None if file.sheets_state is None else file.sheet_paths(root)
    fingerprints = decoder.fingerprints(path, sheets=sheets)
    sound = decoder.sound(path, rate_hz=None)
    for _ in sound.blocks():
        pass
    return _Reading(file, fingerprints, sound.duration_s, sound.louder_channel is not None, sound.note)


def _keep(run: IndexRun, file: ScannedFile, reading: _Reading | None) -> bool:
    """Store a song whose vector is right, and return True; else add its file to the files to embed.

    A file that a cue sheet divides into songs is embedded again: its old vector is that of the whole file.
    """
    songs = run.database.songs_at(run.root_id, file.path)
    old = songs[0]
    is_divided = len(songs) > 1 or bool(reading and reading.fingerprints.tracks)
    if (
        reading is None
        or is_divided
        or not is_same_sound(
            old,
            reading.fingerprints,
            duration_s=reading.duration_s,
            # The engine of the published package averages the channels in any case.
            cancels=reading.cancels and run.request.engine != "openl3",
        )
    ):
        run.files.append(file)
        # What was made from the wrong sound must be made again.
        for song in songs:
            clear_caches(Settings(database=Path(run.database.path)), song.fingerprints)
        return False
    tags, new = reading.fingerprints.tags, reading.fingerprints
    run.database.store_song(
        run.root_id,
        Song(
            file,
            replace(tags, genres=run.genres.genres(file, tags)),
            new.fingerprint,
            new.format,
            reading.duration_s,
            old.preview_start_s,
            new.audio_fingerprint,
            f"{reading.note} {new.cue_problem}".strip(),
        ),
        None,
    )
    return True


def is_same_sound(old: SameSound, new: Fingerprints, *, duration_s: float, cancels: bool) -> bool:
    """Return whether a file gives the sound now that an older version of this program embedded.

    Parameters
    ----------
    old : SameSound
        The song as the older version stored it.
    new : Fingerprints
        The fingerprints and the format that the file has now.
    duration_s : float
        The duration that the file has now.
    cancels : bool
        Whether its channels cancel each other, so that a channel is embedded instead of their average.
    """
    old_codec, new_codec = (text.partition("/")[2] for text in (old.format, new.format))
    # Coded sound in a WAV file, such as DTS, was embedded as if it were PCM.
    was_noise = old_codec.startswith("pcm") and not old.format.startswith("flac") and "pcm" not in new_codec
    has_same_packets = len(old.fingerprints) == 1 or new.audio_fingerprint in old.fingerprints
    is_as_long = abs(old.duration_s - duration_s) <= MAX_DIFFERENCE_S
    return has_same_packets and is_as_long and not was_noise and not cancels
