"""Chooses the encodings of the texts of one folder that cannot be Western text.

The choice has the least cost for all texts together, and each encoding that is used has a cost too. So a
folder can hold songs in several encodings, but its short texts follow the others. An encoding is sure if its
texts suffice, every other encoding explains them much worse, and charset-normalizer finds the decoded texts
readable. charset-normalizer alone is not enough: it often finds titles equally readable in several encodings.
"""

from __future__ import annotations

from collections.abc import Mapping

from charset_normalizer import from_bytes

from explorer.library.languages import ASCII_BITS, ENCODINGS, IMPOSSIBLE, UNKNOWN_BITS, Encoding
from explorer.library.western_text import as_bytes, is_foreign, words_of

_MAX_EXAMINED = 300
"""The largest number of texts of a folder that are compared with all encodings."""
_OPENING_BITS = 10.0
"""How many bits an encoding must save before it is used at all; the second one twice as many, and so on."""
_MIN_MARGIN_BITS = 12.0
"""How many bits the next best encoding must need more: the chosen one is 4,000 times as probable. A third of
this suffices for an encoding of the same script."""
_SLACK_BITS = 2.0
"""How many bits per byte more than without an encoding a text may need, such as a rare name among others."""
_MIN_LETTERS = 5
"""The smallest number of letters beyond ASCII that prove an encoding of an alphabet ..."""
_MIN_CHARACTERS = 3
"""... and of characters that prove an encoding with two bytes for each."""
_MIN_PROOF = 3
"""How many letters beyond ASCII in different foreign words prove an encoding of Latin letters."""
_MIN_FOREIGN_SHARE = 0.02
"""Foreign words must be this share, at least, of the words that an encoding of Latin letters changes."""
_MAX_MESS = 0.4
"""How messy a text may be for charset-normalizer, which uses 0.2. Titles are messier than sentences."""
_ID3V1_BYTES = 28
"""A field of ID3v1 has 30 bytes or, of a comment, 28. It can end within a character."""
_ASCII = frozenset(map(chr, range(0x80)))

Costs = Mapping[Encoding, Mapping[str, float]]


def choose_encodings(texts: list[str], *, others: list[str]) -> dict[str, Encoding]:
    """Choose the encoding of each text; texts without a sure encoding are left out.

    Parameters
    ----------
    texts : list of str
        Different texts that cannot be Western text, as they were read as Latin-1 or Windows-1252.
    others : list of str
        The other suspect texts of the folder. They can be Western text, or be in the same encodings.
    """
    examined = texts[:: 1 + len(texts) // _MAX_EXAMINED]
    costs = {encoding: {text: cost(text, encoding) for text in examined} for encoding in ENCODINGS}
    used = _explain(examined, costs)
    sure = [
        encoding
        for encoding, own in used.items()
        if _suffice(own, encoding, others) and _is_best(own, encoding, costs)
    ]
    chosen = {}
    for text in texts:
        bits = {encoding: cost(text, encoding) for encoding in used}
        encoding = min(bits, key=bits.get, default=None)
        if encoding in sure and bits[encoding] < unknown_cost(text, _SLACK_BITS):
            chosen[text] = encoding
    return chosen


def _explain(texts: list[str], costs: Costs) -> dict[Encoding, list[str]]:
    """Return the encodings that explain texts best together, with the texts of each."""
    chosen: dict[str, Encoding] = {}
    best = {text: unknown_cost(text) for text in texts}
    used: dict[Encoding, list[str]] = {}
    while True:
        savings = {
            encoding: sum(max(0.0, best[text] - bits) for text, bits in own.items())
            for encoding, own in costs.items()
            if encoding not in used
        }
        encoding = max(savings, key=savings.get)
        if savings[encoding] < _OPENING_BITS * (1 + len(used)) / (1 + encoding.is_latin):
            break
        used[encoding] = []
        for text, bits in costs[encoding].items():
            if bits < best[text]:
                best[text], chosen[text] = bits, encoding
    for text, encoding in chosen.items():
        used[encoding].append(text)
    return used


def _is_best(texts: list[str], encoding: Encoding, costs: Costs) -> bool:
    """Return whether no other encoding is nearly as good for texts, and the decoded texts are readable."""
    decoded = {text: decode(text, encoding) for text in texts}
    for rival, rival_costs in costs.items():
        if all(decode(text, rival) == decoded[text] for text in texts):
            continue
        margin = sum(min(rival_costs[text], unknown_cost(text)) - costs[encoding][text] for text in texts)
        if margin < _least_margin(encoding, rival):
            return False
    content = "\n".join(decoded.values()).encode(encoding.codec)
    return bool(
        from_bytes(content, cp_isolation=[encoding.codec], threshold=_MAX_MESS, preemptive_behaviour=False)
    )


def _least_margin(encoding: Encoding, rival: Encoding) -> float:
    """Return how many bits a rival must need more."""
    # Of two encodings of one language, the better one is right. Music players never wrote Mac Cyrillic.
    if rival.bits == encoding.bits or rival.codec == "mac_cyrillic":
        return 0.0
    # No text is UTF-8 by chance, so less is enough.
    return _MIN_MARGIN_BITS / (3 if rival.script == encoding.script else 1 + (encoding.codec == "utf_8"))


def _suffice(texts: list[str], encoding: Encoding, others: list[str]) -> bool:
    """Return whether there are enough letters or words to prove an encoding."""
    if encoding.codec == "utf_8":
        return True
    if encoding.is_latin:
        words = _changed_words(texts, encoding)
        foreign = {word for word in words if is_foreign(word)}
        proof = sum(len(set(word) - _ASCII) for word in foreign)
        all_words = words | _changed_words(others, encoding)
        return proof >= _MIN_PROOF and len(foreign) >= _MIN_FOREIGN_SHARE * len(all_words)
    high = sum(
        character >= "\x80" and character.isalpha() for text in texts for character in decode(text, encoding)
    )
    return high >= (_MIN_CHARACTERS if encoding.is_double_byte else _MIN_LETTERS)


def _changed_words(texts: list[str], encoding: Encoding) -> set[str]:
    """Return the different words that an encoding of Latin letters changes."""
    words = {word.lower() for text in texts for word in words_of(text) if not word.isascii()}
    return {word for word in words if decode(word, encoding) != word}


def cost(text: str, encoding: Encoding) -> float:
    """Return the cost of a text in an encoding, in bits."""
    decoded = decode(text, encoding)
    return IMPOSSIBLE if decoded is None else encoding.bits(decoded)


def unknown_cost(text: str, slack_bits: float = 0.0) -> float:
    """Return the cost of a text that is in no known encoding, in bits, with a slack for each byte >= 0x80."""
    high = sum(byte >= 0x80 for byte in as_bytes(text))
    return (UNKNOWN_BITS + slack_bits) * high + ASCII_BITS * (len(text) - high)


def decode(text: str, encoding: Encoding) -> str | None:
    """Decode a text; None if it is not in the encoding. A character that is cut at the end is left out."""
    content = as_bytes(text)
    try:
        return content.decode(encoding.codec)
    except UnicodeDecodeError as error:
        is_cut = encoding.is_double_byte and len(content) >= _ID3V1_BYTES and error.start == len(content) - 1
        return content[: error.start].decode(encoding.codec) if is_cut else None
