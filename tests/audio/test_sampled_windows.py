"""A few windows read from a file are those of the whole decoded file, and little more is decoded."""

import av
import numpy as np
import pytest
import soundfile

from explorer.audio.decoder import Decoder
from explorer.audio.sampled_windows import resampled_length
from explorer.audio.song_parts import open_part
from explorer.embedding.frontend import windows
from explorer.library.music_file import WHOLE, Part

SECONDS = 31.37
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
        stream = output.add_stream(codec, rate=rate_hz, layout="stereo")
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
def decoder():
    with Decoder() as decoder:
        yield decoder


def all_windows(path, part=WHOLE, channel=None):
    blocks = open_part(path, part, exact=True).mono(sample_rate_hz=48_000, channel=channel)
    return np.concatenate(list(windows(blocks, hop_s=HOP_S, batch_size=64)))


def compare(decoder, path, *, part=WHOLE, count=5, channel=None):
    """Return the sampled windows, and their least signal-to-noise ratio to those of the whole song."""
    sampled = decoder.sampled_windows(path, count=count, hop_s=HOP_S, part=part, channel=channel)
    expected = all_windows(path, part, channel)
    assert sampled.n_windows == len(expected)
    assert sampled.numbers.tolist() == sorted(set(sampled.numbers.tolist()))
    expected = expected[sampled.numbers].astype(float)
    noise = ((sampled.windows - expected) ** 2).sum(axis=1)
    return sampled, 10 * np.log10((expected**2).sum(axis=1) / np.maximum(noise, 1e-20)).min()


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
    ],
)
def test_windows_of_every_format_are_those_of_the_whole_file(decoder, tmp_path, name, codec, options):
    path = encode(tmp_path / name, codec, **options)
    sampled, ratio_db = compare(decoder, path)
    # The rounding of the resampler is at -130 dB. Decoders of AAC and AC-3 fill bands with random noise.
    assert ratio_db > (20 if codec in ("aac", "ac3") else 110)
    assert sampled.decoded_s < 0.5 * SECONDS


@pytest.mark.parametrize(
    ("name", "codec"), [("x.opus", "libopus"), ("x.flac", "flac"), ("x.wav", "pcm_s16le")]
)
def test_windows_at_48_khz_need_no_resampling(decoder, tmp_path, name, codec):
    path = encode(tmp_path / name, codec, rate_hz=48_000)
    sampled, ratio_db = compare(decoder, path)
    assert ratio_db > (110 if codec == "libopus" else 190)
    assert sampled.decoded_s < 0.5 * SECONDS


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 32_000, 44_056, 96_000])
def test_resampling_begins_on_the_grid_of_48_khz(decoder, tmp_path, rate_hz):
    sampled, ratio_db = compare(decoder, encode(tmp_path / "x.wav", "pcm_s16le", rate_hz=rate_hz))
    assert ratio_db > 90
    assert sampled.decoded_s < 0.5 * SECONDS


@pytest.mark.parametrize("rate_hz", [8_000, 44_056, 44_100, 96_000])
def test_the_resampled_length_is_known_from_the_length(tmp_path, rate_hz):
    for n_samples in (1, 2, 3, 5, 100, 733, rate_hz, rate_hz + 1):
        path = encode(tmp_path / "x.wav", "pcm_s16le", np.zeros((2, n_samples), np.float32), rate_hz=rate_hz)
        blocks = open_part(path, WHOLE).mono(sample_rate_hz=48_000)
        assert sum(map(len, blocks)) == resampled_length(n_samples, rate_hz=rate_hz)


@pytest.mark.parametrize("count", [62, 64, 1000])
def test_the_first_and_the_last_window_have_their_zeros(decoder, tmp_path, count):
    sampled, ratio_db = compare(decoder, encode(tmp_path / "x.mp3", "libmp3lame"), count=count)
    assert 0 in sampled.numbers and sampled.n_windows - 1 in sampled.numbers
    assert not sampled.windows[0, :24_000].any()
    assert ratio_db > 110


@pytest.mark.parametrize(
    ("name", "codec"), [("x.flac", "flac"), ("x.wav", "pcm_s16le"), ("x.mp3", "libmp3lame")]
)
@pytest.mark.parametrize("part", [Part(1, 0.0, 14.0), Part(2, 9.123, 27.77), Part(3, 12.5, None)])
def test_tracks_of_cue_sheets_have_windows_of_their_own(decoder, tmp_path, name, codec, part):
    sampled, ratio_db = compare(decoder, encode(tmp_path / name, codec), part=part, count=3)
    assert sampled.duration_s == pytest.approx((part.end_s or SECONDS) - part.start_s, abs=0.1)
    assert ratio_db > 110
    assert sampled.decoded_s < 0.6 * sampled.duration_s
