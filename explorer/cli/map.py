"""`map`: bring the map up to date."""

from __future__ import annotations

import click

from explorer.cli.options import PROJECTION, database_option, json_option, print_json, progress_option
from explorer.util.progress import LineReporter, Reporter


@click.command(name="map")
@database_option
@click.option(
    "--projection",
    "projections",
    multiple=True,
    type=PROJECTION,
    help="Make only this one; may be given several times (all three).",
)
@click.option(
    "--perplexity",
    type=click.FloatRange(2, 500),
    help="t-SNE: about how many neighbours a song should stay near (30).",
)
@click.option(
    "--neighbours", type=click.IntRange(2, 500), help="UMAP: how many neighbours are looked at (15)."
)
@click.option(
    "--clusters",
    type=click.IntRange(0, 500),
    help="How many clusters, from now on; 0 for as many as the music has.",
)
@click.option("--relayout", is_flag=True, help="Lay the songs out anew: every one may move.")
@progress_option
@json_option
def map_command(database, progress_lines, as_json, **choices):
    """Bring the map up to date: places for new songs, clusters and their names.

    Songs that are on the map stay exactly where they are, unless --relayout is given, or a perplexity or
    a number of neighbours that is not the map's. A new layout is turned so that it resembles the old one.
    """
    from explorer.database.database import Database
    from explorer.indexing.make_map import MapRequest, make_map
    from explorer.legacy.mirror import library_to_read

    choices["projections"] = choices["projections"] or None
    reporter = LineReporter() if progress_lines else Reporter()
    with Database.open(library_to_read(database, reporter=reporter), create=False) as library:
        made = make_map(library, reporter=reporter, request=MapRequest(**choices))
    if progress_lines:
        return
    if as_json:
        print_json({"songs": len(made.song_ids), "clusters": made.cluster_names, "quality": made.quality})
    else:
        click.echo(f"Mapped {len(made.song_ids):,} songs in {len(made.cluster_names)} clusters.")
