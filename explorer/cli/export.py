"""The command `export`: write the library in formats of other programs."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from explorer.cli.options import (
    PROJECTION_CHOICE,
    UNTRAINED_WARNING,
    database_option,
    echo,
    json_option,
    print_json,
)
from explorer.errors import AnalysisError
from explorer.library.protected_files import refuse_to_overwrite
from explorer.util.progress import Reporter, plural


@click.command(name="export")
@database_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["csv", "parquet", "m3u8", "xspf", "tsv"]),
    help="csv: a table. parquet: a table for Embedding Atlas and data frames. m3u8, xspf: a playlist. "
    "tsv: two files for TensorFlow's Embedding Projector. Default: the extension of --out.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write (default: standard output); tsv writes NAME.vectors.tsv and NAME.metadata.tsv.",
)
@click.option(
    "--genre", "genres", multiple=True, metavar="GENRE", help="Only songs of this genre; may be repeated."
)
@click.option(
    "--cluster",
    "clusters",
    multiple=True,
    metavar="CLUSTER",
    help="Only songs of this cluster, given by name or number; may be repeated.",
)
@click.option(
    "--paths",
    type=click.Choice(["relative", "absolute"]),
    help="Relative paths begin at the folder of --out in playlists, at the music folder in tables (default: "
    "absolute in playlists, relative in tables).",
)
@click.option(
    "--projection",
    type=PROJECTION_CHOICE,
    help="Parquet: the projection of the columns x and y (default: the first of tsne, umap, pca on the map).",
)
@click.option("--vectors", is_flag=True, help="Parquet: add the vectors, 512 numbers for each song.")
@json_option
def export(database, form, out, as_json, **choices):
    """Export the library as a table or a playlist.

    The output goes to standard output, or to the file --out. A tsv always contains the vectors, a
    parquet only with --vectors. In a csv and a tsv, an apostrophe is put before text that a spreadsheet
    would take for a formula.
    """
    from explorer.database.database import Database
    from explorer.exporting.exporter import FORMATS, PLAYLISTS, ExportRequest, format_of
    from explorer.exporting.exporter import export as write_export
    from explorer.legacy.mirror import library_to_read

    form = form or (format_of(out) if out else None)
    if form is None:
        raise click.UsageError(f"The format is not given: add --format with one of {', '.join(FORMATS)}.")
    if out is None and as_json:
        raise click.UsageError("The export and --json both print to standard output: name a file with --out.")
    if out is None and form == "parquet" and sys.stdout.isatty():
        raise AnalysisError("A terminal cannot show Parquet: name a file with --out, or use a pipe.")
    reporter = Reporter()
    request = ExportRequest(form, **choices)
    refuse_to_overwrite(out, database=database)
    database = library_to_read(database, with_map=True, reporter=reporter)
    with Database.open_readonly(database) as library:
        result = write_export(library, request, out=out or click.get_binary_stream("stdout"))
        damage = library.left_out_sentence
    if damage:
        reporter.say(damage)
    if result.left_out:
        missing = "file" if form in PLAYLISTS else "vector"
        reporter.say(f"Left out: {plural(result.left_out, 'song')} without a {missing}.")
    if result.path_problem:
        reporter.say(result.path_problem)
    if result.trained is False and form not in PLAYLISTS:
        reporter.say(UNTRAINED_WARNING)
    counts = result.first_look
    if counts.shows_coarse:
        reporter.say(
            f"The map and the vectors are those of the first look, of a few windows of each song: "
            f"{counts.full:,} of {plural(counts.songs, 'song')} have full vectors."
        )
    paths = [str(path) for path in result.out]
    if as_json:
        print_json(
            {"out": paths, "songs": result.songs, "left_out": result.left_out, "trained": result.trained}
            | {"first_look": asdict(counts)}
        )
    elif paths:
        echo(f"Wrote {plural(result.songs, 'song')} to {' and '.join(paths)}.")
