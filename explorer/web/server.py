"""Serves the page on waitress."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import webbrowser

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.utilities import RequestEntityTooLarge

from explorer.config import PORTS, Settings
from explorer.errors import ExplorerError
from explorer.web.app import create_app
from explorer.web.log_lines import log_to_terminal
from explorer.web.security import MAX_UPLOAD_BYTES, body_limit

THREADS = 12


class BoundedParser(HTTPRequestParser):
    """Refuses a request whose body is larger than its route accepts, before or while the body arrives.

    waitress has one limit for all routes. It also answers "100 Continue" to a request that it has just
    refused; the client would then send the body.
    """

    def received(self, data: bytes) -> int:
        """Read the next bytes of a request; return how many belong to it."""
        consumed = super().received(data)
        if self.headers_finished and (self.error is None or isinstance(self.error, RequestEntityTooLarge)):
            limit = body_limit(self.command, self.path)
            if max(self.content_length, self.body_bytes_received) > limit:
                self.error = RequestEntityTooLarge(f"This request may have at most {limit >> 20} MB.")
                self.completed = True
        if self.error is not None:
            self.expect_continue = False
        return consumed


class BoundedChannel(HTTPChannel):
    """A connection whose requests are limited in size."""

    parser_class = BoundedParser


def serve_forever(settings: Settings, *, open_browser: bool) -> None:
    """Serve the page until the program is interrupted.

    Raises
    ------
    ExplorerError
        If the server cannot listen on the address.
    """
    log_to_terminal()
    listener = _listen(settings)
    port = listener.getsockname()[1]
    app = create_app(settings)
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::") else settings.host
    url = f"http://{host}:{port}/"
    server = waitress.create_server(
        app.server,
        sockets=[listener],
        threads=THREADS,
        ident=None,
        max_request_body_size=MAX_UPLOAD_BYTES + 1,
    )
    server.channel_class = BoundedChannel
    if threading.current_thread() is threading.main_thread():
        # End the program as Ctrl-C does: embedding processes are stopped and uploaded files are deleted.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        # The terminal was closed. `nohup` has this signal ignored, so that the program goes on.
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda *_: sys.exit())
    print(f"The map is at {url} (Ctrl-C stops the server)", file=sys.stderr, flush=True)
    if open_browser:
        threading.Timer(0.3, webbrowser.open, args=(url,)).start()
    try:
        server.run()
    finally:
        server.close()


def _listen(settings: Settings) -> socket.socket:
    ports = PORTS if settings.port is None else [settings.port]
    for port in ports:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name != "nt":  # On Windows this option would let two servers share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
        except OSError as error:
            listener.close()
            problem = error
        else:
            return listener
    raise ExplorerError(
        f"The server cannot listen on {settings.host}:{ports[-1]} ({problem.strerror}): "
        "choose another port with --port."
    ) from problem
