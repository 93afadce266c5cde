"""Years in dates of every form."""

import pytest

from explorer.util.years import year_of


@pytest.mark.parametrize(
    ("value", "year"),
    [
        ("1999", 1999),
        (1999, 1999),
        ("1999-05-12T10:00", 1999),
        ("1999-05-12T", 1999),
        ("19990512", 1999),
        ("12.5.1999", 1999),
        ("05/2004", 2004),
        ("1999/2004", 1999),
        ("c1975", 1975),
        ("©1999", 1999),
        ("℗ 2004 Somebody", 2004),
        ("0005-2004", 2004),
        ("", None),
        ("99", None),
        ("0000", None),
        ("12345", None),
        ("19991399", None),
        (None, None),
    ],
)
def test_a_year_is_read_from_any_date(value, year):
    assert year_of(value) == year
