import gzip
import hashlib
import json
import sys

import pytest
from misbehaving_server import PAGE, refuses, serving, whole

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
    """An empty folder of weights; the openl3 package, which has weights, cannot be imported."""
    monkeypatch.setattr(Settings, "models", tmp_path / "models")
    monkeypatch.setitem(sys.modules, "openl3", None)
    return tmp_path / "models"


@pytest.fixture
def server(models, h5_file, packed, monkeypatch):
    """A local server in place of OpenL3's repository; the seeded file counts as the official one."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    with serving("/official.h5.gz") as server:
        monkeypatch.setattr(official, "OFFICIAL_URL", server.url)
        monkeypatch.setattr(official, "OFFICIAL_SHA256", sha256(h5_file.read_bytes()))
        monkeypatch.setattr(official, "OFFICIAL_PACKED_SHA256", sha256(packed))
        yield server


def assert_one_sentence(line):
    assert line.endswith(".\n")
    assert line.count("\n") == 1
    assert ". " not in line


def test_missing_weights_are_reported_with_their_url_and_destination(run_command, models, server):
    status, out, err = run_command("weights")
    target = models / f"{OFFICIAL_STEM}.h5.gz"
    assert (status, err) == (0, "")
    for words in ("OpenL3's weights", server.url, f"'{target}'", "run.py weights --download", ATTRIBUTION):
        assert words in out
    status, out, _ = run_command("weights", "--mirror", "http://mirror.invalid/x", "--json")
    assert (status, json.loads(out)["found"]) == (0, False)
    assert json.loads(out)["url"] == "http://mirror.invalid/x"
    assert server.requests == []
    assert not models.exists()


@pytest.mark.parametrize("is_mirror", [False, True])
def test_weights_are_downloaded_and_shown(
    run_command, models, server, packed, h5_file, monkeypatch, is_mirror
):
    server.answers[:] = [whole(packed)]
    mirror = ("--mirror", server.url) if is_mirror else ()
    if is_mirror:
        monkeypatch.setattr(official, "OFFICIAL_URL", "http://nonexistent.invalid/x")
    status, out, err = run_command("weights", "--download", *mirror)
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
    status, out, err = run_command("weights", "--download", "--json")
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


def test_a_users_file_and_untrained_filters_are_shown(run_command, models, h5_file):
    status, out, _ = run_command("weights", "--weights", h5_file)
    assert status == 0
    assert f"{sha256(h5_file.read_bytes())} (unpacked; not OpenL3's official release)" in out
    assert "licence      unknown" in out
    status, out, _ = run_command("weights", "--weights", "untrained")
    assert status == 0
    assert "UNTRAINED" in out
    assert untrained_weights().sha256 in out
    found = json.loads(run_command("weights", "--weights", "untrained", "--json")[1])
    assert (found["found"], found["trained"], found["file"], found["bytes"]) == (True, False, None, None)
    assert not models.exists()


def test_only_official_weights_can_be_downloaded(run_command, models, h5_file):
    for choice in ("untrained", h5_file):
        status, out, err = run_command("weights", "--weights", choice, "--download")
        assert (status, out) == (1, "")
        assert_one_sentence(err)


def test_a_damaged_file_is_an_error_of_one_sentence(run_command, models, server, packed):
    models.mkdir()
    target = models / f"{OFFICIAL_STEM}.h5.gz"
    target.write_bytes(packed[:-1000])
    for arguments in (("weights",), ("weights", "--download")):
        status, out, err = run_command(*arguments)
        assert (status, out) == (1, "")
        assert_one_sentence(err)
        assert str(target) in err
        assert "damaged" in err
    assert server.requests == []


def test_a_failed_download_is_an_error_of_one_sentence(run_command, models, server):
    server.answers[:] = [whole(PAGE, kind="text/html")]
    status, out, err = run_command("weights", "--download")
    assert (status, out) == (1, "")
    assert_one_sentence(err)
    assert "web page" in err
    assert list(models.iterdir()) == []


@pytest.mark.parametrize("answer", [refuses(404), whole(PAGE), None])
def test_index_without_weights_is_an_error_of_one_sentence(
    run_command, models, server, make_tone, tmp_path, monkeypatch, answer
):
    make_tone(tmp_path / "music" / "tone.flac")
    server.answers[:] = [answer]
    if answer is None:
        monkeypatch.setattr(official, "OFFICIAL_URL", "http://nonexistent.invalid/w.h5.gz")
    status, out, err = run_command(
        "index", tmp_path / "music", "--weights", "openl3", "--db", tmp_path / "songs.db"
    )
    assert (status, out) == (1, "")
    assert_one_sentence(err)
    assert err.startswith("OpenL3's weights ")
    assert "--weights untrained" in err
    assert list(models.iterdir()) == []
