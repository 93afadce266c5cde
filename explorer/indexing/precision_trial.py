"""Chooses a library's precision by trying each on the library's own songs, and opens the engine for it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.audio.decoder import Decoder
from explorer.embedding.engines import PRECISIONS, Engine, open_engine, quantised_network
from explorer.embedding.openvino_engine import native_precisions
from explorer.embedding.precision import (
    MAX_SONGS,
    MIN_SONGS,
    WINDOWS_PER_SONG,
    Choice,
    TrialSong,
    choose_precision,
    describe_choice,
)
from explorer.embedding.window_grid import (
    PADDING_SAMPLES,
    SAMPLE_RATE_HZ,
    WINDOW_SAMPLES,
    count_windows,
    hop_samples,
)
from explorer.errors import EmbeddingError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.model import AUTO, Model, is_same_model, refuse_to_mix

SAMPLED_S = 30.0
"""Windows are taken from the middle of a song's first 30 s, which is after most intros."""

MAX_HOP_S = 1.0
"""Windows of a longer hop do not overlap, so a shift by half of it would change all their sound."""

QUANTISED = {"openvino": ("int8",)}
"""Each engine's precisions that must first be calibrated on songs."""

CALIBRATION_WINDOWS = 16
"""Networks calibrated on 64 windows had the same errors, and calibrating them took three times as long."""

SEED = 64


def choose_engine(run: IndexRun) -> Engine:
    """Choose the precision if it is "auto", record the model, and open its engine.

    If the model's precision is "auto", the precisions that the engine and the processor have are measured on
    up to `MAX_SONGS` of the run's files, chosen at random. `choose_precision` takes the fastest one that
    disturbs the neighbours little. An int8 network is calibrated on windows of the same files and stored in
    songs.db.

    `run.model` becomes the recorded model.

    Raises
    ------
    EmbeddingError
        If the engine or the precision cannot run here.
    LibraryError
        If another program has recorded another model for the library in the meantime.
    """
    database, model = run.database, run.model
    if model.precision != AUTO and model.precision not in QUANTISED.get(run.request.engine, ()):
        engine = open_engine(run.request.engine, run.weights, precision=model.precision)
        _suggest_auto(run)
        run.model = Model.from_record(database.claim_model(model.record()))
        refuse_to_mix(run.model, model)
        return engine
    network = database.network()
    if model.precision == "int8" and network is not None:
        try:
            return open_engine(run.request.engine, run.weights, precision="int8", network=network)
        except EmbeddingError as error:
            run.reporter.say(f"{error} It is calibrated again.")
    trials = _Trials(run)
    chosen = trials.choose_model()
    quantised = trials.network if chosen.precision == "int8" else None
    record = database.claim_model(chosen.record(), trial=trials.scores, network=quantised, damaged=network)
    run.model = Model.from_record(record)
    if is_same_model(record, chosen.record()) and (quantised is None or database.network() == quantised):
        return trials.open(chosen.precision)
    # While this program measured, another one has recorded a model or an int8 network: use what it recorded.
    allowed = replace(model, precision=run.model.precision) if model.precision == AUTO else model
    refuse_to_mix(run.model, allowed)
    return choose_engine(run)


