"""Reads the year from a date that tags or databases hold, in whatever form it was written."""

from __future__ import annotations

import re

_MAX_LENGTH = 100
_YEAR = re.compile(r"(?<!\d)([12]\d{3})(?:(?!\d)|(?=(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?!\d)))")


def year_of(value: object) -> int | None:
    """Return the first year in a date, or None.

    Dates such as 1999, "1999-05-12", "19990512", "12.5.1999", "05/1999", "c1999" and "© 1999" are understood.
    """
    match = _YEAR.search(str(value)[:_MAX_LENGTH])
    return int(match[1]) if match else None
