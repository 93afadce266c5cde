"""The tempo of a song: from its tags, else measured, with how sure it is; and how tempi are compared."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

Source = Literal["tag", "sound"]

SURE_FROM = 0.6
"""A measured tempo is sure from this confidence of sonara on: see benchmarks/features.py."""

_LOWEST_BPM, _HIGHEST_BPM = 10.0, 500.0
"""Tags outside these limits are mistakes, or hold something else, such as 0 for unknown or 12800 for 128."""

_TAG = re.compile(r"\s*(\d{1,3}(?:[.,]\d*)?)\s*(?:bpm)?\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Tempo:
    """The tempo of a song.

    Attributes
    ----------
    bpm : float
        Beats per minute.
    confidence : float
        From 0, a guess, to 1; a tag has 1.
    source : {"tag", "sound"}
    """

    bpm: float
    confidence: float
    source: Source

    @property
    def is_sure(self) -> bool:
        """Whether the tempo can be told without a word of doubt. Half or twice as fast may still be meant."""
        return self.confidence >= SURE_FROM


def known_tempo(*, measured_bpm: float | None, confidence: float, tag: str = "") -> Tempo | None:
    """Return the tempo that the tag names, else the measured one; None if neither is known.

    Parameters
    ----------
    measured_bpm : float or None
    confidence : float
        How sure the measured tempo is, from 0 to 1.
    tag : str
        As the tags have it, such as "128", "127.98", "127,98" or "128 BPM".
    """
    if bpm := tempo_of_tag(tag):
        return Tempo(bpm, 1.0, "tag")
    if measured_bpm is None or not math.isfinite(measured_bpm) or measured_bpm <= 0:
        return None
    return Tempo(float(measured_bpm), _unit(confidence), "sound")


def tempo_of_tag(tag: str) -> float | None:
    """Return the beats per minute that a tag names; None if it names none, or an impossible number."""
    found = _TAG.fullmatch(tag)
    bpm = float(found[1].replace(",", ".")) if found else 0.0
    return bpm if _LOWEST_BPM <= bpm <= _HIGHEST_BPM else None


def octave_difference(a_bpm: float, b_bpm: float) -> float:
    """Return how far two tempi are apart in octaves, where half and twice as fast count as the same tempo.

    Listeners tap the same music at different levels of its metre, so tempi are compared modulo octave.

    Returns
    -------
    float
        From 0 (60, 120 and 240 bpm) to 0.5 (100 and 141 bpm).
    """
    octaves = abs(math.log2(a_bpm / b_bpm)) % 1
    return min(octaves, 1 - octaves)


def _unit(confidence: float) -> float:
    """Return a confidence from 0 to 1; one that is not a number is a guess."""
    return min(max(float(confidence), 0.0), 1.0) if math.isfinite(confidence) else 0.0
