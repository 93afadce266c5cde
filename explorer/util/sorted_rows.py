"""Joins sorted rows with a sorted list of keys, without holding the rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TypeVar

T = TypeVar("T")


def values_in_order(keys: Iterable[str], rows: Iterable[tuple[str, T]], default: T) -> Iterator[T]:
    """Yield the value of each key.

    Parameters
    ----------
    keys : iterable of str
        Ascending.
    rows : iterable of (str, value)
        Their keys ascend too. Rows with other keys are ignored.
    default
        The value of keys without a row.
    """
    rows = iter(rows)
    key, value = next(rows, (None, default))
    for wanted in keys:
        while key is not None and key < wanted:
            key, value = next(rows, (None, default))
        yield value if key == wanted else default


def grouped_values(rows: Iterable[tuple[str, str]]) -> Iterator[tuple[str, Sequence[str]]]:
    """Yield each key of rows whose keys ascend, with its distinct values in their order."""
    for key, group in groupby(rows, key=itemgetter(0)):
        yield key, tuple(dict.fromkeys(value for _, value in group))
