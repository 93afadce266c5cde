import logging
import os
import socket
import sys
import threading
import time
from contextlib import ExitStack, suppress
from functools import partial

import pytest
from flask import Flask, request
from waitress import wasyncore

from explorer.config import Settings
from explorer.web import connections
from explorer.web.admission import MAX_OTHERS_AT_ONCE, MAX_UPLOADS_AT_ONCE, SMALL_BODY_BYTES, Admission
from explorer.web.connections import IDLE_S, RECEIVE_S, STALLED_S, THREADS, Connection, Server
from explorer.web.routes.file_response import send_audio_file
from explorer.web.security import HEADERS, MAX_BODY_BYTES, MAX_UPLOAD_BYTES, allowed_hosts, check_request
from explorer.web.server import _listen

GIANT_BYTES, LARGE_BYTES = 400 << 20, 20 << 20
HOST = "Host: localhost"


@pytest.fixture(scope="module")
def giant(tmp_path_factory):
    """A file of 400 MB that takes no space on the disk, with a few bytes here and there."""
    path = tmp_path_factory.mktemp("giant") / "giant.wav"
    with path.open("wb") as file:
        for place in range(0, GIANT_BYTES, 1 << 20):
            file.seek(place)
            file.write(b"%d" % place)
        file.truncate(GIANT_BYTES)
    return path


@pytest.fixture
def app(giant, tmp_path):
    """An app with an answer of each kind."""
    app = Flask(__name__)
    app.started, app.left = threading.Event(), threading.Event()

    def wait_until_the_client_leaves():
        app.started.set()
        for _ in range(1000):
            if request.environ["waitress.client_disconnected"]():
                app.left.set()
                break
            time.sleep(0.01)
        return ""

    def fail():
        raise RuntimeError("secret")

    app.before_request(partial(check_request, allowed_hosts(Settings())))
    app.config["PROPAGATE_EXCEPTIONS"] = True  # waitress answers.

    def size():
        return str(sum(map(len, iter(lambda: request.stream.read(1 << 20), b""))))

    views = {
        "GET /song": lambda: send_audio_file(giant, "audio/wav"),
        "GET /short": lambda: send_audio_file(tmp_path / "short.wav", "audio/wav"),
        "GET /large": lambda: b"x" * LARGE_BYTES,
        "GET /small": lambda: "small",
        "GET /wait": wait_until_the_client_leaves,
        "GET /fail": fail,
        "POST /size": size,
        "POST /uploads": size,
    }
    for route, view in views.items():
        method, path = route.split()
        app.add_url_rule(path, endpoint=route, view_func=view, methods=[method])
    return app


@pytest.fixture
def server(app):
    """A server of the app, in threads of this process."""
    settings = Settings(port=0)
    server = Server(app, _listen(settings), Admission(app, settings))
    is_over = threading.Event()

    def loop():
        while not is_over.is_set():
            wasyncore.loop(0.1, use_poll=True, map=server._map, count=1)

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield server
    finally:
        is_over.set()
        thread.join(timeout=10)
        wasyncore.close_all(server._map)
        server.task_dispatcher.shutdown()


@pytest.fixture
def connect(server):
    """The function that connects a client to the server; all clients are closed at the end."""
    with ExitStack() as stack:

        def connect(*, source="127.0.0.1", buffer_bytes=None):
            client = stack.enter_context(socket.socket())
            client.settimeout(20)
            if buffer_bytes:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
            client.bind((source, 0))
            client.connect(("127.0.0.1", int(server.effective_port)))
            return client

        yield connect


@pytest.fixture
def ask(connect):
    """The function that sends requests over a new connection and returns all that is answered."""

    def ask(*parts):
        client = connect()
        client.sendall(b"".join(parts))
        return read_all(client)

    return ask


def head(method, path, *lines):
    return "\r\n".join([f"{method} {path} HTTP/1.1", HOST, *lines, "", ""]).encode()


def read_all(client):
    """Return what a server sends until it closes the connection."""
    answer = b""
    while block := client.recv(1 << 16):
        answer += block
    return answer


def is_answered(ask):
    return ask(head("GET", "/small", "Connection: close")).endswith(b"\r\n\r\nsmall")


def wait_until(condition):
    """Wait for a condition; fail after 10 s."""
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("waited in vain")


