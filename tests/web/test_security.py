import base64
import hashlib
import re
import socket

import pytest
from dash import Dash, Input, Output, html
from support import store_library

from explorer.config import Settings
from explorer.web.app import create_app
from explorer.web.security import MAX_BODY_BYTES, MAX_UPLOAD_BYTES, protect

JSON = {"Content-Type": "application/json"}
# Every route that answers GET. GET must change nothing but caches: check that before you add a route here.
GET_ROUTES = {
    "/",
    "/<path>",
    "/_dash-component-suites/<package_name>/<fingerprinted_path>",
    "/_dash-dependencies",
    "/_dash-layout",
    "/_favicon.ico",
    "/_reload-hash",
    "/assets/<filename>",
    "/audio/<song_id>",
    "/comet/<revision>/<index>",
    "/cover/<song_id>",
    "/healthz",
    "/inside/<revision>/<index>",
    "/inside/<revision>/<index>/matrix",
    "/latest",
    "/map/<revision>/groups",
    "/map/<revision>/positions/<projection>",
    "/moments/<revision>/<index>",
    "/neighbours/<revision>/<index>",
    "/preview/<song_id>",
    "/songs/<revision>/<index>",
    "/songs/<revision>/by-id/<song_id>",
    "/songs/<revision>/since/<earlier>",
    "/spectrogram/<song_id>",
    "/static/<filename>",
    "/unmapped/<song_id>",
    "/uploads/<token>",
    "/uploads/<token>/audio",
    "/waveform/<song_id>",
    "/why/<revision>/<a>/<b>",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A test client over a library of 24 songs, which no test here changes."""
    folder = tmp_path_factory.mktemp("security")
    store_library(folder / "songs.db", folder / "music")
    settings = Settings(database=folder / "songs.db", allowed_hosts=("Music.Example.",))
    return create_app(settings).server.test_client()


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "LOCALHOST:8050",
        "localhost.",
        "127.0.0.1:8050",
        "192.168.1.20",
        "[::1]:8050",
        "[fe80::1]",
        "music.example:443",
        socket.gethostname() + ":1",
    ],
)
def test_requests_under_the_machines_names_and_addresses_are_answered(site, host):
    assert site.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8050",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "localhost@evil.example",
        "evil.example, localhost",
        "localhost evil.example",
        "[::1",
        "[localhost]",
        "2130706433",
        "localhost:port",
        ":8050",
        "",
        "\xe9vil",
    ],
)
@pytest.mark.parametrize("path", ["/", "/healthz", "/_dash-layout", "/audio/000.flac", "/no-such-page"])
def test_requests_under_other_names_are_refused_with_a_hint(site, host, path):
    response = site.get(path, environ_overrides={"HTTP_HOST": host})
    assert (response.status_code, response.mimetype) == (421, "text/plain")
    assert "--allow-host" in response.text
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


def test_a_request_without_a_host_is_refused(site):
    environ = site.open("/healthz").request.environ
    environ.pop("HTTP_HOST")
    seen = []
    body = b"".join(site.application.wsgi_app(environ, lambda status, _headers: seen.append(status)))
    assert seen[0].startswith("421")
    assert b"without a host name" in body


def post_callback(site, headers):
    """Request a callback's result, as the page does; return the status."""
    body = {
        "output": "searched.data",
        "outputs": {"id": "searched", "property": "data"},
        "inputs": [{"id": "search", "property": "searchValue", "value": "piece"}],
        "state": [{"id": "filter", "property": "data", "value": None}],
        "changedPropIds": ["search.searchValue"],
    }
    return site.post("/_dash-update-component", json=body, headers=headers).status_code


OTHERS = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:3000"},
    {"Origin": "http://localhost.evil.example:8050"},
    {"Origin": "http://[::1"},
    {"Origin": "http://["},
    {"Origin": "//["},
    {"Origin": "http://[localhost]:8050"},
    {"Origin": "http://a:99999999999999999999"},
    {"Origin": "\xe9"},
    {"Origin": "x" * 100_000},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://localhost:8050", "Sec-Fetch-Site": "cross-site"},
]
OWN = [
    {},
    {"Origin": "http://localhost:8050"},
    {"Origin": "http://LOCALHOST:8050", "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
]


@pytest.mark.parametrize("headers", OTHERS)
def test_requests_from_other_sites_change_nothing(site, headers):
    headers = headers | {"Host": "localhost:8050"}
    for rule in site.application.url_map.iter_rules():
        for method in rule.methods - {"GET", "HEAD", "OPTIONS"}:
            path = re.sub("<[^>]*>", "1", rule.rule)
            response = site.open(path, method=method, headers=headers)
            assert response.status_code == 403, (method, path)
            assert "nothing was done" in response.text
    assert post_callback(site, headers) == 403


@pytest.mark.parametrize("headers", OWN)
def test_requests_from_the_page_are_answered(site, headers):
    assert post_callback(site, headers | {"Host": "localhost:8050"}) == 200


def test_requests_from_a_page_behind_a_proxy_are_answered(site):
    for port in ("", ":443"):
        headers = {"Host": f"music.example{port}", "Origin": "https://music.example"}
        assert post_callback(site, headers) == 200


def test_routes_that_answer_get_are_those_known_to_change_nothing(site):
    rules = (rule for rule in site.application.url_map.iter_rules() if "GET" in rule.methods)
    assert {re.sub("<[^:>]*:", "<", rule.rule) for rule in rules} == GET_ROUTES


def test_routes_that_change_something_do_not_answer_get(site):
    for rule in site.application.url_map.iter_rules():
        if rule.methods & {"POST", "PUT", "PATCH", "DELETE"}:
            assert not rule.methods & {"GET", "HEAD"}, rule


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/audio/000.flac", "/audio/absent", "/songs/9/9", "/assets/style.css", "/x"]
)
def test_every_answer_has_the_security_headers(site, path):
    headers = site.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "microphone=()" in headers["Permissions-Policy"]
    assert len(headers.getlist("Content-Security-Policy")) == 1


