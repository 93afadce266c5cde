"""The front end and the network in Keras, on every installed backend.

Each backend runs in a separate process, because a process can use only one backend, and the test process
must not import JAX or PyTorch.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from explorer.embedding import frontend, keras_frontend
from explorer.errors import EmbeddingError

ROOT = Path(__file__).resolve().parent.parent.parent
PUBLISHED = ("hop_0.1", "hop_0.5", "hop_1.0", "shorter_than_a_window", "one_second", "silence")

PROGRAM = """
import sys
import numpy as np
from explorer.embedding.keras_frontend import build_embedder, build_front_end
from explorer.embedding.network import import_keras

keras = import_keras()
keras.config.set_dtype_policy("mixed_bfloat16")
to_numpy = keras.ops.convert_to_numpy
with np.load(sys.argv[1]) as file:
    signals, windows = file["signals"], file["windows"]
    arrays = [file[f"weights/{number}"] for number in range(48)]
results = {"log_mels": to_numpy(build_front_end().predict_on_batch(signals))}
for precision in ("float32", "bfloat16"):
    embedder = build_embedder(arrays, precision=precision)
    results[precision] = to_numpy(embedder.predict_on_batch(windows))
np.savez(sys.argv[2], tensorflow_is_imported="tensorflow" in sys.modules, **results)
"""


def signals():
    """Return named signals of one window each, float32."""
    times_s = np.arange(48_000) / 48_000
    named = {
        "silence": np.zeros(48_000),
        "quiet_sine": 1e-3 * np.sin(2 * np.pi * 440 * times_s),
        "full_scale_sine": np.sin(2 * np.pi * 1_000 * times_s),
        "noise": 0.1 * np.random.RandomState(0).standard_normal(48_000),
        "click": np.eye(1, 48_000, 24_000)[0],
        "click_at_the_end": np.eye(1, 48_000, 47_999)[0],
        "full_scale_square": np.where(times_s * 110 % 1 < 0.5, 1.0, -1.0),
    }
    return {name: samples.astype(np.float32) for name, samples in named.items()}


def windows_of(sound):
    return np.concatenate(list(frontend.windows([sound.samples], hop_s=sound.hop_s, batch_size=8)))


@pytest.fixture(scope="module")
def problem(tmp_path_factory, sounds, inputs):
    """The file with the weights, signals and windows that each backend reads."""
    path = tmp_path_factory.mktemp("problem") / "problem.npz"
    weights = {f"weights/{number}": array for number, array in enumerate(inputs.seeded_arrays())}
    windows = np.concatenate([windows_of(sounds[name]) for name in PUBLISHED])
    np.savez(path, signals=np.stack(list(signals().values())), windows=windows, **weights)
    return path


@pytest.fixture(scope="module", params=["tensorflow", "jax", "torch"])
def backend(request):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return request.param


@pytest.fixture(scope="module")
def computed(backend, problem, tmp_path_factory):
    path = tmp_path_factory.mktemp(backend) / "computed.npz"
    environment = {**os.environ, "KERAS_BACKEND": backend}
    command = [sys.executable, "-c", PROGRAM, str(problem), str(path)]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    with np.load(path) as file:
        return dict(file)


@pytest.mark.parametrize("name", signals())
def test_log_mel_is_near_that_of_numpy(computed, name):
    expected = frontend.log_mel(signals()[name][np.newaxis])[0]
    log_mel = computed["log_mels"][list(signals()).index(name)]
    assert log_mel.dtype == np.float32
    assert log_mel.shape == (256, 199, 1)
    difference = np.abs(log_mel - expected)
    # A magnitude at -50 dB is 1e-5 of the largest, and float32 rounds the largest to about 6e-8 of it. If
    # all energy is in a few bands, values further below are rounding errors of the Fourier transform.
    assert difference[expected > -40].max() < 1e-3
    assert difference[expected > -50].max() < 1e-2
    np.testing.assert_allclose(10 ** (log_mel / 10), 10 ** (expected / 10), rtol=0, atol=1e-6)


def test_log_mel_lies_between_minus_80_and_0_db(computed):
    assert -80 <= computed["log_mels"].min() < -79.99
    np.testing.assert_allclose(computed["log_mels"].max(axis=(1, 2)), 0, rtol=0, atol=1e-5)


def test_all_values_of_silence_are_0_db(computed):
    silence = computed["log_mels"][list(signals()).index("silence")]
    np.testing.assert_allclose(silence, 0, rtol=0, atol=1e-5)


def test_embeddings_equal_those_of_the_published_package(computed, reference):
    expected = np.concatenate([reference[f"embedding/{name}"] for name in PUBLISHED])
    embeddings = computed["float32"]
    assert embeddings.dtype == np.float32
    assert embeddings.shape == expected.shape
    errors = np.abs(embeddings - expected).max(axis=1) / np.abs(expected).max(axis=1)
    assert errors.max() < 1e-4


def test_bfloat16_embeddings_have_a_high_cosine_with_float32(computed):
    exact, rounded = computed["float32"], computed["bfloat16"]
    assert rounded.dtype == np.float32
    norms = np.linalg.norm(exact, axis=1) * np.linalg.norm(rounded, axis=1)
    assert ((exact * rounded).sum(axis=1) / norms).min() >= 0.999
    assert np.abs(exact - rounded).max() > 0


def test_tensorflow_is_imported_only_if_it_is_the_backend(computed, backend):
    assert bool(computed["tensorflow_is_imported"]) == (backend == "tensorflow")


def test_an_unknown_precision_is_an_error_that_shows_it():
    with pytest.raises(EmbeddingError, match="'float16' does not exist: choose one of float32, bfloat16"):
        keras_frontend.build_embedder([], precision="float16")
