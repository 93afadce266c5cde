"""The decoding process: it reads files, one at a time, and may crash or hang on any of them.

`explorer.audio.decoder` starts it and sends it jobs through a `multiprocessing` pipe. For each job the
process sends any number of `Answer`s; the last one has the kind "end" or "failed".
"""

from __future__ import annotations

import faulthandler
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.audio.decoder_messages import Answer, SampledWindows, SoundEnd
from explorer.audio.decoding import AudioStream, open_audio
from explorer.audio.fingerprints import fingerprint, hash_sound
from explorer.audio.pictures import Spectrogram, Waveform
from explorer.audio.song_parts import Cutter
from explorer.errors import AudioError
from explorer.library.music_file import Cover, Fingerprints, Part, Tags
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import LastCopy
from explorer.library.scan_rules import VIDEO_REASON
from explorer.library.tags import read_tags
from explorer.library.tracks import find_tracks
from explorer.library.video import holds_video
from explorer.structure.song_features import SongFeatures
from explorer.util.text import valid_text

if TYPE_CHECKING:
    from explorer.audio.feature_meter import FeatureMeter

MAX_MEMORY_BYTES = 2 << 30
"""Limit of the address space. Decoding a song needs 0.3 GB of it, making a preview 0.5 GB, and measuring the
features of a song of half an hour or more 0.9 GB."""

TAG_MEMORY_BYTES = 256 << 20
"""How much the address space may grow while tags are read: a compressed frame of an ID3 tag can unpack to
gigabytes. Tags with a large picture need 0.1 GB."""

MAX_SONG_S = 24 * 3600.0
DURATION_LIMIT_S = 45.0
"""How long `read_duration` may take. An hour of sound takes a few seconds."""

HANG_LIMIT_S = 600.0
"""The process ends itself after hanging for this long, in case its parent no longer exists to kill it."""


Send = Callable[[Answer], None]


def read_fingerprints(
    path: Path, send: Send, *, video: bool = True, sheets: Sequence[Path | RemotePath] | None = None
) -> Fingerprints:
    """Read a file's fingerprints and tags, and its tracks unless `sheets` is None: see `find_tracks`.

    Without `video`, a file with moving pictures is an error.
    """

    def alive() -> None:
        send(Answer("alive"))

    if path.exists() and not path.is_file():
        raise AudioError(f"{path.name} is {'a folder' if path.is_dir() else 'not a regular file'}.")
    if not video and holds_video(path):
        raise AudioError(f"{path.name} {VIDEO_REASON}")
    sound, format_name = hash_sound(path, alive=alive)
    with _tag_memory():
        tags = read_tags(path)
        tracks, problem = ((), "") if sheets is None else find_tracks(path, tags, sheets=sheets)
    return Fingerprints(
        fingerprint(path, alive=alive), sound, tags, format_name, tracks=tracks, cue_problem=problem
    )


def read_tags_of(path: Path, _send: Send) -> Tags:
    """Read a file's tags."""
    with _tag_memory():
        return read_tags(path)


def read_tags_by_track(
    path: Path, _send: Send, *, sheets: Sequence[Path | RemotePath] | None
) -> dict[int, Tags]:
    """Read the tags of a file, under the number 0, and those of its tracks unless `sheets` is None."""
    with _tag_memory():
        tags = read_tags(path)
        tracks, _ = ((), "") if sheets is None else find_tracks(path, tags, sheets=sheets)
    return {0: tags} | {track.part.track: track.tags for track in tracks}


def read_cover_of(path: Path, _send: Send) -> Cover | None:
    """Read a file's cover picture."""
    from explorer.library.covers import read_cover

    with _tag_memory():
        return read_cover(path)


def read_duration(path: Path, _send: Send, *, limit_s: float) -> float:
    """Decode a file, and return the duration of its sound; stop after `limit_s` of sound."""
    began = time.monotonic()
    stream = open_audio(path)
    for _ in stream.blocks():
        if stream.duration_s > limit_s:
            break
        if time.monotonic() - began > DURATION_LIMIT_S:
            raise AudioError(f"{path.name} takes too long to decode.")
    stream.close()
    return stream.duration_s


