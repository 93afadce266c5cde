"""How a worker embeds a batch: with the code that a single machine uses, so the vectors are the same."""

from __future__ import annotations

import threading
from pathlib import Path

from explorer.embedding.engines import Engine, open_engine
from explorer.embedding.openvino_engine import native_precisions
from explorer.errors import ClusterError, ExplorerError
from explorer.indexing.cluster.fingerprint_set import KnownSounds
from explorer.indexing.cluster.worker_plugin import Answer, Kit, program_digest
from explorer.indexing.local import embed_here
from explorer.indexing.outcomes import Failed, Outcome
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath, as_root, is_there

kits: dict[str, Kit] = {}
"""This worker's kits, one for each library."""

_turn = threading.Lock()
"""A process embeds one batch at a time, however many threads it has: the network takes all cores."""


def embed_files(kit: Kit, files: list[ScannedFile]) -> Answer:
    """Embed files; list apart those that do not exist, because this worker may lack the folder itself.

    Raises
    ------
    ClusterError
        If this worker cannot: the rest of a sentence that begins with its name.
    """
    with _turn:
        if kit.stop.is_set():
            return Answer()
        try:
            root = _reachable(kit.root)
            unseen = [file for file in files if not is_there(root / file.native)]
            outcomes = _embed(kit, root, [file for file in files if file not in unseen])
            failed = [outcome.file for outcome in outcomes if isinstance(outcome, Failed)]
            unseen += [file for file in failed if not is_there(root / file.native)]
        except ClusterError:
            raise
        except (ExplorerError, OSError) as error:
            raise ClusterError(f"cannot embed: {error}") from error
    return Answer([outcome for outcome in outcomes if outcome.file not in unseen], unseen)


def check_fitness(kit: Kit) -> None:
    """Refuse a kit with which this worker could not make the same vectors as the others.

    Raises
    ------
    ClusterError
        If it cannot, or does not see the files: the rest of a sentence that begins with this worker's name.
    """
    if program_digest() != kit.program:
        raise ClusterError("runs another version of this program: bring both to the same one.")
    if kit.content_digest() != kit.checksum:
        raise ClusterError("has got weights that were changed on the way: check its memory and network.")
    precision = kit.model.precision
    if kit.engine == "openvino" and precision not in native_precisions():
        raise ClusterError(
            f"has a processor without {precision}, which makes this library's vectors: leave it out, or "
            "index with --precision float32 --reindex."
        )
    _reachable(kit.root)


def _embed(kit: Kit, root: Path | RemotePath, files: list[ScannedFile]) -> list[Outcome]:
    engine, known = _opened(kit)
    hop_s, pooling = kit.model.hop_s, kit.model.pooling
    return list(
        embed_here(root, files, engine=engine, hop_s=hop_s, pooling=pooling, known=known, stop=kit.stop)
    )


def _opened(kit: Kit) -> tuple[Engine, KnownSounds]:
    """Return a kit's engine and fingerprints, made once and freed with it."""
    if not hasattr(kit, "opened"):
        engine = open_engine(kit.engine, kit.weights, precision=kit.model.precision, network=kit.network)
        kit.opened = engine, KnownSounds(kit.sounds)
    return kit.opened


def _reachable(root: str) -> Path | RemotePath:
    folder = as_root(root)
    if not is_there(folder):
        raise ClusterError(f"does not see {root}: make it available there under the same name.")
    return folder
