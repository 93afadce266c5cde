"""The network's weights: found, checked, read and written; `downloading` fetches them.

The official weights of openl3 0.4 (CC BY 4.0) come from its repository. The checksums here are of
the file ``openl3_audio_mel256_music-v0_4_0.h5.gz`` and of what it unpacks to.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import io
import math
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from explorer.embedding.download import Progress, download_file
from explorer.embedding.network import LAYER_SHAPES, WEIGHT_SHAPES
from explorer.errors import WeightsError

if TYPE_CHECKING:
    import h5py

OFFICIAL_NAME = "openl3 0.4 mel256 music"
OFFICIAL_STEM = "openl3_audio_mel256_music-v0_4_0"
OFFICIAL_URL = f"https://github.com/marl/openl3/raw/models/{OFFICIAL_STEM}.h5.gz"
OFFICIAL_PACKED_SHA256 = "e379f41e880b78e157c199ebddac80d3764e6a46282bcccdbe875bcf538f9afd"
OFFICIAL_SHA256 = "624ee7b1dd5ff87e18073f66fd8b2052bebb8ac70210e9c0937c0c940c63e9d6"
OFFICIAL_LICENCE = "CC BY 4.0"
OFFICIAL_AUTHORS = "Cramer, Wu, Salamon and Bello"

UNTRAINED_SEED = 20_190_512
INPUT_MEAN_DB = -45.0
INPUT_VARIANCE_DB2 = 300.0

OFFICIAL_CHOICES = (None, "auto", "openl3")
"""What means OpenL3's own weights, wherever they lie."""

_PACKAGE_FILE = "openl3_audio_mel256_music.h5"
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Weights:
    """Weights of the network and where they come from.

    Attributes
    ----------
    name : str
        What to call them: the official release, the user's file name, or "untrained".
    sha256 : str
        Of the unpacked HDF5 file; of the arrays' bytes in order where there is no file.
    trained : bool
        False only for the seeded filters, whose distances the page must not oversell.
    arrays : tuple of np.ndarray [float32]
        48 arrays with the shapes `network.WEIGHT_SHAPES`, in that order: batch norm of the input
        (gamma, beta, moving mean, moving variance), then kernel and bias of each convolution,
        followed, but for the last one, by its batch norm.
    path : Path or None
        The file they were read from.
    licence : str
        Of the weights, not of this program.
    """

    name: str
    sha256: str
    trained: bool
    arrays: tuple[np.ndarray, ...]
    path: Path | None
    licence: str


def find_weights(
    choice: str | os.PathLike[str] | None,
    *,
    models_dir: Path,
    download: bool = True,
    progress: Progress | None = None,
    url: str | None = None,
) -> Weights:
    """Find the weights that the user asked for.

    Parameters
    ----------
    choice : {None, "auto", "openl3", "untrained"} or path
        The first three mean OpenL3's own: looked for in `models_dir`, packed or not, then in an
        installed openl3 package, then downloaded into `models_dir`. Or `untrained_weights`, or the
        path of an .h5 or .h5.gz file.
    models_dir : Path
        Where weights are kept; created for a download.
    download : bool
        Whether the network may be used.
    progress : callable or None
        Called with (bytes here, bytes in all or None) during a download.
    url : str or None
        Where to download the official file from, if not from `OFFICIAL_URL`; what comes must have the
        official checksum all the same.

    Returns
    -------
    Weights

    Raises
    ------
    WeightsError
        If they cannot be found, downloaded or read; the sentence says what to do.
    """
    found = find_weights_here(choice, models_dir=models_dir)
    if found is not None:
        return found
    url, target = url or OFFICIAL_URL, download_target(models_dir)
    if not download:
        raise WeightsError(
            f"OpenL3's weights must be downloaded, which was not allowed: put the file {url} at '{target}' by"
            " other means, or try the explorer without it by --weights untrained."
        )
    download_file(url, target, sha256=OFFICIAL_PACKED_SHA256, progress=progress)
    return _load(target)


def find_weights_here(choice: str | os.PathLike[str] | None, *, models_dir: Path) -> Weights | None:
    """Find the weights that the user asked for, without a network.

    Parameters
    ----------
    choice, models_dir
        As for `find_weights`.

    Returns
    -------
    Weights or None
        None if they are OpenL3's own and not on this machine.

    Raises
    ------
    WeightsError
        If a file is there and cannot be read, or the file that the user named is not there.
    """
    if choice == "untrained":
        return untrained_weights()
    if choice not in OFFICIAL_CHOICES:
        return _load(Path(choice).expanduser())
    return _official_in(Path(models_dir)) or _official_in_package()


def download_target(models_dir: Path) -> Path:
    """Return where in `models_dir` the official file is kept when it is downloaded."""
    return Path(models_dir) / f"{OFFICIAL_STEM}.h5.gz"


