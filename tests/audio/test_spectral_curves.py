"""Loudness is checked against pyloudnorm, which filters the samples instead of the spectra."""

import numpy as np
import pytest

from explorer.audio.loudness import integrated_loudness
from explorer.audio.spectral_curves import CurveMeter, k_weighting
from explorer.structure.song_features import SILENT_LUFS

RATE_HZ = 48_000
pytestmark = pytest.mark.filterwarnings("error")


def sine(frequency_hz, *, seconds, level_db=0.0):
    times_s = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    return (10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * times_s)).astype(np.float32)


def noise(*, seconds, level=0.1, seed=0):
    return (level * np.random.default_rng(seed).standard_normal(round(RATE_HZ * seconds))).astype(np.float32)


def measure(samples, *, block=4_800, **options):
    meter = CurveMeter()
    for start in range(0, len(samples), block):
        meter.add(samples[start : start + block])
    return meter.curves(**options)


def test_the_k_weighting_is_that_of_the_standard():
    # The filter of the head adds 4 dB at high frequencies; the other one halves the power at 38 Hz.
    gains_db = 10 * np.log10(k_weighting(np.array([38.0, 997.0, 10_000.0])))
    assert gains_db == pytest.approx([-6.0, 0.69, 4.0], abs=0.2)


@pytest.mark.parametrize(
    "samples",
    [
        sine(997, seconds=5),
        sine(60, seconds=5, level_db=-20),
        noise(seconds=7.37),
        np.concatenate([noise(seconds=4), np.zeros(RATE_HZ * 6, np.float32), noise(seconds=3, level=0.003)]),
        np.repeat(noise(seconds=0.02), 4)[: RATE_HZ // 2].repeat(8),
    ],
    ids=["sine", "low sine", "noise", "gated", "low noise"],
)
def test_integrated_loudness_is_that_of_pyloudnorm(samples):
    assert measure(samples).loudness_lufs == pytest.approx(
        integrated_loudness(samples[:, None], RATE_HZ), abs=0.1
    )


def test_the_loudness_of_stereo_is_that_of_both_channels():
    stereo = np.stack([noise(seconds=5, seed=1), 0.5 * noise(seconds=5, seed=2)], axis=1)
    mono = stereo.mean(axis=1)
    ratio = float(np.square(stereo).sum() / np.square(mono).sum())
    curves = measure(mono, channel_power=ratio)
    assert curves.loudness_lufs == pytest.approx(integrated_loudness(stereo, RATE_HZ), abs=0.1)
    assert curves.loudness.mean() == pytest.approx(curves.loudness_lufs, abs=0.1)


def test_short_term_loudness_is_that_of_three_seconds():
    samples = np.concatenate([noise(seconds=5), noise(seconds=5, level=0.01), noise(seconds=4.5, level=0.3)])
    loudness = measure(samples).loudness
    assert len(loudness) == 15
    # These seconds have the same level as the second before and the one after.
    for second in (2, 7, 12):
        window = samples[(second - 1) * RATE_HZ : (second + 2) * RATE_HZ, None]
        assert loudness[second] == pytest.approx(integrated_loudness(window, RATE_HZ), abs=0.1)
    # The loud second next to this one counts a third.
    assert loudness[5] == pytest.approx(loudness[2] - 10 * np.log10(3), abs=0.2)
    assert loudness[14] == pytest.approx(loudness[12], abs=0.1)


def test_brightness_is_the_frequency_of_a_sine():
    samples = np.concatenate([sine(500, seconds=3), np.zeros(5 * RATE_HZ, np.float32), sine(4000, seconds=3)])
    curves = measure(samples)
    assert curves.brightness[:2] == pytest.approx([500, 500], rel=0.05)
    assert curves.brightness[-2:] == pytest.approx([4000, 4000], rel=0.02)
    # The second that is farther than a second from all sound is silent.
    assert (curves.brightness[5], curves.loudness[5]) == (0.0, SILENT_LUFS)
    assert curves.brightness_hz == pytest.approx(2250, rel=0.02)


@pytest.mark.parametrize("block", [1, 777, 48_000, 480_000])
def test_blocks_of_any_length_give_the_same_curves(block):
    samples = noise(seconds=1.2 if block == 1 else 6.3)
    curves, expected = measure(samples, block=block), measure(samples)
    assert np.allclose(curves.loudness, expected.loudness, atol=1e-3)
    assert np.allclose(curves.brightness, expected.brightness, rtol=1e-4)
    assert curves.loudness_lufs == pytest.approx(expected.loudness_lufs, abs=1e-3)


@pytest.mark.parametrize("seconds", [0, 1 / RATE_HZ, 0.3, 10])
def test_silence_has_no_loudness(seconds):
    curves = measure(np.zeros(round(RATE_HZ * seconds), np.float32))
    assert (curves.loudness_lufs, curves.brightness_hz) == (None, None)
    assert len(curves.loudness) == len(curves.brightness) == int(np.ceil(seconds))
    assert np.all(curves.loudness == SILENT_LUFS)
    assert not curves.brightness.any()


@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.35, 0.4, 1.0, 1.05])
def test_short_sounds_have_the_loudness_of_all_their_samples(seconds):
    curves = measure(sine(997, seconds=seconds, level_db=-10))
    assert curves.loudness_lufs == pytest.approx(-13.0, abs=0.3)
    assert curves.loudness == pytest.approx(np.full(int(np.ceil(seconds)), -13.0), abs=0.3)


def test_a_day_of_sound_fits_into_the_memory_of_a_decoder():
    meter = CurveMeter()
    meter.add(noise(seconds=60))
    held = sum(sums.nbytes for sums in meter._sums) + meter._waiting.nbytes
    assert held * 60 * 24 < 64 << 20


def test_the_largest_samples_do_not_overflow():
    curves = measure(1e10 * np.sign(noise(seconds=3)))
    assert np.isfinite([curves.loudness_lufs, curves.brightness_hz]).all()
    assert np.isfinite(curves.loudness).all()
