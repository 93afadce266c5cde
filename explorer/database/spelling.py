"""Two spellings of every text, so that a search finds a text however people type it.

The *plain* spelling has lower-case letters without accents: "Łódź" is "lodz". The *other* spelling differs
from it in three ways: marks inside words are left out ("AC/DC" is "acdc", "Don't" is "dont"), letters with an
umlaut or a ring are written with two letters ("Björk" is "bjoerk", "Århus" is "aarhus"), and Cyrillic is
written in Latin letters ("Кино" is "kino").

The database spells the texts of songs itself, because other programs write into it too: it has these letters
in a table, and a view replaces letter by letter. Nested calls of SQL's replace() would be simpler, but SQLite
before 3.46 can parse only about 25 of them, and could then not open the database at all. A change of the
letters here needs a migration that fills the table again.
"""

from __future__ import annotations

import re
import unicodedata

# The blocks of Unicode with Latin, Greek and Cyrillic letters, and with letters and digits for special uses,
# such as full-width and mathematical ones.
_BLOCKS = (
    range(0xA0, 0x530),
    range(0x1C80, 0x1C90),
    range(0x1D00, 0x2000),
    range(0x2070, 0x218C),
    range(0x2460, 0x2500),
    range(0x2C60, 0x2C80),
    range(0xA640, 0xA6A0),
    range(0xA720, 0xA800),
    range(0xFB00, 0xFB07),
    range(0xFF10, 0xFF5B),
    range(0x1D400, 0x1D800),
)
_END_OF_CYRILLIC = 0x530
_ACCENTS = range(0x300, 0x370)

# Letters that Unicode neither decomposes nor names after a base letter.
_LETTERS = {
    **{"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ŋ": "n", "ı": "i", "ȷ": "j", "ĸ": "k"},
    **{"ŉ": "n", "ə": "e", "ɛ": "e", "ɔ": "o"},
}
_LETTER_WITH_MARK = re.compile("LATIN SMALL LETTER ([A-Z]) WITH ")
# Marks that are written in several ways, in their plain spelling.
_MARKS = {
    **dict.fromkeys("’‘ʼʻʹ\u0374′´＇", "'"),
    **dict.fromkeys("‐‑‒–—−", "-"),
    "／": "/",
    "！": "!",
    "＆": "&",
}
# Marks that people leave out inside words, and signs that stand for a letter or a word: P!nk, Ke$ha, You & I.
_OTHER_MARKS = {**dict.fromkeys("'`-/.*|_·・", ""), "!": "i", "$": "s", "&": "and"}
_OTHER_LATIN = {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ŋ": "ng"}
_OTHER_CYRILLIC = {
    **dict(zip("абвгдеёзийклмнопрстуфыэіјћґў", "abvgdeeziyklmnoprstufyeijcgu", strict=True)),
    **{"ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch", "ъ": "", "ь": "", "ю": "yu"},
    **{"я": "ya", "ї": "yi", "є": "ye", "ђ": "dj", "љ": "lj", "њ": "nj", "џ": "dz"},
}
_WORD = re.compile(r"[^\W_]+")

# SQL does not walk over texts that have only these characters, as most have: their spellings are the same.
_SIMPLE_CHARACTERS = ' 0-9A-Za-z,():;?"#+'
# The walk stops here, because its time grows with the square of the number of characters.
_MAX_SPELLED = 1_000


def _plain_letter(letter: str) -> str:
    """Return a Latin, Greek or Cyrillic letter in lower case without marks; any other letter unchanged."""
    lower = letter.lower()
    plain = _base_letter(lower)
    if plain == lower:
        parts = unicodedata.normalize("NFKD", lower).lower()
        plain = "".join(_base_letter(part) for part in parts if not unicodedata.combining(part))
    return plain if plain.isalnum() and all(ord(part) < _END_OF_CYRILLIC for part in plain) else letter


def _base_letter(lower: str) -> str:
    named = _LETTER_WITH_MARK.match(unicodedata.name(lower, "")) if len(lower) == 1 else None
    return _LETTERS.get(lower) or (named[1].lower() if named else lower)


def _other_letter(letter: str, plain: str) -> str:
    lower = letter.lower()
    if lower in _OTHER_CYRILLIC:  # Such as й, which is not plain.
        return _OTHER_CYRILLIC[lower]
    return _OTHER_LATIN.get(lower) or "".join(_OTHER_CYRILLIC.get(part, part) for part in plain)


def _spellings() -> dict[str, tuple[str, str]]:
    table = {chr(code): ("", "") for code in _ACCENTS}
    for letter in (chr(code) for block in _BLOCKS for code in block):
        if unicodedata.category(letter)[0] in "LN":
            plain = _plain_letter(letter)
            table[letter] = plain, _other_letter(letter, plain)
    for mark in (*_MARKS, *_OTHER_MARKS):
        plain = _MARKS.get(mark, mark)
        table[mark] = plain, _OTHER_MARKS.get(plain, plain)
    return {letter: spelled for letter, spelled in table.items() if spelled != (letter, letter)}


SPELLINGS = _spellings()
"""The plain and the other spelling of each character that has one. ASCII capitals are left out."""

_CAPITALS = {chr(code): chr(code).lower() for code in range(ord("A"), ord("Z") + 1)}
_PLAIN = str.maketrans(_CAPITALS | {letter: plain for letter, (plain, _) in SPELLINGS.items()})
_OTHER = str.maketrans(_CAPITALS | {letter: other for letter, (_, other) in SPELLINGS.items()})


def plain_spelling(text: str) -> str:
    """Return a text in lower-case letters without accents."""
    return unicodedata.normalize("NFC", text).translate(_PLAIN)


def other_spelling(text: str) -> str:
    """Return a text as some people type it: see the module's description."""
    return unicodedata.normalize("NFC", text).translate(_OTHER)


def words_of(text: str) -> list[str]:
    """Return the words of a text that is already spelled."""
    return _WORD.findall(text)


def letters_as_sql() -> str:
    """Return the rows (letter, plain, other) of the table `letters`, as SQL writes them after VALUES."""
    rows = ((letter, *spellings) for letter, spellings in SPELLINGS.items())
    return ",".join(f"({', '.join(map(_quoted, row))})" for row in rows)


def spelled_as_sql(field: str) -> str:
    """Return two columns of SQL: the plain spelling of a field and, unless it is the same, the other one."""
    is_simple = f"{field} NOT GLOB '*[^{_SIMPLE_CHARACTERS}]*'"
    plain = f"({_walk(field, 'plain')}) || lower(substr({field}, {_MAX_SPELLED + 1}))"
    other = _walk(field, "iif(other = plain, '', other)")
    return f"""
        iif({is_simple}, lower({field}), {plain}) AS {field},
        iif({is_simple}, '', ({other})) AS other_{field}"""


def _walk(field: str, result: str) -> str:
    """Return a query that walks over the letters of a field; `result` may use the columns plain and other."""
    return f"""
            WITH RECURSIVE walk(number) AS (
                SELECT 1 UNION ALL
                SELECT number + 1 FROM walk WHERE number < min(length({field}), {_MAX_SPELLED})
            )
            SELECT {result} FROM (
                SELECT lower(group_concat(coalesce(plain, substr({field}, number, 1)), '')) AS plain,
                    lower(group_concat(coalesce(other, substr({field}, number, 1)), '')) AS other
                FROM walk LEFT JOIN letters ON letter = substr({field}, number, 1)
            )"""


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
