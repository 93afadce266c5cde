"""The command `report`: check the library, and write a page about it."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import database_option, json_option, print_json
from explorer.util.atomic_write import refuse_to_overwrite_library
from explorer.util.progress import Reporter


@click.command(name="report")
@database_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="report.html beside the database",
    help="The HTML page to write.",
)
@click.option(
    "--recompute",
    type=click.IntRange(0),
    help="How many songs to embed again, to check their vectors, and to compare two ways of combining the "
    "windows of a song: their maximum or their mean. 0 for none (default: 12, fewer if the songs are long).",
)
@json_option
def report(database, out, recompute, as_json):
    """Check the whole library and write a page about it.

    The checks cover the database file, every vector, the neighbours, the genres and the map. Exit status 1: a
    check failed.
    """
    from explorer.analysis.report.html import write_page
    from explorer.analysis.report.library_report import verify
    from explorer.analysis.report.verdict import describe_report, raise_if_failed
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read

    reporter = Reporter()
    refuse_to_overwrite_library(out, database)
    database = library_to_read(database, with_map=True, reporter=reporter, refuse_damaged=False)
    out = out or database.parent / "report.html"
    # A database of the original scripts is read through its mirror, which must not be overwritten either.
    refuse_to_overwrite_library(out, database)
    with Database.open_readonly(database) as library:
        verification = verify(library, recompute=recompute, reporter=reporter)
    if as_json:
        print_json(verification.report)
    else:
        click.echo(describe_report(verification.report))
    write_page(verification, out)
    reporter.say(f"The report is at {out}.")
    raise_if_failed(verification.report)
