"""Which weights are refused, which are used, and which are said not to be OpenL3's."""

import gzip
import hashlib
import json
import sys
from dataclasses import dataclass

import pytest
from misbehaving_server import PAGE, refuses, serving, whole
from onnx_writer import onnx_file

from explorer.embedding import chirp_check, model_weights, proven_weights
from explorer.embedding.chirp_check import ChirpCheck, embed_chirp
from explorer.embedding.h5_weights import write_h5
from explorer.embedding.model_weights import ESSENTIA_STEM, OFFICIAL_STEM, find_weights
from explorer.embedding.proven_weights import RECORDS_NAME, find_proven_weights
from explorer.errors import WeightsError

PASSED = ChirpCheck("kapre", 0.999, 0.9995, 0.97)
FAILED = ChirpCheck("librosa", 0.7, 0.8, 0.1)
ESSENTIA_NAME = f"{ESSENTIA_STEM}.onnx"


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    """No proxy, and no installed openl3 package."""
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")
    monkeypatch.setitem(sys.modules, "openl3", None)


@pytest.fixture(scope="module")
def h5_file(inputs, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.h5"
    write_h5(path, inputs.seeded_arrays())
    return path


@dataclass
class Finder:
    models: object
    result: ChirpCheck = PASSED

    def __post_init__(self):
        self.checked, self.said = [], []

    def check(self, weights):
        self.checked.append(weights.sha256)
        return self.result

    def find(self, choice):
        return find_proven_weights(choice, models_dir=self.models, say=self.said.append)


@pytest.fixture
def finder(tmp_path, monkeypatch):
    """Finds weights; the check gives the finder's `result` and is not computed."""
    finder = Finder(tmp_path / "models")
    monkeypatch.setattr(proven_weights, "check_weights", finder.check)
    return finder


def store_as_official(h5_file, models, name=f"{OFFICIAL_STEM}.h5"):
    models.mkdir(exist_ok=True)
    (models / name).write_bytes(h5_file.read_bytes())
    return models / name


def test_a_file_is_checked_once(finder, h5_file, monkeypatch):
    for _ in range(2):
        weights, is_openl3 = finder.find(h5_file)
        assert is_openl3
    assert finder.checked == [weights.sha256]
    monkeypatch.setattr(proven_weights, "CHECK_VERSION", proven_weights.CHECK_VERSION + 1)
    finder.find(h5_file)
    assert len(finder.checked) == 2
    assert finder.said == []


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"version": 1, "weights": 3}', '{"version": 1, "weights": {"SHA": {}}}', "[" * 100_000],
)
def test_a_damaged_record_is_ignored_and_replaced(finder, h5_file, content):
    finder.models.mkdir()
    sha256 = find_weights(h5_file, models_dir=finder.models).sha256
    (finder.models / RECORDS_NAME).write_text(content.replace("SHA", sha256))
    assert finder.find(h5_file)[1]
    assert finder.checked == [sha256]
    stored = json.loads((finder.models / RECORDS_NAME).read_text())
    assert stored["weights"][sha256]["least_cosine"] == 0.999


def test_weights_are_checked_each_time_if_the_record_cannot_be_written(finder, h5_file):
    finder.models.write_text("not a folder")
    for _ in range(2):
        assert finder.find(h5_file)[1]
    assert len(finder.checked) == 2


def test_a_users_file_that_fails_is_used_and_said_not_to_be_openl3(finder, h5_file):
    finder.result = FAILED
    weights, is_openl3 = finder.find(h5_file)
    assert (weights.path, is_openl3) == (h5_file, False)
    (sentence,) = finder.said
    assert f"'{h5_file}' is not OpenL3's music/mel256 model" in sentence
    assert "0.7000" in sentence


@pytest.mark.parametrize("name", [f"{OFFICIAL_STEM}.h5", ESSENTIA_NAME])
@pytest.mark.parametrize("is_named", [False, True])
def test_another_file_with_the_official_name_is_refused(finder, h5_file, name, is_named):
    finder.result = FAILED
    path = store_as_official(h5_file, finder.models, name)
    for _ in range(2):
        with pytest.raises(WeightsError, match="is not OpenL3's music/mel256 model") as error:
            finder.find(path if is_named else None)
        assert str(path) in str(error.value)
    assert len(finder.checked) == 1


