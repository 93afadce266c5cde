"""The parts of files: joined Ogg files, tags in front, and headers that claim too little."""

import errno
import os
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from explorer.audio.decoding import open_audio
from explorer.audio.fingerprints import audio_fingerprint
from explorer.errors import AudioError
from explorer.library.containers import FilePart, file_parts, open_sound, reason_of

RATE_HZ = 44_100


def tone(seconds, *, rate_hz=RATE_HZ, channels=2):
    time = np.arange(int(rate_hz * seconds)) / rate_hz
    return np.repeat(0.4 * np.sin(2 * np.pi * 440 * time)[:, None], channels, axis=1)


def encode(path, seconds, *, codec, container=None, rate_hz=RATE_HZ, layout="stereo"):
    samples = tone(seconds, rate_hz=rate_hz, channels=2 if layout == "stereo" else 1).astype(np.float32)
    with av.open(path, "w", format=container) as output:
        stream = output.add_stream(codec, rate=rate_hz, layout=layout)
        if codec in ("wmav2", "aac", "libopus", "libmp3lame"):
            stream.bit_rate = 128_000
        stream.codec_context.open()
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout=layout)
        frame.rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
        resampler = av.AudioResampler(
            format=stream.codec_context.format,
            layout=layout,
            rate=rate_hz,
            frame_size=stream.frame_size or 1024,
        )
        for part in [*resampler.resample(frame), *resampler.resample(None)]:
            if part is not None:
                output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    return path.read_bytes()


def duration_of(path):
    stream = open_audio(path)
    for _ in stream.blocks():
        pass
    return stream.duration_s


def test_all_links_of_a_chain_of_ogg_files_are_decoded(tmp_path):
    """The links differ in rate, channels and codec; FFmpeg alone reads the first, or fails at the second."""
    kinds = [
        {"codec": "libopus", "rate_hz": 48_000},
        {"codec": "libopus", "rate_hz": 48_000, "layout": "mono"},
        {"codec": "flac"},
        {"codec": "flac", "rate_hz": 22_050, "layout": "mono"},
    ]
    links = [encode(tmp_path / "link.ogg", 2 + n, container="ogg", **kind) for n, kind in enumerate(kinds)]
    soundfile.write(tmp_path / "vorbis.ogg", tone(1.5), RATE_HZ)
    links.insert(2, (tmp_path / "vorbis.ogg").read_bytes())
    path = tmp_path / "chain.ogg"
    path.write_bytes(b"".join(links))
    starts = [0, *np.cumsum([len(link) for link in links])]
    assert file_parts(path) == [FilePart(a, b) for a, b in zip(starts[:-1], [*starts[1:-1], 0], strict=True)]
    assert duration_of(path) == pytest.approx(2 + 3 + 1.5 + 4 + 5, abs=0.05)


def test_a_link_across_the_border_of_two_reads_is_found(tmp_path, monkeypatch):
    link = encode(tmp_path / "link.ogg", 1.0, codec="libopus", container="ogg", rate_hz=48_000)
    path = tmp_path / "chain.ogg"
    path.write_bytes(link * 3)
    for n_bytes in (len(link) - 30, len(link) - 10, len(link), len(link) + 1, 1000):
        monkeypatch.setattr("explorer.library.containers._READ_BYTES", n_bytes)
        assert [part.start for part in file_parts(path)] == [0, len(link), 2 * len(link)]


def test_the_streams_of_one_ogg_file_are_no_chain(tmp_path):
    """A file with two streams begins with two first pages."""
    with av.open(tmp_path / "two.ogg", "w") as output:
        streams = [output.add_stream("libopus", rate=48_000, layout="mono") for _ in range(2)]
        for stream in streams:
            for start in range(0, 48_000, 960):
                frame = av.AudioFrame.from_ndarray(
                    np.zeros((1, 960), np.float32), format="flt", layout="mono"
                )
                frame.rate, frame.pts = 48_000, start
                output.mux(stream.encode(frame))
        for stream in streams:
            output.mux(stream.encode(None))
    assert len(file_parts(tmp_path / "two.ogg")) == 1
    assert duration_of(tmp_path / "two.ogg") == pytest.approx(1.0, abs=0.05)


def id3_tag(size, *, footer=False):
    flags = 0x10 if footer else 0
    header = b"ID3\x04\x00" + bytes([flags, size >> 21 & 127, size >> 14 & 127, size >> 7 & 127, size & 127])
    return header + b"\0" * size + (b"3DI" + header[3:] if footer else b"")


