"""The fingerprints of a library's sounds in 16 bytes each: a million songs' in 32 MB, for every worker."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Self

import numpy as np

DIGEST_BYTES = 16
_DIGEST = re.compile(r"[0-9a-f]{32}")


class KnownSounds:
    """A set of fingerprints, most of which never change.

    Parameters
    ----------
    packed : bytes
        As `pack` gives them.
    """

    def __init__(self, packed: bytes) -> None:
        # NumPy takes zeros at the end away from each: they are all equally long, and stay apart.
        self._digests = np.frombuffer(packed, f"S{DIGEST_BYTES}")
        self._added: set[str] = set()

    @staticmethod
    def pack(marks: Iterable[str]) -> bytes:
        """Pack fingerprints: BLAKE2b-128 in hexadecimal; others are no file's, and left out."""
        return b"".join(sorted({bytes.fromhex(mark) for mark in marks if _DIGEST.fullmatch(mark)}))

    def isdisjoint(self, marks: Iterable[str]) -> bool:
        """Tell whether none of some fingerprints is known."""
        return not any(mark in self for mark in marks)

    def __contains__(self, mark: str) -> bool:
        if mark in self._added:
            return True
        if not _DIGEST.fullmatch(mark) or not len(self._digests):
            return False
        digest = bytes.fromhex(mark).rstrip(b"\0")
        place = np.searchsorted(self._digests, np.bytes_(digest))
        return bool(place < len(self._digests) and self._digests[place] == digest)

    def __len__(self) -> int:
        return len(self._digests) + len(self._added)

    def __ior__(self, marks: Iterable[str]) -> Self:
        self._added |= set(marks)
        return self

    def __copy__(self) -> KnownSounds:
        copy = KnownSounds(b"")
        copy._digests, copy._added = self._digests, set(self._added)
        return copy
