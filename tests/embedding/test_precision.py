import json
from types import SimpleNamespace

import numpy as np
import pytest

from explorer.embedding import precision as precision_module
from explorer.embedding.precision import (
    MIN_SONGS,
    TrialSong,
    choose_precision,
    describe_choice,
    find_problem,
    min_cosine,
    neighbours_lost,
)
from explorer.errors import EmbeddingError


def trial_songs(windows, *, shift=0.5):
    """Return songs whose windows are their own embeddings; the shifted ones differ by noise."""
    moved = windows + shift * np.random.RandomState(9).standard_normal(windows.shape)
    return [
        TrialSong(*pair) for pair in zip(windows.astype(np.float32), moved.astype(np.float32), strict=True)
    ]


@pytest.fixture
def songs():
    """Twenty songs of three windows."""
    return trial_songs(np.random.RandomState(0).standard_normal((20, 3, 512)))


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


def test_the_fastest_accurate_precision_is_chosen_and_slower_ones_are_only_timed(songs, clock):
    milliseconds = {"float32": 64, "bfloat16": 9, "int8": 4}
    open_candidate = opener(clock, milliseconds=milliseconds, noise={"bfloat16": 1e-4, "int8": 1e-3})
    steps = []
    choice = choose_precision(
        songs, ("bfloat16", "int8"), open_candidate, progress=lambda: steps.append(clock.now)
    )
    assert (choice.precision, choice.songs, choice.windows) == ("int8", 20, 60)
    exact, int8, bfloat16 = choice.trials
    assert [trial.precision for trial in choice.trials] == ["float32", "int8", "bfloat16"]
    assert [trial.ms_per_window for trial in choice.trials] == pytest.approx([64, 4, 9])
    assert (exact.cosine, exact.neighbours_lost) == (1.0, 0.0)
    assert int8.cosine > 0.9999
    assert int8.neighbours_lost <= choice.lost_by_shift / 4
    assert 0.1 < choice.lost_by_shift < 0.9
    assert (bfloat16.cosine, bfloat16.neighbours_lost) == (None, None)
    # float32 embeds each song twice, int8 once, and bfloat16 only the first batch of three songs.
    assert len(steps) == 2 * 20 + 20 + 3
    assert json.loads(json.dumps(choice.record()))["lost_by_shift"] == choice.lost_by_shift


def test_a_precision_with_a_low_cosine_is_refused(songs, clock):
    milliseconds = {"float32": 64, "bfloat16": 9, "int8": 4}
    noise = {"bfloat16": 1e-4, "int8": 0.1}
    choice = choose_precision(
        songs, ("bfloat16", "int8"), opener(clock, milliseconds=milliseconds, noise=noise)
    )
    assert choice.precision == "bfloat16"
    assert choice.trials[1].precision == "int8"
    assert "cosine with float32 is 0.99" in choice.trials[1].problem


@pytest.mark.parametrize(("shift", "chosen"), [(0.2, "float32"), (3.0, "int8")])
def test_the_neighbours_that_may_be_lost_depend_on_the_shift(clock, shift, chosen):
    # All vectors share a large constant, as with untrained filters, so every cosine is near 1.
    alike = trial_songs(30 + np.random.RandomState(0).standard_normal((20, 3, 512)), shift=shift)
    open_candidate = opener(clock, milliseconds={"float32": 64, "int8": 4}, noise={"int8": 0.1})
    choice = choose_precision(alike, ("int8",), open_candidate)
    assert choice.precision == chosen
    trial = choice.trials[1]
    assert trial.cosine > 0.9995
    assert trial.neighbours_lost > 0
    assert ("a shift by half a hop loses" in choice.reason) == (chosen == "float32")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ""),
        ({"cosine": 0.9995, "lost": 0.1, "lost_by_shift": 0.4, "speedup": 1.1}, ""),
        ({"cosine": 0.99949}, "cosine"),
        ({"lost": 0.11}, "11.0% of float32's neighbours, more than a quarter of the 40.0%"),
        ({"lost": 0.0, "lost_by_shift": 0.0}, ""),
        ({"lost": 0.001, "lost_by_shift": 0.0}, "quarter"),
        ({"speedup": 1.09}, "not 1.1 times as fast as float32, but 1.09 times"),
    ],
)
def test_a_precision_is_accepted_up_to_each_limit(facts, expected):
    problem = find_problem(**{"speedup": 2.0, "cosine": 0.9999, "lost": 0.05, "lost_by_shift": 0.4} | facts)
    assert expected in problem
    assert bool(problem) == bool(expected)


