"""Find the network's weights; other modules read (`weights_file`), download and check (`chirp_check`) them.

The official weights of openl3 0.4 (CC BY 4.0) come from its repository. The checksums below are those of
the file ``openl3_audio_mel256_music-v0_4_0.h5.gz`` and of its unpacked content. Essentia (MTG, Universitat
Pompeu Fabra) publishes the same network as an ONNX file, whose checksum is not known.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from explorer.embedding.download import Progress, download_file
from explorer.embedding.network import LAYER_SHAPES
from explorer.embedding.weights_file import read_bounded, read_weights
from explorer.errors import WeightsError

OFFICIAL_NAME = "openl3 0.4 mel256 music"
OFFICIAL_STEM = "openl3_audio_mel256_music-v0_4_0"
OFFICIAL_URL = f"https://github.com/marl/openl3/raw/models/{OFFICIAL_STEM}.h5.gz"
OFFICIAL_PACKED_SHA256 = "e379f41e880b78e157c199ebddac80d3764e6a46282bcccdbe875bcf538f9afd"
OFFICIAL_SHA256 = "624ee7b1dd5ff87e18073f66fd8b2052bebb8ac70210e9c0937c0c940c63e9d6"
OFFICIAL_LICENCE = "CC BY 4.0"
OFFICIAL_AUTHORS = "Cramer, Wu, Salamon and Bello"

ESSENTIA_STEM = "openl3-music-mel256-emb512-3"
ESSENTIA_URL = f"https://essentia.upf.edu/models/feature-extractors/openl3/{ESSENTIA_STEM}.onnx"
ESSENTIA_LICENCE = (
    f"OpenL3 by {OFFICIAL_AUTHORS}, {OFFICIAL_LICENCE}, converted by Essentia, whose own models are"
    " CC BY-NC-SA 4.0"
)

OFFICIAL_FILES = (f"{OFFICIAL_STEM}.h5", f"{OFFICIAL_STEM}.h5.gz", f"{ESSENTIA_STEM}.onnx")
"""The file names that mean the official weights, in the order in which `find_weights` looks for them."""

UNTRAINED_SEED = 20_190_512
INPUT_MEAN_DB = -45.0
INPUT_VARIANCE_DB2 = 300.0

OFFICIAL_CHOICES = (None, "auto", "openl3")
"""The values of `choice` that mean the official weights, wherever `find_weights` finds them."""

_PACKAGE_FILE = "openl3_audio_mel256_music.h5"


@dataclass(frozen=True)
class Weights:
    """The network's weights and their origin.

    Attributes
    ----------
    name : str
        Name for users: the official release, the user's file name, or "untrained".
    sha256 : str
        Checksum of the unpacked file; if there is no file, of the bytes of all arrays in order.
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

    @property
    def is_official(self) -> bool:
        """Whether the file is OpenL3's official one, by its checksum."""
        return self.sha256 == OFFICIAL_SHA256


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
        The first three mean OpenL3's official weights: in `models_dir` (one of `OFFICIAL_FILES`), else in an
        installed openl3 package, else downloaded into `models_dir`. "untrained" means `untrained_weights`. A
        path names an .h5, .h5.gz or .onnx file.
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
        If the weights cannot be found or read; the message says what to do.
    DownloadError
        If they cannot be downloaded.
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
    return load_weights(target)


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
        return load_weights(Path(choice).expanduser())
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


def load_weights(path: Path) -> Weights:
    """Read a file of weights.

    Raises
    ------
    WeightsError
        If it is missing, damaged, too large, or holds another network's weights.
    """
    digest, arrays = read_weights(path)
    if digest == OFFICIAL_SHA256:
        return Weights(OFFICIAL_NAME, digest, True, arrays, path, OFFICIAL_LICENCE)
    licence = ESSENTIA_LICENCE if path.stem == ESSENTIA_STEM else "unknown"
    return Weights(path.name, digest, True, arrays, path, licence)


def _official_in(models_dir: Path) -> Weights | None:
    for name in OFFICIAL_FILES:
        # Not `is_file`: a folder or a pipe of that name must be an error, not a reason to download.
        if (models_dir / name).exists():
            return load_weights(models_dir / name)
    return None


def _official_in_package() -> Weights | None:
    try:
        package = importlib.util.find_spec("openl3")
    except (ImportError, ValueError):
        return None
    for folder in (package and package.submodule_search_locations) or ():
        path = Path(folder) / _PACKAGE_FILE
        # Without a network, the package's installer leaves empty or broken files: ignore those.
        with suppress(WeightsError):
            if hashlib.sha256(read_bounded(path)).hexdigest() == OFFICIAL_SHA256:
                return load_weights(path)
    return None
