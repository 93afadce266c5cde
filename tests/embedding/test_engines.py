import os
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import soxr

from explorer.config import ROOT
from explorer.embedding import engines as engines_module
from explorer.embedding import frontend, packages
from explorer.embedding.engines import ENGINES, Engine, open_engine, quantised_network
from explorer.embedding.h5_weights import write_h5
from explorer.embedding.openvino_engine import CALLS_AT_ONCE, compile_network, openvino_network
from explorer.errors import EmbeddingError

AT_48_KHZ = (
    "hop_0.1",
    "hop_0.1_with_a_rest",
    "hop_0.5",
    "hop_0.5_without_a_rest",
    "hop_1.0",
    "hop_1.0_without_a_rest",
    "shorter_than_a_window",
    "one_second",
    "pure_tones",
    "no_treble",
    "silence",
)
RESAMPLED = ("stereo_44100", "mono_22050", "mono_96000", "mono_8000")
OWN_ENGINES = ("openvino", "tensorflow")


def embed(engine, sound):
    samples = sound.samples.mean(axis=1) if sound.samples.ndim == 2 else sound.samples
    samples = soxr.resample(samples, sound.sample_rate_hz, frontend.SAMPLE_RATE_HZ, quality="HQ")
    batches = frontend.windows([samples], hop_s=sound.hop_s, batch_size=3)
    return np.concatenate([engine.embed(engine.prepare(batch)) for batch in batches])


@pytest.fixture(scope="module")
def noise_windows():
    return np.random.RandomState(0).standard_normal((11, 48_000)).astype(np.float32)


@pytest.fixture(scope="module")
def noise(noise_windows):
    return frontend.log_mel(noise_windows)


@pytest.mark.parametrize("name", AT_48_KHZ)
@pytest.mark.parametrize("engine", ENGINES)
def test_embeddings_equal_those_of_the_published_package(engines, sounds, reference, engine, name):
    expected = reference[f"embedding/{name}"]
    embedding = embed(engines[engine], sounds[name])
    assert embedding.dtype == np.float32
    assert embedding.shape == expected.shape
    assert np.abs(embedding - expected).max() / np.abs(expected).max() < 1e-4
    timestamps = frontend.timestamps(len(embedding), hop_s=sounds[name].hop_s)
    np.testing.assert_array_equal(timestamps, reference[f"timestamps/{name}"])


@pytest.mark.parametrize("name", RESAMPLED)
@pytest.mark.parametrize("engine", ENGINES)
def test_embeddings_of_resampled_sounds_are_near_those_of_the_published_package(
    engines, sounds, reference, engine, name
):
    expected = reference[f"embedding/{name}"]
    embedding = embed(engines[engine], sounds[name])
    assert embedding.shape == expected.shape
    norms = np.linalg.norm(embedding, axis=1) * np.linalg.norm(expected, axis=1)
    assert ((embedding * expected).sum(axis=1) / norms).min() >= 0.999


@pytest.mark.parametrize("engine", ENGINES)
def test_a_window_does_not_depend_on_its_neighbours(engines, noise_windows, engine):
    noise = engines[engine].prepare(noise_windows)
    together = engines[engine].embed(noise)
    alone = np.concatenate([engines[engine].embed(noise[index : index + 1]) for index in (0, 8, 10)])
    np.testing.assert_allclose(together[[0, 8, 10]], alone, rtol=0, atol=1e-5 * np.abs(alone).max())


@pytest.mark.parametrize("engine", ENGINES)
def test_zero_windows_give_zero_embeddings(engines, noise_windows, engine):
    noise = engines[engine].prepare(noise_windows)
    assert engines[engine].embed(noise[:0]).shape == (0, 512)


@pytest.mark.parametrize("engine", ENGINES)
def test_inputs_may_be_a_strided_array(engines, noise_windows, engine):
    noise = engines[engine].prepare(noise_windows)
    strided = noise[::5]
    np.testing.assert_array_equal(engines[engine].embed(strided), engines[engine].embed(strided.copy()))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_later_call_does_not_change_an_embedding(engines, noise_windows, engine):
    noise = engines[engine].prepare(noise_windows)
    first = engines[engine].embed(noise[:1])
    copy = first.copy()
    engines[engine].embed(noise[1:2])
    np.testing.assert_array_equal(first, copy)


