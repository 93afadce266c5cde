"""Runs the jobs that decode or encode sound for the page in decoding processes.

The threads that answer requests only wait for these jobs, and only some of them may wait at the same time:
the others stay free for the map, for searches and for sound that is cached.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Hashable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from flask import has_request_context, request

from explorer.audio.decoder import Decoder, DecoderError
from explorer.audio.decoder_pool import BusyError, DecoderPool, Kind
from explorer.audio.pictures import MAX_PICTURE_BYTES, Spectrogram, Waveform, spectrograms_in, waveforms_in
from explorer.audio.playable import copies_in, previews_in
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Cover, Fingerprints, Part, Tags
from explorer.library.remote import RemotePath
from explorer.library.remote_copies import as_local, copies_of
from explorer.structure.song_features import SongFeatures
from explorer.util.cache import Cache
from explorer.web.security import RefusedError, refuse_other_sites

# These jobs decode a whole song. A copy comes first, because somebody waits to hear it. One process stays
# free of spectrograms, because that of a long song takes a minute.
_COPY, _WAVEFORM, _SPECTROGRAM = Kind(0, 2, 3), Kind(1, 2, 3), Kind(2, 1, 3)

# Short jobs. A file that makes its decoder hang keeps at most one of two processes from making previews.
# While the pointer moves over the map, the page drops the four previews it waits for, and asks for others.
_TAGS, _COVER, _PREVIEW = Kind(0, 1, 3), Kind(1, 1, 3), Kind(2, 2, 8)

_FETCH = Kind(0, 2, 2)

MAX_WAITING_REQUESTS = sum(
    kind.max_waiting for kind in (_COPY, _WAVEFORM, _SPECTROGRAM, _TAGS, _COVER, _PREVIEW, _FETCH)
)
"""At most this many requests wait for jobs at the same time. The server must have more threads."""

_HEAVY_NICENESS = 10
_HEAVY_TIMEOUT_S = 120.0
"""Copies, waveforms and spectrograms may take five times as long: see `SILENT_TIMEOUT_FACTOR`."""

_QUICK_TIMEOUT_S = 20.0
"""Previews may take five times as long."""

Result = TypeVar("Result")


class SoundJobs:
    """Decodes files for the page in other processes, so that no file can end the server or fill its memory.

    What is in a cache is returned at once, without a lock. All methods may be called from several threads at
    once. They raise AudioError if the file cannot be read, or its decoder crashes, hangs or takes too much
    memory; and RefusedError if too many requests wait (503), or another site asks for something that is not
    made yet (403).
    """

    def __init__(self) -> None:
        self._heavy = DecoderPool(2, niceness=_HEAVY_NICENESS, message_timeout_s=_HEAVY_TIMEOUT_S)
        self._quick = DecoderPool(2, message_timeout_s=_QUICK_TIMEOUT_S)
        self._remote = DecoderPool(2)
        # Also called when the program ends.
        self._close = weakref.finalize(self, _close, (self._heavy, self._quick, self._remote))

    def close(self) -> None:
        """End the processes."""
        self._close()

    def tags(self, path: Path) -> Tags:
        """Read a file's tags."""
        return _run(self._quick, _TAGS, ("tags", path), lambda decoder: decoder.tags(path))

    def fingerprints(self, path: Path) -> Fingerprints:
        """Read a file's fingerprints and tags."""
        return _run(self._quick, _TAGS, ("fingerprints", path), lambda decoder: decoder.fingerprints(path))

    def features(self, path: Path) -> SongFeatures:
        """Measure the features of a song that is a whole file."""
        return _run(self._heavy, _WAVEFORM, ("features", path), lambda decoder: decoder.features(path)[0])

    def cover(self, path: Path) -> Cover | None:
        """Read a file's cover picture; None if it has none."""
        return _run(self._quick, _COVER, ("cover", path), lambda decoder: decoder.cover(path))

    def preview(
        self, path: Path, *, cache: Path, key: str, start_s: float | None, part: Part = WHOLE
    ) -> Path:
        """Return a song's preview; the parameters are those of `Decoder.write_preview`."""
        previews = previews_in(cache)

        def write(decoder: Decoder) -> Path:
            # Look again: the same job may have ended just before this one came.
            if not previews.find(key):
                decoder.write_preview(path, cache=cache, key=key, start_s=start_s, part=part)
            return previews.path(key)

        return previews.find(key) or _run(self._quick, _PREVIEW, previews.path(key), write)

    def copy(self, path: Path, *, cache: Path, key: str, part: Part = WHOLE) -> Path:
        """Return a FLAC copy of a song.

        Parameters
        ----------
        cache : Path
            The folder of copies.
        key : str
            The copy's key in the cache: the song's fingerprint.
        part : Part
            The part of the file that is the song.
        """

        def write(decoder: Decoder, target: Path) -> None:
            decoder.write_copy(path, target, part=part)

        return _cached(self._heavy, _COPY, copies_in(cache), key, write, f"A playable copy of {path.name}")

    def fetched(self, path: Path | RemotePath, *, cache: Path, key: str) -> Path:
        """Return a local file: the path itself, or a cached copy of a remote file."""
        if isinstance(path, Path):
            return path

        def write(_decoder: Decoder, target: Path) -> None:
            # Nothing is decoded, so a thread of the pool does this, and no process is started.
            with as_local(path) as copy:
                shutil.copyfile(copy, target)

        return _cached(
            self._remote, _FETCH, copies_of(path, cache=cache), key, write, f"A copy of {path.name}"
        )

    def waveform(self, path: Path, *, cache: Path, key: str, part: Part = WHOLE) -> Waveform:
        """Return a song's waveform; the parameters are those of `copy`."""
        return _picture(
            self._heavy,
            _WAVEFORM,
            Waveform,
            waveforms_in(cache),
            key,
            lambda decoder: decoder.waveform(path, part),
        )

    def spectrogram(self, path: Path, *, cache: Path, key: str, part: Part = WHOLE) -> Spectrogram:
        """Return a song's spectrogram; the parameters are those of `copy`."""
        return _picture(
            self._heavy,
            _SPECTROGRAM,
            Spectrogram,
            spectrograms_in(cache),
            key,
            lambda decoder: decoder.spectrogram(path, part),
        )


