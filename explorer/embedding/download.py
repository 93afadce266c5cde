"""Download the network's weights: pooch fetches and checks the file; here are the bounds and the errors.

A download goes into the folder `.NAME.part` beside the target, which the next download deletes if this one is
killed. The target's own name appears when the file is whole and its checksum right.
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

from explorer.errors import WeightsError
from explorer.util.atomic_write import whole_file

PAUSES_S = (1.0, 2.0, 4.0, 8.0)
TIMEOUT_S = 30.0
MAX_BYTES = 100_000_000

Progress = Callable[[int, int | None], None]
"""Called with the bytes received so far, and the bytes in all where the server says."""

_GZIP_MAGIC = b"\x1f\x8b"
_CHUNK_BYTES = 1 << 16
_BUSY_STATUSES = (408, 429, 500, 502, 503, 504)
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
    """Download a gzip file, unless it is there with the right checksum.

    Several programs that want the same file share one download.

    Parameters
    ----------
    url : str
        The file; redirects are followed, and the environment's proxies used.
    target : Path
        Where it goes, by an atomic rename at the end; its folder is made.
    sha256 : str
        Of the file as it is downloaded.
    progress : callable or None
        Called with (bytes here, bytes in all or None).
    pauses_s : sequence of float
        Seconds to wait before each further try after a lost connection or a busy server.
    timeout_s : float
        Seconds of silence after which a connection counts as lost.
    max_bytes : int
        A longer file is refused, so that no server can fill the disk.

    Raises
    ------
    WeightsError
        If the file cannot be downloaded or stored; the sentence says what to do.
    """
    from filelock import FileLock, Timeout

    target, progress = Path(target), progress or (lambda done, total: None)
    download = _Download(url, target, sha256, progress, timeout_s, max_bytes)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock_file = target.with_name(f".{target.name}.lock")
        lock = FileLock(lock_file, mode=0o666, fallback_to_soft=False)
        while not lock.is_locked:
            try:
                lock.acquire(timeout=_LOCK_POLL_S)
            except Timeout:
                progress(download.bytes_of_the_other(), None)
        try:
            download.run(pauses_s)
        finally:
            # Before it is released: then nobody else can hold a lock on this very file.
            with suppress(OSError):
                lock_file.unlink()
            lock.release()
    except OSError as error:
        raise WeightsError(
            f"OpenL3's weights cannot be kept in '{target.parent}' ({error.strerror or error}): make room"
            " there and make the folder writable, or name a file elsewhere by --weights."
        ) from error


@dataclass
class _Download:
    """One file on its way from a server; its methods raise OSError for the disk's failures only."""

    url: str
    target: Path
    sha256: str
    progress: Progress
    timeout_s: float
    max_bytes: int

    @property
    def parts(self) -> Path:
        return self.target.with_name(f".{self.target.name}.part")

    def bytes_of_the_other(self) -> int:
        """Return how far the program is that downloads the same file."""
        with suppress(OSError, ValueError):
            return max(file.stat().st_size for file in self.parts.iterdir())
        return 0

    def run(self, pauses_s: Sequence[float]) -> None:
        """Download the file, with further tries, and give it its name."""
        import pooch

        if self.target.is_file() and pooch.file_hash(self.target) == self.sha256:
            return
        shutil.rmtree(self.parts, ignore_errors=True)
        self.parts.mkdir()
        try:
            with whole_file(self.target, parts=self.parts) as part:
                self._try(part, pauses_s)
        finally:
            shutil.rmtree(self.parts, ignore_errors=True)

    def _try(self, part: Path, pauses_s: Sequence[float]) -> None:
        import pooch
        from requests import RequestException

        pooch.get_logger().setLevel("ERROR")
        has_answered = False
        for pause_s in (*pauses_s, None):
            incoming = _Incoming(self)
            try:
                pooch.retrieve(self.url, f"sha256:{self.sha256}", part.name, self.parts, downloader=incoming)
                return
            except RequestException as error:
                has_answered = has_answered or incoming.size > 0
                is_busy = error.response is not None and error.response.status_code in _BUSY_STATUSES
                # Without a network the user reads so at once; one that was there may come back.
                if pause_s is None or not (is_busy or has_answered):
                    raise self.failure(_what_failed(error, incoming)) from error
            except ValueError as error:
                raise self.failure("came with the wrong checksum") from error
            time.sleep(pause_s)

    def failure(self, what: str, remedy: str = "") -> WeightsError:
        return WeightsError(
            f"OpenL3's weights {what}: {remedy}put the file {self.url} at '{self.target}' by other means, or"
            " try the explorer without it by --weights untrained."
        )


class _Incoming:
    """What pooch downloads with: also the file that it writes to, and the progress bar that it moves."""

    def __init__(self, download: _Download) -> None:
        self._download = download
        self._file: BinaryIO | None = None
        self.size = 0
        self.total = 0
        """Set by pooch: the file's length, 0 where the server does not say."""

    def __call__(self, url: str, file: str, _pooch: object) -> None:
        from pooch import HTTPDownloader

        # pooch's temporary file is its user's alone, and the models may be shared.
        Path(file).unlink()
        receive = HTTPDownloader(
            progressbar=self,
            chunk_size=_CHUNK_BYTES,
            timeout=self._download.timeout_s,
            headers={"Accept-Encoding": "identity"},
            # The system's certificates, which a company may have added to.
            verify=ssl.get_default_verify_paths().cafile or True,
        )
        with Path(file).open("wb") as self._file:
            receive(url, self, None)

    def write(self, chunk: bytes) -> None:
        if not self.size and not _GZIP_MAGIC.startswith(chunk[: len(_GZIP_MAGIC)]):
            raise self._download.failure(
                "came as something else, perhaps a web page", "sign in if your network asks for that, "
            )
        self.size += len(chunk)
        if max(self.size, self.total) > self._download.max_bytes:
            raise self._download.failure(f"came with more than {self._download.max_bytes} bytes")
        self._file.write(chunk)
        self._download.progress(self.size, self.total or None)

    def flush(self) -> None:
        self._file.flush()

    def update(self, _size: int) -> None:
        pass

    reset = close = lambda self: None


def _what_failed(error: Exception, incoming: _Incoming) -> str:
    """Say which step failed, and the reason in the words of the innermost library."""
    from requests.exceptions import HTTPError, ProxyError

    through = " through the proxy" if isinstance(error, ProxyError) else ""
    if isinstance(error, HTTPError):
        status = error.response.status_code
        reason = f"HTTP {status} {http.client.responses.get(status, 'from the server')}"
    else:
        while error.__context__ is not None:
            error = error.__context__
        reason = str(error).partition(". ")[0].rstrip(".") or type(error).__name__
    if incoming.size:
        return f"stopped after {incoming.size} of {incoming.total or 'unknown'} bytes ({reason})"
    return f"could not be downloaded{through} ({reason})"
