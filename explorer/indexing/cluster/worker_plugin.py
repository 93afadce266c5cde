"""What each worker is sent once a run, and what the coordinator calls on workers.

The scheduler imports this module too, so it imports little. What embeds is imported on the worker.
"""

from __future__ import annotations

import asyncio
import hashlib
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ClusterError
from explorer.indexing.outcomes import Outcome
from explorer.library.music_file import ScannedFile

if TYPE_CHECKING:
    from explorer.embedding.model_weights import Weights
    from explorer.indexing.model import Model

CHECKING_S = 60.0
"""How long a worker may look for the folder: a network drive that hangs would block it for ever."""


@dataclass
class Kit:
    """Everything that a worker needs to make the same vectors as the others; only the files are missing.

    Attributes
    ----------
    library, run : str
        Tell apart what is indexed on the same cluster, and the runs of one library.
    root : str
        The folder or URL that the files' paths are relative to.
    program : str
        As `program_digest` gives it.
    engine : str
        One of `engines.ENGINES`.
    network : bytes or None
        For int8: the network that was quantised on the library's songs.
    sounds : bytes
        The library's fingerprints, as `sounds.pack` gives them.
    checksum : str
        What `content_digest` returned before the kit was sent.
    stop : threading.Event or None
        Made on the worker; once it is set no other file is begun.
    """

    library: str
    run: str
    root: str
    program: str
    engine: str
    model: Model
    weights: Weights = field(repr=False)
    network: bytes | None = field(repr=False)
    sounds: bytes = field(repr=False)
    checksum: str = ""
    stop: threading.Event | None = None

    def content_digest(self) -> str:
        """Return the SHA-256 of the weights, the network and the fingerprints."""
        digest = hashlib.sha256()
        for part in (*self.weights.arrays, self.network or b"", self.sounds):
            digest.update(part)
        return digest.hexdigest()


@dataclass(frozen=True)
class Answer:
    """What became of a batch.

    Attributes
    ----------
    outcomes : list of Outcome
        Of the files that were done: all of them, unless the run is being stopped.
    unseen : list of ScannedFile
        Files that do not exist as this worker sees the folder.
    """

    outcomes: list[Outcome] = field(default_factory=list)
    unseen: list[ScannedFile] = field(default_factory=list)


def embed_batch(library: str, run: str, files: list[ScannedFile]) -> Answer | None:
    """Embed a batch of files: the one task that is submitted.

    Returns
    -------
    Answer or None
        None if this worker has no kit of this run: it was started again under the same address.

    Raises
    ------
    ClusterError
        If this worker cannot do the work: the rest of a sentence that begins with its name.
    """
    from explorer.indexing.cluster.worker import embed_files, kits

    kit = kits.get(library)
    return embed_files(kit, files) if kit and kit.run == run else None


async def receive_kit(kit: Kit) -> None:
    """Keep a kit on a worker, in the place of an earlier run's.

    Raises
    ------
    ClusterError
        If this worker cannot do the work: the rest of a sentence that begins with its name.
    """
    from explorer.indexing.cluster.worker import check_fitness, kits

    try:
        await asyncio.wait_for(asyncio.to_thread(check_fitness, kit), CHECKING_S)
    except TimeoutError as error:
        raise ClusterError(f"waits in vain for {kit.root}: check that folder there.") from error
    before = kits.get(kit.library)
    if before is None or before.run != kit.run:
        kit.stop = threading.Event()
        kits[kit.library] = kit
        if before:
            # Its coordinator was killed.
            before.stop.set()


def drop_kit(library: str, run: str) -> None:
    """Forget a kit on a worker; a batch in hand ends after the file in hand."""
    from explorer.indexing.cluster.worker import kits

    if (kit := kits.get(library)) and kit.run == run:
        kit.stop.set()
        del kits[library]


def program_digest() -> str:
    """Return the SHA-256 of the code that makes vectors out of files."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    for folder in ("audio", "embedding"):
        for path in sorted((package / folder).glob("*.py")):
            digest.update(path.name.encode() + path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()
