"""Recognises text that can be Western European, so that it is never taken for another encoding.

Text that was read as Latin-1 or Windows-1252 has no character beyond these. If each of its words can be a
word of one Western language, the text was probably read correctly. The words of other encodings have symbols
inside ("Mi³oœæ" for "Miłość"), or letters of several languages ("Pøíbìh" for "Příběh"), or no ASCII letter at
all ("Êèíî" for "Кино").
"""

from __future__ import annotations

import re
from functools import lru_cache

LATIN_1_TO_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252")
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
"""What the control characters of Latin-1 are in Windows-1252, for `str.translate`."""
_WINDOWS_1252_TO_LATIN_1 = {ord(letter): byte for byte, letter in LATIN_1_TO_WINDOWS_1252.items()}

# The letters beyond ASCII in the words of a language, or of a few languages that share letters.
_ALPHABETS = tuple(
    map(
        frozenset,
        (
            "àâæçèéêëîïôœùûüÿ",  # French
            "äöüßéèàáô",  # German
            "áéíóúñüçàèìòù",  # Spanish, Irish, Scottish Gaelic
            "áâãàçéêíóôõúü",  # Portuguese
            "àèéìíîòóùú",  # Italian
            "àáçèéíïòóúü",  # Catalan, Occitan
            "åäöéüàáèëæøôòóê",  # Swedish, Danish, Norwegian
            "áðéíóúýþæöø",  # Icelandic, Faroese
            "áéíóúàèëïöüêâîôûäç",  # Dutch, Afrikaans, Welsh
            "äöõüšžåéà",  # Finnish, Estonian
            "ñãéíóúáüýõ",  # Filipino, Guarani
            "áäéíóôúýöüß",  # the Slovak and Hungarian letters that Latin-1 has at the same places
            "äöüëïÿåøæáéóúíß",  # invented names, such as "Queensrÿche"
        ),
    )
)
_NORDIC_VOWELS = (set("æøå"), set("åäö"), set("äöü"))
_UTF_8_LEAD = re.compile("[a-zß-ÿ][ÂÃ]")
"""As in "CafÃ©", which is "Café" in UTF-8."""
_OPENING_MARKS = "¡¿«‹“”‘’„»°·…–—´`\xa0"
_CLOSING_MARKS = "»›«“”’‘…–—°ºª¹²³®©™·!´`\xa0"
_INNER_MARKS = re.compile("['’·´–—…/\xad]")
_WORD = re.compile(r"[^\x00-&(-/:-@\[-`{-\x7f•–—…\xa0]+")
"""ASCII punctuation ends a word, except the apostrophe."""


def is_suspect(text: str) -> bool:
    """Return whether a text may be bytes of another encoding that were read as Latin-1 or Windows-1252."""
    return not text.isascii() and as_bytes(text) is not None


def as_bytes(text: str) -> bytes | None:
    """Return the bytes that gave a text when they were read as Latin-1 or Windows-1252, or None."""
    try:
        return text.translate(_WINDOWS_1252_TO_LATIN_1).encode("latin-1")
    except UnicodeEncodeError:
        return None


def is_western(text: str) -> bool:
    """Return whether each word of a text can be a word of a Western European language."""
    return not any(map(is_foreign, words_of(text)))


def words_of(text: str) -> list[str]:
    """Return the words of a text, with marks such as quotation marks."""
    return _WORD.findall(text.translate(LATIN_1_TO_WINDOWS_1252))


@lru_cache(100_000)
def is_foreign(word: str) -> bool:
    """Return whether a word is in no Western European language."""
    if word.isascii():
        return False
    if _UTF_8_LEAD.search(word):
        return True
    parts = _INNER_MARKS.split(word.lstrip(_OPENING_MARKS).rstrip(_CLOSING_MARKS))
    return any(map(_is_foreign_part, parts))


def _is_foreign_part(part: str) -> bool:
    high = [letter for letter in part if letter >= "\x80"]
    if not any(letter.isalpha() for letter in part):
        return any("\x80" <= letter <= "\x9f" for letter in high)
    if not all(letter.isalpha() and letter not in "ªºµ" for letter in high):
        return len(part) > 2 or high[0] not in "ªºµ"  # They stand alone, as in "µ-Ziq".
    letters = {letter.lower() for letter in high}
    if not any(letters <= alphabet for alphabet in _ALPHABETS):
        return True
    return len(part) == len(high) >= 3 and len(letters) >= 2 and letters not in _NORDIC_VOWELS
