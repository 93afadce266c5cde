import platform
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle

import numpy as np
import pytest

from explorer.embedding import frontend, window_grid
from explorer.errors import EmbeddingError


def all_windows(blocks, *, hop_s, batch_size=4):
    """Return all windows in one array."""
    return np.concatenate(list(frontend.windows(blocks, hop_s=hop_s, batch_size=batch_size)))


def cut(samples, sizes):
    """Divide samples into blocks of the given sizes, repeated in turn."""
    blocks, start = [], 0
    for size in cycle(sizes):
        if start >= len(samples):
            return blocks
        blocks.append(samples[start : start + size])
        start += size


def padded_windows(samples, hop_s):
    """Return the windows by their definition, on a signal that fits into memory."""
    hop = int(hop_s * 48_000)
    count = window_grid.count_windows(len(samples), hop_s=hop_s)
    padded = np.zeros((count - 1) * hop + 48_000 + len(samples), np.float32)
    padded[24_000 : 24_000 + len(samples)] = samples
    return np.stack([padded[index * hop : index * hop + 48_000] for index in range(count)])


def test_mel_filters_equal_those_of_librosa(reference):
    filters = frontend.mel_filters()
    assert filters.shape == (256, 1025)
    assert filters.dtype == np.float32
    np.testing.assert_allclose(filters, reference["mel_filters"], rtol=0, atol=1e-8)


def test_mel_filters_are_read_only():
    with pytest.raises(ValueError, match="read-only"):
        frontend.mel_filters()[0, 0] = 1


def test_windows_are_as_many_as_in_the_published_package(inputs, reference):
    counts = [
        [window_grid.count_windows(samples, hop_s=hop_s) for hop_s in inputs.WINDOW_COUNT_HOPS_S]
        for samples in inputs.WINDOW_COUNT_SAMPLES
    ]
    np.testing.assert_array_equal(counts, reference["window_counts"])


@pytest.mark.parametrize("hop_s", [0.1, 0.29, 0.5, 1.0, 1.7])
@pytest.mark.parametrize("n_samples", [1, 23_999, 24_000, 24_001, 72_001, 200_000])
def test_windows_are_padded_with_zeros_at_both_ends(n_samples, hop_s):
    samples = np.random.RandomState(0).standard_normal(n_samples).astype(np.float32)
    np.testing.assert_array_equal(all_windows([samples], hop_s=hop_s), padded_windows(samples, hop_s))


@pytest.mark.parametrize("sizes", [(1_000,), (7, 0, 48_000, 1), (24_000,), (47_999, 48_001), (150_000,)])
@pytest.mark.parametrize("hop_s", [0.1, 1.0, 2.3])
def test_windows_do_not_depend_on_the_blocks(sizes, hop_s):
    samples = np.random.RandomState(1).standard_normal(130_000).astype(np.float32)
    np.testing.assert_array_equal(
        all_windows(cut(samples, sizes), hop_s=hop_s, batch_size=3),
        all_windows([samples], hop_s=hop_s, batch_size=100),
    )


def test_all_batches_except_the_last_are_full():
    batches = list(frontend.windows([np.ones(130_000)], hop_s=0.5, batch_size=4))
    assert [batch.shape for batch in batches] == [(4, 48_000), (2, 48_000)]
    assert {batch.dtype for batch in batches} == {np.dtype(np.float32)}


def test_changing_a_batch_does_not_change_the_next():
    batches = frontend.windows([np.ones(200_000)], hop_s=0.1, batch_size=1)
    next(batches)[:] = 5
    assert next(batches).max() == 1


def test_blocks_are_read_only_when_windows_need_them():
    blocks_read = []

    def endless():
        while True:
            blocks_read.append(None)
            yield np.zeros(48_000, np.float32)

    batches = frontend.windows(endless(), hop_s=1.0, batch_size=2)
    for _ in range(10):
        next(batches)
    assert len(blocks_read) <= 21


