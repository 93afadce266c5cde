"""Downloading the network's weights over connections that break.

What arrives is kept beside the target as `.NAME.part`, with `.NAME.part.json` telling which file it
is a part of. The next try, or the next run, asks the server for the rest only. Nothing stands under
the target's own name before it is whole and its checksum right.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from explorer.errors import WeightsError

PAUSES_S = (1.0, 2.0, 4.0, 8.0)
TIMEOUT_S = 30.0
MAX_BYTES = 100_000_000

Progress = Callable[[int, int | None], None]
"""Told the bytes that are here so far, and the bytes in all where the server says."""

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 18
_BUSY_STATUSES = (408, 429, 500, 502, 503, 504)
_UNREACHABLE = (urllib.error.URLError, http.client.InvalidURL, ValueError)
_LOCK_POLL_S = 0.2


def download_file(
    url: str,
    target: Path,
    *,
    sha256: str,
    progress: Progress | None = None,
    pauses_s: Sequence[float] = PAUSES_S,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Download a gzip file, going on from what an earlier try or run has left.

    Parameters
    ----------
    url : str
        The file; redirects are followed, and the environment's proxies used.
    target : Path
        Where it goes, by an atomic rename at the end; its folder is made. A file there that has the
        right checksum is not downloaded again.
    sha256 : str
        Of the file as it is downloaded.
    progress : callable or None
        Called with (bytes here, bytes in all or None).
    pauses_s : sequence of float
        Seconds to wait before each further try after a lost connection or a busy server.
    timeout_s : float
        Seconds of silence after which a connection counts as lost.
    max_bytes : int
        What is longer is refused, so that no server can fill the disk.

    Raises
    ------
    WeightsError
        If the file cannot be had or kept; the sentence says what to do. A part that is only short
        stays for the next run, and the sentence says so.
    """
    target = Path(target)
    attempt = _Download(url, target, sha256, progress or (lambda done, total: None), timeout_s, max_bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.with_name(f".{target.name}.lock"), waiting=attempt.tell_the_others_progress):
            if not target.is_file() or _sha256_of(target) != sha256:
                attempt.run(pauses_s)
    except OSError as error:
        raise WeightsError(
            f"OpenL3's weights cannot be kept in '{target.parent}' ({error.strerror or error}): make room"
            " there and make the folder writable, or name a file elsewhere by --weights."
        ) from error


class _TryAgainError(Exception):
    """Another try may go better."""


