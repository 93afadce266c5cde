"""Tags of every format, damaged tags and hostile ones."""

import os
import sys
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.id3 import ID3, TCON, TIT2, TPE1

from explorer.library import tags as tags_module
from explorer.library.tags import read_tags

TAGS = {"title": "Ländler", "artist": "Zoë", "album": "Tänze", "genre": "Waltz", "date": "1987-05-01"}


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg"])
def test_tags_are_read_from_each_format(tmp_path, make_tone, suffix):
    tags = read_tags(make_tone(tmp_path / f"x.{suffix}", tags=TAGS))
    assert (tags.title, tags.artists, tags.album) == ("Ländler", ("Zoë",), "Tänze")
    assert (tags.genres, tags.year) == (("Waltz",), "1987")


def test_tags_are_read_from_wav_and_aiff(tmp_path, make_tone):
    for name in ("x.wav", "x.aiff"):
        file = mutagen.File(make_tone(tmp_path / name))
        file.add_tags()
        file.tags.add(TIT2(encoding=3, text="T"))
        file.tags.add(TPE1(encoding=3, text="A"))
        file.save()
        assert read_tags(tmp_path / name).title == "T"
        assert read_tags(tmp_path / name).artists == ("A",)


def test_the_title_of_a_file_without_tags_is_from_its_name(tmp_path, make_tone):
    tags = read_tags(make_tone(tmp_path / "07 - Nobody.wav"))
    assert (tags.title, tags.artists, tags.genres) == ("Nobody", (), ())


def test_several_genres_are_split_and_genre_numbers_become_names(tmp_path, make_tone):
    path = make_tone(tmp_path / "x.flac", tags={"genre": ["Rock; blues", "Blues", "R&B / Soul"]})
    assert read_tags(path).genres == ("Rock", "blues", "R&B", "Soul")
    path = make_tone(tmp_path / "x.mp3")
    tags = ID3()
    tags.add(TCON(encoding=0, text="(17)"))
    tags.save(path)
    assert read_tags(path).genres == ("Rock",)


def test_hostile_tags_are_kept_as_text_and_cut(tmp_path, make_tone):
    title = "<img src=x onerror=alert(1)>\n" + "x" * 20_000
    tags = read_tags(make_tone(tmp_path / "x.flac", tags={"title": title}))
    assert tags.title.startswith("<img src=x onerror=alert(1)> x")
    assert len(tags.title) == 1_000


def test_damaged_tags_raise_nothing(tmp_path):
    path = tmp_path / "x.mp3"
    path.write_bytes(b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + b"\xff" * 50)
    assert read_tags(path).title == "x"
    (tmp_path / "y.flac").write_bytes(b"fLaC\x00\x00")
    assert read_tags(tmp_path / "y.flac").title == "y"


def frames(path, **texts):
    """Write an ID3v2.4 tag whose frames have these texts, whether valid or not."""
    body = b""
    for name, text in texts.items():
        data = b"\0" + text.encode("latin-1")
        body += name.encode() + len(data).to_bytes(4, "big") + b"\0\0" + data
    path.write_bytes(b"ID3\x04\0\0" + bytes((0, 0, len(body) >> 7, len(body) & 127)) + body + bytes(100))
    return path


@pytest.mark.parametrize(
    ("texts", "year"),
    [
        ({"TDRC": "05/2004"}, "2004"),
        ({"TDRC": "2004-05-12T10:00"}, "2004"),
        ({"TYER": "c1975"}, "1975"),
        ({"TYER": "©1999"}, "1999"),
        ({"TDRC": "12.5.1999"}, "1999"),
        ({"TDRL": "2011-03-04"}, "2011"),
        ({"TDOR": "1971"}, "1971"),
        ({"TORY": "1971"}, "1971"),
        ({"TDRC": "2004", "TDOR": "1971", "TDRL": "2005"}, "2004"),
        ({"TDOR": "1971", "TDRL": "2005"}, "1971"),
        ({"TDRC": "?", "TDOR": "1971"}, "1971"),
        ({"TDRC": "99"}, ""),
    ],
)
def test_the_year_is_that_of_the_edition_else_of_the_first_edition_else_of_a_release(tmp_path, texts, year):
    assert read_tags(frames(tmp_path / "x.mp3", **texts)).year == year


def test_the_year_of_vorbis_comments_can_be_the_original_one(tmp_path, make_tone):
    path = make_tone(tmp_path / "x.flac", tags={"title": "T"})
    for name, text, year in (("ORIGINALYEAR", "1969", "1969"), ("ORIGINALDATE", "1971-05", "1971")):
        file = mutagen.File(path)
        file[name] = text
        file.save()
        assert read_tags(path).year == year


def test_an_unusual_date_that_only_ffmpeg_keeps_is_read(tmp_path, make_tone):
    path = make_tone(tmp_path / "x.mp3")
    sound = path.read_bytes()
    frames(path, TDRC="c1975")
    path.write_bytes(path.read_bytes()[:-100] + sound)
    assert read_tags(path).year == "1975"