@pytest.mark.parametrize("blocks", [[], [np.empty(0, np.float32)] * 3])
def test_sound_without_a_sample_is_an_error(blocks):
    with pytest.raises(EmbeddingError, match="no sample"):
        all_windows(blocks, hop_s=0.5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_sample_that_is_not_finite_is_an_error(bad):
    samples = np.zeros(200_000, np.float32)
    samples[-1] = bad
    with pytest.raises(EmbeddingError, match="NaN or infinite"):
        all_windows(cut(samples, [50_000]), hop_s=0.5)


def test_a_stereo_block_is_an_error_that_shows_its_shape():
    with pytest.raises(EmbeddingError, match=r"\(100, 2\)"):
        all_windows([np.zeros((100, 2), np.float32)], hop_s=0.5)


@pytest.mark.parametrize("hop_s", [0, -0.5, 1e-5, float("nan"), float("inf")])
def test_a_hop_shorter_than_a_sample_is_an_immediate_error(hop_s):
    with pytest.raises(EmbeddingError, match=f"hop of {hop_s} s"):
        frontend.windows([], hop_s=hop_s, batch_size=1)
    with pytest.raises(EmbeddingError, match=f"hop of {hop_s} s"):
        window_grid.count_windows(1, hop_s=hop_s)


def test_a_hop_of_one_sample_is_allowed():
    assert window_grid.count_windows(24_010, hop_s=1 / 48_000) == 11


def test_a_batch_size_of_zero_is_an_immediate_error():
    with pytest.raises(EmbeddingError, match="batch_size=0"):
        frontend.windows([np.zeros(1)], hop_s=0.5, batch_size=0)


def test_counting_the_windows_of_zero_samples_is_an_error():
    with pytest.raises(EmbeddingError, match="n_samples=0"):
        window_grid.count_windows(0, hop_s=0.5)


@pytest.mark.parametrize("name", ["hop_0.5", "silence"])
def test_log_mel_equals_that_of_kapre(sounds, reference, name):
    sound = sounds[name]
    log_mels = frontend.log_mel(all_windows([sound.samples], hop_s=sound.hop_s))
    assert log_mels.shape[1:] == (256, 199, 1)
    assert log_mels.dtype == np.float32
    np.testing.assert_allclose(log_mels[:2, ::4, ::6, 0], reference[f"log_mel/{name}"], rtol=0, atol=2e-3)


def test_log_mel_lies_between_minus_80_and_0_db():
    window = np.zeros((1, 48_000), np.float32)
    window[0, 100:200] = 1
    log_mel = frontend.log_mel(window)
    assert log_mel.max() == 0
    assert log_mel.min() == -80


def test_log_mel_of_zero_windows_is_empty():
    assert frontend.log_mel(np.empty((0, 48_000), np.float32)).shape == (0, 256, 199, 1)


def test_several_threads_can_compute_log_mels_at_once():
    windows = np.random.RandomState(2).standard_normal((6, 1, 48_000)).astype(np.float32)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(frontend.log_mel, windows))
    for window, log_mel in zip(windows, together, strict=True):
        np.testing.assert_array_equal(log_mel, frontend.log_mel(window))


def test_log_mel_refuses_windows_of_a_wrong_length():
    with pytest.raises(EmbeddingError, match=r"\(1, 44100\)"):
        frontend.log_mel(np.zeros((1, 44_100), np.float32))


def test_the_hann_window_is_near_the_formula_and_read_only():
    window = frontend.hann_window()
    assert (window.shape, window.dtype) == ((2048,), np.float32)
    exact = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    assert 1e-8 < np.abs(window - exact).max() < 2.5e-7
    assert not window.flags.writeable


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="other processors round differently"
)
def test_the_hann_window_equals_that_of_the_installed_tensorflow():
    code = (
        "import sys, numpy, tensorflow\nnumpy.save(sys.argv[1], tensorflow.signal.hann_window(2048).numpy())"
    )
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/hann.npy"
        subprocess.run([sys.executable, "-c", code, path], check=True, capture_output=True)
        np.testing.assert_array_equal(np.load(path), frontend.hann_window())
