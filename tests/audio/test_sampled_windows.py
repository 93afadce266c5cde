"""A few windows read from a file are those of the whole decoded file, and little more is decoded."""

import av
import numpy as np
import pytest
import soundfile

from explorer.audio.decoder import Decoder
from explorer.audio.sampled_windows import resampled_length
from explorer.audio.song_parts import open_part
from explorer.embedding.frontend import windows
from explorer.errors import AudioError
from explorer.library.music_file import WHOLE, Part

SECONDS = 25.37
HOP_S = 0.5


def music(seconds=SECONDS, rate_hz=44_100):
    """Make stereo sound that is never the same twice [shape=(2, n), float32]: a wrong position shows."""
    random = np.random.default_rng(5)
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    sweep = 0.4 * np.sin(2 * np.pi * (150 + 40 * time) * time)
    beat = (time % 0.37 < 0.1) * random.normal(0, 0.1, len(time))
    return np.stack([sweep + beat, sweep - 0.5 * beat]).astype(np.float32)


def encode(path, codec, samples=None, *, rate_hz=44_100, container=None, **options):
    """Write stereo samples with FFmpeg."""
    samples = music(rate_hz=rate_hz) if samples is None else samples
    if codec == "vorbis":
        return encode_vorbis(path, samples, rate_hz)
    with av.open(str(path), "w", format=container, options=options) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout="stereo", options=options)
        if codec in ("libmp3lame", "aac", "libopus", "wmav2", "ac3"):
            stream.bit_rate = 160_000
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = rate_hz
        resampler = av.AudioResampler(
            format=stream.format, layout="stereo", rate=rate_hz, frame_size=stream.frame_size or 4096
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path


def encode_vorbis(path, samples, rate_hz):
    """Write Vorbis with libsndfile, because FFmpeg encodes no short blocks; copy it into the container."""
    with soundfile.SoundFile(
        path.with_suffix(".ogg"), "w", rate_hz, 2, format="OGG", subtype="VORBIS"
    ) as file:
        for start in range(0, samples.shape[1], 4096):
            file.write(samples.T[start : start + 4096])
    if path.suffix != ".ogg":
        with (
            av.open(str(path.with_suffix(".ogg"))) as source,
            av.open(str(path), "w", format="matroska") as target,
        ):
            stream = target.add_stream_from_template(source.streams.audio[0])
            for packet in source.demux(audio=0):
                if packet.size:
                    packet.stream = stream
                    target.mux(packet)
    return path


@pytest.fixture(scope="module")
def mp3(tmp_path_factory):
    """An MP3 file, as bytes: this encoder is slow."""
    return encode(tmp_path_factory.mktemp("mp3") / "x.mp3", "libmp3lame").read_bytes()


@pytest.fixture(scope="module")
def decoder():
    with Decoder() as decoder:
        yield decoder


def all_windows(path, part=WHOLE, channel=None, hop_s=HOP_S):
    blocks = open_part(path, part, exact=True).mono(sample_rate_hz=48_000, channel=channel)
    return np.concatenate(list(windows(blocks, hop_s=hop_s, batch_size=64)))


def compare(decoder, path, *, part=WHOLE, count=5, channel=None, hop_s=HOP_S):
    """Return the sampled windows, and their least signal-to-noise ratio to those of the whole song."""
    sampled = decoder.sampled_windows(path, count=count, hop_s=hop_s, part=part, channel=channel)
    expected = all_windows(path, part, channel, hop_s)
    assert sampled.n_windows == len(expected)
    assert sampled.numbers.tolist() == sorted(set(sampled.numbers.tolist()))
    expected = expected[sampled.numbers].astype(float)
    noise = ((sampled.windows - expected) ** 2).sum(axis=1)
    signal = np.maximum((expected**2).sum(axis=1), 1e-6)
    return sampled, 10 * np.log10(signal / np.maximum(noise, 1e-20)).min()


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("x.mp3", "libmp3lame", {}),
        ("no_header.mp3", "libmp3lame", {"write_xing": "0"}),
        ("x.m4a", "aac", {}),
        ("x.aac", "aac", {}),
        ("alac.m4a", "alac", {}),
        ("x.flac", "flac", {}),
        ("x.ogg", "vorbis", {}),
        ("x.mka", "vorbis", {}),
        ("aac.mka", "aac", {}),
        ("x.wav", "pcm_s16le", {}),
        ("x.aiff", "pcm_s16be", {}),
        ("x.wma", "wmav2", {}),
        ("x.wv", "wavpack", {}),
        ("x.ac3", "ac3", {}),
        ("many_packets.opus", "libopus", {"frame_duration": "2.5", "rate_hz": 48_000}),
    ],
)
def test_windows_of_every_format_are_those_of_the_whole_file(decoder, tmp_path, name, codec, options):
    path = encode(tmp_path / name, codec, **options)
    sampled, ratio_db = compare(decoder, path)
    # The rounding of the resampler is at -130 dB. Decoders of AAC and AC-3 fill bands with random noise.
    assert ratio_db > (20 if codec in ("aac", "ac3") else 110)
    assert sampled.decoded_s < 0.6 * SECONDS


