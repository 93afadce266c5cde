import json
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.embedding import precision as precision_module
from explorer.embedding.precision import (
    MIN_SONGS,
    choose_precision,
    describe_choice,
    min_cosine,
    neighbours_kept,
)
from explorer.errors import EmbeddingError


@pytest.fixture
def songs():
    """Twenty songs of three windows; in these tests each window is its own embedding."""
    return list(np.random.RandomState(0).standard_normal((20, 3, 512)).astype(np.float32))


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the engines advance."""
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    monkeypatch.setattr(precision_module, "time", clock)
    return clock


def opener(clock, *, milliseconds, noise):
    """Return a function that opens engines of the given milliseconds per window and noise per precision."""
    random = np.random.RandomState(1)

    def open_candidate(precision):
        def embed(inputs):
            clock.now += milliseconds[precision] / 1000 * len(inputs)
            return inputs + noise.get(precision, 0) * random.standard_normal(inputs.shape)

        return SimpleNamespace(embed=embed, batch_size=8)

    return open_candidate


def test_the_fastest_accurate_precision_is_chosen(songs, clock):
    milliseconds = {"float32": 64, "bfloat16": 9, "int8": 4}
    noise = {"bfloat16": 1e-4, "int8": 2e-4}
    choice = choose_precision(
        songs, ("bfloat16", "int8"), opener(clock, milliseconds=milliseconds, noise=noise)
    )
    assert (choice.precision, choice.songs, choice.windows) == ("int8", 20, 60)
    assert [trial.precision for trial in choice.trials] == ["float32", "bfloat16", "int8"]
    assert [round(trial.ms_per_window) for trial in choice.trials] == [64, 9, 4]
    assert choice.trials[0].cosine == 1.0
    assert all(0.9995 < trial.cosine <= 1 and trial.neighbours_kept > 0.97 for trial in choice.trials)
    assert json.loads(json.dumps(choice.record()))["precision"] == "int8"


def test_a_precision_with_a_low_cosine_is_refused(songs, clock):
    milliseconds = {"float32": 64, "bfloat16": 9, "int8": 4}
    noise = {"bfloat16": 1e-4, "int8": 0.2}
    choice = choose_precision(
        songs, ("bfloat16", "int8"), opener(clock, milliseconds=milliseconds, noise=noise)
    )
    assert choice.precision == "bfloat16"
    assert "cosine with float32 is 0.9" in choice.trials[2].problem


def test_a_precision_with_a_high_cosine_and_other_neighbours_is_refused(songs, clock):
    # All vectors share a large constant, as with untrained filters, so every cosine is near 1.
    alike = [song + 30 for song in songs]
    open_candidate = opener(clock, milliseconds={"float32": 64, "int8": 4}, noise={"int8": 0.5})
    choice = choose_precision(alike, ("int8",), open_candidate)
    assert choice.precision == "float32"
    assert choice.trials[1].cosine > 0.9995
    assert "of float32's ten nearest neighbours are kept" in choice.reason
    assert choice.reason.endswith(" 97%")


def test_a_precision_that_is_not_faster_is_refused(songs, clock):
    open_candidate = opener(clock, milliseconds={"float32": 64, "bfloat16": 60}, noise={})
    choice = choose_precision(songs, ("bfloat16",), open_candidate)
    assert choice.precision == "float32"
    assert choice.reason.startswith("bfloat16: ")
    assert "not 1.1 times as fast as float32, but 1.07 times" in choice.reason


def test_a_precision_that_cannot_run_is_refused_and_the_others_are_measured(songs, clock):
    working = opener(clock, milliseconds={"float32": 64, "bfloat16": 9}, noise={})

    def open_candidate(precision):
        if precision == "int8":
            raise EmbeddingError("It needs nncf.")
        return working(precision)

    choice = choose_precision(songs, ("int8", "bfloat16"), open_candidate)
    assert choice.precision == "bfloat16"
    assert "could not run (It needs nncf.)" in choice.trials[1].problem


def test_with_too_few_songs_float32_is_chosen_without_a_measurement(songs):
    def open_nothing(precision):
        raise AssertionError

    choice = choose_precision(songs[: MIN_SONGS - 1], ("bfloat16",), open_nothing)
    assert (choice.precision, choice.trials) == ("float32", ())
    assert "too few" in choice.reason


def test_without_a_candidate_the_reason_is_what_the_processor_lacks(songs, clock):
    choice = choose_precision(songs, (), opener(clock, milliseconds={"float32": 64}, noise={}))
    assert choice.precision == "float32"
    assert "neither bfloat16 nor int8" in choice.reason


def test_songs_are_pooled_with_the_librarys_method(clock):
    # int8 lowers all windows of a song except the first, which changes the mean but not the maximum.
    songs = [np.zeros((4, 512), np.float32) + np.eye(512, dtype=np.float32)[index] for index in range(20)]

    def open_candidate(precision):
        def embed(inputs):
            clock.now += len(inputs) * (1 if precision == "float32" else 0.1)
            moved = inputs.copy()
            if precision != "float32":
                moved[np.arange(len(moved)) % 4 > 0] -= 1
            return moved

        return SimpleNamespace(embed=embed, batch_size=8)

    assert choose_precision(songs, ("int8",), open_candidate, pooling="max").precision == "int8"
    assert choose_precision(songs, ("int8",), open_candidate, pooling="mean").precision == "float32"


def test_neighbours_are_counted_after_centring():
    exact = np.random.RandomState(2).standard_normal((30, 8))
    assert neighbours_kept(exact, exact) == 1.0
    assert neighbours_kept(exact + 1000, exact) == 1.0
    others = np.random.RandomState(3).standard_normal((30, 8))
    assert 0.2 < neighbours_kept(others, exact) < 0.5
    assert min_cosine(exact * 3, exact) == pytest.approx(1)
    assert min_cosine(-exact, exact) == pytest.approx(-1)


def test_a_choice_is_described_in_one_line():
    trials = [
        {"precision": "float32", "ms_per_window": 64.2, "cosine": 1.0, "neighbours_kept": 1.0, "problem": ""},
        {
            "precision": "bfloat16",
            "ms_per_window": 9.0,
            "cosine": 0.99999,
            "neighbours_kept": 0.986,
            "problem": "",
        },
        {
            "precision": "int8",
            "ms_per_window": 4.5,
            "cosine": 0.9998,
            "neighbours_kept": 0.967,
            "problem": "no",
        },
    ]
    choice = {"precision": "bfloat16", "songs": 64, "windows": 512, "trials": trials, "reason": ""}
    line = describe_choice(choice)
    assert line.startswith("bfloat16, measured on 512 windows of 64 songs (float32 64.2 ms")
    assert line.endswith(").")
    _, bfloat16, int8 = line.split("; ")
    for value in ("bfloat16 7.1 times", "0.99999", "98.6%"):
        assert value in bfloat16
    for value in ("int8 14.3 times", "0.99980", "96.7%", "refused"):
        assert value in int8
    assert "refused" not in bfloat16
