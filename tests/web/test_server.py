import http.client
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest
from support import store_library

from explorer.config import PORTS, ROOT, Settings
from explorer.errors import ExplorerError
from explorer.web.connections import THREADS
from explorer.web.security import MAX_BODY_BYTES, MAX_UPLOAD_BYTES
from explorer.web.server import _listen, _url
from explorer.web.uploads.upload_folder import UploadFolder

GIANT, GIANT_BYTES = "000.flac", 1 << 30


@pytest.fixture
def taken():
    """A port that is in use."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_in_use_is_an_error_with_a_sentence(library, taken):
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--db", str(library[0])]
    done = subprocess.run([*command, "--port", str(taken)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{taken}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_first_free_port_is_used_unless_one_is_given(taken):
    with pytest.raises(ExplorerError, match=str(taken)):
        _listen(Settings(port=taken))
    listeners = []
    try:
        for _ in range(2):
            listeners.append(_listen(Settings()))
            listeners[-1].listen()
        first, second = (listener.getsockname()[1] for listener in listeners)
        assert first in PORTS
        assert second in PORTS
        assert first < second
    finally:
        for listener in listeners:
            listener.close()


def obey_hangup():
    """Let SIGHUP end the process, also if the tests run under `nohup`."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def serving(database, *options):
    """Run `run.py serve` on a free port; yield (the port, the process)."""
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--no-browser", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--db", str(database), *options],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        preexec_fn=obey_hangup if hasattr(signal, "SIGHUP") else None,
    )
    try:
        line = process.stderr.readline()
        assert "The map is at " in line, line + process.stderr.read()
        yield int(line.split("localhost:")[1].split("/")[0]), process
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stderr.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A real server over a library of 24 songs: its port. It cannot write files of more than 1 MB.

    Its song 000.flac has a gigabyte of silence after its sound, which takes no space on the disk.
    """
    folder = tmp_path_factory.mktemp("served")
    store_library(folder / "songs.db", folder / "music")
    os.truncate(folder / "music" / GIANT, GIANT_BYTES)
    with serving(folder / "songs.db", "--allow-host", "music.example") as (port, process):
        if sys.platform == "linux":
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        yield port


def answer_to(port, head, body=b""):
    """Send a request; return (status, all bytes until the server closes the connection or 3 s pass)."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode() + body)
        connection.settimeout(3)
        answer = b""
        try:
            while block := connection.recv(65536):
                answer += block
        except TimeoutError:
            pass
    return int(answer.split(b" ", 2)[1]) if answer else None, answer


def head(method, path, *lines, host="localhost"):
    return [f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]


@pytest.mark.parametrize(
    ("host", "status"),
    [("localhost:1", 200), ("127.0.0.1", 200), ("music.example", 200), ("evil.example", 421)],
)
def test_only_requests_under_the_servers_names_are_answered(served, host, status):
    assert answer_to(served, head("GET", "/healthz", host=host))[0] == status


def test_a_request_with_no_host_or_two_hosts_is_refused(served):
    assert answer_to(served, ["GET /healthz HTTP/1.0"])[0] == 421
    assert answer_to(served, head("GET", "/healthz", "Host: evil.example"))[0] == 421


def test_the_page_has_its_content_security_policy(served):
    status, answer = answer_to(served, head("GET", "/"))
    assert status == 200
    assert b"Content-Security-Policy: default-src 'none'; script-src 'self'" in answer


@pytest.mark.parametrize(
    ("path", "announced", "limit"),
    [
        ("/uploads?name=a.mp3", 10_000_000_000, b"50 MB"),
        ("/uploads", MAX_UPLOAD_BYTES + 1, b"50 MB"),
        ("/_dash-update-component", MAX_BODY_BYTES + 1, b"4 MB"),
        ("/export", 10_000_000_000, b"4 MB"),
        ("/nowhere", 10_000_000_000, b"4 MB"),
    ],
)
@pytest.mark.parametrize("expect", [(), ("Expect: 100-continue",)])
def test_a_body_that_is_too_large_is_refused_before_it_is_sent(served, path, announced, limit, expect):
    """The client sends no byte of the body, and the server does not ask for it."""
    status, answer = answer_to(served, head("POST", path, f"Content-Length: {announced}", *expect))
    assert status == 413
    assert limit in answer


def test_a_body_without_an_announced_length_is_refused(served):
    status, _ = answer_to(
        served, head("POST", "/export", "Transfer-Encoding: chunked"), b"40000\r\n" + b"x" * 9000
    )
    assert status == 411


