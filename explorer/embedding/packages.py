"""The large packages that engines need: imported late and quietly; a missing one is one sentence."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

from explorer.embedding.network import import_keras
from explorer.errors import EmbeddingError


def require(*packages: str, engine: str, requirements: str = "requirements.txt") -> None:
    """Refuse to go on without the packages of an engine.

    Raises
    ------
    EmbeddingError
        If one is not installed.
    """
    for package in packages:
        try:
            is_there = find_spec(package) is not None
        except (ImportError, ValueError):
            is_there = False
        if not is_there:
            raise EmbeddingError(
                f"The {engine} engine needs the package '{package}', which is not installed: install"
                f" {requirements} or choose another engine."
            )


def import_keras_on_tensorflow(*, engine: str) -> ModuleType:
    """Import Keras on TensorFlow, for the engines that run on it.

    Raises
    ------
    EmbeddingError
        If Keras or TensorFlow is missing, or the environment names another backend.
    """
    require("keras", "tensorflow", engine=engine, requirements="requirements-tensorflow.txt")
    keras = import_keras()
    backend = keras.backend.backend()
    if backend != "tensorflow":
        raise EmbeddingError(
            f"The {engine} engine needs Keras on TensorFlow, but KERAS_BACKEND is '{backend}': unset it."
        )
    return keras


def import_openvino() -> ModuleType:
    """Import OpenVINO without its telemetry.

    Importing it otherwise writes an identifier into the user's home and reports through Google
    Analytics that it was imported. It does without, as NNCF does, where the package
    ``openvino_telemetry`` is not there: so it is not.

    Returns
    -------
    module
        ``openvino``.

    Raises
    ------
    EmbeddingError
        If it is not installed.
    """
    require("openvino", engine="openvino")
    sys.modules.setdefault("openvino_telemetry", None)
    import openvino

    return openvino
