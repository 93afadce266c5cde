import av
import numpy as np
import pytest
import scipy.signal
import soundfile

from explorer.audio.decoding import open_audio
from explorer.audio.fingerprints import fingerprint
from explorer.errors import AudioError

RATE_HZ = 44_100


def make_sweep(seconds=2.0, rate_hz=RATE_HZ):
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * (200 + 300 * time) * time)).astype(np.float32)


def encode(path, samples, *, codec, container=None, rate_hz=RATE_HZ, bit_rate=192_000):
    """Write stereo samples with FFmpeg."""
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="stereo")
        if codec not in ("alac", "pcm_s16be", "wavpack"):
            stream.bit_rate = bit_rate
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), format="fltp", layout="stereo")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            format=stream.format, layout="stereo", rate=rate_hz, frame_size=stream.frame_size or 0
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def read_mono(path, rate_hz=48_000):
    stream = open_audio(path)
    return stream, np.concatenate(list(stream.mono(sample_rate_hz=rate_hz)))


def best_correlation(read, samples):
    """Return the highest normalised correlation over all delays, because lossy codecs delay the sound."""
    middle = samples[20_000:60_000]
    products = scipy.signal.correlate(read, middle, mode="valid")
    energies = scipy.signal.oaconvolve(read.astype(float) ** 2, np.ones(len(middle)), mode="valid")
    return np.max(products / np.sqrt(np.maximum(energies, 1e-9) * np.sum(middle.astype(float) ** 2)))


@pytest.mark.parametrize("suffix", ["wav", "flac", "aiff", "ogg", "mp3"])
def test_formats_of_libsndfile_are_decoded(tmp_path, suffix):
    samples = make_sweep()
    soundfile.write(tmp_path / f"x.{suffix}", np.column_stack([samples, samples]), RATE_HZ)
    stream, read = read_mono(tmp_path / f"x.{suffix}", RATE_HZ)
    assert stream.format.startswith(suffix)
    assert stream.channels == 2
    assert stream.duration_s == pytest.approx(2.0, abs=0.06)
    assert best_correlation(read, samples) > 0.99


@pytest.mark.parametrize(
    ("name", "codec", "format"),
    [
        ("x.m4a", "aac", "mov/aac"),
        ("y.m4a", "alac", "mov/alac"),
        ("x.wma", "wmav2", "asf/wmav2"),
        ("x.wv", "wavpack", "wv/wavpack"),
    ],
)
def test_ffmpeg_decodes_formats_that_libsndfile_cannot(tmp_path, name, codec, format):
    samples = make_sweep()
    encode(tmp_path / name, samples, codec=codec)
    stream, read = read_mono(tmp_path / name, RATE_HZ)
    assert stream.format == format
    assert stream.duration_s == pytest.approx(2.0, abs=0.15)
    assert best_correlation(read, samples) > 0.99


def test_channels_are_averaged_and_the_sound_resampled(tmp_path):
    samples = make_sweep(1.0)
    soundfile.write(
        tmp_path / "x.wav", np.column_stack([samples, -samples, samples]), RATE_HZ, subtype="FLOAT"
    )
    stream, read = read_mono(tmp_path / "x.wav")
    assert len(read) == pytest.approx(48_000, abs=2)
    assert stream.duration_s == 1.0
    middle = read[10_000:30_000]
    assert np.abs(middle).max() == pytest.approx(0.5 / 3, rel=0.02)


def test_a_file_with_a_wrong_extension_is_decoded(tmp_path):
    soundfile.write(tmp_path / "x.wav", make_sweep(), RATE_HZ)
    (tmp_path / "x.wav").rename(tmp_path / "x.mp3")
    assert open_audio(tmp_path / "x.mp3").format == "wav/pcm_s16le"


def test_a_wrong_length_in_the_header_is_ignored(tmp_path):
    path = tmp_path / "x.wav"
    soundfile.write(path, make_sweep(), RATE_HZ)
    data = bytearray(path.read_bytes())
    data[40:44] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    stream, _ = read_mono(path)
    assert stream.duration_s == pytest.approx(2.0, abs=0.01)


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"", "is empty"), (b"just words, no sound " * 50, "not audio"), (b"RIFF\x00\x00", "not audio")],
)
def test_a_file_that_is_not_audio_is_an_error_that_names_it(tmp_path, content, reason):
    path = tmp_path / "x.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"x\.mp3 .*{reason}"):
        read_mono(path)


def test_a_missing_file_is_an_error_that_names_it(tmp_path):
    with pytest.raises(AudioError, match=r"gone\.mp3 cannot be read"):
        open_audio(tmp_path / "gone.mp3")
    with pytest.raises(AudioError, match="cannot be read"):
        fingerprint(tmp_path / "gone.mp3")


