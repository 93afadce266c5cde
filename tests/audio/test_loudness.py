import numpy as np
import pytest

from explorer.audio.loudness import gain_to, integrated_loudness, true_peak_db

RATE_HZ = 44_100


def tone(*, amplitude=1.0, frequency_hz=997.0, seconds=5.0, phase=0.0):
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time + phase)).astype(np.float32)[:, None]


def test_a_full_scale_tone_of_997_hz_has_the_loudness_that_bs_1770_states():
    assert integrated_loudness(tone(), RATE_HZ) == pytest.approx(-3.01, abs=0.05)


def test_sound_shorter_than_a_gating_block_is_measured_as_if_repeated():
    assert integrated_loudness(tone(seconds=0.1), RATE_HZ) == pytest.approx(-3.01, abs=0.2)
    assert integrated_loudness(np.zeros((0, 1), np.float32), RATE_HZ) == -np.inf
    assert integrated_loudness(np.zeros((10, 2), np.float32), RATE_HZ) == -np.inf


def test_a_peak_between_samples_is_found():
    # A tone of a quarter of the sample rate, shifted by half a sample: no sample lies at its peak. It is
    # faded, because a sudden start has a higher peak.
    between = tone(frequency_hz=RATE_HZ / 4, phase=np.pi / 4) * np.hanning(5 * RATE_HZ)[:, None]
    assert np.abs(between).max() == pytest.approx(0.7071, abs=0.001)
    assert true_peak_db(between.astype(np.float32)) == pytest.approx(0.0, abs=0.1)
    assert true_peak_db(np.zeros((0, 1), np.float32)) == true_peak_db(np.zeros((9, 2), np.float32)) == -np.inf


@pytest.mark.parametrize("level", [1e10, 3.4e38])
def test_samples_near_the_largest_number_have_a_peak_and_a_gain(level):
    sound = np.concatenate([tone(), tone()], axis=1)
    sound[1000:2000] = np.float32(level), -np.float32(level)
    assert true_peak_db(sound) == pytest.approx(20 * np.log10(level), abs=3)
    gain_db = gain_to(sound, RATE_HZ, loudness_lufs=-16.0, peak_db=-1.0, max_gain_db=30.0)
    assert gain_db == pytest.approx(-20 * np.log10(level), abs=10)


def tone_with_clicks():
    """Return a quiet tone with two clicks, whose peaks are 6 dB below 0 dBTP."""
    sound = tone(amplitude=0.02)
    sound[[RATE_HZ, 2 * RATE_HZ]] = 0.5
    return sound


@pytest.mark.parametrize(
    ("sound", "expected"),
    [
        (tone(amplitude=1.0), -16 + 3.01),
        (tone(amplitude=0.1), -16 + 23.01),
        (tone(amplitude=1e-3), 30),
        (tone_with_clicks(), -2 + 6),
        (np.zeros((RATE_HZ, 1), np.float32), 0),
    ],
    ids=["loud", "quiet", "faint", "peaks", "silent"],
)
def test_the_gain_reaches_the_loudness_unless_a_limit_applies(sound, expected):
    gain_db = gain_to(sound, RATE_HZ, loudness_lufs=-16.0, peak_db=-2.0, max_gain_db=30.0)
    assert gain_db == pytest.approx(expected, abs=0.2)
