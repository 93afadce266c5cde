"""Spellings in Python; `test_search.py` tests that the database spells in the same way."""

import pytest

from explorer.database.spelling import other_spelling, plain_spelling


@pytest.mark.parametrize(
    ("text", "plain", "other"),
    [
        ("Łódź", "lodz", "lodz"),
        ("Ærø", "aero", "aeroe"),
        ("Œuvre Þorn Ħal đi ŋ", "oeuvre thorn hal di n", "oeuvre thorn hal di ng"),
        ("Don’t", "don't", "dont"),
        ("ﬁre № 𝓛𝓸𝓿𝓮 ⅳ ①", "fire № love iv 1", "fire № love iv 1"),
        ("ЪЁлка Їжак", "ъелка іжак", "elka yizhak"),
        ("O\u0308", "o", "oe"),
        ("が ｶﾞ 夜 한 ไทย हिन्दी", "が ｶﾞ 夜 한 ไทย हिन्दी", "が ｶﾞ 夜 한 ไทย हिन्दी"),
        ("", "", ""),
    ],
)
def test_letters_with_marks_are_spelled_in_two_ways(text, plain, other):
    assert (plain_spelling(text), other_spelling(text)) == (plain, other)


def test_the_database_spells_every_letter_as_python_does(fresh_db):
    rows = fresh_db._rows("SELECT letter, plain, other FROM letters")
    assert len(rows) > 2_000
    for letter, plain, other in rows:
        assert (plain_spelling(letter), other_spelling(letter)) == (plain, other)
