"""The command `status`: describe the library."""

from __future__ import annotations

import click

from explorer.cli.options import database_option, echo_lines, json_option, print_json
from explorer.errors import UnusableLibraryError
from explorer.util.progress import Reporter


@click.command()
@database_option
@json_option
def status(database, as_json):
    """Describe the library and its map.

    The output has the numbers of songs, vectors, windows and failures, the model and the projections. The
    whole file is checked first. Exit status 1: something in it is damaged.
    """
    from explorer.analysis.library_status import damage_sentence, describe_library, library_status
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read

    path = library_to_read(database, reporter=Reporter(), refuse_damaged=False)
    with Database.open_readonly(path) as library:
        facts = library_status(library)
    if as_json:
        print_json(facts)
    else:
        echo_lines(describe_library(facts))
    if damage := damage_sentence(facts):
        raise UnusableLibraryError(damage)
