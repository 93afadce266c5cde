"""Make text from tags and file names, which may contain anything, safe for databases, terminals and files."""

from __future__ import annotations

import codecs
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

# Control characters, surrogates, and the line and paragraph separators.
_CONTROL_RANGES = "\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029"
_CONTROL = re.compile(f"[{_CONTROL_RANGES}]")
_HYPHENS = re.compile("[-\u2010\u2011_]")
# Also the characters that change the direction of text, and those that XML forbids. Zero-width joiners
# are allowed, because emoji contain them.
_UNSAFE = re.compile(f"[{_CONTROL_RANGES}\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def valid_text(text: str | os.PathLike[str]) -> str:
    """Convert a text or a path to valid Unicode.

    Bytes of a file name that are not UTF-8 become U+FFFD; other surrogates become `?`.
    """
    text = os.fspath(text)
    try:
        return os.fsencode(text).decode("utf-8", "replace")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()


def text_of(data: bytes) -> str:
    """Decode UTF-8. Text in another encoding becomes one character for each byte (Latin-1): none is lost."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def decode_unicode(data: bytes) -> str:
    """Decode the bytes of a text file in UTF-8 or UTF-16, with or without a byte order mark.

    Without a mark, UTF-16 is recognised by its zeros: most letters of the text must be ASCII.

    Raises
    ------
    UnicodeDecodeError
        If it is neither.
    """
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if data[first::2].count(0) > len(data) // 4:
            return data.decode(encoding, "replace")
    return data.decode("utf-8-sig")


def one_line(text: str) -> str:
    """Return a text on one line without unsafe characters, for a terminal or a file.

    Runs of white space become one space. Control characters, surrogates, marks that change the direction of
    text, and characters that XML forbids are removed.
    """
    joined = " ".join(text.split())
    return " ".join(_UNSAFE.sub("", joined).split())


def printable(text: str, *, max_length: int | None = None, keep_lines: bool = False) -> str:
    r"""Return a text for a terminal: each unsafe character becomes visible, as `\x1b`, `\u2028` and so on.

    Unsafe are the characters of `_UNSAFE`: a terminal obeys control characters, and marks that change the
    direction of text make it read as another text.

    Parameters
    ----------
    max_length : int, optional
        A longer result is cut to this many characters; its last character is then "…".
    keep_lines : bool
        Whether line feeds stay as they are. By default the result is one line.
    """
    if max_length is not None:
        text = text[: max_length + 1]
    lines = text.split("\n") if keep_lines else [text]
    escaped = "\n".join(_UNSAFE.sub(lambda match: _escape(match[0]), line) for line in lines)
    if max_length is None or len(escaped) <= max_length:
        return escaped
    return f"{escaped[: max_length - 1]}…"


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def is_one_line(text: str) -> bool:
    """Return whether a text is valid Unicode without control characters and line ends."""
    return _CONTROL.search(text) is None


def spelling_key(text: str) -> str:
    """Return what texts have in common that differ only in case, width, hyphens or white space.

    "Hip-Hop", "hip hop" and "HIP HOP" have the same key; "Hiphop" has another one.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(_HYPHENS.sub(" ", folded).split()) or folded


def are_repeated(texts: Sequence[str]) -> list[bool]:
    """Return for each text whether another one is equal to it, ignoring case."""
    counts = Counter(map(str.casefold, texts))
    return [counts[text.casefold()] > 1 for text in texts]


def unique_ignoring_case(texts: Iterable[str]) -> tuple[str, ...]:
    """Remove empty texts and repetitions, ignoring case; keep the first spelling and the order."""
    unique: dict[str, str] = {}
    for text in texts:
        if text:
            unique.setdefault(text.casefold(), text)
    return tuple(unique.values())
