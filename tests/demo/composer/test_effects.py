import numpy as np
import pytest

from explorer.demo.composer import effects
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ


def _sine(frequency_hz, duration_s=1.0):
    time = np.arange(int(duration_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return np.sin(2 * np.pi * frequency_hz * time).astype(np.float32)


def _rms(sound):
    return np.sqrt((sound**2).mean())


def _click(duration_s):
    sound = np.zeros((int(duration_s * SAMPLE_RATE_HZ), 2), dtype=np.float32)
    sound[0] = 1
    return sound


def test_filters_pass_only_their_band():
    low, high = _sine(100), _sine(5000)
    assert _rms(effects.lowpass(low, 1000)) > 0.95 * _rms(low)
    assert _rms(effects.lowpass(high, 1000)) < 0.1 * _rms(high)
    assert _rms(effects.highpass(low, 1000)) < 0.1 * _rms(low)
    assert _rms(effects.bandpass(high, 3000, 8000)) > 0.9 * _rms(high)


def test_a_room_decays_by_60_db_in_its_decay_time():
    impulse = effects.room_impulse(2.0)
    early = _rms(impulse[SAMPLE_RATE_HZ // 10 : SAMPLE_RATE_HZ // 5])
    late = _rms(impulse[round(1.1 * SAMPLE_RATE_HZ) : round(1.2 * SAMPLE_RATE_HZ)])
    assert -36 < 20 * np.log10(late / early) < -26
    assert (impulse**2).sum(axis=0) == pytest.approx([1, 1], abs=0.01)


def test_reverberation_keeps_the_dry_sound_and_adds_a_tail():
    wet = effects.reverberate(_click(1.0), effects.room_impulse(0.5), wet=0.5)
    assert wet[0] == pytest.approx(1, abs=0.01)
    assert _rms(wet[4000:8000]) > 1e-4
    assert len(wet) == SAMPLE_RATE_HZ


def test_echoes_are_on_time_alternate_sides_and_get_weaker():
    wet = effects.echo(_click(2.0), 0.25, feedback=0.5, wet=0.6, darken_hz=8000)
    delay = round(0.25 * SAMPLE_RATE_HZ)
    peaks = [np.abs(wet[k * delay : k * delay + 400]).max(axis=0) for k in (1, 2, 3)]
    assert peaks[0][0] > 1.5 * peaks[0][1]
    assert peaks[1][1] > 1.5 * peaks[1][0]
    assert peaks[0].max() > 1.5 * peaks[1].max() > 2 * peaks[2].max()
    assert np.abs(wet[delay + 3000 : 2 * delay - 100]).max() < 1e-3


def test_ducking_lowers_the_level_at_the_beat_and_releases_it():
    sound = np.ones((SAMPLE_RATE_HZ, 2), dtype=np.float32)
    ducked = effects.duck(sound, [0.5], depth=0.8, release_s=0.2)
    assert ducked[round(0.49 * SAMPLE_RATE_HZ)] == pytest.approx(1)
    assert ducked[round(0.5 * SAMPLE_RATE_HZ) + 1] == pytest.approx(0.2, abs=0.01)
    assert ducked[round(0.75 * SAMPLE_RATE_HZ)] == pytest.approx(1)


def test_chorus_makes_the_two_sides_different():
    sound = np.repeat(_sine(440)[:, None], 2, axis=1)
    wide = effects.chorus(sound)
    assert np.abs(wide[:, 0] - wide[:, 1]).max() > 0.1
    assert _rms(wide) > 0.8 * _rms(sound)


def test_drive_adds_harmonics_and_stays_bounded():
    driven = effects.drive(_sine(441), 5)
    magnitudes = np.abs(np.fft.rfft(driven))
    assert magnitudes[3 * 441] > 0.1 * magnitudes[441]
    assert np.abs(driven).max() <= 1.001
