import numpy as np
import pytest

from explorer.demo.composer.oscillators import SAMPLE_RATE_HZ
from explorer.demo.composer.score import Bus, Grid, Note


def test_swing_delays_only_the_second_note_of_a_pair():
    grid = Grid(60, swing=2 / 3)
    assert [grid.seconds(beat) for beat in (0, 0.5, 1, 1.5, 2)] == pytest.approx([0, 2 / 3, 1, 5 / 3, 2])
    assert [grid.seconds(beat) for beat in (0.25, 0.75)] == pytest.approx([1 / 3, 5 / 6])


def test_beats_last_as_long_as_the_tempo_requires():
    assert Grid(120).seconds(7) == pytest.approx(3.5)


def test_a_sound_is_added_at_its_time_and_cut_at_the_end():
    bus = Bus(Grid(60), 1.0)
    bus.add(np.ones(SAMPLE_RATE_HZ, dtype=np.float32), 0.75)
    bus.add(np.ones(10, dtype=np.float32), 5.0)
    assert bus.samples.shape == (SAMPLE_RATE_HZ, 2)
    assert np.flatnonzero(bus.samples[:, 0])[0] == round(0.75 * SAMPLE_RATE_HZ)
    assert bus.samples[-1, 0] == pytest.approx(np.sqrt(0.5))


@pytest.mark.parametrize(("pan", "silent"), [(-1, 1), (1, 0)])
def test_panning_moves_a_sound_to_one_side(pan, silent):
    bus = Bus(Grid(60), 0.1)
    bus.add(np.ones(100, dtype=np.float32), 0, pan=pan)
    assert np.abs(bus.samples[:, silent]).max() < 1e-6
    assert bus.samples[:100, 1 - silent] == pytest.approx(1)


def test_a_pattern_hits_at_its_steps_and_continues_over_bars():
    bus = Bus(Grid(120), 4.0)
    bus.strike("X...x...", np.ones(1, dtype=np.float32), bars=[0, 1], steps_per_beat=1)
    hits = np.flatnonzero(bus.samples[:, 0])
    assert hits / SAMPLE_RATE_HZ == pytest.approx([0, 2.0])
    assert bus.samples[hits[1], 0] / bus.samples[hits[0], 0] == pytest.approx(0.75)


def test_equal_notes_are_rendered_once():
    calls = []

    def instrument(pitch, duration_s, velocity):
        calls.append((pitch, duration_s, velocity))
        return np.ones(10, dtype=np.float32)

    notes = [Note(0, 1, 60), Note(1, 1, 60), Note(2, 1, 62), Note(3, 0.5, 60)]
    Bus(Grid(60), 4.0).play(notes, instrument)
    assert [(pitch, duration_s) for pitch, duration_s, _ in calls] == [(60, 1), (62, 1), (60, 0.5)]


def test_a_strum_delays_notes_that_begin_together():
    bus = Bus(Grid(60), 1.0)
    chord = [Note(0, 1, pitch) for pitch in (60, 64, 67)]
    bus.play(chord, lambda *_: np.ones(1, dtype=np.float32), strum_s=0.1)
    assert np.flatnonzero(bus.samples[:, 0]) / SAMPLE_RATE_HZ == pytest.approx([0, 0.1, 0.2])
