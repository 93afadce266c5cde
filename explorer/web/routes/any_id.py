"""What all routes share: addresses that hold any song id, and errors as sentences."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from werkzeug.routing import PathConverter

from explorer.errors import AudioError, ExplorerError, LibraryBusyError, LibraryError
from explorer.web.security import RefusedError, say


class AnyId(PathConverter):
    """Any text: what begins with a slash, which the usual converter takes for another address, and lines."""

    regex = "(?s:.+?)"
    part_isolating = False


def routes(name: str, *, library_status: int = 404) -> Blueprint:
    """Return a blueprint whose routes may say `<any_id:…>`, and whose errors become plain sentences.

    `library_status` is HTTP's number for a library, or a song of it, that is not there.
    """
    blueprint = Blueprint(name, __name__)
    blueprint.record_once(lambda state: state.app.url_map.converters.update(any_id=AnyId))

    @blueprint.errorhandler(ExplorerError)
    def explain(error: ExplorerError) -> Response:
        is_busy = isinstance(error, LibraryBusyError)
        sentence = "The library is busy: try again in a moment." if is_busy else str(error)
        response = say(_status(error, library_status), sentence)
        response.headers["Cache-Control"] = "no-store"
        return response

    return blueprint


def _status(error: ExplorerError, library_status: int) -> int:
    if isinstance(error, RefusedError):
        return error.status
    statuses = {LibraryBusyError: 503, AudioError: 415, LibraryError: library_status}
    return next((status for kind, status in statuses.items() if isinstance(error, kind)), 500)


def fresh_json(**values: object) -> Response:
    """Return JSON that a browser does not keep."""
    response = jsonify(values)
    response.headers["Cache-Control"] = "no-store"
    return response
