"""The command `compare`: compare songs in figures and as text."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import (
    PROJECTION_CHOICE,
    database_option,
    echo_lines,
    json_option,
    model_options,
    model_request,
    print_json,
)
from explorer.config import Settings
from explorer.util.package_caches import choose_matplotlib_cache
from explorer.util.progress import Reporter


@click.command()
@click.argument("songs", metavar="[SONG]...", nargs=-1)
@database_option
@click.option(
    "--genre",
    "genres",
    multiple=True,
    metavar="GENRE",
    help="Compare the songs of this genre; may be repeated.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    show_default="metadata/compare",
    help="The folder for the figures.",
)
@click.option(
    "--pairs",
    type=click.IntRange(0, 10_000),
    default=10,
    show_default=True,
    help="How many of the closest and of the farthest pairs to list.",
)
@click.option(
    "--projection",
    "projections",
    multiple=True,
    type=PROJECTION_CHOICE,
    help="Draw only this projection; may be repeated (default: all that the map has).",
)
@model_options("float32", "bfloat16")
@json_option
def compare(songs, database, genres, out, pairs, projections, as_json, **choices):
    """Compare songs in figures and as text.

    Each SONG is the id, path or title of a song of the library, or any audio file, which is embedded with the
    library's model. Without any SONG or --genre, all songs of the library are compared.

    \b
    The figures, PNG and SVG, are written to the folder --out:
      similarity  how similar each pair of songs is, from -1 to 1: the cosine of their vectors,
                  after subtracting the library's mean
      distance    how far apart each pair of songs is: the Euclidean distance of their vectors
      scatter     the songs' positions on the map
    For more than 60 songs, the first two show the means of the genres, or the means of the clusters if most
    songs have no genre.
    """  # noqa: D301
    choose_matplotlib_cache()
    from explorer.analysis.compare.chosen_songs import CompareRequest
    from explorer.analysis.compare.comparison import compare as compare_songs
    from explorer.analysis.compare.output import describe, to_dict
    from explorer.legacy.mirror import library_to_read

    reporter = Reporter()
    database = library_to_read(database, with_map=True, reporter=reporter)
    request = CompareRequest(
        database=database,
        out=out or Settings(database=database).metadata / "compare",
        model=model_request(**choices),
        songs=songs,
        genres=genres,
        pairs=pairs,
        projections=projections,
    )
    comparison = compare_songs(request, reporter=reporter)
    if as_json:
        print_json(to_dict(comparison))
    else:
        echo_lines(describe(comparison))
