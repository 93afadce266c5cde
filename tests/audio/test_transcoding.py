from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from explorer.audio import transcoding
from explorer.audio.previews import write_preview
from explorer.audio.transcoding import write_copy
from explorer.errors import AudioError


@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 22_050), (2, 44_100), (6, 48_000), (2, 192_000)])
def test_a_copy_has_the_sound_of_its_source(tmp_path, channels, rate_hz):
    time = np.arange(rate_hz) / rate_hz
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "x.aiff", np.tile(tone[:, None], channels), rate_hz)
    write_copy(tmp_path / "x.aiff", tmp_path / "copy.part")
    samples, rate = soundfile.read(tmp_path / "copy.part", always_2d=True)
    assert samples.shape[1] == min(channels, 2)
    assert len(samples) / rate == pytest.approx(1.0, abs=0.01)
    spectrum = np.abs(np.fft.rfft(samples[:, 0]))
    assert np.argmax(spectrum) * rate / len(samples) == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.02)


@pytest.mark.parametrize("rate_hz", [44_100, 192_000])
def test_samples_beyond_full_scale_are_limited(tmp_path, rate_hz):
    sound = np.zeros((rate_hz, 2), np.float32)
    sound[1000:2000] = 3.0, -9e9
    sound[5000] = np.nan
    soundfile.write(tmp_path / "x.wav", sound, rate_hz, subtype="FLOAT")
    write_copy(tmp_path / "x.wav", tmp_path / "copy.part")
    samples, rate = soundfile.read(tmp_path / "copy.part")
    middle = samples[round(1500 * rate / rate_hz)]
    np.testing.assert_allclose(middle, [1.0, -1.0], atol=1e-3)


def test_a_copy_cannot_fill_the_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(transcoding, "MAX_COPY_BYTES", 500_000)
    soundfile.write(tmp_path / "x.wav", np.random.default_rng(0).uniform(-0.5, 0.5, 800_000), 44_100)
    with pytest.raises(AudioError, match=r"x\.wav is too long"):
        write_copy(tmp_path / "x.wav", tmp_path / "copy.part")
    assert (tmp_path / "copy.part").stat().st_size < 1_000_000


def test_a_damaged_source_is_an_error_that_names_it(tmp_path):
    (tmp_path / "x.ape").write_bytes(b"MAC \x00" * 100)
    with pytest.raises(AudioError, match=r"x\.ape"):
        write_copy(tmp_path / "x.ape", tmp_path / "copy.part")
    soundfile.write(tmp_path / "x.wav", np.zeros(100), 8000)
    with pytest.raises(AudioError, match=r"copy of x\.wav cannot be written"):
        write_copy(tmp_path / "x.wav", tmp_path / "absent" / "copy.part")


def test_a_full_disk_is_named(tmp_path, make_tone, monkeypatch):
    """libsndfile says something else about it."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=0))
    source = make_tone(tmp_path / "x.flac")
    for write in (write_copy, partial(write_preview, start_s=None)):
        with pytest.raises(AudioError, match=r"x\.flac cannot be written: the disk of .* is full"):
            write(source, tmp_path / "missing" / "x.part")
