"""Copy a database of the original scripts into a library of ours."""

from __future__ import annotations

import click


@click.command(name="import")
def import_command():
    """Copy a database of the original scripts into a library of ours."""
