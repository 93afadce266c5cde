"""Human voices: formants over a spectrum that falls, one singer or a section of a choir.

Each function takes a timbre and returns an instrument (see `score.Instrument`).
"""

from functools import lru_cache

import numpy as np

from explorer.demo.composer.oscillators import cycle, ensemble, hertz, oscillate, seconds
from explorer.demo.composer.score import Instrument
from explorer.demo.composer.sustained import envelope, shape, vibrato

VOWELS = {
    "ah": ((700, 1.0, 110), (1150, 0.6, 120), (2600, 0.22, 170), (3300, 0.12, 220)),
    "oh": ((430, 1.0, 90), (820, 0.5, 110), (2600, 0.1, 170), (3300, 0.07, 220)),
    "oo": ((330, 1.0, 80), (700, 0.2, 100), (2500, 0.05, 170), (3300, 0.03, 220)),
    "eh": ((530, 1.0, 100), (1850, 0.45, 140), (2500, 0.3, 170), (3300, 0.15, 220)),
}
"""Formants: frequency in Hz, amplitude, bandwidth in Hz."""


def singer(*, vowel: str = "ah", vibrato_cents: float = 28.0) -> Instrument:
    """Make one trained voice: it slides up into a note, and the vibrato begins late.

    vowel: from VOWELS. vibrato_cents: depth of the vibrato.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s, attack_s=0.11, release_s=0.22, decay_s=1.0, sustain=0.85)
        time = seconds(len(level))
        wave = cycle(shape(hertz(pitch), VOWELS[vowel], tilt=0.9 - 0.25 * velocity))
        bend = vibrato(hertz(pitch), time, rate_hz=5.4, cents=vibrato_cents, onset_s=0.25)
        scoop = 1 - 0.025 * np.exp(-time / 0.05)
        return oscillate(wave, bend * scoop, count=len(level)) * level

    return render


@lru_cache(maxsize=128)
def _section(pitch: float, vowel: str, count: int) -> np.ndarray:
    """A section of a choir on one note, from its own generator, so that any piece gets the same."""
    rng = np.random.default_rng([round(pitch * 100), count])
    return ensemble(
        hertz(pitch), shape(hertz(pitch), VOWELS[vowel], tilt=0.75), count=count, rng=rng, spread_cents=17
    )


def choir(*, vowel: str = "ah", attack_s: float = 0.18, release_s: float = 0.35) -> Instrument:
    """Make a section of a choir in stereo: many voices on a vowel.

    vowel: from VOWELS. attack_s, release_s: how softly they begin and stop.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(
            duration_s, attack_s=attack_s, release_s=release_s, decay_s=2.0, sustain=0.75 + 0.2 * velocity
        )
        # Whole tenths of a second let equal notes of nearby length share their voices.
        count = -(-len(level) // 4410) * 4410
        return _section(pitch, vowel, count)[: len(level)] * level[:, None]

    return render
