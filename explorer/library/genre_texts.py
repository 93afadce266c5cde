"""Splits the text of a genre tag into genres, and chooses one spelling for each genre."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from mutagen.id3 import TCON

from explorer.library.genre_names import KNOWN_GENRES, genre_key
from explorer.util.text import spelling_key

_NUMBERS = re.compile(r"((?:\((?:[0-9]{1,3}|RX|CR)\))*)(.*)", re.DOTALL)
_NUMBER = re.compile(r"\d+|RX|CR")
_SPECIAL = {"RX": "Remix", "CR": "Cover"}
_MAX_NUMBER = 255
_IN_PARENTHESES = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_MAX_NESTING = 5
# Not after \x80 to \x9f: in a text of Shift-JIS or GBK, "\" and "|" can be the second half of a character.
_SEPARATORS = re.compile(r";|(?<![\x80-\x9f])[\\|]+|\s/\s")
_NO_GENRE = frozenset(
    {"unknown", "unknown genre", "undefined", "none", "no genre", "not set", "genre", "<unknown>", "n/a"}
)


def split_genres(text: str) -> list[str]:
    r"""Split the text of a genre tag into genres.

    Parameters
    ----------
    text : str
        `;`, `\`, `|` and a slash between spaces separate genres, but not inside parentheses. A comma and a
        slash without spaces do so only if every part is a known genre and the whole is not: "House, IDM,
        Dance" and "Rock/Pop" are split; "Folk, World, & Country" and "Hip-Hop/Rap" are not. Numbers of ID3
        genres, such as "17" and "(17)", become names.

    Returns
    -------
    list of str
        Without texts that name no genre, such as "Unknown" and the number 255.
    """
    numbers, rest = _NUMBERS.match(text).groups()
    rest = rest[1:] if rest.startswith("((") else rest  # ID3v2.3 writes "((" for "(".
    genres = [name for number in _NUMBER.findall(numbers) if (name := _numbered(number))]
    for part in _split(rest, _SEPARATORS):
        name = _numbered(part) if part in _SPECIAL or _is_number(part) else part
        genres += _split_if_known(name)
    return [genre for genre in genres if genre.casefold() not in _NO_GENRE]


def _is_number(text: str) -> bool:
    """Return whether a text is the number of an ID3 genre. "1970" and "80s" are names."""
    return text.isascii() and text.isdecimal() and int(text[:4]) <= _MAX_NUMBER


def _numbered(number: str) -> str:
    """Return the name of an ID3 genre, or "" for a number without a name."""
    if number in _SPECIAL:
        return _SPECIAL[number]
    return TCON.GENRES[int(number)] if int(number) < len(TCON.GENRES) else ""


def _split_if_known(text: str) -> list[str]:
    """Split at commas or slashes if every part is a known genre and the whole is not."""
    # No known genre has a comma: "Pop, Rock" has the key of "pop rock", and is two genres.
    if "," not in text and genre_key(text) in KNOWN_GENRES:
        return [text]
    for separator in map(re.compile, (",", "/", "[,/]")):
        parts = _split(text, separator)
        if len(parts) > 1 and all(genre_key(part) in KNOWN_GENRES for part in parts):
            return parts
    return [text] if text else []


def _split(text: str, separator: re.Pattern) -> list[str]:
    """Split a text at a separator outside of parentheses, and leave out empty parts."""
    masked = text
    for _ in range(_MAX_NESTING):
        masked = _IN_PARENTHESES.sub(lambda match: "x" * len(match[0]), masked)
    ends = [match.span() for match in separator.finditer(masked)]
    begins = [0, *(end for _, end in ends)]
    parts = (
        text[begin:end].strip(" ")
        for begin, end in zip(begins, [*(end for end, _ in ends), len(text)], strict=True)
    )
    return [part for part in parts if part]


def common_spellings(counts: Mapping[str, int]) -> dict[str, str]:
    """Choose the spelling of each genre that has several.

    Spellings of one genre differ only in case, and in hyphens or spaces: see `spelling_key`.

    Parameters
    ----------
    counts : mapping of str to int
        How many songs have each spelling.

    Returns
    -------
    dict of str to str
        The spelling to use instead of each other one: the most frequent one, else one with a capital letter,
        else the first in the alphabet.
    """
    groups = defaultdict(list)
    for name in counts:
        groups[spelling_key(name)].append(name)
    chosen = {}
    for names in groups.values():
        best = min(names, key=lambda name: (-counts[name], name == name.lower(), name))
        chosen |= {name: best for name in names if name != best}
    return chosen
