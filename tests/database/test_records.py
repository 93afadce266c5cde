"""Encoding and decoding of vectors; years in dates."""

import io
import re

import numpy as np
import pytest

from explorer.database.records import decode_vector, encode_vector, read_vector
from explorer.errors import LibraryError

VECTOR = np.random.default_rng(0).normal(size=512)


def npy(array, **options):
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "blob",
    [encode_vector(VECTOR), VECTOR.astype("<f8").tobytes(), npy(VECTOR), npy(VECTOR.astype(">f8"))],
    ids=["ours", "raw", "np.save", "big-endian"],
)
def test_a_vector_is_read_in_every_format(blob):
    read = read_vector(blob)
    assert read.dtype == np.float64
    np.testing.assert_array_equal(read, VECTOR)


@pytest.mark.parametrize(
    ("blob", "reason"),
    [
        (None, "nothing"),
        ("text", "of the type str"),
        (3.5, "of the type float"),
        (b"", "0 bytes"),
        (bytes(100), "100 bytes"),
        (VECTOR.tobytes()[:-8], "4088 bytes"),
        (encode_vector(VECTOR)[:-1], "4223 bytes"),
        (npy(VECTOR.astype(np.float32)), "float32, shape (512,)"),
        (npy(VECTOR[:128]), "float64, shape (128,)"),
        (npy(VECTOR.reshape(2, 256)), "float64, shape (2, 256)"),
        (npy(np.arange(512)), "int64, shape (512,)"),
        (npy(np.array([None] * 512), allow_pickle=True), "bytes"),
        (b"\x93NUMPY\x01\x00\x76\x00{'descr': __import__('os')}", "bytes"),
    ],
)
def test_the_error_says_what_a_bad_vector_is_instead(blob, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        read_vector(blob)


def test_the_error_names_the_song():
    with pytest.raises(LibraryError, match=r"'a\.mp3' is not 512 float64 \(100 bytes\)"):
        decode_vector(bytes(100), song_id="a.mp3")