class _Download:
    """One file on its way from a server; its methods raise OSError for the disk's failures only."""

    def __init__(
        self, url: str, target: Path, sha256: str, progress: Progress, timeout_s: float, max_bytes: int
    ):
        self.url, self.target, self.sha256 = url, target, sha256
        self.progress, self.timeout_s, self.max_bytes = progress, timeout_s, max_bytes
        self.part = _Part(target, url=url, sha256=sha256)
        self.answered = False

    def run(self, pauses_s: Sequence[float]) -> None:
        """Download the file and put it in its place."""
        # What was put together from several answers may mix two versions of the file, where the
        # server has no ETag to tell: that is worth a second round, from the start.
        for is_last_round in (False, True):
            self._complete(pauses_s)
            digest = _sha256_of(self.part.path)
            if digest == self.sha256:
                self.part.move_to(self.target)
                return
            in_one_piece = self.part.answers == 1
            self.part.discard()
            if in_one_piece or is_last_round:
                raise self._failure(f"came with the wrong checksum ({digest[:12]}…)")

    def tell_progress(self) -> None:
        self.progress(self.part.size, self.part.total)

    def tell_the_others_progress(self) -> None:
        self.part.read_record()
        self.tell_progress()

    def _complete(self, pauses_s: Sequence[float]) -> None:
        self.part.read_record()
        for pause_s in (*pauses_s, None):
            if self.part.is_whole:
                return
            try:
                self._receive_rest()
                return
            except _TryAgainError as error:
                if pause_s is None:
                    raise self._failure(str(error)) from error
            time.sleep(pause_s)

    def _receive_rest(self) -> None:
        with self._open() as response:
            if response.status == 206:
                self._continue_part(response)
            else:
                self._restart_part(response)
            self.tell_progress()
            with self.part.path.open("ab") as file:
                while chunk := self._read(response, self._bytes_wanted()):
                    file.write(chunk)
                    # A kill may come at any time: what was received is then on the disk.
                    file.flush()
                    self._refuse_if_longer(self.part.size)
                    self.tell_progress()
        if self._bytes_wanted() and self.part.total:
            raise _TryAgainError(self._stopped())

    def _open(self) -> http.client.HTTPResponse:
        headers = self.part.range_headers()
        try:
            request = urllib.request.Request(self.url, headers=headers)
            response = urllib.request.urlopen(request, timeout=self.timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            self.answered = True
            phrase = http.client.responses.get(error.code, "from the server")
            what = f"could not be downloaded (HTTP {error.code} {phrase})"
            if error.code == 416 and headers:
                self.part.discard()
            elif error.code not in _BUSY_STATUSES:
                raise self._failure(what) from error
            raise _TryAgainError(what) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            what = f"could not be downloaded ({getattr(error, 'reason', error)})"
            # Without a network the user hears so at once; one that was there may come back.
            if isinstance(error, _UNREACHABLE) and not self.answered:
                raise self._failure(what) from error
            raise _TryAgainError(what) from error
        self.answered = True
        return response

    def _continue_part(self, response: http.client.HTTPResponse) -> None:
        if response.headers.get_content_type() == "text/html":
            raise self._web_page()
        field = response.headers.get("Content-Range", "")
        found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", field)
        total = int(found[2]) if found and found[2] != "*" else self.part.total
        if not found or int(found[1]) != self.part.size or not self.part.is_of(response.headers, total):
            self.part.discard()
            raise _TryAgainError("changed on the server while they were downloaded")
        self.part.answers += 1

    def _restart_part(self, response: http.client.HTTPResponse) -> None:
        length = response.headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else None
        self._refuse_if_longer(total or 0)
        start = self._read(response, len(_GZIP_MAGIC), exactly=True)
        if not start:
            raise _TryAgainError(self._stopped())
        # Looked at before the part is given up: after signing in, the next run goes on from it.
        if not start.startswith(_GZIP_MAGIC):
            raise self._web_page()
        self.part.restart(start, response.headers, total)

    def _bytes_wanted(self) -> int:
        total = self.part.total
        return _CHUNK_BYTES if total is None else min(_CHUNK_BYTES, total - self.part.size)

    def _read(self, response: http.client.HTTPResponse, size: int, *, exactly: bool = False) -> bytes:
        try:
            # read1 hands over what is there; read would lose it when the connection breaks meanwhile.
            return response.read(size) if exactly else response.read1(size)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _TryAgainError(f"{self._stopped()} ({str(error) or type(error).__name__})") from error

    def _refuse_if_longer(self, size: int) -> None:
        if size > self.max_bytes:
            self.part.discard()
            raise self._failure(f"came with more than {self.max_bytes} bytes")

    def _stopped(self) -> str:
        return f"stopped after {self.part.size} of {self.part.total or 'unknown'} bytes"

    def _web_page(self) -> WeightsError:
        return self._failure(
            "came as something else, perhaps a web page", "sign in if your network asks for that, "
        )

    def _failure(self, what: str, remedy: str = "") -> WeightsError:
        kept = f"run this again to go on after the {self.part.size} bytes that are kept, "
        return WeightsError(
            f"OpenL3's weights {what}: {remedy}{kept if self.part.size else ''}put the file"
            f" {self.url} at '{self.target}' by other means, or try the explorer without it by --weights"
            " untrained."
        )


class _Part:
    """What is here of a file, and what tells whether the server still has the same one."""

    def __init__(self, target: Path, *, url: str, sha256: str):
        self.path = target.with_name(f".{target.name}.part")
        self._record_path = target.with_name(f".{target.name}.part.json")
        self._source = {"url": url, "sha256": sha256}
        self._record: dict = {}
        self.answers = 0
        """How many of the server's answers it was put together from."""

    @property
    def size(self) -> int:
        """Bytes to go on from; 0 where they are of another file, or it is unknown of which."""
        try:
            return self.path.stat().st_size if self._record else 0
        except FileNotFoundError:
            return 0

    @property
    def total(self) -> int | None:
        """Bytes of the whole file, where the server said."""
        return self._record.get("total")

    @property
    def is_whole(self) -> bool:
        return self.total is not None and self.size >= self.total > 0

    def read_record(self) -> None:
        """Take over what an earlier run has left, if it is of the file that is wanted."""
        try:
            record = json.loads(self._record_path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            record = None
        known = isinstance(record, dict) and record.items() >= self._source.items()
        self._record = record if known else {}
        # An earlier run's answers are unknown: at least one, and this run's make it more.
        self.answers = 2 if self.size else 0

    def range_headers(self) -> dict[str, str]:
        """Ask for the rest, or if the file has changed for all of it (RFC 9110, sections 13 and 14)."""
        if not self.size:
            return {}
        etag, modified = self._record.get("etag"), self._record.get("last_modified")
        # If-Range takes strong ETags only.
        validator = etag if etag and not etag.startswith("W/") else modified
        return {"Range": f"bytes={self.size}-"} | ({"If-Range": validator} if validator else {})

    def is_of(self, headers: http.client.HTTPMessage, total: int | None) -> bool:
        """Tell whether an answer is of the same file, as far as its headers say."""
        if not self.size or (self.total and total != self.total):
            return False
        etag = headers.get("ETag")
        return None in (etag, self._record.get("etag")) or etag == self._record["etag"]

    def restart(self, start: bytes, headers: http.client.HTTPMessage, total: int | None) -> None:
        """Begin with the file's first bytes."""
        self.discard()
        self._record = {
            **self._source,
            "etag": headers.get("ETag"),
            "last_modified": headers.get("Last-Modified"),
            "total": total,
        }
        self._record_path.write_text(json.dumps(self._record), encoding="utf-8")
        self.path.write_bytes(start)
        self.answers = 1

    def discard(self) -> None:
        """Delete it."""
        # The part goes first: without its record it would only be passed over.
        self.path.unlink(missing_ok=True)
        self._record_path.unlink(missing_ok=True)
        self._record, self.answers = {}, 0

    def move_to(self, target: Path) -> None:
        """Give it its final name, once it is on the disk to outlive a power cut."""
        with self.path.open("rb+") as file:
            os.fsync(file.fileno())
        self.path.replace(target)
        self.discard()


def _sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _alone(lock: Path, *, waiting: Callable[[], None]) -> Iterator[None]:
    # A lock of the operating system, because it ends with its process, however that ends. Part names
    # of each process's own would need to know whether the one that made them still lives, and a file
    # that merely exists would bar the way after a kill. Who waits here goes on from what the other has.
    while True:
        file = lock.open("ab")
        with file:
            while not _try_to_lock(file):
                waiting()
                time.sleep(_LOCK_POLL_S)
            # The one before may have deleted the file that was just locked.
            if not _is_file_at(lock, file):
                continue
            try:
                yield
            finally:
                if os.name != "nt":
                    lock.unlink(missing_ok=True)
        break
    if os.name == "nt":  # An open file cannot be deleted there: neither ours before, nor another's now.
        with contextlib.suppress(OSError):
            lock.unlink()


def _try_to_lock(file: BinaryIO) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _is_file_at(path: Path, file: BinaryIO) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False
