"""INFO texts and ID3 tags in WAV files, also in files whose chunks are not padded."""

import struct
from io import BytesIO

import pytest
from mutagen.id3 import ID3, TIT2, TPE1

from explorer.library.tags import read_tags

FORMAT = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8)


def chunk(name, data, *, padded=True):
    return name + struct.pack("<I", len(data)) + data + bytes(len(data) % 2 if padded else 0)


def info(*, padded=True, **texts):
    parts = (chunk(name.encode(), text, padded=padded) for name, text in texts.items())
    return chunk(b"LIST", b"INFO" + b"".join(parts), padded=padded)


def id3(**frames):
    tags, file = ID3(), BytesIO()
    for frame in (TIT2(encoding=3, text=frames["title"]), TPE1(encoding=3, text=frames.get("artist", []))):
        tags.add(frame)
    tags.save(file)
    return file.getvalue()


def sound(n=4_000, *, padded=True):
    return chunk(b"data", b"\x80" * n, padded=padded)


def read(tmp_path, *chunks, head=b"RIFF", size=None):
    body = b"WAVE" + chunk(b"fmt ", FORMAT) + b"".join(chunks)
    path = tmp_path / "name.wav"
    path.write_bytes(head + struct.pack("<I", len(body) if size is None else size) + body)
    tags = read_tags(path)
    return tags.title, tags.artists, tags.album, tags.genres, tags.year


FULL = {"INAM": b"A title\0", "IART": b"Ann", "IPRD": b"Album", "IGNR": b"Jazz\0", "ICRD": b"1999-05-12"}
READ = ("A title", ("Ann",), "Album", ("Jazz",), "1999")


@pytest.mark.parametrize("padded", [True, False])
def test_info_is_read_before_and_after_the_sound(tmp_path, padded):
    assert read(tmp_path, info(**FULL, padded=padded), sound()) == READ
    assert read(tmp_path, sound(4_001, padded=padded), info(**FULL, padded=padded)) == READ


@pytest.mark.parametrize("name", [b"id3 ", b"ID3 "])
@pytest.mark.parametrize("padded", [True, False])
def test_id3_and_info_are_both_read(tmp_path, name, padded):
    tag = chunk(name, id3(title="ID3 title") + b"\0", padded=padded)
    wanted = ("ID3 title", *READ[1:])
    assert read(tmp_path, tag, info(**FULL), sound()) == wanted
    assert read(tmp_path, info(**FULL), sound(4_001, padded=padded), tag) == wanted


def test_id3_alone_is_read_also_after_a_chunk_without_padding(tmp_path):
    tag = chunk(b"id3 ", id3(title="T", artist="A"))
    assert read(tmp_path, chunk(b"junk", b"abc", padded=False), sound(), tag)[:2] == ("T", ("A",))


def test_tags_of_a_file_of_more_than_4_gb_are_read(tmp_path):
    sizes = chunk(b"ds64", struct.pack("<QQQI", 8_000, 4_000, 4_000, 0))
    data = b"data\xff\xff\xff\xff" + b"\x80" * 4_000
    body = b"WAVE" + sizes + chunk(b"fmt ", FORMAT) + data + info(**FULL)
    path = tmp_path / "long.wav"
    path.write_bytes(b"RF64\xff\xff\xff\xff" + body)
    assert read_tags(path).title == "A title"


def test_text_that_is_not_utf_8_keeps_its_bytes(tmp_path):
    text = "Группа крови".encode("cp1251")
    assert read(tmp_path, info(INAM=text, IART=text), sound())[0] == text.decode("latin-1")


def test_damaged_chunks_raise_nothing(tmp_path):
    assert read(tmp_path, b"LIST\x02\0\0\0IN", b"LIST\xff\xff\xff\xffINFOINAM\xff\xff\xff\xffx")[0] == "x"
    assert read(tmp_path, chunk(b"id3 ", b"ID3\x04\0\0\x7f\x7f\x7f\x7f"), info(INAM=b"T"))[0] == "T"
    assert read(tmp_path, b"LIST\0\0\0\0" * 5_000)[0] == "name"


def test_info_is_read_after_an_id3_tag_in_front(tmp_path):
    read(tmp_path, info(**FULL), sound())
    path = tmp_path / "name.wav"
    path.write_bytes(id3(title="In front") + path.read_bytes())
    assert read_tags(path).title == "A title"
    assert read_tags(path).artists == ("Ann",)