def read_sound(
    path: Path,
    send: Send,
    *,
    rate_hz: int | None,
    seconds: float | None = None,
    channel: int | None = None,
    features: bool = False,
) -> SoundEnd:
    """Send a file's mono samples, all or about the first `seconds`; see `AudioStream.mono` for `channel`."""
    stream = open_audio(path)
    meter = _meter(rate_hz) if features else None
    # Sent before the sound, because the parent may stop reading before the end.
    send(Answer("format", (stream.format, stream.claimed_s)))
    for block in stream.mono(sample_rate_hz=rate_hz, channel=channel):
        send(Answer("sound", block, stream.duration_s))
        if meter:
            meter.add(block)
        if stream.duration_s > MAX_SONG_S:
            raise AudioError(f"{path.name} is longer than {MAX_SONG_S / 3600:g} hours.")
        if seconds is not None and stream.duration_s >= seconds:
            break
    return _sound_end(stream, meter)


def _meter(rate_hz: int | None) -> FeatureMeter:
    from explorer.audio.feature_meter import METER_RATE_HZ, FeatureMeter

    if rate_hz != METER_RATE_HZ:
        raise ValueError(f"rate_hz={rate_hz} must be {METER_RATE_HZ} to measure features")
    return FeatureMeter()


def _sound_end(stream: AudioStream, meter: FeatureMeter | None) -> SoundEnd:
    features = meter.features(channel_power=stream.channel_power) if meter else None
    return SoundEnd(stream.duration_s, stream.note, stream.louder_channel, features)


def read_parts(
    path: Path,
    send: Send,
    *,
    rate_hz: int,
    parts: Sequence[Part],
    channels: Sequence[int | None],
    features: bool = False,
) -> None:
    """Send the mono samples of parts of a file, in their order; after each part, send its `SoundEnd`.

    The file is decoded once. Its samples are cut before they are resampled, so each part sounds exactly like
    a file of its own.
    """
    stream = open_audio(path)
    send(Answer("format", (stream.format, stream.claimed_s)))
    cutter = Cutter(stream.unchecked_blocks())
    for part, channel in zip(parts, channels, strict=True):
        piece = stream.part(cutter.take(*part.samples(stream.sample_rate_hz)))
        meter = _meter(rate_hz) if features else None
        for block in piece.mono(sample_rate_hz=rate_hz, channel=channel):
            send(Answer("sound", block, part.start_s + piece.duration_s))
            if meter:
                meter.add(block)
            if part.start_s + piece.duration_s > MAX_SONG_S:
                raise AudioError(f"{path.name} is longer than {MAX_SONG_S / 3600:g} hours.")
        send(Answer("part", _sound_end(piece, meter)))
    stream.close()


def read_features(path: Path, send: Send, *, parts: Sequence[Part]) -> list[SongFeatures]:
    """Measure the features of parts of a file, in their order."""
    from explorer.audio.measured_parts import measure_parts

    return measure_parts(path, parts, alive=lambda: send(Answer("alive")), limit_s=MAX_SONG_S)


def read_sampled_windows(path: Path, send: Send, **options: object) -> SampledWindows:
    """Read some windows of a song; the options are those of `sample_windows`."""
    from explorer.audio.sampled_windows import sample_windows

    return sample_windows(path, send, limit_s=MAX_SONG_S, **options)


def make_preview(path: Path, _send: Send, **options: object) -> None:
    """Write a song's preview; the options are those of `write_preview`."""
    from explorer.audio.previews import write_preview

    write_preview(path, **options)


def make_copy(path: Path, _send: Send, **options: object) -> None:
    """Write a FLAC copy of a song; the options are those of `write_copy`."""
    from explorer.audio.transcoding import write_copy

    write_copy(path, **options)


def make_waveform(path: Path, _send: Send, *, part: Part) -> Waveform:
    """Measure a song's waveform."""
    from explorer.audio.waveform import measure_waveform

    return measure_waveform(path, part)


