import numpy as np
import pytest
from scipy import signal

from explorer.audio.synthesis import mastering
from explorer.audio.synthesis.oscillators import SAMPLE_RATE_HZ


def _tone(frequency_hz, amplitude=1.0, duration_s=3.0):
    time = np.arange(int(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time)).astype(np.float32)


def test_loudness_reads_the_standards_reference_tone():
    """BS.1770: a full-scale sine of 997 Hz in one channel reads -3.01."""
    samples = np.stack([_tone(997), np.zeros(3 * SAMPLE_RATE_HZ, dtype=np.float32)], axis=1)
    assert mastering.loudness(samples) == pytest.approx(-3.01, abs=0.05)


def test_loudness_ignores_silence_and_discounts_bass():
    tone = np.repeat(_tone(997, 0.1)[:, None], 2, axis=1)
    assert mastering.loudness(np.concatenate([tone, 0 * tone])) == pytest.approx(
        mastering.loudness(tone), abs=0.3
    )
    bass = np.repeat(_tone(30, 0.1)[:, None], 2, axis=1)
    assert mastering.loudness(bass) < mastering.loudness(tone) - 5
    assert mastering.loudness(0 * tone) == -np.inf


def test_limiting_holds_the_ceiling_and_spares_the_quiet():
    rng = np.random.default_rng(0)
    samples = 0.1 * rng.standard_normal((SAMPLE_RATE_HZ, 2)).astype(np.float32)
    samples[20_000:20_400] *= 20
    limited = mastering.limit(samples, ceiling=0.5)
    assert np.abs(limited).max() <= 0.5 + 1e-6
    assert np.array_equal(limited[:10_000], samples[:10_000])


def test_limiting_sees_peaks_between_samples():
    """A sine of a quarter of the sample rate, sampled at 45 degrees, peaks 3 dB above its samples."""
    angle = np.pi / 2 * np.arange(SAMPLE_RATE_HZ) + np.pi / 4
    samples = np.repeat(np.sin(angle).astype(np.float32)[:, None], 2, axis=1)
    limited = mastering.limit(samples, ceiling=0.6)[1000:-1000]
    assert np.abs(signal.resample_poly(limited, 4, 1, axis=0)[1000:-1000]).max() < 0.65


@pytest.mark.parametrize("gain", [0.001, 1.0, 30.0])
def test_mastering_brings_any_level_to_the_target(gain):
    rng = np.random.default_rng(0)
    mix = gain * rng.standard_normal((4 * SAMPLE_RATE_HZ, 2)).astype(np.float32)
    mix[50_000:50_200] *= 6
    samples = mastering.master(mix)
    assert mastering.loudness(samples) == pytest.approx(mastering.TARGET_LUFS, abs=1)
    assert np.abs(samples).max() <= mastering.CEILING + 1e-6


def test_mastering_removes_an_offset_and_fades_both_ends():
    samples = mastering.master(np.repeat(_tone(300)[:, None], 2, axis=1) + np.float32(0.5))
    assert abs(samples[SAMPLE_RATE_HZ:].mean()) < 1e-3
    assert np.abs(samples[[0, -1]]).max() < 1e-4
