"""The compact set of fingerprints."""

import hashlib

from explorer.indexing.cluster.fingerprint_set import DIGEST_BYTES, FingerprintSet, pack


def mark(number):
    return hashlib.blake2b(b"%d" % number, digest_size=DIGEST_BYTES).hexdigest()


ODD = ["00" * 16, "ab" + "00" * 15, "00" * 15 + "01", "ff" * 16]


def test_the_set_contains_every_fingerprint_and_no_other():
    fingerprints = [mark(number) for number in range(5_000)] + ODD
    sounds = FingerprintSet(pack(fingerprints))
    assert all(text in sounds for text in fingerprints)
    assert not any(mark(number) in sounds for number in range(5_000, 10_000))
    assert "ab" + "00" * 14 + "01" not in sounds


def test_fingerprints_take_sixteen_bytes_and_doubles_none():
    assert len(pack([mark(1), mark(2), mark(1)])) == 2 * DIGEST_BYTES


def test_other_texts_are_left_out():
    packed = pack(["", "no fingerprint", mark(1)[:-1], mark(1)])
    assert len(packed) == DIGEST_BYTES
    assert mark(1) in FingerprintSet(packed)
    assert "no fingerprint" not in FingerprintSet(packed)


def test_the_set_of_an_empty_library_is_empty():
    assert mark(1) not in FingerprintSet(pack([]))
