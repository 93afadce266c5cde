"""Text from tags and file names, which may hold anything, made fit for databases, terminals and files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

# Control characters, halves of characters (surrogates), and the separators of lines and paragraphs.
_BREAKS = "\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029"
_BREAKING = re.compile(f"[{_BREAKS}]")
# Also the characters that change the direction of text, and what XML cannot hold. Joiners are kept: emoji are
# spelt with them.
_STEERING = re.compile(f"[{_BREAKS}\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def readable(text: str | os.PathLike[str]) -> str:
    """Return a text, or a path, as valid Unicode.

    Bytes of a file name that are not UTF-8 become U+FFFD; other halves of characters become `?`.
    """
    text = os.fspath(text)
    try:
        return os.fsencode(text).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()


def shown(text: str) -> str:
    """Return a text on one line, without characters that only steer how it is shown."""
    folded = " ".join(text.split())
    return " ".join(_STEERING.sub("", folded).split())


def escaped(text: str) -> str:
    r"""Return a text on one line with every character that `shown` drops as `\x1b`, `\u2028` and so on."""
    return _STEERING.sub(lambda found: _code(ord(found[0])), text)


def _code(number: int) -> str:
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def fits_one_line(text: str) -> bool:
    """Tell whether a text is valid Unicode without control characters or ends of lines."""
    return _BREAKING.search(text) is None


def distinct(texts: Iterable[str]) -> tuple[str, ...]:
    """Return texts in their order, without empty ones and without those that differ only in case."""
    kept: dict[str, str] = {}
    for text in texts:
        if text:
            kept.setdefault(text.casefold(), text)
    return tuple(kept.values())