@pytest.mark.parametrize(
    ("name", "codec"), [("x.opus", "libopus"), ("x.flac", "flac"), ("x.wav", "pcm_s16le")]
)
def test_windows_at_48_khz_need_no_resampling(decoder, tmp_path, name, codec):
    path = encode(tmp_path / name, codec, rate_hz=48_000)
    sampled, ratio_db = compare(decoder, path)
    assert ratio_db > (110 if codec == "libopus" else 190)
    assert sampled.decoded_s < 0.6 * SECONDS


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 32_000, 44_056, 96_000])
def test_resampling_begins_on_the_grid_of_48_khz(decoder, tmp_path, rate_hz):
    sampled, ratio_db = compare(decoder, encode(tmp_path / "x.wav", "pcm_s16le", rate_hz=rate_hz))
    assert ratio_db > 90
    assert sampled.decoded_s < 0.6 * SECONDS


@pytest.mark.parametrize("rate_hz", [8_000, 44_056, 44_100, 96_000])
def test_the_resampled_length_is_known_from_the_length(tmp_path, rate_hz):
    for n_samples in (1, 2, 3, 5, 100, 733, rate_hz, rate_hz + 1):
        path = encode(tmp_path / "x.wav", "pcm_s16le", np.zeros((2, n_samples), np.float32), rate_hz=rate_hz)
        blocks = open_part(path, WHOLE).mono(sample_rate_hz=48_000)
        assert sum(map(len, blocks)) == resampled_length(n_samples, rate_hz=rate_hz)


@pytest.mark.parametrize(("name", "codec"), [("x.wav", "pcm_s16le"), ("x.m4a", "alac"), ("x.ogg", "vorbis")])
def test_the_first_and_the_last_window_have_their_zeros(decoder, tmp_path, name, codec):
    sampled, ratio_db = compare(decoder, encode(tmp_path / name, codec), count=1000, hop_s=3.0)
    assert sampled.numbers.tolist() == list(range(sampled.n_windows))
    assert not sampled.windows[0, :24_000].any()
    assert not sampled.windows[-1, -24_000:].any()
    assert ratio_db > 110
    assert sampled.decoded_s < 0.7 * SECONDS


def test_a_short_song_is_decoded_whole(decoder, tmp_path):
    path = encode(tmp_path / "x.flac", "flac", music(3.0))
    sampled, ratio_db = compare(decoder, path, count=12)
    assert sampled.n_windows == len(sampled.windows) == 6
    assert ratio_db > 190


@pytest.mark.parametrize(
    ("name", "codec"), [("x.flac", "flac"), ("x.wav", "pcm_s16le"), ("x.mp3", "libmp3lame")]
)
@pytest.mark.parametrize("part", [Part(1, 0.0, 14.0), Part(2, 9.123, 22.77), Part(3, 11.5, None)])
def test_tracks_of_cue_sheets_have_windows_of_their_own(decoder, tmp_path, name, codec, part):
    sampled, ratio_db = compare(decoder, encode(tmp_path / name, codec), part=part, count=2)
    assert sampled.duration_s == pytest.approx((part.end_s or SECONDS) - part.start_s, abs=0.1)
    assert ratio_db > 110
    assert sampled.decoded_s < 0.6 * sampled.duration_s


def test_a_tag_between_joined_mp3_files_moves_no_window(decoder, tmp_path, mp3):
    path = tmp_path / "joined.mp3"
    path.write_bytes(mp3 + b"TAG" + bytes(125) + mp3)
    sampled, ratio_db = compare(decoder, path)
    assert sampled.duration_s == pytest.approx(2 * SECONDS, abs=0.2)
    assert ratio_db > 110
    assert sampled.decoded_s < 0.6 * SECONDS


def test_a_header_that_claims_too_little_is_not_believed(decoder, tmp_path, mp3):
    data = bytearray(mp3)
    frames = data.index(b"Xing") + 8 if b"Xing" in data else data.index(b"Info") + 8
    data[frames : frames + 4] = (300).to_bytes(4, "big")
    (tmp_path / "x.mp3").write_bytes(data)
    _, ratio_db = compare(decoder, tmp_path / "x.mp3")
    assert ratio_db > 110


