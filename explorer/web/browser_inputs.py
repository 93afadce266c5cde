"""Reads values that a browser sent: JSON values of controls, and texts of a URL's query.

A request can hold anything. Each function here takes a value of any type and returns one of the type that it
promises, or a default; none raises.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import TypeVar

MAX_NAME_LENGTH = 1_000
"""The length of a name, such as an artist's: tags are cut to this length when they are read."""

MAX_ITEMS = 1_000
"""Users choose only a few values of a list. The limit is for requests that do not come from the page."""

MAX_SEARCH_LENGTH = 200
MAX_SEARCH_WORDS = 20
"""Each word of a search is looked up, so the number of words limits its time."""

_DIGITS = re.compile("-?[0-9]{1,18}")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]")
_SURROGATE = re.compile("[\ud800-\udfff]")

Item = TypeVar("Item")


def integer(value: object, least: int, most: int, default: int | None = None) -> int | None:
    """Return a JSON integer; a number outside the range becomes the nearest end of the range."""
    # Python counts True as an integer.
    return min(max(value, least), most) if type(value) is int else default


def integer_of_text(value: object, least: int, most: int, default: int | None = None) -> int | None:
    """Return the integer that a text of a query writes in ASCII digits; limited as by `integer`."""
    is_integer = isinstance(value, str) and _DIGITS.fullmatch(value)
    return integer(int(value), least, most) if is_integer else default


def number(value: object, least: float, most: float, default: float | None = None) -> float | None:
    """Return a JSON number; a number outside the range becomes the nearest end of the range.

    Python's JSON reader accepts NaN, which is not in any order: it becomes the default.
    """
    if type(value) not in (int, float) or value != value:
        return default
    return float(min(max(value, least), most))


def choice(value: object, allowed: Container[str], default: str) -> str:
    """Return a text that is one of those allowed."""
    return value if isinstance(value, str) and value in allowed else default


def text(value: object, max_length: int) -> str:
    """Return a text of limited length, or ""; control characters and surrogates become spaces."""
    return _CONTROL.sub(" ", value[:max_length]) if isinstance(value, str) else ""


def search_text(value: object) -> str:
    """Return the text of a search, on one line, with a limited length and number of words."""
    return " ".join(text(value, MAX_SEARCH_LENGTH).split(maxsplit=MAX_SEARCH_WORDS)[:MAX_SEARCH_WORDS])


def name(value: object) -> str | None:
    """Return a name to compare with the library's, unchanged; None if the library can have no such name."""
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_LENGTH or _SURROGATE.search(value):
        return None
    return value


def items(
    values: object, read: Callable[[object], Item | None], *, max_items: int = MAX_ITEMS
) -> tuple[Item, ...]:
    """Return what `read` makes of the first values of a list, each once and without None; () for no list."""
    if not isinstance(values, list):
        return ()
    found = (read(value) for value in values[:max_items])
    return tuple(dict.fromkeys(item for item in found if item is not None))
