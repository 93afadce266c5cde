"""The command `serve`: serve the page of the map."""

from __future__ import annotations

from pathlib import Path

import click

from explorer.cli.options import browser_option, database_option, port_option
from explorer.config import Settings
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
    "--audio",
    "clips",
    type=click.Path(path_type=Path),
    help="For a database of the original scripts: the folder of clips (default: `previews` beside it).",
)
@browser_option
def serve(database, host, port, allowed_hosts, clips, no_browser):
    """Serve the page of the map."""
    from explorer.legacy.mirror import library_to_read
    from explorer.web.server import serve_forever

    library = library_to_read(database.absolute(), clips=clips, with_map=True, reporter=Reporter())
    settings = Settings(database=library, host=host, port=port, allowed_hosts=allowed_hosts)
    serve_forever(settings, open_browser=not no_browser)
