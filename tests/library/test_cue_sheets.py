"""Cue sheets as many programs write them: commands, positions, files, encodings and faults."""

import pytest

from explorer.library.cue_sheets import decode_cue_sheet, parse_cue_sheet, problem_of

PLAIN = """REM GENRE "Art Rock"
REM DATE 1977
PERFORMER "The Band"
TITLE "The Album"
FILE "album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "One"
    PERFORMER "A Guest"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Two"
    INDEX 00 03:58:50
    INDEX 01 04:00:37
    INDEX 02 05:00:00
"""


def rows(text):
    """Return the name of each FILE with tracks, and the number, title and start of each of its tracks."""
    return {
        file.name: [(track.number, track.title, track.start_s) for track in file.tracks]
        for file in parse_cue_sheet(text).files
        if file.tracks
    }


def problem(text):
    sheet = parse_cue_sheet(text)
    return problem_of(sheet, sheet.files[0])


def test_a_plain_sheet():
    sheet = parse_cue_sheet(PLAIN)
    assert (sheet.title, sheet.performer, sheet.genre, sheet.date) == (
        "The Album",
        "The Band",
        "Art Rock",
        "1977",
    )
    assert rows(PLAIN) == {"album.wav": [(1, "One", 0.0), (2, "Two", 240 + 37 / 75)]}
    assert [track.performer for track in sheet.files[0].tracks] == ["A Guest", ""]
    assert problem(PLAIN) == ""


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("\n", "\r"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("    ", "\t").replace("  ", "\t"),
        lambda text: text.replace("TRACK 0", "track 0").replace("INDEX", "Index").replace("FILE", "file"),
        lambda text: text.replace("TRACK 0", "TRACK "),
        lambda text: text.replace(
            "AUDIO", "AUDIO\n    FLAGS DCP\n    ISRC GBAYE0000351\n    PREGAP 00:02:00"
        ),
        lambda text: 'CATALOG 0123456789012\nSONGWRITER "x"\nREM COMMENT "ExactAudioCopy"\n' + text,
        lambda text: text + "    POSTGAP 00:02:00\n\n\nnonsense here\n",
        lambda text: text.replace('"One"', "One").replace('"Two"', '"Two'),
        lambda text: text.replace('"album.wav" WAVE', "album.wav WAVE"),
        lambda text: text.replace("INDEX 01", "INDEX 1").replace("00:00:00", "0:0:0"),
        lambda text: text.replace("\n", "   \n"),
    ],
)
def test_sheets_are_written_in_many_ways(change):
    assert rows(change(PLAIN)) == rows(PLAIN)
    assert problem(change(PLAIN)) == ""


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('FILE "a b.wav" WAVE', "a b.wav"),
        ('FILE "Say "Hello".flac" WAVE', 'Say "Hello".flac'),
        ("FILE a b.mp3 MP3", "a b.mp3"),
        ('FILE "C:\\rips\\album.wav" WAVE', "C:\\rips\\album.wav"),
        ('FILE "album.wav"', "album.wav"),
        ("FILE album.wav", "album.wav"),
    ],
)
def test_names_of_files(line, name):
    assert list(rows(f"{line}\nTRACK 01 AUDIO\nINDEX 01 00:00:00")) == [name]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:01", 1 / 75),
        ("99:59:74", 99 * 60 + 59 + 74 / 75),
        ("120:00:00", 7200),
        ("1:02:03", 62.04),
        ("01:02", 62),
        ("01:02.37", 62 + 37 / 75),
    ],
)
def test_positions(text, seconds):
    assert rows(f"TRACK 01 AUDIO\nINDEX 01 {text}") == {"": [(1, "", pytest.approx(seconds))]}


def test_titles_keep_inner_quotation_marks_and_lose_control_characters():
    text = 'TRACK 01 AUDIO\nTITLE "The "Big"\x07  One"\nINDEX 01 00:00:00'
    assert rows(text) == {"": [(1, 'The "Big" One', 0.0)]}
    (file,) = parse_cue_sheet(text.replace("Big", "x" * 5000)).files
    assert len(file.tracks[0].title) == 1000


def test_a_file_that_is_named_before_each_track_is_one_file():
    again = PLAIN.replace("  TRACK 02", 'FILE "album.wav" WAVE\n  TRACK 02')
    assert again != PLAIN
    assert rows(again) == rows(PLAIN)
    assert problem(again) == ""


def test_one_file_per_track_and_a_pause_at_the_end_of_the_file_before():
    text = """FILE "01.wav" WAVE
  TRACK 01 AUDIO
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    INDEX 00 03:58:50
FILE "02.wav" WAVE
    INDEX 01 00:00:00
"""
    assert rows(text) == {"01.wav": [(1, "", 0.0)], "02.wav": [(2, "", 0.0)]}