def test_a_precision_that_is_not_faster_is_refused(songs, clock):
    open_candidate = opener(clock, milliseconds={"float32": 64, "bfloat16": 60}, noise={})
    choice = choose_precision(songs, ("bfloat16",), open_candidate)
    assert choice.precision == "float32"
    assert choice.reason.startswith("bfloat16: ")
    assert "not 1.1 times as fast as float32, but 1.07 times" in choice.reason


@pytest.mark.parametrize(
    "error", [EmbeddingError("It needs nncf."), RuntimeError("It needs nncf.\nat x.cpp")]
)
def test_a_precision_that_cannot_run_is_refused_and_the_others_are_measured(songs, clock, error):
    working = opener(clock, milliseconds={"float32": 64, "bfloat16": 9}, noise={})

    def open_candidate(precision):
        if precision == "int8":
            raise error
        return working(precision)

    choice = choose_precision(songs, ("int8", "bfloat16"), open_candidate)
    assert choice.precision == "bfloat16"
    *_, int8 = choice.trials
    assert (int8.precision, int8.ms_per_window) == ("int8", None)
    assert int8.problem == "it could not run (It needs nncf.)"
    assert "could not run" in choose_precision(songs, ("int8",), open_candidate).reason


@pytest.mark.parametrize("count", [0, 2, MIN_SONGS - 1])
def test_with_too_few_songs_float32_is_chosen_without_a_measurement(songs, count):
    def open_nothing(precision):
        raise AssertionError

    choice = choose_precision(songs[:count], ("bfloat16",), open_nothing)
    assert (choice.precision, choice.trials, choice.lost_by_shift) == ("float32", (), None)
    assert "too few" in choice.reason


def test_without_a_candidate_float32_is_chosen(songs, clock):
    choice = choose_precision(songs, (), opener(clock, milliseconds={"float32": 64}, noise={}))
    assert choice.precision == "float32"
    assert choice.reason


def test_equal_songs_lose_no_neighbours_and_take_the_fastest_precision(clock):
    window = np.random.RandomState(0).standard_normal((1, 3, 512))
    equal = [TrialSong(*np.float32([window, window]).reshape(2, 3, 512)) for _ in range(20)]

    def open_candidate(precision):
        def embed(inputs):
            clock.now += len(inputs) * (1 if precision == "float32" else 0.1)
            return inputs if precision == "float32" else inputs + np.float32(1e-3)

        return SimpleNamespace(embed=embed, batch_size=8)

    choice = choose_precision(equal, ("int8",), open_candidate)
    assert (choice.precision, choice.lost_by_shift) == ("int8", 0)
    assert choice.trials[1].neighbours_lost == 0


def test_songs_are_pooled_with_the_librarys_method(clock):
    # int8 lowers all windows of a song except the first, which changes the mean but not the maximum.
    songs = trial_songs(np.zeros((20, 4, 512)) + np.eye(512)[:20, np.newaxis], shift=0.01)

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
    assert neighbours_lost(exact, exact) == 0.0
    assert neighbours_lost(exact + 1000, exact) == 0.0
    others = np.random.RandomState(3).standard_normal((30, 8))
    assert 0.5 < neighbours_lost(others, exact, sizes=[10]) < 0.8
    assert min_cosine(exact * 3, exact) == pytest.approx(1)
    assert min_cosine(-exact, exact) == pytest.approx(-1)


