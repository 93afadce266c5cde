"""Ambient: slow pad chords with long reverb, a drone, a few bells, no beat."""

import numpy as np

from explorer.demo.composer import effects
from explorer.demo.composer.harmony import progression, scale_pitches, voice_lead
from explorer.demo.composer.oscillators import sample_times
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import electric_piano, metal_bar
from explorer.demo.composer.sustained import pad

_PROGRESSIONS = (
    ("Imaj9 II Imaj9 Imaj9", "lydian"),
    ("Imaj9 iii7 IVmaj9 Imaj9", "major"),
    ("i9 bVImaj9 bIIImaj9 i9", "minor"),
    ("i9 IV9 i9 i9", "dorian"),
    ("IVmaj9 Imaj9 vi9 Imaj9", "major"),
    ("bVImaj9 bVII i9 i9", "minor"),
)


def compose(rng: np.random.Generator) -> Draft:
    """Compose four long chords."""
    grid = Grid(60.0 / float(rng.uniform(2.85, 3.25)))
    tonic = int(rng.integers(48, 60))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    bus = Bus(grid, grid.seconds(4) + 1.6)
    warm = pad(
        rng,
        brightness_hz=float(rng.uniform(500, 1300)),
        attack_s=0.9,
        release_s=1.8,
        spread_cents=float(rng.uniform(14, 30)),
        hollow=bool(rng.random() < 0.35),
    )
    voicings = voice_lead(chords, voices=5, low=50, high=77)
    notes = [Note(i, 1, pitch, 0.7) for i, pitches in enumerate(voicings) for pitch in pitches]
    # The first chord has a shorter attack, so that the piece does not begin in silence.
    bus.play([n for n in notes if n.beat > 0], warm, gain=0.059, spread=0.15)
    first = pad(rng, brightness_hz=900, attack_s=0.15, release_s=1.8)
    bus.play([n for n in notes if n.beat == 0], first, gain=0.06, spread=0.15)
    drone = pad(rng, brightness_hz=260, attack_s=0.3, release_s=1.6, spread_cents=8)
    bus.play([Note(0, 4, 36 + (tonic % 12), 0.7)], drone, gain=0.057)
    _bells(rng, bus, chords, mode, tonic)
    _wind(rng, bus)
    bus.samples = effects.chorus(bus.samples, depth_ms=4, rate_hz=float(rng.uniform(0.15, 0.35)))
    bus.samples = effects.reverberate(bus.samples, effects.room_impulse(4.5, damping_hz=4200), wet=0.75)
    return Draft(bus.samples, grid.bpm, tonic % 12, mode)


def _bells(rng: np.random.Generator, bus: Bus, chords, mode: str, tonic: int) -> None:
    """Add high chord tones, at nine random times or at regular ones."""
    pitches = scale_pitches(mode, tonic, 72, 92)
    bells = (
        metal_bar(rng, beat_hz=1.2, decay_s=3.5, mallet=0.15)
        if rng.random() < 0.5
        else electric_piano(bell=0.5)
    )
    beats = np.sort(rng.uniform(0.15, 3.7, 9)) if rng.random() < 0.5 else np.arange(0.25, 3.75, 1 / 3)
    notes = []
    for beat in beats:
        chord_tones = [p for p in pitches if p % 12 in chords[int(beat)].tones]
        notes.append(Note(float(beat), 0.5, int(rng.choice(chord_tones)), float(rng.uniform(0.3, 0.6))))
    bus.play(notes, bells, gain=0.2, pan=float(rng.uniform(-0.4, 0.4)))


def _wind(rng: np.random.Generator, bus: Bus) -> None:
    """Add a slow wash of filtered noise."""
    count = len(bus.samples)
    noise = rng.standard_normal((count, 2), dtype=np.float32)
    wind = effects.bandpass(noise, 400, float(rng.uniform(1200, 2600)), order=1)
    swell = 0.5 + 0.5 * np.sin(np.float32(rng.uniform(0.6, 1.1)) * sample_times(count) + rng.uniform(0, 6))
    bus.samples += 0.02 * wind * swell[:, None].astype(np.float32)
