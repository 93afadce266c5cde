"""Serves the page on waitress."""

from __future__ import annotations

import os
import socket
import sys
import threading
import webbrowser

import waitress

from explorer.config import PORTS, Settings
from explorer.errors import ExplorerError
from explorer.web.app import create_app

THREADS = 12


def serve_forever(settings: Settings, *, open_browser: bool) -> None:
    """Listen until interrupted.

    Raises
    ------
    ExplorerError
        If the address cannot be listened on.
    """
    listener = _listen(settings)
    port = listener.getsockname()[1]
    app = create_app(settings)
    host = "localhost" if settings.host in ("127.0.0.1", "0.0.0.0", "::") else settings.host
    url = f"http://{host}:{port}/"
    server = waitress.create_server(app.server, sockets=[listener], threads=THREADS, ident=None)
    print(f"The map is at {url} (Ctrl-C stops it)", file=sys.stderr, flush=True)
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
        if os.name != "nt":  # There it would let two servers share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host, port))
        except OSError as error:
            listener.close()
            problem = error
        else:
            return listener
    raise ExplorerError(
        f"{settings.host}:{ports[-1]} cannot be listened on ({problem.strerror}): "
        "choose another port with --port."
    ) from problem
