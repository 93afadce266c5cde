"""A compact set of a library's fingerprints: 16 bytes each, 32 MB on every worker for a million songs."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

DIGEST_BYTES = 16
_DIGEST = re.compile(r"[0-9a-f]{32}")


def pack(fingerprints: Iterable[str]) -> bytes:
    """Pack fingerprints (BLAKE2b-128, hexadecimal) into sorted bytes. Other texts are left out."""
    return b"".join(sorted({bytes.fromhex(text) for text in fingerprints if _DIGEST.fullmatch(text)}))


class FingerprintSet:
    """A constant set of fingerprints.

    Parameters
    ----------
    packed : bytes
        As `pack` gives them.
    """

    def __init__(self, packed: bytes) -> None:
        # NumPy strips trailing zeros; because all digests have the same length, they remain distinct.
        self._digests = np.frombuffer(packed, f"S{DIGEST_BYTES}")

    def __contains__(self, fingerprint: str) -> bool:
        if not _DIGEST.fullmatch(fingerprint):
            return False
        digest = np.bytes_(bytes.fromhex(fingerprint).rstrip(b"\0"))
        index = np.searchsorted(self._digests, digest)
        return bool(index < len(self._digests) and self._digests[index] == digest)
