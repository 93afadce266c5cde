"""Protects the server: refuses requests from other sites, and restricts what the page may load and run.

Another site that is open in the same browser must not be able to read or change the library:

- The `Host` header must name this machine. A site whose own name points to 127.0.0.1 (DNS rebinding) sends
  that name and is refused. IP addresses are allowed, because DNS rebinding needs a name.
- Only POST, PUT and DELETE requests change anything, and they must come from a page of this server.
- Request bodies have a size limit. It is small for all routes except uploads.

The Content-Security-Policy allows the scripts of this server. The only inline scripts that it allows are
Dash's, of which one loads the page's modules; it lists their hashes. No script can be made from a text while
the page runs, because 'unsafe-eval' is not allowed. One unsafe thing is: `style-src` has 'unsafe-inline',
because Mantine and Dash's components write `<style>` elements.

Some scripts of Dash call `Function("return this")`, but only in old browsers. The policy allows no workers,
because the page has none.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Iterable
from functools import cache, partial
from urllib.parse import urlsplit

from dash import Dash
from flask import Response, request

from explorer.config import Settings
from explorer.errors import ExplorerError

MAX_BODY_BYTES = 4 << 20
"""The limit for all routes except uploads. A list of 100,000 song numbers needs 0.7 MB."""

MAX_UPLOAD_BYTES = 50 << 20
"""The limit for a song that is dropped on the map."""

UPLOAD_PATH = "/uploads"

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::\d{1,5})?")
# A header's value is one line of Latin-1.
_NOT_IN_HEADERS = re.compile("[^\t\x20-\x7e\xa0-\xff]")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class RefusedError(ExplorerError):
    """A request that is refused; `status` is the HTTP status of the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


def protect(app: Dash, settings: Settings) -> None:
    """Check every request to an app, and add security headers to every answer.

    Call it after all routes and callbacks are registered.
    """

    @cache
    def policy() -> str:
        return content_security_policy(app.csp_hashes())

    # Inserted before Dash's own functions, so that nothing runs for a refused request.
    check = partial(check_request, allowed_hosts(settings))
    app.server.before_request_funcs.setdefault(None, []).insert(0, check)
    # Computed for the first answer, because Dash adds inline scripts until then.
    app.server.wsgi_app = with_headers(
        app.server.wsgi_app, lambda: HEADERS | {"Content-Security-Policy": policy()}
    )


def with_headers(app: Callable, security_headers: Callable[[], dict[str, str]]) -> Callable:
    """Return a WSGI app that adds security headers to every answer, also to those of error handlers.

    A header's value may come from a file's name or tags. The characters that a header cannot hold become "?".
    """

    def answer(environ: dict, start_response: Callable) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *more: object) -> Callable:
            valid = [(name, header_value(value)) for name, value in headers]
            present = {name.lower() for name, _ in headers}
            added = [pair for pair in security_headers().items() if pair[0].lower() not in present]
            return start_response(status, valid + added, *more)

        return app(environ, start)

    return answer


def header_value(text: str) -> str:
    """Return a text in which each character that a header's value cannot hold is "?"."""
    return _NOT_IN_HEADERS.sub("?", text)


def content_security_policy(script_hashes: list[str]) -> str:
    """Return the header's value; `script_hashes` are the hashes of the page's inline scripts."""
    scripts = " ".join(["script-src 'self'", *script_hashes])
    return (
        f"default-src 'none'; {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the host names that requests may use, in lower case; IP addresses need not be listed."""
    hostname = socket.gethostname().lower().rstrip(".")
    short = hostname.partition(".")[0]
    names = {"localhost", hostname, short, f"{short}.local", settings.host, *settings.allowed_hosts}
    return frozenset(name.lower().rstrip(".") for name in names) - {""}


def is_allowed_host(header: str | None, names: frozenset[str]) -> bool:
    """Tell whether a `Host` header names this machine, with any port."""
    match = _HOST.fullmatch(header or "")
    if match is None:
        return False
    host = match[1].lower().rstrip(".")
    if host in names:
        return True
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def body_limit(method: str, path: str) -> int:
    """Return the maximum size of a request's body, in bytes."""
    return MAX_UPLOAD_BYTES if (method, path) == ("POST", UPLOAD_PATH) else MAX_BODY_BYTES


def check_request(hosts: frozenset[str]) -> Response | None:
    """Return an answer that refuses the current request, or None if the request is allowed."""
    host = request.environ.get("HTTP_HOST")
    if not is_allowed_host(host, hosts):
        problem = f"is not called {host[:100]!r}" if host else "got a request without a host name"
        return text_response(
            421,
            f"This server {problem}: open http://localhost with the server's port, or start the server with "
            "--allow-host NAME.",
        )
    if request.method not in _SAFE_METHODS and not _is_from_our_page(host):
        return text_response(
            403,
            "This request came from a page of another site, so nothing was done: open this server's own "
            "page. A proxy must pass the Host header on unchanged.",
        )
    limit = body_limit(request.method, request.path)
    request.max_content_length = limit + 1  # werkzeug refuses a body of exactly this size.
    if (request.content_length or 0) > limit:
        return text_response(413, f"This request is too large: it may have at most {limit >> 20} MB.")
    return None


def _is_from_our_page(host: str) -> bool:
    """Return False if a header says that another site sent the request; only browsers send these headers."""
    if request.headers.get("Sec-Fetch-Site", "same-origin").lower() not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _authority(_netloc(origin)) == _authority(host)


def refuse_other_sites() -> None:
    """Raise RefusedError if the page of another site made the browser send this request.

    Such a page cannot read the answer, but could keep this machine busy.
    """
    if request.headers.get("Sec-Fetch-Site", "none").lower() not in ("same-origin", "none"):
        raise RefusedError(
            403,
            "This request came from a page of another site, so nothing was made: open the map's own page.",
        )


def _netloc(url: str) -> str:
    """Return the host and port of a URL; "" if it is not valid, such as "http://[::1"."""
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


def _authority(netloc: str) -> str:
    """Return a URL's host and port in lower case; the default ports are left out."""
    return netloc.lower().removesuffix(":80").removesuffix(":443")


def text_response(status: int, message: str) -> Response:
    """Return a plain-text answer."""
    # The message may contain a file name whose bytes are not valid UTF-8.
    return Response(message.encode("utf-8", "replace"), status=status, mimetype="text/plain")
