"""Stores the songs that users drop on the map, embeds them one after another, and finds similar songs."""

from __future__ import annotations

import logging
import secrets
import shutil
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from explorer.audio.decoder import Decoder
from explorer.config import Settings
from explorer.errors import AudioError, ExplorerError
from explorer.indexing.model import is_same_model
from explorer.library.music_file import Tags
from explorer.library.text_encoding import decode_tags
from explorer.util.cache import Cache
from explorer.web.data.reader import open_library
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.data.song_lists import describe_neighbours
from explorer.web.security import MAX_UPLOAD_BYTES, RefusedError
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.embed_process import EmbedProcess, time_limit_s
from explorer.web.uploads.keep import keep_song, safe_name
from explorer.web.uploads.upload import Upload
from explorer.web.uploads.upload_folder import UploadFolder, require_space

MAX_UPLOADS = 20
MAX_LONG = 3
"""At most this many of the uploads are long songs that are not finished."""

MAX_DURATION_S = 3660.0
"""A dropped song may last an hour; a mix "of an hour" is often some seconds longer."""

MAX_AGE_S = 24 * 3600.0
MIN_READY_S = 600.0
"""A song that is ready is not removed for another one before this time: somebody may be listening to it."""

_CLEANUP_INTERVAL_S = 60.0
_LONG_NICENESS = 10
"""Songs that are not long are embedded at the same time, and take less time: they go first."""

_log = logging.getLogger(__name__)


