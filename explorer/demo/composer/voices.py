"""Human voices, made of harmonics that pass through a vowel's formants: a solo singer and a choir section.

Each function takes a timbre and returns an instrument (see `score.Instrument`).
"""

from functools import lru_cache

import numpy as np

from explorer.demo.composer.oscillators import ensemble, oscillate, pitch_to_hz, sample_times, wavetable
from explorer.demo.composer.score import Instrument
from explorer.demo.composer.sustained import envelope, formant_harmonics, vibrato

VOWELS = {
    "ah": ((700, 1.0, 110), (1150, 0.6, 120), (2600, 0.22, 170), (3300, 0.12, 220)),
    "oh": ((430, 1.0, 90), (820, 0.5, 110), (2600, 0.1, 170), (3300, 0.07, 220)),
    "oo": ((330, 1.0, 80), (700, 0.2, 100), (2500, 0.05, 170), (3300, 0.03, 220)),
    "eh": ((530, 1.0, 100), (1850, 0.45, 140), (2500, 0.3, 170), (3300, 0.15, 220)),
}
"""Formants: frequency in Hz, amplitude, bandwidth in Hz."""


def singer(*, vowel: str = "ah", vibrato_cents: float = 28.0) -> Instrument:
    """Make a solo voice: it slides up into a note, and its vibrato begins late.

    vowel: from VOWELS. vibrato_cents: depth of the vibrato.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(duration_s, attack_s=0.11, release_s=0.22, decay_s=1.0, sustain=0.85)
        time = sample_times(len(level))
        table = wavetable(formant_harmonics(pitch_to_hz(pitch), VOWELS[vowel], tilt=0.9 - 0.25 * velocity))
        frequency = vibrato(pitch_to_hz(pitch), time, rate_hz=5.4, cents=vibrato_cents, onset_s=0.25)
        slide = 1 - 0.025 * np.exp(-time / 0.05)
        return oscillate(table, frequency * slide, count=len(level)) * level

    return render


@lru_cache(maxsize=128)
def _section(pitch: float, vowel: str, count: int) -> np.ndarray:
    """Render a choir section on a note, with its own random generator: it is the same in every piece."""
    rng = np.random.default_rng([round(pitch * 100), count])
    return ensemble(
        pitch_to_hz(pitch),
        formant_harmonics(pitch_to_hz(pitch), VOWELS[vowel], tilt=0.75),
        count=count,
        rng=rng,
        spread_cents=17,
    )


def choir(*, vowel: str = "ah", attack_s: float = 0.18, release_s: float = 0.35) -> Instrument:
    """Make a choir section in stereo: many voices that sing a vowel.

    vowel: from VOWELS. attack_s, release_s: lengths of the fade in and the fade out.
    """

    def render(pitch: float, duration_s: float, velocity: float) -> np.ndarray:
        level = envelope(
            duration_s, attack_s=attack_s, release_s=release_s, decay_s=2.0, sustain=0.75 + 0.2 * velocity
        )
        # Round up to tenths of a second, so that notes of one pitch and similar length use the same cached
        # sound.
        count = -(-len(level) // 4410) * 4410
        return _section(pitch, vowel, count)[: len(level)] * level[:, None]

    return render
