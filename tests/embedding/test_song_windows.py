"""Which windows of a song are kept, and their form of 64 bytes each."""

import numpy as np
import pytest

from explorer.embedding.song_windows import (
    MIN_STEP_S,
    N_COMPONENTS,
    RawWindows,
    WindowCoder,
    fit_basis,
    thin,
    windows_to_keep,
)
from explorer.embedding.typical_window import MAX_WINDOWS
from explorer.errors import EmbeddingError


def frames_of(count, *, rank=40, seed=0):
    """Return embeddings that differ along `rank` directions."""
    rng = np.random.default_rng(seed)
    directions = np.random.default_rng(99).normal(size=(rank, 512))
    return (5 + rng.normal(size=(count, rank)) @ directions / np.sqrt(rank)).astype(np.float32)


@pytest.mark.parametrize(
    ("hop_s", "step_s"),
    [(0.1, 0.5), (0.2, 0.6), (0.3, 0.6), (0.4, 0.8), (0.5, 0.5), (1.0, 1.0), (2.0, 2.0)],
)
def test_windows_are_kept_at_least_half_a_second_apart(hop_s, step_s):
    frames = frames_of(60)
    kept = windows_to_keep(frames, hop_s=hop_s)
    assert kept.step_s == pytest.approx(step_s)
    assert kept.step_s >= MIN_STEP_S - 1e-9
    stride = round(step_s / hop_s)
    np.testing.assert_array_equal(kept.frames, frames[::stride].astype(np.float16))


def test_the_step_of_a_very_long_song_is_that_of_the_windows_kept():
    numbers = np.arange(2 * MAX_WINDOWS + 10, dtype=np.float32)
    kept = windows_to_keep(np.repeat(numbers[:, None], 512, axis=1), hop_s=0.5)
    assert len(kept.frames) <= MAX_WINDOWS
    assert kept.step_s == 2.0
    # The value of each window is its number: window i is the second around i * step_s.
    np.testing.assert_array_equal(kept.frames[:100, 0], np.arange(100) * kept.step_s / 0.5)


def test_a_song_of_one_window_has_a_step():
    assert thin(np.arange(1), frames_of(1), hop_s=0.5).step_s == 0.5


def test_a_value_too_large_for_two_bytes_stays_finite():
    kept = windows_to_keep(np.full((2, 512), 1e6, dtype=np.float32), hop_s=0.5)
    assert np.isfinite(kept.frames).all()


def test_windows_are_stored_in_64_bytes_and_nearly_as_they_were():
    frames = frames_of(300)
    basis = fit_basis(frames)
    stored = basis.encode(RawWindows(frames.astype(np.float16), 0.5))
    assert (stored.codes.dtype, stored.codes.shape) == (np.int8, (300, N_COMPONENTS))
    assert np.abs(stored.codes.astype(int)).max() == 127
    error = basis.embeddings(stored) - frames
    assert np.sqrt(np.mean(error**2)) < 0.03 * frames.std()
    np.testing.assert_allclose(stored.times_s[:3], [0, 0.5, 1])


def test_the_basis_is_that_of_the_principal_components():
    frames = frames_of(500)
    basis = fit_basis(frames)
    centred = frames - frames.mean(axis=0, dtype=np.float64)
    directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    _, _, axes = np.linalg.svd(directions, full_matrices=False)
    np.testing.assert_allclose(np.abs((basis.axes[:20] * axes[:20]).sum(axis=1)), 1, atol=1e-4)
    assert (np.take_along_axis(basis.axes, np.abs(basis.axes).argmax(axis=1)[:, None], axis=1)[:20] > 0).all()


def test_a_window_far_from_the_others_does_not_turn_the_basis():
    frames = frames_of(500, rank=N_COMPONENTS)
    outlier = frames.mean(axis=0) + 100 * np.eye(512, dtype=np.float32)[7]
    basis = fit_basis(np.concatenate([frames, outlier[None]]))
    centred = frames - frames.mean(axis=0)
    left = centred - centred @ basis.axes.T @ basis.axes
    assert np.square(left).sum() < 1e-3 * np.square(centred).sum()


def test_a_basis_of_few_windows_has_rows_of_zeros():
    basis = fit_basis(frames_of(3))
    assert np.count_nonzero(basis.axes.any(axis=1)) == 2
    np.testing.assert_allclose(np.linalg.norm(basis.axes[:2], axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("frames", [np.zeros((0, 512)), np.full((2, 512), np.nan)])
def test_a_basis_needs_finite_windows(frames):
    with pytest.raises(EmbeddingError):
        fit_basis(frames)


def test_silence_can_be_encoded():
    basis = fit_basis(frames_of(100))
    stored = basis.encode(RawWindows(np.repeat(basis.mean[None], 2, axis=0).astype(np.float32), 0.5))
    assert not stored.codes.any()
    assert stored.scale > 0


def test_a_coder_without_a_basis_leaves_windows_as_they_are():
    raw = RawWindows(frames_of(4).astype(np.float16), 0.5)
    coder = WindowCoder()
    assert coder.code(raw) is raw
    coder.basis = fit_basis(frames_of(100))
    assert coder.code(raw).codes.shape == (4, N_COMPONENTS)
