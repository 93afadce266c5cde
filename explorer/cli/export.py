"""Hand the library out in other programs' formats."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from explorer.cli.options import PROJECTION, UNTRAINED, database_option, json_option, print_json
from explorer.errors import AnalysisError
from explorer.util.progress import Reporter, number


@click.command(name="export")
@database_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "m3u8", "xspf", "tsv"]),
    help="A table, a table for Embedding Atlas and data frames, a playlist, or the pair of files for "
    "TensorFlow's Embedding Projector (what --out ends with).",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write (standard output); tsv makes NAME.vectors.tsv and NAME.metadata.tsv.",
)
@click.option(
    "--genre", "genres", multiple=True, metavar="GENRE", help="Only songs of it; may be given several times."
)
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="CLUSTER",
    help="Only songs in it, by name or number; may be given several times.",
)
@click.option(
    "--paths",
    type=click.Choice(["relative", "absolute"]),
    help="Name files from the folder of music on, or from the root (playlists: absolute; tables: relative).",
)
@click.option(
    "--projection",
    type=PROJECTION,
    help="Parquet: whose positions are x and y (the first of these that the map has).",
)
@click.option("--vectors", is_flag=True, help="Parquet: add the vectors, 512 numbers a song.")
@json_option
def export(database, form, out, as_json, **choices):
    """Hand the library out as a table, a playlist, or vectors for other viewers.

    To standard output, or to a file with --out. Text that a spreadsheet would take for a formula has an
    apostrophe before it in a csv.
    """
    from explorer.database.database import Database
    from explorer.exporting.exporter import FORMS, PLAYLISTS, ExportRequest, form_of
    from explorer.exporting.exporter import export as hand_out
    from explorer.legacy.mirror import library_to_read
    from explorer.util.atomic_write import refuse_library

    form = form or (form_of(out) if out else None)
    if form is None:
        raise click.UsageError(f"It is not clear what to write: add --format with one of {', '.join(FORMS)}.")
    if out is None and as_json:
        raise click.UsageError(
            "Standard output cannot hold both the export and JSON: name a file with --out."
        )
    if out is None and form == "parquet" and sys.stdout.isatty():
        raise AnalysisError("Parquet is not for a terminal: name a file with --out, or pipe it.")
    reporter = Reporter()
    request = ExportRequest(form, **choices)
    refuse_library(out, database)
    database = library_to_read(database, with_map=True, reporter=reporter)
    with Database.open_readonly(database) as library:
        done = hand_out(library, request, out=out or click.get_binary_stream("stdout"))
    if done.left_out:
        what = "file" if form in PLAYLISTS else "vector"
        reporter.say(f"Left out: {number(done.left_out, 'song')} without a {what}.")
    if done.trained is False and form not in PLAYLISTS:
        reporter.say(UNTRAINED)
    if as_json:
        out = [str(path) for path in done.out]
        print_json({"out": out, "songs": done.songs, "left_out": done.left_out, "trained": done.trained})
    elif done.out:
        click.echo(f"Wrote {number(done.songs, 'song')} to {' and '.join(map(str, done.out))}.")
