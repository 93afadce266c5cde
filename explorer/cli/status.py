"""The command `status`: describe the library."""

from __future__ import annotations

import click

from explorer.cli.options import database_option, json_option, print_json
from explorer.util.progress import Reporter


@click.command()
@database_option
@json_option
def status(database, as_json):
    """Describe the library and its map.

    The description has the songs, vectors, failures, model and projections.
    """
    from explorer.analysis.library_status import describe_library, library_status
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read

    with Database.open_readonly(library_to_read(database, reporter=Reporter())) as library:
        facts = library_status(library)
    if as_json:
        print_json(facts)
    else:
        click.echo(describe_library(facts))
