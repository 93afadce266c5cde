import numpy as np
import pytest
import soundfile

from explorer.audio import previews
from explorer.audio.decoding import AudioStream, open_audio
from explorer.audio.loudness import integrated_loudness, true_peak_db
from explorer.audio.previews import find_start, write_preview
from explorer.errors import AudioError

RATE_HZ = 44_100


def sample_times(seconds, rate_hz=RATE_HZ):
    return np.arange(int(seconds * rate_hz)) / rate_hz


def music(seconds, *, rate_hz=RATE_HZ, amplitude=0.5):
    """Return swelling chords with ticks of noise, in stereo."""
    time = sample_times(seconds, rate_hz)
    rng = np.random.default_rng(int(seconds * 10))
    chord = sum(np.sin(2 * np.pi * f * time + f) / 4 for f in (110, 277, 415, 1661))
    ticks = rng.normal(0, 0.4, len(time)) * np.exp(-40 * (time % 0.25))
    left = chord * (0.6 + 0.4 * np.sin(2 * np.pi * 0.5 * time)) + ticks
    right = chord - 0.6 * ticks
    return amplitude * np.column_stack([left, right]) / np.abs([left, right]).max()


def decoded_preview(tmp_path, source, start_s=0.0):
    path = tmp_path / "preview.part"
    write_preview(source, path, start_s=start_s)
    return soundfile.read(path, dtype="float32", always_2d=True)


def loud_square(seconds):
    return 0.99 * np.sign(np.sin(2 * np.pi * 110 * sample_times(seconds)))


