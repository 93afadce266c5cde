"""Embeds single audio files, without storing them in a library."""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from explorer.audio.channels import cancelled_note
from explorer.audio.decoder import Decoder, Sound
from explorer.database.database import Database
from explorer.embedding.engines import Engine, open_engine
from explorer.embedding.frontend import timestamps, windows
from explorer.embedding.pooling import pool
from explorer.embedding.window_grid import SAMPLE_RATE_HZ, choose_windows
from explorer.errors import AudioError, EmbeddingError, ExplorerError, LibraryError
from explorer.indexing.make_previews import choose_start, window_levels
from explorer.indexing.model import Model, ModelRequest, choose_model
from explorer.library.music_file import WHOLE, Part
from explorer.util.atomic_write import atomic_write
from explorer.util.commands import command_line
from explorer.util.progress import Reporter
from explorer.util.text import valid_text


@dataclass(frozen=True, eq=False)
class EmbeddedFile:
    """A file's embedding.

    Attributes
    ----------
    path : Path
    embedding : np.ndarray [shape=(T, 512), float32]
        One row per window.
    pooled : np.ndarray [shape=(512,), float64]
        The pooled vector of all windows, as a library stores it.
    coarse : np.ndarray [shape=(512,), float64] or None
        `vector` of a few windows, if the library showed coarse vectors when it was opened.
    duration_s : float
        The duration of the decoded audio.
    format : str
        Container and codec.
    seconds : float
        How long decoding and embedding took, without loading the model.
    preview_start_s : float
        Where a preview of the file starts.
    note : str
        A sentence about what was unusual about the sound; usually empty.
    pooling : {"max", "mean"}
        The model's.
    """

    path: Path
    embedding: np.ndarray
    pooled: np.ndarray
    duration_s: float
    format: str
    seconds: float
    preview_start_s: float
    note: str
    pooling: str
    coarse: np.ndarray | None = None

    def vector(self, coarse_windows: int | None) -> np.ndarray:
        """Return the vector to compare with those that a library shows [shape=(512,), float64].

        Parameters
        ----------
        coarse_windows : int or None
            `Database.coarse_windows` of the snapshot with which the vector is compared: an index run may
            have changed which vectors are shown since the file was embedded.
        """
        if coarse_windows is None:
            return self.pooled
        chosen = choose_windows(len(self.embedding), count=coarse_windows)
        return pool(self.embedding[chosen], method=self.pooling)


class Embedder:
    """Embeds any number of files with one engine. `open_embedder` makes one.

    Another process decodes the files: one that crashes its decoder, or takes too much memory, fails alone.

    Attributes
    ----------
    model : Model
        The model that makes the vectors.
    """

    def __init__(
        self,
        model: Model,
        engine: Engine,
        reporter: Reporter,
        decoder: Decoder | None,
        *,
        coarse_windows: int | None = None,
    ) -> None:
        self._decoder = decoder or Decoder()
        weakref.finalize(self, self._decoder.close)
        self.model = model
        self._coarse_windows = coarse_windows
        self._engine = engine
        self._reporter = reporter

    def embed(self, file: Path, part: Part = WHOLE) -> EmbeddedFile:
        """Embed a file, or only a part of it.

        Raises
        ------
        AudioError, EmbeddingError
            If it cannot be decoded or embedded.
        """
        started = time.monotonic()
        with self._reporter.working(f"Embedding {valid_text(Path(file.name))}") as report_share:
            try:
                sound, embedding, levels = self._embed(file, part, None, report_share)
                note, channel = sound.note, sound.louder_channel
                if channel is not None and self._engine.name != "openl3":
                    # As in an index run: the average of the channels is nearly silent.
                    sound, embedding, levels = self._embed(file, part, channel, report_share)
                    note = f"{note} {cancelled_note(channel)}".strip()
            except EmbeddingError as error:
                # The network's part of the program does not know the file's name.
                raise EmbeddingError(f"{valid_text(Path(file.name))} cannot be embedded: {error}") from error
        pooled = pool(embedding, method=self.model.pooling)
        preview_start_s = choose_start(
            np.arange(len(embedding)),
            embedding,
            pooled,
            levels_db=levels,
            hop_s=self.model.hop_s,
            duration_s=sound.duration_s,
        )
        embedded = EmbeddedFile(
            path=file,
            embedding=embedding,
            pooled=pooled,
            duration_s=sound.duration_s,
            format=sound.format,
            seconds=time.monotonic() - started,
            preview_start_s=preview_start_s,
            note=note,
            pooling=self.model.pooling,
        )
        if self._coarse_windows is None:
            return embedded
        return replace(embedded, coarse=embedded.vector(self._coarse_windows))

    def _embed(
        self, file: Path, part: Part, channel: int | None, report_share: Callable[[float], None]
    ) -> tuple[Sound, np.ndarray, np.ndarray]:
        """Return a sound, and the embeddings [shape=(T, 512)] and levels [shape=(T,)] of its windows."""
        embeddings, levels = [], []
        for sound in self._decode(file, part, channel):
            for batch in windows(sound.blocks(), hop_s=self.model.hop_s, batch_size=self._engine.batch_size):
                levels.append(window_levels(batch))
                embeddings.append(self._engine.embed(self._engine.prepare(batch)))
                if sound.claimed_s > 0:
                    report_share(min(1.0, sound.duration_s / sound.claimed_s))
        return sound, np.concatenate(embeddings), np.concatenate(levels)

    def _decode(self, file: Path, part: Part, channel: int | None) -> Iterator[Sound]:
        """Yield one sound."""
        if part.track:
            yield from self._decoder.sounds(file, rate_hz=SAMPLE_RATE_HZ, parts={part: channel})
        else:
            yield self._decoder.sound(file, rate_hz=SAMPLE_RATE_HZ, channel=channel)


