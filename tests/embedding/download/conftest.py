"""Downloads from a server that misbehaves."""

import threading

import pytest
from misbehaving_server import SHA256, serving

from explorer.embedding.download import download_file
from explorer.errors import WeightsError


@pytest.fixture
def server(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    with serving("/w.h5.gz") as server:
        yield server


@pytest.fixture
def make_gate(server):
    """Make events that are set when the test ends, so that no answer waits for ever."""
    gates = []

    def make():
        gates.append(threading.Event())
        return gates[-1]

    yield make
    for gate in gates:
        gate.set()


@pytest.fixture
def fetch(server, tmp_path):
    """Download into tmp_path / models / w.h5.gz, without pauses; the server gives the answers in turn."""

    def fetch_it(*answers, tries=3, sha256=SHA256, timeout_s=30, **options):
        server.answers[:] = answers
        server.requests.clear()
        options = {"url": server.url, "target": tmp_path / "models" / "w.h5.gz"} | options
        download_file(**options, sha256=sha256, pauses_s=[0] * (tries - 1), timeout_s=timeout_s)

    return fetch_it


@pytest.fixture
def failed_message(fetch):
    """Download, expect a failure, and return its message, which must be one sentence."""

    def fail(*answers, **options):
        with pytest.raises(WeightsError) as error:
            fetch(*answers, **options)
        text = str(error.value)
        assert text.startswith("OpenL3's weights ")
        assert text.endswith(".")
        assert "\n" not in text
        assert ". " not in text
        return text

    return fail


@pytest.fixture
def stored_files(tmp_path):
    """Return the files in the folder of weights: {name: bytes}."""
    return lambda: {path.name: path.stat().st_size for path in (tmp_path / "models").iterdir()}
