import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from misbehaving_server import CUT, FILE, OTHER, PAGE, SHA256, hangs_up, held, refuses, stalls, whole

from explorer.config import ROOT
from explorer.embedding.download import download_file
from explorer.errors import WeightsError

PART, LOCK = ".w.h5.gz.part", ".w.h5.gz.lock"
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
    assert len(server.requests) == 1


@pytest.mark.skipif(os.name == "nt", reason="such permissions are POSIX's")
def test_whoever_may_read_the_folder_may_read_the_file(fetch, tmp_path):
    fetch(whole())
    (tmp_path / "other").touch()
    assert (tmp_path / "models" / "w.h5.gz").stat().st_mode == (tmp_path / "other").stat().st_mode


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
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    fetch(chunked)
    assert kept() == WHOLE


# What is known to be wrong


def test_a_wrong_checksum_leaves_nothing(refused, server, kept):
    said = refused(whole(OTHER))
    assert f"came with the wrong checksum: put the file {server.url} at" in said
    assert len(server.requests) == 1
    assert kept() == {}


def test_a_web_page_leaves_nothing(refused, server, kept):
    said = refused(whole(PAGE, kind="text/html"))
    assert "came as something else, perhaps a web page: sign in if your network asks for that, put" in said
    assert len(server.requests) == 1
    assert kept() == {}


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
    assert "redirects" in refused(refuses(302, Location="/w.h5.gz"))
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


@pytest.mark.skipif(os.name == "nt", reason="such limits are POSIX's")
def test_a_disk_without_room_is_an_error_and_keeps_nothing(refused, kept):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CUT, limits[1]))
    try:
        said = refused(whole())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "weights cannot be kept in" in said
    assert kept() == {}


# Connections that break


def test_a_dropped_connection_and_a_busy_server_are_tried_again(fetch, server, kept):
    fetch(whole(cut=CUT), refuses(503), whole())
    assert len(server.requests) == 3
    assert kept() == WHOLE


def test_a_server_that_hangs_up_once_it_has_answered_is_tried_again(fetch, server, kept):
    fetch(whole(cut=CUT), hangs_up, whole())
    assert len(server.requests) == 3
    assert kept() == WHOLE


def test_a_file_that_is_always_cut_says_how_far_it_came(refused, server, kept):
    said = refused(whole(cut=CUT), tries=3)
    assert re.search(rf"stopped after \d+ of {len(FILE)} bytes \(.+\): put the file", said)
    assert len(server.requests) == 3
    assert kept() == {}


def test_an_empty_answer_leaves_nothing(refused, kept):
    refused(whole(b""))
    assert kept() == {}


def test_a_stalled_server_counts_as_lost(refused, make_gate, server, kept):
    said = refused(stalls(make_gate()), tries=1, timeout_s=0.2)
    assert re.search(rf"stopped after \d+ of {len(FILE)} bytes \(.*timed out", said)
    assert kept() == {}


def test_a_proxy_that_refuses_is_named(refused, server, monkeypatch, kept):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", server.url)
    said = refused(whole(), url="https://weights.invalid/w.h5.gz")
    assert "could not be downloaded through the proxy (" in said
    assert kept() == {}


def test_a_proxy_is_used(fetch, server, monkeypatch, kept):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    fetch(whole(), url="http://weights.invalid/w.h5.gz")
    assert server.requests[0]["host"] == "weights.invalid"
    assert kept() == WHOLE


def test_a_redirect_is_followed(fetch, server, kept):
    fetch(refuses(302, Location="/elsewhere"), whole())
    assert kept() == WHOLE


# Interrupted, killed, and two at once


def test_an_interrupt_leaves_nothing(fetch, kept):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(whole(), progress=interrupt)
    assert kept() == {}


def test_a_killed_download_leaves_nothing_under_the_name_and_the_next_one_cleans_up(
    fetch, server, make_gate, kept, tmp_path
):
    gate = make_gate()
    server.answers[:] = [stalls(gate)]
    target = tmp_path / "models" / "w.h5.gz"
    code = (
        "import sys; from pathlib import Path; from explorer.embedding.download import download_file;"
        "download_file(sys.argv[1], Path(sys.argv[2]), sha256=sys.argv[3])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, server.url, str(target), SHA256], cwd=ROOT)
    try:
        while not any(file.stat().st_size for file in target.with_name(PART).glob("*")):
            assert process.poll() is None
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert not target.exists()
    gate.set()
    fetch(whole())
    assert target.read_bytes() == FILE
    assert kept() == WHOLE


@pytest.fixture
def run_beside(server, tmp_path):
    """Download in a thread of its own; its errors are gathered in `run_beside.errors`."""
    threads, errors = [], []

    def run():
        reached = threading.Event()

        def progress(done, total):
            if done:
                reached.set()

        def download():
            target = tmp_path / "models" / "w.h5.gz"
            try:
                download_file(server.url, target, sha256=SHA256, progress=progress, pauses_s=[0])
            except BaseException as error:
                errors.append(error)

        threads.append(threading.Thread(target=download))
        threads[-1].start()
        assert reached.wait(60)
        return threads[-1]

    run.errors = errors
    yield run
    for thread in threads:
        thread.join()


def test_two_runs_at_once_share_one_download(run_beside, make_gate, server, kept):
    gate = make_gate()
    server.answers[:] = [stalls(gate)]
    threads = [run_beside(), run_beside()]
    gate.set()
    for thread in threads:
        thread.join()
    assert run_beside.errors == []
    assert len(server.requests) == 1
    assert kept() == WHOLE


def test_a_run_that_waited_takes_over_from_one_that_failed(run_beside, make_gate, server, kept):
    gate, second_gate = make_gate(), make_gate()
    asked = threading.Event()
    server.answers[:] = [stalls(gate, upto=CUT), refuses(404), held(second_gate, asked, whole())]
    first, second = run_beside(), run_beside()
    gate.set()
    first.join()
    assert asked.wait(60)
    # Whoever comes now must find the lock that the second one holds, not make another.
    assert set(kept()) == {PART, LOCK}
    second_gate.set()
    second.join()
    assert [str(error) for error in run_beside.errors if "HTTP 404" not in str(error)] == []
    assert kept() == WHOLE
