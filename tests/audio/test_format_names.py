import pytest

from explorer.audio.format_names import format_name


@pytest.mark.parametrize(
    ("name", "formats"),
    [
        ("FLAC", "flac/pcm_16 flac/flac"),
        ("MP3", "mp3/mp3 mp3/mp3float"),
        ("WAV", "wav/pcm_16 wav/pcm_s16le wav/ima_adpcm"),
        ("AIFF", "aiff/pcm_16 aiff/pcm_s16be"),
        ("AAC", "mov/aac aac/aac"),
        ("ALAC", "mov/alac"),
        ("Vorbis", "ogg/vorbis"),
        ("Opus", "ogg/opus matroska/opus"),
        ("WMA", "asf/wmav2 asf/wmapro"),
        ("APE", "ape/ape"),
        ("WavPack", "wv/wavpack"),
    ],
)
def test_the_name_of_a_format_is_the_one_that_users_know(name, formats):
    assert {format_name(format) for format in formats.split()} == {name}
