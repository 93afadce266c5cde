import numpy as np
import pytest

from explorer.demo.composer import struck, sustained, voices
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ, pitch_to_hz


def _rng():
    return np.random.default_rng(0)


SUSTAINED = {
    "synth": lambda: sustained.synth(voices=3, fall_s=5.0),
    "reed": sustained.reed,
    "bowed": lambda: sustained.bowed(_rng()),
    "singer": voices.singer,
    "choir": voices.choir,
    "pad": lambda: sustained.pad(_rng(), attack_s=0.1, release_s=0.2),
    "whistle": lambda: sustained.whistle(_rng()),
    "organ": sustained.organ,
    "chip": sustained.chip,
}
STRUCK = {
    "piano": lambda: struck.piano(_rng()),
    "electric_piano": struck.electric_piano,
    "guitar": lambda: struck.guitar(_rng()),
    "bass_guitar": lambda: struck.bass_guitar(_rng()),
    "metal_bar": lambda: struck.metal_bar(_rng()),
    "gong": lambda: struck.gong(_rng()),
}


def _mono(sound):
    return sound if sound.ndim == 1 else sound[:, 0]


def _level(sound, start_s, end_s):
    return np.sqrt((_mono(sound)[int(start_s * SAMPLE_RATE_HZ) : int(end_s * SAMPLE_RATE_HZ)] ** 2).mean())


@pytest.mark.parametrize("name", SUSTAINED | STRUCK)
def test_an_instrument_plays_the_pitch_and_ends_without_a_click(name):
    pitch = 60
    sound = (SUSTAINED | STRUCK)[name]()(pitch, 1.0, 0.75)
    assert sound.dtype == np.float32
    assert np.isfinite(sound).all()
    assert np.abs(sound[-1]).max() < 1e-3 * np.abs(sound).max()
    mono = _mono(sound)[: int(0.9 * SAMPLE_RATE_HZ)]
    frequencies = np.fft.rfftfreq(4 * SAMPLE_RATE_HZ, 1 / SAMPLE_RATE_HZ)
    magnitudes = np.abs(np.fft.rfft(mono * np.hanning(len(mono)), 4 * SAMPLE_RATE_HZ))
    near = np.abs(frequencies / pitch_to_hz(pitch) - 1) < 0.03
    between = np.abs(frequencies / pitch_to_hz(pitch) - 0.75) < 0.03
    assert magnitudes[near].max() > 5 * magnitudes[between].max()


@pytest.mark.parametrize("name", SUSTAINED)
def test_sustained_instruments_hold_their_level(name):
    sound = SUSTAINED[name]()(60, 1.2, 0.75)
    assert _level(sound, 0.9, 1.05) > 0.4 * _level(sound, 0.25, 0.4)


@pytest.mark.parametrize("name", [name for name in STRUCK if name != "gong"])
def test_struck_instruments_decay(name):
    sound = STRUCK[name]()(60, 1.2, 0.75)
    assert _level(sound, 0.9, 1.05) < 0.7 * _level(sound, 0.02, 0.17)


@pytest.mark.parametrize("name", ["piano", "guitar", "synth", "bowed"])
def test_higher_velocity_sounds_brighter(name):
    def centroid(velocity):
        mono = _mono((SUSTAINED | STRUCK)[name]()(52, 0.5, velocity))
        power = np.abs(np.fft.rfft(mono)) ** 2
        return (np.arange(len(power)) * power).sum() / power.sum()

    assert centroid(1.0) > 1.1 * centroid(0.25)
