"""Read a file of weights, whatever it is: at most 80 MB of it, packed or unpacked, and nothing but itself."""

from __future__ import annotations

import hashlib
import stat
import zlib
from pathlib import Path

import numpy as np

from explorer.embedding.onnx_weights import ONNX_START, read_onnx
from explorer.errors import WeightsError

MAX_BYTES = 80_000_000
"""Four times the official file: a model that was saved with its optimiser's state must fit."""

GZIP_START = b"\x1f\x8b"


def read_weights(path: Path) -> tuple[str, tuple[np.ndarray, ...]]:
    """Read the weights in an HDF5 file, a gzip file of it, or an ONNX file; the content decides which it is.

    Parameters
    ----------
    path : Path

    Returns
    -------
    sha256 : str
        Checksum of the unpacked file.
    arrays : tuple of np.ndarray [float32]
        Arrays with the shapes and in the order of `network.WEIGHT_SHAPES`.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, too large, or holds another network's weights.
    """
    content = read_bounded(path)
    if content.startswith(GZIP_START):
        content = _unpack(content, path)
    if content.startswith(ONNX_START):
        arrays = read_onnx(content, f"'{path}'")
    else:
        from explorer.embedding.h5_weights import read_h5

        arrays = read_h5(content, f"'{path}'")
    if not all(np.isfinite(array).all() for array in arrays):
        raise WeightsError(f"Weights '{path}' hold NaN or infinite values: replace or delete the file.")
    return hashlib.sha256(content).hexdigest(), arrays


def read_bounded(path: Path) -> bytes:
    """Read a regular file of at most `MAX_BYTES`.

    Raises
    ------
    WeightsError
        If it is missing, larger, or a folder, a pipe or a device, which might never end.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise WeightsError(
                f"Weights '{path}' cannot be read, because this is not a file: name a file of weights."
            )
        with path.open("rb") as file:
            return _at_most(file.read(MAX_BYTES + 1), path)
    except FileNotFoundError:
        raise WeightsError(
            f"Weights '{path}' do not exist: name an .h5, .h5.gz or .onnx file, 'openl3' or 'untrained'."
        ) from None
    except (OSError, ValueError) as error:
        raise WeightsError(
            f"Weights '{path}' cannot be read: {getattr(error, 'strerror', None) or error}."
        ) from error


def _unpack(content: bytes, path: Path) -> bytes:
    # Not the module `gzip`: it reads any number of empty files one after the other.
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = _at_most(unpacker.decompress(content, MAX_BYTES + 1), path)
        problem = None if unpacker.eof else "the end is missing"
    except zlib.error as error:
        problem = str(error)
    if problem:
        raise WeightsError(f"Weights '{path}' are damaged ({problem}): delete the file and try again.")
    return unpacked


def _at_most(content: bytes, path: Path) -> bytes:
    if len(content) > MAX_BYTES:
        raise WeightsError(
            f"Weights '{path}' have more than {MAX_BYTES / 1e6:.0f} MB, packed or unpacked, which is far more"
            " than OpenL3's network needs: name another file."
        )
    return content
