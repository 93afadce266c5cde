import numpy as np
import pytest
import soundfile

from explorer.audio import excerpts
from explorer.audio.decoding import open_audio
from explorer.audio.excerpts import read_excerpt
from explorer.errors import AudioError

RATE_HZ = 44_100


def staircase(seconds=30):
    """Return a tone that rises by 40 Hz each second, from 200 Hz, so that its pitch identifies the second."""
    time = np.arange(RATE_HZ) / RATE_HZ
    return np.concatenate([0.4 * np.sin(2 * np.pi * (200 + 40 * s) * time) for s in range(seconds)])


def seconds_heard(samples, rate):
    """Return for each second of `samples` which second of the staircase it is."""
    mono = samples.mean(axis=1)
    numbers = []
    for begin in range(0, len(mono) - rate + 1, rate):
        middle = mono[begin + rate // 4 : begin + 3 * rate // 4]
        peak = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle)))))
        numbers.append(round((peak * rate / len(middle) - 200) / 40))
    return numbers


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".m4a"])
def test_the_excerpt_is_the_requested_part_in_every_format(tmp_path, make_sound, suffix):
    source = make_sound(tmp_path / f"stairs{suffix}", staircase())
    samples, rate = read_excerpt(source, start_s=12.0, seconds=5.0)
    assert (len(samples), rate) == (5 * RATE_HZ, RATE_HZ)
    assert seconds_heard(samples, rate) == [12, 13, 14, 15, 16]


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".m4a"])
def test_the_excerpt_is_found_by_seeking(tmp_path, make_sound, suffix, monkeypatch):
    source = make_sound(tmp_path / f"stairs{suffix}", staircase())
    opened = []

    def open_and_record(path, *, start_s=0.0):
        opened.append(start_s)
        return open_audio(path, start_s=start_s)

    monkeypatch.setattr(excerpts, "open_audio", open_and_record)
    samples, rate = read_excerpt(source, start_s=20.0, seconds=3.0)
    assert seconds_heard(samples, rate) == [20, 21, 22]
    assert opened == [20.0]


@pytest.mark.parametrize("start_s", [0.7, 3.0, 9.3, 14.0])
def test_a_file_that_cannot_seek_is_decoded_from_the_beginning(tmp_path, make_sound, start_s, monkeypatch):
    sound = staircase(20)
    source = make_sound(tmp_path / "stairs.wav", sound)
    expected, _ = read_excerpt(source, start_s=start_s, seconds=4.0)

    def open_at_the_beginning(path, *, start_s=0.0):
        if start_s:
            raise AudioError("It cannot seek.")
        return open_audio(path)

    monkeypatch.setattr(excerpts, "open_audio", open_at_the_beginning)
    samples, _ = read_excerpt(source, start_s=start_s, seconds=4.0)
    assert len(samples) == 4 * RATE_HZ
    np.testing.assert_array_equal(samples, expected)


@pytest.mark.parametrize("suffix", [".wav", ".m4a"])
def test_a_file_that_ends_before_the_part_gives_its_last_seconds(tmp_path, make_sound, suffix):
    source = make_sound(tmp_path / f"stairs{suffix}", staircase(10))
    for start_s in (8.0, 500.0, 1e9, 1e300):
        samples, rate = read_excerpt(source, start_s=start_s, seconds=4.0)
        assert len(samples) == 4 * RATE_HZ
        assert seconds_heard(samples, rate)[-2:] == [8, 9]


def test_a_file_shorter_than_the_part_is_read_whole(tmp_path, make_sound):
    source = make_sound(tmp_path / "stairs.wav", staircase(3))
    assert len(read_excerpt(source, start_s=0.0, seconds=20.0)[0]) == 3 * RATE_HZ
    assert len(read_excerpt(source, start_s=2.0, seconds=20.0)[0]) == 3 * RATE_HZ


def test_a_wrong_length_in_the_header_is_ignored(tmp_path, make_sound):
    whole = make_sound(tmp_path / "stairs.wav", staircase(12)).read_bytes()
    for name, claimed in (("long.wav", 0x7FFFFF00), ("streamed.wav", 0xFFFFFFFF)):
        changed = bytearray(whole)
        length_at = whole.index(b"data") + 4
        changed[length_at : length_at + 4] = claimed.to_bytes(4, "little")
        (tmp_path / name).write_bytes(changed)
        samples, rate = read_excerpt(tmp_path / name, start_s=9.0, seconds=2.0)
        assert seconds_heard(samples, rate) == [9, 10]
        samples, rate = read_excerpt(tmp_path / name, start_s=900.0, seconds=2.0)
        assert seconds_heard(samples, rate) == [10, 11]


def test_surround_becomes_stereo_and_nan_becomes_silence(tmp_path):
    sound = np.full((RATE_HZ, 6), 0.25, np.float32)
    sound[100] = np.nan
    sound[200] = np.inf
    soundfile.write(tmp_path / "x.wav", sound, RATE_HZ, subtype="FLOAT")
    samples, _ = read_excerpt(tmp_path / "x.wav", start_s=0.0, seconds=1.0)
    assert samples.shape == (RATE_HZ, 2)
    assert np.isfinite(samples).all()
    assert samples[300:].min() == samples.max() == 0.25


def test_a_file_without_sound_is_an_error_that_names_it(tmp_path):
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), RATE_HZ)
    with pytest.raises(AudioError, match=r"none\.wav holds no sound"):
        read_excerpt(tmp_path / "none.wav", start_s=3.0, seconds=1.0)
