"""Counts the sound of a file that cannot be decoded, and tells it."""

from __future__ import annotations

from dataclasses import dataclass

MIN_DAMAGE_S = 0.5
"""How much sound must be damaged to be told. Where a file was cut, the last packet is damaged."""


@dataclass
class Losses:
    """What a file holds that cannot be decoded.

    Attributes
    ----------
    n_parts : int
        Of how many joined files the file consists.
    n_bad_parts : int
    damaged_s : float
        Seconds of damaged packets in the other parts, as far as their length is known.
    """

    n_parts: int = 1
    n_bad_parts: int = 0
    damaged_s: float = 0.0

    @property
    def note(self) -> str:
        """A sentence for each kind of loss."""
        sentences = []
        if self.n_bad_parts:
            sentences.append(
                f"The file consists of {self.n_parts} joined files; the sound of {self.n_bad_parts} of them "
                "cannot be decoded."
            )
        if self.damaged_s >= MIN_DAMAGE_S:
            sentences.append("Parts of its sound are damaged and were left out.")
        return " ".join(sentences)