def test_texts_of_a_track_and_of_the_album():
    text = (
        'REM DATE 1990\nFILE "a.wav" WAVE\nTRACK 01 AUDIO\nREM GENRE Jazz\nREM DATE "2001"\nINDEX 01 00:00:00'
    )
    sheet = parse_cue_sheet(text)
    (track,) = sheet.files[0].tracks
    assert (sheet.date, sheet.genre, track.date, track.genre) == ("1990", "", "2001", "Jazz")


def test_data_tracks_are_marked():
    (file,) = parse_cue_sheet(PLAIN.replace("02 AUDIO", "02 MODE1/2352")).files
    assert [track.is_audio for track in file.tracks] == [True, False]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (lambda text: text.replace("04:00:37", "00:00:00"), "track 2 after track 1"),
        (lambda text: text.replace("04:00:37", "04:00:75"), "04:00:75"),
        (lambda text: text.replace("04:00:37", "04:60:00"), "04:60:00"),
        (lambda text: text.replace("04:00:37", "four minutes"), "four minutes"),
        (lambda text: text.replace("04:00:37", "-1:00:00"), "-1:00:00"),
        (lambda text: text.replace("INDEX 01 04:00:37", ""), "track 2 no INDEX 01"),
        (lambda text: text.replace("INDEX 02", "INDEX 01"), "track 2 twice"),
        (lambda text: text.replace("TRACK 02", "TRACK 01"), "two tracks 1"),
        (lambda text: text.replace("TRACK 02", "TRACK 100"), "'100'"),
        (lambda text: text.replace("TRACK 02", "TRACK 00"), "'00'"),
        (lambda text: text.replace("TRACK 02", "TRACK ²"), "'²'"),
        (lambda text: text.replace("TRACK 02", "TRACK " + "9" * 9000), "'9999"),
        (lambda text: text[: text.index("  TRACK")], "no track"),
    ],
)
def test_faults_are_named(change, fault):
    assert fault in problem(change(PLAIN))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_recognised_with_and_without_a_mark(encoding):
    text = PLAIN.replace("The Album", "Początek 夜 Ночь")
    sheet = parse_cue_sheet(decode_cue_sheet(text.encode(encoding)))
    assert (sheet.title, len(sheet.files[0].tracks)) == ("Początek 夜 Ночь", 2)


def test_utf_16_with_the_byte_order_of_big_machines():
    data = b"\xfe\xff" + PLAIN.encode("utf-16-be")
    assert rows(decode_cue_sheet(data)) == rows(PLAIN)


@pytest.mark.parametrize(
    ("encoding", "titles"),
    [
        ("cp1251", ["Группа крови", "Закрой за мной дверь, я ухожу"]),
        ("cp932", ["正しい街", "歌舞伎町の女王", "丸の内サディスティック", "幸福論"]),
        ("gb18030", ["周杰伦 七里香", "我的地盘", "借口", "外婆"]),
        ("cp949", ["난 알아요", "환상 속의 그대"]),
        ("cp1253", ["Μάνος Χατζιδάκις", "Το χαμόγελο της Τζοκόντας"]),
        ("cp1252", ["Café del Mar", "Für Elise"]),
    ],
)
def test_national_encodings(encoding, titles):
    text = "".join(
        f'  TRACK {number:02d} AUDIO\n    TITLE "{title}"\n    INDEX 01 0{number}:00:00\n'
        for number, title in enumerate(titles, 1)
    )
    sheet = parse_cue_sheet(decode_cue_sheet(f'FILE "a.wav" WAVE\n{text}'.encode(encoding)))
    assert [track.title for track in sheet.files[0].tracks] == titles


@pytest.mark.parametrize(
    ("encoding", "name", "titles"),
    [
        ("euc_kr", "서른", ["서른 즈음에", "이등병의 편지", "사랑했지만"]),
        ("cp932", "表", ["歌舞伎町の女王", "表裏一体の女王", "ソナチネの歌"]),
    ],
)
def test_the_name_of_a_file_has_the_encoding_of_the_titles(encoding, name, titles):
    text = f'FILE "{name}.wav" WAVE\n' + "".join(
        f'TRACK {number:02d} AUDIO\nTITLE "{title}"\nINDEX 01 0{number}:00:00\n'
        for number, title in enumerate(titles, 1)
    )
    (file,) = parse_cue_sheet(decode_cue_sheet(text.encode(encoding))).files
    assert file.name == f"{name}.wav"


def test_any_bytes_are_decoded():
    for data in (b"", b"\xff", b"\xff\xfe\x00", b"\x00" * 99, bytes(range(256)) * 9):
        parse_cue_sheet(decode_cue_sheet(data))
