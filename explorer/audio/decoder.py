"""Decode files in a separate process, so that a file that crashes or hangs its decoder fails alone.

Messages through the pipe are pickled, because both processes trust each other: the separation protects
against crashes, not against an attacker.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from explorer.audio.decoder_messages import Answer, SampledWindows
from explorer.audio.decoder_start import DecoderProcess
from explorer.audio.pictures import Spectrogram, Waveform
from explorer.audio.playable import previews_in
from explorer.errors import AudioError, ExplorerError
from explorer.library.music_file import WHOLE, Cover, Fingerprints, Part, Tags
from explorer.library.remote import RemotePath
from explorer.structure.song_features import SongFeatures
from explorer.util.text import valid_text

MESSAGE_TIMEOUT_S = 60.0
"""The current file fails if the process sends no message for this long. A slow disk does not cause that: the
process sends messages while it reads."""

WAITING_LIMIT_S = 600.0
"""Limit of the total time spent waiting for messages about one file, in addition to the sound's duration."""

SILENT_JOBS = ("preview", "copy", "waveform", "spectrogram", "sampled windows")
SILENT_TIMEOUT_FACTOR = 5
"""Multiplies the message timeout for jobs about which the process sends no message until they are done."""

_START_TIMEOUT_S = 60.0
_START_ATTEMPTS, _ATTEMPT_PAUSE_S = 3, 0.5


class DecoderError(ExplorerError):
    """No decoding process can be started. The cause is the machine, not a file."""


