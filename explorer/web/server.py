"""Serves the page on waitress."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import webbrowser
from collections.abc import Callable

from explorer.config import PORTS, Settings
from explorer.errors import ExplorerError
from explorer.util.progress import Reporter
from explorer.web.admission import Admission
from explorer.web.app import create_app
from explorer.web.connections import Server
from explorer.web.index_job import IndexJob
from explorer.web.log_lines import log_to_terminal
from explorer.web.open_pages import OpenPages

_SEND_BUFFER_BYTES = 1 << 18


def serve_forever(
    settings: Settings,
    *,
    open_browser: bool,
    job: IndexJob | None = None,
    on_listening: Callable[[int], object] = lambda _port: None,
    until_closed: bool = False,
) -> None:
    """Serve the page until the program is interrupted.

    Parameters
    ----------
    open_browser : bool
    job : IndexJob, optional
        Started when the server listens. The caller stops it.
    on_listening : callable
        Called with the port when the server listens.
    until_closed : bool
        Whether to end also when the last page on this computer was closed.

    Raises
    ------
    ExplorerError
        If the server cannot listen on the address.
    """
    log_to_terminal()
    listener = _listen(settings)
    port = listener.getsockname()[1]
    pages = OpenPages(lambda: _stop_after_closing(server)) if until_closed else None
    app = create_app(settings, index_job=job, pages=pages)
    url = _url(settings.host, port)
    # waitress writes a line for each request that waits for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server = Server(app.server, listener, Admission(app.server, settings))
    if threading.current_thread() is threading.main_thread():
        # End the program as Ctrl-C does: embedding processes are stopped and uploaded files are deleted.
        signal.signal(signal.SIGTERM, lambda *_: server.stop())
        # The terminal was closed. `nohup` has this signal ignored, so that the program goes on.
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            signal.signal(signal.SIGHUP, lambda *_: server.stop())
    how = "Closing the page or Ctrl-C" if until_closed else "Ctrl-C"
    Reporter().say(f"The map is at {url} ({how} stops the {'program' if job else 'server'})")
    on_listening(port)
    if job is not None:
        job.start()
    if open_browser:
        threading.Timer(0.3, webbrowser.open, args=(url,)).start()
    try:
        server.run()
    except (KeyboardInterrupt, SystemExit):
        pass  # The first one ended `run`; this one came while its threads ended.
    finally:
        if threading.current_thread() is threading.main_thread():
            # A second Ctrl-C must not interrupt the clean-up at the end of the program.
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), signal.SIG_IGN)
        server.close()


def _stop_after_closing(server: Server) -> None:
    Reporter().say("The page was closed.")
    server.stop()


def _url(host: str, port: int) -> str:
    if host in ("127.0.0.1", "0.0.0.0", "::", "::1", ""):
        host = "localhost"
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def _listen(settings: Settings) -> socket.socket:
    ports = PORTS if settings.port is None else [settings.port]
    for port in ports:
        family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name != "nt":  # On Windows this option would let two servers share a port.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # For each client, bounds what the system holds of an answer that is not read. Set before it listens:
        # accepted sockets inherit it.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
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
