"""Stores the songs that users drop on the map, embeds them one after another, and finds similar songs."""

from __future__ import annotations

import errno
import logging
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from explorer.config import Settings
from explorer.errors import ExplorerError
from explorer.indexing.model import is_same_model
from explorer.library.music_file import Tags
from explorer.library.text_encoding import decode_tags
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.reader import open_library
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.security import MAX_UPLOAD_BYTES, RefusedError
from explorer.web.sound_jobs import SoundJobs
from explorer.web.uploads.embed_process import TIME_LIMIT_S, EmbedProcess
from explorer.web.uploads.keep import EmbeddedFile, keep_song, safe_name

MAX_UPLOADS = 20
MAX_AGE_S = 24 * 3600.0
_CLEANUP_INTERVAL_S = 3600.0
_BLOCK_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass
class Upload:
    """A song that a user dropped on the map.

    Attributes
    ----------
    arrived_s : float
        When it was uploaded, by `time.monotonic`.
    phase : {"waiting", "embedding", "ready", "failed"}
    text, share
        The current step of its embedding, and the finished share of that step.
    error : str
        Why it failed.
    process : EmbedProcess or None
        The process that embeds it now.
    comparison : tuple of a weak reference to a Catalogue and a dict, or None
        Its neighbours and places in that snapshot of the library.
    song_id : str or None
        Its id after it was added to the library.
    lock : threading.Lock
        Held while it is compared or added, so that two requests do not both do it.
    """

    token: str
    name: str
    path: Path
    tags: Tags
    arrived_s: float = field(default_factory=time.monotonic)
    phase: str = "waiting"
    text: str = ""
    share: float = 0.0
    error: str = ""
    embedded: EmbeddedFile | None = None
    process: EmbedProcess | None = None
    comparison: tuple[weakref.ref[Catalogue], dict] | None = None
    song_id: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class UploadQueue:
    """The songs that users dropped on the map: at most 20, each for about a day.

    Parameters
    ----------
    settings : Settings
    holder : CatalogueHolder
        Holds the snapshot of the library whose songs they are compared with.
    jobs : SoundJobs
        Reads their tags.
    limit_s : float
        The time limit for embedding one song.
    """

    def __init__(
        self,
        settings: Settings,
        holder: CatalogueHolder,
        jobs: SoundJobs,
        *,
        limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._settings = settings
        self._jobs = jobs
        self._holder = holder
        self._limit_s = limit_s
        self._changed = threading.Condition()
        self._uploads: dict[str, Upload] = {}
        self._folder: Path | None = None
        self._thread: threading.Thread | None = None

    # For the routes

    def add(self, name: str, source: BinaryIO) -> Upload:
        """Store a song, and append it to the queue.

        Parameters
        ----------
        name : str
            The file's name. It becomes the title if there are no tags, and the file's name in the library.
        source : BinaryIO
            The file's bytes.

        Raises
        ------
        RefusedError
            If the library has no map, the file is empty or too large, it cannot be stored, or too many songs
            wait.
        LibraryError
            If the library cannot be read.
        """
        if not len(self._holder.current()) and not len(self._holder.latest()):
            raise RefusedError(409, "There is no map to place this song on: index your music first.")
        self._discard_old()
        self._make_room()
        token = secrets.token_urlsafe(16)
        path = self._get_folder() / token / safe_name(name)
        try:
            path.parent.mkdir()
            if not _receive(source, path):
                raise RefusedError(400, f"{path.name} is empty.")
            tags = decode_tags(self._jobs.tags(path))
            upload = Upload(token, path.name, path, tags)
        except BaseException as error:
            shutil.rmtree(path.parent, ignore_errors=True)
            if isinstance(error, OSError):
                raise _cannot_store(path, error) from error
            raise
        with self._changed:
            self._uploads[token] = upload
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="uploads", daemon=True)
                self._thread.start()
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
                upload.song_id = keep_song(self._settings.database, upload.path, upload.name, upload.embedded)
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
            model = database.model()
        if upload.embedded is None or not is_same_model(model, upload.embedded.model):
            self._embed_again(upload)
            return None
        vector = upload.embedded.vector
        comparison = {
            "revision": catalogue.revision,
            "neighbours": catalogue.describe_neighbours(catalogue.nearest_to(vector)),
            "places": catalogue.place(vector),
        }
        upload.comparison = (weakref.ref(catalogue), comparison)
        return comparison

    def _embed_again(self, upload: Upload) -> None:
        with self._changed:
            upload.phase, upload.embedded, upload.comparison = "waiting", None, None
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Discard the oldest finished uploads if there are too many; refuse if too many are unfinished."""
        with self._changed:
            surplus = len(self._uploads) - MAX_UPLOADS + 1
            finished = [upload for upload in self._uploads.values() if upload.phase in ("ready", "failed")]
            if surplus > len(finished):
                raise RefusedError(429, f"{MAX_UPLOADS} songs are waiting: drop this one a little later.")
        for upload in finished[: max(0, surplus)]:
            self._discard(upload)

    def _discard_old(self) -> None:
        with self._changed:
            now = time.monotonic()
            old = [upload for upload in self._uploads.values() if now - upload.arrived_s > MAX_AGE_S]
        for upload in old:
            self._discard(upload)

    def _discard(self, upload: Upload) -> None:
        with self._changed:
            self._uploads.pop(upload.token, None)
            if upload.process is not None:
                upload.process.kill()
        with upload.lock:  # Wait if it is being added to the library.
            shutil.rmtree(upload.path.parent, ignore_errors=True)

    def _get_folder(self) -> Path:
        """Return the folder for this server's uploads; it is removed when the server ends."""
        with self._changed:
            if self._folder is None or not self._folder.is_dir():
                parent = self._settings.uploads
                try:
                    parent.mkdir(parents=True, exist_ok=True)
                    _remove_old_folders(parent)
                    self._folder = Path(tempfile.mkdtemp(dir=parent))
                except OSError as error:
                    raise _cannot_store(parent, error) from error
                weakref.finalize(self, _clean_up, self._folder, self._uploads)
            return self._folder

    def _work(self) -> None:
        """The worker thread: embed waiting uploads one after another, and discard old ones once an hour."""
        while True:
            with self._changed:
                waiting = (upload for upload in self._uploads.values() if upload.phase == "waiting")
                upload = next(waiting, None)
                if upload is None:
                    self._changed.wait(_CLEANUP_INTERVAL_S)
                else:
                    upload.phase, upload.text, upload.share = "embedding", "Starting", 0.0
            if upload is None:
                self._discard_old()
            else:
                self._embed(upload)

    def _embed(self, upload: Upload) -> None:
        def report(text: str, share: float) -> None:
            upload.text, upload.share = text, share

        try:
            with self._changed:
                if upload.token not in self._uploads:
                    return
                upload.process = EmbedProcess(upload.path, self._settings.database, limit_s=self._limit_s)
            upload.embedded = upload.process.embed(report)
            upload.tags = decode_tags(self._jobs.tags(upload.path))
        except ExplorerError as error:
            upload.error = str(error)
        except Exception as error:
            # An unexpected error must not end the worker thread, which has to embed the next uploads.
            upload.error = f"{upload.name} cannot be analysed ({type(error).__name__}: {error})."
        upload.process = None
        if upload.error:
            upload.phase = "failed"
            return
        try:
            with upload.lock:
                self._compare(upload)
        except Exception as error:
            _log.info("%s will be compared when the page asks for it: %s", upload.name, error)
        if upload.embedded is not None:  # `_compare` sets it to None if it must be embedded again.
            upload.phase = "ready"


def _receive(source: BinaryIO, path: Path) -> int:
    """Write a request's body into a file; return its size in bytes."""
    size = 0
    with path.open("xb") as target:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            if size > MAX_UPLOAD_BYTES:
                raise RefusedError(
                    413,
                    f"{path.name} is too large: you can drop files of up to {MAX_UPLOAD_BYTES >> 20} MB.",
                )
            target.write(block)
    return size


def _cannot_store(path: Path, error: OSError) -> RefusedError:
    status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
    return RefusedError(status, f"{path.name} cannot be stored in {path.parent}: {error.strerror}.")


def _remove_old_folders(parent: Path) -> None:
    """Remove folders that earlier servers left behind, if they are older than a day."""
    for folder in parent.iterdir():
        try:
            if time.time() - folder.stat().st_mtime > MAX_AGE_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _clean_up(folder: Path, uploads: dict[str, Upload]) -> None:
    for upload in list(uploads.values()):
        if upload.process is not None:
            upload.process.kill()
    shutil.rmtree(folder, ignore_errors=True)