class Sound:
    """The sound of a file that is being decoded. Iterate over `blocks` only once, and to the end.

    Attributes
    ----------
    format : str
        Container and codec; set before the first block is yielded.
    claimed_s : float
        The file's duration as its header claims it; set with the format. It may be wrong, and 0 is unknown.
    duration_s : float
        Duration of the sound decoded so far.
    note : str
        A sentence about what was unusual; set after the last block, and usually empty.
    louder_channel : int or None
        See `AudioStream.louder_channel`; set after the last block.
    features : SongFeatures or None
        Set after the last block, if they were asked for.
    """

    def __init__(self, answers: Iterator[Answer], *, format: str = "") -> None:
        self._answers = answers
        self.format, self.note = format, ""
        self.claimed_s = self.duration_s = 0.0
        self.louder_channel: int | None = None
        self.features: SongFeatures | None = None

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield mono samples.

        Yields
        ------
        np.ndarray [shape=(m,), float32]

        Raises
        ------
        AudioError
            If the file is damaged, or its decoder crashes or hangs.
        """
        for answer in self._answers:
            if answer.kind == "format":
                self.format, self.claimed_s = answer.value
            elif answer.kind == "sound":
                self.duration_s = answer.duration_s
                yield answer.value
            else:
                self.duration_s, self.note, self.louder_channel, self.features = answer.value


class Decoder:
    """Reads files, one at a time, in another process; starts a new process if a file ends the old one.

    Only one thread at a time may use a Decoder. Close it, or use it in a `with` statement.

    Parameters
    ----------
    message_timeout_s : float
        The current file fails if the process sends no message for this many seconds.
    niceness : int
        The process's niceness on POSIX, from 0 to 19; a higher value gives other processes more CPU time.
    """

    def __init__(self, *, message_timeout_s: float = MESSAGE_TIMEOUT_S, niceness: int = 0) -> None:
        self._message_timeout_s = message_timeout_s
        self._niceness = niceness
        self._process: DecoderProcess | None = None
        self._is_busy = False
        self._is_interrupted = False
        self._lock = threading.Lock()

    def fingerprints(
        self, path: Path, *, video: bool = True, sheets: Sequence[Path | RemotePath] | None = None
    ) -> Fingerprints:
        """Read a file's fingerprints and tags, and its tracks.

        Parameters
        ----------
        video : bool
            Whether a file may hold moving pictures.
        sheets : sequence of Path or RemotePath, optional
            The cue sheets in the file's folder. None ignores all cue sheets, also one inside the file.

        Raises
        ------
        AudioError
            If the file cannot be read.
        DecoderError
            If no decoding process can be started. The other methods raise it too.
        """
        *_, answer = self._run("fingerprints", path, video=video, sheets=sheets)
        return answer.value

    def tags(self, path: Path) -> Tags:
        """Read a file's tags; the errors are those of `fingerprints`."""
        *_, answer = self._run("tags", path)
        return answer.value

    def duration(self, path: Path, *, limit_s: float) -> float:
        """Decode a file, and return the duration of its sound; the errors are those of `fingerprints`.

        Longer sound is not decoded to its end: the result is then a little more than `limit_s`.
        """
        *_, answer = self._run("duration", path, limit_s=limit_s)
        return answer.value

    def sound(
        self,
        path: Path,
        *,
        rate_hz: int | None,
        seconds: float | None = None,
        channel: int | None = None,
        features: bool = False,
    ) -> Sound:
        """Decode a file.

        Parameters
        ----------
        rate_hz : int or None
            Sample rate to resample to; None keeps the file's own rate.
        seconds : float, optional
            Decode only about the first `seconds` of the file.
        channel : int, optional
            Decode this channel alone, instead of the average of the channels.
        features : bool
            Also measure the sound's features. This needs 48 kHz.
        """
        options = {"rate_hz": rate_hz, "seconds": seconds, "channel": channel, "features": features}
        return Sound(self._run("sound", path, **options))

    def sounds(
        self, path: Path, *, rate_hz: int, parts: Mapping[Part, int | None], features: bool = False
    ) -> Iterator[Sound]:
        """Decode parts of a file, in one go: iterate over the blocks of each sound before the next sound.

        Parameters
        ----------
        parts : mapping of Part to int or None
            The parts in their order, without overlaps; each with the only channel to decode, or None for the
            average of the channels.
        features : bool
            As for `sound`.
        """
        options = {"parts": list(parts), "channels": list(parts.values()), "features": features}
        answers = self._run("parts", path, rate_hz=rate_hz, **options)
        format_name = ""
        for _ in parts:
            sound = Sound(_until_end_of_part(answers), format=format_name)
            yield sound
            format_name = sound.format
        list(answers)

    def sampled_windows(
        self, path: Path, *, count: int, hop_s: float, part: Part = WHOLE, channel: int | None = None
    ) -> SampledWindows:
        """Read windows of a song, spread evenly over it, and decode little more than these.

        The windows are those of `frontend.windows`. Where they cannot be found by seeking or by skipping
        packets, the whole song is decoded. In a damaged file, the windows after the damage may lie where they
        would lie without it: the full pass leaves the damaged sound out, so that the rest moves forward.

        Parameters
        ----------
        count : int
            How many windows to read: see `choose_windows`.
        hop_s : float
            Seconds from the start of a window to the start of the next, on the grid of all windows.
        channel : int, optional
            Decode this channel alone, instead of the average of the channels.

        Raises
        ------
        AudioError
            If the song cannot be decoded, or holds no sound.
        """
        *_, answer = self._run("sampled windows", path, count=count, hop_s=hop_s, part=part, channel=channel)
        return answer.value

    def features(self, path: Path, parts: Sequence[Part] = (WHOLE,)) -> list[SongFeatures]:
        """Measure the features of parts of a file, in their order: see `measure_parts`."""
        *_, answer = self._run("features", path, parts=list(parts))
        return answer.value

    def tags_by_track(
        self, path: Path | RemotePath, *, sheets: Sequence[Path | RemotePath] | None
    ) -> dict[int, Tags]:
        """Read a file's tags, under the number 0, and those of its tracks: see `fingerprints`."""
        *_, answer = self._run("tags by track", path, sheets=sheets)
        return answer.value

    def cover(self, path: Path) -> Cover | None:
        """Read a file's cover picture: see `read_cover`."""
        *_, answer = self._run("cover", path)
        return answer.value

    def waveform(self, path: Path, part: Part = WHOLE) -> Waveform:
        """Measure the waveform of a song: see `measure_waveform`."""
        *_, answer = self._run("waveform", path, part=part)
        return answer.value

    def spectrogram(self, path: Path, part: Part = WHOLE) -> Spectrogram:
        """Compute the spectrogram of a song: see `spectrogram`."""
        *_, answer = self._run("spectrogram", path, part=part)
        return answer.value

    def write_copy(self, path: Path, target: Path, *, part: Part = WHOLE) -> None:
        """Write a FLAC copy of a song. If this fails, the file may be there in part."""
        list(self._run("copy", path, target=target.absolute(), part=part))

    def write_preview(
        self, path: Path, *, cache: Path, key: str, start_s: float | None, part: Part = WHOLE
    ) -> None:
        """Write a song's preview into a cache, and replace an existing one: see `previews.write_preview`.

        Parameters
        ----------
        cache : Path
            The folder of previews.
        key : str
            The preview's key in the cache: the song's fingerprint.
        """
        try:
            # This process names the temporary file, so it can delete the file if the other one is killed.
            with previews_in(cache).writing(key) as target:
                list(self._run("preview", path, target=target.absolute(), start_s=start_s, part=part))
        except OSError as error:
            raise AudioError(
                f"The preview of {_name(path)} cannot be written in {cache}: {error.strerror}."
            ) from error

    def interrupt(self) -> None:
        """Make the current job and all later jobs fail; any thread may call this."""
        with self._lock:
            self._is_interrupted = True
            if self._process:
                self._process.kill()

    def close(self) -> None:
        """Kill the process, even during a job."""
        with self._lock:
            process, self._process, self._is_busy = self._process, None, False
        if process:
            process.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def _run(self, job: str, path: Path, **options: object) -> Iterator[Answer]:
        """Send a job and yield its answers except "alive"; kill the process if the caller stops early."""
        process = self._ready_process(path)
        self._is_busy = True
        is_finished = False
        message_timeout_s = self._message_timeout_s * (SILENT_TIMEOUT_FACTOR if job in SILENT_JOBS else 1)
        waited_s, limit_s = 0.0, WAITING_LIMIT_S
        try:
            message = (job, path, process.copy_folder_for(path), options)
            # If sending fails because the process has just ended, `_next_answer` raises the error.
            with suppress(OSError):
                process.connection.send(message)
            while not is_finished:
                began = time.monotonic()
                answer = self._next_answer(process, path, message_timeout_s)
                waited_s += time.monotonic() - began
                is_finished = answer.kind in ("end", "failed")
                if answer.kind == "failed":
                    raise AudioError(answer.value)
                if answer.kind == "alive":
                    # Copying a remote file, or hashing a large one, may take longer than `WAITING_LIMIT_S`.
                    limit_s += message_timeout_s
                    continue
                if waited_s > limit_s + answer.duration_s and not is_finished:
                    raise AudioError(f"{_name(path)} takes too long to decode ({waited_s:.0f} s).")
                yield answer
        finally:
            # A later job, or `close`, may have replaced the process before this job ended. In that case
            # `self._is_busy` belongs to the later job.
            if self._process is process:
                self._is_busy = False
                if not is_finished:
                    self.close()

    def _next_answer(self, process: DecoderProcess, path: Path, message_timeout_s: float) -> Answer:
        if self._process is not process:
            raise AudioError(f"{_name(path)} was not decoded to its end: another file was requested.")
        try:
            answer = process.receive(message_timeout_s)
        except (EOFError, OSError):
            if self._is_interrupted:
                reason = "was not decoded to its end: decoding was interrupted"
            else:
                reason = f"crashes its decoder ({process.describe_exit()})"
            raise AudioError(f"{_name(path)} {reason}.") from None
        if answer is None:
            raise AudioError(f"{_name(path)} makes its decoder hang: no message for {message_timeout_s:g} s.")
        return answer

    def _ready_process(self, path: Path) -> DecoderProcess:
        """Return a process that waits for a job: the current one, or a new one."""
        if self._process and (self._is_busy or self._process.has_ended()):
            self.close()
        reason = ""
        for attempt in range(_START_ATTEMPTS):
            if self._process or self._is_interrupted:
                break
            if attempt:
                time.sleep(_ATTEMPT_PAUSE_S)
            reason = self._start()
        if self._is_interrupted:
            raise AudioError(f"{_name(path)} was not decoded: decoding was interrupted.")
        if self._process is None:
            raise DecoderError(
                f"No decoding process can be started ({reason}): check that memory is free, then run "
                "`python run.py test`."
            )
        return self._process

    def _start(self) -> str:
        """Start a process; return "" or the reason of the failure."""
        try:
            with self._lock:
                self._process = process = DecoderProcess(self._niceness)
        except OSError as error:
            return str(error.strerror)
        with suppress(EOFError, OSError):
            if process.receive(_START_TIMEOUT_S):
                return ""
        reason = process.describe_exit()
        self.close()
        return reason


def _until_end_of_part(answers: Iterator[Answer]) -> Iterator[Answer]:
    for answer in answers:
        yield answer
        if answer.kind == "part":
            break


def _name(path: Path) -> str:
    return valid_text(path.name)
