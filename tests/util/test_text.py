import os

import pytest

from explorer.util.text import distinct, escaped, fits_one_line, readable, shown

# One of each kind that does harm: an escape sequence, a bell, ends of lines, half of a character, a mark that
# reverses what follows, and what XML cannot hold.
HARM = "a\x1b[31m\x07\x85b\tc\r\nd\u2028e\ud83df\u202eg\u2066h\uffff"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 🎵\n", "plain é 🎵\n"),
        (os.fsdecode(b"\xff\xfe.mp3"), "\ufffd\ufffd.mp3"),
        ("\ud800", "?"),
    ],
)
def test_any_text_becomes_readable(text, expected):
    assert readable(text) == expected


def test_what_is_shown_is_one_line_that_cannot_steer_a_terminal():
    assert shown(HARM) == "a[31m b c d efgh"
    assert shown("  $x$ 夜 \n ♫  ") == "$x$ 夜 ♫"


def test_joined_emoji_stay_whole():
    assert shown("👩‍🚀") == escaped("👩‍🚀") == "👩‍🚀"


def test_what_is_escaped_is_one_line_that_says_what_was_there():
    assert escaped(HARM) == r"a\x1b[31m\x07\x85b\x09c\x0d\x0ad\u2028e\ud83df\u202eg\u2066h\uffff"


@pytest.mark.parametrize(
    ("text", "fits"),
    [("夜 ♫", True), ("a\u202eb", True), ("a\nb", False), ("a\x1bb", False), ("\udcff", False)],
)
def test_a_line_holds_what_does_not_end_it(text, fits):
    assert fits_one_line(text) is fits


def test_texts_that_differ_in_case_alone_are_one():
    assert distinct(["Rock", "", "jazz", "ROCK", "Jazz", "Straße", "STRASSE"]) == ("Rock", "jazz", "Straße")
