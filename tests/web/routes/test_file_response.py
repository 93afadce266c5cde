import os
import wsgiref.util
from email.utils import formatdate

import pytest
from flask import Flask

from explorer.web.routes import file_response
from explorer.web.routes.file_response import FilePart, send_audio_file

CONTENT = bytes(range(256)) * 1000
SIZE = len(CONTENT)
TIME_S = 1_700_000_000
DATE = formatdate(TIME_S, usegmt=True)
LATER = formatdate(TIME_S + 60, usegmt=True)


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A client of an app that sends one file, the file, and all files that were opened."""
    path = tmp_path / "a.flac"
    path.write_bytes(CONTENT)
    os.utime(path, (TIME_S, TIME_S))
    opened = []

    class Recorded(FilePart):
        def __init__(self, *details):
            super().__init__(*details)
            opened.append(self)

    monkeypatch.setattr(file_response, "FilePart", Recorded)
    app = Flask(__name__)
    app.add_url_rule("/song", view_func=lambda: send_audio_file(path, "audio/flac", etag="tag"))
    return app.test_client(), path, opened


# As RFC 9110 wants it: the header, the status, and the part that is sent.
RANGES = [
    (None, 200, (0, SIZE)),
    ("bytes=0-", 206, (0, SIZE)),
    ("bytes=0-0", 206, (0, 1)),
    ("bytes=100-199", 206, (100, 200)),
    ("BYTES=100-199", 206, (100, 200)),
    (f"bytes=100000-{SIZE + 5}", 206, (100_000, SIZE)),
    (f"bytes={SIZE - 1}-", 206, (SIZE - 1, SIZE)),
    ("bytes=-1", 206, (SIZE - 1, SIZE)),
    ("bytes=-100000", 206, (SIZE - 100_000, SIZE)),
    (f"bytes=-{SIZE}", 206, (0, SIZE)),
    ("bytes=-999999999", 206, (0, SIZE)),
    (f"bytes={SIZE}-", 416, None),
    ("bytes=99999999999999999999-", 416, None),
    ("bytes=-0", 200, (0, SIZE)),
    ("bytes=0-1,5-6", 200, (0, SIZE)),
    ("bytes=5-4", 200, (0, SIZE)),
    ("bytes=a-b", 200, (0, SIZE)),
    ("bytes=" + "9" * 5000 + "-", 200, (0, SIZE)),
    ("lines=0-1", 200, (0, SIZE)),
    ("bytes", 200, (0, SIZE)),
]


@pytest.mark.parametrize(("header", "status", "part"), RANGES, ids=[str(row[0])[:24] for row in RANGES])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("wrapper", [None, wsgiref.util.FileWrapper], ids=["generator", "file wrapper"])
def test_ranges_are_sent_as_the_standard_wants_it(site, header, status, part, method, wrapper):
    client, _, opened = site
    more = {"wsgi.file_wrapper": wrapper} if wrapper else {}
    with client.open(
        "/song", method=method, headers={"Range": header} if header else {}, **{"environ_overrides": more}
    ) as response:
        assert response.status_code == status
        assert (
            response.headers.get("Content-Range")
            == {
                200: None,
                206: part and f"bytes {part[0]}-{part[1] - 1}/{SIZE}",
                416: f"bytes */{SIZE}",
            }[status]
        )
        if part:
            assert response.content_length == part[1] - part[0]
            assert response.headers["Accept-Ranges"] == "bytes"
            assert response.headers["ETag"] == '"tag"'
            assert response.headers["Last-Modified"] == DATE
            assert response.data == (CONTENT[slice(*part)] if method == "GET" else b"")
    assert [file.closed for file in opened] == [True]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=5-9", "If-Range": '"tag"'}, 206),
        ({"Range": "bytes=5-9", "If-Range": DATE}, 206),
        ({"Range": "bytes=5-9", "If-Range": '"old"'}, 200),
        ({"Range": "bytes=5-9", "If-Range": 'W/"tag"'}, 200),
        ({"Range": "bytes=5-9", "If-Range": LATER}, 200),
        ({"If-Range": '"old"'}, 200),
        ({"If-None-Match": '"tag"'}, 304),
        ({"If-None-Match": 'W/"tag"'}, 304),
        ({"If-None-Match": '"tag"', "Range": "bytes=5-9"}, 304),
        ({"If-None-Match": '"old"', "Range": "bytes=5-9"}, 206),
        ({"If-Modified-Since": DATE}, 304),
        ({"If-Modified-Since": formatdate(TIME_S - 1, usegmt=True)}, 200),
        ({"If-Match": '"old"'}, 412),
    ],
)
def test_a_browser_that_has_the_file_or_an_old_version_of_it(site, headers, status):
    client, _, opened = site
    with client.get("/song", headers=headers) as response:
        assert response.status_code == status
        if status == 412:
            assert CONTENT not in response.data
        else:
            assert response.data == {200: CONTENT, 206: CONTENT[5:10], 304: b""}[status]
    assert [file.closed for file in opened] == [True]


def overwrite(path):
    with path.open("r+b") as file:
        file.write(b"wrong" * (SIZE // 5))


def shorten(path):
    os.truncate(path, 70_000)


@pytest.mark.parametrize("change", [overwrite, shorten])
@pytest.mark.parametrize("header", [{}, {"Range": "bytes=10-"}])
def test_an_answer_ends_when_its_file_is_changed(site, change, header):
    client, path, opened = site
    with client.get("/song", headers=header) as response:
        blocks = response.iter_encoded()
        received = next(blocks)
        change(path)
        with pytest.raises(OSError, match="changed"):
            for block in blocks:
                received += block
    assert CONTENT[10 if header else 0 :].startswith(received)
    assert [file.closed for file in opened] == [True]


def test_a_file_that_is_replaced_is_sent_as_it_was(site):
    client, path, _ = site
    with client.get("/song") as response:
        blocks = response.iter_encoded()
        received = next(blocks)
        other = path.with_suffix(".new")
        other.write_bytes(b"wrong" * 100)
        other.replace(path)
        assert received + b"".join(blocks) == CONTENT


def test_a_client_that_leaves_closes_the_file(site):
    client, _, opened = site
    response = client.get("/song")
    next(response.iter_encoded())
    response.close()
    assert [file.closed for file in opened] == [True]


def test_a_name_that_no_header_can_hold_is_sent_readably(tmp_path):
    path = tmp_path / os.fsdecode(b"a\xff\nb.flac")
    path.write_bytes(b"x")
    app = Flask(__name__)
    app.add_url_rule("/song", view_func=lambda: send_audio_file(path, "audio/flac"))
    with app.test_client().get("/song") as response:
        assert response.headers["Content-Disposition"] == "inline; filename=a__b.flac"
