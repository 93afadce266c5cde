import gzip
import hashlib
import sys

import h5py
import numpy as np
import pytest
from misbehaving_server import serving, whole

from explorer.embedding import model_weights as weights_module
from explorer.embedding.h5_weights import write_h5
from explorer.embedding.model_weights import (
    OFFICIAL_STEM,
    OFFICIAL_URL,
    find_weights,
    untrained_weights,
)
from explorer.embedding.network import WEIGHT_SHAPES
from explorer.errors import WeightsError


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def read_h5(path):
    return find_weights(path, models_dir=path.parent / "models", download=False).arrays


def assert_same_arrays(actual, expected):
    assert len(actual) == len(expected)
    for array, expected_array in zip(actual, expected, strict=True):
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, expected_array)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "*")


@pytest.fixture(autouse=True)
def no_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "openl3", None)


def assert_one_sentence(error):
    text = str(error.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert ". " not in text


@pytest.fixture(scope="module")
def arrays(inputs):
    return inputs.seeded_arrays()


@pytest.fixture(scope="module")
def h5_file(arrays, tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "mine.h5"
    write_h5(path, arrays)
    return path


@pytest.fixture(scope="module")
def packed(h5_file):
    return gzip.compress(h5_file.read_bytes(), compresslevel=1)


# Files


def test_written_weights_can_be_read(h5_file, arrays):
    assert_same_arrays(read_h5(h5_file), arrays)


def test_layers_are_written_as_in_the_official_file(h5_file):
    with h5py.File(h5_file) as file:
        names = [name.decode() for name in file.attrs["layer_names"]]
        assert names[:4] == ["input_1", "melspectrogram_1", "batch_normalization_1", "conv2d_1"]
        assert [len(file[name].attrs["weight_names"]) for name in names[:4]] == [0, 0, 4, 2]
        assert list(file["conv2d_8"].attrs["weight_names"]) == [b"conv2d_8/kernel:0", b"conv2d_8/bias:0"]


def test_weights_inside_a_saved_model_are_read(h5_file, arrays, tmp_path):
    path = tmp_path / "model.h5"
    with h5py.File(h5_file) as source, h5py.File(path, "w") as target:
        group = target.create_group("model_weights")
        for name, value in source.attrs.items():
            group.attrs[name] = value
        for name in source:
            source.copy(name, group)
    assert_same_arrays(read_h5(path), arrays)


def test_arrays_are_identified_by_order_and_not_by_the_layers_names(arrays, h5_file, tmp_path):
    path = tmp_path / "renamed.h5"
    with h5py.File(h5_file) as source, h5py.File(path, "w") as target:
        names = list(source.attrs["layer_names"])
        new_names = [f"layer_{len(names) - number}" for number in range(len(names))]
        target.attrs["layer_names"] = new_names
        for name, new_name in zip(names, new_names, strict=True):
            source.copy(name.decode(), target, name=new_name)
    assert_same_arrays(read_h5(path), arrays)


def test_a_packed_file_with_any_name_is_read(packed, arrays, tmp_path):
    path = tmp_path / "packed.bin"
    path.write_bytes(packed)
    assert_same_arrays(read_h5(path), arrays)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(WeightsError, match=r"nowhere\.h5' do not exist") as error:
        read_h5(tmp_path / "nowhere.h5")
    assert_one_sentence(error)


def test_a_folder_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="cannot be read"):
        read_h5(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html>", b"\x89HDF\r\n\x1a\n" + bytes(100)])
def test_a_file_that_is_not_hdf5_is_an_error(tmp_path, content):
    path = tmp_path / "page.h5"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"page\.h5' .*not a complete Keras HDF5") as error:
        read_h5(path)
    assert_one_sentence(error)


def test_an_hdf5_file_without_weights_is_an_error(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["numbers"] = np.arange(3)
    with pytest.raises(WeightsError, match="not a complete Keras HDF5"):
        read_h5(tmp_path / "data.h5")


@pytest.mark.parametrize("share", [0.1, 0.99])
def test_truncated_files_are_errors(h5_file, packed, tmp_path, share):
    for name, content in (("cut.h5", h5_file.read_bytes()), ("cut.h5.gz", packed)):
        path = tmp_path / name
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(WeightsError, match=name):
            read_h5(path)


def change_array(source, path, number, array):
    path.write_bytes(source.read_bytes())
    with h5py.File(path, "r+") as file:
        layer = [name for name in file.attrs["layer_names"] if len(file[name].attrs["weight_names"])][number]
        name = file[layer].attrs["weight_names"][0]
        del file[layer][name]
        file[layer][name] = array


def test_an_array_of_a_wrong_shape_is_an_error_that_shows_the_shape(h5_file, tmp_path):
    change_array(h5_file, tmp_path / "mel128.h5", 1, np.zeros((3, 3, 1, 32)))
    with pytest.raises(WeightsError, match=r"array 5 has the shape \(3, 3, 1, 32\)") as error:
        read_h5(tmp_path / "mel128.h5")
    assert_one_sentence(error)


def test_weights_that_are_not_finite_are_an_error(h5_file, tmp_path):
    change_array(h5_file, tmp_path / "nan.h5", 0, np.array([np.nan]))
    with pytest.raises(WeightsError, match="NaN or infinite"):
        read_h5(tmp_path / "nan.h5")


def test_a_wrong_number_of_layers_is_an_error(h5_file, tmp_path):
    path = tmp_path / "short.h5"
    path.write_bytes(h5_file.read_bytes())
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = file.attrs["layer_names"][:-1]
    with pytest.raises(WeightsError, match="46 arrays instead of 48"):
        read_h5(path)


def test_writing_too_few_arrays_is_an_error(arrays, tmp_path):
    with pytest.raises(WeightsError, match="47 arrays instead of 48"):
        write_h5(tmp_path / "bad.h5", arrays[:-1])
    assert not (tmp_path / "bad.h5").exists()


def test_writing_into_a_missing_folder_is_an_error(arrays, tmp_path):
    with pytest.raises(WeightsError, match="cannot be written"):
        write_h5(tmp_path / "nowhere" / "w.h5", arrays)


# Untrained filters


def test_untrained_weights_are_the_same_on_every_machine():
    assert untrained_weights().sha256 == "150add95eb1d9965dd66e0922a2175a21f26d4e8f4de1eb90f5a90b96629df19"


def test_another_seed_makes_other_filters():
    assert untrained_weights(seed=1).sha256 != untrained_weights().sha256


def test_untrained_weights_are_he_normal_between_identities(tmp_path):
    weights = find_weights("untrained", models_dir=tmp_path)
    assert (weights.trained, weights.path, weights.name) == (False, None, "untrained")
    assert [array.shape for array in weights.arrays] == list(WEIGHT_SHAPES)
    assert [array.item() for array in weights.arrays[:4]] == [1, 0, -45, 300]
    kernel = weights.arrays[-2]
    assert kernel.std() == pytest.approx(np.sqrt(2 / (9 * 512)), rel=0.01)
    assert kernel.mean() == pytest.approx(0, abs=1e-4)
    for array, identity in zip(weights.arrays[6:10], (1, 0, 0, 1), strict=True):
        assert (array == identity).all()
    assert not weights.arrays[-1].any()
    assert list(tmp_path.iterdir()) == []


# Finding


@pytest.mark.parametrize("name", ["mine.h5", "mine.h5.gz"])
def test_a_users_file_has_its_own_name_and_the_hash_of_its_unpacked_content(
    h5_file, packed, arrays, tmp_path, name
):
    path = tmp_path / name
    path.write_bytes(packed if name.endswith(".gz") else h5_file.read_bytes())
    weights = find_weights(str(path), models_dir=tmp_path / "models")
    assert_same_arrays(weights.arrays, arrays)
    assert (weights.name, weights.trained, weights.path) == (name, True, path)
    assert weights.sha256 == sha256(h5_file.read_bytes())
    assert not (tmp_path / "models").exists()


def test_a_users_missing_file_is_an_error(tmp_path):
    with pytest.raises(WeightsError, match="do not exist: name an"):
        find_weights(tmp_path / "typo.h5", models_dir=tmp_path)


@pytest.fixture
def seeded_file_is_official(monkeypatch, h5_file):
    """Treat the seeded file as the official one, which the tests do not have."""
    monkeypatch.setattr(weights_module, "OFFICIAL_SHA256", sha256(h5_file.read_bytes()))


@pytest.mark.usefixtures("seeded_file_is_official")
@pytest.mark.parametrize("choice", [None, "auto", "openl3"])
@pytest.mark.parametrize("suffix", [".h5", ".h5.gz"])
def test_official_weights_are_found_in_the_models_folder(h5_file, packed, arrays, tmp_path, choice, suffix):
    path = tmp_path / f"{OFFICIAL_STEM}{suffix}"
    path.write_bytes(packed if suffix == ".h5.gz" else h5_file.read_bytes())
    weights = find_weights(choice, models_dir=tmp_path, download=False)
    assert_same_arrays(weights.arrays, arrays)
    assert (weights.name, weights.licence) == ("openl3 0.4 mel256 music", "CC BY 4.0")
    assert (weights.trained, weights.path) == (True, path)


def test_another_file_with_the_official_name_is_not_official(h5_file, tmp_path):
    path = tmp_path / f"{OFFICIAL_STEM}.h5"
    path.write_bytes(h5_file.read_bytes())
    weights = find_weights(None, models_dir=tmp_path, download=False)
    assert (weights.name, weights.licence) == (path.name, "unknown")


@pytest.fixture
def installed_package(monkeypatch, tmp_path):
    """An installed openl3 package that fails if it is imported."""
    folder = tmp_path / "site" / "openl3"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('openl3 was imported')")
    monkeypatch.syspath_prepend(str(folder.parent))
    monkeypatch.delitem(sys.modules, "openl3", raising=False)
    return folder


@pytest.mark.usefixtures("seeded_file_is_official")
def test_official_weights_are_found_in_an_installed_package(installed_package, h5_file, tmp_path):
    path = installed_package / "openl3_audio_mel256_music.h5"
    path.write_bytes(h5_file.read_bytes())
    assert find_weights(None, models_dir=tmp_path, download=False).path == path


def test_an_empty_file_in_an_installed_package_is_ignored(installed_package, tmp_path):
    (installed_package / "openl3_audio_mel256_music.h5").write_bytes(b"")
    with pytest.raises(WeightsError, match="must be downloaded"):
        find_weights(None, models_dir=tmp_path, download=False)


def test_without_a_download_the_error_says_what_to_do(tmp_path):
    with pytest.raises(WeightsError) as error:
        find_weights(None, models_dir=tmp_path / "models", download=False)
    assert_one_sentence(error)
    for hint in (OFFICIAL_URL, str(tmp_path / "models"), "--weights untrained"):
        assert hint in str(error.value)
    assert not (tmp_path / "models").exists()


# Downloading. The failures of a download are tested in download/test_download.py.


@pytest.fixture
def server():
    with serving("/official.h5.gz") as server:
        yield server


@pytest.fixture
def packed_file_is_official(monkeypatch, packed):
    """Accept the download of the seeded file."""
    monkeypatch.setattr(weights_module, "OFFICIAL_PACKED_SHA256", sha256(packed))


@pytest.mark.usefixtures("seeded_file_is_official", "packed_file_is_official")
@pytest.mark.parametrize("is_mirror", [False, True])
def test_official_weights_are_downloaded_once(server, packed, arrays, tmp_path, monkeypatch, is_mirror):
    server.answers[:] = [whole(packed)]
    if not is_mirror:
        monkeypatch.setattr(weights_module, "OFFICIAL_URL", server.url)
    models = tmp_path / "new" / "models"
    calls = []
    weights = find_weights(
        None,
        models_dir=models,
        url=server.url if is_mirror else None,
        progress=lambda done, total: calls.append((done, total)),
    )
    assert_same_arrays(weights.arrays, arrays)
    assert weights.path == models / f"{OFFICIAL_STEM}.h5.gz"
    assert list(models.iterdir()) == [weights.path]
    assert weights.path.read_bytes() == packed
    assert calls[-1] == (len(packed), len(packed))
    assert find_weights(None, models_dir=models).sha256 == weights.sha256
    assert len(server.requests) == 1


def test_a_download_that_is_not_the_official_file_is_refused(server, packed, tmp_path):
    server.answers[:] = [whole(packed)]
    with pytest.raises(WeightsError, match="wrong checksum") as error:
        find_weights(None, models_dir=tmp_path, url=server.url)
    assert_one_sentence(error)
    for hint in (server.url, str(tmp_path), "--weights untrained"):
        assert hint in str(error.value)
    assert list(tmp_path.iterdir()) == []
