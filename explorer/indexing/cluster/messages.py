"""The data that the index run and the workers of a Dask cluster exchange.

When a worker joins a run, it receives a `WorkerSetup`: the weights (about 19 MB), the model, the known
fingerprints and the folder. After that, each task carries only a list of files (`ScannedFile`), and the
worker answers with a `BatchResult`.

The scheduler also imports this module, so it must not import engines or Dask.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.indexing.outcomes import Outcome
from explorer.library.music_file import ScannedFile

if TYPE_CHECKING:
    from explorer.embedding.model_weights import Weights
    from explorer.indexing.model import Model


@dataclass
class WorkerSetup:
    """Everything, except the files, that a worker needs to make the same vectors as the other workers.

    Attributes
    ----------
    library, run : str
        Identify the library, and the run: several libraries may be indexed on one cluster.
    root : str
        The folder or URL that the files' paths are relative to. Workers must see it under the same path.
    program : str
        As `program_digest` gives it.
    engine : str
        One of `engines.ENGINES`.
    network : bytes or None
        For int8: the network that was calibrated on the library's songs.
    known : bytes
        The library's fingerprints, as `fingerprint_set.pack` gives them.
    video : bool
        Whether files may hold moving pictures; otherwise, such a file fails.
    checksum : str
        The value of `content_digest` before the setup was sent.
    stop : threading.Event or None
        The worker makes it; when it is set, the worker begins no other file.
    """

    library: str
    run: str
    root: str
    program: str
    engine: str
    model: Model
    weights: Weights = field(repr=False)
    network: bytes | None = field(repr=False)
    known: bytes = field(repr=False)
    video: bool = True
    checksum: str = ""
    stop: threading.Event | None = None

    def content_digest(self) -> str:
        """Return the SHA-256 of the weights, the network and the fingerprints."""
        digest = hashlib.sha256()
        for part in (*self.weights.arrays, self.network or b"", self.known):
            digest.update(part)
        return digest.hexdigest()


@dataclass(frozen=True)
class BatchResult:
    """A worker's answer to a batch of files.

    Attributes
    ----------
    outcomes : list of Outcome
        The outcome of each file in the batch that exists; fewer if the run is being stopped.
    missing : list of ScannedFile
        Files that do not exist on this worker.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    missing: list[ScannedFile] = field(default_factory=list)


def program_digest() -> str:
    """Return the SHA-256 of the code that makes vectors, tags and fingerprints from files."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    for folder in ("audio", "embedding", "indexing", "library", "structure"):
        for path in sorted((package / folder).glob("*.*py")):
            digest.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
