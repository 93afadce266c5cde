"""The command `import`: copy a database of the original scripts into a library."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from explorer.cli.options import database_option, json_option, map_option, print_json
from explorer.util.progress import Reporter


@click.command(name="import")
@click.argument("original", type=click.Path(dir_okay=False, path_type=Path))
@database_option
@click.option(
    "--audio",
    "clips",
    type=click.Path(path_type=Path),
    help="The folder of the songs' audio clips, each named by its song's id (default: `previews` beside "
    "ORIGINAL).",
)
@map_option
@json_option
def import_command(original, database, clips, no_map, as_json):
    """Import a database of the original scripts.

    ORIGINAL is the database file. Its songs are copied into the library; the file is not changed.
    """
    from explorer.database.database import Database
    from explorer.demo.demo_library import holds_only_demo_songs
    from explorer.indexing.make_map import make_map
    from explorer.legacy.importing import folder_of_clips, import_original
    from explorer.legacy.reading import open_original
    from explorer.library.confirmed_roots import confirm

    reporter = Reporter()
    clips = folder_of_clips(original, clips)
    if clips:
        confirm(clips)
    with open_original(original) as opened, Database.open(database) as library:
        library.require_undamaged()
        summary = import_original(
            library,
            opened,
            clips=clips,
            reporter=reporter,
            # The user's own music replaces the demo's songs.
            replace=holds_only_demo_songs(library),
        )
        summary.tell(clips, reporter)
        if summary.vectors and not no_map and (summary.changed or not library.projections()):
            make_map(library, reporter=reporter)
    if as_json:
        print_json(asdict(summary))
