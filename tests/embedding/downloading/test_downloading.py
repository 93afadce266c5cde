import hashlib
import os
import socket
import tempfile
import time
from pathlib import Path

import pytest
from misbehaving_server import CUT, FILE, OTHER, PAGE, SHA256, ranged, refuses, whole

from explorer.embedding.downloading import download_file
from explorer.errors import WeightsError

PART, RECORD = ".w.h5.gz.part", ".w.h5.gz.part.json"
WHOLE = {"w.h5.gz": len(FILE)}
ANOTHER_WAY = "by other means, or try the explorer without it by --weights untrained."


# What goes well


@pytest.mark.parametrize("length", [True, False])
def test_a_download_is_whole_alone_and_tells_how_far_it_is(fetch, server, kept, tmp_path, length):
    seen = []
    fetch(whole(length=length), progress=lambda done, total: seen.append((done, total)))
    assert (tmp_path / "models" / "w.h5.gz").read_bytes() == FILE
    assert kept() == WHOLE
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (len(FILE), len(FILE) if length else None)
    assert server.ranges == [(None, None)]


def test_what_is_there_already_is_not_downloaded_again(fetch, server, kept):
    fetch(whole())
    fetch(refuses(500))
    assert server.requests == []
    assert kept() == WHOLE


def test_another_file_under_the_name_is_replaced(fetch, kept, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "w.h5.gz").write_bytes(b"old")
    fetch(whole())
    assert kept() == WHOLE


def test_chunks_without_a_length_are_put_together(fetch, kept):
    def chunked(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.head(200, {"Transfer-Encoding": "chunked", "Connection": "close"})
        for start in range(0, len(FILE), 50_000):
            piece = FILE[start : start + 50_000]
            handler.body(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.body(b"0\r\n\r\n")

    fetch(chunked)
    assert kept() == WHOLE


# What is known to be wrong


def test_a_wrong_checksum_leaves_nothing(refused, server, kept):
    said = refused(whole(OTHER))
    wrong = hashlib.sha256(OTHER).hexdigest()[:12]
    assert f"came with the wrong checksum ({wrong}…): put the file {server.url} at" in said
    assert len(server.requests) == 1
    assert kept() == {}


def test_a_web_page_leaves_nothing(refused, server, kept):
    said = refused(whole(PAGE, kind="text/html"))
    assert "came as something else, perhaps a web page: sign in if your network asks for that, put" in said
    assert len(server.requests) == 1
    assert kept() == {}


def test_a_web_page_instead_of_the_rest_does_not_cost_what_is_here(fetch, refused, server, kept):
    said = refused(ranged(cut=CUT), whole(PAGE, kind="text/html"))
    assert "perhaps a web page: sign in if your network asks for that, run this again to go on" in said
    assert f"after the {CUT} bytes that are kept" in said
    assert set(kept()) == {PART, RECORD}
    span = f"bytes {CUT}-{len(FILE) - 1}/{len(FILE)}"
    said = refused(refuses(206, PAGE, **{"Content-Type": "text/html", "Content-Range": span}))
    assert "perhaps a web page" in said
    assert kept()[PART] == CUT
    fetch(ranged())
    assert server.ranges[0][0] == f"bytes={CUT}-"
    assert kept() == WHOLE


def test_what_is_too_long_leaves_nothing(refused, kept):
    seen = []
    options = {"max_bytes": 100_000, "progress": lambda done, total: seen.append(done)}
    assert "came with more than 100000 bytes: put the file" in refused(whole(), **options)
    assert (seen, kept()) == ([], {})
    assert "came with more than 100000 bytes: put the file" in refused(whole(length=False), **options)
    assert seen[-1] <= 100_000
    assert kept() == {}


@pytest.mark.parametrize(("status", "name"), [(403, "Forbidden"), (404, "Not Found")])
def test_a_refusal_is_said_at_once(refused, server, kept, tmp_path, status, name):
    said = refused(refuses(status))
    assert said == (
        f"OpenL3's weights could not be downloaded (HTTP {status} {name}): put the file {server.url} at"
        f" '{tmp_path}/models/w.h5.gz' {ANOTHER_WAY}"
    )
    assert len(server.requests) == 1
    assert kept() == {}


@pytest.mark.parametrize(("status", "name"), [(500, "Internal Server Error"), (503, "Service Unavailable")])
def test_a_server_that_stays_busy_is_given_up(refused, server, kept, status, name):
    assert f"could not be downloaded (HTTP {status} {name}): put the file" in refused(refuses(status))
    assert len(server.requests) == 3
    assert kept() == {}


def test_a_redirect_in_circles_is_one_sentence(refused, server, kept):
    assert "HTTP 302 Found" in refused(refuses(302, Location="/w.h5.gz"))
    assert kept() == {}


# No network


def test_a_refused_connection_is_said_at_once(refused, kept):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/w.h5.gz"
        said = refused(refuses(500), url=url)
    assert "could not be downloaded (" in said
    assert "refused" in said
    assert f"put the file {url} at" in said
    assert kept() == {}


@pytest.mark.parametrize("url", ["http://nonexistent.invalid/w.h5.gz", "nonsense", "http://x:y/w.h5.gz"])
def test_what_cannot_be_reached_is_said_at_once(refused, kept, monkeypatch, url):
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("tried again"))
    assert f": put the file {url} at" in refused(refuses(500), url=url)
    assert kept() == {}


def test_the_pauses_before_further_tries_are_those_asked_for(server, tmp_path, monkeypatch):
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    server.answers[:] = [refuses(503)]
    with pytest.raises(WeightsError):
        download_file(server.url, tmp_path / "w.h5.gz", sha256=SHA256, pauses_s=(1, 2))
    assert slept == [1, 2]


# The disk


def test_a_folder_that_cannot_be_made_is_an_error(refused, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    said = refused(whole(), target=tmp_path / "file" / "w.h5.gz")
    assert said.startswith(f"OpenL3's weights cannot be kept in '{tmp_path}/file' (")
    assert said.endswith("make the folder writable, or name a file elsewhere by --weights.")


@pytest.fixture
def read_only_folder():
    """A folder that even root's tests cannot write to: outside tmp_path, which is root's alone."""
    is_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        if is_root:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            if is_root:
                os.seteuid(0)
            folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="such folders are POSIX's")
def test_a_folder_that_is_read_only_is_an_error(refused, server, read_only_folder):
    said = refused(whole(), target=read_only_folder / "w.h5.gz")
    assert f"kept in '{read_only_folder}' (Permission denied): make room there" in said
    assert server.requests == []
    assert list(read_only_folder.iterdir()) == []


def test_a_part_that_cannot_be_written_is_an_error(refused, tmp_path):
    (tmp_path / "models" / PART).mkdir(parents=True)
    assert "weights cannot be kept in" in refused(whole())
    assert not (tmp_path / "models" / "w.h5.gz").exists()