@pytest.mark.parametrize(("path", "threads"), [("/song", THREADS), ("/large", 4)])
@pytest.mark.parametrize("times", [1, 2])
def test_clients_that_do_not_read_hold_no_thread(server, connect, ask, path, threads, times):
    """More clients than threads ask for much, once or twice in one go, and take nothing of it."""
    server.task_dispatcher.set_thread_count(threads)
    clients = [connect(buffer_bytes=4096) for _ in range(threads + 1)]
    for client in clients:
        client.sendall(head("GET", path) * times)
    for client in clients:
        assert client.recv(12) == b"HTTP/1.1 200"
    assert is_answered(ask)


@pytest.mark.parametrize("part", [(0, GIANT_BYTES), (5 << 20, 45 << 20)])
def test_a_range_arrives_whole_without_a_temporary_file(server, connect, giant, part, monkeypatch):
    """A full disk would damage it. The client pauses, so that the server has to wait."""
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_: pytest.fail("a temporary file"))
    start, stop = part
    client = connect(buffer_bytes=1 << 16)
    client.sendall(head("GET", "/song", f"Range: bytes={start}-{stop - 1}", "Connection: close"))
    time.sleep(0.2)
    with client.makefile("rb") as answer, giant.open("rb") as file:
        assert answer.readline().startswith(b"HTTP/1.1 206")
        while answer.readline() != b"\r\n":
            pass
        file.seek(start)
        while block := answer.read(min(1 << 20, stop - file.tell())):
            assert block == file.read(len(block))
        assert file.tell() == stop
        assert answer.read() == b""


def test_a_body_is_received_without_a_temporary_file(ask, monkeypatch):
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *_: pytest.fail("a temporary file"))
    body = b"x" * MAX_BODY_BYTES
    answer = ask(head("POST", "/size", f"Content-Length: {len(body)}", "Connection: close"), body)
    assert answer.endswith(b"\r\n\r\n%d" % len(body))


def test_a_file_that_becomes_shorter_ends_its_connection(server, connect, tmp_path, caplog):
    path = tmp_path / "short.wav"
    path.write_bytes(b"x" * (20 << 20))
    client = connect(buffer_bytes=4096)
    client.sendall(head("GET", "/short"))
    client.recv(12)
    os.truncate(path, 15 << 20)
    assert len(read_all(client)) < 15 << 20
    wait_until(lambda: not server.active_channels)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_client_that_reads_fast_does_not_delay_the_others(server, connect, monkeypatch):
    """Each connection may send only some bytes before the others have their turn."""
    sent = []

    class Recorded(Connection):
        def handle_write(self):
            missing = self.total_outbufs_len
            super().handle_write()
            sent.append(missing - self.total_outbufs_len)

    server.channel_class = Recorded
    # As if the client had read everything at once.
    monkeypatch.setattr(wasyncore.dispatcher, "send", lambda _self, data, do_close=True: len(data))
    connect().sendall(head("GET", "/song"))
    wait_until(lambda: sum(sent) > 100 << 20)
    assert max(sent) <= 1 << 20


def test_the_app_learns_that_its_client_has_left(connect, app):
    client = connect()
    client.sendall(head("GET", "/wait"))
    assert app.started.wait(10)
    client.close()
    assert app.left.wait(10)


def test_two_requests_at_once_are_answered_in_order_and_more_are_not(ask):
    two = ask(head("GET", "/small"), head("GET", "/size", "Connection: close"))
    assert [part[:3] for part in two.split(b"HTTP/1.1 ")[1:]] == [b"200", b"405"]
    assert ask(head("GET", "/small") * 50).count(b"HTTP/1.1 200") == 2


