"""Covers in the tags of every format, and data that is not a cover."""

import base64
import struct

import numpy as np
import pytest
import soundfile
from mutagen.apev2 import APEBinaryValue, APEv2
from mutagen.asf import ASFByteArrayAttribute
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, ID3
from mutagen.mp4 import MP4, MP4Cover
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

from explorer.library import covers
from explorer.library.covers import MAX_BYTES, picture_type, read_cover

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(100))
GIF, WEBP = b"GIF89a" + bytes(50), b"RIFF\x40\0\0\0WEBPVP8 " + bytes(50)
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"


def flac_picture(data, kind=3, mime="image/png"):
    picture = Picture()
    picture.data, picture.type, picture.mime = data, kind, mime
    return picture


def apic(data, kind=3):
    return APIC(encoding=3, mime="image/jpeg", type=kind, desc=f"{kind}", data=data)


@pytest.fixture
def sound_file(tmp_path, make_sound):
    def make(name):
        return make_sound(tmp_path / name, np.zeros(4410))

    return make


def test_the_cover_is_read_from_each_kind_of_tag(sound_file, tmp_path):
    flac = FLAC(sound_file("a.flac"))
    flac.add_picture(flac_picture(PNG))
    flac.save()
    mp3 = ID3()
    mp3.add(apic(JPEG))
    mp3.save(sound_file("a.mp3"))
    wav = WAVE(sound_file("a.wav"))
    wav.add_tags()
    wav.tags.add(apic(GIF))
    wav.save()
    m4a = MP4(sound_file("a.m4a"))
    m4a["covr"] = [MP4Cover(WEBP)]
    m4a.save()
    ogg = OggVorbis(sound_file("a.ogg"))
    ogg["metadata_block_picture"] = [base64.b64encode(flac_picture(PNG).write()).decode()]
    ogg.save()
    read = {path.suffix[1:]: read_cover(path) for path in sorted(tmp_path.iterdir())}
    assert {suffix: (cover.data, cover.media_type) for suffix, cover in read.items()} == {
        "flac": (PNG, "image/png"),
        "mp3": (JPEG, "image/jpeg"),
        "wav": (GIF, "image/gif"),
        "m4a": (WEBP, "image/webp"),
        "ogg": (PNG, "image/png"),
    }


def test_ape_and_windows_media_pictures_are_read():
    tags = APEv2()
    tags["Cover Art (Back)"] = APEBinaryValue(b"back.gif\0" + GIF)
    tags["Cover Art (Front)"] = APEBinaryValue(b"front.jpg\0" + JPEG)
    assert set(covers._ape_pictures(tags)) == {(0, GIF), (3, JPEG)}
    value = (
        struct.pack("<BI", 3, len(PNG)) + "image/png\0".encode("utf-16-le") + "x\0".encode("utf-16-le") + PNG
    )
    assert covers._asf_picture(ASFByteArrayAttribute(value).value) == (3, PNG)
    assert covers._asf_picture(struct.pack("<BI", 3, 10**9) + b"short")[1] == b""


def test_the_front_cover_is_preferred(sound_file):
    path = sound_file("a.mp3")
    tags = ID3()
    tags.add(apic(GIF, kind=4))
    tags.add(apic(PNG, kind=0))
    tags.add(apic(JPEG, kind=3))
    tags.save(path)
    assert read_cover(path).data == JPEG
    tags.delall("APIC:3")
    tags.save(path)
    assert read_cover(path).data in (GIF, PNG)


def test_data_that_a_browser_cannot_show_is_not_a_cover_even_if_the_tag_says_so(sound_file):
    path = sound_file("a.flac")
    for data in (SVG, b"", b"<html>", b"BM" + bytes(50), PNG + bytes(MAX_BYTES)):
        flac = FLAC(path)
        flac.clear_pictures()
        flac.add_picture(flac_picture(data, mime="image/png"))
        flac.save()
        assert read_cover(path) is None, data[:10]
    assert picture_type(SVG) is None


def test_a_damaged_picture_is_skipped(sound_file):
    path = sound_file("a.ogg")
    ogg = OggVorbis(path)
    good = base64.b64encode(flac_picture(JPEG).write()).decode()
    ogg["metadata_block_picture"] = ["!!!", base64.b64encode(b"\0\0").decode(), good]
    ogg.save()
    assert read_cover(path).media_type == "image/jpeg"


def test_files_without_tags_or_audio_have_no_cover(sound_file, tmp_path):
    assert read_cover(sound_file("a.wav")) is None
    assert read_cover(sound_file("a.mp3")) is None
    (tmp_path / "x.mp3").write_bytes(b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"APIC" * 50)
    assert read_cover(tmp_path / "x.mp3") is None
    (tmp_path / "empty.flac").write_bytes(b"")
    assert read_cover(tmp_path / "empty.flac") is None
    with pytest.raises(OSError, match=r"absent\.mp3"):
        read_cover(tmp_path / "absent.mp3")
    assert soundfile.info(tmp_path / "a.wav").frames == 4410


def test_covers_are_found_in_every_block_of_tags(sound_file, tmp_path):
    ape_only = sound_file("ape.mp3")
    tags = APEv2()
    tags["Cover Art (Front)"] = APEBinaryValue(b"front.jpg\0" + JPEG)
    tags.save(ape_only)
    id3 = ID3()
    id3.add(apic(PNG))
    id3_before_flac = sound_file("id3.flac")
    id3.save(id3_before_flac)
    misnamed = tmp_path / "really_flac.mp3"
    flac = FLAC(sound_file("b.flac"))
    flac.add_picture(flac_picture(GIF))
    flac.save()
    (tmp_path / "b.flac").rename(misnamed)
    assert read_cover(ape_only).data == JPEG
    assert read_cover(id3_before_flac).data == PNG
    assert read_cover(misnamed).data == GIF
