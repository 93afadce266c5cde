"""What is known about a song's music: tempo, key, energy, loudness and brightness; and how it is written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from explorer.structure.keys import Key, known_key
from explorer.structure.song_features import SILENT_LUFS
from explorer.structure.tempo import Tempo, known_tempo


class Measured(Protocol):
    """What was measured from the sound: `SongFeatures`, or its single values as the library stores them."""

    tempo_bpm: float | None
    tempo_confidence: float
    key: str | None
    key_confidence: float
    energy: float | None
    loudness_lufs: float | None
    brightness_hz: float | None


@dataclass(frozen=True)
class KnownFeatures:
    """The musical features of a song; None where one is unknown, or the song is silent.

    Attributes
    ----------
    tempo : Tempo or None
    key : Key or None
    energy : float or None
        From 0 to 1.
    loudness_lufs : float or None
    brightness_hz : float or None
    """

    tempo: Tempo | None = None
    key: Key | None = None
    energy: float | None = None
    loudness_lufs: float | None = None
    brightness_hz: float | None = None

    @classmethod
    def of(cls, measured: Measured | None, *, tag_tempo: str = "", tag_key: str = "") -> KnownFeatures:
        """Return what the tags say of tempo and key, and else what was measured.

        Parameters
        ----------
        measured : Measured or None
            None if nothing was measured.
        tag_tempo, tag_key : str
            As the tags have them; empty if they have none.
        """
        if measured is None:
            tempo = known_tempo(measured_bpm=None, confidence=0.0, tag=tag_tempo)
            return cls(tempo, known_key(measured=None, confidence=0.0, tag=tag_key))
        return cls(
            known_tempo(measured_bpm=measured.tempo_bpm, confidence=measured.tempo_confidence, tag=tag_tempo),
            known_key(measured=measured.key, confidence=measured.key_confidence, tag=tag_key),
            _above(-math.inf, measured.energy),
            _above(SILENT_LUFS, measured.loudness_lufs),
            _above(0.0, measured.brightness_hz),
        )

    def as_json(self) -> dict:
        """Return the values for JSON, rounded; unknown ones are None."""
        tempo, key = self.tempo, self.key
        return {
            "tempo_bpm": tempo and round(tempo.bpm, 2),
            "tempo_confidence": tempo and round(tempo.confidence, 3),
            "tempo_source": tempo and tempo.source,
            "tempo_is_sure": tempo and tempo.is_sure,
            "key": key and key.name,
            "camelot": key and key.camelot,
            "key_confidence": key and round(key.confidence, 3),
            "key_source": key and key.source,
            "key_is_sure": key and key.is_sure,
            "energy": _rounded(self.energy, 3),
            "loudness_lufs": _rounded(self.loudness_lufs, 2),
            "brightness_hz": _rounded(self.brightness_hz, 1),
        }

    def texts(self) -> dict[str, str]:
        """Return the features that are known, as texts by name; doubt is said as doubt."""
        tempo, key = self.tempo, self.key
        texts = {
            "Tempo": tempo and doubted(f"{tempo.bpm:.0f} bpm", is_sure=tempo.is_sure, about="about "),
            "Key": key and doubted(f"{key.name} · {key.camelot}", is_sure=key.is_sure),
            "Loudness": None if self.loudness_lufs is None else f"{self.loudness_lufs:.0f} LUFS",
            "Brightness": None if self.brightness_hz is None else frequency_text(self.brightness_hz),
            "Energy": None if self.energy is None else f"{100 * self.energy:.0f} of 100",
        }
        return {name: text for name, text in texts.items() if text}


def doubted(text: str, *, is_sure: bool, about: str = "") -> str:
    """Return a text as it is, or with words of doubt around it."""
    return text if is_sure else f"{about}{text} (not sure)"


def frequency_text(hz: float) -> str:
    """Return a frequency as people write it: "850 Hz", "1.8 kHz"."""
    return f"{hz:.0f} Hz" if hz < 999.5 else f"{hz / 1000:.1f} kHz"


def _above(bound: float, value: float | None) -> float | None:
    """Return a value if it is finite and above a bound, else None."""
    return value if value is not None and bound < value < math.inf else None


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
