import pytest

from explorer.audio.playable import playable_media_type


def test_only_formats_that_browsers_play_have_a_media_type():
    assert playable_media_type("mov/aac") == "audio/mp4"
    unplayable = "aiff/pcm_16 aiff/pcm_s16be asf/wmav2 ape/ape mov/alac wav/ima_adpcm wav/dca wv/wavpack"
    for format in unplayable.split():
        assert playable_media_type(format) is None


@pytest.mark.parametrize(
    ("media_type", "formats"),
    [
        ("audio/mpeg", "mp3/mp3 mp3/mp3float"),
        ("audio/flac", "flac/pcm_16 flac/pcm_24 flac/flac"),
        ("audio/wav", "wav/pcm_16 wav/pcm_s16le wav/pcm_24 wav/pcm_s24le wav/pcm_u8"),
    ],
)
def test_the_names_of_both_decoders_have_the_same_media_type(media_type, formats):
    assert {playable_media_type(format) for format in formats.split()} == {media_type}


HEADS = {
    "wav/pcm_16": b"RIFF\x24\x08\x00\x00WAVE",
    "flac/flac": b"fLaC\x00\x00\x00\x22\x10\x00\x10\x00",
    "ogg/opus": b"OggS\x00\x02\x00\x00\x00\x00\x00\x00",
    "mov/aac": b"\x00\x00\x00\x20ftypM4A ",
    "mp3/mp3": b"\xff\xfb\x90\x64\x00\x0f\xf0\x00\x00\x69\x00\x00",
    "aac/aac": b"\xff\xf1\x50\x80\x02\x1f\xfc\xde\x04\x00\x00\x6c",
}
OTHERS = [
    b"FORM\x00\x00\x00\x10AIFC",
    b"RF64\xff\xff\xff\xffWAVE",
    b"\x1aE\xdf\xa3\x01\x00\x00\x00\x00\x00\x00\x1f",
]


@pytest.mark.parametrize("format", HEADS)
def test_a_file_that_begins_as_another_container_than_its_format_says_has_no_media_type(format):
    media_type = playable_media_type(format)
    tagged = b"ID3\x04\x00\x00\x00\x00\x00\x0a\x00\x00"
    assert playable_media_type(format, HEADS[format]) == media_type
    assert playable_media_type(format, tagged) == media_type
    fixed = [head for name, head in HEADS.items() if name not in ("mp3/mp3", "aac/aac", format)]
    assert {playable_media_type(format, head) for head in fixed + OTHERS} == {None}
