"""What all routes share: song ids in URLs, errors as plain-text messages, JSON that is not cached."""

from __future__ import annotations

import hashlib
from functools import partial

from flask import Blueprint, Response, jsonify
from werkzeug.routing import PathConverter

from explorer.errors import (
    AudioError,
    ExplorerError,
    ForbiddenFileError,
    LibraryBusyError,
    LibraryError,
    UnusableLibraryError,
)
from explorer.web.security import RefusedError, text_response

RETRY_AFTER_S = 1
"""When a browser should repeat a request that the server was too busy to answer (503)."""


class AnyId(PathConverter):
    """A part of a URL that may be any text: a song id may begin with a slash or contain line breaks."""

    regex = "(?s:.+?)"
    part_isolating = False


def library_blueprint(name: str, *, library_status: int = 404) -> Blueprint:
    """Return a blueprint whose routes may contain `<any_id:…>` and whose errors are plain text.

    Parameters
    ----------
    library_status : int
        The HTTP status for a `LibraryError`, such as a song that is not in the library.
    """
    blueprint = Blueprint(name, __name__)
    blueprint.record_once(lambda state: state.app.url_map.converters.update(any_id=AnyId))

    blueprint.register_error_handler(ExplorerError, partial(answer_to, library_status=library_status))
    return blueprint


def answer_to(error: ExplorerError, *, library_status: int = 404) -> Response:
    """Return an error's message as plain text."""
    is_busy = isinstance(error, LibraryBusyError)
    message = "The library is busy: try again in a moment." if is_busy else str(error)
    response = text_response(_status(error, library_status), message)
    response.headers["Cache-Control"] = "no-store"
    if response.status_code == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _status(error: ExplorerError, library_status: int) -> int:
    if isinstance(error, RefusedError):
        return error.status
    statuses = {
        LibraryBusyError: 503,
        ForbiddenFileError: 403,
        UnusableLibraryError: 500,
        AudioError: 415,
        LibraryError: library_status,
    }
    return next((status for kind, status in statuses.items() if isinstance(error, kind)), 500)


def etag_of(*parts: object) -> str:
    """Return an ETag for what depends on these values; they may be any texts, also from a strange library."""
    text = "\0".join(map(str, parts))
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def fresh_json(**values: object) -> Response:
    """Return JSON that a browser must not cache."""
    response = jsonify(values)
    response.headers["Cache-Control"] = "no-store"
    return response
