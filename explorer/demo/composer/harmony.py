"""Scales, chords read from Roman numerals, and voice leading between chords."""

import re
from dataclasses import dataclass
from itertools import combinations, pairwise, product

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "blues": (0, 3, 5, 6, 7, 10),
}
NOTE_NAMES = ("C", "D flat", "D", "E flat", "E", "F", "F sharp", "G", "A flat", "A", "B flat", "B")

_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_QUALITIES = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "7": (0, 4, 7, 10),
    "m7": (0, 3, 7, 10),
    "maj7": (0, 4, 7, 11),
    "9": (0, 4, 7, 10, 2),
    "m9": (0, 3, 7, 10, 2),
    "maj9": (0, 4, 7, 11, 2),
    "add9": (0, 4, 7, 2),
    "madd9": (0, 3, 7, 2),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "7sus4": (0, 5, 7, 10),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
}
_NUMERAL = re.compile(r"([b#]?)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)([a-z0-9]*)(?:/([357]))?")


@dataclass(frozen=True)
class Chord:
    """A chord: its pitch classes (0 is C), the root first, and the pitch class that the bass plays."""

    tones: tuple[int, ...]
    bass: int

    @property
    def root(self) -> int:
        """The pitch class that names the chord."""
        return self.tones[0]


def parse_chord(numeral: str, tonic: int) -> Chord:
    """Read a chord from its Roman numeral; raise ValueError if it is invalid.

    numeral: upper case is major, lower case is minor. A quality (`7`, `maj9`, `sus4`, `dim`, ...) may
    follow, then `/3`, `/5` or `/7` for an inversion. Examples: `bVII`, `ii7`, `V7/3`.
    tonic: the key's tonic, in any octave.
    """
    match = _NUMERAL.fullmatch(numeral)
    minor = "m" if match and match[2].islower() and not match[3].startswith(("dim", "m", "sus")) else ""
    quality = minor + match[3] if match else None
    if quality not in _QUALITIES:
        raise ValueError(f"numeral={numeral!r} is not a chord")
    root = tonic + _DEGREES[match[2].lower()] + {"b": -1, "#": 1, "": 0}[match[1]]
    tones = tuple((root + interval) % 12 for interval in _QUALITIES[quality])
    bass = tones[(int(match[4]) - 1) // 2] if match[4] else tones[0]
    return Chord(tones=tones, bass=bass)


def progression(numerals: str, tonic: int) -> list[Chord]:
    """Read chords from Roman numerals separated by spaces."""
    return [parse_chord(numeral, tonic) for numeral in numerals.split()]


def scale_pitches(scale, tonic: int, low: int, high: int) -> list[int]:
    """List the MIDI pitches of a scale from `low` to `high`, both included, ascending.

    scale: a name from SCALES, or semitones above the tonic.
    tonic: the key's tonic, in any octave.
    """
    steps = SCALES[scale] if isinstance(scale, str) else scale
    classes = {(tonic + step) % 12 for step in steps}
    return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


def nearest(pitch_class: int, target: float) -> int:
    """Return the MIDI pitch of a pitch class that is nearest to a target pitch."""
    return pitch_class + 12 * round((target - pitch_class) / 12)


def _count_parallels(previous: tuple[int, ...], current: tuple[int, ...]) -> int:
    """Count pairs of voices that move in parallel fifths or octaves: they would sound like one voice."""
    count = 0
    for (low, next_low), (high, next_high) in combinations(zip(previous, current, strict=True), 2):
        interval = (high - low) % 12
        is_same = interval == (next_high - next_low) % 12
        count += is_same and interval in (0, 7) and low != next_low
    return count


def _tones_for_voices(chord: Chord, voices: int) -> list[int]:
    """Choose one chord tone per voice.

    If there are fewer voices than tones, the fifth is left out first. If there are more, the root is doubled
    first.
    """
    tones = list(chord.tones)
    while len(tones) > voices:
        tones.remove(tones[2] if len(tones) > 3 else tones[0])
    extra = [chord.tones[0], chord.tones[2], chord.tones[1]]
    return tones + extra[: voices - len(tones)]


def voice_chord(
    chord: Chord, *, previous: tuple[int, ...] | None, voices: int, low: int, high: int
) -> tuple[int, ...]:
    """Choose ascending MIDI pitches for a chord, so that the voices move little.

    Unisons, gaps of more than 9 semitones, and parallel fifths or octaves are avoided.

    previous: the previous chord's pitches; without them, the pitches nearest to the middle of the range
    are chosen.
    voices: number of notes, 2 to 5.
    low, high: the range in MIDI pitches. It should have two octaves or more, to give a choice.
    """
    candidates = [
        [pitch for pitch in range(low, high + 1) if pitch % 12 == tone]
        for tone in _tones_for_voices(chord, voices)
    ]
    middle = (low + high) / 2

    def cost(pitches: tuple[int, ...]) -> float:
        gaps = [b - a for a, b in pairwise(pitches)]
        penalty = sum(6.0 for gap in gaps if gap < 1) + sum(gap - 9 for gap in gaps if gap > 9)
        penalty += 0.15 * abs(sum(pitches) / len(pitches) - middle)
        if previous is None or len(previous) != len(pitches):
            return penalty
        moved = sum(abs(a - b) for a, b in zip(previous, pitches, strict=True))
        return penalty + moved + 5 * _count_parallels(previous, pitches)

    return min((tuple(sorted(pitches)) for pitches in product(*candidates)), key=cost)


def voice_lead(
    chords: list[Chord], *, voices: int = 4, low: int = 55, high: int = 79
) -> list[tuple[int, ...]]:
    """Voice a progression: ascending MIDI pitches for each chord, close to those of the previous chord."""
    voicings: list[tuple[int, ...]] = []
    for chord in chords:
        previous = voicings[-1] if voicings else None
        voicings.append(voice_chord(chord, previous=previous, voices=voices, low=low, high=high))
    return voicings


def bass_line(chords: list[Chord], *, start: int, low: int, high: int) -> list[int]:
    """Choose each chord's bass note as a MIDI pitch, near the previous one and within a range.

    start: the pitch that the line begins near. low, high: the range, at least an octave wide.
    """
    line, previous = [], float(start)
    for chord in chords:
        pitch = nearest(chord.bass, previous)
        pitch += 12 * (pitch < low) - 12 * (pitch > high)
        line.append(pitch)
        previous = 0.7 * pitch + 0.3 * start
    return line