def test_weights_that_pass_are_openl3_whatever_their_checksum(finder, h5_file):
    path = store_as_official(h5_file, finder.models)
    weights, is_openl3 = finder.find(None)
    assert (weights.path, weights.is_official, is_openl3) == (path, False, True)


def test_official_weights_that_fail_mean_that_the_computation_is_wrong(finder, h5_file, monkeypatch):
    sha256 = find_weights(h5_file, models_dir=finder.models).sha256
    monkeypatch.setattr(model_weights, "OFFICIAL_SHA256", sha256)
    store_as_official(h5_file, finder.models)
    finder.result = FAILED
    assert finder.find(None)[1]
    (sentence,) = finder.said
    assert "this computer" in sentence


def test_untrained_filters_are_not_checked(finder):
    weights, is_openl3 = finder.find("untrained")
    assert (weights.trained, is_openl3, finder.checked) == (False, False, [])
    assert not finder.models.exists()


# The second place to download from


@pytest.fixture
def places(monkeypatch):
    """Local servers in place of OpenL3's repository and of Essentia."""
    with serving("/official.h5.gz") as official, serving("/essentia.onnx") as essentia:
        monkeypatch.setattr(model_weights, "OFFICIAL_URL", official.url)
        monkeypatch.setattr(proven_weights, "ESSENTIA_URL", essentia.url)
        official.answers[:] = [refuses(404)]
        yield official, essentia


@pytest.fixture(scope="module")
def onnx_content(inputs):
    return onnx_file(inputs.seeded_arrays(), batch_norms="folded")


def test_essentias_file_is_used_if_its_embeddings_are_the_published_ones(
    tmp_path, places, onnx_content, seeded_weights, monkeypatch
):
    monkeypatch.setattr(chirp_check, "published_embeddings", lambda: {"kapre": embed_chirp(seeded_weights)})
    places[1].answers[:] = [whole(onnx_content)]
    said = []
    for _ in range(2):
        weights, is_openl3 = find_proven_weights(None, models_dir=tmp_path / "models", say=said.append)
        assert is_openl3
    assert weights.path == tmp_path / "models" / ESSENTIA_NAME
    assert "CC BY-NC-SA 4.0" in weights.licence
    assert sorted(path.name for path in weights.path.parent.iterdir()) == [RECORDS_NAME, ESSENTIA_NAME]
    assert [len(place.requests) for place in places] == [1, 1]
    (sentence,) = said
    assert places[1].url in sentence
    assert "CC BY-NC-SA 4.0" in sentence


@pytest.mark.parametrize("is_onnx", [True, False])
def test_another_file_from_essentia_is_deleted(finder, places, onnx_content, is_onnx):
    finder.result = FAILED
    places[1].answers[:] = [whole(onnx_content if is_onnx else PAGE)]
    with pytest.raises(WeightsError, match="404") as error:
        finder.find(None)
    assert places[0].url in str(error.value)
    assert len(finder.checked) == is_onnx
    assert any("deleted" in sentence for sentence in finder.said) is is_onnx
    assert [path.name for path in finder.models.iterdir()] == [RECORDS_NAME] * is_onnx


def test_essentia_is_not_asked_if_the_official_file_comes(finder, places, h5_file, monkeypatch):
    packed = gzip.compress(h5_file.read_bytes(), compresslevel=1)
    places[0].answers[:] = [whole(packed)]
    monkeypatch.setattr(model_weights, "OFFICIAL_PACKED_SHA256", hashlib.sha256(packed).hexdigest())
    assert finder.find(None)[1]
    assert (len(finder.checked), places[1].requests) == (1, [])


def test_essentia_is_not_asked_if_the_user_named_a_mirror(finder, places):
    with pytest.raises(WeightsError, match="404"):
        find_proven_weights(None, models_dir=finder.models, say=finder.said.append, url=places[0].url)
    assert places[1].requests == []
