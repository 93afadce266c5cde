import http.client
import io
import logging
import re
import subprocess
import sys
import threading
import time

import pytest

from explorer.config import ROOT
from explorer.web import log_lines
from explorer.web.log_lines import MAX_LINE_LENGTH, REPEATS, LineFormatter, LineHandler, RepeatLimit

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def record_of(message, *arguments, error=None, line=1):
    """Return a log record that a line of code made."""
    exc_info = None if error is None else (type(error), error, error.__traceback__)
    return logging.LogRecord("tests", logging.WARNING, __file__, line, message, arguments, exc_info)


def raised(error):
    """Return an exception that has been raised, so that it has a traceback."""
    try:
        raise error
    except type(error) as caught:
        return caught


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            record_of("got %s", "a\x1b[31mb\r\nc\u2028\u202e\x9b2J\x7f\0"),
            r"got a\x1b[31mb\x0d\x0ac\u2028\u202e",
        ),
        (record_of("a\n\n\nb"), r"a\x0a\x0a\x0ab"),
        (record_of("lone \ud800"), r"lone \ud800"),
        (record_of("%d songs", "many"), "%d songs"),
        (record_of(7), "7"),
        (
            record_of("failed", error=ValueError("a\nb\x1b")),
            r"failed (ValueError at an unknown place: a\x0ab\x1b)",
        ),
        (record_of("failed", error=raised(KeyError("k"))), "test_log_lines.py:"),
    ],
)
def test_a_message_is_one_line_without_control_characters(record, expected):
    line = LineFormatter().format(record)
    assert expected in line
    assert UNSAFE.search(line) is None
    assert "\n" not in line
    assert "tests warning: " in line


def test_a_line_is_limited():
    line = LineFormatter().format(record_of("x" * 10_000_000, error=raised(ValueError("\x1b" * 10_000_000))))
    assert len(line) < 2 * MAX_LINE_LENGTH + 10


def test_an_error_without_a_message_has_a_line():
    class SilentError(Exception):
        def __str__(self):
            raise RuntimeError

    assert "SilentError at " in LineFormatter().format(record_of("failed", error=raised(SilentError())))


def test_the_place_of_an_error_is_in_this_program_and_in_the_library():
    from explorer.util.text import printable

    try:
        printable(None)
    except TypeError as error:
        line = LineFormatter().format(record_of("failed", error=error))
    assert "explorer/util/text.py:" in line


def test_few_messages_of_a_kind_pass_and_the_others_are_counted(monkeypatch):
    now, reports = [0.0], []
    monkeypatch.setattr(log_lines.time, "monotonic", lambda: now[0])
    limit = RepeatLimit(lambda record, count: reports.append((record.getMessage(), count)), period_s=3_600)
    passed = sum(limit.filter(record_of("depth is %d", depth)) for depth in range(57_000))
    assert (passed, reports) == (REPEATS, [])
    assert limit.filter(record_of("another line of code", line=2))
    assert limit.filter(record_of("depth is 1", error=raised(ValueError())))
    now[0] = 3_601.0
    assert limit.filter(record_of("depth is 0"))
    assert reports == [("depth is 56999", 57_000 - REPEATS)]


def test_the_count_is_written_without_another_message():
    stream = io.StringIO()
    handler = LineHandler(stream, period_s=1)
    for number in range(REPEATS + 40):
        handler.handle(record_of("\x1b number %d", number))
    deadline = time.monotonic() + 20
    while "40 more" not in stream.getvalue() and time.monotonic() < deadline:
        time.sleep(0.01)
    lines = stream.getvalue().splitlines()
    assert len(lines) == REPEATS + 1
    assert "40 more" in lines[-1]


def test_without_a_new_thread_messages_are_still_limited(monkeypatch):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    limit = RepeatLimit(lambda *_: None)
    assert sum(limit.filter(record_of("x")) for _ in range(100)) == REPEATS


def test_a_stream_that_is_closed_raises_nothing():
    stream = io.StringIO()
    handler = LineHandler(stream)
    stream.close()
    handler.handle(record_of("x"))


SERVER = """
import sys, threading, warnings
from pathlib import Path
from explorer.config import Settings
from explorer.web import server

made = server.create_app

def create_app(settings, **options):
    app = made(settings, **options)
    def broken(name):
        raise ValueError(name)
    def late(name):
        def parts():
            yield b"x"
            raise ValueError(name)
        return parts()
    def noisy(name):
        warnings.warn("warned " + name)
        app.server.logger.error("app " + name)
        app.logger.error("dash " + name)
        threading.Thread(target=broken, args=("thread " + name,)).start()
        return name
    for view in (broken, late, noisy):
        app.server.add_url_rule(f"/test-{view.__name__}/<any_id:name>", view.__name__, view)
    return app

server.create_app = create_app
server.serve_forever(Settings(database=Path(sys.argv[1]), port=0), open_browser=False)
"""


@pytest.fixture
def served(library):
    """A real server with routes that fail: (port, function that stops it and returns its output)."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(library[0])],
        **{"cwd": ROOT, "text": True, "stderr": subprocess.STDOUT, "stdout": subprocess.PIPE},
    )
    lines = []
    first = threading.Event()

    def read():
        for line in process.stdout:
            lines.append(line)
            first.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        assert first.wait(60)
        assert "The map is at " in lines[0], lines

        def output():
            process.terminate()
            process.wait(timeout=20)
            reader.join(timeout=20)
            return lines[1:]

        yield int(lines[0].split("localhost:")[1].split("/")[0]), output
    finally:
        process.kill()
        process.wait(timeout=20)


def get(port, path):
    """Send a GET request; return (status, body), or (0, b"") if the connection breaks."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except (http.client.HTTPException, OSError):
        return 0, b""
    finally:
        connection.close()


def test_a_real_server_writes_escaped_lines_and_limits_a_flood(served):
    port, output = served
    name = "%1b%5b2J%0a%0dfake%c2%9b31m%e2%80%ae"
    for _ in range(60):
        status, body = get(port, f"/test-broken/{name}")
        assert status == 500
        assert b"ValueError" not in body
    for kind in ("late", "noisy"):
        get(port, f"/test-{kind}/{name}")
    lines = output()
    text = "".join(lines)
    assert UNSAFE.search(text) is None
    assert "Traceback" not in text
    assert r"\x1b[2J\x0a\x0dfake\x9b31m\u202e" in text
    for kind in ("warned ", "app ", "dash ", "thread "):
        assert sum(kind + r"\x1b" in line for line in lines) == 1, kind
    assert sum("/test-late/" in line for line in lines) == 1
    failures = [line for line in lines if "/test-broken/" in line]
    assert len(failures) == REPEATS
    assert sum("and 55 more" in line for line in lines) == 1
    assert len(lines) < REPEATS + 10
