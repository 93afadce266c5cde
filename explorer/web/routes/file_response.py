"""Answers a request with a file: whole, or the range of bytes that the browser asks for.

The server reads the file as fast as the browser takes it. On this program's own server no thread waits
meanwhile: the answer is a `wsgi.file_wrapper`, which the server's main loop reads (see
`explorer.web.connections`). Other servers read the same object in their own ways.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from flask import Response, request, send_file
from werkzeug.http import parse_range_header

from explorer.web.security import text_response

_BLOCK_BYTES = 1 << 16


class FilePart(io.FileIO):
    """A file, or a part of it, opened for reading.

    It ends where the part ends. Reading raises OSError if the file was changed or shortened since it was
    opened: the server then closes the connection, because the browser could not tell wrong bytes from right
    ones. A file that is replaced by another one (renamed over it) is read on as it was.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.state = os.fstat(self.fileno())
        self._stop = self.state.st_size

    def restrict(self, start: int, stop: int) -> None:
        """Read only the bytes from `start` to `stop` - 1."""
        self.seek(start)
        self._stop = stop

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, at most 64 KB; none at the end of the part."""
        missing = self._stop - self.tell()
        if missing <= 0:
            return b""
        block = super().read(min(missing, _BLOCK_BYTES, size if size >= 0 else _BLOCK_BYTES))
        now = os.fstat(self.fileno())
        if not block or (now.st_mtime_ns, now.st_size) != (self.state.st_mtime_ns, self.state.st_size):
            raise OSError("The file was changed while it was sent.")
        return block


def send_audio_file(
    path: Path, media_type: str, *, name: str | None = None, etag: str | None = None
) -> Response:
    """Stream a file, with range requests.

    Parameters
    ----------
    name : str, optional
        The name under which a browser saves the file; without it, the path's name.
    etag : str, optional
        The ETag; without it, one made from the file's number, size and time.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    part = FilePart(path)
    try:
        return _answer(part, media_type, name or path.name, etag)
    except BaseException:
        part.close()
        raise


def _answer(part: FilePart, media_type: str, name: str, etag: str | None) -> Response:
    state = part.state
    size = state.st_size
    response = send_file(
        part,
        mimetype=media_type,
        conditional=False,
        max_age=0,
        # A header cannot contain unprintable characters, and Flask cannot encode broken UTF-8.
        download_name="".join(letter if letter.isprintable() else "_" for letter in name),
        last_modified=state.st_mtime,
        etag=etag or f"{state.st_ino:x}-{state.st_mtime_ns:x}-{size:x}",
    )
    response.accept_ranges = "bytes"
    response.content_length = size
    # RFC 9110, 13.2.2: a browser that has the file already is told so, whatever range it asks for.
    response.make_conditional(request.environ)
    if response.status_code == 412:
        part.close()
        return text_response(412, "This file is not the version that the request wants.")
    wanted = _wanted_range(response, size) if response.status_code == 200 else None
    if wanted is None:
        return response
    start, stop = wanted
    if start >= size:
        part.close()
        refusal = text_response(416, f"This file has only {size} bytes.")
        refusal.headers["Content-Range"] = f"bytes */{size}"
        return refusal
    part.restrict(start, stop)
    response.status_code = 206
    response.content_length = stop - start
    response.content_range.set(start, stop, size)
    return response


def _wanted_range(response: Response, size: int) -> tuple[int, int] | None:
    """Return the range of bytes that the request asks for: the first, and the one after the last.

    Return None for the whole file. That is also the answer to a range that is malformed or meant for another
    version of the file, and to several ranges at once (RFC 9110, 14.2, allows it).
    """
    condition = request.headers.get("If-Range")
    if condition is not None and condition not in (
        response.headers["ETag"],
        response.headers["Last-Modified"],
    ):
        return None
    parsed = parse_range_header(request.headers.get("Range"))
    if parsed is None or parsed.units != "bytes" or len(parsed.ranges) != 1:
        return None
    start, stop = parsed.ranges[0]
    if start < 0:  # The last bytes; the whole file if it has fewer.
        start = max(0, size + start)
    return start, size if stop is None else min(stop, size)
