"""Genres from tags, folder names and tables."""

import csv
import json
import threading

import pytest

from explorer.errors import LibraryError
from explorer.library.genres import can_be_genre, open_genre_source
from explorer.library.music_file import ScannedFile, Tags

FMA = (
    ",album,artist,track,track,track\n"
    ",title,name,genre_top,genres,title\n"
    "track_id,,,,,\n"
    '2,Food,AWOL,Hip-Hop,"[21]",Food\n'
    '10,Constant Hitmaker,Kurt Vile,,"[21, 12]",Freeway\n'
    '134,"An, album",AWOL,,"[]",Street Music\n'
)


def tags(*, title="Title", artists=(), genres=()):
    return Tags(title, tuple(artists), "", tuple(genres))


def genres_of(source, path, **fields):
    return source.genres(ScannedFile(path.encode(), 1, 1), tags(**fields))


def open_source(choice, *paths):
    return open_genre_source(str(choice), paths=[path.encode() for path in paths])


@pytest.fixture
def table(tmp_path):
    """Write a CSV file and open it as the source for some paths."""

    def write(text, *paths, name="mine.csv", encoding="utf-8"):
        (tmp_path / name).write_text(text, encoding=encoding, newline="")
        return open_source(tmp_path / name, *paths)

    return write


def test_genres_come_from_tags():
    source = open_source("tags", "rock/a.mp3", "jazz/b.mp3")
    assert genres_of(source, "rock/a.mp3", genres=["Waltz", "Folk"]) == ("Waltz", "Folk")
    assert genres_of(source, "jazz/b.mp3") == ()
    assert (source.choice, source.unknown) == ("tags", 1)


@pytest.mark.parametrize(
    ("paths", "path", "genre"),
    [
        (["blues/a.wav", "hiphop/b.wav"], "hiphop/b.wav", "hiphop"),
        (["gtzan/genres_original/blues/a.wav", "gtzan/genres_original/jazz/b.wav"], None, "blues"),
        (["Rock/Queen/Jazz/a.mp3", "Pop/ABBA/b.mp3"], None, "Rock"),
        (["drum_and_bass/a.mp3", "x/b.mp3"], None, "drum and bass"),
        (["all/in one/a.mp3", "all/in one/b.mp3"], None, "in one"),
        (["Rock/a.mp3", "Pop/b.mp3", "Dropped songs/c.mp3", "d.mp3"], None, "Rock"),
        (["m/Rock/a.mp3", "m/Pop/b.mp3", "Dropped songs/c.mp3", "d.mp3"], None, "Rock"),
    ],
)
def test_the_genre_is_the_first_folder_in_which_the_paths_differ(paths, path, genre):
    source = open_source("folder", *paths)
    assert genres_of(source, path or paths[0], genres=["Tagged"], artists=["A"]) == (genre,)
    assert source.unknown == 0


@pytest.mark.parametrize("path", ["root.mp3", "Dropped songs/c.mp3", "m/above.mp3"])
def test_a_file_outside_the_genre_folders_keeps_its_tags_and_is_counted(path):
    source = open_source("folder", "m/Rock/a.mp3", "m/Pop/b.mp3", path)
    assert genres_of(source, path, genres=["Tagged", "TAGGED"]) == ("Tagged",)
    assert source.unknown == 1


def test_auto_uses_the_folder_only_if_tags_name_neither_genre_nor_artist():
    source = open_source("auto", "blues/a.wav", "jazz/b.wav")
    assert genres_of(source, "blues/a.wav", genres=["Waltz"]) == ("Waltz",)
    assert genres_of(source, "blues/a.wav") == ("blues",)
    assert genres_of(source, "blues/a.wav", artists=["Somebody"]) == ()
    assert source.unknown == 1


@pytest.mark.parametrize(
    "paths",
    [
        ["000/000002.mp3", "001/001040.mp3"],
        ["Rock/Queen/a.mp3", "Pop/ABBA/b.mp3", "Folk/c.mp3"],
        ["my recordings/a.wav", "my recordings/b.wav"],
        ["CD 1/a.wav", "CD 2/b.wav"],
        ["a.wav", "b.wav"],
    ],
)
def test_auto_uses_no_folder_if_the_library_is_not_laid_out_by_genre(paths):
    source = open_source("auto", *paths)
    assert [genres_of(source, path) for path in paths] == [()] * len(paths)
    assert source.unknown == len(paths)


