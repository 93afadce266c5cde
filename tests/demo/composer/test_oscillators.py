import numpy as np
import pytest

from explorer.demo.composer import oscillators
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ


def _spectrum(sound):
    """Return magnitudes on a grid of 1/4 Hz, and the frequencies in Hz."""
    size = 4 * SAMPLE_RATE_HZ
    windowed = sound * np.blackman(len(sound))
    return np.abs(np.fft.rfft(windowed, size)), np.fft.rfftfreq(size, 1 / SAMPLE_RATE_HZ)


def _loudest_hz(sound):
    magnitudes, frequencies = _spectrum(sound)
    return frequencies[magnitudes.argmax()]


def _share_above(sound, frequency_hz):
    magnitudes, frequencies = _spectrum(sound)
    return (magnitudes[frequencies > frequency_hz] ** 2).sum() / (magnitudes**2).sum()


def test_pitch_69_is_440_hz():
    assert oscillators.pitch_to_hz(69) == 440
    assert oscillators.pitch_to_hz(57) == pytest.approx(220)


def test_a_high_saw_does_not_alias():
    frequency_hz = 3001.0
    wave = oscillators.wavetable(oscillators.harmonics("saw", frequency_hz))
    magnitudes, frequencies = _spectrum(oscillators.oscillate(wave, frequency_hz, count=SAMPLE_RATE_HZ))
    is_between_harmonics = (
        np.abs(frequencies / frequency_hz - np.round(frequencies / frequency_hz)) * frequency_hz > 20
    )
    assert magnitudes[is_between_harmonics].max() < 1e-3 * magnitudes.max()


def test_an_oscillator_follows_a_changing_frequency():
    count = SAMPLE_RATE_HZ
    wave = oscillators.wavetable(oscillators.harmonics("sine", 440))
    sound = oscillators.oscillate(wave, np.linspace(400, 800, count), count=count)
    assert _loudest_hz(sound[:4000]) == pytest.approx(418, abs=15)
    assert _loudest_hz(sound[-4000:]) == pytest.approx(782, abs=15)


def test_unknown_waveforms_are_refused():
    with pytest.raises(ValueError, match="sawtooth"):
        oscillators.harmonics("sawtooth", 440)


def test_a_pulse_of_half_width_is_a_square():
    pulse, square = oscillators.harmonics("pulse50", 200), oscillators.harmonics("square", 200)
    assert np.allclose(np.abs(pulse), square, atol=1e-12)


def test_closing_the_filter_darkens_the_sound():
    sound = oscillators.filter_sweep("saw", 45, np.geomspace(6000, 200, 2 * SAMPLE_RATE_HZ), resonance=2.0)
    assert _share_above(sound[:20_000], 1500) > 100 * _share_above(sound[-20_000:], 1500)


def test_a_constant_cutoff_sounds_like_a_sweep_that_stays_there():
    count, cutoff_hz = 8000, 200 * np.sqrt(6000 / 200)
    constant = oscillators.filter_sweep("saw", 45, np.full(count, cutoff_hz))
    moving = oscillators.filter_sweep(
        "saw", 45, np.concatenate([[200.0, 6000.0], np.full(count - 2, cutoff_hz)])
    )
    assert np.abs(constant[2:] - moving[2:]).max() < 0.05 * np.abs(constant).max()


def test_damped_partials_equal_the_sum_of_their_sines():
    frequencies, amplitudes, decays = [220.0, 610.5], [1.0, 0.4], [0.8, 0.3]
    count = 10_001
    time = np.arange(count) / SAMPLE_RATE_HZ
    expected = sum(
        a * 10 ** (-3 * time / d) * np.sin(2 * np.pi * f * time)
        for f, a, d in zip(frequencies, amplitudes, decays, strict=True)
    )
    sound = oscillators.damped_partials(frequencies, amplitudes, decays, count=count)
    assert np.abs(sound - expected).max() < 1e-3


@pytest.mark.parametrize("frequency_hz", [82.41, 440.0, 1200.0])
def test_plucked_strings_are_in_tune(frequency_hz):
    sound = oscillators.pluck(
        frequency_hz, count=SAMPLE_RATE_HZ, rng=np.random.default_rng(0), brightness=0.2, damping=0.5
    )
    magnitudes, frequencies = _spectrum(sound)
    near = np.abs(frequencies / frequency_hz - 1) < 0.1
    measured_hz = frequencies[near][magnitudes[near].argmax()]
    assert abs(1200 * np.log2(measured_hz / frequency_hz)) < 4


def test_a_plucked_string_equals_a_sample_by_sample_delay_loop():
    """Compare with a loop over samples, for a delay of a whole number of samples."""
    period, count, gain = 100, 3000, 10 ** (-3.0 * 100 / (2.0 * SAMPLE_RATE_HZ))
    burst = np.random.default_rng(1).standard_normal(period)
    comb = np.zeros(count)
    comb[:period] += burst
    comb[50 : 50 + period] -= burst
    expected = comb
    for n in range(period, count):
        before = expected[n - period - 1] if n > period else 0.0
        expected[n] += gain * 0.5 * (expected[n - period + 1 - 1] + before)
    sound = oscillators.pluck(
        SAMPLE_RATE_HZ / (period + 0.5),
        count=count,
        rng=np.random.default_rng(1),
        decay_s=2.0,
        damping=0.5,
        brightness=1.0,
        position=50 / (period + 0.5),
    )
    assert np.corrcoef(sound, expected)[0, 1] > 0.999


def test_an_ensemble_has_unit_loudness_and_different_sides():
    sound = oscillators.ensemble(
        220, oscillators.harmonics("saw", 220)[:20], count=50_000, rng=np.random.default_rng(0)
    )
    assert np.sqrt((sound**2).mean()) == pytest.approx(1, abs=0.05)
    assert abs(np.corrcoef(sound.T)[0, 1]) < 0.3
    assert _loudest_hz(sound[:, 0]) == pytest.approx(220, rel=0.05)


def test_frequency_modulation_adds_sidebands_at_the_ratio():
    count = SAMPLE_RATE_HZ
    plain = oscillators.fm(500, ratio=3.0, index=np.zeros(count), count=count)
    bright = oscillators.fm(500, ratio=3.0, index=np.full(count, 1.0), count=count)
    at_2000 = [_spectrum(sound)[0][2000 * 4] for sound in (plain, bright)]
    assert at_2000[1] > 100 * at_2000[0]


def test_partials_above_16_khz_are_left_out():
    assert not oscillators.damped_partials([20_000.0], [1.0], [1.0], count=100).any()