def test_a_header_that_claims_years_is_not_believed(decoder, tmp_path):
    path = encode(tmp_path / "x.flac", "flac")
    data = bytearray(path.read_bytes())
    # STREAMINFO holds the number of samples in 36 bits, after 13.5 bytes.
    data[21] |= 15
    data[22:26] = b"\xff" * 4
    path.write_bytes(data)
    sampled, ratio_db = compare(decoder, path)
    assert sampled.duration_s == pytest.approx(SECONDS, abs=0.01)
    assert ratio_db > 110


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("x.flac", "flac"),
        ("x.wav", "pcm_s16le"),
        ("x.mp3", "libmp3lame"),
        ("x.ogg", "vorbis"),
        ("x.aac", "aac"),
    ],
)
def test_a_file_that_was_cut_has_the_windows_that_are_left(decoder, tmp_path, name, codec):
    path = encode(tmp_path / name, codec)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    sampled, ratio_db = compare(decoder, path)
    assert sampled.duration_s == pytest.approx(SECONDS * 2 / 3, rel=0.1)
    assert ratio_db > (20 if codec == "aac" else 110)


@pytest.mark.parametrize("name", ["x.flac", "x.wav", "x.mp3", "x.ogg", "x.opus", "x.wma"])
def test_damage_in_the_middle_leaves_the_other_windows(decoder, tmp_path, name):
    codecs = {"wav": "pcm_s16le", "mp3": "libmp3lame", "ogg": "vorbis", "opus": "libopus", "wma": "wmav2"}
    codec = codecs.get(name[2:], name[2:])
    path = encode(tmp_path / name, codec, rate_hz=48_000 if codec == "libopus" else 44_100)
    good = all_windows(path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 4000] = bytes(4000)
    path.write_bytes(data)
    sampled = decoder.sampled_windows(path, count=4, hop_s=HOP_S)
    # The first two windows lie before the damage.
    expected = good[sampled.numbers[:2]]
    np.testing.assert_allclose(sampled.windows[:2], expected, atol=1e-4)
    assert sampled.windows[2:].any(axis=1).all()


def test_joined_ogg_files_are_decoded_whole(decoder, tmp_path):
    data = encode(tmp_path / "x.ogg", "vorbis").read_bytes()
    path = tmp_path / "chained.ogg"
    path.write_bytes(data + data)
    sampled, ratio_db = compare(decoder, path)
    assert ratio_db > 190
    assert sampled.decoded_s >= 2 * SECONDS


def test_an_mp3_that_changes_its_rate_is_decoded_whole(decoder, tmp_path, mp3):
    second = encode(tmp_path / "2.mp3", "libmp3lame", music(5.0, 48_000), rate_hz=48_000).read_bytes()
    path = tmp_path / "x.mp3"
    path.write_bytes(mp3 + second)
    _, ratio_db = compare(decoder, path)
    assert ratio_db > 190


def test_channels_that_cancel_each_other_are_told(decoder, tmp_path):
    left = music()[0]
    path = encode(tmp_path / "x.flac", "flac", np.stack([left, -0.999 * left]))
    assert decoder.sampled_windows(path, count=4, hop_s=HOP_S).louder_channel == 0
    sampled, ratio_db = compare(decoder, path, channel=0)
    assert ratio_db > 110
    assert sampled.decoded_s < 0.6 * SECONDS
    path = encode(tmp_path / "y.flac", "flac")
    assert decoder.sampled_windows(path, count=4, hop_s=HOP_S).louder_channel is None


def test_problems_are_those_of_decoding_the_whole_file(decoder, tmp_path):
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.mp3").write_text("No music at all. " * 50)
    for name in ("empty.mp3", "text.mp3", "missing.mp3"):
        with pytest.raises(AudioError) as whole:
            list(decoder.sound(tmp_path / name, rate_hz=48_000).blocks())
        with pytest.raises(AudioError) as sampled:
            decoder.sampled_windows(tmp_path / name, count=4, hop_s=HOP_S)
        assert str(sampled.value) == str(whole.value)


def test_a_track_after_the_end_of_the_sound_is_an_error(decoder, tmp_path, mp3):
    path = tmp_path / "x.mp3"
    path.write_bytes(mp3)
    with pytest.raises(AudioError, match="no sample"):
        decoder.sampled_windows(path, count=4, hop_s=HOP_S, part=Part(2, 100.0, None))
