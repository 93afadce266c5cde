"""Songs that are not in the library: held for a while, embedded one after another, and placed."""

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
from explorer.database.database import Database
from explorer.errors import ExplorerError
from explorer.indexing.model import is_same_model
from explorer.library.music_file import Tags
from explorer.library.tags import read_tags
from explorer.web.data.catalogue import Catalogue
from explorer.web.data.snapshot import CatalogueHolder
from explorer.web.security import MAX_UPLOAD_BYTES, RefusedError
from explorer.web.uploads.embed_process import LIMIT_S, Embedding
from explorer.web.uploads.keep import Embedded, keep_song, safe_name

MOST_VISITORS = 20
OLDEST_S = 24 * 3600.0
_TIDYING_S = 3600.0
_BLOCK_BYTES = 1 << 20

_log = logging.getLogger(__name__)


@dataclass
class Upload:
    """One song that is not in the library.

    Attributes
    ----------
    phase : {"waiting", "embedding", "ready", "failed"}
    text, share
        What its embedding is doing, and how much of that is done.
    error : str
        Why it failed.
    answer : tuple of a reference to a Catalogue and a dict, or None
        What it is like and where it lies, in the library as it was then.
    """

    token: str
    name: str
    path: Path
    tags: Tags
    arrived: float = field(default_factory=time.monotonic)
    phase: str = "waiting"
    text: str = ""
    share: float = 0.0
    error: str = ""
    embedded: Embedded | None = None
    embedding: Embedding | None = None
    answer: tuple[weakref.ref[Catalogue], dict] | None = None
    song_id: str | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while its answer is made or it is kept: it is done once."""


class UploadQueue:
    """The songs that were dropped on the map since the program was started.

    Parameters
    ----------
    settings : Settings
    holder : CatalogueHolder
        Whose library they are compared with.
    limit_s : float
        How long the embedding of one may take.
    """

    def __init__(self, settings: Settings, holder: CatalogueHolder, *, limit_s: float = LIMIT_S) -> None:
        self._settings = settings
        self._shelf = holder
        self._limit_s = limit_s
        self._changed = threading.Condition()
        self._uploads: dict[str, Upload] = {}
        self._folder: Path | None = None
        self._thread: threading.Thread | None = None

    # For the routes

    def add(self, name: str, source: BinaryIO) -> Upload:
        """Take in a song, and have it embedded when its turn comes.

        Parameters
        ----------
        name : str
            The file's; only for its title, and for what it is called if it is kept.
        source : BinaryIO
            Its bytes.

        Raises
        ------
        RefusedError
            If the library has no map, the file is empty or too large, it cannot be stored, or too many
            wait already.
        LibraryError
            If the library cannot be read.
        """
        if not len(self._shelf.held()) and not len(self._shelf.latest()):
            raise RefusedError(409, "There is no map to put it on: index your music first.")
        self._drop_old()
        self._make_room()
        token = secrets.token_urlsafe(16)
        path = self._home() / token / safe_name(name)
        try:
            path.parent.mkdir()
            if not _receive(source, path):
                raise RefusedError(400, f"{path.name} is empty.")
            upload = Upload(token, path.name, path, read_tags(path))
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
        """Return a upload; raise RefusedError if there is none of that token, or no longer."""
        upload = self._uploads.get(token)
        if upload is None:
            raise RefusedError(404, "This song is not here any more: drop it on the map again.")
        return upload

    def describe(self, token: str) -> dict:
        """Return how a upload stands; once it is ready, also what it is like and where it lies.

        Raises
        ------
        RefusedError
            If there is none of that token, or the library has no map any more.
        LibraryError
            If the library cannot be read.
        """
        upload = self.get(token)
        phase, found = upload.phase, None
        if phase == "ready":
            with upload.lock:
                found = self._compare(upload)
            phase = "ready" if found else "waiting"
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
            **(found or {"revision": None, "neighbours": [], "places": {}}),
        }

    def forget(self, token: str) -> None:
        """Drop a upload, its file, and its embedding where that runs or waits; raises as `get` does."""
        self._remove(self.get(token))

    def keep(self, token: str) -> str:
        """Take a upload into the library, and return its id there; a second time it is the same one.

        Raises
        ------
        RefusedError
            If there is none of that token, or it is not ready.
        LibraryError, AudioError
            As `explorer.web.uploads.keep.keep_song` says.
        """
        upload = self.get(token)
        with upload.lock:
            if upload.phase != "ready":
                raise RefusedError(409, f"{upload.name} is not embedded yet, so it cannot be kept.")
            if upload.song_id is None:
                upload.song_id = keep_song(self._settings.database, upload.path, upload.name, upload.embedded)
            return upload.song_id

    # Within

    def _compare(self, upload: Upload) -> dict | None:
        """Return what a upload is like in the library that the page shows.

        None where that was made with another model than the upload: then it is embedded once more.
        """
        catalogue = self._shelf.held()
        if upload.answer is not None and upload.answer[0]() is catalogue:
            return upload.answer[1]
        if not len(catalogue):
            raise RefusedError(409, "The library has no map any more: index your music again.")
        with Database.open_readonly(self._settings.database) as database:
            model = database.model()
        if upload.embedded is None or not is_same_model(model, upload.embedded.model):
            self._embed_again(upload)
            return None
        vector = upload.embedded.vector
        answer = {
            "revision": catalogue.revision,
            "neighbours": catalogue.described(catalogue.nearest_to(vector)),
            "places": catalogue.place(vector),
        }
        upload.answer = (weakref.ref(catalogue), answer)
        return answer

    def _embed_again(self, upload: Upload) -> None:
        with self._changed:
            upload.phase, upload.embedded, upload.answer = "waiting", None, None
            self._changed.notify_all()

    def _make_room(self) -> None:
        """Let the longest here go where there are too many."""
        with self._changed:
            surplus = len(self._uploads) - MOST_VISITORS + 1
            leaving = [v for v in self._uploads.values() if v.phase in ("ready", "failed")]
            if surplus > len(leaving):
                raise RefusedError(429, f"{MOST_VISITORS} songs wait already: drop this one a little later.")
        for upload in leaving[: max(0, surplus)]:
            self._remove(upload)

    def _drop_old(self) -> None:
        with self._changed:
            now = time.monotonic()
            old = [v for v in self._uploads.values() if now - v.arrived > OLDEST_S]
        for upload in old:
            self._remove(upload)

    def _remove(self, upload: Upload) -> None:
        with self._changed:
            self._uploads.pop(upload.token, None)
            if upload.embedding is not None:
                upload.embedding.kill()
        with upload.lock:  # It may be being kept.
            shutil.rmtree(upload.path.parent, ignore_errors=True)

    def _home(self) -> Path:
        """Return this program's folder of uploads; it goes when the program ends."""
        with self._changed:
            if self._folder is None or not self._folder.is_dir():
                every = self._settings.uploads
                try:
                    every.mkdir(parents=True, exist_ok=True)
                    _sweep(every)
                    self._folder = Path(tempfile.mkdtemp(dir=every))
                except OSError as error:
                    raise _cannot_store(every, error) from error
                weakref.finalize(self, _leave, self._folder, self._uploads)
            return self._folder

    def _work(self) -> None:
        while True:
            with self._changed:
                upload = next((v for v in self._uploads.values() if v.phase == "waiting"), None)
                if upload is None:
                    self._changed.wait(_TIDYING_S)
                else:
                    upload.phase, upload.text, upload.share = "embedding", "Starting", 0.0
            if upload is None:
                self._drop_old()
            else:
                self._embed(upload)

    def _embed(self, upload: Upload) -> None:
        def tell(text: str, share: float) -> None:
            upload.text, upload.share = text, share

        try:
            with self._changed:
                if upload.token not in self._uploads:
                    return
                upload.embedding = Embedding(upload.path, self._settings.database, limit_s=self._limit_s)
            upload.embedded = upload.embedding.embed(tell)
        except ExplorerError as error:
            upload.error = str(error)
        except Exception as error:
            # Whatever goes wrong with one, the next in line has its turn.
            upload.error = f"{upload.name} cannot be embedded ({type(error).__name__}: {error})."
        upload.embedding = None
        if upload.error:
            upload.phase = "failed"
            return
        try:
            with upload.lock:
                self._compare(upload)
        except Exception as error:
            _log.info("%s is placed when it is asked for: %s", upload.name, error)
        if upload.embedded is not None:
            upload.phase = "ready"


def _receive(source: BinaryIO, path: Path) -> int:
    """Write a body into a file, and return how many bytes there were."""
    size = 0
    with path.open("xb") as target:
        while block := source.read(_BLOCK_BYTES):
            size += len(block)
            if size > MAX_UPLOAD_BYTES:
                raise RefusedError(
                    413,
                    f"{path.name} is too large: at most {MAX_UPLOAD_BYTES >> 20} MB can be dropped.",
                )
            target.write(block)
    return size


def _cannot_store(path: Path, error: OSError) -> RefusedError:
    status = 507 if error.errno in (errno.ENOSPC, errno.EDQUOT) else 500
    return RefusedError(status, f"{path.name} cannot be stored in {path.parent}: {error.strerror}.")


def _sweep(every: Path) -> None:
    """Remove what programs left that could not tidy up."""
    for folder in every.iterdir():
        try:
            if time.time() - folder.stat().st_mtime > OLDEST_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _leave(folder: Path, uploads: dict[str, Upload]) -> None:
    for upload in list(uploads.values()):
        if upload.embedding is not None:
            upload.embedding.kill()
    shutil.rmtree(folder, ignore_errors=True)
