"""Drum and bass: fast syncopated drums, a bass of detuned saws, slow chords."""

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.accompaniment import chords_in_rhythm, read_pattern
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import electric_piano
from explorer.demo.composer.sustained import pad, synth

_PROGRESSIONS = (
    "i9 i9 bVImaj7 bVImaj7 iv9 iv9 bVII bVII i9",
    "im7 im7 bIIImaj7 bIIImaj7 bVII bVII iv9 iv9 im7",
    "i9 i9 iv9 iv9 bVImaj7 bVImaj7 v7 v7 i9",
)
_KICKS = (
    "X.........x.....X..x......x.....",
    "X.x.......x.....X.........xx....",
    "X.....x...x.....X.........x..x..",
)
_SNARES = (
    "....X..,.,..X..,....X..,.,.,X..o",
    "....X.,..,..X.,.....X,.,.o..X.,o",
    "....X..,.,.,X.......X.,..,.,X,oo",
)
_HATS = ("x.o.x.o.x.o.x.oo", "xooxooxoxooxooxo", "o.x.o.x.o.x.oxx.")
_BASSES = ("x.....x.....x...", "x..x......x..x..", "x.......x..x....", "x.....xx....x.x.")


def compose(rng: np.random.Generator) -> Draft:
    """Compose eight bars and a last hit."""
    grid = Grid(float(rng.integers(168, 179)), swing=float(rng.uniform(0.5, 0.55)), pair=0.5)
    tonic = int(rng.integers(40, 52))
    chords = progression(str(rng.choice(_PROGRESSIONS)), tonic)
    duration_s = grid.seconds(33) + 1.3
    drums, low, high = Bus(grid, duration_s), Bus(grid, duration_s), Bus(grid, duration_s)
    _drums(rng, drums)
    _bass(rng, low, chords)
    _chords(rng, high, chords)
    _lead(rng, high, chords, tonic)
    high.samples = effects.echo(high.samples, grid.seconds(1.5), feedback=0.45, wet=0.35)
    high.samples = effects.reverberate(high.samples, effects.room_impulse(2.4), wet=0.3)
    drums.samples = effects.drive(drums.samples * 0.8, 1.3)
    return Draft(drums.samples + low.samples + high.samples, grid.bpm, tonic % 12, "minor")


def _drums(rng: np.random.Generator, bus: Bus) -> None:
    bars = range(8)
    kick = percussion.kick(rng, pitch_hz=58, decay_s=0.18, click=0.5)
    snare = percussion.snare(rng, pitch_hz=rng.uniform(195, 245), decay_s=0.15, wires=1.0)
    bus.strike(str(rng.choice(_KICKS)), kick, bars=bars, gain=0.53)
    bus.strike(str(rng.choice(_SNARES)), snare, bars=bars, gain=0.99, rng=rng)
    hat = percussion.hat(rng, decay_s=0.045, low_hz=6500)
    bus.strike(str(rng.choice(_HATS)), hat, bars=bars, gain=0.24, pan=0.3, rng=rng)
    bus.strike("..x...x...x...x.", percussion.cymbal(rng, decay_s=0.5), bars=bars, gain=0.14, pan=-0.3)
    for beat in (0, 16, 32):
        bus.add(percussion.cymbal(rng, decay_s=1.6), bus.seconds(beat), gain=0.21, pan=-0.2)
    bus.add(kick, bus.seconds(32), gain=0.55)
    bus.add(snare, bus.seconds(32), gain=0.66)


def _bass(rng: np.random.Generator, bus: Bus, chords) -> None:
    """Play detuned saws, whose frequencies beat, through a filter that closes slowly."""
    instrument = synth(
        cutoff_hz=(130.0, float(rng.uniform(700, 1500))),
        resonance=float(rng.uniform(1.5, 3)),
        rise_s=float(rng.uniform(0.02, 0.12)),
        fall_s=float(rng.uniform(0.25, 0.6)),
        voices=3,
        detune_cents=float(rng.uniform(14, 24)),
        sub=0.9,
    )
    hits = read_pattern(str(rng.choice(_BASSES)))
    roots = bass_line(chords, start=34, low=28, high=40)
    notes = [
        Note(4 * bar + start, length * 0.95, root + (12 if start > 3 else 0), velocity)
        for bar, root in enumerate(roots[:-1])
        for start, length, velocity in hits
    ]
    bus.play([*notes, Note(32, 1.5, roots[-1], 0.9)], instrument, gain=0.24)


def _chords(rng: np.random.Generator, bus: Bus, chords) -> None:
    voicings = voice_lead(chords, voices=4, low=55, high=77)
    strings = pad(rng, brightness_hz=float(rng.uniform(900, 2200)), attack_s=0.25, release_s=0.6)
    every_other = [Note(8 * i, 8, p, 0.7) for i in range(4) for p in voicings[2 * i]]
    bus.play([*every_other, *(Note(32, 2, p, 0.7) for p in voicings[-1])], strings, gain=0.027)
    keys = electric_piano(bell=0.7)
    pattern = str(rng.choice(["x.....x...x.....", "...x..x.....x...", "x..x..x........."]))
    bus.play(
        chords_in_rhythm(voicings[:-1], read_pattern(pattern, length=0.6)),
        keys,
        gain=0.066,
        rng=rng,
        pan=-0.2,
    )


def _lead(rng: np.random.Generator, bus: Bus, chords, tonic: int) -> None:
    pitches = scale_pitches("minor pentatonic", tonic, 67, 86)
    rhythms = [(-1.0, 0.5, 0.5, 1.0, -1.0), (1.5, 0.5, -2.0), (-2.0, 0.5, 0.5, 1.0), (0.75, 0.75, 0.5, -2.0)]
    notes = write_melody(rng, chords, scale=pitches, rhythms=rhythms, tonic=tonic, plan="ABAC", leap=0.35)
    lead = synth(
        waveform="square", cutoff_hz=(700.0, 3000.0), fall_s=0.4, release_s=0.2, voices=2, detune_cents=6
    )
    bus.play(notes, lead, gain=0.16, pan=0.2)
