"""Import the large packages of the engines only when needed, with a clear error if one is missing."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

from explorer.embedding.network import import_keras
from explorer.errors import EmbeddingError


def require(*packages: str, engine: str, requirements: str = "requirements.lock") -> None:
    """Check that the packages of an engine are installed.

    Raises
    ------
    EmbeddingError
        If a package is not installed.
    """
    for package in packages:
        try:
            is_installed = find_spec(package) is not None
        except (ImportError, ValueError):
            is_installed = False
        if not is_installed:
            raise EmbeddingError(
                f"The {engine} engine needs the package '{package}', which is not installed: install"
                f" {requirements} or choose another engine."
            )


def import_keras_on_tensorflow(*, engine: str) -> ModuleType:
    """Import Keras and check that its backend is TensorFlow.

    Raises
    ------
    EmbeddingError
        If Keras or TensorFlow is missing, or the environment names another backend.
    """
    require("keras", "tensorflow", engine=engine, requirements="requirements-tensorflow.lock")
    keras = import_keras()
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise EmbeddingError(
            f"The {engine} engine needs Keras on TensorFlow, but KERAS_BACKEND is '{backend}': unset it."
        )
    return keras


def import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry.

    A normal import writes an identifier into the user's home folder and reports the import to Google
    Analytics. OpenVINO and NNCF skip that if the package ``openvino_telemetry`` cannot be imported, so this
    function blocks that package.

    Returns
    -------
    module
        ``openvino``.

    Raises
    ------
    EmbeddingError
        If OpenVINO is not installed.
    """
    require("openvino", engine="openvino")
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino
