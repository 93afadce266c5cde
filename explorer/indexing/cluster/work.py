"""How a worker embeds a batch: as a single machine does, so that the vectors are the same."""

from __future__ import annotations

import hashlib
import tempfile
import threading
import time
from pathlib import Path

from explorer.embedding.engines import Engine, open_engine
from explorer.embedding.openvino_network import native_precisions
from explorer.embedding.weights import Weights, find_weights_here, untrained_weights
from explorer.errors import ClusterError, ExplorerError
from explorer.indexing.cluster.kit import Answer, Kit, PackedWeights, Recipe, program_digest
from explorer.indexing.embedding_here import embed_here
from explorer.indexing.outcomes import Failed, Outcome
from explorer.library.records import ScannedFile
from explorer.library.remote import RemotePath, as_root, is_there

_turn = threading.Lock()
"""A process embeds one batch at a time, however many threads it has: the network takes all cores."""

_TELLING_S = 0.05
"""The answer to the last batch must have left before a file of this one may bring the process down: else
the wrong one would be suspected."""

_engines: dict[tuple, Engine] = {}


def embed_files(kit: Kit, files: list[ScannedFile], stop: threading.Event) -> Answer:
    """Embed files; those that are not there are told apart, because the folder itself may be missing here.

    Raises
    ------
    ClusterError
        If this worker cannot: the rest of a sentence that begins with its name.
    """
    with _turn:
        time.sleep(_TELLING_S)
        if stop.is_set():
            return Answer()
        try:
            engine = _engine(kit.recipe)
            root = _reachable(kit.root)
            unseen = [file for file in files if not is_there(root / file.native)]
            there = [file for file in files if file not in unseen]
            outcomes = _embed(engine, kit, root, there, stop)
            failed = [outcome.file for outcome in outcomes if isinstance(outcome, Failed)]
            unseen += [file for file in failed if not is_there(root / file.native)]
        except ClusterError:
            raise
        except (ExplorerError, OSError) as error:
            raise ClusterError(f"cannot embed: {error}") from error
    return Answer([outcome for outcome in outcomes if outcome.file not in unseen], unseen)


def check_fitness(kit: Kit) -> None:
    """Refuse what cannot make the same vectors as the others, or does not see the files.

    Raises
    ------
    ClusterError
        The rest of a sentence that begins with this worker's name.
    """
    recipe = kit.recipe
    if program_digest() != recipe.program:
        raise ClusterError("runs another version of this program: bring both to the same one.")
    if recipe.engine == "openvino" and recipe.precision not in native_precisions():
        raise ClusterError(
            f"has a processor without {recipe.precision}, which makes this library's vectors: leave it "
            "out, or index with --precision float32 --reindex."
        )
    _reachable(kit.root)


def _embed(
    engine: Engine, kit: Kit, root: Path | RemotePath, files: list[ScannedFile], stop: threading.Event
) -> list[Outcome]:
    hop_s, pooling = kit.recipe.hop_s, kit.recipe.pooling
    return list(
        embed_here(root, files, engine=engine, hop_s=hop_s, pooling=pooling, known=kit.known, stop=stop)
    )


def _reachable(root: str) -> Path | RemotePath:
    folder = as_root(root)
    if not is_there(folder):
        raise ClusterError(f"does not see {root}: make it available there under the same name.")
    return folder


def _engine(recipe: Recipe) -> Engine:
    """Return the engine that makes a run's vectors, opened once for all batches."""
    network = recipe.network and hashlib.sha256(recipe.network).hexdigest()
    key = (recipe.engine, recipe.precision, recipe.weights.sha256, network)
    if key not in _engines:
        # One run's at a time: each takes hundreds of megabytes.
        _engines.clear()
        _engines[key] = open_engine(
            recipe.engine,
            unpack_weights(recipe.weights),
            precision=recipe.precision,
            network=recipe.network,
        )
    return _engines[key]


def pack_weights(weights: Weights) -> PackedWeights:
    """Make weights ready for sending."""
    if weights.path is None:
        return PackedWeights(weights.sha256)
    return PackedWeights(weights.sha256, weights.path.name, weights.path.read_bytes())


def unpack_weights(packed: PackedWeights) -> Weights:
    """Read weights that were sent.

    Raises
    ------
    ClusterError
        If they are not the ones that were meant: the rest of a sentence that begins with the worker's name.
    WeightsError
        If they are damaged.
    """
    if packed.file_name:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / packed.file_name
            path.write_bytes(packed.content)
            weights = find_weights_here(path, models_dir=Path(folder))
    else:
        weights = untrained_weights()
    if weights.sha256 != packed.sha256:
        raise ClusterError(
            f"has got weights of the SHA-256 {weights.sha256[:8]} instead of {packed.sha256[:8]}: they were "
            "changed on the way, or its NumPy is another."
        )
    return weights
