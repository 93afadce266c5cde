"""Which extensions are those of songs; FFmpeg reads files with them, made here."""

import av
import numpy as np
import pytest

from explorer.library.containers import open_container
from explorer.library.extensions import (
    AUDIO_EXTENSIONS,
    MAY_HOLD_VIDEO,
    VIDEO_EXTENSIONS,
    extension_of,
    is_song,
)

MADE_WITH = {
    ".spx": ("ogg", "libopus", 48_000),
    ".eac3": ("eac3", "eac3", 48_000),
    ".ec3": ("eac3", "eac3", 48_000),
    ".voc": ("voc", "pcm_s16le", 44_100),
    ".snd": ("au", "pcm_s16be", 44_100),
    ".wave": ("wav", "pcm_s16le", 44_100),
    ".w64": ("w64", "pcm_s16le", 44_100),
    ".caff": ("caf", "pcm_s16be", 44_100),
    ".sf": ("ircam", "pcm_s16le", 44_100),
    ".sox": ("sox", "pcm_s32le", 44_100),
    ".mpga": ("mp3", "libmp3lame", 44_100),
    ".mp1": ("mp2", "mp2", 44_100),
    ".m4r": ("ipod", "aac", 44_100),
    ".3gp": ("3gp", "aac", 44_100),
    ".mov": ("mov", "aac", 44_100),
    ".mka": ("matroska", "aac", 44_100),
    ".mkv": ("matroska", "libopus", 48_000),
    ".weba": ("webm", "libopus", 48_000),
    ".asf": ("asf", "wmav2", 44_100),
    ".rm": ("rm", "ac3", 44_100),
    ".nut": ("nut", "aac", 44_100),
    ".adx": ("adx", "adpcm_adx", 44_100),
}


def write(file, container_format, codec, rate):
    with av.open(str(file), "w", format=container_format) as container:
        encoder = container.add_stream(codec, rate=rate, layout="stereo", bit_rate=128_000).codec_context
        encoder.open(strict=False)
        sound = np.sin(np.arange(rate) / 20).astype(np.float32) / 4
        size = encoder.frame_size or 1024
        resampler = av.AudioResampler(format=encoder.format, layout="stereo", rate=rate, frame_size=size)
        frame = av.AudioFrame.from_ndarray(np.stack([sound, sound]), format="fltp", layout="stereo")
        frame.sample_rate = rate
        for part in [*resampler.resample(frame), None]:
            container.mux(encoder.encode(part))


@pytest.mark.parametrize("extension", sorted(MADE_WITH))
def test_files_that_the_decoder_reads_are_songs(tmp_path, extension):
    # The name hides the extension from FFmpeg: the first bytes alone say what the file is.
    file = tmp_path / "song"
    write(file, *MADE_WITH[extension])
    with open_container(file) as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) > 0.9 * MADE_WITH[extension][2]
    assert is_song(f"song{extension.upper()}")


def test_the_formats_that_players_know_are_songs():
    named = (
        ".spx .tak .dff .shn .asf .3gp .m4r .wave .weba .mp1 .mpga .dts .eac3 .snd .voc .mka .mkv .mov "
        ".amr .awb .qcp .gsm .oma .aa3 .at3 .ra .rm .rf64 .bwf .caff .aifc .nut .tta .xwma .sph .3g2 .mlp"
    )
    assert set(named.split()) - AUDIO_EXTENSIONS == set()


def test_lists_of_files_raw_samples_and_pictures_are_no_songs():
    others = (
        ".m3u .m3u8 .pls .xspf .ffconcat .mpd .sdp .ram .asx .cue .pcm .raw .sln .g722 .jpg .txt .mid .part"
    )
    assert (AUDIO_EXTENSIONS | VIDEO_EXTENSIONS) & set(others.split()) == set()


def test_videos_are_songs_only_on_request():
    assert not is_song("concert.AVI")
    assert is_song("concert.AVI", video=True)
    assert is_song("concert.mkv")
    assert MAY_HOLD_VIDEO <= AUDIO_EXTENSIONS
    assert AUDIO_EXTENSIONS.isdisjoint(VIDEO_EXTENSIONS)


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.b.MP3", ".mp3"),
        ("....mp3", ".mp3"),
        ("...Baby.mp3", ".mp3"),
        (".mp3", ""),
        ("mp3", ""),
        ("a.", "."),
    ],
)
def test_the_extension_follows_the_last_dot(name, extension):
    assert extension_of(name) == extension
