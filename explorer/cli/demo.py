"""The command `demo`: compose a small library, index it and serve its map."""

from __future__ import annotations

import click

from explorer.cli.options import browser_option, database_option, port_option, weights_option
from explorer.config import DEMO_HOP_S, Settings
from explorer.util.progress import Reporter


@click.command()
@database_option
@port_option
@weights_option
@browser_option
@click.option("--no-serve", is_flag=True, help="Stop when the library is ready.")
def demo(database, port, weights, no_browser, no_serve):
    """Compose a small library, index it and open its map."""
    from explorer.demo.demo_library import make_previews_in_background, prepare_demo
    from explorer.web.server import serve_forever

    settings = Settings(database=database.absolute(), port=port, database_as_given=database)
    settings = prepare_demo(settings, weights=weights, hop_s=DEMO_HOP_S, reporter=Reporter())
    if not no_serve:
        with make_previews_in_background(settings):
            serve_forever(settings, open_browser=not no_browser)