def test_lost_neighbours_are_averaged_over_the_neighbourhood_sizes():
    # Points on a circle; the second point moves past the third, as seen from the others.
    angles = np.radians([0, 40, 50, 170, 260, 310])
    moved = np.radians([0, 60, 50, 170, 260, 310])
    rows, others = (np.stack([np.cos(a), np.sin(a)], axis=1) for a in (angles, moved))
    rows, others = rows - rows.mean(axis=0), others - others.mean(axis=0)

    def share(k):
        def nearest(vectors):
            unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
            similarity = unit @ unit.T - 10 * np.eye(len(unit))
            return [set(row[:k]) for row in np.argsort(-similarity, axis=1)]

        pairs = zip(nearest(rows), nearest(others), strict=True)
        return np.mean([len(first - second) / k for first, second in pairs])

    assert share(1) + share(2) > 0
    assert neighbours_lost(others, rows, sizes=[1, 2]) == pytest.approx((share(1) + share(2)) / 2)
    # Of five other points, at most two are compared.
    assert neighbours_lost(others, rows) == neighbours_lost(others, rows, sizes=[1, 2])


def test_rounding_errors_of_equal_songs_make_no_neighbours():
    random = np.random.RandomState(4)
    first, second = 1 + 1e-9 * random.standard_normal((2, 20, 8))
    assert neighbours_lost(first, second) == 0


def test_one_or_two_songs_have_no_neighbours_to_lose():
    assert neighbours_lost(np.eye(2), -np.eye(2)) == 0
    assert neighbours_lost(np.ones((1, 4)), np.ones((1, 4))) == 0


def test_a_choice_is_described_in_one_line():
    trials = [
        {"precision": "float32", "ms_per_window": 64.2, "cosine": 1.0, "neighbours_lost": 0.0, "problem": ""},
        {
            "precision": "int8",
            "ms_per_window": 4.5,
            "cosine": 0.9998,
            "neighbours_lost": 0.133,
            "problem": "no",
        },
        {
            "precision": "bfloat16",
            "ms_per_window": 9.0,
            "cosine": 0.99999,
            "neighbours_lost": 0.014,
            "problem": "",
        },
        {"precision": "fp8", "ms_per_window": 10.0, "cosine": None, "neighbours_lost": None, "problem": "no"},
        {
            "precision": "int4",
            "ms_per_window": None,
            "cosine": None,
            "neighbours_lost": None,
            "problem": "no",
        },
    ]
    choice = {
        "precision": "bfloat16",
        "songs": 32,
        "windows": 96,
        "trials": trials,
        "reason": "",
        "lost_by_shift": 0.337,
    }
    line = describe_choice(choice)
    assert line.startswith("bfloat16, measured on 96 windows of 32 songs (float32 64.2 ms")
    assert line.endswith("int4: no).")
    _, shift, int8, bfloat16, fp8, _ = line.split("; ")
    assert "33.7%" in shift
    for value in ("bfloat16 7.1 times", "0.99999", "1.4% of neighbours lost"):
        assert value in bfloat16
    for value in ("int8 14.3 times", "0.99980", "13.3%", "refused"):
        assert value in int8
    assert "refused" not in bfloat16
    assert fp8 == "fp8 6.4 times as fast, not measured further"


def test_a_choice_of_an_older_version_is_still_described():
    exact = {
        "precision": "float32",
        "ms_per_window": 64.2,
        "cosine": 1.0,
        "neighbours_kept": 1.0,
        "problem": "",
    }
    int8 = {"precision": "int8", "ms_per_window": 4.5, "cosine": 0.9998, "neighbours_kept": 0.967}
    trials = [exact, int8 | {"problem": "no"}]
    choice = {"precision": "float32", "songs": 64, "windows": 512, "trials": trials, "reason": ""}
    line = describe_choice(choice)
    assert line.startswith("float32, measured on 512 windows of 64 songs (float32 64.2 ms")
    assert "96.7% of neighbours kept, refused" in line
    assert "shift" not in line