CODECS = {
    "wv": "wavpack",
    "wma": "wmav2",
    "mka": "libopus",
    "caf": "alac",
    "flac": "flac",
    "tta": "tta",
    "ogg": "libopus",
    "m4a": "aac",
    "wav": "pcm_s16le",
    "au": "pcm_s16be",
    "aiff": "pcm_s16be",
    "mp3": "libmp3lame",
    "w64": "pcm_s16le",
}


@pytest.mark.parametrize("suffix", CODECS)
def test_tags_in_front_of_any_format_are_skipped(tmp_path, suffix):
    rate_hz = 48_000 if CODECS[suffix] == "libopus" else RATE_HZ
    sound = encode(tmp_path / f"plain.{suffix}", 2.0, codec=CODECS[suffix], rate_hz=rate_hz)
    expected_s = duration_of(tmp_path / f"plain.{suffix}")
    path = tmp_path / f"x.{suffix}"
    for tags in (id3_tag(70_000), id3_tag(10) + id3_tag(300, footer=True) + b"\0" * 50):
        path.write_bytes(tags + sound)
        assert duration_of(path) == pytest.approx(expected_s, abs=0.05)


def wav_with_data_size(path, size, *, after=b""):
    soundfile.write(path, tone(3.0, channels=1), RATE_HZ)
    data = path.read_bytes()
    start = data.index(b"data") + 4
    path.write_bytes(data[:start] + struct.pack("<I", size) + data[start + 4 :] + after)
    return path


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 1000, 44_100, 10**8])
def test_a_wav_file_is_read_to_its_end_whatever_its_header_claims(tmp_path, size):
    assert duration_of(wav_with_data_size(tmp_path / "x.wav", size)) == pytest.approx(3.0, abs=0.01)


@pytest.mark.parametrize(
    "after", [b"LIST" + struct.pack("<I", 8000) + b"a" * 8000, id3_tag(8000), b"\0" * 9000, b"x" * 100]
)
def test_what_follows_the_samples_of_a_wav_file_is_no_sound(tmp_path, after):
    path = wav_with_data_size(tmp_path / "x.wav", 3 * 2 * RATE_HZ, after=after)
    assert duration_of(path) == pytest.approx(3.0, abs=0.001)


def test_a_flac_file_that_claims_too_few_samples_is_read_to_its_end(tmp_path):
    soundfile.write(tmp_path / "x.flac", tone(3.0), RATE_HZ)
    data = bytearray((tmp_path / "x.flac").read_bytes())
    data[21:26] = bytes([data[21] & 0xF0]) + struct.pack(">I", RATE_HZ)
    (tmp_path / "x.flac").write_bytes(data)
    assert duration_of(tmp_path / "x.flac") == pytest.approx(3.0)


def test_an_aiff_file_that_claims_no_samples_is_read_to_its_end(tmp_path):
    soundfile.write(tmp_path / "x.aiff", tone(3.0), RATE_HZ)
    data = bytearray((tmp_path / "x.aiff").read_bytes())
    start = data.index(b"SSND") + 4
    data[start : start + 4] = bytes(4)
    (tmp_path / "x.aiff").write_bytes(data)
    assert duration_of(tmp_path / "x.aiff") == pytest.approx(3.0)


PLAYLISTS = {
    "ffconcat": "ffconcat version 1.0\nfile 'real.wav'\n",
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nreal.wav\n#EXT-X-ENDLIST\n",
    "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period/></MPD>',
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    "ffmetadata": ";FFMETADATA1\ntitle=x\n",
}


@pytest.mark.parametrize("kind", PLAYLISTS)
@pytest.mark.parametrize("suffix", ["mp3", "m3u8", "ffconcat"])
def test_a_list_that_names_other_files_is_no_song(tmp_path, kind, suffix):
    soundfile.write(tmp_path / "real.wav", tone(3.0), RATE_HZ)
    path = tmp_path / f"list.{suffix}"
    path.write_text(PLAYLISTS[kind])
    with pytest.raises(AudioError, match=r"list.* is not audio that can be decoded"):
        open_audio(path)


