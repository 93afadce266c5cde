"""Notes, the grid of beats they sit on, and the bus that instruments play into."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ

Instrument = Callable[[float, float, float], np.ndarray]
"""From a MIDI pitch, a duration in seconds and a velocity from 0 to 1 to samples, (n,) or (n, 2).

The samples may outlast the duration: a release is the instrument's own affair.
"""

_HITS = {"X": 1.0, "x": 0.75, "o": 0.45, ",": 0.22}


@dataclass(frozen=True)
class Note:
    """One note: start and length in beats, MIDI pitch, velocity from 0 to 1."""

    beat: float
    beats: float
    pitch: float
    velocity: float = 0.75

    def moved(self, **changes) -> "Note":
        """Copy the note with some of its fields changed."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Grid:
    """Tempo and swing.

    `swing` is the share of a pair of notes that the first takes, 0.5 for none and 0.667 for triplets;
    `pair` is the pair's length in beats.
    """

    bpm: float
    swing: float = 0.5
    pair: float = 1.0

    def seconds(self, beat: float) -> float:
        """Give a beat's time in seconds."""
        whole, part = divmod(beat / self.pair, 1.0)
        if part < 0.5:
            part *= 2 * self.swing
        else:
            part = self.swing + (part - 0.5) * 2 * (1 - self.swing)
        return (whole + part) * self.pair * 60.0 / self.bpm


class Bus:
    """A stereo track as long as the piece, into which sounds are added."""

    def __init__(self, grid: Grid, duration_s: float):
        self.grid = grid
        self.seconds = grid.seconds
        self.samples = np.zeros((round(duration_s * SAMPLE_RATE_HZ), 2), dtype=np.float32)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ

    def add(self, sound: np.ndarray, at_s: float, *, gain: float = 1.0, pan: float = 0.0) -> None:
        """Add a sound at a time; what would outlast the piece is cut off.

        sound: mono is placed by constant-power panning, stereo is balanced. [shape=(n,) or (n, 2), float32].
        at_s: before 0 counts as 0.
        pan: -1 is left, 1 is right.
        """
        start = max(0, round(at_s * SAMPLE_RATE_HZ))
        sound = sound[: max(0, len(self.samples) - start)]
        angle = (np.clip(pan, -1, 1) + 1) * np.pi / 4
        sides = np.float32(gain) * np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)
        if sound.ndim == 1:
            self.samples[start : start + len(sound), 0] += sides[0] * sound
            self.samples[start : start + len(sound), 1] += sides[1] * sound
        else:
            self.samples[start : start + len(sound)] += sides * np.float32(1.414) * sound

    def play(
        self,
        notes: Iterable[Note],
        instrument: Instrument,
        *,
        gain: float = 1.0,
        pan: float = 0.0,
        spread: float = 0.0,
        rng: np.random.Generator | None = None,
        loose_s: float = 0.006,
        strum_s: float = 0.0,
    ) -> None:
        """Play notes, in any order; equal ones are rendered once.

        gain, pan: as for `add`.
        spread: how far an octave above or below middle C moves to the right or left.
        rng: makes timing and loudness human; without it both are exact.
        loose_s: standard deviation of the timing with `rng`.
        strum_s: delay between notes that begin together, in the order given.
        """
        rendered: dict[tuple, np.ndarray] = {}
        together: dict[float, int] = {}
        for note in notes:
            start_s = self.seconds(note.beat)
            length_s = self.seconds(note.beat + note.beats) - start_s
            key = (note.pitch, round(length_s, 2), round(note.velocity * 8))
            if key not in rendered:
                rendered[key] = instrument(note.pitch, length_s, round(note.velocity * 8) / 8)
            turn = together.get(note.beat, 0)
            together[note.beat] = turn + 1
            start_s += turn * strum_s
            level = note.velocity
            if rng is not None:
                start_s += loose_s * rng.standard_normal()
                level *= 1 + 0.08 * rng.standard_normal()
            self.add(rendered[key], start_s, gain=gain * level, pan=pan + spread * (note.pitch - 60) / 12)

    def strike(
        self,
        pattern: str,
        sound: np.ndarray,
        *,
        bars: Iterable[int],
        steps_per_beat: int = 4,
        beats_per_bar: float = 4,
        gain: float = 1.0,
        pan: float = 0.0,
        rng: np.random.Generator | None = None,
    ) -> None:
        """Beat a drum by a pattern, once a bar.

        pattern: one character a step: `X` loud, `x` normal, `o` soft, `,` a ghost, anything else a rest.
        It may last several bars.
        bars: bars in which it plays.
        gain, pan: as for `add`.
        rng: makes loudness human.
        """
        steps = round(steps_per_beat * beats_per_bar)
        for bar in bars:
            offset = bar * steps % len(pattern)
            for step, mark in enumerate(pattern[offset : offset + steps]):
                if mark in _HITS:
                    level = gain * _HITS[mark]
                    if rng is not None:
                        level *= 1 + 0.07 * rng.standard_normal()
                    start_s = self.seconds(bar * beats_per_bar + step / steps_per_beat)
                    self.add(sound, start_s, gain=level, pan=pan)


@dataclass(frozen=True)
class Draft:
    """What a style hands over: a mix that is not yet mastered, and what it was meant to be."""

    mix: np.ndarray
    bpm: float
    tonic: int
    mode: str
