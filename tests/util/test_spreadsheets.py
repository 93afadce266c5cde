import pytest

from explorer.util.spreadsheets import escape_formula, unescape_formula


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-2", "@SUM(A1)", "＝1", '"=1"', "'=1", "'\"+1", " =1", '"" =1']
)
def test_a_formula_gets_an_apostrophe_which_can_be_removed(text):
    assert escape_formula(text) == f"'{text}"
    assert unescape_formula(f"'{text}") == text


@pytest.mark.parametrize(
    "text", ["", "song", "1-2", "a=b", "'74–'75", '"Heroes"', "'Round Midnight", "'", "—"]
)
def test_other_texts_stay(text):
    assert escape_formula(text) == unescape_formula(text) == text
