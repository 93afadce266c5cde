"""The command `serve`: start the web server of the map's page."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from explorer.cli.options import browser_option, database_option, port_option
from explorer.config import Settings
from explorer.errors import LibraryError
from explorer.util.progress import Reporter


@click.command()
@database_option
@click.option("--host", default=Settings.host, show_default=True, help="The address to listen on.")
@port_option
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Also answer requests for this host name, besides localhost, IP addresses and this machine's names; "
    "may be repeated.",
)
@click.option(
    "--allow-changes",
    is_flag=True,
    help="With a --host that other machines can reach: let everybody who can reach the page drop songs on "
    "the map, add them to the library and draw the map again.",
)
@click.option(
    "--audio",
    "folders",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="Allow playing the songs of a library that was made on another machine: name its music folder, or "
    "the folder that its songs are in now; may be repeated. For a database of the original scripts: the "
    "folder of clips (default: `previews` beside it).",
)
@browser_option
def serve(database, host, port, allowed_hosts, allow_changes, folders, no_browser):
    """Start the page of the map, and open it in the browser.

    The page runs on this machine until Ctrl-C.
    """
    from explorer.database.connection import is_original
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read
    from explorer.library.confirmed_roots import confirm_folders
    from explorer.web.permissions import find_restrictions
    from explorer.web.server import serve_forever

    reporter, songs_folder, clips = Reporter(), None, None
    given, database = database, database.absolute()
    if folders and is_original(database):
        clips, *others = folders
        if others:
            raise click.UsageError("A database of the original scripts has one folder of clips.")
    # The page itself says if the library is damaged.
    library = library_to_read(database, clips=clips, with_map=True, reporter=reporter, refuse_damaged=False)
    if folders and clips is None:
        with Database.open_readonly(library) as opened:
            songs_folder = confirm_folders(folders, opened.roots())
    settings = Settings(
        database=library,
        host=host,
        port=port,
        allowed_hosts=allowed_hosts,
        changes_from_network=allow_changes,
        songs_folder=songs_folder,
        database_as_given=given,
    )
    # A library that cannot be read is no error here: the page says so.
    with suppress(LibraryError):
        restrictions = find_restrictions(settings)
        for sentence in dict.fromkeys((restrictions.songs, restrictions.changes)):
            if sentence:
                reporter.say(sentence)
    serve_forever(settings, open_browser=not no_browser)
