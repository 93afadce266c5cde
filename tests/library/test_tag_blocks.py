"""Tags of every kind, in every container, wherever they are in the file."""

import struct
import uuid
from io import BytesIO

import av
import numpy as np
import pytest
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TALB, TCON, TDRC, TIT2, TPE1, TXXX
from mutagen.mp4 import MP4

from explorer.library.tags import read_tags

RATE_HZ = 48_000
TAGS = {"title": "Títle", "artist": "Zoë", "album": "Tänze", "genre": "Jazz", "date": "2003"}
READ = ("Títle", ("Zoë",), "Tänze", ("Jazz",), "2003")


def encode(path, codec, *, format=None, options=None, tags=TAGS):
    """Write a short sound with FFmpeg's own way to store tags in a container."""
    with av.open(str(path), "w", format=format, options=options or {}) as container:
        container.metadata.update(tags)
        stream = container.add_stream(codec, rate=RATE_HZ, layout="mono")
        context = stream.codec_context
        context.bit_rate = 64_000
        samples = (np.sin(np.arange(RATE_HZ // 4) / 20) * 8_000).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        sound.sample_rate, sound.pts = RATE_HZ, 0
        resampler = av.AudioResampler(
            format=context.format, layout="mono", rate=RATE_HZ, frame_size=context.frame_size or 0
        )
        for frame in (*resampler.resample(sound), *resampler.resample(None), None):
            container.mux(stream.encode(frame))
    return path


def fields(path):
    tags = read_tags(path)
    return tags.title, tags.artists, tags.album, tags.genres, tags.year


def id3(version=4, **texts):
    """Return the bytes of an ID3v2 tag."""
    frames = {"title": TIT2, "artist": TPE1, "album": TALB, "genre": TCON, "date": TDRC}
    tags, file = ID3(), BytesIO()
    for name, text in texts.items():
        tags.add(frames[name](encoding=3, text=text))
    if version == 3:
        tags.update_to_v23()
    tags.save(file, v2_version=version, padding=lambda _: 0)
    return file.getvalue()


def ape(**items):
    """Return the bytes of an APEv2 tag."""
    tags, file = APEv2(), BytesIO(bytes(100))
    for name, value in items.items():
        tags[name] = value
    tags.save(file)
    return file.getvalue()[100:]


def id3v1(title, artist, album, year, genre):
    parts = (text.encode("latin-1").ljust(30, b"\0") for text in (title, artist, album))
    return b"TAG" + b"".join(parts) + year.encode() + bytes(30) + bytes([genre])


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("x.mka", "flac", {}),
        ("x.webm", "libopus", {}),
        ("x.caf", "pcm_s16be", {}),
        ("x.wav", "pcm_s16le", {}),
        ("x.tta", "tta", {}),
        ("x.wv", "wavpack", {}),
        ("x.opus", "libopus", {}),
        ("x.m4a", "aac", {}),
        ("x.3gp", "aac", {}),
        ("x.wma", "wmav2", {}),
        ("x.mov", "pcm_s16le", {}),
        ("x.flac", "flac", {}),
        ("x.mp3", "libmp3lame", {}),
        ("id3.aiff", "pcm_s16be", {"write_id3v2": "1"}),
        ("id3.aac", "aac", {"write_id3v2": "1"}),
        ("ape.aac", "aac", {"write_apetag": "1"}),
    ],
)
def test_tags_of_each_container_are_read_also_under_another_name(tmp_path, name, codec, options):
    path = encode(tmp_path / name, codec, options=options)
    assert fields(path) == READ
    for suffix in (".mp3", ".flac", ".song"):
        path = path.rename(path.with_suffix(suffix))
        assert fields(path) == READ


def test_au_has_texts_of_its_own(tmp_path):
    assert fields(encode(tmp_path / "x.au", "pcm_s16be")) == (*READ[:4], "")


def test_aiff_has_texts_of_its_own(tmp_path):
    def chunk(name, data):
        return name + struct.pack(">I", len(data)) + data + bytes(len(data) % 2)

    common = struct.pack(">hIh", 1, 4_000, 16) + bytes.fromhex("400bfa00000000000000")
    chunks = ((b"NAME", b"Name"), (b"AUTH", b"Author"), (b"COMM", common), (b"SSND", bytes(8_008)))
    body = b"AIFF" + b"".join(chunk(*each) for each in chunks)
    path = tmp_path / "x.aiff"
    path.write_bytes(b"FORM" + struct.pack(">I", len(body)) + body)
    assert fields(path)[:2] == ("Name", ("Author",))
    file = AIFF(path)
    file.add_tags()
    file.tags.add(TIT2(encoding=3, text="From ID3"))
    file.save()
    assert fields(path)[:2] == ("From ID3", ("Author",))


def test_w64_has_texts_of_its_own(tmp_path):
    def chunk(guid, data):
        whole = uuid.UUID(guid).bytes_le + struct.pack("<Q", 24 + len(data)) + data
        return whole + bytes(-len(whole) % 8)

    def text(name, value):
        data = value.encode("utf-16-le") + bytes(2)
        return name + struct.pack("<I", len(data)) + data

    body = uuid.UUID("65766177-acf3-11d3-8cd1-00c04f8edb8a").bytes_le
    body += chunk("20746d66-acf3-11d3-8cd1-00c04f8edb8a", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    texts = struct.pack("<I", 2) + text(b"INAM", "Títle") + text(b"IART", "Zoë")
    body += chunk("925f94bc-525a-11d2-86dc-00c04f8edb8a", texts)
    body += chunk("61746164-acf3-11d3-8cd1-00c04f8edb8a", bytes(8_000))
    head = uuid.UUID("66666972-912e-11cf-a5d6-28db04c10000").bytes_le
    (tmp_path / "x.w64").write_bytes(head + struct.pack("<Q", 24 + len(body)) + body)
    assert fields(tmp_path / "x.w64")[:2] == READ[:2]


@pytest.mark.parametrize(("name", "codec"), [("x.aac", "aac"), ("x.flac", "flac"), ("x.wv", "wavpack")])
def test_id3_before_other_sound_is_read(tmp_path, name, codec):
    path = encode(tmp_path / name, codec, tags={})
    path.write_bytes(id3(**TAGS) + path.read_bytes())
    assert fields(path) == READ


def test_id3_before_sound_of_an_unknown_kind_is_read(tmp_path):
    for start in (b"MAC \x96\x0f", b"MP+\x07", b"tBaK", b"no sound at all"):
        path = tmp_path / "x.mp3"
        path.write_bytes(id3(**TAGS) + start + bytes(1_000))
        assert fields(path) == READ


@pytest.mark.parametrize("version", [3, 4])
def test_each_of_several_id3_tags_is_read(tmp_path, version):
    path = encode(tmp_path / "x.mp3", "libmp3lame", tags={}, options={"id3v2_version": "0"})
    first, second = id3(version, title="First"), id3(version, title="Second", artist="Ann")
    path.write_bytes(first + second + path.read_bytes())
    assert fields(path)[:2] == ("First", ("Ann",))


def test_id3_at_the_end_is_read(tmp_path):
    tag = bytearray(id3(**TAGS))
    tag[5] |= 0x10  # There is a footer.
    tag += b"3DI" + tag[3:10]
    path = encode(tmp_path / "x.mp3", "libmp3lame", tags={}, options={"id3v2_version": "0"})
    sound = path.read_bytes()
    path.write_bytes(sound + tag)
    assert fields(path) == READ
    path.write_bytes(sound + tag + id3v1("Short", "Ann", "", "1988", 17))
    assert fields(path)[0] == "Short"
    assert fields(path)[2] == "Tänze"
    for damaged in (b"3DI\x04\0\x10\x7f\x7f\x7f\x7f", b"3DI\x04\0\x10\xff\0\0\0", b"3DI\x04\0\x10\0\0\0\0"):
        path.write_bytes(sound + damaged)
        assert fields(path)[0] == "x"


def test_ape_and_id3v1_are_read_in_mp3_files(tmp_path):
    path = encode(tmp_path / "x.mp3", "libmp3lame", tags={}, options={"id3v2_version": "0"})
    sound = path.read_bytes()
    old = id3v1("Old", "Ann", "Old album", "1988", 17)
    new = ape(Title="Títle", Artist="Zoë", Album="Tänze", Genre="Jazz", Year="2003")
    path.write_bytes(sound + old)
    assert fields(path) == ("Old", ("Ann",), "Old album", ("Rock",), "1988")
    path.write_bytes(sound + new)
    assert fields(path) == READ
    path.write_bytes(sound + new + old)
    assert fields(path) == READ
    path.write_bytes(id3(title="From ID3") + sound + new + old)
    assert fields(path) == ("From ID3", *READ[1:])
    gain = ape(REPLAYGAIN_TRACK_GAIN="-3 dB")
    path.write_bytes(id3(**TAGS) + sound + gain)
    assert fields(path) == READ


def test_several_values_stay_several(tmp_path):
    values = {"Artist": ["Ann", "Bob"], "Genre": ["Jazz", "Waltz"]}
    path = encode(tmp_path / "x.tta", "tta", tags={})
    path.write_bytes(path.read_bytes() + ape(Title="T", **values))
    wanted = ("T", ("Ann", "Bob"), "", ("Jazz", "Waltz"), "")
    assert fields(path) == wanted
    path = encode(tmp_path / "x.flac", "flac", tags={})
    file = FLAC(path)
    file.update({"title": "T", "artist": ["Ann", "Bob"], "genre": ["Jazz", "Waltz"]})
    file.save()
    assert fields(path) == wanted
    path = tmp_path / "x.mp3"
    path.write_bytes(id3(title="T", artist=["Ann", "Bob"], genre=["Jazz", "Waltz"]))
    assert fields(path) == wanted


def test_mp4_tags_that_mutagen_cannot_read_are_read_by_ffmpeg(tmp_path):
    path = encode(tmp_path / "x.m4a", "aac")
    data = path.read_bytes()
    # In QuickTime files, the atom "meta" has no version and flags: the atom "hdlr" begins four bytes earlier.
    start = data.index(b"meta") - 4
    size = int.from_bytes(data[start : start + 4], "big")
    short = data[start : start + 8] + data[start + 12 : start + size] + bytes(4)
    path.write_bytes(data[:start] + short + data[start + size :])
    assert not MP4(path).tags
    assert fields(path) == READ


def test_bytes_that_are_not_utf_8_are_kept_as_latin_1(tmp_path):
    raw = "Группа крови".encode("cp1251")
    flac = encode(tmp_path / "x.flac", "flac", tags={"title": "XXXXXXXXXXXX"})
    flac.write_bytes(flac.read_bytes().replace(b"XXXXXXXXXXXX", raw))
    assert fields(flac)[0] == raw.decode("latin-1")
    mka = encode(tmp_path / "x.mka", "flac", tags={"title": "XXXXXXXXXXXX"})
    mka.write_bytes(mka.read_bytes().replace(b"XXXXXXXXXXXX", raw))
    assert fields(mka)[0] == raw.decode("latin-1")
    ape_only = encode(tmp_path / "ape.mp3", "libmp3lame", tags={})
    ape_only.write_bytes(ape_only.read_bytes() + ape(Title="XXXXXXXXXXXX").replace(b"XXXXXXXXXXXX", raw))
    assert fields(ape_only)[0] == raw.decode("latin-1")


@pytest.mark.parametrize("name", ["album artist", "ALBUMARTIST", "Band"])
def test_an_album_artist_is_the_artist_if_there_is_no_other(tmp_path, name):
    path = tmp_path / "x.mp3"
    tags = ID3()
    tags.add(TXXX(encoding=3, desc=name, text="The Band"))
    tags.save(path)
    assert read_tags(path).artists == ("The Band",)
    path.write_bytes(path.read_bytes() + bytes(100) + ape(Artist="Ann"))
    assert read_tags(path).artists == ("Ann",)
    for nobody in ("Various Artists", "various", "V.A.", "VA", "Verschiedene Interpreten"):
        tags.setall("TXXX", [TXXX(encoding=3, desc=name, text=nobody)])
        path.write_bytes(bytes(10))
        tags.save(path)
        assert read_tags(path).artists == ()


def test_a_list_of_other_files_is_not_followed(tmp_path):
    encode(tmp_path / "song.flac", "flac")
    path = tmp_path / "list.mp3"
    path.write_text("ffconcat version 1.0\nfile song.flac\n")
    assert fields(path) == ("list", (), "", (), "")


@pytest.mark.parametrize("start", [b"MAC ", b"MP+\x07", b"MPCK", b"TTA1", b"tBaK", b"OFR ", b"wvpk"])
def test_formats_of_ape_tags_prefer_these_to_id3(tmp_path, start):
    path = tmp_path / "x.ape"
    path.write_bytes(id3(title="From ID3", date="1999") + start + bytes(500) + ape(Title="T", Artist="A"))
    assert fields(path) == ("T", ("A",), "", (), "1999")


def test_tags_of_dsd_files_are_read(tmp_path):
    tag = id3(**TAGS)
    sound = b"fmt " + struct.pack("<QIIIIIIQII", 52, 1, 0, 1, 1, 2_822_400, 1, 32_768, 4_096, 0)
    sound += b"data" + struct.pack("<Q", 12 + 4_096) + bytes(4_096)
    end = 28 + len(sound)
    path = tmp_path / "x.dsf"
    path.write_bytes(b"DSD " + struct.pack("<QQQ", 28, end + len(tag), end) + sound + tag)
    assert fields(path) == READ

    def chunk(name, data):
        return name + struct.pack(">Q", len(data)) + data + bytes(len(data) % 2)

    properties = b"SND " + chunk(b"FS  ", struct.pack(">I", 2_822_400)) + chunk(b"CHNL", b"\0\1C   ")
    properties += chunk(b"CMPR", b"DSD \x0enot compressed\0")
    body = b"DSD " + chunk(b"FVER", b"\1\5\0\0") + chunk(b"PROP", properties) + chunk(b"DSD ", bytes(4_096))
    path = tmp_path / "x.dff"
    path.write_bytes(chunk(b"FRM8", body + chunk(b"ID3 ", tag)))
    assert fields(path) == READ


def test_damaged_boxes_of_3gp_files_raise_nothing(tmp_path):
    path = tmp_path / "x.3gp"
    for size in (0, 1, 4, 9, 0x7FFFFFFF):
        box = struct.pack(">I4s", size, b"titl") + bytes(3)
        user_data = struct.pack(">I4s", len(box) + 8, b"udta") + box
        path.write_bytes(b"\0\0\0\x08ftyp" + struct.pack(">I4s", len(user_data) + 8, b"moov") + user_data)
        assert fields(path) == ("x", (), "", (), "")
