"""Embeds single files: for their own sake, or so that they can stand beside a library's songs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mutagen
import numpy as np

from explorer.audio.decoding import AudioStream, open_audio
from explorer.database.database import Database
from explorer.embedding.engines import Engine
from explorer.embedding.frontend import SAMPLE_RATE_HZ, timestamps, windows
from explorer.embedding.pooling import pool
from explorer.errors import AudioError, ExplorerError, LibraryError
from explorer.indexing.make_previews import choose_start, window_levels
from explorer.indexing.model import Model, ModelRequest, choose_model, load_engine
from explorer.util.atomic_write import whole_file
from explorer.util.progress import Reporter
from explorer.util.text import readable


@dataclass(frozen=True, eq=False)
class EmbeddedFile:
    """What embedding made of a file.

    Attributes
    ----------
    path : Path
    embedding : np.ndarray [shape=(T, 512), float32]
        One row a window.
    pooled : np.ndarray [shape=(512,), float64]
        As a library keeps it.
    duration_s : float
        Of what was decoded.
    format : str
        Container and codec.
    seconds : float
        How long it took, without loading the model.
    preview_start_s : float
        Where the part begins that is most like the whole.
    """

    path: Path
    embedding: np.ndarray
    pooled: np.ndarray
    duration_s: float
    format: str
    seconds: float
    preview_start_s: float


class Embedder:
    """One engine for any number of files; get one from `open_embedder`.

    Attributes
    ----------
    model : Model
        What makes the vectors: only those of one model can be compared.
    """

    def __init__(self, model: Model, engine: Engine, reporter: Reporter) -> None:
        self.model = model
        self._engine = engine
        self._reporter = reporter

    def embed(self, file: Path) -> EmbeddedFile:
        """Embed a file.

        Raises
        ------
        AudioError, EmbeddingError
            If it cannot be decoded or embedded.
        """
        stream = _open(file)
        started = time.monotonic()
        levels: list[np.ndarray] = []
        with self._reporter.working(f"Embedding {readable(Path(file.name))}") as tell:
            embedding = np.concatenate(list(self._frames(stream, levels, tell)))
        pooled = pool(embedding, method=self.model.pooling)
        preview_start_s = choose_start(
            np.arange(len(embedding)),
            embedding,
            pooled,
            levels_db=np.concatenate(levels),
            hop_s=self.model.hop_s,
            duration_s=stream.duration_s,
        )
        return EmbeddedFile(
            path=file,
            embedding=embedding,
            pooled=pooled,
            duration_s=stream.duration_s,
            format=stream.format,
            seconds=time.monotonic() - started,
            preview_start_s=preview_start_s,
        )

    def _frames(
        self, stream: AudioStream, levels: list[np.ndarray], tell: Callable[[float], None]
    ) -> Iterator[np.ndarray]:
        """Embed batch after batch, and note how loud each window is."""
        expected_s = _claimed_length(stream.path)
        blocks = stream.mono(sample_rate_hz=SAMPLE_RATE_HZ)
        for batch in windows(blocks, hop_s=self.model.hop_s, batch_size=self._engine.batch_size):
            levels.append(window_levels(batch))
            yield self._engine.embed(self._engine.prepare(batch))
            if expected_s > 0:
                tell(min(1.0, stream.duration_s / expected_s))


def open_embedder(*, database: Path | None, request: ModelRequest, reporter: Reporter) -> Embedder:
    """Load a model, for any number of files.

    Parameters
    ----------
    database : Path or None
        The library whose own model is used, so that its vectors and the files' can be compared; None for
        the model that the request describes, in float32 unless that names another precision. No database
        is touched then.
    request : ModelRequest
        What was asked of the model; with a library, what is left open is the library's.
    reporter : Reporter
        Is told of each file's progress.

    Raises
    ------
    LibraryError
        If there is no library, it has no model yet or one that nobody knows, or another model is asked
        for.
    EmbeddingError
        If the weights cannot be had, or the model cannot run here.
    """
    if database is None:
        # One song has no neighbours to measure a faster precision by.
        request = replace(request, precision=request.precision or "float32")
        model, weights = choose_model(None, request, reporter=reporter)
        return Embedder(model, load_engine(model, weights, request), reporter)
    with Database.open_readonly(database) as library:
        recorded, network = library.model(), library.network()
    if recorded is None:
        raise LibraryError(f"{database} holds no song yet: run `python run.py index FOLDER` first.")
    if not recorded.get("weights_sha256"):
        raise LibraryError(
            f"The vectors of {database} were imported, and what made them is unknown: a file cannot be "
            "compared with them."
        )
    model, weights = choose_model(recorded, request, reporter=reporter)
    if model.precision != "int8":
        network = None
    elif network is None:
        raise LibraryError(f"{database} has lost its int8 network: run `python run.py index` again.")
    return Embedder(model, load_engine(model, weights, request, network=network), reporter)


def embed_to_npz(
    files: Iterable[tuple[Path, Path]],
    *,
    request: ModelRequest,
    reporter: Reporter,
    database: Path | None = None,
) -> Iterator[dict]:
    """Write each file's `embedding` (T, 512), `timestamps` (T,) and `pooled` (512,) to an .npz.

    The model is loaded once, when a file is found to be audio.

    Parameters
    ----------
    files : iterable of (Path, Path)
        Each file, and its .npz.
    database : Path or None
        As `open_embedder` has it.

    Yields
    ------
    dict
        `file`, `out`, `format`, `shape`, `windows`, `min`, `max`, `duration_s`, `preview_start_s`,
        `seconds` of work, `seconds_per_audio_second` and the `model`; for a file that cannot be embedded
        its `file` and the `reason`.

    Raises
    ------
    AudioError, EmbeddingError, LibraryError
        If there can be no model, or an .npz cannot be written.
    """
    embedder = None
    for file, out in files:
        try:
            _open(file)
        except AudioError as error:
            yield {"file": readable(file), "reason": str(error)}
            continue
        # Outside of any `try`: without a model none of the others can be embedded either.
        if embedder is None:
            embedder = open_embedder(database=database, request=request, reporter=reporter)
        try:
            embedded = embedder.embed(file)
        except ExplorerError as error:
            yield {"file": readable(file), "reason": str(error)}
        except Exception as error:
            # Whatever a decoder stumbles over costs one file, and not the others.
            reason = f"{readable(file)} cannot be read ({type(error).__name__}: {error})."
            yield {"file": readable(file), "reason": reason}
        else:
            yield _store(embedded, out, embedder.model)


def npz_paths(files: Sequence[Path], out: str | None) -> list[Path]:
    """Decide where each file's .npz goes; no two go to the same place.

    Parameters
    ----------
    out : str or None
        For one file an .npz of any name, or a folder: one that is there, or ends with `/`. For several a
        folder. None for the current folder.

    Raises
    ------
    AudioError
        If several files are to go into one, or one into itself.
    """
    target = Path(out or ".").expanduser()
    names_folder = target.is_dir() or (out or "").endswith(("/", os.sep))
    if not names_folder and len(files) == 1:
        paths = [target]
    elif not names_folder and (target.exists() or target.suffix == ".npz"):
        raise AudioError(f"{len(files)} files cannot all go to {readable(target)}: name a folder with --out.")
    else:
        paths = _free_names(files, target)
    sources = {file.resolve() for file in files}
    for path in paths:
        if path.resolve() in sources:
            raise AudioError(f"{readable(path)} is what is to be embedded: choose another name with --out.")
    return paths


def _free_names(files: Sequence[Path], folder: Path) -> list[Path]:
    taken: set[str] = set()
    paths = []
    for file in files:
        name, number = f"{file.stem}.npz", 1
        # Case aside: not every file system tells a.npz from A.npz.
        while name.casefold() in taken:
            number += 1
            name = f"{file.stem} ({number}).npz"
        taken.add(name.casefold())
        paths.append(folder / name)
    return paths


def _open(file: Path) -> AudioStream:
    if file.is_dir():
        raise AudioError(
            f"{readable(file)} is a folder: name files, or run `python run.py index FOLDER` for all of it."
        )
    return open_audio(file)


def _store(embedded: EmbeddedFile, out: Path, model: Model) -> dict:
    """Write an .npz, and describe what is in it."""
    embedding = embedded.embedding
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(out) as part, part.open("wb") as target:
            np.savez(
                target,
                embedding=embedding,
                timestamps=timestamps(len(embedding), hop_s=model.hop_s),
                pooled=embedded.pooled,
            )
    except OSError as error:
        raise AudioError(f"{readable(out)} cannot be written: {error.strerror}.") from error
    return {
        "file": readable(embedded.path),
        "out": readable(out),
        "format": embedded.format,
        "shape": list(embedding.shape),
        "windows": len(embedding),
        "min": float(embedding.min()),
        "max": float(embedding.max()),
        "duration_s": embedded.duration_s,
        "preview_start_s": embedded.preview_start_s,
        "seconds": round(embedded.seconds, 3),
        "seconds_per_audio_second": round(embedded.seconds / embedded.duration_s, 4),
        "model": model.record(),
    }


def _claimed_length(path: Path) -> float:
    """Return how many seconds a file says that it is long: good enough for a bar of progress."""
    try:
        return float(mutagen.File(path).info.length)
    except Exception:
        # Damaged tags raise whatever the parser stumbles over, and the sound may be whole.
        return 0.0
