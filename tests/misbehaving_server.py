"""A local HTTP server that misbehaves on purpose: each request gets the next answer of a list."""

import gzip
import hashlib
import random
import socket
import struct
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FILE = gzip.compress(random.Random(1).randbytes(600_000))
OTHER = gzip.compress(random.Random(2).randbytes(600_000))
PAGE = b"<!DOCTYPE html><title>Sign in</title>" + b"<p>Please pay.</p>" * 10_000
CUT = 250_000
SHA256 = hashlib.sha256(FILE).hexdigest()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        # All later requests get the last answer again.
        self.server.requests.append({name.lower(): value for name, value in self.headers.items()})
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def head(self, status, headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = False  # server_close() waits for the threads, so no answer outlives its test.

    def __init__(self, path):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = [], []
        self.url = f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request, client_address):
        """Do not print errors: some tests close the connection early."""


def whole(content=FILE, *, cut=None, length=True, kind="application/octet-stream"):
    """Answer with the whole content, or close the connection after `cut` bytes."""

    def answer(handler):
        headers = {"Content-Type": kind}
        headers |= {"Content-Length": len(content)} if length else {}
        handler.head(200, headers)
        handler.wfile.write(content[:cut])

    return answer


def refuses(status, content=b"no", **headers):
    """Answer with an error status."""

    def answer(handler):
        handler.head(status, {"Content-Length": len(content), **headers})
        handler.wfile.write(content)

    return answer


def hangs_up(handler):
    """Reset the connection without an answer."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def stalls(gate, *, cut=CUT, upto=None):
    """Send the first `cut` bytes, wait until the event `gate` is set, then send the bytes up to `upto`."""

    def answer(handler):
        handler.head(200, {"Content-Length": len(FILE)})
        handler.wfile.write(FILE[:cut])
        handler.wfile.flush()
        gate.wait(60)
        handler.wfile.write(FILE[cut:upto])

    return answer


def held(gate, asked, answer):
    """Set the event `asked`, wait until the event `gate` is set, then give the answer."""

    def answer_later(handler):
        asked.set()
        gate.wait(60)
        answer(handler)

    return answer_later


@contextmanager
def serving(path):
    """Serve until the block ends.

    Yields the server: set its `answers`, request its `url`, read the headers of its `requests`.
    """
    server = Server(path)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