def test_threads_may_embed_at_once(engines, noise):
    engine = engines["openvino"]
    assert engine.calls_at_once > 1
    expected = engine.embed(noise)
    parts = [noise, noise[::-1], noise[:5], noise[3:]] * 2
    with ThreadPoolExecutor(engine.calls_at_once + 1) as pool:
        together = list(pool.map(engine.embed, parts, timeout=120))
    for embedding, rows in zip(
        together, [expected, expected[::-1], expected[:5], expected[3:]] * 2, strict=True
    ):
        np.testing.assert_array_equal(embedding, rows)


def test_calls_that_fail_block_no_later_call(seeded_weights, noise):
    infer, _ = compile_network(openvino_network(seeded_weights), precision="float32", threads=None)
    shapes = []

    def call():
        for _ in range(CALLS_AT_ONCE + 1):
            with pytest.raises(RuntimeError):
                infer(noise[:, :10])
        shapes.append(infer(noise[:2]).shape)

    # A daemon: a call that waits for ever must not keep the tests from ending.
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(120)
    assert shapes == [(2, 512)]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_has_a_name_a_precision_a_batch_size_and_an_input_shape(engines, engine):
    assert engines[engine].name == engine
    assert engines[engine].precision == "float32"
    assert engines[engine].batch_size >= 1
    assert engines[engine].input_shape == ((48_000,) if engine == "openl3" else (256, 199, 1))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.filterwarnings("ignore:invalid value")
def test_sound_that_is_not_finite_is_an_error(engines, noise_windows, engine, bad):
    broken = noise_windows[:2].copy()
    broken[1, 1000] = bad
    with pytest.raises(EmbeddingError, match=f"{engine} engine was given sound that is not finite"):
        engines[engine].prepare(broken)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_input_that_is_not_finite_is_an_error(engines, noise_windows, engine, bad):
    broken = engines[engine].prepare(noise_windows[:2]).copy()
    broken[1, 100] = bad
    with pytest.raises(EmbeddingError, match=f"{engine} engine was given inputs that are not finite"):
        engines[engine].embed(broken)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(48_000,), (2, 47_999), (2, 1, 48_000)])
def test_windows_of_a_wrong_shape_are_an_error(engines, engine, shape):
    with pytest.raises(EmbeddingError, match=re.escape(f"{shape} must be of shape (n, 48000)")):
        engines[engine].prepare(np.zeros(shape, np.float32))


def test_an_embedding_that_is_not_finite_is_an_error(noise):
    engine = Engine(lambda log_mels: np.inf, name="broken", precision="float32", batch_size=8)
    with pytest.raises(EmbeddingError, match="broken engine made embeddings that are not finite"):
        engine.embed(noise[:2])


@pytest.mark.filterwarnings("error")
def test_sound_whose_spectrum_overflows_is_an_error(engines):
    with pytest.raises(EmbeddingError, match="out of range"):
        engines["openvino"].prepare(np.full((1, 48_000), 1e38, np.float32))


def test_an_engine_infers_at_most_a_batch_at_a_time(noise):
    sizes = []

    def infer(log_mels):
        sizes.append(len(log_mels))
        return log_mels[:, 0, 0]

    engine = Engine(infer, name="counting", precision="float32", batch_size=8)
    np.testing.assert_array_equal(engine.embed(numbered(31))[:, 0], np.arange(31))
    assert sizes == [8, 8, 8, 7]


def test_tensorflow_gets_batch_sizes_that_are_powers_of_two():
    sizes = []

    def predict_on_batch(log_mels):
        sizes.append(len(log_mels))
        return log_mels[:, 0, 0]

    infer = engines_module._in_powers_of_two(SimpleNamespace(predict_on_batch=predict_on_batch))
    np.testing.assert_array_equal(infer(numbered(15))[:, 0], np.arange(15))
    assert sizes == [8, 4, 2, 1]


def numbered(count):
    """Make log-mels whose values are all the index of their window."""
    return np.arange(count, dtype=np.float32).reshape(-1, 1, 1, 1) * np.ones((256, 199, 1), np.float32)


def test_spectrograms_of_a_wrong_shape_are_an_error(engines):
    with pytest.raises(EmbeddingError, match=r"\(2, 128, 199, 1\)"):
        engines["openvino"].embed(np.zeros((2, 128, 199, 1), np.float32))


