import numpy as np
import pytest

from explorer.audio.pictures import ROWS, TICKS_HZ, mel
from explorer.audio.spectrogram import MAX_COLUMNS, mel_bands, spectrogram

RATE_HZ = 44_100


def tone(frequency_hz, seconds, *, rate_hz=RATE_HZ, amplitude=0.5):
    return amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * rate_hz)) / rate_hz)


def row_of(frequency_hz, highest_hz):
    """Return the row of a frequency, counted from the top."""
    share = mel(frequency_hz) / mel(highest_hz)
    return ROWS - share * (ROWS + 1)


@pytest.mark.parametrize("rate_hz", [22_050, RATE_HZ])
@pytest.mark.parametrize("frequency_hz", TICKS_HZ)
def test_the_axis_label_of_a_frequency_is_at_the_height_of_its_tone(
    tmp_path, make_sound, frequency_hz, rate_hz
):
    result = spectrogram(make_sound(tmp_path / "x.wav", tone(frequency_hz, 2, rate_hz=rate_hz), rate_hz))
    if frequency_hz > rate_hz / 2:
        assert frequency_hz not in result.ticks()
    else:
        row = result.levels[:, result.levels.shape[1] // 2].argmax()
        assert result.ticks()[frequency_hz] == pytest.approx(1 - (row + 0.5) / ROWS, abs=0.6 / ROWS)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_tones_are_bright_at_their_time_and_frequency(tmp_path, make_sound, suffix):
    sound = np.concatenate([tone(200, 10), tone(6000, 10)])
    result = spectrogram(make_sound(tmp_path / f"x{suffix}", sound))
    assert result.levels.shape[0] == ROWS
    assert result.levels.dtype == np.uint8
    assert result.duration_s == pytest.approx(20.0, abs=0.1)
    columns = result.levels.shape[1]
    for moment, frequency in ((0.25, 200), (0.75, 6000)):
        column = result.levels[:, int(moment * columns)]
        assert column.argmax() == pytest.approx(row_of(frequency, result.highest_hz), abs=1)
        assert column.max() > 215
    assert result.levels[int(row_of(6000, result.highest_hz)), columns // 4] < 40


def test_levels_are_in_equal_steps_of_decibels_below_the_loudest(tmp_path, make_sound):
    sound = np.concatenate([tone(1000, 5), tone(1000, 5, amplitude=0.05), tone(1000, 5, amplitude=5e-6)])
    levels = spectrogram(make_sound(tmp_path / "x.flac", sound)).levels.max(axis=0).astype(int)
    third = len(levels) // 3
    assert levels[third // 2] == 255
    assert levels[third + third // 2] == pytest.approx(255 * (1 - 20 / 80), abs=1)
    assert levels[2 * third + third // 2] == 0


@pytest.mark.parametrize("seconds", [0.001, 0.5, 7, 130, 700])
def test_a_file_of_any_length_has_at_most_the_maximum_of_columns(tmp_path, make_sound, seconds):
    rate = 8_000
    sound = np.concatenate([tone(500, seconds / 2, rate_hz=rate), tone(2000, seconds / 2, rate_hz=rate)])
    result = spectrogram(make_sound(tmp_path / "x.wav", sound, rate))
    columns = result.levels.shape[1]
    assert 1 <= columns <= MAX_COLUMNS
    if seconds >= 130:
        assert columns == MAX_COLUMNS
    if seconds >= 0.5:
        bright = result.levels.argmax(axis=0)
        low, high = row_of(500, 4000), row_of(2000, 4000)
        turn = np.flatnonzero(np.abs(bright - high) < np.abs(bright - low))[0]
        assert turn / columns == pytest.approx(0.5, abs=0.03)
    assert result.highest_hz == 4000


def test_silence_is_dark(tmp_path, make_sound):
    assert not spectrogram(make_sound(tmp_path / "x.wav", np.zeros(RATE_HZ))).levels.any()


@pytest.mark.parametrize(("rate", "size"), [(8000, 512), (22_050, 2048), (44_100, 4096), (192_000, 16_384)])
def test_every_mel_band_averages_its_frequencies(rate, size):
    bands = mel_bands(rate, size, min(rate / 2, 18_000.0))
    assert bands.shape == (ROWS, size // 2 + 1)
    np.testing.assert_allclose(bands.sum(axis=1), 1, rtol=1e-5)
    assert (np.diff(bands.argmax(axis=1)) >= 0).all()
