"""Hand the library out in other programs' formats."""

from __future__ import annotations

import click


@click.command(name="export")
def export():
    """Hand the library out in other programs' formats."""
