"""Techno: a kick on every beat, a filtered bass ducked by the kick, short chords with tape echo."""

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.accompaniment import chords_in_rhythm, read_pattern
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import electric_piano
from explorer.demo.composer.sustained import synth

_PROGRESSIONS = (
    "i9 i9 bVImaj7 bVII i9 i9 bVImaj7",
    "im7 im7 im7 iv9 im7 im7 iv9",
    "i9 bIIImaj7 i9 bVII i9 bIIImaj7 bVII",
    "im7 im7 bIImaj7 im7 im7 bIImaj7 bIImaj7",
)
_BASSES = ("..x...x...x...x.", "..xx..xx..xx..xo", "x.xxo.xx.oxxx.xo", ".xx.xx.x.xx.xxox")
_STABS = ("x..x..x...x.....", "..x..x....x..x..", "x.....x..x......", "...x......x.....")
_HATS = ("ooxoooxoooxoooxo", "o.xoo.xoo.xoo.xx", "xoxoxoxoxoxoxoxo")


def compose(rng: np.random.Generator) -> Draft:
    """Compose seven bars and a last hit."""
    grid = Grid(float(rng.integers(126, 135)), swing=float(rng.uniform(0.5, 0.56)), pair=0.5)
    tonic = int(rng.integers(40, 52))
    chords = progression(str(rng.choice(_PROGRESSIONS)), tonic)
    duration_s = grid.seconds(29) + 0.9
    drums, low, high = Bus(grid, duration_s), Bus(grid, duration_s), Bus(grid, duration_s)
    _drums(rng, drums)
    _bass(rng, low, chords)
    _stabs(rng, high, chords)
    _bleeps(rng, high, tonic)
    kicks = [grid.seconds(beat) for beat in range(29)]
    high.samples = effects.echo(high.samples, grid.seconds(0.75), feedback=0.55, wet=0.45)
    high.samples = effects.reverberate(high.samples, effects.room_impulse(1.6), wet=0.16)
    melodic = effects.duck(low.samples + high.samples, kicks, depth=0.75, release_s=grid.seconds(0.8))
    return Draft(drums.samples + melodic, grid.bpm, tonic % 12, "minor")


def _drums(rng: np.random.Generator, bus: Bus) -> None:
    kick = percussion.kick(rng, pitch_hz=rng.uniform(44, 54), decay_s=rng.uniform(0.24, 0.36), click=0.4)
    bars = range(7)
    bus.strike("X...X...X...X...", kick, bars=bars, gain=0.6)
    bus.add(kick, bus.seconds(28), gain=0.6)
    bus.strike("....x.......x...", percussion.clap(rng), bars=bars, gain=0.59, rng=rng)
    closed = percussion.hat(rng, decay_s=rng.uniform(0.025, 0.05))
    bus.strike(str(rng.choice(_HATS)), closed, bars=bars, gain=0.22, pan=0.25, rng=rng)
    opened = percussion.hat(rng, decay_s=0.16, low_hz=6500)
    bus.strike("..x...x...x...x.", opened, bars=bars, gain=0.26, pan=-0.15)
    if rng.random() < 0.5:
        bus.strike("...o..o....o..o.", percussion.rim(rng, pitch_hz=620), bars=bars, gain=0.4, pan=-0.4)
    bus.strike("........,,o,oxxX", percussion.snare(rng, pitch_hz=210), bars=[3], gain=0.29)
    bus.add(percussion.cymbal(rng, decay_s=1.4), bus.seconds(28), gain=0.19)


def _bass(rng: np.random.Generator, bus: Bus, chords) -> None:
    is_acid = rng.random() < 0.5
    instrument = synth(
        waveform="saw" if is_acid else "square",
        cutoff_hz=(140.0, float(rng.uniform(1600, 3200) if is_acid else rng.uniform(500, 900))),
        resonance=float(rng.uniform(3.5, 7) if is_acid else 1.2),
        fall_s=float(rng.uniform(0.07, 0.14)),
        sub=0.5,
    )
    hits = read_pattern(str(rng.choice(_BASSES)), length=0.22)
    intervals = [int(interval) for interval in rng.choice([0, 0, 0, 12, 12, 7, 10], len(hits))]
    roots = bass_line(chords, start=36, low=30, high=42)
    notes = [
        Note(4 * bar + start, length, root + interval * is_acid, velocity)
        for bar, root in enumerate(roots)
        for (start, length, velocity), interval in zip(hits, intervals, strict=True)
    ]
    notes.append(Note(28, 1.0, roots[0], 0.9))
    bus.play(notes, instrument, gain=0.3)


def _stabs(rng: np.random.Generator, bus: Bus, chords) -> None:
    instrument = synth(
        waveform=str(rng.choice(["saw", "square", "pulse25"])),
        cutoff_hz=(350.0, float(rng.uniform(2200, 5200))),
        resonance=1.6,
        fall_s=0.13,
        voices=3,
        detune_cents=11,
        release_s=0.15,
    )
    voicings = voice_lead([*chords, chords[0]], voices=4, low=54, high=76)
    hits = read_pattern(str(rng.choice(_STABS)), length=0.3)
    bus.play(chords_in_rhythm(voicings[:-1], hits), instrument, gain=0.13, rng=rng, jitter_s=0)
    bus.play([Note(28, 0.6, pitch, 0.95) for pitch in voicings[-1]], instrument, gain=0.11)


def _bleeps(rng: np.random.Generator, bus: Bus, tonic: int) -> None:
    """Repeat a short figure whose length does not divide the bar, so that each bar differs."""
    pitches = scale_pitches("minor pentatonic", tonic, 67, 88)
    length = int(rng.choice([3, 5, 6, 7]))
    figure = [pitches[i] for i in rng.integers(0, len(pitches), length)]
    steps = [step for step in range(16, 112) if step % 2 == 0 or rng.random() < 0.25]
    notes = [Note(step / 4, 0.2, figure[(step // 2) % length], 0.5 + 0.3 * (step % 4 == 0)) for step in steps]
    bus.play(notes, electric_piano(bell=float(rng.uniform(0, 1.2))), gain=0.12, pan=0.35)