class UploadQueue:
    """The songs that users dropped on the map: at most 20, each for about a day.

    Two threads embed them one after another: one thread long songs, and the other thread all others. So a
    song waits for long ones only if it is long too.

    Parameters
    ----------
    settings : Settings
    holder : CatalogueHolder
        Holds the snapshot of the library whose songs they are compared with.
    jobs : SoundJobs
        Reads the songs that are added to the library.
    time_limit : callable
        Returns how many seconds embedding a song may take, from the song's duration.
    """

    def __init__(
        self,
        settings: Settings,
        holder: CatalogueHolder,
        jobs: SoundJobs,
        *,
        time_limit: Callable[[float], float] = time_limit_s,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._holder = holder
        self._time_limit = time_limit
        self._changed = threading.Condition()
        self._uploads: dict[str, Upload] = {}
        self._arriving: dict[str, int] = {}
        """The songs whose bytes are being stored: their sizes."""
        self._folder = UploadFolder(settings.uploads)
        self._folder.sweep()
        self._decoder = Decoder()
        """Reads the songs. Only the thread of the songs that are not long uses it."""
        self._threads: list[threading.Thread] = []
        weakref.finalize(self, _clean_up, self._folder, self._uploads)

    # For the routes

    def add(self, name: str, source: BinaryIO, *, size_bytes: int = MAX_UPLOAD_BYTES) -> Upload:
        """Store a song, and append it to the queue.

        Parameters
        ----------
        name : str
            The file's name. It becomes the title if there are no tags, and the file's name in the library.
        source : BinaryIO
            The file's bytes.
        size_bytes : int
            Their number, if it is known.

        Raises
        ------
        RefusedError
            If the library has no map, the file is empty or too large, it cannot be stored, or there are too
            many songs.
        LibraryError
            If the library cannot be read.
        """
        if not len(self._holder.current()) and not len(self._holder.latest()):
            raise RefusedError(409, "There is no map to place this song on: index your music first.")
        self._discard_old()
        token, name = secrets.token_urlsafe(16), safe_name(name)
        with self._place_for(token, size_bytes):
            path = self._folder.store(source, token=token, name=name)
            upload = Upload(token, name, path, Tags(path.stem))
            with self._changed:
                del self._arriving[token]
                self._uploads[token] = upload
                self._start_threads()
                self._changed.notify_all()
        return upload

    def get(self, token: str) -> Upload:
        """Return an upload; raise RefusedError if the token is unknown or the upload was removed."""
        upload = self._uploads.get(token)
        if upload is None:
            raise RefusedError(404, "This song is no longer on the server: drop it on the map again.")
        return upload

    def describe(self, token: str) -> dict:
        """Return the state of an upload; once it is ready, also its neighbours and its places on the maps.

        Raises
        ------
        RefusedError
            If the token is unknown, or the library has no map any more.
        LibraryError
            If the library cannot be read.
        """
        upload = self.get(token)
        phase, comparison = upload.phase, None
        if phase == "ready":
            with upload.lock:
                comparison = self._compare(upload)
            phase = "ready" if comparison else "waiting"
        embedded = upload.embedded
        return {
            "token": token,
            "name": upload.name,
            "phase": phase,
            "text": upload.text,
            "share": upload.share,
            "error": upload.error,
            "title": upload.tags.title,
            "artist": ", ".join(upload.tags.artists),
            "genres": list(upload.tags.genres),
            "duration_s": embedded.duration_s if embedded else None,
            "ahead": self._count_ahead(upload) if phase == "waiting" else 0,
            "song_id": upload.song_id,
            **(comparison or {"revision": None, "neighbours": [], "places": {}}),
        }

    def remove(self, token: str) -> None:
        """Remove an upload and its file, and stop its embedding; raise as `get` does."""
        self._discard(self.get(token))

    def keep(self, token: str) -> str:
        """Add an upload to the library and return its song id; a second call returns the same id.

        Raises
        ------
        RefusedError
            If the token is unknown, or the upload is not ready.
        LibraryError, AudioError
            As `explorer.web.uploads.keep.keep_song` does.
        """
        upload = self.get(token)
        with upload.lock:
            if upload.phase != "ready":
                raise RefusedError(409, f"{upload.name} is not analysed yet, so it cannot be added.")
            if upload.song_id is None:
                upload.song_id = keep_song(
                    self._settings.database, upload.path, upload.name, upload.embedded, jobs=self._jobs
                )
            return upload.song_id

    # Internal

    def _compare(self, upload: Upload) -> dict | None:
        """Return an upload's neighbours and places in the snapshot that the page shows.

        Return None if the library's model has changed since the upload was embedded: it is embedded again.
        """
        catalogue = self._holder.current()
        if upload.comparison is not None and upload.comparison[0]() is catalogue:
            return upload.comparison[1]
        if not len(catalogue):
            raise RefusedError(409, "The library has no map any more: index your music again.")
        with open_library(self._settings.database) as database:
            model, shows_coarse = database.model(), database.shows_coarse()
        has_vector = upload.embedded is not None and (upload.embedded.coarse is not None or not shows_coarse)
        if not has_vector or not is_same_model(model, upload.embedded.model):
            self._embed_again(upload)
            return None
        vector = upload.embedded.coarse if shows_coarse else upload.embedded.vector
        comparison = {
            "revision": catalogue.revision,
            "neighbours": describe_neighbours(catalogue, catalogue.nearest_to(vector)),
            "places": catalogue.place(vector),
        }
        upload.comparison = (weakref.ref(catalogue), comparison)
        return comparison

    def _embed_again(self, upload: Upload) -> None:
        with self._changed:
            upload.phase, upload.embedded, upload.comparison = "waiting", None, None
            self._changed.notify_all()

    def _count_ahead(self, upload: Upload) -> int:
        """Return how many songs must be finished before this one begins."""
        ahead = 0
        for other in list(self._uploads.values()):
            if other is upload:
                break
            ahead += not other.is_finished and other.is_long == upload.is_long
        return ahead

    @contextmanager
    def _place_for(self, token: str, size_bytes: int) -> Iterator[None]:
        """Hold a place for a song while its bytes are stored; it counts as an upload.

        The oldest finished uploads are discarded if there are too many. A failed one may go at once, and a
        ready one after a time, so that nobody can push out the songs of others.
        """
        folder = self._folder.path()
        with self._changed:
            surplus = len(self._uploads) + len(self._arriving) - MAX_UPLOADS + 1
            discarded = self._discardable()[: max(0, surplus)]
            if surplus > len(discarded):
                raise RefusedError(
                    429,
                    f"The server already holds {MAX_UPLOADS} dropped songs: drop this one a little later.",
                )
            require_space(folder, size_bytes + sum(self._arriving.values()))
            self._arriving[token] = size_bytes
            for upload in discarded:
                del self._uploads[upload.token]
        try:
            for upload in discarded:
                self._discard(upload)
            yield
        finally:
            self._arriving.pop(token, None)

    def _discardable(self) -> list[Upload]:
        """Return the uploads that may be discarded for a new one, in the order in which they go."""
        latest_s = time.monotonic() - MIN_READY_S
        idle = [
            upload for upload in self._uploads.values() if upload.is_finished and not upload.lock.locked()
        ]
        failed = [upload for upload in idle if upload.phase == "failed"]
        return failed + [
            upload for upload in idle if upload.phase == "ready" and upload.finished_s < latest_s
        ]

    def _discard_old(self) -> None:
        with self._changed:
            now = time.monotonic()
            old = [upload for upload in self._uploads.values() if now - upload.arrived_s > MAX_AGE_S]
        for upload in old:
            self._discard(upload)

    def _discard(self, upload: Upload) -> None:
        with self._changed:
            self._uploads.pop(upload.token, None)
            if upload.stop is not None:
                upload.stop()
        with upload.lock:  # Wait if it is being added to the library.
            shutil.rmtree(upload.path.parent, ignore_errors=True)
            with suppress(OSError):
                Cache(upload.copies, suffix=".flac").path(upload.token).unlink(missing_ok=True)

    def _start_threads(self) -> None:
        if not self._threads:
            for is_long in (False, True):
                thread = threading.Thread(target=self._work, args=(is_long,), name="uploads", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _work(self, is_long: bool) -> None:
        """A thread: embed waiting uploads one after another; when there are none, clean up once a minute."""
        while True:
            with self._changed:
                upload = next(
                    (u for u in self._uploads.values() if u.phase == "waiting" and u.is_long == is_long), None
                )
                if upload is None:
                    is_idle = not self._changed.wait(_CLEANUP_INTERVAL_S)
                else:
                    upload.phase, upload.text, upload.share = "embedding", "Starting", 0.0
            if upload is None:
                if is_idle and not is_long:
                    self._decoder.close()
                self._discard_old()
            else:
                self._analyse(upload, is_long)

    def _analyse(self, upload: Upload, is_long: bool) -> None:
        """Read and embed an upload; if the other thread must embed it, only read it."""
        try:
            if upload.duration_s is None:
                self._read(upload)
            if upload.is_long != is_long:
                with self._changed:
                    upload.phase = "waiting"
                    self._changed.notify_all()
                return
            self._embed(upload)
        except ExplorerError as error:
            return upload.finish(str(error))
        except Exception as error:
            # An unexpected error must not end the thread, which has to embed the next uploads.
            return upload.finish(f"{upload.name} cannot be analysed ({type(error).__name__}: {error}).")
        try:
            with upload.lock:
                self._compare(upload)
        except Exception as error:
            _log.info("%s will be compared when the page asks for it: %s", upload.name, error)
        if upload.embedded is not None:  # `_compare` sets it to None if it must be embedded again.
            upload.finish()

    def _read(self, upload: Upload) -> None:
        """Read an upload's tags, and decode it to learn its duration: a header may claim a wrong one."""
        with self._stoppable(upload, self._decoder.close):
            upload.tags = decode_tags(self._decoder.tags(upload.path))
            duration_s = self._decoder.duration(upload.path, limit_s=MAX_DURATION_S)
        if duration_s > MAX_DURATION_S:
            raise AudioError(f"{upload.name} is longer than an hour: drop a part of it, or index it.")
        with self._changed:
            n_long = sum(other.is_long and not other.is_finished for other in self._uploads.values())
            upload.duration_s = duration_s
            if upload.is_long and n_long >= MAX_LONG:
                raise AudioError(f"{MAX_LONG} long songs are waiting already: drop {upload.name} later.")

    def _embed(self, upload: Upload) -> None:
        def report(text: str, share: float) -> None:
            upload.text, upload.share = text, share

        process = EmbedProcess(
            upload.path,
            self._settings.database,
            limit_s=self._time_limit(upload.duration_s),
            niceness=_LONG_NICENESS if upload.is_long else 0,
        )
        with self._stoppable(upload, process.kill):
            upload.embedded = process.embed(report)

    @contextmanager
    def _stoppable(self, upload: Upload, stop: Callable[[], object]) -> Iterator[None]:
        """Let `_discard` stop the work on an upload; stop it at once if the upload was already discarded."""
        with self._changed:
            upload.stop = stop
            if upload.token not in self._uploads:
                stop()
        try:
            yield
        finally:
            with self._changed:
                upload.stop = None


def _clean_up(folder: UploadFolder, uploads: dict[str, Upload]) -> None:
    for upload in list(uploads.values()):
        if upload.stop is not None:
            upload.stop()
    folder.remove()