def policy_of(response):
    """Return a policy's directives with their sources."""
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


def test_the_policy_allows_this_server_and_no_inline_script(site):
    policy = policy_of(site.get("/"))
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"][0] == "'self'"
    assert all(re.fullmatch(r"'sha256-[\w+/=]{44}'", source) for source in policy["script-src"][1:])
    for name in ("object-src", "base-uri", "form-action", "frame-ancestors"):
        assert policy[name] == ["'none'"]
    every = {source for sources in policy.values() for source in sources}
    assert not any(source in ("*", "http:", "https:") or "//" in source for source in every)


def inline_scripts(page):
    """Return the inline scripts that a browser would run in a page."""
    page = re.sub(r"<!--.*?-->", "", page, flags=re.DOTALL)
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", page, re.DOTALL)
    return [
        text
        for attributes, text in scripts
        if "src=" not in attributes and "application/json" not in attributes
    ]


def is_allowed(script, sources):
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'" in sources


def test_the_pages_own_inline_scripts_are_allowed_by_their_hash(site):
    response = site.get("/")
    scripts = inline_scripts(response.text)
    assert "core/main.js" in scripts[-1]
    sources = policy_of(response)["script-src"]
    assert all(is_allowed(script, sources) for script in scripts)
    assert not is_allowed("alert(1)", sources)


def test_an_inline_script_that_dash_adds_later_is_allowed():
    app = Dash("page")
    app.layout = html.Div([html.P(id="from"), html.P(id="to")])
    protect(app, Settings())
    app.clientside_callback("function(x) { return x }", Output("to", "title"), Input("from", "title"))
    response = app.server.test_client().get("/")
    scripts = inline_scripts(response.text)
    assert len(scripts) == 2
    assert all(is_allowed(script, policy_of(response)["script-src"]) for script in scripts)


def test_large_bodies_are_refused_except_for_uploads(site):
    body = b"x" * (MAX_BODY_BYTES + 1)
    response = site.post("/_dash-update-component", data=body, headers=JSON)
    assert (response.status_code, response.mimetype) == (413, "text/plain")
    assert "4 MB" in response.text
    raw = {"Content-Type": "application/octet-stream"}
    assert site.post("/export", data=body, headers=JSON).status_code == 413
    assert site.post("/uploads/token/keep", data=body, headers=raw).status_code == 413
    large = site.post("/uploads", headers=raw, content_length=MAX_UPLOAD_BYTES + 1)
    assert large.status_code == 413
    assert "50 MB" in large.text