def test_the_default_audio_track_is_taken(tmp_path):
    with av.open(tmp_path / "x.mka", "w") as output:
        streams = [output.add_stream("flac", rate=RATE_HZ, layout="mono") for _ in range(3)]
        streams[0].disposition = av.stream.Disposition(0)
        streams[1].disposition = av.stream.Disposition.default
        for number, stream in enumerate(streams):
            samples = np.full((1, 4096), 1000 * (number + 1), np.int16)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.rate = RATE_HZ
            output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    block = next(open_audio(tmp_path / "x.mka").blocks())
    assert block[0, 0] == pytest.approx(2000 / 32_768)


def test_a_codec_without_a_decoder_is_named(tmp_path):
    encode(tmp_path / "x.mka", 1.0, codec="libopus", rate_hz=48_000)
    data = (tmp_path / "x.mka").read_bytes()
    (tmp_path / "x.mka").write_bytes(data.replace(b"A_OPUS", b"A_XPUS"))
    with pytest.raises(AudioError, match=r"^x\.mka is coded with A_XPUS"):
        open_audio(tmp_path / "x.mka")
    soundfile.write(tmp_path / "x.wav", tone(1.0), RATE_HZ)
    data = bytearray((tmp_path / "x.wav").read_bytes())
    data[20:22] = struct.pack("<H", 0x4242)
    (tmp_path / "x.wav").write_bytes(data)
    with pytest.raises(AudioError, match=r"^x\.wav is coded with .*0x4242"):
        open_audio(tmp_path / "x.wav")


@pytest.mark.skipif(os.name != "posix", reason="Other systems have no such names.")
def test_a_file_name_that_is_not_valid_text_is_opened(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9, subfile:%d,,.wav")
    soundfile.write(tmp_path / "x.wav", tone(1.0), RATE_HZ)
    (tmp_path / "x.wav").rename(path)
    container, track = open_sound(path)
    container.close()
    assert track.codec_context.sample_rate == RATE_HZ
    path.write_bytes(id3_tag(100) + path.read_bytes())
    assert duration_of(path) == pytest.approx(1.0)


def test_a_part_of_a_chain_without_sound_is_left_out_and_told(tmp_path):
    """The headers of one link are damaged."""
    link = encode(tmp_path / "link.ogg", 2.0, codec="libopus", container="ogg", rate_hz=48_000)
    damaged = link[:60] + b"\xff" * 100 + link[160:]
    path = tmp_path / "x.ogg"
    for links in ([damaged, link], [link, damaged], [damaged, link, link]):
        path.write_bytes(b"".join(links))
        stream = open_audio(path)
        assert len(list(stream.blocks()))
        assert stream.duration_s == pytest.approx(2.0 * (len(links) - 1), abs=0.05)
        assert f"{len(links)} joined files" in stream.note
        assert audio_fingerprint(path) is not None


@pytest.mark.parametrize("suffix", ["flac", "tta", "wv", "wma"])
def test_joined_files_are_decoded_to_their_end(tmp_path, suffix):
    """The second one has another rate and other channels; tags may be between them."""
    first = encode(tmp_path / f"1.{suffix}", 2.0, codec=CODECS[suffix], rate_hz=22_050, layout="mono")
    second = encode(tmp_path / f"2.{suffix}", 3.0, codec=CODECS[suffix])
    expected_s = duration_of(tmp_path / f"1.{suffix}") + duration_of(tmp_path / f"2.{suffix}")
    path = tmp_path / f"x.{suffix}"
    for between in (b"", id3_tag(300)):
        path.write_bytes(first + between + second)
        assert duration_of(path) == pytest.approx(expected_s, abs=0.01)


def test_joined_wav_files_are_decoded_to_their_end(tmp_path):
    soundfile.write(tmp_path / "1.wav", tone(1.0), RATE_HZ)
    soundfile.write(tmp_path / "2.wav", tone(2.0, rate_hz=22_050, channels=1), 22_050)
    parts = [(tmp_path / name).read_bytes() for name in ("1.wav", "2.wav", "1.wav")]
    (tmp_path / "x.wav").write_bytes(b"".join(parts))
    assert duration_of(tmp_path / "x.wav") == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("codec", ["ac3", "eac3"])
@pytest.mark.parametrize("n_silent", [0, 200_000])
def test_coded_sound_in_the_samples_of_a_wav_file_is_decoded(tmp_path, codec, n_silent):
    """FFmpeg takes it for samples, noise, if it begins after long silence, or if it is E-AC-3."""
    encode(tmp_path / "x.raw", 2.0, codec=codec, container=codec, rate_hz=48_000)
    with (
        av.open(tmp_path / "x.raw", format=codec) as source,
        av.open(tmp_path / "x", "w", format="spdif") as out,
    ):
        stream = out.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    samples = np.frombuffer(bytes(n_silent) + (tmp_path / "x").read_bytes(), "<i2").reshape(-1, 2)
    soundfile.write(tmp_path / "x.wav", samples, 48_000)
    stream = open_audio(tmp_path / "x.wav")
    assert stream.format == f"spdif/{codec}"
    assert duration_of(tmp_path / "x.wav") == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("suffix", ["wv", "wma", "tta"])
def test_an_ape_tag_in_front_is_skipped(tmp_path, suffix):
    sound = encode(tmp_path / f"plain.{suffix}", 2.0, codec=CODECS[suffix])
    item = struct.pack("<II", 1, 0) + b"Title\0x"
    tag = b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, 0xA0000000) + bytes(8) + item
    tag += b"APETAGEX" + struct.pack("<IIII", 2000, len(item) + 32, 1, 0x80000000) + bytes(8)
    expected_s = duration_of(tmp_path / f"plain.{suffix}")
    for front in (tag, id3_tag(100) + tag):
        (tmp_path / f"x.{suffix}").write_bytes(front + sound)
        assert duration_of(tmp_path / f"x.{suffix}") == pytest.approx(expected_s, abs=0.05)