class _Trials:
    """Opens one engine in several precisions, and tries them on some of a run's songs.

    Attributes
    ----------
    songs : list of TrialSong
        Windows of each tried song, prepared for the engine.
    network : bytes or None
        The calibrated int8 network.
    scores : dict or None
        The measurements, as songs.db stores them.
    """

    def __init__(self, run: IndexRun) -> None:
        self._run = run
        self._float32 = open_engine(run.request.engine, run.weights, precision="float32")
        self.songs: list[TrialSong] = []
        self.network: bytes | None = None
        self.scores: dict | None = None

    def choose_model(self) -> Model:
        """Return the model with the fastest suitable precision. If int8 was requested, only calibrate it."""
        model = self._run.model
        if model.precision == "int8":
            self.songs = self._sample()
            self.open("int8")
            return model
        choice = self._choose_precision()
        self.scores = choice.record()
        self._run.reporter.say(f"Precision: {describe_choice(self.scores)}")
        return replace(model, precision=choice.precision)

    def _choose_precision(self) -> Choice:
        run = self._run
        candidates = candidate_precisions(run.request.engine)
        if not candidates:
            return _only_float32(run.request.engine)
        if len(run.files) >= MIN_SONGS:
            self.songs = self._sample()
        # float32 also embeds the shifted windows.
        total = len(self.songs) * (2 + len(candidates))
        if len(self.songs) < MIN_SONGS:
            return choose_precision(self.songs, candidates, self.open)
        with run.reporter.counting("Measuring precisions (only once)", total=total, unit="trials") as counter:
            return choose_precision(
                self.songs, candidates, self.open, pooling=run.model.pooling, progress=counter.advance
            )

    def open(self, precision: str) -> Engine:
        """Open the engine in a precision; int8 is calibrated first."""
        if precision == "float32":
            return self._float32
        if precision == "int8" and self.network is None:
            self.network = self._quantise()
        run = self._run
        return open_engine(run.request.engine, run.weights, precision=precision, network=self.network)

    def _quantise(self) -> bytes:
        if not self.songs:
            raise EmbeddingError(
                "Precision int8 is calibrated on songs, and none could be decoded: add --precision float32."
            )
        all_windows = np.concatenate([song.aligned for song in self.songs])
        chosen = all_windows[_evenly_spaced(len(all_windows), CALIBRATION_WINDOWS)]
        return quantised_network(self._run.weights, chosen)

    def _sample(self) -> list[TrialSong]:
        """Prepare windows of randomly chosen songs; files that cannot be read are skipped."""
        files = self._run.files
        songs: list[TrialSong] = []
        order = np.random.RandomState(SEED).permutation(len(files))
        wanted = min(MAX_SONGS, len(files))
        with self._run.reporter.counting("Sampling songs", total=wanted) as counter, Decoder() as decoder:
            for index in order[: 2 * MAX_SONGS]:
                song = self._windows_of(self._run.root / files[index].native, decoder)
                if song is not None:
                    songs.append(song)
                    counter.advance()
                if len(songs) == wanted:
                    break
        return songs

    def _windows_of(self, path: Path, decoder: Decoder) -> TrialSong | None:
        try:
            sound = decoder.sound(path, rate_hz=SAMPLE_RATE_HZ, seconds=SAMPLED_S)
            aligned, shifted = middle_windows(
                list(sound.blocks()), hop_s=min(self._run.model.hop_s, MAX_HOP_S)
            )
            return TrialSong(self._float32.prepare(aligned), self._float32.prepare(shifted))
        except Exception:
            # The run reads this file again later, and records its problem then.
            return None


def middle_windows(blocks: list[np.ndarray], *, hop_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Cut up to `WINDOWS_PER_SONG` consecutive windows from the middle of a sound.

    Parameters
    ----------
    blocks : list of np.ndarray [shape=(any,), float32]
        Mono samples at 48 kHz.
    hop_s : float

    Returns
    -------
    aligned, shifted : np.ndarray [shape=(n, 48000), float32]
        The windows, and the windows that start half a hop later.
    """
    samples = np.concatenate(blocks)
    count = count_windows(len(samples), hop_s=hop_s)
    wanted = min(count, WINDOWS_PER_SONG)
    first = (count - wanted) // 2
    hop, half_hop = hop_samples(hop_s=hop_s), hop_samples(hop_s=hop_s / 2)
    starts = hop * np.arange(first, first + wanted)
    # The zeros before the sound belong to the first window, those after it to the last one and to its shift.
    padded = np.pad(samples, (PADDING_SAMPLES, WINDOW_SAMPLES + hop))
    rows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_SAMPLES)
    return rows[starts], rows[starts + half_hop]


def candidate_precisions(engine: str) -> tuple[str, ...]:
    """List the precisions, apart from float32, that an engine can run on this machine."""
    others = PRECISIONS[engine][1:]
    return tuple(name for name in others if name in native_precisions()) if engine == "openvino" else others


def _only_float32(engine: str) -> Choice:
    return Choice("float32", 0, 0, (), f"the {engine} engine has neither bfloat16 nor int8")


def _evenly_spaced(count: int, wanted: int) -> np.ndarray:
    return np.unique(np.linspace(0, count - 1, min(count, wanted)).round().astype(int))


def _suggest_auto(run: IndexRun) -> None:
    """Suggest a measurement if the library had too few songs for one when its precision was chosen."""
    trial = run.database.precision_trial()
    if run.model.precision == "float32" and trial and trial["songs"] < MIN_SONGS <= len(run.files):
        run.reporter.say(
            "This library uses float32 because it had too few songs to measure faster precisions on: "
            "add --precision auto --reindex to measure now."
        )
