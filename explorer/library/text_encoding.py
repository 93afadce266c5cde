"""Decodes tags whose text is in a national encoding, such as Windows-1251, Shift-JIS or GBK.

Old tags do not name their encoding. Readers take them for Latin-1, so that "Кино" becomes "Êèíî". All tags
of a folder are examined together, because one short title proves little. A text is changed only if its
encoding is sure: correct Western text that was changed would be worse than a wrong text that stays.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from explorer.library.choose_encoding import choose_encodings, cost, decode, unknown_cost
from explorer.library.languages import Encoding
from explorer.library.music_file import Tags
from explorer.library.western_text import LATIN_1_TO_WINDOWS_1252, as_bytes, is_suspect, is_western

UTF_8 = "UTF-8"
WINDOWS_1252 = "Windows-1252"

_EAST_ASIAN = {"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "IDEOGRAPHIC", "LATIN"}
# Control characters of Latin-1 too: they are UTF-8 that was encoded twice.
_USUAL_TEXT = re.compile("[\x00-ɏ΄-ώЁ-џҐґְ-״،-۹ँ-๛Ạ-ỹ‐-›€№™　-ヿ一-鿿가-힣！-￮]+")
_CUT_CHARACTER = re.compile(rb"[\xc2-\xf4][\x80-\xbf]{0,2}\Z")
_CARON = re.compile("[ŠšŽž]")
_SPACES = re.compile("[ \t\n\r\f\v]+")


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
    read = [Decoded(song) for song in songs]
    if not any(map(_suspect_texts, songs)):
        return read
    decoded = _decode_utf_8(read)
    decoded = _decode_national(decoded)
    if any(UTF_8 in song.encodings for song in decoded):
        decoded = _decode_utf_8(decoded, is_usual=True)
    return [replace(song, tags=_without_byte_spaces(song.tags)) for song in decoded]


def collapse_spaces(text: str) -> str:
    """Replace each run of white space of a text that was read from a tag by one space.

    U+0085 and U+00A0 stay in a text that may be in another encoding: they can be bytes of its letters, such
    as those of "х" in UTF-8. `decode_folder` replaces those that are spaces.
    """
    may_be_bytes = is_suspect(text.replace("\x85", "").replace("\xa0", ""))
    return _SPACES.sub(" ", text).strip(" ") if may_be_bytes else " ".join(text.split())


def _without_byte_spaces(tags: Tags) -> Tags:
    """Replace the white space that `collapse_spaces` has left, but not in texts that cannot be read."""

    def new(text: str) -> str:
        return " ".join(text.split()) if is_western(text) else text

    return replace(
        tags,
        title=new(tags.title),
        artists=tuple(map(new, tags.artists)),
        album=new(tags.album),
        genres=tuple(map(new, tags.genres)),
    )


def _suspect_texts(song: Tags) -> list[str]:
    texts = (song.title, *song.artists, song.album, *song.genres)
    return [text for text in dict.fromkeys(texts) if is_suspect(text)]


def _decode_utf_8(songs: list[Decoded], *, is_usual: bool = False) -> list[Decoded]:
    found = {
        text: (decoded, UTF_8)
        for text in {text for song in songs for text in _suspect_texts(song.tags)}
        if (decoded := _from_utf_8(text, is_usual=is_usual))
    }
    return [_apply(song, found) for song in songs]


def _decode_national(songs: list[Decoded]) -> list[Decoded]:
    texts = [_suspect_texts(song.tags) for song in songs]
    foreign, western = [], []
    for text in dict.fromkeys(text for own in texts for text in own):
        (western if is_western(text) else foreign).append(text)
    chosen = choose_encodings(foreign, others=western)
    found = {text: (decode(text, encoding), encoding.name) for text, encoding in chosen.items()}
    usual = _encodings_of_artists([song.tags for song in songs], texts, chosen)
    return [
        _apply(song, found | _decode_ambiguous([text for text in own if text not in found], encoding))
        for song, own, encoding in zip(songs, texts, usual, strict=True)
    ]


def _encodings_of_artists(
    songs: list[Tags], texts: list[list[str]], chosen: dict[str, Encoding]
) -> list[Encoding | None]:
    """Return for each song the encoding of the texts of its artists, if all sure ones have the same."""
    sure: dict[object, dict[str, Encoding]] = {}
    keys = [song.artists or number for number, song in enumerate(songs)]
    for key, own in zip(keys, texts, strict=True):
        sure.setdefault(key, {}).update({chosen[text].codec: chosen[text] for text in own if text in chosen})
    return [next(iter(sure[key].values())) if len(sure[key]) == 1 else None for key in keys]


def _decode_ambiguous(texts: list[str], encoding: Encoding | None) -> dict[str, tuple[str, str]]:
    """Decode the texts of a song that can be Western text, by the encoding of its artist's other texts."""
    found = {}
    for text in texts:
        if encoding and cost(text, encoding) < unknown_cost(text):
            decoded, name = decode(text, encoding), encoding.name
            # In another script, "À la folie" is Western text all the same.
            if not encoding.is_latin and re.search("[A-Za-z]", decoded):
                continue
            found[text] = (decoded, name)
        elif not encoding and all(map(is_western, texts)) and (decoded := _from_windows_1252(text)):
            found[text] = (decoded, WINDOWS_1252)
    return found


