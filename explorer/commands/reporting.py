"""Check a songs.db, and say what it holds."""

from __future__ import annotations

import click


@click.command(name="report")
def report():
    """Check a songs.db, and say what it holds."""
