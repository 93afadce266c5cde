"""Settles a library's precision on its own songs, and opens the engine that computes in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from explorer.audio.decoder import Decoder
from explorer.config import HOP_S
from explorer.database.database import Database
from explorer.embedding.engines import PRECISIONS, Engine, quantised_network
from explorer.embedding.frontend import SAMPLE_RATE_HZ, windows
from explorer.embedding.model_weights import Weights
from explorer.embedding.openvino_engine import native_precisions
from explorer.embedding.precision import (
    MAX_SONGS,
    MIN_SONGS,
    WINDOWS_PER_SONG,
    Choice,
    choose_precision,
    describe_choice,
)
from explorer.errors import EmbeddingError
from explorer.indexing.model import AUTO, Model, ModelRequest, is_same_model, load_engine, refuse_to_mix
from explorer.library.music_file import ScannedFile
from explorer.util.progress import Reporter

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
    LibraryError
        If another program has meanwhile begun the library with another model.
    """
    if model.precision != AUTO and model.precision not in QUANTISED.get(request.engine, ()):
        engine = load_engine(model, weights, request)
        _suggest_auto(database, model, len(files), reporter)
        refuse_to_mix(Model.from_record(database.claim_model(model.record())), model)
        return engine
    network = database.network()
    if model.precision == "int8" and network is not None:
        try:
            return load_engine(model, weights, request, network=network)
        except EmbeddingError as error:
            reporter.say(f"{error} It is calibrated again.")
    trials = _Trials(model, weights, request, root, files, reporter)
    settled = trials.settle()
    quantised = trials.network if settled.precision == "int8" else None
    record = database.claim_model(settled.record(), trial=trials.scores, network=quantised, damaged=network)
    recorded = Model.from_record(record)
    if is_same_model(record, settled.record()) and (quantised is None or database.network() == quantised):
        return trials.open(settled.precision)
    # Another program has settled it while this one measured.
    if model.precision == AUTO:
        model = replace(model, precision=recorded.precision)
    refuse_to_mix(recorded, model)
    return settle_precision(database, model, weights, request, root=root, files=files, reporter=reporter)


@dataclass
class _Trials:
    """The precisions of one engine, opened and tried on some songs of one library."""

    model: Model
    weights: Weights
    request: ModelRequest
    root: Path
    files: list[ScannedFile]
    reporter: Reporter
    songs: list[np.ndarray] = field(default_factory=list)
    """Windows of each song that is tried, as the engine wants them."""
    network: bytes | None = None
    scores: dict | None = None
    """What songs.db is to keep of a choice."""

    def __post_init__(self) -> None:
        self.exact = load_engine(replace(self.model, precision="float32"), self.weights, self.request)

    def settle(self) -> Model:
        """Choose, or calibrate what was chosen."""
        if self.model.precision == "int8":
            self.songs = self._sample()
            self.open("int8")
            return self.model
        choice = self._choose()
        self.scores = choice.record()
        self.reporter.say(f"Precision: {describe_choice(self.scores)}")
        return replace(self.model, precision=choice.precision)

    def _choose(self) -> Choice:
        candidates = candidate_precisions(self.request.engine)
        if not candidates:
            return _only_float32(self.request.engine)
        if len(self.files) >= MIN_SONGS:
            self.songs = self._sample()
        total = len(self.songs) * (1 + len(candidates))
        if len(self.songs) < MIN_SONGS:
            return choose_precision(self.songs, candidates, self.open)
        with self.reporter.counting("Measuring precisions, once", total=total, unit="trials") as counter:
            return choose_precision(
                self.songs, candidates, self.open, pooling=self.model.pooling, progress=counter.advance
            )

    def open(self, precision: str) -> Engine:
        """Open the engine of a precision, calibrating int8 first."""
        if precision == "float32":
            return self.exact
        if precision == "int8" and self.network is None:
            self.network = self._quantise()
        model = replace(self.model, precision=precision)
        return load_engine(model, self.weights, self.request, network=self.network)

    def _quantise(self) -> bytes:
        if not self.songs:
            raise EmbeddingError(
                "Precision int8 is calibrated on songs, and none could be decoded: choose float32."
            )
        every = np.concatenate(self.songs)
        chosen = every[_evenly(len(every), CALIBRATION_WINDOWS)]
        return quantised_network(self.weights, chosen)

    def _sample(self) -> list[np.ndarray]:
        """Prepare windows of songs from all over the library; files that cannot be read are passed over."""
        sampled: list[np.ndarray] = []
        order = np.random.RandomState(SEED).permutation(len(self.files))
        wanted = min(MAX_SONGS, len(self.files))
        with self.reporter.counting("Sampling songs", total=wanted) as counter, Decoder() as decoder:
            for index in order[: 2 * MAX_SONGS]:
                song = self._windows_of(self.root / self.files[index].native, decoder)
                if song is not None:
                    sampled.append(song)
                    counter.advance()
                if len(sampled) == wanted:
                    break
        return sampled

    def _windows_of(self, path: Path, decoder: Decoder) -> np.ndarray | None:
        hop_s = max(self.model.hop_s, HOP_S)
        try:
            n_windows = max(WINDOWS_PER_SONG, int(SAMPLED_S / hop_s))
            # A little more than is looked at: what ends there would end with a window of zeros.
            sound = decoder.sound(path, rate_hz=SAMPLE_RATE_HZ, seconds=n_windows * hop_s + 2.0)
            rows = windows(sound.blocks(), hop_s=hop_s, batch_size=1)
            first = list(rows)[:n_windows]
            chosen = [first[index] for index in _evenly(len(first), WINDOWS_PER_SONG)]
            return self.exact.prepare(np.concatenate(chosen))
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
