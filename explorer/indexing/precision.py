"""Settles a library's precision on its own songs, and opens the engine that computes in it."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from explorer.audio.decoding import open_audio
from explorer.embedding.engines import PRECISIONS, Engine, quantised_network
from explorer.embedding.frontend import SAMPLE_RATE_HZ, windows
from explorer.embedding.openvino_network import native_precisions
from explorer.embedding.precision import (
    MAX_SONGS,
    MIN_SONGS,
    WINDOWS_PER_SONG,
    Choice,
    Trial,
    choose_precision,
)
from explorer.embedding.weights import Weights
from explorer.errors import EmbeddingError
from explorer.indexing.model import AUTO, Model, ModelRequest, load_engine
from explorer.library.database import Database
from explorer.library.records import ScannedFile
from explorer.progress import Reporter

SAMPLED_S = 30.0
"""How far into a song windows are taken from: far enough to pass its intro."""

QUANTISED = {"openvino": ("int8",)}
"""What an engine has to calibrate on songs first."""

CALIBRATION_WINDOWS = 64
SEED = 64


def settle_precision(
    database: Database,
    model: Model,
    weights: Weights,
    request: ModelRequest,
    *,
    root: Path,
    files: list[ScannedFile],
    reporter: Reporter,
) -> Engine:
    """Decide the precision where the model leaves it open, record the model, and open its engine.

    Parameters
    ----------
    model : Model
        As `settle_model` gives it; where its precision is "auto", each that the engine and the
        processor have is measured on up to 64 of `files`, and the fastest that keeps float32's
        neighbours is taken. An int8 network is calibrated on windows of them and kept in songs.db.
    root : Path
        What the files' paths are relative to.

    Returns
    -------
    Engine

    Raises
    ------
    EmbeddingError
        If the engine or the precision cannot run here.
    """
    if model.precision != AUTO and model.precision not in QUANTISED.get(request.engine, ()):
        engine = load_engine(model, weights, request)
        _suggest_auto(database, model, len(files), reporter)
        database.set_model(model.record())
        return engine
    network = database.network()
    if model.precision == "int8" and network is not None:
        try:
            return load_engine(model, weights, request, network=network)
        except EmbeddingError as error:
            reporter.say(f"{error} It is calibrated again.")
    return _Trials(database, model, weights, request, root, files, reporter).settle()


class _Trials:
    """The precisions of one engine, opened and tried on some songs of one library."""

    def __init__(
        self,
        database: Database,
        model: Model,
        weights: Weights,
        request: ModelRequest,
        root: Path,
        files: list[ScannedFile],
        reporter: Reporter,
    ) -> None:
        self._database, self._reporter = database, reporter
        self._model, self._weights, self._request = model, weights, request
        self._root, self._files = root, files
        self._exact = load_engine(replace(model, precision="float32"), weights, request)
        self._songs: list[np.ndarray] = []
        self._network: bytes | None = None

    def settle(self) -> Engine:
        """Choose, record and open."""
        if self._model.precision == "int8":
            self._songs = self._sample()
            engine = self._open("int8")
            self._database.set_model(self._model.record(), network=self._network)
            return engine
        choice = self._choose()
        self._reporter.say(f"Precision: {describe_choice(choice.record())}")
        model = replace(self._model, precision=choice.precision)
        network = self._network if choice.precision == "int8" else None
        self._database.set_model(model.record(), trial=choice.record(), network=network)
        return self._open(choice.precision)

    def _choose(self) -> Choice:
        candidates = candidate_precisions(self._request.engine)
        if not candidates:
            return _only_float32(self._request.engine)
        if len(self._files) >= MIN_SONGS:
            self._songs = self._sample()
        total = len(self._songs) * (1 + len(candidates))
        if len(self._songs) < MIN_SONGS:
            return choose_precision(self._songs, candidates, self._open)
        with self._reporter.counting("Measuring precisions, once", total=total, unit="trials") as counter:
            return choose_precision(
                self._songs, candidates, self._open, pooling=self._model.pooling, progress=counter.advance
            )

    def _open(self, precision: str) -> Engine:
        if precision == "float32":
            return self._exact
        if precision == "int8" and self._network is None:
            self._network = self._quantise()
        model = replace(self._model, precision=precision)
        return load_engine(model, self._weights, self._request, network=self._network)

    def _quantise(self) -> bytes:
        if not self._songs:
            raise EmbeddingError(
                "Precision int8 is calibrated on songs, and none could be decoded: choose float32."
            )
        every = np.concatenate(self._songs)
        chosen = every[_evenly(len(every), CALIBRATION_WINDOWS)]
        return quantised_network(self._weights, chosen, cache_dir=self._request.models_dir)

    def _sample(self) -> list[np.ndarray]:
        """Prepare windows of songs from all over the library; files that cannot be read are passed over."""
        sampled: list[np.ndarray] = []
        order = np.random.RandomState(SEED).permutation(len(self._files))
        wanted = min(MAX_SONGS, len(self._files))
        with self._reporter.counting("Sampling songs", total=wanted) as counter:
            for index in order[: 2 * MAX_SONGS]:
                song = self._windows_of(self._root / self._files[index].native)
                if song is not None:
                    sampled.append(song)
                    counter.advance()
                if len(sampled) == wanted:
                    break
        return sampled

    def _windows_of(self, path: Path) -> np.ndarray | None:
        hop_s = self._model.hop_s
        try:
            blocks = open_audio(path).mono(sample_rate_hz=SAMPLE_RATE_HZ)
            rows = windows(blocks, hop_s=hop_s, batch_size=1)
            first = list(islice(rows, max(WINDOWS_PER_SONG, int(SAMPLED_S / hop_s))))
            chosen = [first[index] for index in _evenly(len(first), WINDOWS_PER_SONG)]
            return self._exact.prepare(np.concatenate(chosen))
        except Exception:
            # The indexer will meet the file again, and record what is wrong with it.
            return None


def candidate_precisions(engine: str) -> tuple[str, ...]:
    """List what there is to try on this machine beside float32."""
    others = PRECISIONS[engine][1:]
    return tuple(name for name in others if name in native_precisions()) if engine == "openvino" else others


def _only_float32(engine: str) -> Choice:
    where = "processor" if engine == "openvino" else f"{engine} engine"
    return Choice("float32", 0, 0, (), f"the {where} has neither bfloat16 nor int8")


def _evenly(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int))


def _suggest_auto(database: Database, model: Model, n_files: int, reporter: Reporter) -> None:
    """Tell who began with a handful of songs that a faster precision was never tried."""
    trial = database.precision_trial()
    if model.precision == "float32" and trial and trial["songs"] < MIN_SONGS <= n_files:
        reporter.say(
            "This library stays with float32, taken when it had too few songs to measure anything faster on: "
            "add --precision auto --reindex to measure now."
        )


def describe_choice(choice: dict) -> str:
    """Say in a line which precision was taken, of a `Choice.record()`, and how each did."""
    if not choice["trials"]:
        return f"{choice['precision']}, because {choice['reason']}."
    exact_ms = choice["trials"][0]["ms_per_window"]
    told = [f"float32 {exact_ms:.1f} ms a window"]
    told += [_describe_trial(Trial(**trial), exact_ms) for trial in choice["trials"][1:]]
    songs = f"{choice['windows']} windows of {choice['songs']} songs"
    return f"{choice['precision']}, measured on {songs} ({'; '.join(told)})."


def _describe_trial(trial: Trial, exact_ms: float) -> str:
    if trial.ms_per_window is None:
        return f"{trial.precision}: {trial.problem}"
    speedup = exact_ms / trial.ms_per_window
    told = f"{trial.precision} {speedup:.1f} times as fast, least cosine {trial.cosine:.5f}"
    told += f", {trial.neighbours_kept:.1%} of neighbours kept"
    return f"{told}, refused" if trial.problem else told