def _close(pools: tuple[DecoderPool, ...]) -> None:
    for pool in pools:
        pool.close()


def _cached(
    pool: DecoderPool, kind: Kind, cache: Cache, key: str, write: Callable[[Decoder, Path], None], what: str
) -> Path:
    """Return the path of a key's file in a cache; make the file in a job if it does not exist."""

    def work(decoder: Decoder) -> Path:
        if found := cache.find(key):  # The same job may have ended just before this one came.
            return found
        try:
            # This process names the temporary file, so it can delete the file if the other one is killed.
            with cache.writing(key) as target:
                write(decoder, target)
        except OSError as error:
            raise AudioError(f"{what} cannot be written in {cache.folder}: {error.strerror}.") from error
        return cache.path(key)

    return cache.find(key) or _run(pool, kind, cache.path(key), work)


def _picture(
    pool: DecoderPool,
    kind: Kind,
    picture: type[Waveform | Spectrogram],
    cache: Cache,
    key: str,
    compute: Callable[[Decoder], Waveform | Spectrogram],
) -> Waveform | Spectrogram:
    """Return a waveform or a spectrogram from its cache file, or compute it in a job and write the file."""

    def work(decoder: Decoder) -> Waveform | Spectrogram:
        result = compute(decoder)
        # If the file cannot be written, the picture is computed again when it is needed.
        with suppress(OSError), cache.writing(key) as target:
            target.write_bytes(result.to_bytes())
        return result

    with suppress(OSError):
        if found := cache.find(key):
            with found.open("rb") as file:  # A damaged file can be of any size.
                content = file.read(MAX_PICTURE_BYTES)
            if result := picture.from_bytes(content):
                return result
    return _run(pool, kind, cache.path(key), work)


def _run(pool: DecoderPool, kind: Kind, key: Hashable, work: Callable[[Decoder], Result]) -> Result:
    """Do a job, for a request or for a thread of the server itself."""
    is_request = has_request_context()
    if is_request:
        refuse_other_sites()
    is_gone = request.environ.get("waitress.client_disconnected") if is_request else None
    try:
        return pool.run(kind, key, work, is_bounded=is_request, is_wanted=lambda: not (is_gone and is_gone()))
    except (BusyError, DecoderError) as error:
        raise RefusedError(503, str(error)) from error
