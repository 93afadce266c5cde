"""Text tables that spreadsheets may open: a text from a tag must not become a formula there."""

from __future__ import annotations

import re

# A spreadsheet reads a cell that begins with one of these as a formula; in some languages, wide forms too.
# It removes quotes around a cell first, and a table without quotes cannot escape them.
_FORMULA = re.compile(r"[\"'\s]*[=+\-@＝＋－＠]")


def is_formula(text: str) -> bool:
    """Return whether a spreadsheet may run a text as a formula."""
    return _FORMULA.match(text) is not None


def escape_formula(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet may run as a formula: it then shows it as text.

    Numbers are no texts: write them as they are, also negative ones.
    """
    return f"'{text}" if is_formula(text) else text


def unescape_formula(text: str) -> str:
    """Remove the apostrophe that `escape_formula` added."""
    return text[1:] if text.startswith("'") and is_formula(text[1:]) else text
