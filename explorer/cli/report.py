"""The command `report`: check the library, and write a page about it."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import database_option, echo_lines, json_option, print_json
from explorer.library.protected_files import refuse_to_overwrite
from explorer.util.package_caches import choose_matplotlib_cache
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
    help="How many songs to embed again, to check their vectors. 0 for none (default: 12, fewer if the songs "
    "are long).",
)
@json_option
def report(database, out, recompute, as_json):
    """Check the whole library and write a page about it.

    The checks cover the database file, every vector, the neighbours, the genres and the map. If the library
    keeps the windows of songs, the report compares three ways to combine them: maximum, mean, and mean with
    deviation. Exit status 1: a check failed.
    """
    choose_matplotlib_cache()
    from explorer.analysis.report.html import write_page
    from explorer.analysis.report.library_report import verify
    from explorer.analysis.report.verdict import describe_report, raise_if_failed
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read

    reporter = Reporter()
    refuse_to_overwrite(out, database=database)
    database = library_to_read(database, with_map=True, reporter=reporter, refuse_damaged=False)
    out = out or database.parent / "report.html"
    # A database of the original scripts is read through its mirror, which must not be overwritten either.
    refuse_to_overwrite(out, database=database)
    with Database.open_readonly(database) as library:
        verification = verify(library, recompute=recompute, reporter=reporter)
    if as_json:
        print_json(verification.report)
    else:
        echo_lines(describe_report(verification.report))
    write_page(verification, out)
    reporter.say(f"The report is at {out}.")
    raise_if_failed(verification.report)
