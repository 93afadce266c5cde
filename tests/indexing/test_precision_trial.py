"""The precision of a library: real networks, measured and calibrated on real files."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from support import RecordingReporter

from explorer.config import Settings
from explorer.database.database import Database
from explorer.embedding import openvino_engine
from explorer.embedding.frontend import windows
from explorer.embedding.openvino_engine import native_precisions
from explorer.embedding.precision import describe_choice
from explorer.embedding.window_grid import SAMPLE_RATE_HZ
from explorer.errors import EmbeddingError, LibraryError
from explorer.indexing import precision_trial as precision_module
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.model import ModelRequest, choose_model
from explorer.indexing.precision_trial import candidate_precisions, middle_windows


@pytest.fixture(autouse=True)
def few_windows(monkeypatch):
    """Calibrate int8 on only 4 windows, to save time."""
    monkeypatch.setattr(precision_module, "CALIBRATION_WINDOWS", 4)


@pytest.fixture
def music(tmp_path, make_tone):
    """Seventeen songs and a broken file."""
    folder = tmp_path / "music"
    for number in range(17):
        make_tone(folder / f"{number:02d}.flac", frequency_hz=90 * 1.2**number, seconds=1.2)
    (folder / "broken.mp3").write_bytes(b"no music at all " * 100)
    return folder


def index(database, folder, **options):
    choices = {name: options.pop(name) for name in ("precision", "engine", "reindex") if name in options}
    request = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0, **choices)
    listener = RecordingReporter()
    summary = index_folder(IndexRun(database, folder, request=request, reporter=listener, **options))
    return summary, listener.said


def test_auto_measures_each_precision_once_and_records_the_choice(fresh_db, music):
    summary, said = index(fresh_db, music)
    assert (summary.indexed, summary.failed) == (17, 1)
    trial, model = fresh_db.precision_trial(), fresh_db.model()
    exact, *others = trial["trials"]
    assert exact["precision"] == "float32"
    assert {tried["precision"] for tried in others} == set(native_precisions()) - {"float32"}
    assert trial["songs"] == 17
    assert trial["windows"] == 34
    assert 0 < trial["lost_by_shift"] < 1
    assert model["precision"] == trial["precision"]
    chosen = [tried for tried in others if not tried["problem"]]
    assert [tried["precision"] for tried in chosen] == [model["precision"]] * (
        model["precision"] != "float32"
    )
    for tried in chosen:
        assert tried["cosine"] >= 0.9995
        assert tried["neighbours_lost"] <= trial["lost_by_shift"] / 4
    assert (fresh_db.network() is not None) == (model["precision"] == "int8")
    assert f"Precision: {describe_choice(trial)}" in said

    again, said = index(fresh_db, music, retry=True)
    assert again.failed == 1
    assert fresh_db.precision_trial() == trial
    assert not [line for line in said if line.startswith("Precision")]


def test_vectors_in_the_chosen_precision_are_near_float32(fresh_db, music, tmp_path):
    index(fresh_db, music)
    with Database.open(tmp_path / "exact.db") as exact_db:
        index(exact_db, music, precision="float32")
        assert exact_db.precision_trial() is None
        _, exact = exact_db.vectors()
    _, vectors = fresh_db.vectors()
    norms = np.linalg.norm(vectors, axis=1) * np.linalg.norm(exact, axis=1)
    assert ((vectors * exact).sum(axis=1) / norms).min() >= 0.999


def test_few_songs_use_float32_and_many_songs_later_get_a_suggestion(fresh_db, music, monkeypatch):
    _, said = index(fresh_db, music, limit=3)
    assert fresh_db.model()["precision"] == "float32"
    assert fresh_db.precision_trial()["trials"] == []
    assert (
        "Precision: float32, because fewer than 16 songs are too few to measure the other precisions." in said
    )
    monkeypatch.setattr(precision_module, "MIN_SONGS", 10)
    _, said = index(fresh_db, music)
    assert fresh_db.model()["precision"] == "float32"
    assert [line for line in said if line.endswith("add --precision auto --reindex to measure now.")]


def test_without_the_instructions_for_bfloat16_int8_is_still_tried(monkeypatch):
    core = SimpleNamespace(get_property=lambda *_: ["FP32", "BIN"])
    monkeypatch.setattr(openvino_engine, "_core", lambda: core)
    assert native_precisions() == ("float32", "int8")
    assert candidate_precisions("openvino") == ("int8",)


def test_an_engine_with_one_precision_uses_it_and_says_so():
    choice = precision_module._only_float32("openl3")
    assert describe_choice(choice.record()) == (
        "float32, because the openl3 engine has neither bfloat16 nor int8."
    )


@pytest.mark.parametrize(("seconds", "count"), [(0.01, 1), (0.5, 1), (0.6, 2), (1.2, 3), (20.0, 3)])
def test_the_trials_windows_are_those_of_the_song_and_the_same_half_a_hop_later(seconds, count):
    samples = np.random.RandomState(0).standard_normal(int(seconds * SAMPLE_RATE_HZ)).astype(np.float32)
    blocks = np.array_split(samples, 3)
    aligned, shifted = middle_windows(blocks, hop_s=0.5)
    assert aligned.shape == shifted.shape == (count, 48_000)
    [rows] = windows(blocks, hop_s=0.5, batch_size=1_000)
    first = (len(rows) - count) // 2
    np.testing.assert_array_equal(aligned, rows[first : first + count])
    [halves] = windows([samples, np.zeros(48_000, np.float32)], hop_s=0.25, batch_size=1_000)
    np.testing.assert_array_equal(shifted, halves[1::2][first : first + count])


def test_the_songs_of_a_trial_are_spread_over_the_library(fresh_db, tmp_path, make_tone, monkeypatch):
    folder = tmp_path / "music"
    for number in range(40):
        make_tone(folder / f"album {number // 10}" / f"{number:02d}.flac", frequency_hz=90 + number)
    seen = []
    monkeypatch.setattr(precision_module, "MAX_SONGS", 16)
    cut = precision_module._Trials._windows_of
    monkeypatch.setattr(
        precision_module._Trials,
        "_windows_of",
        lambda self, path, decoder: (seen.append(path.parent.name), cut(self, path, decoder))[1],
    )

    def stop(*_arguments, **_options):
        raise EmbeddingError("enough")

    monkeypatch.setattr(precision_module, "choose_precision", stop)
    with pytest.raises(EmbeddingError, match="enough"):
        index(fresh_db, folder)
    assert len(seen) == 16
    assert set(seen) == {f"album {number}" for number in range(4)}


def test_unreadable_files_are_not_measured_on(fresh_db, music):
    for number in range(17):
        (music / f"{number:02d}.flac").write_bytes(b"no music " * 100)
    summary, _ = index(fresh_db, music)
    assert (summary.indexed, summary.failed) == (0, 18)
    assert fresh_db.model()["precision"] == "float32"


def test_int8_is_calibrated_once_per_library(fresh_db, music, make_tone):
    index(fresh_db, music, precision="int8", limit=4)
    network = fresh_db.network()
    assert fresh_db.model()["precision"] == "int8"
    before = fresh_db.vectors()
    index(fresh_db, music, limit=3)
    assert fresh_db.network() == network
    np.testing.assert_array_equal(fresh_db.vector(before[0][0]), before[1][0])


def test_a_damaged_int8_network_is_calibrated_again(fresh_db, music):
    index(fresh_db, music, precision="int8", limit=2)
    network = fresh_db.network()
    fresh_db.claim_model(fresh_db.model(), network=network[:-1000], damaged=network)
    summary, said = index(fresh_db, music, limit=2)
    assert summary.indexed == 2
    assert [line for line in said if "int8 network is damaged" in line and "calibrated again" in line]
    assert len(fresh_db.network()) > len(network) - 1000


def test_int8_without_a_song_to_calibrate_on_is_an_error(fresh_db, music):
    for song in music.glob("*.flac"):
        song.unlink()
    with pytest.raises(EmbeddingError, match="calibrated on songs, and none could be decoded"):
        index(fresh_db, music, precision="int8")


def test_another_precision_than_that_of_the_library_is_refused(fresh_db, music):
    index(fresh_db, music, precision="bfloat16", limit=1)
    with pytest.raises(LibraryError, match=r"hop 1 s, bfloat16.*hop 1 s, float32"):
        index(fresh_db, music, precision="float32", limit=1)
    assert index(fresh_db, music, precision="auto", limit=1)[0].indexed == 1
    assert fresh_db.model()["precision"] == "bfloat16"
    index(fresh_db, music, precision="float32", limit=1, reindex=True)
    assert fresh_db.model()["precision"] == "float32"


def test_a_precision_that_an_engine_lacks_is_an_error_and_nothing_is_recorded(fresh_db, music):
    with pytest.raises(EmbeddingError, match="tensorflow engine has no precision 'int8'"):
        index(fresh_db, music, precision="int8", engine="tensorflow")
    assert fresh_db.model() is None


def test_only_precisions_of_the_engine_and_processor_are_candidates(monkeypatch):
    monkeypatch.setattr(precision_module, "native_precisions", lambda: ("float32", "int8"))
    assert candidate_precisions("openvino") == ("int8",)
    assert candidate_precisions("tensorflow") == ("bfloat16",)
    assert candidate_precisions("openl3") == ()


def test_a_precision_that_another_program_chose_meanwhile_is_used(fresh_db, music, monkeypatch):
    choose = precision_module.choose_precision

    def choose_too_late(*arguments, **options):
        choice = choose(*arguments, **options)
        request = ModelRequest(models_dir=Settings().models, weights="untrained", hop_s=1.0)
        model, _ = choose_model(None, request, reporter=RecordingReporter())
        with Database.open(fresh_db.path) as other:
            other.claim_model(replace(model, precision="bfloat16").record())
        return choice

    monkeypatch.setattr(precision_module, "choose_precision", choose_too_late)
    summary, _ = index(fresh_db, music, limit=1)
    assert summary.indexed == 1
    assert fresh_db.model()["precision"] == "bfloat16"
    expected = fresh_db.vectors()[1]
    fresh_db.forget_everything()
    index(fresh_db, music, precision="bfloat16", limit=1)
    np.testing.assert_array_equal(fresh_db.vectors()[1], expected)


def test_a_model_that_another_program_recorded_meanwhile_is_not_mixed(fresh_db, music, monkeypatch):
    open_engine = precision_module.open_engine
    request = ModelRequest(Settings().models, weights="untrained", hop_s=2.0, precision="float32")

    def open_too_late(*arguments, **options):
        model, _ = choose_model(None, request, reporter=RecordingReporter())
        fresh_db.claim_model(model.record())
        return open_engine(*arguments, **options)

    monkeypatch.setattr(precision_module, "open_engine", open_too_late)
    with pytest.raises(LibraryError, match=r"hop 2 s, float32.*hop 1 s, float32"):
        index(fresh_db, music, precision="float32", limit=1)
    assert fresh_db.summary()["songs"] == 0


def test_two_programs_that_calibrate_at_once_use_the_same_int8_network(fresh_db, music, monkeypatch):
    index(fresh_db, music, precision="int8", limit=2)
    model, theirs = fresh_db.model(), fresh_db.network()
    fresh_db.forget_everything()
    quantise = precision_module.quantised_network

    def quantise_too_late(*arguments, **options):
        fresh_db.claim_model(model, network=theirs)
        return quantise(*arguments, **options)

    monkeypatch.setattr(precision_module, "quantised_network", quantise_too_late)
    for song in sorted(music.glob("*.flac"))[:4]:
        song.unlink()
    assert index(fresh_db, music, precision="int8", limit=2)[0].indexed == 2
    assert fresh_db.network() == theirs
