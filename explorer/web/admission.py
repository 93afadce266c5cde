"""Refuses requests before their bodies are read: those that are too large, forbidden, or too many at once."""

from __future__ import annotations

import io
import re
import time
from dataclasses import dataclass, field
from functools import partial
from threading import BoundedSemaphore

from flask import Flask
from waitress.adjustments import Adjustments
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.task import ErrorTask
from waitress.utilities import RequestEntityTooLarge

from explorer.config import Settings
from explorer.web.security import (
    HEADERS,
    UPLOAD_PATH,
    allowed_hosts,
    body_limit,
    check_request,
    content_security_policy,
)

SMALL_BODY_BYTES = 64 << 10
"""Bodies up to this size are read at once: their number is bounded by the number of connections."""

MAX_UPLOADS_AT_ONCE, MAX_OTHERS_AT_ONCE = 4, 16
"""How many larger bodies may be in memory at once: 4 songs of 50 MB, and 16 bodies of 4 MB."""

_RETRY_AFTER_S = 5
_REQUEST_LINE = re.compile(rb"[^ ]+ [^ ]+(?: HTTP/[0-9]\.[0-9])?")
_LONG_GAP = re.compile(rb"[ \t\r\n]{64}")
_SENTENCES = {
    400: "The server does not understand this request.",
    413: "This request is too large.",
    431: "The headers of this request are too large.",
    500: "The server failed to answer this request: its log says why.",
    501: "The server does not support the way in which this request is sent.",
}


@dataclass(frozen=True)
class Refusal:
    """An answer that refuses a request; it stands in `request.error`, where waitress keeps its own errors."""

    code: int
    reason: str
    sentence: str
    headers: dict[str, str] = field(default_factory=dict)


class Admission:
    """Decides, when the headers of a request have arrived, whether its body is read.

    Bodies are kept in memory, never in temporary files, so their number and size are limited.
    """

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app = app
        self._check = partial(check_request, allowed_hosts(settings))
        self._allows_changes = settings.allow_changes
        self._uploads = BoundedSemaphore(MAX_UPLOADS_AT_ONCE)
        self._others = BoundedSemaphore(MAX_OTHERS_AT_ONCE)

    def admit(self, request: BoundedParser) -> None:
        """Let a request's body be read, or set `request.error`."""
        request.error = self._problem(request)

    def _problem(self, request: BoundedParser) -> Refusal | None:
        if request.chunked or "TRANSFER_ENCODING" in request.headers:
            # Browsers do not send such bodies. Without them, two programs cannot disagree where a body ends.
            return Refusal(411, "Length Required", "This request does not say how long it is.")
        length, limit = request.content_length, body_limit(request.command, request.path)
        if length > limit:
            sentence = f"This request is too large: it may have at most {limit >> 20} MB."
            return Refusal(413, "Request Entity Too Large", sentence)
        if length <= SMALL_BODY_BYTES:
            return None
        if refusal := self._ask_app(request):
            return refusal
        is_upload = request.path == UPLOAD_PATH
        if is_upload and not self._allows_changes:
            return Refusal(403, "Forbidden", "This server accepts no songs: start it with --allow-changes.")
        slots = self._uploads if is_upload else self._others
        if not slots.acquire(blocking=False):
            sentence = "The server is receiving as much as it can: try again in a few seconds."
            return Refusal(503, "Service Unavailable", sentence, {"Retry-After": str(_RETRY_AFTER_S)})
        request.slots = slots
        return None

    def _ask_app(self, request: BoundedParser) -> Refusal | None:
        """Make the app's checks that need no body: of the host's name, other sites and permissions."""
        environ = {
            "REQUEST_METHOD": request.command,
            "PATH_INFO": request.path,
            "QUERY_STRING": request.query,
            "CONTENT_LENGTH": str(request.content_length),
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
        }
        environ |= {f"HTTP_{name}": value for name, value in request.headers.items()}
        with self._app.request_context(environ):
            response = self._check()
        if response is None:
            return None
        code, _, reason = response.status.partition(" ")
        return Refusal(int(code), reason, response.get_data(as_text=True))


class BoundedParser(HTTPRequestParser):
    """Reads a request; the admission may refuse it when its headers have arrived.

    Attributes
    ----------
    started_s : float
        When its first byte arrived, by `time.time`.
    slots : BoundedSemaphore or None
        What counts its body while it is in memory.
    """

    slots: BoundedSemaphore | None = None
    _is_judged = False

    def __init__(self, admission: Admission, adj: Adjustments) -> None:
        super().__init__(adj)
        self.started_s = time.time()
        self._admission = admission

    def received(self, data: bytes) -> int:
        """Read the next bytes of a request; return how many belong to it."""
        consumed = super().received(data)
        if self.headers_finished and not self.empty and not self._is_judged:
            self._is_judged = True
            if self.error is None or isinstance(self.error, RequestEntityTooLarge):
                self._admission.admit(self)
        if self.error is not None:
            self.completed = True
        if self.completed:
            # waitress would ask for the body of a request that it has refused, or that has none, and wait.
            self.expect_continue = False
        return consumed

    def parse_header(self, header_plus: bytes) -> None:
        """Read the first line and the headers.

        waitress's patterns would need minutes for some lines, and no other client is answered meanwhile. So
        these lines are refused first: first lines of another form, and headers with long gaps.
        """
        first_line = header_plus.partition(b"\r\n")[0].rstrip()
        if not _REQUEST_LINE.fullmatch(first_line) or _LONG_GAP.search(header_plus):
            raise ParsingError("The request line or a header is invalid")
        try:
            super().parse_header(header_plus)
        except ValueError as error:  # A URL such as "http://[::1", or a length of thousands of digits.
            raise ParsingError("The URL or the length is invalid") from error

    def close(self) -> None:
        """Forget the body."""
        super().close()
        slots, self.slots = self.slots, None
        if slots is not None:
            slots.release()


class SentenceTask(ErrorTask):
    """Answers a request that does not reach the app with a plain sentence and the security headers."""

    def execute(self) -> None:
        """Write the answer; the connection is then closed."""
        error = self.request.error
        if not isinstance(error, Refusal):  # waitress's own, whose text repeats what the client sent.
            error = Refusal(error.code, error.reason, _SENTENCES.get(error.code, error.reason))
        headers = HEADERS | {
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Security-Policy": content_security_policy([]),
            "Cache-Control": "no-store",
            **error.headers,
        }
        self.status = f"{error.code} {error.reason}"
        self.response_headers.extend(headers.items())
        self.set_close_on_finish()
        self.channel.lingers = True
        body = error.sentence.encode("utf-8", "replace")
        self.content_length = len(body)
        if getattr(self.request, "command", "GET") != "HEAD":
            self.write(body)