def clicks_over_near_silence(seconds):
    sound = np.random.default_rng(0).normal(0, 0.008, int(seconds * RATE_HZ))
    sound[:: RATE_HZ // 2] = 0.98
    sound[1 :: RATE_HZ // 2] = -0.98
    return sound


def bursts(seconds):
    """Return square waves of 5 ms, whose peaks the encoder raises by more than a decibel."""
    time = sample_times(seconds)
    faint = np.random.default_rng(0).normal(0, 0.003, len(time))
    return np.where(time % 5 < 0.005, 0.9 * np.sign(np.sin(2 * np.pi * 4000 * time)), faint)


SOUNDS = {
    "loud.wav": lambda: (loud_square(25), RATE_HZ),
    "noise.wav": lambda: (np.random.default_rng(1).uniform(-1, 1, (25 * RATE_HZ, 2)), RATE_HZ),
    "quiet.flac": lambda: (music(25, amplitude=0.06), RATE_HZ),
    "clicks.flac": lambda: (clicks_over_near_silence(25), RATE_HZ),
    "bursts.flac": lambda: (bursts(25), RATE_HZ),
    "mono.mp3": lambda: (music(25)[:, 0], RATE_HZ),
    "stereo.m4a": lambda: (music(25), RATE_HZ),
    "low.wav": lambda: (music(25, rate_hz=22_050), 22_050),
    "high.flac": lambda: (music(22, rate_hz=96_000), 96_000),
    "short.wav": lambda: (music(0.3), RATE_HZ),
}
# LU below -16 LUFS: the peaks allow no more gain, or the encoder removes the high frequencies of noise.
QUIETER_LU = {"bursts.flac": 5.3, "clicks.flac": 22.3, "mono.mp3": 2.1, "noise.wav": 2.0}


@pytest.mark.parametrize("name", SOUNDS)
def test_a_preview_has_at_most_minus_16_lufs_and_does_not_clip(tmp_path, make_sound, name):
    samples, rate_hz = SOUNDS[name]()
    source = make_sound(tmp_path / name, samples, rate_hz)
    decoded, rate = decoded_preview(tmp_path, source)
    assert integrated_loudness(decoded, rate) == pytest.approx(-16.0 - QUIETER_LU.get(name, 0.0), abs=0.5)
    assert true_peak_db(decoded) < -1.0
    assert decoded.shape[1] == (1 if np.ndim(samples) == 1 else 2)
    assert len(decoded) / rate == pytest.approx(min(20.0, len(samples) / rate_hz), abs=0.01)
    assert rate == {22_050: 44_100, 96_000: 48_000}.get(rate_hz, RATE_HZ)


def test_a_preview_is_an_mp3_of_at_most_96_kbit_per_second(tmp_path, make_sound):
    source = make_sound(tmp_path / "x.flac", music(30))
    made = tmp_path / "preview.part"
    write_preview(source, made, start_s=5.0)
    info = soundfile.info(made)
    assert (info.format, info.subtype, info.channels) == ("MP3", "MPEG_LAYER_III", 2)
    assert made.stat().st_size * 8 / 20 <= 97_000


def test_silence_stays_silent_and_hiss_is_not_amplified_beyond_the_limit(tmp_path, make_sound):
    silent, _ = decoded_preview(tmp_path, make_sound(tmp_path / "silent.wav", np.zeros(RATE_HZ * 25)))
    assert np.abs(silent).max() < 1e-6
    hiss = np.random.default_rng(0).normal(0, 10 ** (-70 / 20), RATE_HZ * 25)
    source = make_sound(tmp_path / "hiss.flac", hiss)
    heard, _ = decoded_preview(tmp_path, source)
    assert 20 * np.log10(np.sqrt(np.mean(heard**2))) < -70 + 30 + 1


@pytest.mark.parametrize("count", [1, 7, 300])
def test_a_song_of_a_few_samples_has_a_preview(tmp_path, make_sound, count):
    decoded, _ = decoded_preview(tmp_path, make_sound(tmp_path / "x.wav", np.full(count, 0.5)))
    assert len(decoded) == count
    assert np.isfinite(decoded).all()


def test_a_preview_fades_in_and_out(tmp_path, make_sound):
    source = make_sound(tmp_path / "x.wav", 0.3 * np.sin(2 * np.pi * 1000 * sample_times(30)))
    decoded, rate = decoded_preview(tmp_path, source, start_s=4.0)
    envelope = np.abs(decoded[:, 0])
    level = np.median(envelope[rate : 2 * rate].reshape(-1, 100).max(axis=1))
    assert envelope[:60].max() < 0.1 * level
    assert envelope[int(0.02 * rate) : int(0.04 * rate)].max() > 0.9 * level
    assert envelope[-int(0.01 * rate) :].max() < 0.05 * level
    assert envelope[-int(0.203 * rate) : -int(0.197 * rate)].max() == pytest.approx(0.5 * level, rel=0.1)
    assert envelope[-int(0.6 * rate) : -int(0.45 * rate)].max() > 0.9 * level


def test_a_preview_is_the_requested_part_of_the_song(tmp_path, make_sound):
    time = sample_times(40)
    rising = 0.4 * np.sin(2 * np.pi * np.cumsum(300 + 50 * time) / RATE_HZ)
    decoded, rate = decoded_preview(tmp_path, make_sound(tmp_path / "x.flac", rising), start_s=13.0)
    part = decoded[10 * rate : int(10.1 * rate), 0]
    peak = np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * rate / len(part)
    assert peak == pytest.approx(300 + 50 * 23.05, abs=12)


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_without_an_embedding_a_preview_begins_a_third_into_the_song_after_silence(
    tmp_path, make_sound, suffix
):
    song = music(60)
    assert find_start(make_sound(tmp_path / f"a{suffix}", song)) == pytest.approx(20.0, abs=0.1)
    song[int(15.0 * RATE_HZ) : int(26.2 * RATE_HZ)] = 0
    assert find_start(make_sound(tmp_path / f"b{suffix}", song)) == pytest.approx(26.0, abs=0.15)
    song[int(15.0 * RATE_HZ) :] = 0
    assert find_start(make_sound(tmp_path / f"c{suffix}", song)) == 0.0
    assert find_start(make_sound(tmp_path / f"d{suffix}", song[: 12 * RATE_HZ])) == 0.0


def test_a_preview_that_fails_is_an_error_that_names_the_song(tmp_path, make_sound):
    (tmp_path / "x.ape").write_bytes(b"MAC \x00" * 100)
    with pytest.raises(AudioError, match=r"x\.ape"):
        write_preview(tmp_path / "x.ape", tmp_path / "preview.part", start_s=None)
    source = make_sound(tmp_path / "x.wav", music(1))
    with pytest.raises(AudioError, match=r"preview of x\.wav cannot be written"):
        write_preview(source, tmp_path / "absent" / "preview.part", start_s=0.0)


@pytest.mark.parametrize("level", [2.0, 9e9, 1.6e38])
def test_samples_far_beyond_full_scale_do_not_reach_the_encoder(tmp_path, level):
    """LAME ends the process if a sample is huge. `index` averages the channels, which cancel each other."""
    sound = 0.3 * np.sin(2 * np.pi * 440 * sample_times(2))[:, None] * np.ones((1, 2))
    sound[40_000:42_000] = level, -level
    soundfile.write(tmp_path / "x.wav", sound.astype(np.float32), RATE_HZ, subtype="FLOAT")
    decoded, _ = decoded_preview(tmp_path, tmp_path / "x.wav")
    assert true_peak_db(decoded) < -1.0
    assert np.abs(decoded).max() > 0.01


@pytest.mark.parametrize("beyond", [np.nan, np.inf, -np.inf, 1e38, 2.0])
def test_the_encoder_gets_samples_within_full_scale(tmp_path, monkeypatch, beyond):
    """Whatever the measurement of loudness allows: the encoder would end the process."""
    given = []
    monkeypatch.setattr(previews.soundfile, "write", lambda _path, samples, *_, **__: given.append(samples))
    previews._encode(tmp_path / "x", np.array([[0.5], [beyond], [-0.5]], np.float32), RATE_HZ)
    assert np.abs(given[0]).max() <= 1 / previews._LAME_SCALE + 1e-6
    np.testing.assert_allclose(given[0][[0, 2], 0] * previews._LAME_SCALE, [0.5, -0.5], rtol=1e-6)


def test_measuring_the_duration_closes_the_file(tmp_path, make_sound, monkeypatch):
    source, opened, closed = make_sound(tmp_path / "x.flac", music(25)), [], []

    def open_and_record(*arguments, **options):
        opened.append(open_audio(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(previews, "open_audio", open_and_record)
    monkeypatch.setattr(AudioStream, "close", lambda stream: closed.append(stream))
    previews._duration(source)
    assert closed == opened
    assert len(closed) == 1


def test_a_sound_that_is_shorter_than_a_sample_of_its_preview_is_an_error(tmp_path, make_sound):
    source = make_sound(tmp_path / "x.wav", np.full(1, 0.5, np.float32), 768_000)
    with pytest.raises(AudioError, match=r"^x\.wav is too short for a preview\.$"):
        write_preview(source, tmp_path / "x.mp3", start_s=None)


def test_the_reason_why_a_preview_cannot_be_written_is_a_sentence_without_the_temporary_file(
    tmp_path, make_tone
):
    source = make_tone(tmp_path / "x.flac")
    with pytest.raises(AudioError, match=r"^The preview of x\.flac cannot be written: .*[^.]\.$") as caught:
        write_preview(source, tmp_path / "missing" / "secret.part", start_s=None)
    assert "secret" not in str(caught.value)