def test_numbers_dates_and_general_words_are_not_plausible_genres():
    for (
        name
    ) in "000 2019-05-12 3f2b9c cafebabe A music Audio Songs Unknown_Artist various disc_1 CD2 wav".split():
        assert not can_be_genre(name), name
    for name in ("blues", "hiphop", "drum_and_bass", "R&B", "80s", "ロック", "2-step garage", "face"):
        assert can_be_genre(name), name


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_table_is_read_with_any_delimiter_and_encoding(table, delimiter, encoding):
    rows = [
        ["Title", "FILENAME", "Genre"],
        ["", "a.mp3", "Rock|Metal|rock"],
        ["", "b.mp3", "Größe"],
        ["", "c.mp3"],
    ]
    text = "\r\n".join(delimiter.join(row) for row in rows)
    source = table(text, "a.mp3", "b.mp3", "c.mp3", encoding=encoding)
    assert genres_of(source, "a.mp3", genres=["Pop"]) == ("Rock", "Metal")
    assert genres_of(source, "b.mp3") == ("Größe",)
    assert genres_of(source, "c.mp3", genres=["Pop"]) == ("Pop",)
    assert source.unknown == 1
    assert source.choice.endswith("mine.csv")


def test_invalid_utf_8_is_read_as_windows_1252(tmp_path):
    rows = [b"file,genre", b"M\xfasica.mp3,Caf\xe9", "Größe.mp3,Bolée".encode(), b"c.mp3,\x81Rock"]
    (tmp_path / "mine.csv").write_bytes(b"\n".join(rows))
    source = open_source(tmp_path / "mine.csv", "Música.mp3", "Größe.mp3", "c.mp3")
    assert genres_of(source, "Música.mp3") == ("Café",)
    assert genres_of(source, "Größe.mp3") == ("Bolée",)
    assert genres_of(source, "c.mp3") == ("�Rock",)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("Rock; Pop ;rock", ("Rock", "Pop")),
        ('["Rock", "Folk, World"]', ("Rock", "Folk, World")),
        ("['Rock', 'Pop']", ("Rock", "Pop")),
        ("[{'genre_id': '21', 'genre_title': 'Hip-Hop'}]", ("Hip-Hop",)),
        ("[not a list", ("[not a list",)),
        ("two\nlines", ("two lines",)),
        ("'=HYPERLINK(1)", ("=HYPERLINK(1)",)),
    ],
)
def test_a_cell_may_hold_several_genres(table, tmp_path, cell, expected):
    with (tmp_path / "mine.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["path", "genres"], ["a.mp3", cell]])
    assert genres_of(open_source(tmp_path / "mine.csv", "a.mp3"), "a.mp3") == expected


def test_genres_of_several_rows_for_one_file_are_joined(table):
    source = table("path,genre\na.mp3,Rock\nb.mp3,Pop\na.mp3,Blues\n", "a.mp3", "b.mp3")
    assert genres_of(source, "a.mp3") == ("Rock", "Blues")


@pytest.mark.parametrize(
    "row_path",
    [
        "Rock/Ünï/a.mp3",
        "./Rock/Ünï/a.mp3",
        "rock\\Ünï\\A.MP3",
        "/home/me/music/Rock/Ünï/a.mp3",
        "C:\\Music\\Rock\\Ünï\\a.mp3",
        "file:///music/Rock/%C3%9Cn%C3%AF/a.mp3",
        "Ünï/a.mp3",
        "a.mp3",
        "elsewhere/a.mp3",
        "Rock/Ünï/a",
        "a",
        "elsewhere/a.wav",
    ],
)
def test_a_row_is_matched_by_any_ending_of_the_path(table, row_path):
    source = table(f"path,genre\n{row_path},Rock\nother/b.mp3,Pop\n", "Rock/Ünï/a.mp3", "c/d.mp3")
    assert genres_of(source, "Rock/Ünï/a.mp3") == ("Rock",)
    assert genres_of(source, "c/d.mp3") == ()


def test_the_longest_matching_path_wins(table):
    text = "path,genre\na.mp3,Bare\n/x/Rock/a.mp3,Ending\nRock/a.mp3,Exact\n"
    source = table(text, "Rock/a.mp3", "Pop/a.mp3")
    assert genres_of(source, "Rock/a.mp3") == ("Exact",)
    assert genres_of(source, "Pop/a.mp3") == ("Bare",)


def test_absolute_paths_distinguish_files_with_the_same_name(table):
    text = "path,genre\n/music/Queen/01.mp3,Rock\n/music/ABBA/01.mp3,Pop\n"
    source = table(text, "Queen/01.mp3", "ABBA/01.mp3")
    assert genres_of(source, "Queen/01.mp3") == ("Rock",)
    assert genres_of(source, "ABBA/01.mp3") == ("Pop",)


def test_a_file_name_that_is_not_unique_matches_nothing(table):
    twice = table("path,genre\nold/Rock/01.mp3,Rock\nold/Pop/01.mp3,Pop\n", "new/01.mp3")
    assert genres_of(twice, "new/01.mp3") == ()
    once = table("path,genre\nold/Rock/01.mp3,Rock\n", "new/01.mp3", "newer/01.mp3")
    assert genres_of(once, "new/01.mp3") == ()


def test_a_song_is_found_by_artist_and_title(table):
    text = "Artist,Track,Genre\nZOË,Hello,Waltz\nOther,Hello,Polka\nA;B,Duet,Pop\n"
    source = table(text, "x.mp3")
    assert genres_of(source, "x.mp3", title="hello", artists=["Zoë"]) == ("Waltz",)
    assert genres_of(source, "x.mp3", title="Duet", artists=["B"]) == ("Pop",)
    assert genres_of(source, "x.mp3", title="Duet", artists=["A", "B"]) == ("Pop",)


def test_a_title_alone_matches_unless_it_is_ambiguous(table):
    text = "Artist,Title,Genre\nA,Hello,Waltz\nB,Hello,Polka\nC,Unique,Pop\n,Nobody's,Folk\n"
    source = table(text, "x.mp3")
    assert genres_of(source, "x.mp3", title="Unique") == ("Pop",)
    assert genres_of(source, "x.mp3", title="Nobody's", artists=["D"]) == ("Folk",)
    assert genres_of(source, "x.mp3", title="Hello") == ()
    assert genres_of(source, "x.mp3", title="Unique", artists=["D"]) == ()


def test_the_fma_table_is_read_with_its_genre_names(table, tmp_path):
    (tmp_path / "genres.csv").write_text(
        "genre_id,#tracks,parent,title,top_level\n21,9,0,Hip-Hop,21\n12,9,0,Rock,12\n"
    )
    source = table(FMA, "000/000002.mp3", "000/000010.mp3", "000/000134.mp3", name="tracks.csv")
    assert genres_of(source, "000/000002.mp3") == ("Hip-Hop",)
    assert genres_of(source, "000/000010.mp3") == ("Hip-Hop", "Rock")
    assert genres_of(source, "000/000134.mp3", genres=["Tagged"]) == ("Tagged",)
    assert source.unknown == 1


def test_fma_genre_numbers_without_names_are_ignored(table):
    source = table(FMA, "000/000002.mp3", "000/000010.mp3", name="tracks.csv")
    assert genres_of(source, "000/000002.mp3") == ("Hip-Hop",)
    assert genres_of(source, "000/000010.mp3") == ()


def test_a_track_id_matches_the_name_of_a_file(table):
    text = "track_id,artists,track_name,track_genre\n5SuOikwiRyPMVoIQDJUgSV,Gen,Comedy,acoustic\n"
    source = table(text + "5SuOikwiRyPMVoIQDJUgSV,Gen,Comedy,pop\n", "previews/5SuOikwiRyPMVoIQDJUgSV.mp3")
    assert genres_of(source, "previews/5SuOikwiRyPMVoIQDJUgSV.mp3") == ("acoustic", "pop")


def test_a_label_is_the_genre_if_there_is_no_genre_column(table):
    assert genres_of(table("filename,label\na.wav,blues\n", "a.wav"), "a.wav") == ("blues",)
    assert genres_of(table("filename,label,genre\na.wav,EMI,blues\n", "a.wav"), "a.wav") == ("blues",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"is empty"),
        ("\n\n", r"is empty"),
        ("path,colour\na.mp3,red\n", r"no column called genre, only path, colour"),
        ("colour,genre\nred,Rock\n", r"no column called path or title, only colour, genre"),
        ("path,genre\na.mp3,\n", r"gives no song a genre"),
        ("path,genre\n", r"gives no song a genre"),
        ('path,genre\n"a' + "x" * 17_000_000, r"is not a CSV table"),
    ],
)
def test_the_error_for_a_table_without_genres_is_one_line(table, text, message):
    with pytest.raises(LibraryError, match=message) as error:
        table(text, "a.mp3")
    assert len(str(error.value).splitlines()) == 1


def test_the_error_for_a_missing_table_names_the_other_choices(tmp_path):
    with pytest.raises(LibraryError, match=r"no .*tracks\.csv: choose auto, tags, folder"):
        open_source(tmp_path / "tracks.csv", "a.mp3")
    with pytest.raises(LibraryError, match=r"cannot be read"):
        open_source(tmp_path, "a.mp3")


def test_several_threads_can_share_a_source(table):
    source = table("path,genre\na.mp3,Rock\n", "a.mp3", "b.mp3")
    threads = [
        threading.Thread(target=lambda: [genres_of(source, "b.mp3") for _ in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.unknown == 4000


def test_a_large_table_with_equal_file_names_is_read(tmp_path):
    paths = [f"{number:05d}/audio.wav" for number in range(20_000)]
    rows = [["path", "genre"], *([path, json.dumps([f"g{len(path)}", path[:2]])] for path in paths)]
    with (tmp_path / "mine.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    source = open_source(tmp_path / "mine.csv", *paths)
    assert genres_of(source, paths[777]) == ("g15", "00")
    assert genres_of(source, "elsewhere/audio.wav") == ()
