import numpy as np
import pytest

from explorer.audio.loudness import integrated_loudness, true_peak_db
from explorer.demo.composer.mastering import PEAK_DB, TARGET_LUFS, master
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ


def _noise(gain=1.0):
    rng = np.random.default_rng(0)
    return gain * rng.standard_normal((4 * SAMPLE_RATE_HZ, 2)).astype(np.float32)


@pytest.mark.parametrize("gain", [0.001, 1.0, 30.0])
def test_mastering_brings_any_level_to_the_target(gain):
    samples = master(_noise(gain))
    assert integrated_loudness(samples, SAMPLE_RATE_HZ) == pytest.approx(TARGET_LUFS, abs=0.5)
    assert true_peak_db(samples) <= PEAK_DB + 0.05


def test_a_mix_with_high_peaks_stays_quieter_and_keeps_its_shape():
    mix = _noise()
    mix[50_000:50_200] *= 20
    samples = master(mix)
    assert true_peak_db(samples) == pytest.approx(PEAK_DB, abs=0.1)
    assert integrated_loudness(samples, SAMPLE_RATE_HZ) < TARGET_LUFS - 3
    middle = slice(40_000, 60_000)
    assert np.corrcoef(samples[middle, 0], mix[middle, 0])[0, 1] > 0.99


def test_mastering_leaves_silence_silent():
    assert not master(np.zeros((SAMPLE_RATE_HZ, 2), dtype=np.float32)).any()


def test_mastering_removes_a_dc_offset_and_fades_both_ends():
    angle = np.arange(3 * SAMPLE_RATE_HZ) * (2 * np.pi * 300 / SAMPLE_RATE_HZ)
    samples = master(np.repeat(np.sin(angle).astype(np.float32)[:, None], 2, axis=1) + np.float32(0.5))
    assert abs(samples[SAMPLE_RATE_HZ:].mean()) < 1e-3
    assert np.abs(samples[[0, -1]]).max() < 1e-4