def _apply(song: Decoded, found: dict[str, tuple[str, str]]) -> Decoded:
    """Replace the texts of a song that were decoded, and add the names of their encodings."""
    names = dict.fromkeys(song.encodings)

    def new(text: str) -> str:
        decoded, name = found.get(text, (text, ""))
        if decoded != text:
            names[name] = None
        return decoded

    tags = song.tags
    tags = replace(
        tags,
        title=new(tags.title),
        artists=tuple(map(new, tags.artists)),
        album=new(tags.album),
        genres=tuple(map(new, tags.genres)),
    )
    return Decoded(tags, tuple(names))


# The encodings that are certain without any comparison


def _from_utf_8(text: str, *, is_usual: bool = False) -> str | None:
    """Decode UTF-8 that was read as Latin-1, also twice; None if the text is not that for certain.

    `is_usual` says that another text of the folder is certain. Then one character is enough.
    """
    decoded = text
    while is_suspect(decoded) and (once := _from_utf_8_once(as_bytes(decoded), is_usual=is_usual)):
        decoded = once
    return None if decoded == text else decoded


def _from_utf_8_once(content: bytes, *, is_usual: bool) -> str | None:
    # The 30 bytes of a field of ID3v1 can end within a character.
    for candidate in dict.fromkeys((content, _CUT_CHARACTER.sub(b"", content))):
        try:
            decoded = unicodedata.normalize("NFC", candidate.decode("utf-8"))
        except UnicodeDecodeError:
            continue
        count = sum(letter >= "\x80" for letter in decoded) - (candidate != content)
        # "É®" is also UTF-8, for a phonetic letter, and so are some pairs of Chinese characters.
        is_enough = count > 1 or (count == 1 and (is_usual or "\u2010" <= max(decoded) <= "\u2122"))
        if is_enough and _USUAL_TEXT.fullmatch(decoded) and all(map(_has_one_script, decoded.split())):
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

    Of its letters, only the French "œ" and "š" and "ž" are decoded: the others are other letters in
    Windows-1250. "š" and "ž" must be in a word with three ASCII letters: they are also halves of characters.
    """
    decoded = text.translate(LATIN_1_TO_WINDOWS_1252)
    new = {after for before, after in zip(text, decoded, strict=True) if before != after}
    if not new or not new <= set("’‘“”–—…•™€ŒœŠšŽž") or re.search("œ(?![ui])", decoded, re.IGNORECASE):
        return None
    with_caron = [word for word in decoded.split() if _CARON.search(word)]
    return decoded if all(len(re.findall("[A-Za-z]", word)) >= 3 for word in with_caron) else None
