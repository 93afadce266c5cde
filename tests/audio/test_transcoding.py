import numpy as np
import pytest
import soundfile

from explorer.audio import transcoding
from explorer.audio.transcoding import playable_media_type, transcode
from explorer.errors import AudioError


def test_only_formats_that_browsers_play_have_a_media_type():
    assert playable_media_type("mp3/mp3") == "audio/mpeg"
    assert playable_media_type("mov/aac") == "audio/mp4"
    for format in ("aiff/pcm_16", "asf/wmav2", "ape/ape", "mov/alac", "wav/ima_adpcm", "wv/wavpack"):
        assert playable_media_type(format) is None


@pytest.mark.parametrize(("channels", "rate_hz"), [(1, 22_050), (2, 44_100), (6, 48_000), (2, 192_000)])
def test_a_copy_has_the_sound_of_its_source(tmp_path, channels, rate_hz):
    time = np.arange(rate_hz) / rate_hz
    tone = 0.4 * np.sin(2 * np.pi * 440 * time)
    soundfile.write(tmp_path / "x.aiff", np.tile(tone[:, None], channels), rate_hz)
    copy = transcode(tmp_path / "x.aiff", cache=tmp_path / "cache", key="k")
    samples, rate = soundfile.read(copy, always_2d=True)
    assert copy.name == "k.flac"
    assert samples.shape[1] == min(channels, 2)
    assert len(samples) / rate == pytest.approx(1.0, abs=0.01)
    spectrum = np.abs(np.fft.rfft(samples[:, 0]))
    assert np.argmax(spectrum) * rate / len(samples) == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(0.4, abs=0.02)


def test_a_copy_is_made_once(tmp_path):
    soundfile.write(tmp_path / "x.aiff", np.zeros(1000), 8000)
    first = transcode(tmp_path / "x.aiff", cache=tmp_path, key="k")
    (tmp_path / "x.aiff").unlink()
    assert transcode(tmp_path / "x.aiff", cache=tmp_path, key="k") == first


def test_the_least_recently_used_copies_are_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(transcoding, "MAX_CACHE_BYTES", 30_000)
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 10_000)
    soundfile.write(tmp_path / "x.aiff", noise, 8000)
    for key in "abc":
        transcode(tmp_path / "x.aiff", cache=tmp_path / "cache", key=key)
    assert [path.name for path in (tmp_path / "cache").rglob("*.flac")] == ["c.flac"]


def test_a_damaged_source_leaves_no_file_behind(tmp_path):
    (tmp_path / "x.ape").write_bytes(b"MAC \x00" * 100)
    with pytest.raises(AudioError):
        transcode(tmp_path / "x.ape", cache=tmp_path / "cache", key="k")
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