@pytest.mark.parametrize("codec, suffix", [("pcm_u8", "voc"), ("pcm_s32le", "sox"), ("adpcm_adx", "adx")])
def test_tags_in_front_of_rare_formats_are_skipped(tmp_path, codec, suffix):
    sound = encode(tmp_path / f"plain.{suffix}", 2.0, codec=codec)
    (tmp_path / f"x.{suffix}").write_bytes(id3_tag(300) + sound)
    assert duration_of(tmp_path / f"x.{suffix}") == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize("suffix", ["mp3", "snd"])
def test_pictures_and_texts_named_as_music_are_no_songs(tmp_path, suffix):
    """libsndfile finds frames of MP3 in nearly any bytes, and takes any bytes named `.snd` for samples."""
    frames = encode(tmp_path / "sound.mp3", 2.0, codec="libmp3lame")
    for content in (
        b"\x89PNG\r\n\x1a\n" + bytes(100) + frames,
        b"1\n00:00:01,000 --> 00:00:02,000\nWords\n\n" * 99,
    ):
        (tmp_path / f"x.{suffix}").write_bytes(content)
        with pytest.raises(AudioError):
            open_audio(tmp_path / f"x.{suffix}")


def test_a_known_codec_whose_header_is_damaged_is_not_called_silent(tmp_path):
    sound = encode(tmp_path / "sound.wma", 1.0, codec="wmav2")
    (tmp_path / "x.wma").write_bytes(sound.replace(b"\x61\x01\x02\0\x44\xac", b"\x62\x01\x02\0\x44\xac"))
    with pytest.raises(AudioError, match="wmapro"):
        open_audio(tmp_path / "x.wma")


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (av.error.InvalidDataError(1, "Invalid data found when processing input"), ""),
        (av.error.ArgumentError(errno.EINVAL, "Invalid argument"), ""),
        (av.error.EOFError(1, "End of file"), ""),
        (av.error.PatchWelcomeError(1, "Not yet implemented in FFmpeg, patches welcome"), "decoded here"),
        (soundfile.LibsndfileError(3, prefix="Error : "), ""),
        (PermissionError(errno.EACCES, "Permission denied"), "Permission denied"),
        (MemoryError(), "memory"),
    ],
)
def test_a_reason_has_no_words_of_a_decoder(error, expected):
    said = reason_of(error)
    assert expected in said if expected else said == ""
    assert not any(word in said for word in ("FFmpeg", "Invalid", "Error"))


def test_a_file_that_holds_no_sound_is_told_in_plain_words(tmp_path):
    (tmp_path / "words.mp3").write_bytes(b"just words, no music\n" * 50)
    with pytest.raises(AudioError) as caught:
        open_sound(tmp_path / "words.mp3")
    assert (
        str(caught.value)
        == "words.mp3 is not audio that can be decoded: it is damaged, or another kind of file."
    )
