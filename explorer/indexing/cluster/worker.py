"""Embeds a batch of files on a worker. It runs the same code as one machine alone: the vectors are equal."""

from __future__ import annotations

import threading
from pathlib import Path

from explorer.embedding.engines import Engine, open_engine
from explorer.embedding.openvino_engine import native_precisions
from explorer.embedding.song_windows import WindowBasis, WindowCoder
from explorer.errors import ClusterError, ExplorerError
from explorer.indexing.cluster.fingerprint_set import FingerprintSet
from explorer.indexing.cluster.messages import BatchResult, WorkerSetup, program_digest
from explorer.indexing.local import embed_locally
from explorer.indexing.outcomes import Failed, Outcome
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath, as_root, file_exists

setups: dict[str, WorkerSetup] = {}
"""This worker's setups by library."""

_embedding_lock = threading.Lock()
"""A process embeds one batch at a time, even if Dask gives it several threads: the network uses all cores."""


def embed_files(
    setup: WorkerSetup, files: list[ScannedFile], basis: WindowBasis | None = None
) -> BatchResult:
    """Embed files. Return missing files in a list of their own: perhaps only this worker does not see them.

    Parameters
    ----------
    basis : WindowBasis, optional
        The library's final basis of the windows, if it has one.

    Raises
    ------
    ClusterError
        If this worker cannot do the work. The message is the end of a sentence: the caller puts
        `The worker ADDRESS` before it.
    """
    with _embedding_lock:
        if setup.stop.is_set():
            return BatchResult()
        try:
            root = _existing_root(setup.root)
            missing = [file for file in files if not file_exists(root / file.native)]
            outcomes = _embed(setup, root, [file for file in files if file not in missing], basis)
            failed = [outcome.file for outcome in outcomes if isinstance(outcome, Failed)]
            missing += [file for file in failed if not file_exists(root / file.native)]
        except ClusterError:
            raise
        except (ExplorerError, OSError) as error:
            raise ClusterError(f"cannot embed: {error}") from error
    return BatchResult([outcome for outcome in outcomes if outcome.file not in missing], missing)


def check_setup(setup: WorkerSetup) -> None:
    """Check that this worker can use a setup, and would make the same vectors as the other workers.

    Raises
    ------
    ClusterError
        If not, or if it does not see the folder. The message is the end of a sentence: the caller puts
        `The worker ADDRESS` before it.
    """
    if program_digest() != setup.program:
        raise ClusterError("runs another version of this program: install the same version on both machines.")
    if setup.content_digest() != setup.checksum:
        raise ClusterError("received damaged data: check its memory and its network.")
    precision = setup.model.precision
    if setup.engine == "openvino" and precision not in native_precisions():
        raise ClusterError(
            f"has a processor without {precision}, the precision of this library: stop this worker, or "
            "index with --precision float32 --reindex."
        )
    _existing_root(setup.root)


def _embed(
    setup: WorkerSetup, root: Path | RemotePath, files: list[ScannedFile], basis: WindowBasis | None
) -> list[Outcome]:
    engine, known = _opened(setup)
    lists = embed_locally(
        root,
        files,
        model=setup.model,
        engine=engine,
        known=known,
        stop=setup.stop,
        video=setup.video,
        coder=WindowCoder(basis) if setup.keeps_windows else None,
    )
    return [outcome for outcomes in lists for outcome in outcomes]


def _opened(setup: WorkerSetup) -> tuple[Engine, FingerprintSet]:
    """Return a setup's engine and fingerprints. They are made at the first call and stored in the setup."""
    if not hasattr(setup, "opened"):
        engine = open_engine(
            setup.engine, setup.weights, precision=setup.model.precision, network=setup.network
        )
        setup.opened = engine, FingerprintSet(setup.known)
    return setup.opened


def _existing_root(root: str) -> Path | RemotePath:
    folder = as_root(root)
    if not file_exists(folder):
        raise ClusterError(f"does not see {root}: make it available there under the same path.")
    return folder
