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

# Successful downloads


@pytest.mark.parametrize("length", [True, False])
def test_a_download_is_complete_and_reports_progress(fetch, server, stored_files, tmp_path, length):
    calls = []
    fetch(whole(length=length), progress=lambda done, total: calls.append((done, total)))
    assert (tmp_path / "models" / "w.h5.gz").read_bytes() == FILE
    assert stored_files() == WHOLE
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1] == (len(FILE), len(FILE) if length else None)
    assert len(server.requests) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions.")
def test_the_file_has_the_permissions_of_any_new_file(fetch, tmp_path):
    fetch(whole())
    (tmp_path / "other").touch()
    assert (tmp_path / "models" / "w.h5.gz").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_an_existing_file_is_not_downloaded_again(fetch, server, stored_files):
    fetch(whole())
    fetch(refuses(500))
    assert server.requests == []
    assert stored_files() == WHOLE


def test_an_existing_file_with_a_wrong_checksum_is_replaced(fetch, stored_files, tmp_path):
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "w.h5.gz").write_bytes(b"old")
    fetch(whole())
    assert stored_files() == WHOLE


def test_a_chunked_answer_is_downloaded(fetch, stored_files):
    def chunked(handler):
        handler.protocol_version = "HTTP/1.1"
        handler.head(200, {"Transfer-Encoding": "chunked", "Connection": "close"})
        for start in range(0, len(FILE), 50_000):
            piece = FILE[start : start + 50_000]
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        handler.wfile.write(b"0\r\n\r\n")

    fetch(chunked)
    assert stored_files() == WHOLE


# Wrong answers


def test_a_wrong_checksum_leaves_no_file(failed_message, server, stored_files):
    message = failed_message(whole(OTHER))
    assert "wrong checksum" in message
    assert server.url in message
    assert len(server.requests) == 1
    assert stored_files() == {}


def test_a_web_page_leaves_no_file(failed_message, server, stored_files):
    message = failed_message(whole(PAGE, kind="text/html"))
    assert "web page" in message
    assert "sign in" in message
    assert server.url in message
    assert len(server.requests) == 1
    assert stored_files() == {}


def test_a_file_that_is_too_long_leaves_no_file(failed_message, stored_files):
    received = []
    options = {"max_bytes": 100_000, "progress": lambda done, total: received.append(done)}
    assert "more than 100000 bytes" in failed_message(whole(), **options)
    assert (received, stored_files()) == ([], {})
    assert "more than 100000 bytes" in failed_message(whole(length=False), **options)
    assert received[-1] <= 100_000
    assert stored_files() == {}


@pytest.mark.parametrize(("status", "name"), [(403, "Forbidden"), (404, "Not Found")])
def test_a_refusal_is_reported_without_a_retry(failed_message, server, stored_files, tmp_path, status, name):
    message = failed_message(refuses(status))
    assert f"could not be downloaded (HTTP {status} {name})" in message
    for hint in (server.url, f"'{tmp_path}/models/w.h5.gz'", "--weights untrained"):
        assert hint in message
    assert len(server.requests) == 1
    assert stored_files() == {}


@pytest.mark.parametrize(("status", "name"), [(500, "Internal Server Error"), (503, "Service Unavailable")])
def test_a_server_that_stays_busy_is_an_error_after_the_last_retry(
    failed_message, server, stored_files, status, name
):
    assert f"could not be downloaded (HTTP {status} {name}): " in failed_message(refuses(status))
    assert len(server.requests) == 3
    assert stored_files() == {}


def test_an_endless_redirect_is_an_error(failed_message, server, stored_files):
    assert "redirects" in failed_message(refuses(302, Location="/w.h5.gz"))
    assert stored_files() == {}


# No network


def test_a_refused_connection_is_an_error_that_names_the_file(failed_message, stored_files):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/w.h5.gz"
        message = failed_message(refuses(500), url=url)
    assert "could not be downloaded (" in message
    assert "refused" in message
    assert url in message
    assert stored_files() == {}


@pytest.mark.parametrize("url", ["http://nonexistent.invalid/w.h5.gz", "nonsense", "http://x:y/w.h5.gz"])
def test_a_server_that_cannot_be_reached_is_reported_without_a_retry(
    failed_message, stored_files, monkeypatch, url
):
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("tried again"))
    assert url in failed_message(refuses(500), url=url)
    assert stored_files() == {}


