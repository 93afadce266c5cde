import numpy as np
import pytest

from explorer.audio.loudness import bring_to, integrated_loudness, limit, to_decibels, true_peaks

RATE_HZ = 44_100


def tone(*, amplitude=1.0, frequency_hz=997.0, seconds=5.0, phase=0.0):
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time + phase)).astype(np.float32)[:, None]


def test_a_full_tone_of_997_hz_has_the_loudness_that_bs_1770_gives_it():
    assert integrated_loudness(tone(), RATE_HZ) == pytest.approx(-3.01, abs=0.05)


def test_sound_shorter_than_a_gating_block_is_as_loud_as_when_it_goes_on():
    assert integrated_loudness(tone(seconds=0.1), RATE_HZ) == pytest.approx(-3.01, abs=0.2)
    assert integrated_loudness(np.zeros((0, 1), np.float32), RATE_HZ) == -np.inf
    assert integrated_loudness(np.zeros((10, 2), np.float32), RATE_HZ) == -np.inf


def test_a_peak_between_samples_is_found():
    # A quarter of the rate, shifted by half a sample's angle: no sample is at the top.
    between = tone(frequency_hz=RATE_HZ / 4, phase=np.pi / 4)
    assert np.abs(between).max() == pytest.approx(0.7071, abs=0.001)
    assert true_peaks(between)[200:-200].max() == pytest.approx(1.0, abs=0.02)


def test_the_limiter_keeps_every_peak_below_the_ceiling_and_leaves_the_rest():
    sound = tone(amplitude=0.1)
    sound[RATE_HZ * 2 : RATE_HZ * 2 + 40] *= 9
    limited = limit(sound, true_peaks(sound), RATE_HZ, gain_db=6.0, ceiling_db=-3.0)
    assert to_decibels(true_peaks(limited).max()) < -2.9
    np.testing.assert_allclose(
        limited[: RATE_HZ * 2 - 1000], sound[: RATE_HZ * 2 - 1000] * 10 ** (6 / 20), 1e-4
    )
    np.testing.assert_allclose(limited[-RATE_HZ:], sound[-RATE_HZ:] * 10 ** (6 / 20), 1e-4)


def test_the_limiters_gain_never_jumps():
    sound = tone(amplitude=0.5)
    sound[1000] = 4.0
    limited = limit(sound, true_peaks(sound), RATE_HZ, gain_db=0.0, ceiling_db=-1.0)
    steady = np.abs(sound[:, 0]) > 0.3
    gains_db = 20 * np.log10(limited[steady, 0] / sound[steady, 0])
    assert np.abs(np.diff(gains_db)).max() < 0.3
    assert gains_db.min() < -12


def test_loudness_is_reached_through_the_limiter():
    rng = np.random.default_rng(0)
    sound = rng.normal(0, 0.01, (RATE_HZ * 5, 2)).astype(np.float32)
    sound[:: RATE_HZ // 2] = 0.9
    louder = bring_to(sound, RATE_HZ, loudness_lufs=-16.0, ceiling_db=-2.0, most_gain_db=30.0)
    assert integrated_loudness(louder, RATE_HZ) == pytest.approx(-16.0, abs=0.1)
    assert to_decibels(true_peaks(louder).max()) < -1.9


def test_gain_has_a_limit_and_silence_stays_silent():
    faint = tone(amplitude=1e-3)
    louder = bring_to(faint, RATE_HZ, loudness_lufs=-16.0, ceiling_db=-2.0, most_gain_db=30.0)
    np.testing.assert_allclose(louder, faint * 10 ** (30 / 20), rtol=1e-5)
    silence = np.zeros((RATE_HZ, 1), np.float32)
    assert not bring_to(silence, RATE_HZ, loudness_lufs=-16.0, ceiling_db=-2.0, most_gain_db=30.0).any()
