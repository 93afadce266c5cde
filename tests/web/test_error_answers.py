import logging

import pytest
from support import store_library

from explorer.config import Settings
from explorer.errors import LibraryBusyError, LibraryError
from explorer.web.app import create_app
from explorer.web.error_answers import BUG
from explorer.web.security import RefusedError, text_response


def make_site(folder):
    """Return the app of a library of 24 songs, as it is served: its errors do not reach the caller."""
    store_library(folder / "songs.db", folder / "music")
    return create_app(Settings(database=folder / "songs.db")).server


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A test client over a library of 24 songs, which no test here changes."""
    return make_site(tmp_path_factory.mktemp("answers")).test_client()


def assert_is_a_sentence(response, asked):
    """Check that an answer is no error of the server, and that an error has one sentence of plain text."""
    assert response.status_code < 500, asked
    assert "default-src 'none'" in response.headers["Content-Security-Policy"], asked
    # 412 has no text: Werkzeug answers so if a file is not as `If-Match` says.
    if response.status_code >= 400 and response.status_code != 412:
        assert response.mimetype == "text/plain", asked
        assert "<" not in response.text, asked


PATHS = [
    *("/", "/_dash-layout", "/_dash-dependencies", "/_reload-hash", "/_favicon.ico"),
    *(
        "/_dash-update-component",
        "/assets/style.css",
        "/assets/x",
        "/assets/../x",
        "/assets/%00",
        "/assets/%ff",
    ),
    *("/_dash-component-suites/dash/x", "/_dash-component-suites/%00/%00", "/_dash-component-suites/os/path"),
    *("/_dash-component-suites/dash/../dash.py", "/_dash-component-suites/dash/deps/..%2f..%2fdash.py"),
    *("/_dash-component-suites/<b>/<b>.js", "/_dash-component-suites/dash/dcc/nothing.js"),
    *("/healthz", "/latest", "/audio/000.flac", "/audio/%00", f"/audio/{'a' * 20_000}", "/audio/%ff%fe"),
    *("/audio/%ed%a0%80", "/cover/%0d%0aX:%20y", "/waveform/%1b%5b31m", "/spectrogram/..", "/preview/~"),
    *(f"/songs/1/{'9' * 5_000}", f"/songs/{'9' * 5_000}/1", "/songs/1/-1", "/songs/1/%d9%a1", "/songs/x/y"),
    *(f"/songs/1/1?clusters={'9' * 5_000}", "/songs/1/1?clusters=nan", "/songs/1/by-id/%00"),
    *(f"/neighbours/1/{'9' * 30}", f"/neighbours/1/1?hide=%00&hide={'x' * 3_000}", "/neighbours/9/9"),
    *("/uploads", "/uploads/%00", "/uploads/..", "/uploads/x/audio", "/uploads/x/keep", "/export"),
    *(
        "/static/%00",
        "/%00",
        "/%ff",
        f"/{'a' * 9_000}",
        "//",
        "///",
        f"/?{'a=b&' * 5_000}",
        "/?%00=%ff",
        "/<b>",
    ),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "get", "\x1b"]


@pytest.mark.parametrize("method", METHODS)
def test_no_method_and_path_is_an_error_of_the_server(site, method):
    for path in PATHS:
        response = site.open(path, method=method)
        if method != "HEAD":
            assert_is_a_sentence(response, path)


HEADERS = [
    *("Range", "If-Range", "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "Date"),
    *("Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Origin", "Referer", "Sec-Fetch-Site"),
    *("Content-Type", "Content-Length", "Content-Encoding", "Transfer-Encoding", "Authorization"),
    *("Cache-Control", "User-Agent", "Expect", "Host", "X-Forwarded-For", "X-Forwarded-Host"),
]
VALUES = [
    *(
        "",
        "\0",
        "\xe9",
        "\x1b[31m",
        "x" * 20_000,
        "null",
        "*",
        "-1",
        "9" * 5_000,
        ",",
        ";;;=",
        '"',
        'W/"',
        "%zz",
    ),
    *("http://[::1", "http://[", "http://a:99999999999", "bytes=-" + "9" * 5_000, "bytes=0-1," * 1_000),
    *(f"bytes={'9' * 5_000}-", "gzip;q=nan", "gzip;q=1e999", "gzip;q=x", "Mon, 99 Foo 99999 99:99:99 GMT"),
    *("Mon, 01 Jan 0000 00:00:00 +9999999", "application/json; charset=\xff", "a/json;charset=none"),
    *("a=b; " * 2_000, "utf-8''%ff", "Basic ===", "Basic \xff", 'Digest a="', "max-age=nan", "=?utf-8?b?=?="),
]
SEARCH = {
    "output": "searched.data",
    "outputs": {"id": "searched", "property": "data"},
    "inputs": [{"id": "search", "property": "searchValue", "value": "piece"}],
    "state": [{"id": "filter", "property": "data"}],
    "changedPropIds": ["search.searchValue"],
}
ASKED = [("GET", "/audio/000.flac", None), ("GET", "/assets/style.css", None)]
ASKED += [("POST", "/_dash-update-component", SEARCH), ("POST", "/uploads/x/keep", None)]


@pytest.mark.parametrize("name", HEADERS)
def test_no_header_is_an_error_of_the_server(site, name):
    assert site.post("/_dash-update-component", json=SEARCH).status_code == 200
    variable = name.upper().replace("-", "_")
    if name not in ("Content-Type", "Content-Length"):
        variable = f"HTTP_{variable}"
    for value in VALUES:
        for method, path, body in ASKED:
            response = site.open(path, method=method, json=body, environ_overrides={variable: value})
            assert_is_a_sentence(response, (method, path, value[:50]))


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (RefusedError(503, "Wait."), 503, "Wait."),
        (LibraryBusyError("locked"), 503, "try again"),
        (LibraryError("It is damaged."), 404, "It is damaged."),
        (ValueError("secret"), 500, BUG),
        (RecursionError("secret"), 500, BUG),
        (MemoryError("secret"), 500, BUG),
        (UnicodeEncodeError("latin-1", "secret", 0, 1, "x"), 500, BUG),
    ],
)
@pytest.mark.parametrize("where", ["view", "before", "after", "callback", "handler"])
def test_every_exception_is_answered_with_a_sentence(tmp_path, caplog, where, error, status, text):
    server = make_site(tmp_path)

    def fail(*_arguments, **_options):
        raise error

    if where == "view":
        server.view_functions["media.healthz"] = fail
    elif where == "before":
        server.before_request(fail)
    elif where == "after":
        server.after_request(fail)
        # Flask has found the answer already, so all errors are the server's.
        status, text = 500, BUG
    elif where == "callback":
        server.view_functions["/_dash-layout"] = fail
    else:
        server.view_functions["media.healthz"] = lambda: 1 / 0
        server.register_error_handler(ZeroDivisionError, fail)
        status, text = 500, BUG
    with caplog.at_level(logging.ERROR):
        response = server.test_client().get("/_dash-layout" if where == "callback" else "/healthz")
    assert (response.status_code, response.mimetype) == (status, "text/plain")
    assert text in response.text
    assert "Traceback" not in response.text
    assert "secret" not in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]
    assert len(response.text) < 200
    bugs = [record for record in caplog.records if record.exc_info]
    assert bool(bugs) is (status == 500)


def test_an_error_that_no_handler_sees_is_answered_with_a_sentence(tmp_path, monkeypatch):
    server = make_site(tmp_path)
    monkeypatch.setattr(server, "full_dispatch_request", lambda: 1 / 0)
    monkeypatch.setattr(server, "handle_exception", lambda _error: 1 / 0)
    response = server.test_client().get("/healthz")
    assert (response.status_code, response.text) == (500, BUG)
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_an_error_while_a_request_is_closed_is_answered_with_a_sentence(tmp_path):
    server = make_site(tmp_path)
    server.teardown_appcontext(lambda _error: 1 / 0)
    response = server.test_client().get("/healthz")
    assert (response.status_code, response.text) == (500, BUG)


def test_an_http_error_keeps_its_headers(site):
    response = site.put("/healthz")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]


def test_a_header_that_cannot_be_sent_is_made_valid(tmp_path):
    server = make_site(tmp_path)

    def answer():
        response = text_response(200, "x")
        response.headers["X-Name"] = "夜\x7f\x1b\ud800é"
        return response

    server.view_functions["media.healthz"] = answer
    response = server.test_client().get("/healthz")
    assert response.headers["X-Name"] == "????é"
