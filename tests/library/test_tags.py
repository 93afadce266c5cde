"""Tags of every format, damaged tags and hostile ones."""

import mutagen
import pytest
from mutagen.id3 import ID3, TCON, TIT2, TPE1

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
