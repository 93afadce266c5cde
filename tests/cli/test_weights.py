import gzip
import hashlib
import json
import sys

import pytest
from misbehaving_server import PAGE, refuses, serving, whole

from explorer.cli.main import run
from explorer.config import Settings
from explorer.embedding import model_weights as official
from explorer.embedding.model_weights import OFFICIAL_STEM, untrained_weights, write_h5

ATTRIBUTION = "OpenL3 by Cramer, Wu, Salamon and Bello, CC BY 4.0"


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(scope="module")
def h5_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.h5"
    write_h5(path, untrained_weights(seed=7).arrays)
    return path


@pytest.fixture(scope="module")
def packed(h5_file):
    return gzip.compress(h5_file.read_bytes(), compresslevel=1)


@pytest.fixture
def models(tmp_path, monkeypatch):
    """The folder of weights, empty, and no others on this machine."""
    monkeypatch.setattr(Settings, "models", tmp_path / "models")
    monkeypatch.setitem(sys.modules, "openl3", None)
    return tmp_path / "models"


@pytest.fixture
def server(models, h5_file, packed, monkeypatch):
    """Stands for OpenL3's repository, with a seeded file for the official one."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    with serving("/official.h5.gz") as server:
        monkeypatch.setattr(official, "OFFICIAL_URL", server.url)
        monkeypatch.setattr(official, "OFFICIAL_SHA256", sha256(h5_file.read_bytes()))
        monkeypatch.setattr(official, "OFFICIAL_PACKED_SHA256", sha256(packed))
        yield server


@pytest.fixture
def said(capsys):
    """Run a command and return its exit status, standard output and standard error."""

    def run_it(*arguments):
        capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return status, captured.out.strip(), captured.err.strip()

    return run_it


def assert_one_sentence(text):
    assert len(text.splitlines()) == 1
    assert text.endswith(".")
    assert ". " not in text


def test_weights_that_are_not_here_are_said_to_be_downloaded(said, models, server):
    status, out, err = said("weights")
    target = models / f"{OFFICIAL_STEM}.h5.gz"
    assert (status, err) == (0, "")
    assert out == (
        f"OpenL3's weights are not here yet: they would be downloaded from {server.url} to '{target}', and"
        f" `python run.py weights --download` does so now ({ATTRIBUTION})."
    )
    status, out, _ = said("weights", "--mirror", "http://mirror.invalid/x", "--json")
    assert (status, json.loads(out)["found"]) == (0, False)
    assert json.loads(out)["url"] == "http://mirror.invalid/x"
    assert server.requests == []
    assert not models.exists()


@pytest.mark.parametrize("is_mirror", [False, True])
def test_weights_are_downloaded_and_shown(said, models, server, packed, h5_file, monkeypatch, is_mirror):
    server.answers[:] = [whole(packed)]
    mirror = ("--mirror", server.url) if is_mirror else ()
    if is_mirror:
        monkeypatch.setattr(official, "OFFICIAL_URL", "http://nonexistent.invalid/x")
    status, out, err = said("weights", "--download", *mirror)
    target = models / f"{OFFICIAL_STEM}.h5.gz"
    megabytes = f"{len(packed) / 1e6:.1f}"
    assert status == 0
    assert err.splitlines()[-1].startswith(f"Downloading OpenL3's weights: {megabytes} of {megabytes} MB, ")
    assert out.splitlines() == [
        "weights      openl3 0.4 mel256 music",
        f"file         {target} ({megabytes} MB)",
        f"SHA-256      {sha256(h5_file.read_bytes())} (unpacked; OpenL3's official release)",
        f"licence      {ATTRIBUTION}",
    ]
    assert list(models.iterdir()) == [target]
    status, out, err = said("weights", "--download", "--json")
    assert (status, err) == (0, "")
    assert json.loads(out) == {
        "found": True,
        "name": "openl3 0.4 mel256 music",
        "file": str(target),
        "bytes": len(packed),
        "sha256": sha256(h5_file.read_bytes()),
        "official": True,
        "trained": True,
        "licence": "CC BY 4.0",
        "attribution": ATTRIBUTION,
    }
    assert len(server.requests) == 1


def test_a_users_file_and_untrained_filters_are_shown(said, models, h5_file):
    status, out, _ = said("weights", "--weights", h5_file)
    assert status == 0
    assert f"{sha256(h5_file.read_bytes())} (unpacked; not OpenL3's official release)" in out
    assert "licence      unknown" in out
    status, out, _ = said("weights", "--weights", "untrained")
    assert status == 0
    assert "UNTRAINED" in out
    assert untrained_weights().sha256 in out
    found = json.loads(said("weights", "--weights", "untrained", "--json")[1])
    assert (found["found"], found["trained"], found["file"], found["bytes"]) == (True, False, None, None)
    assert not models.exists()


def test_only_the_official_weights_can_be_downloaded(said, models, h5_file):
    for choice in ("untrained", h5_file):
        status, out, err = said("weights", "--weights", choice, "--download")
        assert (status, out) == (1, "")
        assert_one_sentence(err)


def test_a_damaged_file_is_one_sentence(said, models, server, packed):
    models.mkdir()
    target = models / f"{OFFICIAL_STEM}.h5.gz"
    target.write_bytes(packed[:-1000])
    for arguments in (("weights",), ("weights", "--download")):
        status, out, err = said(*arguments)
        assert (status, out) == (1, "")
        assert_one_sentence(err)
        assert f"Weights '{target}' are damaged" in err
    assert server.requests == []


def test_a_download_that_fails_is_one_sentence(said, models, server):
    server.answers[:] = [whole(PAGE, kind="text/html")]
    status, out, err = said("weights", "--download")
    assert (status, out) == (1, "")
    assert_one_sentence(err)
    assert "perhaps a web page" in err
    assert "sign in" in err
    assert list(models.iterdir()) == []


@pytest.mark.parametrize("answer", [refuses(404), whole(PAGE), None])
def test_an_index_without_its_weights_is_one_sentence(
    said, models, server, make_tone, tmp_path, monkeypatch, answer
):
    make_tone(tmp_path / "music" / "tone.flac")
    server.answers[:] = [answer]
    if answer is None:
        monkeypatch.setattr(official, "OFFICIAL_URL", "http://nonexistent.invalid/w.h5.gz")
    status, out, err = said("index", tmp_path / "music", "--weights", "openl3", "--db", tmp_path / "songs.db")
    assert (status, out) == (1, "")
    assert_one_sentence(err)
    assert err.startswith("OpenL3's weights ")
    assert "--weights untrained" in err
    assert list(models.iterdir()) == []
