import gzip
import hashlib
import json
import sys

import pytest
from misbehaving_server import PAGE, refuses, serving, whole

from explorer.config import Settings
from explorer.embedding import chirp_check, proven_weights
from explorer.embedding import model_weights as official
from explorer.embedding.chirp_check import embed_chirp
from explorer.embedding.h5_weights import write_h5
from explorer.embedding.model_weights import OFFICIAL_STEM, load_weights, untrained_weights
from explorer.embedding.proven_weights import RECORDS_NAME

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


@pytest.fixture(scope="module")
def table(h5_file):
    """The seeded file's embeddings of the chirp."""
    return {"kapre": embed_chirp(load_weights(h5_file))}


@pytest.fixture
def models(tmp_path, monkeypatch):
    """An empty folder of weights; the openl3 package, which has weights, cannot be imported."""
    monkeypatch.setattr(Settings, "models", tmp_path / "models")
    monkeypatch.setitem(sys.modules, "openl3", None)
    return tmp_path / "models"


@pytest.fixture
def server(models, h5_file, packed, table, monkeypatch):
    """A local server in place of OpenL3's repository; the seeded file counts as the official one."""
    monkeypatch.setattr(chirp_check, "published_embeddings", lambda: table)
    monkeypatch.setattr(proven_weights, "ESSENTIA_URL", "http://nonexistent.invalid/x.onnx")
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
    *lines, check = out.splitlines()
    assert lines == [
        "weights      openl3 0.4 mel256 music",
        f"file         {target} ({megabytes} MB)",
        f"SHA-256      {sha256(h5_file.read_bytes())} (unpacked; OpenL3's official release)",
        f"licence      {ATTRIBUTION}",
    ]
    assert check.startswith("check        OpenL3's music/mel256 model, by its output")
    assert "1.0000" in check
    assert sorted(models.iterdir()) == [models / RECORDS_NAME, target]
    status, out, err = run_command("weights", "--download", "--json")
    assert (status, err) == (0, "")
    facts = json.loads(out)
    assert facts.pop("check")["least_cosine"] == pytest.approx(1, abs=1e-5)
    assert facts == {
        "found": True,
        "name": "openl3 0.4 mel256 music",
        "file": str(target),
        "bytes": len(packed),
        "sha256": sha256(h5_file.read_bytes()),
        "official": True,
        "trained": True,
        "licence": "CC BY 4.0",
        "attribution": ATTRIBUTION,
        "problem": None,
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
    *_, line = err.splitlines(keepends=True)
    assert_one_sentence(line)
    assert "web page" in line
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
    said, line = err.splitlines(keepends=True)
    assert "nonexistent.invalid" in said
    assert_one_sentence(line)
    assert line.startswith("OpenL3's weights ")
    assert "--weights untrained" in line
    assert list(models.iterdir()) == []


# The check


def test_weights_whose_embeddings_are_the_published_ones_pass_the_check(run_command, models, server, h5_file):
    _, out, _ = run_command("weights", "--weights", h5_file)
    assert "check        not checked yet" in out
    for check in (("--check",), ()):
        status, out, err = run_command("weights", "--weights", h5_file, *check, "--json")
        assert (status, err) == (0, "")
        facts = json.loads(out)
        assert (facts["check"]["front_end"], facts["problem"]) == ("kapre", None)
        assert facts["check"]["mean_cosine"] == pytest.approx(1, abs=1e-5)


def test_other_weights_fail_the_check(run_command, models, h5_file):
    for choice, name in (("untrained", "untrained"), (h5_file, f"'{h5_file}'")):
        status, out, err = run_command("weights", "--weights", choice, "--check")
        assert status == 1
        assert "check        failed" in out
        assert_one_sentence(err)
        assert name in err
        assert "not OpenL3's music/mel256 model" in err
    assert [path.name for path in models.iterdir()] == [RECORDS_NAME]
    status, out, err = run_command("weights", "--check")
    assert (status, out) == (1, "")
    assert_one_sentence(err)


def test_a_library_says_that_its_weights_are_not_openl3s(run_command, models, h5_file, make_tone, tmp_path):
    make_tone(tmp_path / "music" / "tone.flac")
    database = ("--db", tmp_path / "songs.db")
    options = ("--hop", "1.0", "--precision", "float32", "--no-map", "--no-previews", *database)
    status, _, err = run_command("index", tmp_path / "music", "--weights", h5_file, *options)
    assert status == 0
    assert f"'{h5_file}' is not OpenL3's music/mel256 model" in err
    assert "mine.h5 (not OpenL3's music/mel256 model)" in run_command("status", *database)[1]
    facts = json.loads(run_command("status", *database, "--json")[1])
    assert facts["model"]["openl3"] is False