def make_spectrogram(path: Path, _send: Send, *, part: Part) -> Spectrogram:
    """Compute a song's spectrogram."""
    from explorer.audio.spectrogram import spectrogram

    return spectrogram(path, part)


# The imports are inside the functions, because an index run's processes need few of these libraries.
JOBS: dict[str, Callable] = {
    "fingerprints": read_fingerprints,
    "tags": read_tags_of,
    "tags by track": read_tags_by_track,
    "duration": read_duration,
    "cover": read_cover_of,
    "sound": read_sound,
    "parts": read_parts,
    "features": read_features,
    "sampled windows": read_sampled_windows,
    "preview": make_preview,
    "copy": make_copy,
    "waveform": make_waveform,
    "spectrogram": make_spectrogram,
}
"""The jobs by the names that the parent sends. The parent imports no library that decodes."""


def main(connection: Connection, *, niceness: int = 0) -> None:
    """Run jobs until the parent closes the connection.

    Parameters
    ----------
    connection : multiprocessing.connection.Connection
        Delivers jobs: (name, file, folder for a copy of a remote file, options of the job).
    niceness : int
        The process's niceness, from 0 to 19; POSIX only.
    """
    # Ignore Ctrl-C: the parent handles it, and lets this process finish the current song.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if niceness and hasattr(os, "nice"):
        os.nice(niceness)
    _limit_memory()
    jobs: queue.SimpleQueue = queue.SimpleQueue()
    copies = LastCopy()

    def send(answer: Answer) -> None:
        # If the pipe is full, `send` waits until the parent reads. That wait may be long, and is not a hang.
        faulthandler.cancel_dump_traceback_later()
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionResetError):
            _exit(copies)
        _start_hang_timer()

    threading.Thread(target=_receive_jobs, args=(connection, jobs, copies), daemon=True).start()
    send(Answer("ready"))
    while True:
        faulthandler.cancel_dump_traceback_later()
        job, path, copy_folder, options = jobs.get()
        _start_hang_timer()
        try:
            if isinstance(path, RemotePath):
                path = copies.of(path, copy_folder, alive=lambda: send(Answer("alive")))
            send(Answer("end", JOBS[job](path, send, **options)))
        except AudioError as error:
            send(_failed(str(error)))
        except MemoryError:
            send(_failed(f"{path.name} takes more than {MAX_MEMORY_BYTES >> 30} GB of memory to decode."))
        except Exception as error:
            # An unexpected error in a decoder fails this file only.
            send(_failed(f"{path.name} cannot be read ({type(error).__name__}: {error})."))


def _receive_jobs(connection: Connection, jobs: queue.SimpleQueue, copies: LastCopy) -> None:
    """Put received jobs into the queue; exit, even during a job, when the parent closes the connection."""
    with suppress(EOFError, OSError):
        while True:
            jobs.put(connection.recv())
    _exit(copies)


def _exit(copies: LastCopy) -> None:
    """Delete the copy of a remote file and exit at once: decoding threads would delay a normal exit."""
    copies.forget()
    os._exit(0)


def _failed(reason: str) -> Answer:
    return Answer("failed", valid_text(reason))


def _start_hang_timer() -> None:
    """End the process after `HANG_LIMIT_S`, unless the timer is cancelled.

    The timer is a thread in C, so it works even if Python hangs.
    """
    faulthandler.dump_traceback_later(HANG_LIMIT_S, exit=True, file=sys.__stderr__)


def _limit_memory() -> None:
    """Limit the address space, so that a file that needs too much memory fails; disable core dumps."""
    if sys.platform == "linux":
        import resource

        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextmanager
def _tag_memory() -> Iterator[None]:
    """Lower the limit of the address space. Raise MemoryError, at the latest, beyond `TAG_MEMORY_BYTES`."""
    if sys.platform != "linux":
        yield
        return
    import resource

    limit, hard_limit = resource.getrlimit(resource.RLIMIT_AS)
    if limit == resource.RLIM_INFINITY:
        yield  # Not in a decoding process.
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    lower = min(limit, pages * resource.getpagesize() + TAG_MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (lower, hard_limit))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard_limit))
