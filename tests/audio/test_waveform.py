import numpy as np
import pytest
import soundfile

from explorer.audio import waveform as module
from explorer.audio.pictures import BINS
from explorer.audio.waveform import measure_waveform
from explorer.errors import AudioError

RATE_HZ = 22_050


def noise(seconds, level=0.5):
    return np.random.default_rng(0).uniform(-1, 1, int(seconds * RATE_HZ)) * level


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_the_waveform_follows_the_level(tmp_path, make_sound, suffix):
    sound = np.concatenate([noise(10, 0.5), np.zeros(10 * RATE_HZ), noise(20, 0.005)])
    result = measure_waveform(make_sound(tmp_path / f"x{suffix}", sound, RATE_HZ))
    assert result.duration_s == pytest.approx(40.0, abs=0.2)
    assert (result.peaks.shape, result.peaks.dtype) == ((BINS,), np.uint8)
    assert result.peaks[:195].min() > 220
    assert result.peaks[210:395].max() < 5
    # A part 40 dB below the loudest has a tenth of its height.
    np.testing.assert_allclose(result.peaks[410:790], 25.5, atol=4)


def test_a_quiet_song_is_visible_and_silence_is_flat(tmp_path, make_sound):
    quiet = measure_waveform(make_sound(tmp_path / "quiet.flac", noise(5, 0.01), RATE_HZ))
    assert quiet.peaks.max() == 255
    hiss = measure_waveform(make_sound(tmp_path / "hiss.wav", noise(5, 0.0001), RATE_HZ))
    assert hiss.peaks.max() < 128
    assert not measure_waveform(make_sound(tmp_path / "no.wav", np.zeros(RATE_HZ), RATE_HZ)).peaks.any()


@pytest.mark.parametrize("count", [1, 63, 64, 65, 799, 801, 5000])
def test_a_short_file_has_a_waveform(tmp_path, make_sound, count):
    result = measure_waveform(make_sound(tmp_path / "x.wav", np.full(count, 0.5), RATE_HZ))
    np.testing.assert_array_equal(result.peaks, 255)
    assert result.duration_s == count / RATE_HZ


@pytest.mark.parametrize("block", [1, 1000, 100_000])
def test_the_energy_is_exact_for_any_length_of_file_and_block(block, monkeypatch):
    monkeypatch.setattr(module, "_MAX_SEGMENTS", 1024)
    squares = np.random.default_rng(1).uniform(0, 1, 8 * 1024 * 64 if block > 1 else 70_000)
    energy = module._Energy()
    for begin in range(0, len(squares), block):
        energy.add(squares[begin : begin + block])
    whole = squares[: len(squares) // 16 * 16]
    expected = whole.reshape(16, -1).mean(axis=1)
    np.testing.assert_allclose(energy.means(16), expected, rtol=0.02)
    assert energy.means(16).mean() == pytest.approx(squares.mean())


def test_a_wrong_length_in_the_header_is_ignored(tmp_path, make_sound):
    whole = make_sound(tmp_path / "x.wav", noise(3), RATE_HZ).read_bytes()
    length_at = whole.index(b"data") + 4
    (tmp_path / "wrong.wav").write_bytes(whole[:length_at] + b"\xff\xff\xff\x7f" + whole[length_at + 4 :])
    expected, result = measure_waveform(tmp_path / "x.wav"), measure_waveform(tmp_path / "wrong.wav")
    assert result.duration_s == pytest.approx(expected.duration_s)
    np.testing.assert_array_equal(result.peaks, expected.peaks)


def test_samples_that_are_not_finite_count_as_silence(tmp_path):
    sound = noise(1).astype(np.float32)
    sound[500], sound[600] = np.nan, np.inf
    soundfile.write(tmp_path / "x.wav", sound, RATE_HZ, subtype="FLOAT")
    assert np.median(measure_waveform(tmp_path / "x.wav").peaks) > 200


def test_a_file_that_cannot_be_decoded_is_an_error_that_names_it(tmp_path):
    (tmp_path / "x.ape").write_bytes(b"MAC \x00" * 100)
    with pytest.raises(AudioError, match=r"x\.ape"):
        measure_waveform(tmp_path / "x.ape")
