"""Describes the model that makes a library's vectors; it is recorded once, and models are never mixed."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from explorer.config import HOP_S
from explorer.embedding.model_weights import Weights
from explorer.embedding.proven_weights import find_proven_weights
from explorer.errors import LibraryError
from explorer.util.progress import DownloadProgress, Reporter

AUTO = "auto"
"""The precision is still to be measured on the library's own songs."""


@dataclass(frozen=True)
class ModelRequest:
    """The model that a user asked for. None means: the library's own, else the default."""

    models_dir: Path
    weights: str | None = None
    hop_s: float | None = None
    precision: str | None = None
    engine: str = "openvino"
    reindex: bool = False


@dataclass(frozen=True)
class Model:
    """Everything that must be equal for two vectors to be comparable."""

    weights: str
    weights_sha256: str
    trained: bool | None
    """None if unknown."""
    hop_s: float | None
    precision: str
    pooling: str = "max"
    input_repr: str = "mel256"
    content_type: str = "music"
    embedding_size: int = 512
    openl3: bool | None = None
    """Whether the weights are OpenL3's, by their checksum or by what they compute; None if unknown."""

    def record(self) -> dict:
        """Return the model as songs.db stores it."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict) -> Model:
        """Read a record of songs.db; keys that a later version added are ignored."""
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})

    @classmethod
    def unknown(cls) -> Model:
        """Return the model of imported vectors: nothing records how they were made."""
        return cls("unknown", "", trained=None, hop_s=None, precision="unknown", pooling="unknown")

    @property
    def is_known(self) -> bool:
        """Whether more vectors can be made with this model."""
        return bool(self.weights_sha256)

    def describe(self) -> str:
        """Describe the model for a message, with every value in which two models can differ."""
        if not self.is_known:
            return "an unknown model"
        return (
            f"{self.weights} weights {self.weights_sha256[:8]}, hop {self.hop_s:g} s, {self.precision}, "
            f"{self.pooling} pooling"
        )


def is_same_model(recorded: dict | None, model: dict) -> bool:
    """Decide whether the vectors of two models can be compared.

    Parameters
    ----------
    recorded, model : dict
        As `Model.record` gives them. Weights are compared by checksum, not by name. A key that `recorded`
        lacks, because an older version wrote it, counts as equal. None means that no model is recorded.
    """
    if recorded is None:
        return False
    # The checksum decides; the weights' name and the result of their check can change.
    compared = {key: value for key, value in model.items() if key not in ("weights", "openl3")}
    return all(recorded.get(key, value) == value for key, value in compared.items())


def choose_model(
    recorded: dict | None, request: ModelRequest, *, reporter: Reporter
) -> tuple[Model, Weights]:
    """Choose the model: what the user asked for, else the library's own, else the defaults.

    The precision of a new library can stay "auto"; `choose_engine` decides it.

    Raises
    ------
    LibraryError
        If the library was made with another model than the one asked for.
    WeightsError
        If the weights cannot be found or downloaded, or are not OpenL3's although they should be.
    """
    own = Model.from_record(recorded) if recorded and not request.reindex else None
    choice = request.weights
    if own is not None and not own.is_known:
        raise LibraryError(
            "This library's vectors were imported, and the model that made them is unknown: add --reindex to "
            "embed its songs again, or choose another file with --db."
        )
    if choice is None and own is not None and not own.trained:
        choice = "untrained"
    weights, is_openl3 = find_proven_weights(
        choice, models_dir=request.models_dir, say=reporter.say, progress=DownloadProgress(reporter)
    )
    precision = request.precision
    if precision in (None, AUTO):
        precision = own.precision if own else AUTO
    model = Model(
        weights=weights.name,
        weights_sha256=weights.sha256,
        trained=weights.trained,
        hop_s=request.hop_s or (own.hop_s if own else HOP_S),
        precision=precision,
        openl3=is_openl3,
    )
    if own is not None:
        refuse_to_mix(own, model)
    return model, weights


def refuse_to_mix(own: Model, requested: Model) -> None:
    """Raise if the vectors of a requested model cannot be compared with a library's own.

    Raises
    ------
    LibraryError
        If the models differ.
    """
    if not is_same_model(own.record(), requested.record()):
        raise LibraryError(
            f"This library was made with {own.describe()}, but {requested.describe()} was asked for. "
            "Vectors of two models cannot be compared: use the library's own --weights, --hop and "
            "--precision, add --reindex to embed everything again, or choose another file with --db."
        )