def test_the_pauses_between_retries_are_the_requested_ones(server, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.answers[:] = [refuses(503)]
    with pytest.raises(WeightsError):
        download_file(server.url, tmp_path / "w.h5.gz", sha256=SHA256, pauses_s=(1, 2))
    assert pauses == [1, 2]


# The disk


def test_a_folder_that_cannot_be_created_is_an_error(failed_message, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    message = failed_message(whole(), target=tmp_path / "file" / "w.h5.gz")
    assert message.startswith(f"OpenL3's weights cannot be stored in '{tmp_path}/file' (")
    assert "--weights" in message


@pytest.fixture
def read_only_folder():
    """A folder in which the test cannot write, even if root runs it: it then runs as another user.

    The folder is not in tmp_path, because only root could read that.
    """
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


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions.")
def test_a_read_only_folder_is_an_error(failed_message, server, read_only_folder):
    message = failed_message(whole(), target=read_only_folder / "w.h5.gz")
    assert f"stored in '{read_only_folder}' (Permission denied): " in message
    assert server.requests == []
    assert list(read_only_folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limits.")
def test_a_full_disk_is_an_error_and_leaves_no_file(failed_message, stored_files):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (CUT, limits[1]))
    try:
        message = failed_message(whole())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "weights cannot be stored in" in message
    assert stored_files() == {}


# Lost connections


def test_a_lost_connection_and_a_busy_server_are_retried(fetch, server, stored_files):
    fetch(whole(cut=CUT), refuses(503), whole())
    assert len(server.requests) == 3
    assert stored_files() == WHOLE


def test_a_reset_connection_is_retried_if_the_server_has_answered_before(fetch, server, stored_files):
    fetch(whole(cut=CUT), hangs_up, whole())
    assert len(server.requests) == 3
    assert stored_files() == WHOLE


def test_a_file_that_is_always_cut_off_is_an_error_with_the_received_bytes(
    failed_message, server, stored_files
):
    message = failed_message(whole(cut=CUT), tries=3)
    assert re.search(rf"\d+ of {len(FILE)} bytes \(.+\): ", message)
    assert server.url in message
    assert len(server.requests) == 3
    assert stored_files() == {}


def test_an_empty_answer_leaves_no_file(failed_message, stored_files):
    failed_message(whole(b""))
    assert stored_files() == {}


def test_a_stalled_server_counts_as_a_lost_connection(failed_message, make_gate, server, stored_files):
    message = failed_message(stalls(make_gate()), tries=1, timeout_s=0.2)
    assert re.search(rf"\d+ of {len(FILE)} bytes \(.*timed out", message)
    assert stored_files() == {}


def test_a_proxy_that_refuses_is_named(failed_message, server, monkeypatch, stored_files):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("https_proxy", server.url)
    message = failed_message(whole(), url="https://weights.invalid/w.h5.gz")
    assert "could not be downloaded through the proxy (" in message
    assert stored_files() == {}


def test_a_proxy_is_used(fetch, server, monkeypatch, stored_files):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.url)
    fetch(whole(), url="http://weights.invalid/w.h5.gz")
    assert server.requests[0]["host"] == "weights.invalid"
    assert stored_files() == WHOLE


def test_a_redirect_is_followed(fetch, server, stored_files):
    fetch(refuses(302, Location="/elsewhere"), whole())
    assert stored_files() == WHOLE


# Interrupted, killed and simultaneous downloads


def test_an_interrupt_leaves_no_file(fetch, stored_files):
    def interrupt(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(whole(), progress=interrupt)
    assert stored_files() == {}


def test_a_killed_download_leaves_no_target_and_the_next_download_cleans_up(
    fetch, server, make_gate, stored_files, tmp_path
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
    assert stored_files() == WHOLE


@pytest.fixture
def start_download(server, tmp_path):
    """Start downloads in threads, and collect their errors in `start_download.errors`."""
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


def test_two_simultaneous_downloads_send_one_request(start_download, make_gate, server, stored_files):
    gate = make_gate()
    server.answers[:] = [stalls(gate)]
    threads = [start_download(), start_download()]
    gate.set()
    for thread in threads:
        thread.join()
    assert start_download.errors == []
    assert len(server.requests) == 1
    assert stored_files() == WHOLE


def test_a_waiting_download_starts_when_the_first_one_fails(start_download, make_gate, server, stored_files):
    gate, second_gate = make_gate(), make_gate()
    asked = threading.Event()
    server.answers[:] = [stalls(gate, upto=CUT), refuses(404), held(second_gate, asked, whole())]
    first, second = start_download(), start_download()
    gate.set()
    first.join()
    assert asked.wait(60)
    # A third program must find the lock file that the second download holds, and not make a new one.
    assert set(stored_files()) == {PART, LOCK}
    second_gate.set()
    second.join()
    assert [str(error) for error in start_download.errors if "HTTP 404" not in str(error)] == []
    assert stored_files() == WHOLE
