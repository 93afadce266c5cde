"""Dub: one-drop drums, a deep bass with rests, off-beat chords and a melodica with tape echo."""

import numpy as np

from explorer.demo.composer import effects, percussion
from explorer.demo.composer.accompaniment import chords_in_rhythm
from explorer.demo.composer.harmony import bass_line, progression, scale_pitches, voice_lead
from explorer.demo.composer.melody import write_melody
from explorer.demo.composer.score import Bus, Draft, Grid, Note
from explorer.demo.composer.struck import guitar
from explorer.demo.composer.sustained import organ, reed, synth

_PROGRESSIONS = (
    ("im7 im7 iv7 im7 im7", "minor"),
    ("im7 bVII im7 bVII im7", "minor"),
    ("im7 bVImaj7 bVII im7 im7", "minor"),
    ("im7 v7 iv7 im7 im7", "minor"),
    ("I IV I V I", "major"),
)
# Notes of one bar: beat, length, and tone of the chord (0 root, 1 third, 2 fifth, 3 octave).
_BASSES = (
    ((0, 0.9, 0), (1, 0.45, 2), (1.5, 0.45, 1), (2, 0.9, 0), (3.5, 0.4, 2)),
    ((0.5, 0.45, 0), (1, 0.9, 0), (2.5, 0.4, 1), (3, 0.4, 2), (3.5, 0.4, 3)),
    ((0, 1.4, 0), (1.5, 0.45, 2), (2, 0.45, 3), (2.5, 0.9, 2)),
    ((0, 0.45, 0), (0.75, 0.45, 0), (1.5, 0.9, 2), (3, 0.45, 1), (3.5, 0.45, 0)),
)


def compose(rng: np.random.Generator) -> Draft:
    """Compose four bars and a last hit."""
    grid = Grid(float(rng.integers(74, 85)), swing=float(rng.uniform(0.54, 0.62)), pair=0.5)
    tonic = int(rng.integers(40, 52))
    numerals, mode = _PROGRESSIONS[rng.integers(len(_PROGRESSIONS))]
    chords = progression(numerals, tonic)
    duration_s = grid.seconds(17) + 1.4
    drums, low, offbeat, lead = (Bus(grid, duration_s) for _ in range(4))
    _drums(rng, drums)
    _bass(rng, low, chords)
    _offbeat_chords(rng, offbeat, chords)
    _lead(rng, lead, chords, tonic, mode)
    lead.samples = effects.echo(lead.samples, grid.seconds(0.75), feedback=0.6, wet=0.5, darken_hz=1900)
    offbeat.samples = effects.echo(offbeat.samples, grid.seconds(1.5), feedback=0.5, wet=0.4, darken_hz=1700)
    wet = effects.reverberate(
        offbeat.samples + lead.samples, effects.room_impulse(1.9, damping_hz=3500), wet=0.2
    )
    return Draft(drums.samples + low.samples + wet, grid.bpm, tonic % 12, mode)


def _drums(rng: np.random.Generator, bus: Bus) -> None:
    bars = range(4)
    kick = percussion.kick(rng, pitch_hz=52, decay_s=0.3, click=0.25)
    rim = percussion.rim(rng, pitch_hz=rng.uniform(700, 950))
    feel = ("........X.......", "X.......X.......", "X...x...X...x...")[rng.integers(3)]
    bus.strike(feel, kick, bars=bars, gain=0.33)
    echoing = Bus(bus.grid, bus.duration_s)
    echoing.strike("........X.......", rim, bars=bars, gain=0.72)
    echoing.strike("......o.......,o", rim, bars=[1, 3], gain=0.5, pan=0.3)
    bus.samples += effects.echo(echoing.samples, bus.seconds(0.75), feedback=0.5, wet=0.35)
    hat = percussion.hat(rng, decay_s=0.06, low_hz=7000)
    bus.strike("x.o.x.o.x.o.x.ox", hat, bars=bars, gain=0.26, pan=0.2, rng=rng)
    drum = percussion.hand_drum(rng, pitch_hz=190, slap=0.4)
    bus.strike("............oxxX", drum, bars=[3], gain=0.32, pan=-0.2)
    bus.add(kick, bus.seconds(16), gain=0.31)
    bus.add(percussion.cymbal(rng, decay_s=1.3), bus.seconds(16), gain=0.16)


def _bass(rng: np.random.Generator, bus: Bus, chords) -> None:
    instrument = synth(waveform="triangle", cutoff_hz=(160.0, 520.0), fall_s=0.3, attack_s=0.008, sub=0.25)
    pattern = _BASSES[rng.integers(len(_BASSES))]
    roots = bass_line(chords, start=36, low=30, high=42)
    notes = []
    for bar, (root, chord) in enumerate(zip(roots[:-1], chords[:-1], strict=True)):
        intervals = [0, (chord.tones[1] - chord.root) % 12, (chord.tones[2] - chord.root) % 12, 12]
        notes += [
            Note(4 * bar + beat, length, root + intervals[tone], 0.85) for beat, length, tone in pattern
        ]
    bus.play([*notes, Note(16, 1.5, roots[-1], 0.9)], instrument, gain=0.33)


def _offbeat_chords(rng: np.random.Generator, bus: Bus, chords) -> None:
    voicings = voice_lead(chords, voices=3, low=57, high=74)
    guitar_hits = (
        [(beat, 0.16, 0.8) for beat in (0.5, 1.5, 2.5, 3.5)]
        if rng.random() < 0.5
        else [(1, 0.2, 0.8), (3, 0.2, 0.8)]
    )
    player = guitar(rng, brightness=0.85, decay_s=1.0, release_s=0.05)
    bus.play(
        chords_in_rhythm(voicings[:-1], guitar_hits),
        player,
        gain=0.45,
        pan=-0.3,
        strum_s=0.006,
        rng=rng,
        jitter_s=0.003,
    )
    organ_hits = [(half + 0.25 * k, 0.15, 0.6) for half in (0.5, 1.5, 2.5, 3.5) for k in (0, 1)]
    bus.play(chords_in_rhythm(voicings[:-1], organ_hits), organ(), gain=0.093, pan=0.3)
    bus.play([Note(16, 0.4, pitch, 0.9) for pitch in voicings[-1]], player, gain=0.53, strum_s=0.01)


def _lead(rng: np.random.Generator, bus: Bus, chords, tonic: int, mode: str) -> None:
    pitches = scale_pitches(f"{mode} pentatonic", tonic, 64, 84)
    rhythms = [
        (0.5, 0.5, 1.0, -2.0),
        (-0.5, 0.5, 0.5, 1.0, -1.5),
        (1.0, 0.5, 1.0, -1.5),
        (0.75, 0.75, 1.5, -1.0),
    ]
    notes = write_melody(rng, chords, scale=pitches, rhythms=rhythms, tonic=tonic, plan="ABAC", leap=0.25)
    bus.play(notes, reed(cents=(0.0,), vibrato_cents=14), gain=0.27, pan=0.12, rng=rng)
