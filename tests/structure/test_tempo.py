import pytest

from explorer.structure.tempo import Tempo, known_tempo, octave_difference


@pytest.mark.parametrize(
    ("tag", "bpm"),
    [
        *(("128", 128), ("128.00", 128), (" 127.98 ", 127.98), ("127,98", 127.98), ("12,5", 12.5)),
        *(("90 BPM", 90), ("174bpm", 174), ("128.", 128)),
    ],
)
def test_a_tag_names_the_tempo_and_is_sure(tag, bpm):
    tempo = known_tempo(measured_bpm=60.0, confidence=0.1, tag=tag)
    assert tempo == Tempo(bpm, 1.0, "tag")
    assert tempo.is_sure


@pytest.mark.parametrize(
    "tag", ["", "0", "0.00", "000", "fast", "-128", "12800", "999", "128/64", "1e2", "120-130"]
)
def test_the_measured_tempo_counts_where_the_tag_names_none(tag):
    assert known_tempo(measured_bpm=98.5, confidence=0.25, tag=tag) == Tempo(98.5, 0.25, "sound")
    assert known_tempo(measured_bpm=None, confidence=0.0, tag=tag) is None


@pytest.mark.parametrize("bpm", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_measured_tempo_is_unknown(bpm):
    assert known_tempo(measured_bpm=bpm, confidence=1.0) is None


@pytest.mark.parametrize(("given", "stored"), [(1.5, 1.0), (-1.0, 0.0), (float("nan"), 0.0)])
def test_a_confidence_is_from_0_to_1(given, stored):
    assert known_tempo(measured_bpm=100.0, confidence=given).confidence == stored


def test_a_measured_tempo_of_low_confidence_is_not_sure():
    assert not known_tempo(measured_bpm=287.1, confidence=0.1).is_sure
    assert known_tempo(measured_bpm=120.0, confidence=1.0).is_sure


@pytest.mark.parametrize(
    ("a", "b", "octaves"),
    [(120, 120, 0), (60, 120, 0), (240, 60, 0), (100, 141.4214, 0.5), (90, 120, 0.415), (64, 127, 0.0114)],
)
def test_tempi_are_compared_modulo_octave(a, b, octaves):
    assert octave_difference(a, b) == pytest.approx(octaves, abs=1e-3)
    assert octave_difference(b, a) == pytest.approx(octaves, abs=1e-3)
