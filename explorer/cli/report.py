"""Check a songs.db, and say what it holds."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import database_option, json_option, print_json
from explorer.util.progress import Reporter


@click.command(name="report")
@database_option
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default="report.html beside the database",
    help="The page to write.",
)
@click.option(
    "--recompute",
    type=click.IntRange(0),
    help="Embed so many songs again, to check their vectors and to compare maximum and mean pooling; 0 for "
    "none (12, fewer where songs are long).",
)
@json_option
def report(database, out, recompute, as_json):
    """Check the whole library and write a page about it.

    Looks at the file, every vector, neighbours, genres and the map; exits with status 1 if a check fails.
    """
    from explorer.analysis.report.html import write_page
    from explorer.analysis.report.library_report import verify
    from explorer.analysis.report.verdict import describe_report, require_sound
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read
    from explorer.util.atomic_write import refuse_library

    reporter = Reporter()
    refuse_library(out, database)
    database = library_to_read(database, with_map=True, reporter=reporter)
    out = out or database.parent / "report.html"
    refuse_library(out, database)
    with Database.open_readonly(database) as library:
        verification = verify(library, recompute=recompute, reporter=reporter)
    if as_json:
        print_json(verification.report)
    else:
        click.echo(describe_report(verification.report))
    write_page(verification, out)
    reporter.say(f"The report is at {out}.")
    require_sound(verification.report)
