"""The command `map`: update the map."""

from __future__ import annotations

import click

from explorer.cli.options import (
    PROJECTION_CHOICE,
    database_option,
    echo,
    json_option,
    print_json,
    progress_option,
)
from explorer.util.progress import LineReporter, Reporter


@click.command(name="map")
@database_option
@click.option(
    "--projection",
    "projections",
    multiple=True,
    type=PROJECTION_CHOICE,
    help="Compute only this projection; may be repeated (default: all three; t-SNE up to 200,000 songs).",
)
@click.option(
    "--perplexity",
    type=click.FloatRange(2, 500),
    help="t-SNE: about how many neighbours a song should stay near (default: 30).",
)
@click.option(
    "--neighbours",
    type=click.IntRange(2, 500),
    help="UMAP: how many neighbours of each song to use (default: 15).",
)
@click.option(
    "--clusters",
    type=click.IntRange(0, 500),
    help="The number of clusters (groups of similar songs), also for later runs; 0: the program chooses it.",
)
@click.option("--relayout", is_flag=True, help="Compute a new layout: every song may move.")
@progress_option
@json_option
def map_command(database, progress_lines, as_json, **choices):
    """Update the map: place new songs, find the clusters and name them.

    Songs on the map keep their exact positions, unless you give --relayout, or a --perplexity or
    --neighbours that differs from the map's. A new layout is turned so that it resembles the old one.
    """
    from explorer.database.database import Database
    from explorer.indexing.make_map import MapRequest, make_map
    from explorer.legacy.mirror import library_to_read

    choices["projections"] = choices["projections"] or None
    reporter = LineReporter() if progress_lines else Reporter()
    path = library_to_read(database, reporter=reporter, refuse_damaged=False)
    with Database.open(path, create=False) as library:
        library.check_before_writing()
        new_map = make_map(
            library,
            reporter=reporter,
            request=MapRequest(**choices),
            switch_to_full=library.is_ready_for_full(),
        )
    if progress_lines:
        return
    songs, clusters = len(new_map.song_ids), new_map.cluster_names
    if as_json:
        print_json({"songs": songs, "clusters": clusters, "quality": new_map.quality})
    else:
        echo(f"Mapped {songs:,} songs in {len(clusters)} clusters.")
