"""Read and write the network's weights as a Keras HDF5 file, such as OpenL3's official one.

A file can come from anywhere, so nothing is read before its kind and size are known. HDF5 can refer to other
files (external storage, virtual datasets), can unpack a few bytes to gigabytes (compressed chunks), and can
let thousands of names refer to the same long text (in its global heap). Keras writes none of these, and they
are refused. External links are harmless, because h5py looks for their target in the same bytes.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable, Iterator
from itertools import islice

import h5py
import numpy as np

from explorer.embedding.network import LAYER_SHAPES, WEIGHT_SHAPES, check_weight_shapes
from explorer.errors import WeightsError

_MAX_NAMES_BYTES = 65_536
"""Limit for the names of all layers, and for each of the heaps that hold names of variable length."""


def read_h5(content: bytes, where: str) -> tuple[np.ndarray, ...]:
    """Read the arrays of a Keras weights file, or of a whole model that Keras saved.

    The layers' names vary between files, and some layers have no weights, so the arrays are identified by
    their order and shapes.

    Parameters
    ----------
    content : bytes
        The unpacked file.
    where : str
        Its name, for messages.

    Returns
    -------
    tuple of np.ndarray [float32]
        Arrays with the shapes `network.WEIGHT_SHAPES`.

    Raises
    ------
    WeightsError
        If the file is damaged, belongs to another network, or stores its arrays in an unusual way.
    """
    try:
        _refuse_large_heaps(content)
        with h5py.File(io.BytesIO(content), "r") as file:
            datasets = list(islice(_datasets(file), len(WEIGHT_SHAPES) + 1))
            check_weight_shapes([dataset.shape for dataset in datasets], where)
            return tuple(_values(dataset) for dataset in datasets)
    except WeightsError:
        raise
    except Exception as error:
        # h5py raises exceptions of nearly every class for damaged files.
        raise WeightsError(
            f"Weights {where} are not a complete Keras HDF5 weights file: replace or delete the file."
        ) from error


def _refuse_large_heaps(content: bytes) -> None:
    """Raise if a global heap is large: `GCOL`, version 1, three zeros, and the size in eight bytes.

    h5py copies a text as often as names refer to it, and it cannot tell beforehand how long the copies are.
    """
    for heap in re.finditer(rb"GCOL\x01\0\0\0(.{8})", content, re.DOTALL):
        if int.from_bytes(heap[1], "little") > _MAX_NAMES_BYTES:
            raise ValueError("a name is too long")


def _datasets(file: h5py.File) -> Iterator[h5py.Dataset]:
    # Keras stores `layer_names` at the root, or under `model_weights` if a whole model was saved.
    root = file if "layer_names" in file.attrs else file["model_weights"]
    for layer_name in _names(root, "layer_names"):
        layer = root[layer_name]
        for weight_name in _names(layer, "weight_names"):
            yield layer[weight_name]


def _names(group: h5py.Group, attribute: str) -> list[str]:
    stored = group.attrs.get_id(attribute)
    if 0 in stored.shape:
        return []
    if not h5py.check_string_dtype(stored.dtype) or stored.get_storage_size() > _MAX_NAMES_BYTES:
        raise ValueError(f"{attribute} are not names")
    return [name.decode() if isinstance(name, bytes) else name for name in group.attrs[attribute]]


def _values(dataset: h5py.Dataset) -> np.ndarray:
    if dataset.dtype.kind != "f" or dataset.chunks or dataset.external or dataset.is_virtual:
        raise ValueError(f"{dataset.name} is not one block of floating point numbers")
    return np.asarray(dataset, dtype=np.float32)


def write_h5(path: str | os.PathLike[str], arrays: Iterable[np.ndarray]) -> None:
    """Write weights in the layout of the official file, which the published package can load.

    Parameters
    ----------
    path : path-like
        The .h5 file to write; an existing file is replaced.
    arrays : iterable of np.ndarray
        Arrays with the shapes and in the order of `network.WEIGHT_SHAPES`.

    Raises
    ------
    WeightsError
        If the shapes are wrong, or the file cannot be written.
    """
    arrays = [np.asarray(array, dtype=np.float32) for array in arrays]
    check_weight_shapes([array.shape for array in arrays], f"for '{path}'")
    layers = _named_layers(arrays)
    try:
        with h5py.File(path, "w") as file:
            file.attrs["backend"] = b"tensorflow"
            file.attrs["layer_names"] = np.array([name.encode() for name, _ in layers])
            for name, members in layers:
                group = file.create_group(name)
                names = [f"{name}/{member}:0".encode() for member in members]
                group.attrs["weight_names"] = np.array(names, dtype=None if names else "S1")
                for weight_name, array in zip(names, members.values(), strict=True):
                    group.create_dataset(weight_name, data=array)
    except OSError as error:
        raise WeightsError(f"Weights cannot be written to '{path}': {error}.") from error


def _named_layers(arrays: list[np.ndarray]) -> list[tuple[str, dict[str, np.ndarray]]]:
    members = {
        "conv2d": ("kernel", "bias"),
        "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
    }
    remaining = iter(arrays)
    layers: list[tuple[str, dict[str, np.ndarray]]] = [("input_1", {}), ("melspectrogram_1", {})]
    for number, (kind, _) in enumerate(LAYER_SHAPES):
        layers.append((f"{kind}_{number // 2 + 1}", {name: next(remaining) for name in members[kind]}))
        if kind == "batch_normalization" and number > 0:
            layers.append((f"activation_{number // 2}", {}))
    return layers
