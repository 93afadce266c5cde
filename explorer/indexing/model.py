"""Which model makes a library's vectors: recorded once, and never mixed with another."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path

from explorer.config import HOP_S
from explorer.embedding.engines import Engine, open_engine
from explorer.embedding.model_weights import Weights, find_weights
from explorer.errors import LibraryError
from explorer.util.progress import DownloadProgress, Reporter

AUTO = "auto"
"""The precision that is measured on a library's own songs."""


@dataclass(frozen=True)
class ModelRequest:
    """What a user asked for; None where they left it open."""

    models_dir: Path
    weights: str | None = None
    hop_s: float | None = None
    precision: str | None = None
    engine: str = "openvino"
    reindex: bool = False


@dataclass(frozen=True)
class Model:
    """What two vectors must share to be comparable."""

    weights: str
    weights_sha256: str
    trained: bool | None
    """None where it is not known."""
    hop_s: float | None
    precision: str
    pooling: str = "max"
    input_repr: str = "mel256"
    content_type: str = "music"
    embedding_size: int = 512

    def record(self) -> dict:
        """Return what songs.db keeps."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: dict) -> Model:
        """Read what songs.db keeps, whatever a later version added."""
        return cls(**{field.name: record[field.name] for field in fields(cls) if field.name in record})

    @classmethod
    def unknown(cls) -> Model:
        """Return what stands for the model of vectors that another program made and did not describe."""
        return cls("unknown", "", trained=None, hop_s=None, precision="unknown", pooling="unknown")

    @property
    def is_known(self) -> bool:
        """Whether it is recorded what made the vectors, so that others can be made like them."""
        return bool(self.weights_sha256)

    def describe(self) -> str:
        """Name what tells models apart, for a message."""
        if not self.is_known:
            return "an unknown model"
        return (
            f"{self.weights} weights {self.weights_sha256[:8]}, hop {self.hop_s:g} s, {self.precision}, "
            f"{self.pooling} pooling"
        )


def is_same_model(recorded: dict | None, model: dict) -> bool:
    """Decide whether vectors of two models, as `Model.record` gives them, can be compared.

    The name of the weights does not matter, their checksum does; what a library has not recorded, because an
    older version made it, counts as the same. None is no model.
    """
    if recorded is None:
        return False
    return all(recorded.get(key, value) == value for key, value in model.items() if key != "weights")


def settle_model(
    recorded: dict | None, request: ModelRequest, *, reporter: Reporter
) -> tuple[Model, Weights]:
    """Decide which model to use: what was asked for, else the library's own, else the defaults.

    The precision of a new library may be left as "auto", for `settle_precision` to decide.

    Raises
    ------
    LibraryError
        If the library was made with another model than the one asked for.
    WeightsError
        If the weights cannot be had.
    """
    before = Model.from_record(recorded) if recorded and not request.reindex else None
    choice = request.weights
    if before is not None and not before.is_known:
        raise LibraryError(
            "This library's vectors were imported, and what made them is not known: add --reindex to embed "
            "its songs again, or choose another file with --db."
        )
    if choice is None and before is not None and not before.trained:
        choice = "untrained"
    weights = find_weights(choice, models_dir=request.models_dir, progress=DownloadProgress(reporter))
    model = Model(
        weights=weights.name,
        weights_sha256=weights.sha256,
        trained=weights.trained,
        hop_s=request.hop_s or (before.hop_s if before else HOP_S),
        precision=_precision(request.precision, before),
    )
    if before is not None:
        refuse_to_mix(before, model)
    return model, weights


def refuse_to_mix(before: Model, asked: Model) -> None:
    """Let nobody put vectors of two models into one library.

    Raises
    ------
    LibraryError
        If the models differ.
    """
    if not is_same_model(before.record(), asked.record()):
        raise LibraryError(
            f"This library was made with {before.describe()}, and {asked.describe()} was asked for: their "
            "vectors cannot be compared, so leave the options out, add --reindex to embed everything again, "
            "or choose another file with --db."
        )


def _precision(asked: str | None, before: Model | None) -> str:
    if asked in (None, AUTO):
        return before.precision if before else AUTO
    return asked


def load_engine(
    model: Model, weights: Weights, request: ModelRequest, *, network: bytes | None = None
) -> Engine:
    """Open the engine that a model runs on.

    Parameters
    ----------
    network : bytes or None
        For int8: what `quantised_network` made.

    Raises
    ------
    EmbeddingError
        If the engine or the precision is unknown, or cannot run here.
    """
    return open_engine(request.engine, weights, precision=model.precision, network=network)
