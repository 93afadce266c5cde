import numpy as np
import pytest

from explorer.demo.composer import percussion
from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ

DRUMS = {
    "kick": percussion.kick,
    "snare": percussion.snare,
    "clap": percussion.clap,
    "hat": percussion.hat,
    "cymbal": percussion.cymbal,
    "brush": percussion.brush,
    "rim": percussion.rim,
    "hand_drum": percussion.hand_drum,
    "chip_noise": lambda rng: percussion.chip_noise(rng, rate_hz=8000, decay_s=0.1),
}


def _centroid_hz(sound):
    power = np.abs(np.fft.rfft(sound)) ** 2
    return (np.fft.rfftfreq(len(sound), 1 / SAMPLE_RATE_HZ) * power).sum() / power.sum()


@pytest.mark.parametrize("name", DRUMS)
def test_a_drum_peaks_at_one_in_its_first_half_and_ends_without_a_click(name):
    sound = DRUMS[name](np.random.default_rng(0))
    assert np.abs(sound).max() == pytest.approx(1)
    assert np.abs(sound).argmax() < len(sound) / 2
    assert abs(sound[-1]) < 1e-3
    assert sound.dtype == np.float32


def test_kick_hand_drum_snare_and_hat_are_increasingly_bright():
    order = ["kick", "hand_drum", "snare", "hat"]
    centroids = [_centroid_hz(DRUMS[name](np.random.default_rng(0))) for name in order]
    assert centroids == sorted(centroids)
    assert centroids[0] < 200
    assert centroids[-1] > 7000
