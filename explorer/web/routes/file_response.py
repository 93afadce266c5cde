"""Answers a request with a file: whole, or the range of bytes that the browser asks for."""

from __future__ import annotations

from pathlib import Path

from flask import Response, send_file


def send_audio_file(
    path: Path, media_type: str, *, name: str | None = None, etag: str | None = None
) -> Response:
    """Stream a file, with range requests.

    Parameters
    ----------
    name : str, optional
        The name under which a browser saves the file; without it, the path's name.
    etag : str, optional
        The ETag; without it, one made from the path, size and time.

    Raises
    ------
    OSError
        If the file cannot be opened.
    """
    return send_file(
        path.absolute(),
        mimetype=media_type,
        conditional=True,
        max_age=0,
        download_name=name,
        etag=True if etag is None else etag,
    )