@cache
def untrained_weights(*, seed: int = UNTRAINED_SEED) -> Weights:
    """Make the weights for trying the explorer offline: the same ones everywhere.

    He-normal filters, a standard deviation of sqrt(2 / (9 * channels in)) after He et al. (2015),
    with zero biases. Every batch norm is the identity but the first one, whose mean of -45 dB and
    variance of 300 dB² bring log-mel spectrograms near zero mean and unit variance.

    Parameters
    ----------
    seed : int
        Of the filters.

    Returns
    -------
    Weights
        Named "untrained", with ``trained=False``; the same object at each call, so its arrays are
        read-only.
    """
    # RandomState, because NumPy promises its stream never to change (NEP 19), default_rng's not:
    # vectors made years apart stay comparable.
    random = np.random.RandomState(seed)
    arrays: list[np.ndarray] = []
    for kind, shapes in LAYER_SHAPES:
        if kind == "conv2d":
            deviation = math.sqrt(2 / math.prod(shapes[0][:-1]))
            arrays += [random.standard_normal(shapes[0]) * deviation, np.zeros(shapes[1])]
        else:
            arrays += [np.ones(shapes[0]), np.zeros(shapes[1]), np.zeros(shapes[2]), np.ones(shapes[3])]
    arrays[2] += INPUT_MEAN_DB
    arrays[3] *= INPUT_VARIANCE_DB2
    singles = tuple(array.astype(np.float32) for array in arrays)
    for single in singles:
        single.flags.writeable = False
    digest = hashlib.sha256(b"".join(array.tobytes() for array in singles)).hexdigest()
    return Weights("untrained", digest, False, singles, None, "none needed")


def write_h5(path: str | os.PathLike[str], arrays: Iterable[np.ndarray]) -> None:
    """Write weights in the layout of the official file, which the published package loads.

    Parameters
    ----------
    path : path-like
        The .h5 file to write; one that exists is replaced.
    arrays : iterable of np.ndarray
        With the shapes and in the order of `network.WEIGHT_SHAPES`.

    Raises
    ------
    WeightsError
        If the shapes are others, or the file cannot be written.
    """
    import h5py

    arrays = [np.asarray(array, dtype=np.float32) for array in arrays]
    _check_shapes([array.shape for array in arrays], f"{len(arrays)} arrays")
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


def _load(path: Path) -> Weights:
    unpacked = _unpacked(path)
    digest = hashlib.sha256(unpacked).hexdigest()
    arrays = _arrays_in(unpacked, path)
    if digest == OFFICIAL_SHA256:
        return Weights(OFFICIAL_NAME, digest, True, arrays, path, OFFICIAL_LICENCE)
    return Weights(path.name, digest, True, arrays, path, "unknown")


def _official_in(models_dir: Path) -> Weights | None:
    for suffix in (".h5", ".h5.gz"):
        path = models_dir / f"{OFFICIAL_STEM}{suffix}"
        if path.is_file():
            return _load(path)
    return None


def _official_in_package() -> Weights | None:
    try:
        package = importlib.util.find_spec("openl3")
    except (ImportError, ValueError):
        return None
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / _PACKAGE_FILE
        # Its installer leaves empty or broken files where the network was away: not our user's fault.
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == OFFICIAL_SHA256:
            return _load(path)
    return None


def _unpacked(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(
            f"Weights '{path}' do not exist: name an .h5 or .h5.gz file, 'openl3' or 'untrained'."
        ) from None
    except OSError as error:
        raise WeightsError(f"Weights '{path}' cannot be read: {error.strerror or error}.") from error
    if not content.startswith(_GZIP_MAGIC):
        return content
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise WeightsError(
            f"Weights '{path}' are damaged ({error}): delete the file and try again."
        ) from error


def _arrays_in(unpacked: bytes, path: Path) -> tuple[np.ndarray, ...]:
    import h5py

    try:
        with h5py.File(io.BytesIO(unpacked), "r") as file:
            arrays = list(_stored_arrays(file))
    except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsError(
            f"Weights '{path}' are not a whole Keras HDF5 weights file: replace or delete the file."
        ) from error
    _check_shapes([array.shape for array in arrays], f"'{path}'")
    if not all(np.isfinite(array).all() for array in arrays):
        raise WeightsError(f"Weights '{path}' hold NaN or infinite values: replace or delete the file.")
    return tuple(arrays)


def _stored_arrays(file: h5py.File) -> Iterator[np.ndarray]:
    # Keras lists `layer_names` at the root, or under `model_weights` where a whole model was saved. Names
    # vary between files, and some layers have an empty list of weights: order and shapes decide.
    root = file if "layer_names" in file.attrs else file["model_weights"]
    for layer_name in root.attrs["layer_names"]:
        group = root[_text(layer_name)]
        for weight_name in group.attrs["weight_names"]:
            yield np.asarray(group[_text(weight_name)], dtype=np.float32)


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


def _check_shapes(shapes: list[tuple[int, ...]], where: str) -> None:
    if len(shapes) != len(WEIGHT_SHAPES):
        raise WeightsError(
            f"Weights {where} are another network's: {len(shapes)} arrays instead of {len(WEIGHT_SHAPES)}"
            " (OpenL3 music, mel256)."
        )
    for number, (shape, expected) in enumerate(zip(shapes, WEIGHT_SHAPES, strict=True), start=1):
        if shape != expected:
            raise WeightsError(
                f"Weights {where} are another network's: array {number} has the shape {shape} instead of"
                f" {expected} (OpenL3 music, mel256)."
            )
