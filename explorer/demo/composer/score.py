"""Notes, the grid that converts beats to seconds, and the stereo bus into which sounds are mixed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ

Instrument = Callable[[float, float, float], np.ndarray]
"""A function (MIDI pitch, duration in seconds, velocity from 0 to 1) that returns samples, (n,) or (n, 2).

The samples may be longer than the duration, because an instrument adds its release.
"""

_HIT_LEVELS = {"X": 1.0, "x": 0.75, "o": 0.45, ",": 0.22}


@dataclass(frozen=True)
class Note:
    """One note: start and length in beats, MIDI pitch, velocity from 0 to 1."""

    beat: float
    beats: float
    pitch: float
    velocity: float = 0.75


@dataclass(frozen=True)
class Grid:
    """Tempo and swing.

    With swing, notes come in pairs of a long and a short note. `pair` is the length of a pair in beats.
    `swing` is the share of this length that the first note has: 0.5 is no swing, 0.667 gives triplets.
    """

    bpm: float
    swing: float = 0.5
    pair: float = 1.0

    def seconds(self, beat: float) -> float:
        """Convert a position in beats to seconds."""
        whole, part = divmod(beat / self.pair, 1.0)
        if part < 0.5:
            part *= 2 * self.swing
        else:
            part = self.swing + (part - 0.5) * 2 * (1 - self.swing)
        return (whole + part) * self.pair * 60.0 / self.bpm


class Bus:
    """A stereo track as long as the piece; sounds are added to it."""

    def __init__(self, grid: Grid, duration_s: float):
        self.grid = grid
        self.seconds = grid.seconds
        self.samples = np.zeros((round(duration_s * SAMPLE_RATE_HZ), 2), dtype=np.float32)

    @property
    def duration_s(self) -> float:
        """The length in seconds."""
        return len(self.samples) / SAMPLE_RATE_HZ

    def add(self, sound: np.ndarray, at_s: float, *, gain: float = 1.0, pan: float = 0.0) -> None:
        """Add a sound at a time; cut it off where the piece ends.

        sound: [shape=(n,) or (n, 2), float32]. A mono sound is panned with constant power; in a stereo sound
        the balance is changed.
        at_s: a negative time counts as 0.
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
        jitter_s: float = 0.006,
        strum_s: float = 0.0,
    ) -> None:
        """Play notes, in any order; equal notes are rendered once.

        gain, pan: as for `add`.
        spread: change of `pan` per octave above middle C.
        rng: varies timing and loudness at random, as a human player does; without it both are exact.
        jitter_s: standard deviation of the timing, if `rng` is given.
        strum_s: delay between notes that begin on the same beat, in the order of `notes`.
        """
        rendered: dict[tuple, np.ndarray] = {}
        notes_on_beat: dict[float, int] = {}
        for note in notes:
            start_s = self.seconds(note.beat)
            length_s = self.seconds(note.beat + note.beats) - start_s
            key = (note.pitch, round(length_s, 2), round(note.velocity * 8))
            if key not in rendered:
                rendered[key] = instrument(note.pitch, length_s, round(note.velocity * 8) / 8)
            position = notes_on_beat.get(note.beat, 0)
            notes_on_beat[note.beat] = position + 1
            start_s += position * strum_s
            level = note.velocity
            if rng is not None:
                start_s += jitter_s * rng.standard_normal()
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
        """Play a drum in a pattern that repeats over the bars.

        pattern: one character per step: `X` loud, `x` normal, `o` soft, `,` ghost note, any other a rest.
        It may be several bars long.
        bars: numbers of the bars in which the drum plays.
        gain, pan: as for `add`.
        rng: varies the loudness at random, as a human player does.
        """
        steps = round(steps_per_beat * beats_per_bar)
        for bar in bars:
            offset = bar * steps % len(pattern)
            for step, mark in enumerate(pattern[offset : offset + steps]):
                if mark in _HIT_LEVELS:
                    level = gain * _HIT_LEVELS[mark]
                    if rng is not None:
                        level *= 1 + 0.07 * rng.standard_normal()
                    start_s = self.seconds(bar * beats_per_bar + step / steps_per_beat)
                    self.add(sound, start_s, gain=level, pan=pan)


@dataclass(frozen=True)
class Draft:
    """A piece as a style module returns it: the mix before mastering, its tempo and its key.

    `tonic` is a pitch class (0 is C); `mode` is the name of a scale.
    """

    mix: np.ndarray
    bpm: float
    tonic: int
    mode: str
