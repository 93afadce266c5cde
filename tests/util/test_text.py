import os

import pytest

from explorer.util.text import (
    are_repeated,
    is_one_line,
    one_line,
    printable,
    unique_ignoring_case,
    valid_text,
)

# One of each unsafe kind: an escape sequence, a bell, line ends, a surrogate, marks that change the direction
# of text, and a character that XML forbids.
UNSAFE = "a\x1b[31m\x07\x85b\tc\r\nd\u2028e\ud83df\u202eg\u2066h\uffff"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 🎵\n", "plain é 🎵\n"),
        (os.fsdecode(b"\xff\xfe.mp3"), "\ufffd\ufffd.mp3"),
        ("\ud800", "?"),
    ],
)
def test_readable_returns_valid_unicode(text, expected):
    assert valid_text(text) == expected


def test_shown_returns_one_line_without_unsafe_characters():
    assert one_line(UNSAFE) == "a[31m b c d efgh"
    assert one_line("  $x$ 夜 \n ♫  ") == "$x$ 夜 ♫"


def test_joined_emoji_are_unchanged():
    assert one_line("👩‍🚀") == printable("👩‍🚀") == "👩‍🚀"


def test_escaped_returns_one_line_with_the_codes_of_unsafe_characters():
    assert printable(UNSAFE) == r"a\x1b[31m\x07\x85b\x09c\x0d\x0ad\u2028e\ud83df\u202eg\u2066h\uffff"


def test_a_printable_text_can_keep_its_lines_and_has_a_limit():
    assert printable("a\x1b\nb\r\n", keep_lines=True) == "a\\x1b\nb\\x0d\n"
    assert printable("abcd", max_length=4) == "abcd"
    assert printable("abcde", max_length=4) == "abc…"
    assert printable("\x1b" * 10_000_000, max_length=9) == r"\x1b\x1b…"


@pytest.mark.parametrize(
    ("text", "fits"),
    [("夜 ♫", True), ("a\u202eb", True), ("a\nb", False), ("a\x1bb", False), ("\udcff", False)],
)
def test_text_with_control_characters_does_not_fit_one_line(text, fits):
    assert is_one_line(text) is fits


def test_distinct_removes_repetitions_in_any_case_and_empty_texts():
    assert unique_ignoring_case(["Rock", "", "jazz", "ROCK", "Jazz", "Straße", "STRASSE"]) == (
        "Rock",
        "jazz",
        "Straße",
    )


def test_repeated_texts_are_found_ignoring_case():
    assert are_repeated(["Intro", "Straße", "INTRO", "Outro", "STRASSE", ""]) == [
        *(True, True, True, False, True, False)
    ]
    assert are_repeated([]) == []