def open_embedder(
    *, database: Path | None, request: ModelRequest, reporter: Reporter, decoder: Decoder | None = None
) -> Embedder:
    """Load the model for embedding files.

    Parameters
    ----------
    database : Path or None
        The library whose model is used, so that the files' vectors can be compared with its vectors. If it is
        None, no database is opened: the requested model is used, in float32 unless the request names another
        precision.
    request : ModelRequest
        The requested model. Its fields that are None are taken from the library's model.
    reporter : Reporter
        Receives each file's progress.
    decoder : Decoder, optional
        Decodes the files; by default a new one.

    Raises
    ------
    LibraryError
        If there is no library, it has no model or an unknown one, or another model is requested.
    EmbeddingError
        If the weights cannot be found or downloaded, or the model cannot run here.
    """
    if database is None:
        # Measuring a faster precision needs several songs, so the default is float32.
        request = replace(request, precision=request.precision or "float32")
        model, weights = choose_model(None, request, reporter=reporter)
        engine = open_engine(request.engine, weights, precision=model.precision)
        return Embedder(model, engine, reporter, decoder)
    with Database.open_readonly(database) as library:
        recorded, network = library.model(), library.network()
        coarse_windows = library.coarse_windows()
    if recorded is None:
        command = command_line("index FOLDER", database=database)
        raise LibraryError(f"{database} holds no song yet: run `{command}` first.")
    if not recorded.get("weights_sha256"):
        raise LibraryError(
            f"The vectors of {database} were imported, and the model that made them is unknown: files cannot "
            "be compared with them."
        )
    model, weights = choose_model(recorded, request, reporter=reporter)
    if model.precision != "int8":
        network = None
    elif network is None:
        command = command_line("index FOLDER", database=database)
        raise LibraryError(f"{database} has lost its int8 network: run `{command}` again.")
    engine = open_engine(request.engine, weights, precision=model.precision, network=network)
    return Embedder(model, engine, reporter, decoder, coarse_windows=coarse_windows)