def test_a_file_with_only_a_cover_image_holds_no_sound(tmp_path):
    path = tmp_path / "cover.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuvj420p"
        output.mux(stream.encode(av.VideoFrame(16, 16, "yuvj420p")))
        output.mux(stream.encode(None))
    with pytest.raises(AudioError, match="holds no sound"):
        open_audio(path)


def test_a_truncated_file_is_decoded_up_to_its_end(tmp_path):
    encode(tmp_path / "x.wma", make_sweep(4.0), codec="wmav2")
    data = (tmp_path / "x.wma").read_bytes()
    (tmp_path / "x.wma").write_bytes(data[: len(data) // 2])
    stream, read = read_mono(tmp_path / "x.wma")
    assert 0.5 < stream.duration_s < 3.5
    assert np.isfinite(read).all()


def test_equal_bytes_have_equal_fingerprints(tmp_path):
    for name, content in (("a", b"x" * 3_000_000), ("b", b"x" * 3_000_000), ("c", b"x" * 2_999_999)):
        (tmp_path / name).write_bytes(content)
    assert fingerprint(tmp_path / "a") == fingerprint(tmp_path / "b") != fingerprint(tmp_path / "c")


def test_blocks_of_a_variable_rate_mp3_equal_the_file_read_at_once(tmp_path):
    """An MP3 frame may use bits of earlier frames, so a seek between blocks would change the samples."""
    rng = np.random.default_rng(4)
    time = np.arange(22_050 * 12) / 22_050
    loudness = 0.5 + 0.5 * np.sign(np.sin(2 * np.pi * 1.7 * time))
    sound = 0.3 * loudness * rng.normal(size=len(time)) + 0.2 * np.sin(2 * np.pi * 440 * time)
    path = tmp_path / "x.mp3"
    soundfile.write(path, np.clip(sound, -1, 1), 22_050, bitrate_mode="VARIABLE")
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    blocks = list(open_audio(path).blocks())
    assert len(blocks) > 2
    np.testing.assert_allclose(np.concatenate(blocks), whole, atol=1e-5)


@pytest.mark.parametrize("rate_hz", [1, 999, 10_000_001, 2**31 - 1])
def test_a_sample_rate_out_of_range_is_refused(tmp_path, rate_hz):
    soundfile.write(tmp_path / "x.wav", make_sweep(0.1), rate_hz)
    with pytest.raises(AudioError, match=rf"^x\.wav claims a sample rate of {rate_hz:,} Hz"):
        open_audio(tmp_path / "x.wav")


@pytest.mark.parametrize("rate_hz", [1_000, 10_000_000])
def test_the_lowest_and_the_highest_sample_rates_are_read(tmp_path, rate_hz):
    soundfile.write(tmp_path / "x.wav", make_sweep(0.1), rate_hz)
    _, read = read_mono(tmp_path / "x.wav")
    assert len(read) == pytest.approx(4410 * 48_000 / rate_hz, abs=2)


def test_a_thousand_channels_are_read_in_small_blocks(tmp_path):
    samples = np.repeat(make_sweep(0.1)[:, None], 1000, axis=1)
    soundfile.write(tmp_path / "x.wav", samples, RATE_HZ)
    blocks = list(open_audio(tmp_path / "x.wav").blocks())
    assert max(block.size for block in blocks) <= 65_536 * 8
    assert sum(map(len, blocks)) == 4410


def write_flac(path, seconds=4.0):
    sound = np.random.default_rng(3).normal(0, 0.1, int(seconds * RATE_HZ))
    soundfile.write(path, sound, RATE_HZ)
    return bytearray(path.read_bytes()), soundfile.read(path, dtype="float32")[0]


def test_a_truncated_flac_is_decoded_up_to_its_end(tmp_path):
    path = tmp_path / "x.flac"
    content, samples = write_flac(path)
    path.write_bytes(content[: len(content) // 2])
    stream, read = read_mono(path, RATE_HZ)
    assert 1.8 < stream.duration_s < 2.2
    np.testing.assert_array_equal(read, samples[: len(read)])


def test_a_flac_with_a_damaged_middle_is_decoded_before_and_after_it(tmp_path):
    path = tmp_path / "x.flac"
    content, samples = write_flac(path)
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    path.write_bytes(content)
    stream, read = read_mono(path, RATE_HZ)
    assert 3.5 < stream.duration_s <= 4.01
    np.testing.assert_array_equal(read[:80_000], samples[:80_000])
    # The length of the damaged part depends on the decoder; the music after it is the same.
    np.testing.assert_array_equal(read[-40_000:], samples[-40_000:])


def test_a_flac_without_a_readable_sample_is_damaged(tmp_path):
    path = tmp_path / "x.flac"
    content, _ = write_flac(path)
    path.write_bytes(content[:200] + bytes(50_000))
    with pytest.raises(AudioError, match=r"^x\.flac is damaged: .*[^.]\.$"):
        read_mono(path)


@pytest.mark.parametrize(("name", "codec"), [("x.wv", "wavpack"), ("x.m4a", "alac")])
def test_surround_channels_keep_their_order(tmp_path, name, codec):
    """Each channel holds another constant, so that a swap of two channels would show."""
    samples = np.repeat(np.arange(1, 7, dtype=np.int16) * 1000, 9_600).reshape(6, 9_600)
    with av.open(str(tmp_path / name), "w") as output:
        stream = output.add_stream(codec, rate=48_000, layout="5.1", format="s16p")
        stream.codec_context.open()
        size = stream.codec_context.frame_size or 4_800
        for begin in range(0, samples.shape[1], size):
            part = np.ascontiguousarray(samples[:, begin : begin + size])
            frame = av.AudioFrame.from_ndarray(part, format="s16p", layout="5.1")
            frame.sample_rate, frame.pts = 48_000, begin
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    stream = open_audio(tmp_path / name)
    read = np.concatenate(list(stream.blocks()))
    assert stream.format.endswith(codec)
    np.testing.assert_array_equal(read[:9_600], samples.T / np.float32(32_768))


def test_a_file_that_changes_its_rate_and_channels_midway_is_decoded_whole(tmp_path):
    parts = []
    for number, (rate_hz, layout) in enumerate(((44_100, "stereo"), (22_050, "mono"), (44_100, "stereo"))):
        path = tmp_path / f"{number}.aac"
        with av.open(str(path), "w") as output:
            stream = output.add_stream("aac", rate=rate_hz, layout=layout)
            samples = np.repeat(make_sweep(2.0, rate_hz)[None], 2 if layout == "stereo" else 1, axis=0)
            frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
            frame.sample_rate = rate_hz
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate_hz, frame_size=1024)
            for part in [*resampler.resample(frame), *resampler.resample(None)]:
                output.mux(stream.encode(part))
            output.mux(stream.encode(None))
        parts.append(path.read_bytes())
    (tmp_path / "x.aac").write_bytes(b"".join(parts))
    stream, read = read_mono(tmp_path / "x.aac", RATE_HZ)
    assert stream.channels == 2
    assert stream.duration_s == pytest.approx(6.0, abs=0.2)
    second = read[RATE_HZ * 2 :]
    assert best_correlation(second, scipy.signal.resample_poly(make_sweep(2.0, 22_050), 2, 1)) > 0.99


@pytest.mark.parametrize("value", [1e30, 3e38, -3e38])
def test_samples_beyond_any_real_level_are_taken_as_silence(tmp_path, value):
    """Their squares overflow, and the song would have no vector."""
    samples = np.stack([make_sweep()] * 2, axis=1)
    samples[1000] = value
    soundfile.write(tmp_path / "x.wav", samples, RATE_HZ, subtype="FLOAT")
    stream, read = read_mono(tmp_path / "x.wav", RATE_HZ)
    assert np.abs(read).max() < 1
    assert stream.note.startswith("2 samples")


def test_damaged_sound_is_told(tmp_path):
    path = encode(tmp_path / "x.m4a", make_sweep(4.0), codec="aac")
    content = bytearray(path.read_bytes())
    middle = slice(len(content) // 3, len(content) // 2)
    content[middle] = b"\xff" * (middle.stop - middle.start)
    path.write_bytes(content)
    stream, _ = read_mono(path)
    assert stream.duration_s < 3.9
    assert "damaged" in stream.note


def test_a_cut_file_and_a_tag_after_the_sound_are_no_damage(tmp_path):
    for name, codec in (("x.mp3", "libmp3lame"), ("x.m4a", "aac"), ("x.aac", "aac")):
        content = encode(tmp_path / name, make_sweep(4.0), codec=codec).read_bytes()
        (tmp_path / name).write_bytes(content + b"APETAGEX" + bytes(range(256)) * 1000)
        assert read_mono(tmp_path / name)[0].note == ""
        if name != "x.m4a":
            (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
            assert read_mono(tmp_path / name)[0].note == ""


def test_mp3_without_a_bit_rate_is_decoded(tmp_path):
    """The frames of "free format" do not tell their size, and FFmpeg cannot decode them."""
    content = encode(
        tmp_path / "x.mp3", make_sweep(4.0, 48_000), codec="libmp3lame", rate_hz=48_000
    ).read_bytes()
    first = content.index(b"\xff\xfb")
    # At 48 kHz and 192 kbit/s, all frames have 576 bytes.
    frames = [bytearray(content[i : i + 576]) for i in range(first, len(content) - 575, 576)]
    for frame in frames:
        assert frame[:2] == b"\xff\xfb"
        frame[2] &= 0x0F
    (tmp_path / "x.mp3").write_bytes(b"".join(frames[1:]))
    stream, _ = read_mono(tmp_path / "x.mp3")
    assert stream.duration_s == pytest.approx(4.0, abs=0.1)
