"""The fingerprints of a library's sounds in 16 bytes each: a million songs' take 32 MB on every worker."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

DIGEST_BYTES = 16
_DIGEST = re.compile(r"[0-9a-f]{32}")


def pack(fingerprints: Iterable[str]) -> bytes:
    """Pack fingerprints: BLAKE2b-128 in hexadecimal. Other texts are no file's, and are left out."""
    return b"".join(sorted({bytes.fromhex(text) for text in fingerprints if _DIGEST.fullmatch(text)}))


class KnownSounds:
    """A set of fingerprints that never changes.

    Parameters
    ----------
    packed : bytes
        As `pack` gives them.
    """

    def __init__(self, packed: bytes) -> None:
        # NumPy strips zeros at the end of each; all are equally long, so they stay different.
        self._digests = np.frombuffer(packed, f"S{DIGEST_BYTES}")

    def __contains__(self, fingerprint: str) -> bool:
        if not _DIGEST.fullmatch(fingerprint):
            return False
        digest = np.bytes_(bytes.fromhex(fingerprint).rstrip(b"\0"))
        place = np.searchsorted(self._digests, digest)
        return bool(place < len(self._digests) and self._digests[place] == digest)