def test_slow_and_idle_clients_are_closed(server, connect):
    """The clock is moved, not waited for."""
    clients = {name: connect() for name in ("slow head", "slow body", "idle", "new")}
    for name in ("stalled", "follows"):
        clients[name] = connect(buffer_bytes=4096)
        clients[name].sendall(head("GET", "/song") + (b"POST /si" if name == "follows" else b""))
        clients[name].recv(12)
    clients["slow head"].sendall(b"GET / HTTP/1.1\r\nHo")
    clients["slow body"].sendall(head("POST", "/size", "Content-Length: 1000") + b"x" * 10)
    clients["idle"].sendall(head("GET", "/small"))
    clients["idle"].recv(1000)
    names = {client.getsockname()[1]: name for name, client in clients.items()}
    wait_until(lambda: len(server.active_channels) == len(clients))
    channels = {names[channel.addr[1]]: channel for channel in server.active_channels.values()}
    wait_until(lambda: all(channels[name].request for name in ("slow head", "slow body", "follows")))
    wait_until(lambda: not any(channel.requests for channel in channels.values()))
    now_s = time.time()

    def overdue_after(seconds):
        return {name for name, channel in channels.items() if channel.is_overdue(now_s + seconds)}

    assert overdue_after(RECEIVE_S / 2) == set()
    assert overdue_after(RECEIVE_S + 1) == {"slow head", "slow body", "follows"}
    assert overdue_after(IDLE_S + 1) == {"slow head", "slow body", "follows", "idle", "new"}
    assert overdue_after(STALLED_S + 1) == set(clients)
    # Ten megabytes may take longer.
    channels["slow body"].request.body_bytes_received += 10 << 20
    assert "slow body" not in overdue_after(RECEIVE_S + 100)
    channels["slow body"].request.body_bytes_received -= 10 << 20

    def are_closed_when_overdue():
        for channel in channels.values():
            channel.last_activity = 0.0  # Again and again: the server may still fill the clients' buffers.
            if channel.request:
                channel.request.started_s = 0.0
        return not server.active_channels

    wait_until(are_closed_when_overdue)
    read_all(clients["idle"])  # It ends.


def test_one_computer_cannot_keep_the_others_out(server, connect, ask):
    """At the limit, the address with the most connections loses the one that was idle for longest."""
    server._max_connections = 10
    other = connect(source="127.0.0.2")
    other.sendall(head("GET", "/small"))
    assert other.recv(1000)
    clients = [connect() for _ in range(30)]
    assert is_answered(ask)
    assert read_all(clients[0]) == b""
    for client in (other, clients[-1]):
        client.sendall(head("GET", "/small", "Connection: close"))
        assert read_all(client).endswith(b"small")


def test_answers_that_nobody_reads_are_bounded_in_memory(server, connect, ask, monkeypatch):
    monkeypatch.setattr(connections, "MAX_HELD_BYTES", 2 * LARGE_BYTES)
    clients = [connect(buffer_bytes=4096) for _ in range(6)]
    for client in clients:
        client.sendall(head("GET", "/large"))
        with suppress(OSError):  # The server may have closed it already.
            client.recv(12)
    wait_until(lambda: len(server.active_channels) <= 2)
    assert is_answered(ask)


def test_an_answer_takes_memory_until_it_is_read_and_then_no_longer(server, connect):
    """What a client has read of an answer takes memory too, because waitress frees all of it at once."""
    client = connect(buffer_bytes=4096)
    client.sendall(head("GET", "/large"))
    answer = 0
    while answer < LARGE_BYTES * 9 // 10:
        answer += len(client.recv(1 << 20))
    (channel,) = server.active_channels.values()
    assert channel.held_bytes() > LARGE_BYTES
    while answer < LARGE_BYTES:
        answer += len(client.recv(1 << 20))
    wait_until(lambda: not channel.total_outbufs_len and not channel.requests)
    wait_until(
        lambda: sum(sys.getsizeof(buffer.buf and buffer.buf.file) for buffer in channel.outbufs) < 1000
    )
    client.sendall(head("GET", "/small", "Connection: close"))
    assert read_all(client).endswith(b"small")


def test_a_request_without_a_body_that_expects_to_be_continued_is_answered(ask):
    assert ask(head("GET", "/small", "Expect: 100-continue", "Connection: close")).endswith(b"\r\nsmall")


@pytest.mark.parametrize(
    "lines",
    [
        b"GET a://" + b"1" * 60_000 + b" x HTTP/1.1\r\n",
        b"GET a://" + b"1" * 60_000 + b" HTTP/1.\r\n",
        b"GET / HTTP/1.1\r\nX:" + b" " * 60_000 + b"\0\r\n",
        b"GET / HTTP/1.1\r\nX:\r\n" + b"  \t  \r\n" * 8000,
    ],
    ids=["a URL", "a version", "a gap", "folds"],
)
def test_a_line_that_takes_minutes_to_match_is_refused_at_once(ask, lines, monkeypatch):
    """The patterns of waitress block the main loop."""
    for pattern in ("first_line_re", "HEADER_FIELD_RE"):
        monkeypatch.setattr(f"waitress.parser.{pattern}", None)
    assert ask(lines, b"\r\n").startswith(b"HTTP/1.0 400 ")


