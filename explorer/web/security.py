"""What the page's server refuses, and what it lets a browser do with its answers.

Another site open in the same browser must be able to neither read nor change a library:

- A request must name this machine in `Host`. A site that points its own name at 127.0.0.1 (DNS rebinding)
  sends that name; one that uses an address cannot, so addresses are allowed.
- What changes something is a POST, PUT or DELETE, and must come from a page of this server.
- Bodies have a limit, small for all routes but the one that takes files.

The Content-Security-Policy allows scripts of this server only, and no inline ones but Dash's, by their hash.
It needs two concessions:

- `script-src` has 'unsafe-eval': plotly.js draws points through regl, which writes a program for each draw
  command and compiles it with `Function`. Without it the map says that the browser has no WebGL. Only
  plotly's "strict" bundle, which its Python package does not bring, has these programs ready-made. What is
  evaluated so comes from a script of this server: markup in a title still runs nothing.
- `style-src` has 'unsafe-inline': plotly.js, Mantine and Dash's own components write `<style>` elements.

The `Function("return this")` of other bundles is reached in old browsers alone. Workers are for plotly's
tile maps alone, so there is none.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import cache, partial
from urllib.parse import urlsplit

from dash import Dash
from flask import Response, request

from explorer.config import Settings
from explorer.errors import ExplorerError

MAX_BODY_BYTES = 4 << 20
"""Of a request, unless its route says otherwise: 100,000 song numbers are 0.7 MB."""

MAX_UPLOAD_BYTES = 50 << 20
"""Of a song that is dropped on the map."""

UPLOAD_PATH = "/uploads"

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(?::\d{1,5})?")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class RefusedError(ExplorerError):
    """A request cannot be answered as asked; `status` is HTTP's number for why."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def protect(app: Dash, settings: Settings) -> None:
    """Guard every route of an app; to be called when all are registered."""

    @cache
    def policy() -> str:
        return content_security_policy(app.csp_hashes())

    def add_headers(response: Response) -> Response:
        # Only now is it known which inline scripts the page has.
        response.headers["Content-Security-Policy"] = policy()
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    # Before Dash's own: nothing is done for a request that is refused.
    app.server.before_request_funcs.setdefault(None, []).insert(0, partial(refusal, allowed_hosts(settings)))
    app.server.after_request(add_headers)


def content_security_policy(script_hashes: list[str]) -> str:
    """Return the header's value; the hashes are those of the page's inline scripts."""
    scripts = " ".join(["script-src 'self' 'unsafe-eval'", *script_hashes])
    return (
        f"default-src 'none'; {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
        "media-src 'self' blob:; connect-src 'self'; font-src 'self'; object-src 'none'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )


def allowed_hosts(settings: Settings) -> frozenset[str]:
    """Return the names under which this server may be asked, in lower case; addresses are allowed anyway."""
    own = socket.gethostname().lower().rstrip(".")
    short = own.partition(".")[0]
    names = {"localhost", own, short, f"{short}.local", settings.host, *settings.allowed_hosts}
    return frozenset(name.lower().rstrip(".") for name in names) - {""}


def is_allowed_host(header: str | None, names: frozenset[str]) -> bool:
    """Tell whether a request's `Host` names this machine, whatever the port."""
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
    """Return how many bytes a request may carry."""
    return MAX_UPLOAD_BYTES if (method, path) == ("POST", UPLOAD_PATH) else MAX_BODY_BYTES


def refusal(hosts: frozenset[str]) -> Response | None:
    """Return why the request in hand is refused, or None."""
    host = request.environ.get("HTTP_HOST")
    if not is_allowed_host(host, hosts):
        asked = f"under the name {host[:100]!r}" if host else "without a name"
        return say(
            421,
            f"This server was asked {asked}, which is not its own: open http://localhost with its port, or "
            "start it with --allow-host NAME.",
        )
    if request.method not in _SAFE_METHODS and not _is_from_our_page(host):
        return say(
            403,
            "This request came from another site's page, so nothing was done: open the map itself. A proxy "
            "in between must pass the Host header on.",
        )
    limit = body_limit(request.method, request.path)
    request.max_content_length = limit
    if (request.content_length or 0) > limit:
        return say(413, f"This is too large: at most {limit >> 20} MB can be sent here.")
    return None


def _is_from_our_page(host: str) -> bool:
    """Tell whether the browser vouches for the page; programs that are no browsers say nothing."""
    if request.headers.get("Sec-Fetch-Site", "same-origin").lower() not in ("same-origin", "none"):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _authority(urlsplit(origin).netloc) == _authority(host)


def _authority(netloc: str) -> str:
    return netloc.lower().removesuffix(":80").removesuffix(":443")


def say(status: int, sentence: str) -> Response:
    """Return a sentence as an answer."""
    # It may hold a file's name, which need not be valid text.
    return Response(sentence.encode("utf-8", "replace"), status=status, mimetype="text/plain")
