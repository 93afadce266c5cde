"""The musical key of a song: from its tags, else measured; its Camelot code, and how keys are compared.

The Camelot wheel of DJs is the circle of fifths: numbers from 1 to 12 a fifth apart, with A for minor and B
for major keys, so that relative keys have the same number (A minor is 8A, C major is 8B). Open Key is the
same circle from another start: 1d is C major, and 1m is A minor.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Source = Literal["tag", "sound"]

SURE_FROM = 0.2
"""A measured key is sure from this confidence of sonara on: see benchmarks/features.py."""

TONICS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")

_SEMITONES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11, "h": 11}
_ACCIDENTALS = {"": 0, "#": 1, "\u266f": 1, "sharp": 1, "b": -1, "\u266d": -1, "flat": -1}
_WHEEL_CODE = re.compile(r"(0?[1-9]|1[0-2])([abdm])", re.IGNORECASE)
_NAME = re.compile(
    r"(?P<letter>[A-Ha-h])[ -]?(?P<accidental>#|\u266f|\u266d|b|[Ss]harp|[Ff]lat|)"
    r"[ -]?(?P<mode>m|M|[Mm]aj(?:or)?\.?|[Mm]in(?:or)?\.?|)"
)
_GERMAN_NAME = re.compile(
    r"(?P<letter>[a-h])(?P<accidental>is|es|s|#|\u266f|\u266d|b|)[ -]?(?P<mode>dur|moll)", re.IGNORECASE
)
_GERMAN_ACCIDENTALS = {"is": 1, "es": -1, "s": -1}


@dataclass(frozen=True)
class Key:
    """The key of a song.

    Attributes
    ----------
    tonic : int
        Semitones above C, from 0 to 11.
    is_minor : bool
    confidence : float
        From 0, a guess, to 1; a tag has 1.
    source : {"tag", "sound"}
    """

    tonic: int
    is_minor: bool
    confidence: float = 1.0
    source: Source = "sound"

    @property
    def name(self) -> str:
        """Tonic and mode, such as "A minor" or "F# major"; sharps only."""
        return f"{TONICS[self.tonic]} {'minor' if self.is_minor else 'major'}"

    @property
    def camelot(self) -> str:
        """The code of the key on the Camelot wheel, such as "8A"."""
        return f"{self.wheel_number}{'A' if self.is_minor else 'B'}"

    @property
    def wheel_number(self) -> int:
        """The number on the Camelot wheel, from 1 to 12, where neighbours are a fifth apart."""
        relative_major = self.tonic + 3 if self.is_minor else self.tonic
        fifths_above_c = relative_major * 7 % 12
        return (fifths_above_c + 7) % 12 + 1

    @property
    def is_sure(self) -> bool:
        """Whether the key can be told without a word of doubt."""
        return self.confidence >= SURE_FROM


def known_key(*, measured: str | None, confidence: float, tag: str = "") -> Key | None:
    """Return the key that the tag names, else the measured one; None if neither is known.

    Parameters
    ----------
    measured : str or None
        Tonic and mode, such as "A minor".
    confidence : float
        How sure the measured key is, from 0 to 1.
    tag : str
        As the tags have it: see `key_of_text`.
    """
    if found := key_of_text(tag):
        return Key(*found, 1.0, "tag")
    if found := key_of_text(measured or ""):
        is_known = math.isfinite(confidence)
        return Key(*found, min(max(float(confidence), 0.0), 1.0) if is_known else 0.0, "sound")
    return None


def key_of_text(text: str) -> tuple[int, bool] | None:
    """Return the tonic and whether the key is minor; None if the text names no key, or several.

    Parameters
    ----------
    text : str
        A name ("Am", "A minor", "Bb", "F-sharp major", "cis-Moll"), a Camelot code ("8A", "08A"), an Open
        Key code ("1m", "1d"), or several texts for one key ("8A/Am"). A small letter alone is unknown: some
        write minor keys so. ID3 writes "o" for music without a key. The letter B is B flat only in German
        names, with "Dur" or "Moll".
    """
    parts = [part.strip() for part in re.split(r"[/(),;|]", text)]
    found = {_key_of_part(part) for part in parts if part}
    return found.pop() if len(found) == 1 else None


def _key_of_part(text: str) -> tuple[int, bool] | None:
    if code := _WHEEL_CODE.fullmatch(text):
        return _key_of_code(int(code[1]), code[2].lower())
    if german := _GERMAN_NAME.fullmatch(text):
        return _german_key(*(german[name].lower() for name in ("letter", "accidental", "mode")))
    name = _NAME.fullmatch(text)
    if not name or (name["letter"].islower() and not name["mode"]):
        return None
    # "Cm" is minor and "CM" is major; in a word, case says nothing.
    mode = name["mode"]
    is_minor = mode == "m" or mode.lower().startswith("min")
    semitones = _SEMITONES[name["letter"].lower()] + _ACCIDENTALS[name["accidental"].lower()]
    return semitones % 12, is_minor


def _key_of_code(number: int, letter: str) -> tuple[int, bool]:
    """Return the key of a Camelot code (a, b) or an Open Key code (m, d)."""
    fifths_above_c = number - (8 if letter in "ab" else 1)
    is_minor = letter in "am"
    return (fifths_above_c * 7 - (3 if is_minor else 0)) % 12, is_minor


def _german_key(letter: str, accidental: str, mode: str) -> tuple[int, bool] | None:
    if accidental == "s" and letter not in "ae":
        return None
    shift = _GERMAN_ACCIDENTALS.get(accidental, _ACCIDENTALS.get(accidental, 0))
    is_b_flat = letter == "b" and not accidental
    return (_SEMITONES[letter] + shift - is_b_flat) % 12, mode == "moll"


def camelot_distance(a: Key, b: Key) -> int:
    """Return how many steps lead from one key to another on the Camelot wheel, from 0 to 7.

    A step goes to a neighbour on the circle (a fifth up or down), or to the relative major or minor key. DJs
    mix songs that are at most one step apart.
    """
    around = abs(a.wheel_number - b.wheel_number)
    return min(around, 12 - around) + (a.is_minor != b.is_minor)
