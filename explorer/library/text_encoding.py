"""Decodes tags whose text is in a national encoding, such as Windows-1251, Shift-JIS or GBK.

Old tags do not name their encoding. Readers take them for Latin-1, so that "Кино" becomes "Êèíî". All tags of
a folder are examined together, because one short title proves little. A text is changed only if it cannot be
Western text, one encoding explains it much better than all others, and charset-normalizer agrees. Correct
Western text that was changed would be worse than a wrong text that stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from charset_normalizer import from_bytes

from explorer.library.languages import ASCII_BITS, ENCODINGS, IMPOSSIBLE, UNKNOWN_BITS, Encoding
from explorer.library.music_file import Tags

UTF_8 = "UTF-8"
WINDOWS_1252 = "Windows-1252"

_MAX_EXAMINED = 300
"""The largest number of different texts of a folder that are compared with all encodings."""
_OPENING_BITS = 10.0
"""How much an encoding must explain better than no encoding, before it is considered at all."""
_MIN_MARGIN_BITS = 12.0
"""How much better than any other encoding the chosen one must explain the texts: 4,000 times as probable."""
_SLACK_BITS = 8.0
"""How much worse than no encoding the encoding of a folder may explain one text, such as a rare name."""
_MIN_LETTERS = 5
"""The smallest number of letters beyond ASCII that prove an encoding of an alphabet ..."""
_MIN_CHARACTERS = 3
"""... and of characters that prove an encoding with two bytes for each."""
_MIN_WORDS = 2
"""How many different words that are in no Western language prove an encoding of Latin letters; a single word
with more such letters does too."""
_MIN_FOREIGN_SHARE = 0.3
"""They must be at least this share of the words with letters beyond ASCII."""

# The letters beyond ASCII that words of one Western language contain. The last one: invented umlauts.
_WESTERN_ALPHABETS = tuple(
    map(
        frozenset,
        (
            "àâæçèéêëîïôœùûüÿ",
            "äöüßéèàáô",
            "áéíóúñüçàèìòù",
            "áâãàçéêíóôõúü",
            "àèéìíîòóùú",
            "àáçèéíïòóúü",
            "åäöéüáàèëæøôòóê",
            "áðéíóúýþæöüø",
            "áéíóúàèëïöüêâîôûäç",
            "äöõüšžåéà",
            "ñãéíóúáüýõ",
            "áäéíóôúýöüß",
            "äöüëïÿåøæáéóúíß",
        ),
    )
)
_OPENING_MARKS = "¡¿«‹“”‘’„‚»°·…–—´`\xa0"
_CLOSING_MARKS = "»›«“”’‘…–—°ºª¹²³®©™·!´`\xa0"
_INNER_MARKS = "’·´–—…/\xad"
_NORDIC_VOWELS = (set("æøå"), set("åäö"), set("äöü"))
_NO_ICELANDIC = re.compile("þ(?![aeiouyáéíóúýæörvjl])")
_ASCII = set(map(chr, range(0x80)))
_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "IDEOGRAPHIC", "LATIN"}
_CUT_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")
_TOKEN = re.compile(r"[^\x00-&(-/:-@\[-`{-\x7f•–—…\xa0]+")
"""A word: ASCII punctuation ends it, except the apostrophe."""


@dataclass(frozen=True)
class Decoded:
    """A song's tags after decoding.

    Attributes
    ----------
    tags : Tags
    encodings : tuple of str
        The names of the encodings that texts of this song were decoded from; empty if none was.
    """

    tags: Tags
    encodings: tuple[str, ...] = ()


def decode_tags(tags: Tags) -> Tags:
    """Return the tags of one file, decoded if they prove their encoding by themselves."""
    return decode_folder([tags])[0].tags


def decode_folder(songs: Sequence[Tags]) -> list[Decoded]:
    """Decode the tags of the songs of one folder.

    Parameters
    ----------
    songs : sequence of Tags
        The tags as they were read. An empty title is not examined.

    Returns
    -------
    list of Decoded
        For each song its tags, decoded or unchanged.
    """
    texts = [_suspect_texts(song) for song in songs]
    found: dict[str, tuple[str, str]] = {}
    foreign: dict[str, bytes] = {}
    for text in dict.fromkeys(text for song in texts for text in song):
        if decoded := _from_utf_8(text):
            found[text] = (decoded, UTF_8)
        elif not is_western(text):
            foreign[text] = as_bytes(text)
    chosen = _choose_encodings(foreign)
    found |= {text: (_decode(foreign[text], encoding), encoding.name) for text, encoding in chosen.items()}
    if any(name == UTF_8 for _, name in found.values()):
        for text in foreign.keys() - found.keys():
            if decoded := _from_utf_8(text, is_usual=True):
                found[text] = (decoded, UTF_8)
    return [_decode_song(song, own, found, chosen) for song, own in zip(songs, texts, strict=True)]


def _decode_song(
    song: Tags, texts: Iterable[str], found: dict[str, tuple[str, str]], chosen: dict[str, Encoding]
) -> Decoded:
    """Decode a song: its proven texts, and its ambiguous texts if all proven ones have the same encoding."""
    own = {text: found[text] for text in texts if text in found}
    encodings = {chosen[text].codec: chosen[text] for text in own if text in chosen}
    for text in texts:
        if text in own:
            continue
        if len(encodings) == 1:
            (encoding,) = encodings.values()
            decoded = _decode(as_bytes(text), encoding)
            if decoded and encoding.bits(decoded) < _unknown_bits(as_bytes(text)) + _SLACK_BITS:
                own[text] = (decoded, encoding.name)
        elif all(map(is_western, texts)) and (decoded := _from_windows_1252(text)):
            own[text] = (decoded, WINDOWS_1252)

    def new(text: str) -> str:
        return own[text][0] if text in own else text

    names = tuple(dict.fromkeys(name for _, name in own.values()))
    if not names:
        return Decoded(song)
    tags = replace(
        song,
        title=new(song.title),
        artists=tuple(map(new, song.artists)),
        album=new(song.album),
        genres=tuple(map(new, song.genres)),
    )
    return Decoded(tags, names)


# Which texts are suspect


def _suspect_texts(song: Tags) -> list[str]:
    texts = (song.title, *song.artists, song.album, *song.genres)
    return [text for text in dict.fromkeys(texts) if is_suspect(text)]


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
    return not any(map(_is_foreign, _words(text)))


def _words(text: str) -> list[str]:
    return _TOKEN.findall(text.translate(_LATIN_1_TO_WINDOWS_1252))


@lru_cache(100_000)
def _is_foreign(word: str) -> bool:
    if word.isascii():
        return False
    word = word.lstrip(_OPENING_MARKS).rstrip(_CLOSING_MARKS)
    parts = re.split(f"['{re.escape(_INNER_MARKS)}]", word)
    return any(map(_is_foreign_part, parts))


def _is_foreign_part(part: str) -> bool:
    high = [letter for letter in part if letter >= "\x80"]
    if not any(letter.isalpha() for letter in part):
        return any("\x80" <= letter <= "\x9f" for letter in high)
    if not all(letter.isalpha() and letter not in "ªºµ" for letter in high):
        return len(high) > 1 or len(part) > 2  # "µ" and "ª" stand alone, as in "µ-Ziq"
    letters = {letter.lower() for letter in high}
    if not any(letters <= alphabet for alphabet in _WESTERN_ALPHABETS):
        return True
    if len(part) > 2 and _NO_ICELANDIC.search(part.lower()):
        return True
    return len(part) == len(high) >= 3 and len(letters) >= 2 and letters not in _NORDIC_VOWELS


# The encodings that are certain without any comparison


def _from_utf_8(text: str, *, is_usual: bool = False) -> str | None:
    """Decode UTF-8 that was read as Latin-1, also twice; None if the text is not that for certain.

    `is_usual` says that another text of the folder is certain. Then one character is enough.
    """
    decoded = text
    while is_suspect(decoded) and (once := _from_utf_8_once(as_bytes(decoded), is_usual=is_usual)):
        decoded = once
    return None if decoded == text else " ".join(decoded.split())


def _from_utf_8_once(content: bytes, *, is_usual: bool) -> str | None:
    # The 30 bytes of a field of ID3v1 can end within a character.
    whole = _CUT_CHARACTER.sub(b"", content)
    for candidate in dict.fromkeys((content, whole)):
        try:
            decoded = candidate.decode("utf-8")
        except UnicodeDecodeError:
            continue
        decoded = unicodedata.normalize("NFC", decoded)
        count = sum(letter >= "\x80" for letter in decoded) - (candidate != content)
        is_enough = count > 1 or (count == 1 and (is_usual or max(decoded) >= "\u0800"))
        if is_enough and all(map(_has_one_script, decoded.split())):
            return decoded
    return None


def _has_one_script(word: str) -> bool:
    """Return whether the letters of a word belong together. Chinese, Japanese and Korean ones always do."""
    scripts = {
        unicodedata.name(letter, "?").partition(" ")[0]
        for letter in word
        if unicodedata.category(letter)[0] in "LM"
    }
    return len(scripts) <= 1 or scripts <= _EAST_ASIAN


def _from_windows_1252(text: str) -> str | None:
    """Decode Windows-1252 that was read as Latin-1: its punctuation became control characters.

    Of its letters, only the French "œ" is decoded: the others also stand for letters of Windows-1250.
    """
    decoded = text.translate(_LATIN_1_TO_WINDOWS_1252)
    new = {after for before, after in zip(text, decoded, strict=True) if before != after}
    if not new or not new <= set("’‘“”–—…•™€Œœ") or re.search("œ(?![ui])", decoded, re.IGNORECASE):
        return None
    return decoded


# The other encodings


def _choose_encodings(texts: dict[str, bytes]) -> dict[str, Encoding]:
    """Choose the encoding of each text that is not Western. Texts without a sure encoding are left out.

    The choice minimises the cost of all texts together, where each encoding that is used has a cost too. So a
    folder can hold songs in several encodings, but short texts follow the others of the folder.
    """
    examined = list(texts)[:: max(1, len(texts) // _MAX_EXAMINED)]
    costs = {encoding: {text: _bits(texts[text], encoding) for text in examined} for encoding in ENCODINGS}
    chosen: dict[str, Encoding] = {}
    best = {text: _unknown_bits(texts[text]) for text in examined}
    opened: list[Encoding] = []
    while True:
        savings = {
            encoding: sum(max(0.0, best[text] - bits) for text, bits in of_texts.items())
            for encoding, of_texts in costs.items()
            if encoding not in opened
        }
        encoding = max(savings, key=savings.get)
        if savings[encoding] < _OPENING_BITS * (1 + len(opened)):
            break
        opened.append(encoding)
        for text, bits in costs[encoding].items():
            if bits < best[text]:
                best[text], chosen[text] = bits, encoding
    sure = [
        encoding
        for encoding in opened
        if _is_sure([text for text in examined if chosen.get(text) is encoding], encoding, texts, costs)
    ]
    result = {}
    for text, content in texts.items():
        bits = {encoding: _bits(content, encoding) for encoding in opened}
        encoding = min(bits, key=bits.get, default=None)
        if encoding in sure and bits[encoding] < _unknown_bits(content) + _SLACK_BITS:
            result[text] = encoding
    return result


def _is_sure(
    texts: list[str],
    encoding: Encoding,
    contents: dict[str, bytes],
    costs: dict[Encoding, dict[str, float]],
) -> bool:
    """Return whether texts prove their encoding: they suffice, and no other encoding is nearly as good."""
    decoded = {text: _decode(contents[text], encoding) for text in texts}
    if not _has_enough(decoded, encoding):
        return False
    for rival, rival_costs in costs.items():
        margin = 0.0
        is_rival = False
        for text in texts:
            other = _decode(contents[text], rival)
            if other == decoded[text]:
                continue
            is_rival = True
            margin += min(rival_costs[text], _unknown_bits(contents[text])) - costs[encoding][text]
        # Of two encodings of one language, the better one is right.
        least = 0.0 if rival.bits == encoding.bits else _MIN_MARGIN_BITS / (1 + encoding.is_latin)
        if is_rival and margin < least:
            return False
    return _is_confirmed(b"\n".join(contents[text] for text in texts), encoding)


def _has_enough(decoded: dict[str, str], encoding: Encoding) -> bool:
    if encoding.name == UTF_8:
        return True
    if encoding.is_latin:
        words = {word.lower() for text in decoded for word in _words(text) if not word.isascii()}
        foreign = [word for word in words if _is_foreign(word)]
        are_many = len(foreign) >= _MIN_WORDS or any(len(set(word) - _ASCII) > _MIN_WORDS for word in foreign)
        return are_many and len(foreign) >= _MIN_FOREIGN_SHARE * len(words)
    high = sum(letter >= "\x80" and letter.isalpha() for text in decoded.values() for letter in text)
    return high >= (_MIN_CHARACTERS if encoding.is_double_byte else _MIN_LETTERS)


def _is_confirmed(content: bytes, encoding: Encoding) -> bool:
    """Return whether charset-normalizer finds that the decoded texts are not a mess."""
    return bool(from_bytes(content, cp_isolation=[encoding.codec], preemptive_behaviour=False))


def _bits(content: bytes, encoding: Encoding) -> float:
    decoded = _decode(content, encoding)
    return IMPOSSIBLE if decoded is None else encoding.bits(decoded)


def _unknown_bits(content: bytes) -> float:
    high = sum(byte >= 0x80 for byte in content)
    return UNKNOWN_BITS * high + ASCII_BITS * (len(content) - high)


def _decode(content: bytes, encoding: Encoding) -> str | None:
    """Decode a text; None if it is not in the encoding. A character that is cut at the end is left out."""
    try:
        return content.decode(encoding.codec)
    except UnicodeDecodeError as error:
        is_cut = encoding.is_double_byte and len(content) > 4 and error.start == len(content) - 1
        return content[: error.start].decode(encoding.codec) if is_cut else None


_LATIN_1_TO_WINDOWS_1252 = {
    byte: bytes([byte]).decode("cp1252")
    for byte in range(0x80, 0xA0)
    if byte not in (0x81, 0x8D, 0x8F, 0x90, 0x9D)
}
_WINDOWS_1252_TO_LATIN_1 = {ord(letter): byte for byte, letter in _LATIN_1_TO_WINDOWS_1252.items()}
