"""Vectors of audio files, compared with those of the published package."""

import numpy as np
import pytest
import soundfile

from explorer.embedding.h5_weights import write_h5
from explorer.indexing.embed_files import embed_to_npz
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

EXACT = ("hop_0.1", "hop_0.5", "hop_1.0", "shorter_than_a_window", "one_second", "pure_tones", "no_treble")
RESAMPLED = ("stereo_44100", "mono_22050", "mono_96000", "mono_8000")


@pytest.fixture(scope="module")
def models(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    write_h5(folder / "seeded.h5", inputs.seeded_arrays())
    return folder


@pytest.fixture
def written(inputs, tmp_path, models):
    """Write one of the sounds to a file; return the file and the matching request."""

    def write(name):
        sound = inputs.sounds()[name]
        path = tmp_path / "music" / f"{name}.wav"
        path.parent.mkdir()
        soundfile.write(path, sound.samples, sound.sample_rate_hz, subtype="FLOAT")
        return path, ModelRequest(models_dir=models, weights=str(models / "seeded.h5"), hop_s=sound.hop_s)

    return write


def embed(path, request, tmp_path):
    list(embed_to_npz([(path, tmp_path / "out.npz")], request=request, reporter=Reporter()))
    with np.load(tmp_path / "out.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name", EXACT)
def test_an_embedded_file_equals_the_published_package(written, reference, tmp_path, name):
    result = embed(*written(name), tmp_path)
    expected = reference[f"embedding/{name}"]
    assert np.abs(result["embedding"] - expected).max() / np.abs(expected).max() < 1e-4
    np.testing.assert_array_equal(result["timestamps"], reference[f"timestamps/{name}"])
    np.testing.assert_array_equal(result["pooled"], result["embedding"].max(axis=0))


@pytest.mark.parametrize("name", RESAMPLED)
def test_a_resampled_file_points_in_the_direction_of_the_published_package(
    written, reference, tmp_path, name
):
    result = embed(*written(name), tmp_path)["embedding"]
    expected = reference[f"embedding/{name}"]
    norms = np.linalg.norm(result, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((result * expected).sum(axis=1) / norms).min() >= 0.999


@pytest.mark.parametrize("name", ["hop_0.1", "hop_0.5", "hop_1.0"])
def test_an_indexed_vector_is_the_maximum_of_the_published_embedding(written, reference, fresh_db, name):
    path, request = written(name)
    index_folder(IndexRun(fresh_db, path.parent, request=request, reporter=Reporter()))
    expected = reference[f"embedding/{name}"].max(axis=0)
    assert np.abs(fresh_db.vector(path.name) - expected).max() / np.abs(expected).max() < 1e-4