@pytest.mark.parametrize(
    ("text", "artists"),
    [
        ("AC/DC", ("AC/DC",)),
        ("Alpha; Beta", ("Alpha", "Beta")),
        ("Alpha\0Beta", ("Alpha", "Beta")),
        ("Alpha;;alpha;", ("Alpha",)),
        ("Alpha feat. Beta", ("Alpha feat. Beta",)),
        ("Alpha & Beta, Gamma", ("Alpha & Beta, Gamma",)),
    ],
)
def test_artists_are_split_at_semicolons_and_zeros_only(tmp_path, text, artists):
    assert read_tags(frames(tmp_path / "x.mp3", TPE1=text)).artists == artists


def test_a_title_is_taken_from_the_name_only_without_a_title_tag(tmp_path):
    tags = read_tags(frames(tmp_path / "01 - Ann - Song.mp3", TALB="Album"))
    assert (tags.title, tags.artists, tags.artists_from_name) == ("Song", ("Ann",), True)
    tags = read_tags(frames(tmp_path / "02 - Ann - Song.mp3", TIT2="02 - Ann - Song"))
    assert (tags.title, tags.artists, tags.artists_from_name) == ("02 - Ann - Song", (), False)


def test_each_byte_of_another_encoding_is_kept(tmp_path):
    for text, encoding in (("Конец…", "cp1251"), ("Артист", "koi8-r"), ("\u52ab\u91ca", "gbk")):
        raw = text.encode(encoding).decode("latin-1")
        assert read_tags(frames(tmp_path / "x.mp3", TIT2=raw, TPE1=raw)).artists == (raw,)
    raw = "\xe0\x85b\xa0c\t d\x85\xa0"
    assert read_tags(frames(tmp_path / "x.mp3", TIT2=raw)).title == "\xe0\x85b\xa0c d\x85\xa0"
    raw = "a\x85b\xa0c\t d\x85\xa0"
    assert read_tags(frames(tmp_path / "x.mp3", TIT2=raw)).title == "a b c d"


def test_ffmpeg_is_asked_only_if_it_can_know_more_and_not_about_thousands_of_fields(
    tmp_path, make_tone, monkeypatch
):
    asked = []
    monkeypatch.setattr(tags_module, "ffmpeg_tags", lambda path: asked.append(path) or {})
    path = make_tone(tmp_path / "x.flac", tags={"title": "T"})
    assert read_tags(path).title == "T"
    assert asked == []  # It would read the same comments.
    for n_fields in (100, 100_000):
        file = mutagen.File(path)
        file["artist"] = "\ufffd"
        file.tags.extend([(f"k{number}", "v") for number in range(n_fields)])
        file.save()
        assert read_tags(path).artists == ("\ufffd",)
        assert asked == [path]


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux allows any bytes in a file's name.")
def test_a_file_whose_name_is_not_text_has_tags(tmp_path, make_tone):
    for suffix, title in ((".flac", "T"), (".wav", "caf\ufffd")):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9" + suffix.encode()))
        make_tone(tmp_path / f"x{suffix}", tags={"title": "T"} if suffix == ".flac" else None).rename(path)
        assert read_tags(path).title == title


@pytest.mark.parametrize(
    ("texts", "bpm", "key"),
    [
        ({"TBPM": "128", "TKEY": "Am"}, "128", "Am"),
        ({"TBPM": "0", "TKEY": "o"}, "", "o"),
        ({"TBPM": "127,98"}, "127,98", ""),
        ({"TXXX": "INITIALKEY\x008A"}, "", "8A"),
        ({"TBPM": "0", "TXXX": "BPM\x00126.5"}, "126.5", ""),
        ({"TIT2": "128"}, "", ""),
    ],
)
def test_tempo_and_key_are_read_from_id3(tmp_path, texts, bpm, key):
    tags = read_tags(frames(tmp_path / "x.mp3", **texts))
    assert (tags.bpm, tags.key) == (bpm, key)


def test_tempo_and_key_are_read_from_vorbis_comments(tmp_path, make_tone):
    for number, name in enumerate(("INITIALKEY", "initial key", "KEY", "initial_key")):
        tags = read_tags(make_tone(tmp_path / f"{number}.flac", tags={"BPM": "174", name: "F#m"}))
        assert (tags.bpm, tags.key) == ("174", "F#m")


def test_tempo_and_key_are_read_from_mp4(tmp_path, make_sound):
    path = make_sound(tmp_path / "x.m4a", np.zeros(44_100, np.float32))
    file = mutagen.File(path)
    file["tmpo"] = [128]
    file["----:com.apple.iTunes:initialkey"] = b"8A"
    file.save()
    tags = read_tags(path)
    assert (tags.bpm, tags.key) == ("128", "8A")


def test_tempo_and_key_are_read_from_wma(tmp_path, make_sound):
    path = make_sound(tmp_path / "x.wma", np.zeros(44_100, np.float32))
    file = mutagen.File(path)
    file["WM/BeatsPerMinute"], file["WM/InitialKey"] = "93", "Gm"
    file.save()
    tags = read_tags(path)
    assert (tags.bpm, tags.key) == ("93", "Gm")


def test_a_byte_order_mark_is_no_letter_of_a_tag(tmp_path):
    path = tmp_path / "x.mp3"
    tags = ID3()
    tags.add(TIT2(encoding=3, text="\ufeffTitle"))
    tags.add(TPE1(encoding=3, text="\ufeffA;\ufeffB"))
    tags.save(path)
    read = read_tags(path)
    assert (read.title, read.artists) == ("Title", ("A", "B"))
