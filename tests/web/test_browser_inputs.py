import math
from functools import partial

import pytest

from explorer.web import browser_inputs as inputs
from explorer.web.browser_inputs import MAX_ITEMS, MAX_NAME_LENGTH, MAX_SEARCH_WORDS

NAN, INFINITY = float("nan"), float("inf")
# A value of each JSON type, and values that break careless code: a lone surrogate, a NUL, a number that does
# not fit into 64 bits, texts and lists without an end.
ODD = [
    *(None, True, False, 0, -1, 1.5, 10**30, -(10**400), NAN, INFINITY, -INFINITY, 1e308),
    *("", "a\0b", "\ud800", "\x1b[31m", "7", "9" * 5_000, "x" * 100_000, "__proto__"),
    *([], [[]], [None], [True], ["\ud800", {}], list(range(5_000)), {}, {"a": []}, (), b"\xff", object()),
]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), (1, 2), (10**400, 9), (-1, 2), (True, None), (5.0, None), ("5", None), (NAN, None), ([5], None)],
)
def test_an_integer_is_kept_in_its_range(value, expected):
    assert inputs.integer(value, 2, 9) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("5", 5),
        ("-1", 2),
        ("99", 9),
        ("9" * 5_000, None),
        ("٣", None),
        ("1e1", None),
        (" 5", None),
        (5, None),
    ],
)
def test_an_integer_of_a_query_is_written_in_ascii_digits(value, expected):
    assert inputs.integer_of_text(value, 2, 9) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((5, 5.0), (2.5, 2.5), (INFINITY, 9.0), (-INFINITY, 2.0), (10**400, 9.0)),
        *((NAN, None), (False, None), ("5", None)),
    ],
)
def test_a_number_is_kept_in_its_range(value, expected):
    assert inputs.number(value, 2, 9) == expected


def test_a_text_is_cut_and_has_no_control_characters():
    assert inputs.text("a\0b\ud800c\x1b[1m\u2028é♫", 100) == "a b c [1m é♫"
    assert inputs.text("abcdef", 3) == "abc"


def test_a_search_has_a_limited_length_and_number_of_words():
    assert inputs.search_text("  hello \n\0 world ") == "hello world"
    assert len(inputs.search_text("a " * 2_000_000).split()) == MAX_SEARCH_WORDS
    assert len(inputs.search_text("x" * 4_000_000)) == inputs.MAX_SEARCH_LENGTH


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(("Björk", "Björk"), (" a\tb ", " a\tb "), ("", None), ("\udcff", None), (["x"], None)),
        *(("x" * MAX_NAME_LENGTH, "x" * MAX_NAME_LENGTH), ("x" * (MAX_NAME_LENGTH + 1), None)),
    ],
)
def test_a_name_is_unchanged_or_ignored(value, expected):
    assert inputs.name(value) == expected


def test_items_are_read_one_by_one_each_once_and_only_the_first():
    assert inputs.items(["b", 3, "a", None, "b", ["a"]], inputs.name) == ("b", "a")
    many = [str(number) for number in range(MAX_ITEMS + 5)]
    assert inputs.items(many, inputs.name) == tuple(many[:MAX_ITEMS])


READERS = {
    "integer": (partial(inputs.integer, least=0, most=9, default=1), int, 1),
    "integer_of_text": (partial(inputs.integer_of_text, least=0, most=9, default=1), int, 1),
    "number": (partial(inputs.number, least=0, most=9, default=1.0), float, 1.0),
    "choice": (partial(inputs.choice, allowed={"x": 1, "y": 2}, default="y"), str, "y"),
    "text": (partial(inputs.text, max_length=10), str, ""),
    "search_text": (inputs.search_text, str, ""),
    "name": (lambda value: inputs.name(value) or "", str, ""),
    "items": (partial(inputs.items, read=inputs.name), tuple, ()),
}


@pytest.mark.parametrize("name", READERS)
def test_no_value_raises_or_gives_another_type(name):
    read, kind, default = READERS[name]
    for value in ODD:
        result = read(value)
        assert type(result) is kind
        if kind is str:
            result.encode()
        elif kind is not tuple:
            assert 0 <= result <= 9
            assert not math.isnan(result)
    assert read(object()) == default