@pytest.mark.parametrize(
    ("path", "count"), [("/uploads", MAX_UPLOADS_AT_ONCE), ("/size", MAX_OTHERS_AT_ONCE)]
)
def test_only_so_many_bodies_are_received_at_once(server, connect, ask, path, count):
    size = SMALL_BODY_BYTES + 1
    first = head("POST", path, f"Content-Length: {size}", "Connection: close")
    clients = [connect() for _ in range(count)]
    for client in clients:
        client.sendall(first + b"x")

    def in_progress():
        return sum(channel.request is not None for channel in list(server.active_channels.values()))

    wait_until(lambda: in_progress() == count)
    refused = ask(first)
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"\r\nRetry-After: " in refused
    # Small bodies are received all the same.
    assert ask(head("POST", path, "Content-Length: 3", "Connection: close"), b"abc").endswith(b"\r\n3")
    # A body that is complete makes room, and so does a client that leaves.
    clients[0].sendall(b"x" * SMALL_BODY_BYTES)
    assert read_all(clients[0]).endswith(b"%d" % size)
    clients[1].close()
    wait_until(lambda: in_progress() == count - 2)
    more = [connect() for _ in range(2)]
    for client in more:
        client.sendall(first + b"x")
    wait_until(lambda: in_progress() == count)
    for client in more:
        client.sendall(b"x" * SMALL_BODY_BYTES)
        assert read_all(client).endswith(b"%d" % size)


def test_a_song_of_exactly_the_limit_is_received(ask):
    lines = (f"Content-Length: {MAX_UPLOAD_BYTES}", "Connection: close")
    answer = ask(head("POST", "/uploads", *lines), b"x" * MAX_UPLOAD_BYTES)
    assert answer.endswith(b"\r\n\r\n%d" % MAX_UPLOAD_BYTES)


@pytest.mark.parametrize(
    ("lines", "host", "status"),
    [
        (("Host: evil.example",), "127.0.0.1", 421),
        ((HOST, "Origin: http://evil.example"), "127.0.0.1", 403),
        ((HOST, "Sec-Fetch-Site: cross-site"), "127.0.0.1", 403),
        ((HOST,), "0.0.0.0", 403),  # Other machines may not change the library.
    ],
)
def test_a_forbidden_body_is_not_received(server, app, ask, lines, host, status):
    server.admission = Admission(app, Settings(host=host))
    first = f"POST /uploads HTTP/1.1\r\nContent-Length: {MAX_UPLOAD_BYTES}"
    answer = ask("\r\n".join([first, *lines, "", ""]).encode())
    assert answer.startswith(b"HTTP/1.1 %d " % status)


SMUGGLED = [
    (b"POST /size HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n", 400),
    (b"POST /size HTTP/1.1\r\nContent-Length: 3, 3\r\n", 400),
    (b"POST /size HTTP/1.1\r\nContent-Length: +3\r\n", 400),
    (b"POST /size HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n", 400),
    (b"GET http://[::1/ HTTP/1.1\r\n", 400),
    (b"POST /size HTTP/1.1\r\nContent-Length : 3\r\n", 400),
    (b"POST /size HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n", 411),
    (b"POST /size HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", 411),
    (b"POST /size HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n", 411),
    (b"POST /size HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 411),
    (b"POST /size HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n", 501),
    (b"POST /size HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n", 400),
    (b"GET /small HTTP/1.1\nX: y\r\n", 400),
    (b"GET /small HTTP/1.1\r\nX: y\nZ: z\r\n", 400),
    (b"GET /small HTTP/1.1\r\n folded: y\r\n", 400),
    (b"\x16\x03\x01\x02\x00\r\n", 400),
    (b"GET /small HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n", 431),
    (b"GET /fail HTTP/1.1\r\nConnection: close\r\n", 500),
]


@pytest.mark.parametrize(("request_", "status"), SMUGGLED, ids=[str(row[0])[2:60] for row in SMUGGLED])
def test_what_the_server_itself_refuses_has_the_headers_and_a_sentence(ask, request_, status):
    """A second request that hides in the first one's body is not answered either."""
    hidden = head("GET", "/small")
    answer = ask(request_, HOST.encode() + b"\r\n\r\n", hidden if status != 500 else b"")
    start, _, body = answer.partition(b"\r\n\r\n")
    lines = start.decode().split("\r\n")
    assert lines[0].split()[1] == str(status)
    headers = dict(line.split(": ", 1) for line in lines[1:])
    assert headers.items() >= HEADERS.items()
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert "Server" not in headers
    assert body.endswith(b".")
    for word in (b"waitress", b"secret", b"Traceback", b"HTTP/1.1 200"):
        assert word not in answer
