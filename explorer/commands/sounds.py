"""Sounds one by one: synthesised, embedded, and what sounds like them."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.commands.options import database_option, json_option, model_options, model_request, print_json
from explorer.progress import LineReporter, Reporter


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The .npz to write."
)
@database_option
@model_options("float32", "bfloat16")
@click.option(
    "--like-library", is_flag=True, help="Use the library's own model, so that they can be compared."
)
@click.option("--progress-lines", is_flag=True, hidden=True, help="Progress as JSON, for the page.")
@json_option
def embed(file, out, database, like_library, progress_lines, as_json, **choices):
    """Embed one FILE: `embedding` (T, 512), `timestamps` (T,) and `pooled` (512,) go to an .npz."""
    from explorer.indexing.single import embed_like_library, embed_to_npz

    request = model_request(**choices)
    reporter = LineReporter() if progress_lines else Reporter()
    if like_library:
        result = embed_like_library(file, out, database=database, request=request, reporter=reporter)
    else:
        result = embed_to_npz(file, out, request=request, reporter=reporter)
    if as_json:
        print_json(result)
    else:
        click.echo(f"{result['windows']} windows of {file.name} are in {result['out']}.")


@click.command()
@click.argument("song")
@database_option
@click.option("-k", "count", type=click.IntRange(1), default=10, show_default=True, help="How many songs.")
@json_option
def similar(song, database, count, as_json):
    """List the songs that sound most like SONG: an id, a file's path or a title."""
    from explorer.library.database import Database
    from explorer.similar import find_similar

    with Database.open_readonly(database) as library:
        wanted, found = find_similar(library, song, count=count)
    if as_json:
        print_json([{"song_id": row.song_id, "similarity": round(value, 6)} for row, value in found])
        return
    click.echo(f"Songs like {wanted.title} ({wanted.artist or 'no artist'}):")
    for row, value in found:
        click.echo(f"  {value:6.3f}  {row.title}  ·  {row.artist or 'no artist'}  ·  {row.song_id}")


@click.command()
def synth():
    """Write the synthetic test audio."""
