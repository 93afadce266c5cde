"""Compare songs: how alike they are, as figures and as text."""

from __future__ import annotations

import click


@click.command(name="compare")
def compare():
    """Compare songs: how alike they are, as figures and as text."""
