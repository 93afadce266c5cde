"""Keys, scales, chords written as Roman numerals, and how voices move between them."""

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
    """Pitch classes (0 is C), the root first, and the one that the bass plays."""

    tones: tuple[int, ...]
    bass: int

    @property
    def root(self) -> int:
        """The pitch class that names the chord."""
        return self.tones[0]


def parse_chord(numeral: str, tonic: int) -> Chord:
    """Read a chord from its Roman numeral; ValueError if it cannot be read.

    numeral: capitals are major, small letters minor; then a quality (`7`, `maj9`, `sus4`, `dim`, ...), and
    `/3`, `/5` or `/7` for an inversion: `bVII`, `ii7`, `V7/3`.
    tonic: the key's pitch, whose class counts.
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


def ladder(scale, tonic: int, low: int, high: int) -> list[int]:
    """List the MIDI pitches of a scale from `low` to `high`, both included, ascending.

    scale: a name from SCALES, or semitones above the tonic.
    tonic: the key's pitch, whose class counts.
    """
    steps = SCALES[scale] if isinstance(scale, str) else scale
    classes = {(tonic + step) % 12 for step in steps}
    return [pitch for pitch in range(low, high + 1) if pitch % 12 in classes]


def nearest(pitch_class: int, target: float) -> int:
    """Give the MIDI pitch of a class that lies nearest to a target pitch."""
    return pitch_class + 12 * round((target - pitch_class) / 12)


def _parallels(before: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Count pairs of voices that move in parallel fifths or octaves, which sound like one voice."""
    count = 0
    for (low, low_after), (high, high_after) in combinations(zip(before, after, strict=True), 2):
        interval = (high - low) % 12
        same = interval == (high_after - low_after) % 12
        count += same and interval in (0, 7) and low != low_after
    return count


def _spellings(chord: Chord, voices: int) -> list[int]:
    """Choose as many tones as there are voices: the fifth goes first, the root doubles first."""
    tones = list(chord.tones)
    while len(tones) > voices:
        tones.remove(tones[2] if len(tones) > 3 else tones[0])
    extra = [chord.tones[0], chord.tones[2], chord.tones[1]]
    return tones + extra[: voices - len(tones)]


def voice(
    chord: Chord, *, before: tuple[int, ...] | None, voices: int, low: int, high: int
) -> tuple[int, ...]:
    """Spread a chord over voices, as ascending MIDI pitches, so that each voice moves as little as it can.

    before: the previous chord's pitches; without it the voicing nearest the middle is taken.
    voices: notes wanted, 2 to 5.
    low, high: MIDI pitches that no voice leaves; at least two octaves apart for a choice.
    """
    places = [
        [pitch for pitch in range(low, high + 1) if pitch % 12 == tone] for tone in _spellings(chord, voices)
    ]
    middle = (low + high) / 2

    def cost(pitches: tuple[int, ...]) -> float:
        gaps = [b - a for a, b in pairwise(pitches)]
        ugly = sum(6.0 for gap in gaps if gap < 1) + sum(gap - 9 for gap in gaps if gap > 9)
        ugly += 0.15 * abs(sum(pitches) / len(pitches) - middle)
        if before is None or len(before) != len(pitches):
            return ugly
        moved = sum(abs(a - b) for a, b in zip(before, pitches, strict=True))
        return ugly + moved + 5 * _parallels(before, pitches)

    return min((tuple(sorted(pitches)) for pitches in product(*places)), key=cost)


def voice_lead(
    chords: list[Chord], *, voices: int = 4, low: int = 55, high: int = 79
) -> list[tuple[int, ...]]:
    """Voice a progression: for each chord ascending MIDI pitches, close to the chord before."""
    voicings: list[tuple[int, ...]] = []
    for chord in chords:
        before = voicings[-1] if voicings else None
        voicings.append(voice(chord, before=before, voices=voices, low=low, high=high))
    return voicings


def bass_line(chords: list[Chord], *, start: int, low: int, high: int) -> list[int]:
    """Give each chord's bass note, near the one before and within a range, as MIDI pitches.

    start: where the line begins. low, high: the range, at least an octave wide.
    """
    line, here = [], float(start)
    for chord in chords:
        pitch = nearest(chord.bass, here)
        pitch += 12 * (pitch < low) - 12 * (pitch > high)
        line.append(pitch)
        here = 0.7 * pitch + 0.3 * start
    return line