def test_openvino_works_without_keras(engines, noise, inputs, seeded_weights, tmp_path):
    expected = engines["openvino"].embed(noise[:1])
    write_h5(tmp_path / "seeded.h5", inputs.seeded_arrays())
    np.save(tmp_path / "noise.npy", noise[:1])
    code = (
        "import sys, numpy\n"
        "for name in ('keras', 'tensorflow', 'torch', 'jax'):\n"
        "    sys.modules[name] = None\n"
        "from pathlib import Path\n"
        "from explorer.embedding.engines import open_engine\n"
        "from explorer.embedding.model_weights import find_local_weights\n"
        f"weights = find_local_weights({str(tmp_path / 'seeded.h5')!r}, models_dir=Path())\n"
        f"noise = numpy.load({str(tmp_path / 'noise.npy')!r})\n"
        f"numpy.save({str(tmp_path / 'embedding.npy')!r}, open_engine('openvino', weights).embed(noise))\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    np.testing.assert_allclose(np.load(tmp_path / "embedding.npy"), expected, rtol=1e-4)


@pytest.mark.usefixtures("engines")
def test_one_thread_gives_the_same_embeddings(engines, noise, seeded_weights):
    engine = open_engine("openvino", seeded_weights, threads=1)
    expected = engines["openvino"].embed(noise[:1])
    np.testing.assert_allclose(engine.embed(noise[:1]), expected, rtol=0, atol=1e-5 * np.abs(expected).max())


def test_tensorflow_refuses_threads_after_its_first_computation(engines, noise, seeded_weights):
    engines["tensorflow"].embed(noise[:1])
    with pytest.raises(EmbeddingError, match="cannot change to 1 threads"):
        open_engine("tensorflow", seeded_weights, threads=1)


def test_an_unknown_engine_is_an_error_that_names_the_choices(seeded_weights, tmp_path):
    with pytest.raises(
        EmbeddingError, match="'torch' does not exist: choose one of openvino, tensorflow, openl3"
    ):
        open_engine("torch", seeded_weights)


def test_an_unknown_precision_is_an_error_that_names_the_choices(seeded_weights, tmp_path):
    with pytest.raises(
        EmbeddingError, match="openvino engine has no precision 'int4': choose one of float32, bfloat16, int8"
    ):
        open_engine("openvino", seeded_weights, precision="int4")


def test_zero_threads_are_an_error(seeded_weights, tmp_path):
    with pytest.raises(EmbeddingError, match="threads=0"):
        open_engine("openvino", seeded_weights, threads=0)


@pytest.mark.parametrize(
    ("engine", "package", "requirements"),
    [
        ("openvino", "openvino", "requirements.lock"),
        ("tensorflow", "keras", "requirements-tensorflow.lock"),
        ("tensorflow", "tensorflow", "requirements-tensorflow.lock"),
        ("openl3", "openl3", "requirements-openl3.txt"),
    ],
)
def test_a_missing_package_is_an_error_that_names_it(
    monkeypatch, seeded_weights, tmp_path, engine, package, requirements
):
    monkeypatch.setitem(sys.modules, package, None)
    message = f"needs the package '{package}', which is not installed: install {requirements} or"
    with pytest.raises(EmbeddingError, match=message):
        open_engine(engine, seeded_weights)


def test_keras_on_another_backend_is_an_error_that_names_it(monkeypatch, seeded_weights):
    pytest.importorskip("tensorflow")
    keras_on_jax = SimpleNamespace(backend=SimpleNamespace(backend=lambda: "jax"))
    monkeypatch.setattr(packages, "import_keras", lambda: keras_on_jax)
    with pytest.raises(EmbeddingError, match="KERAS_BACKEND is 'jax': unset it"):
        open_engine("tensorflow", seeded_weights)


def test_with_a_gpu_tensorflow_computes_the_log_mels_too(
    monkeypatch, sounds, reference, seeded_weights, engines
):
    assert engines["tensorflow"]
    import tensorflow

    # The CPU replaces the GPU here, because the arithmetic is the same.
    list_devices = tensorflow.config.list_physical_devices

    def claim_a_gpu(kind=None):
        return ["GPU"] if kind == "GPU" else list_devices(kind)

    monkeypatch.setattr(tensorflow.config, "list_physical_devices", claim_a_gpu)
    engine = open_engine("tensorflow", seeded_weights)
    assert engine.input_shape == (48_000,)
    assert engine.batch_size == 256
    for name in ("hop_0.5", "silence"):
        expected = reference[f"embedding/{name}"]
        embedding = embed(engine, sounds[name])
        assert np.abs(embedding - expected).max() / np.abs(expected).max() < 1e-4


# bfloat16 and int8


def cosines(first, second):
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return (first * second).sum(axis=1) / norms


@pytest.mark.parametrize("engine", OWN_ENGINES)
def test_bfloat16_is_near_float32_and_not_the_same(engines, noise, seeded_weights, engine):
    exact = engines[engine].embed(noise[:3])
    half = open_engine(engine, seeded_weights, precision="bfloat16")
    assert half.precision == "bfloat16"
    embedding = half.embed(noise[:3])
    assert embedding.dtype == np.float32
    assert cosines(embedding, exact).min() > 0.999
    assert not np.allclose(embedding, exact, rtol=1e-5)


@pytest.fixture(scope="module")
def packed(engines, noise, seeded_weights):
    assert engines["openvino"]
    pytest.importorskip("nncf")
    return quantised_network(seeded_weights, noise[:2])


def test_int8_is_near_float32_and_a_quarter_of_its_size(engines, noise, seeded_weights, packed):
    engine = open_engine("openvino", seeded_weights, precision="int8", network=packed)
    exact, embedding = engines["openvino"].embed(noise), engine.embed(noise)
    assert cosines(embedding, exact).min() > 0.995
    assert not np.allclose(embedding, exact, rtol=1e-4)
    assert len(packed) < 6_000_000


def test_the_same_windows_give_the_same_int8_network(noise, seeded_weights, packed):
    def embed(network):
        engine = open_engine("openvino", seeded_weights, precision="int8", network=network)
        return engine.embed(noise[:2])

    again = quantised_network(seeded_weights, noise[:2])
    np.testing.assert_array_equal(embed(again), embed(packed))
    others = quantised_network(seeded_weights, noise[:2] * 0.5)
    assert not np.array_equal(embed(others), embed(packed))


def test_a_damaged_int8_network_is_an_error_that_says_what_to_do(seeded_weights, packed):
    damaged = packed[:2_000_000] + b"?" + packed[2_000_001:]
    with pytest.raises(EmbeddingError, match=r"int8 network is damaged .* --precision auto --reindex\.$"):
        open_engine("openvino", seeded_weights, precision="int8", network=damaged)


def test_int8_without_its_network_is_an_error(seeded_weights):
    with pytest.raises(EmbeddingError, match="quantised on songs: choose --precision auto"):
        open_engine("openvino", seeded_weights, precision="int8")


def test_int8_without_nncf_is_an_error_that_names_the_package(monkeypatch, engines, noise, seeded_weights):
    assert engines["openvino"]
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(EmbeddingError, match="needs the package 'nncf', which is not installed"):
        quantised_network(seeded_weights, noise)


# Privacy


def test_openvino_writes_no_identifier_into_the_users_home(tmp_path, engines):
    assert engines["openvino"]
    code = (
        "from explorer.embedding.packages import import_openvino\n"
        "openvino = import_openvino()\n"
        "import nncf, sys\n"
        "print(openvino.convert_model.__name__, sys.modules['openvino_telemetry'])"
    )
    environment = {"HOME": str(tmp_path), "PATH": "", "PYTHONPATH": str(ROOT)}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "convert_model None"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="stacks of signal handlers are POSIX's")
def test_ctrl_c_after_networks_were_deleted_does_not_crash():
    code = """
import faulthandler, gc, signal
from explorer.embedding.model_weights import untrained_weights
from explorer.embedding.openvino_engine import compile_network, openvino_network
faulthandler.enable()
model = openvino_network(untrained_weights())
first, second = (compile_network(model, precision="float32", threads=1) for _ in range(2))
del first
gc.collect()
del second
gc.collect()
try:
    signal.raise_signal(signal.SIGINT)
except KeyboardInterrupt:
    print("interrupted")
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout == "interrupted\n", (result.returncode, result.stderr)
