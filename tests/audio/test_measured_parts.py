import numpy as np
import pytest
import soundfile

from explorer.audio.decoder import Decoder
from explorer.audio.measured_parts import measure_parts
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Part

RATE_HZ = 44_100


def write(path, *channels):
    soundfile.write(path, np.stack(channels, axis=1), RATE_HZ, subtype="FLOAT")
    return path


def noise(seconds, *, level=0.1, seed=0):
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))


def measure(path, *parts, limit_s=60.0):
    return measure_parts(path, parts, alive=lambda: None, limit_s=limit_s)


def test_a_decoder_measures_a_song_while_it_decodes_it_and_later(tmp_path):
    path = write(tmp_path / "x.wav", noise(5, seed=1), noise(5, seed=2))
    with Decoder() as decoder:
        sound = decoder.sound(path, rate_hz=48_000, features=True)
        n_samples = sum(map(len, sound.blocks()))
        (later,) = decoder.features(path)
        plain = decoder.sound(path, rate_hz=48_000)
        assert sum(map(len, plain.blocks())) == n_samples
    assert plain.features is None
    assert sound.features.loudness_lufs == later.loudness_lufs == pytest.approx(-14, abs=3)
    assert np.array_equal(sound.features.loudness_curve, later.loudness_curve)
    assert (sound.features.energy, sound.features.key) == (later.energy, later.key)


def test_each_track_is_measured_alone(tmp_path):
    levels = (0.01, 0.1, 0.3)
    path = write(tmp_path / "x.wav", np.concatenate([noise(3, level=level) for level in levels]))
    parts = [Part(1, 0.0, 3.0), Part(3, 6.0, None)]
    with Decoder() as decoder:
        sounds = decoder.sounds(path, rate_hz=48_000, parts=dict.fromkeys(parts), features=True)
        first = [(sum(map(len, sound.blocks())), sound.features)[1] for sound in sounds]
        later = decoder.features(path, parts)
    assert [len(features.loudness_curve) for features in later] == [3, 3]
    assert later[1].loudness_lufs - later[0].loudness_lufs == pytest.approx(29.5, abs=0.5)
    assert [features.loudness_lufs for features in first] == [features.loudness_lufs for features in later]


def test_the_louder_channel_is_measured_if_the_channels_cancel_each_other(tmp_path):
    sound = noise(4)
    (mono,) = measure(write(tmp_path / "mono.wav", sound), WHOLE)
    (opposite,) = measure(write(tmp_path / "opposite.wav", sound, -sound), WHOLE)
    (equal,) = measure(write(tmp_path / "equal.wav", sound, sound), WHOLE)
    assert opposite.brightness_hz == pytest.approx(mono.brightness_hz, rel=1e-3)
    # Two equal channels are 3 dB louder than one, whatever their phase.
    assert equal.loudness_lufs - mono.loudness_lufs == pytest.approx(3.01, abs=0.02)
    assert opposite.loudness_lufs == pytest.approx(equal.loudness_lufs, abs=0.02)


def test_a_file_that_cannot_be_decoded_or_is_too_long_fails(tmp_path):
    with pytest.raises(AudioError, match="longer"):
        measure(write(tmp_path / "x.wav", noise(4)), WHOLE, limit_s=2.0)
    (tmp_path / "broken.wav").write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"broken\.wav"):
        measure(tmp_path / "broken.wav", WHOLE)
