"""Answers every exception with one sentence of plain text, and logs each bug in one line.

Werkzeug's and Dash's own answers are HTML pages. For an exception that nobody expected, Flask would log a
traceback of thousands of characters for each request.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from dash.exceptions import DependencyException, InvalidResourceError
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from explorer.errors import ExplorerError
from explorer.web.routes.any_id import answer_to
from explorer.web.security import text_response

_log = logging.getLogger(__name__)

BUG = "The server could not answer because of an error in this program: its log says where."
_NOTHING_HERE = "There is nothing at this address."
_SENTENCES = {
    404: _NOTHING_HERE,
    405: "This address does not accept this kind of request.",
    500: BUG,
}


def answer_errors(app: Flask) -> None:
    """Make an app answer every exception with a sentence.

    Call it after Dash has registered its own handlers, because it replaces some of them.
    """
    app.register_error_handler(Exception, _answer_to_bug)
    app.register_error_handler(HTTPException, _answer_to_http_error)
    app.register_error_handler(ExplorerError, answer_to)
    for kind in (DependencyException, InvalidResourceError):
        app.register_error_handler(kind, lambda _error: text_response(404, _NOTHING_HERE))
    app.wsgi_app = catch_all(app.wsgi_app)


def catch_all(app: Callable) -> Callable:
    """Return a WSGI app that answers 500 if another one raises, such as in an error handler."""

    def answer(environ: dict, start_response: Callable) -> Iterable[bytes]:
        started: list[tuple] = []
        try:
            # An app can raise after it has started its answer, when Flask closes what the request used. So
            # the real answer starts afterwards.
            body = app(environ, lambda *start: started.append(start))
        except Exception:
            _log.exception("%s %s failed", environ.get("REQUEST_METHOD"), environ.get("PATH_INFO"))
            return text_response(500, BUG)(environ, start_response)
        start_response(*started[-1])
        return body

    return answer


def _answer_to_bug(_error: Exception) -> Response:
    _log.exception("%s %s failed", request.method, request.path)
    return text_response(500, BUG)


def _answer_to_http_error(error: HTTPException) -> Response:
    """Keep the status and the headers of an HTTP error, such as `Allow`; answer with a sentence."""
    response = error.get_response(request.environ)
    if response.status_code >= 400:
        sentence = _SENTENCES.get(response.status_code) or error.description or error.name
        response.data = sentence.encode("utf-8", "replace")
        response.mimetype = "text/plain"
    return response
