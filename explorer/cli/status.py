"""`status`: what songs.db holds."""

from __future__ import annotations

import click

from explorer.cli.options import database_option, json_option, print_json
from explorer.util.progress import Reporter


@click.command()
@database_option
@json_option
def status(database, as_json):
    """Say what songs.db holds: songs, vectors, failures, model, projections."""
    from explorer.analysis.library_status import describe_library, library_status
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read

    with Database.open_readonly(library_to_read(database, reporter=Reporter())) as library:
        found = library_status(library)
    if as_json:
        print_json(found)
    else:
        click.echo(describe_library(found))