def test_a_body_within_the_limit_reaches_its_route(served):
    status, answer = answer_to(served, head("POST", "/uploads", "Content-Length: 3"), b"abc")
    assert status == 415
    assert b"application/octet-stream" in answer


def test_clients_that_read_slowly_or_not_at_all_do_not_stop_the_server(served):
    """More than the server has threads, and more than waitress accepts by default."""
    with ExitStack() as stack:
        connections = []
        for number in range(200):
            connection = stack.enter_context(socket.socket())
            connection.settimeout(20)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", served))
            connections.append(connection)
            if number < THREADS + 8:
                connection.sendall(
                    "\r\n".join([f"GET /audio/{GIANT} HTTP/1.1", "Host: localhost", "", ""]).encode()
                )
        for connection in connections[: THREADS + 8]:
            assert connection.recv(12) == b"HTTP/1.1 200"
        for path in ("/healthz", "/", "/audio/001.flac"):
            assert answer_to(served, head("GET", path))[0] == 200
        # Those that waited go on.
        assert len(connections[0].recv(1000)) == 1000
        connections[-1].sendall("\r\n".join(head("GET", "/healthz")).encode() + b"\r\n\r\n")
        assert connections[-1].recv(12) == b"HTTP/1.1 200"


def test_a_full_disk_damages_no_sound(served):
    with socket.create_connection(("127.0.0.1", served), timeout=20) as connection:
        lines = head("GET", f"/audio/{GIANT}", f"Range: bytes=0-{(40 << 20) - 1}")
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        time.sleep(0.3)
        answer = bytearray()
        while block := connection.recv(1 << 20):
            answer += block
    start, _, content = answer.partition(b"\r\n\r\n")
    assert start.startswith(b"HTTP/1.1 206")
    assert len(content) == 40 << 20
    assert content[:4] == b"fLaC"
    assert not any(content[1 << 20 :])


def test_a_full_disk_does_not_stop_a_large_request(served):
    body = b" " * (MAX_BODY_BYTES - 13) + b'{"songs": []}'
    lines = head("POST", "/export", "Content-Type: application/json", f"Content-Length: {len(body)}")
    status, _ = answer_to(served, lines, body)
    assert status == 400


@pytest.mark.parametrize(
    ("host", "url"),
    [("::1", "localhost"), ("", "localhost"), ("fe80::2", "[fe80::2]"), ("10.0.0.2", "10.0.0.2")],
)
def test_the_address_of_the_page_is_a_url(host, url):
    assert _url(host, 80) == f"http://{url}:80/"


@pytest.mark.parametrize("ending", ["SIGTERM", "SIGHUP", "SIGKILL", "SIGINT SIGINT SIGTERM"])
def test_a_server_that_was_ended_leaves_no_upload_and_no_process(library, tmp_path, ending):
    """A killed server leaves its uploads to the next one; nobody touches those of a server that runs."""
    with serving(library[0]) as (port, process):
        connection = http.client.HTTPConnection("localhost", port, timeout=20)
        song = (tmp_path / "music" / "003.flac").read_bytes()
        raw = {"Content-Type": "application/octet-stream"}
        connection.request("POST", "/uploads?name=a.flac", song, raw)
        assert connection.getresponse().status == 202
        children = running_embeddings(tmp_path)
        assert list((tmp_path / "uploads").iterdir())
        UploadFolder(tmp_path / "uploads").sweep()
        assert len(list((tmp_path / "uploads").glob("*/*/a.flac"))) == 1
        for name in ending.split():
            process.send_signal(signal.Signals[name])
            time.sleep(0.1)
        assert process.wait(timeout=20) == (-signal.SIGKILL if ending == "SIGKILL" else 0)
    assert children
    wait_until_gone(lambda: running_embeddings(tmp_path))
    if ending == "SIGKILL":
        UploadFolder(tmp_path / "uploads").sweep()
    assert list((tmp_path / "uploads").iterdir()) == []


def wait_until_gone(found):
    """Wait until nothing is found any more."""
    until = time.monotonic() + 60
    while found():
        assert time.monotonic() < until
        time.sleep(0.2)


def running_embeddings(folder):
    """Return the processes that embed a file of a folder; wait at most a few seconds for one."""
    for _ in range(150):
        listed = subprocess.run(["ps", "-ewwo", "args"], capture_output=True, text=True, check=True).stdout
        processes = [line for line in listed.splitlines() if " embed " in line and str(folder) in line]
        if processes:
            return processes
        time.sleep(0.02)
    return []
