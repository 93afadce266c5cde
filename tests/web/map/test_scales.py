import numpy as np

from explorer.web.map.scale_palette import SCALE_STEPS
from explorer.web.map.scales import COLOURINGS, SCALES, Scale


def scale(name, *values):
    return Scale(SCALES[name], np.array(values, dtype=np.float32))


def test_values_have_colours_in_their_order_and_songs_without_one_are_grey():
    years = scale("year", 1970, np.nan, 1980, 1990)
    assert years.colour_numbers.dtype == np.uint8
    assert years.colour_numbers.tolist() == [0, SCALE_STEPS, 32, SCALE_STEPS - 1]
    assert years.ticks() == [(0.0, "1970"), (0.5, "1980"), (1.0, "1990")]


def test_a_few_odd_values_do_not_take_most_of_the_colours():
    lengths = scale("length", 1, *np.linspace(120, 490, 198), 36_000)
    low, high = lengths.ends
    assert 120 <= low < 140
    assert 470 < high <= 490
    assert lengths.colour_numbers[0] == 0
    assert lengths.colour_numbers[-1] == SCALE_STEPS - 1
    first, last = lengths.ticks()[0][1], lengths.ticks()[-1][1]
    assert first.startswith("≤ 2:0")
    assert last.startswith("≥ 8:0")


def test_equal_values_have_one_colour_and_one_tick():
    same = scale("length", 187, 187)
    assert same.ticks() == [(0.5, "3:07")]
    assert len(set(same.colour_numbers.tolist())) == 1


def test_every_form_of_a_value_has_its_unit_and_the_middle_of_a_scale_has_none():
    assert scale("tempo", 119.6).text(119.6) == "120 bpm"
    assert scale("energy", 0.618).text(0.618) == "62%"
    assert scale("brightness", 1812).text(1812) == "1.8 kHz"
    loudness = scale("loudness", -20, -14, -8)
    assert loudness.ticks() == [(0.0, "-20 LUFS"), (0.5, "-14"), (1.0, "-8 LUFS")]
    # Where a year has room, "-10" would touch "-5 LUFS".
    assert [text for _, text in scale("loudness", -20, -9.6, -5).ticks()] == ["-20 LUFS", "-5 LUFS"]
    assert len(scale("year", 1970, 1989, 2000).ticks()) == 3


def test_an_octave_of_brightness_looks_the_same_everywhere_and_20_bpm_do():
    assert scale("brightness", 500, 1000, 2000).colour_numbers.tolist() == [0, 32, SCALE_STEPS - 1]
    assert scale("tempo", 80, 100, 160).colour_numbers.tolist() == [0, 16, SCALE_STEPS - 1]


def test_values_that_are_not_sure_are_counted_apart_from_unknown_ones():
    kind, values = SCALES["tempo"], np.array([120, np.nan, np.nan, np.nan], dtype=np.float32)
    tempo = Scale(kind, values, np.array([False, True, True, False]))
    assert tempo.colour_numbers[1:].tolist() == [SCALE_STEPS] * 3
    assert tempo.unknown_counts(np.ones(4, dtype=bool)) == [("Tempo not sure", 2), ("Unknown tempo", 1)]
    assert tempo.unknown_counts(np.array([True, True, False, False])) == [("Tempo not sure", 1)]
    assert scale("year", 1984).unknown_counts(np.ones(1, dtype=bool)) == []
    nothing = Scale(kind, values[1:], np.array([True, True, False]))
    assert not nothing.has_values and tempo.has_values


def test_long_songs_have_hours():
    assert scale("length", 3723).text(3723) == "1:02:03"


def test_everything_that_can_colour_the_map_has_a_name():
    assert list(COLOURINGS) == [
        *("cluster", "genre", "artist"),
        *("tempo", "key", "energy", "loudness", "brightness"),
        *("year", "length"),
    ]
    assert COLOURINGS["length"] == "Length"
