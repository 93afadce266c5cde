"""Find, check, read and write the network's weights; the module `download` downloads them.

The official weights of openl3 0.4 (CC BY 4.0) come from its repository. The checksums below are those of
the file ``openl3_audio_mel256_music-v0_4_0.h5.gz`` and of its unpacked content.
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
"""The values of `choice` that mean the official weights, wherever `find_weights` finds them."""

_PACKAGE_FILE = "openl3_audio_mel256_music.h5"
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Weights:
    """The network's weights and their origin.

    Attributes
    ----------
    name : str
        Name for users: the official release, the user's file name, or "untrained".
    sha256 : str
        Checksum of the unpacked HDF5 file; if there is no file, of the bytes of all arrays in order.
    trained : bool
        False only for `untrained_weights`: the page must then say that the distances between songs have
        little meaning.
    arrays : tuple of np.ndarray [float32]
        48 arrays with the shapes `network.WEIGHT_SHAPES`, in that order: batch norm of the input
        (gamma, beta, moving mean, moving variance), then for each convolution its kernel, its bias and,
        except for the last convolution, the following batch norm.
    path : Path or None
        The file that held them.
    licence : str
        Licence of the weights, not of this program.
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
    """Find the weights that the user chose, and download them if necessary.

    Parameters
    ----------
    choice : {None, "auto", "openl3", "untrained"} or path
        The first three mean OpenL3's official weights: in `models_dir` (.h5 or .h5.gz), else in an installed
        openl3 package, else downloaded into `models_dir`. "untrained" means `untrained_weights`. A path
        names an .h5 or .h5.gz file.
    models_dir : Path
        The folder of weights; a download creates it.
    download : bool
        Whether a download is allowed.
    progress : callable or None
        Called with (bytes received, total bytes or None) during a download.
    url : str or None
        Address of the official file; by default `OFFICIAL_URL`. The file must have the official checksum.

    Returns
    -------
    Weights

    Raises
    ------
    WeightsError
        If the weights cannot be found, downloaded or read; the message says what to do.
    """
    weights = find_local_weights(choice, models_dir=models_dir)
    if weights is not None:
        return weights
    url, target = url or OFFICIAL_URL, download_target(models_dir)
    if not download:
        raise WeightsError(
            f"OpenL3's weights must be downloaded, but downloads are off: get {url} in another way and save"
            f" it as '{target}', or use --weights untrained to try the explorer without it."
        )
    download_file(url, target, sha256=OFFICIAL_PACKED_SHA256, progress=progress)
    return _load(target)


def find_local_weights(choice: str | os.PathLike[str] | None, *, models_dir: Path) -> Weights | None:
    """Find the weights that the user chose, without a download.

    Parameters
    ----------
    choice, models_dir
        As for `find_weights`.

    Returns
    -------
    Weights or None
        None if the choice is the official weights and they are not on this machine.

    Raises
    ------
    WeightsError
        If a file cannot be read, or the file that the user named does not exist.
    """
    if choice == "untrained":
        return untrained_weights()
    if choice not in OFFICIAL_CHOICES:
        return _load(Path(choice).expanduser())
    return _official_in(Path(models_dir)) or _official_in_package()


def download_target(models_dir: Path) -> Path:
    """Return the path in `models_dir` for the download of the official file."""
    return Path(models_dir) / f"{OFFICIAL_STEM}.h5.gz"


@cache
def untrained_weights(*, seed: int = UNTRAINED_SEED) -> Weights:
    """Make the weights for trying the explorer offline; they are the same on every machine.

    The filters are He-normal: their standard deviation is sqrt(2 / (9 * channels in)), as in He et al.
    (2015). All biases are zero. Every batch norm is the identity, except for the first one: its mean of
    -45 dB and its variance of 300 dB² bring log-mel spectrograms near zero mean and unit variance.

    Parameters
    ----------
    seed : int
        Seed of the filters.

    Returns
    -------
    Weights
        Named "untrained", with ``trained=False``. Every call returns the same object, so its arrays are
        read-only.
    """
    # NumPy guarantees that the random stream of RandomState never changes (NEP 19), unlike that of
    # default_rng. So vectors that were made years apart stay comparable.
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
    rounded = tuple(array.astype(np.float32) for array in arrays)
    for array in rounded:
        array.flags.writeable = False
    digest = hashlib.sha256(b"".join(array.tobytes() for array in rounded)).hexdigest()
    return Weights("untrained", digest, False, rounded, None, "none needed")


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
        # Without a network, the package's installer leaves empty or broken files: ignore those.
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
            f"Weights '{path}' are not a complete Keras HDF5 weights file: replace or delete the file."
        ) from error
    _check_shapes([array.shape for array in arrays], f"'{path}'")
    if not all(np.isfinite(array).all() for array in arrays):
        raise WeightsError(f"Weights '{path}' hold NaN or infinite values: replace or delete the file.")
    return tuple(arrays)


def _stored_arrays(file: h5py.File) -> Iterator[np.ndarray]:
    # Keras stores `layer_names` at the root, or under `model_weights` if a whole model was saved. The layers'
    # names vary between files, and some layers have no weights, so the arrays are identified by their order
    # and shapes.
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
            f"Weights {where} belong to another network: {len(shapes)} arrays instead of {len(WEIGHT_SHAPES)}"
            " (OpenL3 music, mel256)."
        )
    for number, (shape, expected) in enumerate(zip(shapes, WEIGHT_SHAPES, strict=True), start=1):
        if shape != expected:
            raise WeightsError(
                f"Weights {where} belong to another network: array {number} has the shape {shape} instead of"
                f" {expected} (OpenL3 music, mel256)."
            )