def embed_to_npz(
    files: Iterable[tuple[Path, Path]],
    *,
    request: ModelRequest,
    reporter: Reporter,
    database: Path | None = None,
) -> Iterator[dict]:
    """Write the `embedding` (T, 512), `timestamps` (T,) and `pooled` (512,) of each file to an .npz.

    If the library shows coarse vectors, the .npz also has `coarse` (512,), which can be compared with them.
    The model is loaded once, when the first audio file is found.

    Parameters
    ----------
    files : iterable of (Path, Path)
        Each file, and the .npz to write.
    database : Path or None
        As for `open_embedder`.

    Yields
    ------
    dict
        `file`, `out`, `format`, `shape`, `windows`, `min`, `max`, `duration_s`, `preview_start_s`,
        `seconds` (of decoding and embedding), `seconds_per_audio_second` and `model`. For a file that cannot
        be embedded, only `file` and `reason`.

    Raises
    ------
    AudioError, EmbeddingError, LibraryError
        If the model cannot be loaded, or an .npz cannot be written.
    """
    embedder = None
    with Decoder() as decoder:
        for file, out in files:
            try:
                _check(file, decoder)
            except AudioError as error:
                yield {"file": valid_text(file), "reason": str(error)}
                continue
            # Not inside the `try`: if the model cannot be loaded, no file can be embedded.
            if embedder is None:
                embedder = open_embedder(
                    database=database, request=request, reporter=reporter, decoder=decoder
                )
            try:
                embedded = embedder.embed(file)
            except ExplorerError as error:
                yield {"file": valid_text(file), "reason": str(error)}
            except Exception as error:
                # An unexpected error must fail only this file.
                reason = f"{valid_text(file)} cannot be read ({type(error).__name__}: {error})."
                yield {"file": valid_text(file), "reason": reason}
            else:
                yield _store(embedded, out, embedder.model)


def npz_paths(files: Sequence[Path], out: str | None) -> list[Path]:
    """Choose the path of each file's .npz, so that no two are equal.

    Parameters
    ----------
    out : str or None
        A folder: an existing one, or a name that ends with `/`. For one file also an .npz of any name. None
        is the current folder.

    Raises
    ------
    AudioError
        If several files would be written to one .npz.
    """
    target = Path(out or ".").expanduser()
    is_folder = target.is_dir() or (out or "").endswith(("/", os.sep))
    if not is_folder and len(files) == 1:
        paths = [target]
    elif not is_folder and (target.exists() or target.suffix == ".npz"):
        raise AudioError(
            f"{len(files)} files cannot all be written to {valid_text(target)}: name a folder with --out."
        )
    else:
        paths = _distinct_paths(files, target)
    return paths


def _distinct_paths(files: Sequence[Path], folder: Path) -> list[Path]:
    taken: set[str] = set()
    paths = []
    for file in files:
        name, number = f"{file.stem}.npz", 1
        # Some file systems ignore case: a.npz and A.npz are one file there.
        while name.casefold() in taken:
            number += 1
            name = f"{file.stem} ({number}).npz"
        taken.add(name.casefold())
        paths.append(folder / name)
    return paths


def _check(file: Path, decoder: Decoder) -> None:
    """Raise AudioError if a file cannot be opened as sound."""
    if file.is_dir():
        raise AudioError(
            f"{valid_text(file)} is a folder: name files, or run `python run.py index FOLDER` to embed the "
            "whole folder."
        )
    for _ in decoder.sound(file, rate_hz=None, seconds=0).blocks():
        pass


def _store(embedded: EmbeddedFile, out: Path, model: Model) -> dict:
    """Write an .npz, and describe its contents."""
    embedding = embedded.embedding
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as part, part.open("wb") as target:
            np.savez(
                target,
                embedding=embedding,
                timestamps=timestamps(len(embedding), hop_s=model.hop_s),
                pooled=embedded.pooled,
                **({} if embedded.coarse is None else {"coarse": embedded.coarse}),
            )
    except OSError as error:
        raise AudioError(f"{valid_text(out)} cannot be written: {error.strerror}.") from error
    return {
        "file": valid_text(embedded.path),
        "out": valid_text(out),
        "format": embedded.format,
        "shape": list(embedding.shape),
        "windows": len(embedding),
        "min": float(embedding.min()),
        "max": float(embedding.max()),
        "duration_s": embedded.duration_s,
        "preview_start_s": embedded.preview_start_s,
        "note": embedded.note,
        "seconds": round(embedded.seconds, 3),
        "seconds_per_audio_second": round(embedded.seconds / embedded.duration_s, 4),
        "model": model.record(),
    }
