"""Download the network's weights with pooch, with limits on size and time and with errors for users.

A download is written into the folder `.NAME.part` beside the target. If the program is killed, the next
download deletes that folder. The target appears under its own name only when the file is complete and its
checksum is right.
"""

from __future__ import annotations

import http.client
import shutil
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from explorer.embedding.weights_file import GZIP_START, MAX_BYTES
from explorer.errors import DownloadError, WeightsError
from explorer.util.atomic_write import atomic_write

PAUSES_S = (1.0, 2.0, 4.0, 8.0)
TIMEOUT_S = 30.0

Progress = Callable[[int, int | None], None]
"""Called with the number of bytes received and the total number, or None if the server does not state it."""

_CHUNK_BYTES = 1 << 16
_BUSY_STATUSES = (408, 429, 500, 502, 503, 504)
_LOCK_POLL_S = 0.2


def download_file(
    url: str,
    target: Path,
    *,
    sha256: str | None,
    start: bytes = GZIP_START,
    accept: Callable[[Path], None] | None = None,
    progress: Progress | None = None,
    pauses_s: Sequence[float] = PAUSES_S,
    timeout_s: float = TIMEOUT_S,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Download a file of weights, unless the target exists with the right checksum.

    While one program downloads the file, a lock file makes other programs that need it wait for it.

    Parameters
    ----------
    url : str
        Address of the file. Redirects are followed, and the environment's proxies are used.
    target : Path
        Path of the downloaded file. Its folder is created; an atomic rename completes the download.
    sha256 : str or None
        Checksum of the downloaded file, before unpacking; None if it is unknown.
    start : bytes
        The first bytes of files of the expected kind. Anything else is refused at once.
    accept : callable or None
        Called with the complete file before it appears as the target, and raises `WeightsError` to refuse it.
    progress : callable or None
        Called with (bytes received, total bytes or None).
    pauses_s : sequence of float
        Seconds to wait before each retry after a lost connection or a busy server.
    timeout_s : float
        A connection that sends nothing for this many seconds counts as lost.
    max_bytes : int
        A longer file is refused, so that no server can fill the disk.

    Raises
    ------
    DownloadError
        If the file cannot be downloaded; the message says what to do.
    WeightsError
        If it cannot be stored, or `accept` refuses it.
    """
    from filelock import FileLock, Timeout

    target, progress = Path(target), progress or (lambda done, total: None)
    download = _Download(url, target, sha256, start, accept, progress, timeout_s, max_bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock_file = target.with_name(f".{target.name}.lock")
        lock = FileLock(lock_file, mode=0o666, fallback_to_soft=False)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_LOCK_POLL_S)
            except Timeout:
                progress(download.received_bytes(), None)
        try:
            download.run(pauses_s)
        finally:
            # Delete the lock file before releasing it: after the release, another program could hold it.
            with suppress(OSError):
                lock_file.unlink()
            lock.release()
    except OSError as error:
        raise WeightsError(
            f"OpenL3's weights cannot be stored in '{target.parent}' ({error.strerror or error}): free disk"
            " space there and make the folder writable, or name a file in another folder with --weights."
        ) from error


@dataclass
class _Download:
    """The download of one file. Its methods raise OSError only if a file operation on the disk fails."""

    url: str
    target: Path
    sha256: str | None
    start: bytes
    accept: Callable[[Path], None] | None
    progress: Progress
    timeout_s: float
    max_bytes: int

    @property
    def part_folder(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    def received_bytes(self) -> int:
        """Return how many bytes another program that downloads the same file has received."""
        with suppress(OSError, ValueError):
            return max(file.stat().st_size for file in self.part_folder.iterdir())
        return 0

    def run(self, pauses_s: Sequence[float]) -> None:
        """Download the file with retries, and rename it to the target."""
        import pooch

        if self.target.is_file() and self.sha256 in (None, pooch.file_hash(self.target)):
            return
        shutil.rmtree(self.part_folder, ignore_errors=True)
        self.part_folder.mkdir()
        try:
            with atomic_write(self.target, parts=self.part_folder) as part:
                self._retrieve(part, pauses_s)
                if self.accept:
                    self.accept(part)
        finally:
            shutil.rmtree(self.part_folder, ignore_errors=True)

    def _retrieve(self, part: Path, pauses_s: Sequence[float]) -> None:
        import pooch
        from requests import RequestException

        pooch.get_logger().setLevel("ERROR")
        has_answered = False
        known_hash = self.sha256 and f"sha256:{self.sha256}"
        for pause_s in (*pauses_s, None):
            receiver = _Receiver(self)
            try:
                pooch.retrieve(self.url, known_hash, part.name, self.part_folder, downloader=receiver)
                return
            except RequestException as error:
                has_answered = has_answered or receiver.size > 0
                is_busy = error.response is not None and error.response.status_code in _BUSY_STATUSES
                # If no attempt has received a byte and the server is not busy, do not retry: there may be
                # no network.
                if pause_s is None or not (is_busy or has_answered):
                    raise self.failure(_describe_failure(error, receiver)) from error
            except ValueError as error:
                raise self.failure("have the wrong checksum") from error
            time.sleep(pause_s)

    def failure(self, problem: str, remedy: str = "") -> DownloadError:
        return DownloadError(
            f"OpenL3's weights {problem}: {remedy}get {self.url} in another way and save it as"
            f" '{self.target}', or use --weights untrained to try the explorer without it."
        )


class _Receiver:
    """One object for three roles that pooch needs: downloader, output file and progress bar."""

    def __init__(self, download: _Download) -> None:
        self._download = download
        self._file: BinaryIO | None = None
        self.size = 0
        self.total = 0
        """The file's length, which pooch sets; 0 if the server does not state it."""

    def __call__(self, url: str, file: str, _pooch: object) -> None:
        from pooch import HTTPDownloader

        # Delete pooch's temporary file, which only this user can read. `open` creates it again with the
        # usual permissions, because other users may share the models.
        Path(file).unlink()
        receive = HTTPDownloader(
            progressbar=self,
            chunk_size=_CHUNK_BYTES,
            timeout=self._download.timeout_s,
            headers={"Accept-Encoding": "identity"},
            # The system's certificates, because a company may have added its own.
            verify=ssl.get_default_verify_paths().cafile or True,
        )
        with Path(file).open("wb") as self._file:
            receive(url, self, None)

    def write(self, chunk: bytes) -> None:
        start = self._download.start
        if not self.size and not start.startswith(chunk[: len(start)]):
            raise self._download.failure(
                "could not be downloaded, because the server sent another file, perhaps a web page",
                "if your network needs a sign-in, sign in and try again, or ",
            )
        self.size += len(chunk)
        if max(self.size, self.total) > self._download.max_bytes:
            raise self._download.failure(
                f"could not be downloaded, because the file has more than {self._download.max_bytes} bytes"
            )
        self._file.write(chunk)
        self._download.progress(self.size, self.total or None)

    def flush(self) -> None:
        self._file.flush()

    def update(self, _size: int) -> None:
        pass

    reset = close = lambda self: None


def _describe_failure(error: Exception, receiver: _Receiver) -> str:
    """Return which step failed, with the message of the innermost exception."""
    from requests.exceptions import HTTPError, ProxyError

    through = " through the proxy" if isinstance(error, ProxyError) else ""
    if isinstance(error, HTTPError):
        status = error.response.status_code
        reason = f"HTTP {status} {http.client.responses.get(status, 'from the server')}"
    else:
        while error.__context__ is not None:
            error = error.__context__
        reason = str(error).partition(". ")[0].rstrip(".") or type(error).__name__
    if receiver.size:
        total = receiver.total or "unknown"
        return f"were downloaded only in part, {receiver.size} of {total} bytes ({reason})"
    return f"could not be downloaded{through} ({reason})"
