import sys

import numpy as np
import pytest
import soxr

from explorer.audio import feature_meter
from explorer.audio.feature_meter import METER_RATE_HZ, FeatureMeter
from explorer.demo.composer import compose
from explorer.structure.keys import known_key
from explorer.structure.song_features import SongFeatures
from explorer.structure.tempo import known_tempo, octave_difference

pytestmark = pytest.mark.filterwarnings("error")


def measure(samples, *, block=48_000, **options):
    meter = FeatureMeter()
    for start in range(0, len(samples), block):
        meter.add(samples[start : start + block])
    return meter.features(**options)


def clicks(bpm, *, seconds, silent_s=0.0):
    samples = np.zeros(round(METER_RATE_HZ * (silent_s + seconds)), np.float32)
    click = np.random.default_rng(0).standard_normal(480).astype(np.float32) * np.linspace(0.5, 0, 480)
    for at_s in np.arange(silent_s, silent_s + seconds - 0.1, 60 / bpm):
        start = round(at_s * METER_RATE_HZ)
        samples[start : start + 480] = click
    return samples


def piece(style, index):
    composed = compose(style, index)
    return composed, soxr.resample(composed.samples.mean(axis=1), 44_100, METER_RATE_HZ)


@pytest.mark.parametrize("bpm", [90, 120, 150])
def test_the_tempo_and_the_beats_of_clicks(bpm):
    features = measure(clicks(bpm, seconds=20))
    tempo = known_tempo(measured_bpm=features.tempo_bpm, confidence=features.tempo_confidence)
    assert tempo.bpm == pytest.approx(bpm, rel=0.02)
    assert tempo.is_sure
    steps = np.arange(0, 20, 60 / bpm)
    assert np.abs(features.beats_s[:, None] - steps).min(axis=1) == pytest.approx(0, abs=0.05)
    assert len(features.beats_s) == pytest.approx(len(steps), abs=2)


@pytest.mark.parametrize(("style", "index"), [("Techno", 0), ("Chiptune", 0), ("Dub", 0)])
def test_the_tempo_of_a_composed_piece_is_that_of_its_score(style, index):
    composed, samples = piece(style, index)
    features = measure(samples)
    tempo = known_tempo(measured_bpm=features.tempo_bpm, confidence=features.tempo_confidence)
    assert tempo.is_sure
    assert octave_difference(tempo.bpm, composed.bpm) < 0.06


@pytest.mark.parametrize(("style", "index"), [("Baroque", 0), ("Nocturne", 2), ("Choir", 3)])
def test_the_key_of_a_composed_piece_is_that_of_its_score(style, index):
    composed, samples = piece(style, index)
    features = measure(samples)
    key = known_key(measured=features.key, confidence=features.key_confidence)
    assert key.is_sure
    assert key.name == known_key(measured=composed.key, confidence=1.0).name


def test_the_tempo_of_a_piece_without_beats_is_a_doubt():
    _, samples = piece("Ambient", 0)
    features = measure(samples)
    tempo = known_tempo(measured_bpm=features.tempo_bpm, confidence=features.tempo_confidence)
    assert tempo is None or not tempo.is_sure


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0),
        np.zeros(1),
        np.ones(1),
        np.zeros(480_000),
        np.full(480_000, np.nan),
        np.full(480_000, np.inf),
    ],
    ids=["none", "one", "click", "silence", "nan", "infinite"],
)
def test_sounds_without_music_have_unknown_features(samples):
    features = measure(samples.astype(np.float32))
    assert (features.tempo_bpm, features.key, features.energy) == (None, None, None)
    assert not len(features.beats_s)
    assert np.isfinite(features.loudness_curve).all()
    assert len(features.loudness_curve) == -(-len(samples) // METER_RATE_HZ)


@pytest.mark.parametrize("n_samples", [2, 511, 48_000, 96_001, 100_000])
def test_short_sounds_can_be_measured(n_samples):
    noise = 0.1 * np.random.default_rng(0).standard_normal(n_samples).astype(np.float32)
    features = measure(noise)
    assert features.loudness_lufs is not None
    assert (features.energy is None) == (n_samples < 96_000)


def test_a_constant_tone_has_no_beats_and_so_no_tempo():
    times_s = np.arange(METER_RATE_HZ * 8) / METER_RATE_HZ
    features = measure((0.2 * np.sin(2 * np.pi * 440 * times_s)).astype(np.float32))
    assert (features.tempo_bpm, len(features.beats_s)) == (None, 0)
    assert features.key is not None


def test_the_middle_of_a_long_song_is_measured(monkeypatch):
    monkeypatch.setattr(feature_meter, "MEASURED_S", 10.0)
    monkeypatch.setattr(feature_meter, "SEARCHED_S", 40.0)
    # The middle of the first 40 seconds is that from second 15 to second 25; the clicks begin at second 17.
    samples = np.concatenate([clicks(120, seconds=7.9, silent_s=17), clicks(97, seconds=45, silent_s=0.5)])
    features = measure(samples, block=12_345)
    assert features.beats_s.min() >= 16.9
    assert features.beats_s.max() <= 25.1
    assert np.abs((features.beats_s - 17.0 + 0.25) % 0.5 - 0.25).max() < 0.05
    assert len(features.loudness_curve) == 71


def test_only_so_much_sound_is_held_in_memory(monkeypatch):
    monkeypatch.setattr(feature_meter, "MEASURED_S", 4.0)
    monkeypatch.setattr(feature_meter, "SEARCHED_S", 10.0)
    meter = FeatureMeter()
    for _ in range(300):
        meter.add(np.ones(METER_RATE_HZ // 10, np.float32))
        assert sum(map(len, meter._excerpt._blocks)) < 22_050 * 7.5


def test_key_and_energy_are_those_of_the_middle_minute(monkeypatch):
    asked = []

    def analyze(samples, features):
        asked.append((len(samples) / 22_050, features))
        return {"beats": [], "key": "A minor", "key_confidence": 0.5, "energy": 0.25}

    monkeypatch.setattr(feature_meter, "_analyze", analyze)
    monkeypatch.setattr(feature_meter, "KEY_S", 5.0)
    noise = 0.1 * np.random.default_rng(0).standard_normal(METER_RATE_HZ * 12).astype(np.float32)
    features = measure(noise)
    assert (features.key, features.energy, features.tempo_bpm) == ("A minor", 0.25, None)
    assert asked == [(pytest.approx(5), ["key", "energy"]), (pytest.approx(12), ["bpm", "beats"])]


def test_without_sonara_loudness_and_brightness_are_measured(monkeypatch):
    monkeypatch.setitem(sys.modules, "sonara", None)
    features = measure(clicks(120, seconds=5))
    assert (features.tempo_bpm, features.key, features.energy) == (None, None, None)
    assert features.loudness_lufs < 0 < features.brightness_hz


def test_an_error_of_native_code_makes_no_song_fail(monkeypatch):
    class Panic(BaseException):
        pass

    def analyze_signal(*_args, **_options):
        raise Panic

    monkeypatch.setattr("sonara.analyze_signal", analyze_signal)
    assert measure(clicks(120, seconds=5)).tempo_bpm is None


def test_the_loudness_is_that_of_all_channels():
    noise = 0.1 * np.random.default_rng(0).standard_normal(METER_RATE_HZ).astype(np.float32)
    mono, stereo = measure(noise), measure(noise, channel_power=2.0)
    assert isinstance(stereo, SongFeatures)
    assert stereo.loudness_lufs - mono.loudness_lufs == pytest.approx(3.01, abs=0.01)
