"""The command `open`: the page of a folder's map at once, and an index run behind it that fills the map."""

from __future__ import annotations

import webbrowser
from pathlib import Path

import click
from click.core import ParameterSource

from explorer.cli.index import index
from explorer.cli.options import browser_option, database_option, port_option
from explorer.config import Settings
from explorer.errors import LibraryBusyError
from explorer.library.remote import as_root
from explorer.util.progress import Reporter

_PASSED_ON = (
    "hop_s weights precision engine first_look retry reindex no_previews cue genre_from video exclude"
).split()
"""The options of `index`, by their names in the code, that `open` takes too and passes on."""


def _index_options(command: click.Command) -> click.Command:
    """Add the options of `index` that are passed on, as they are there."""
    command.params += [option for option in index.params if option.name in _PASSED_ON]
    return command


@_index_options
@click.command("open")
@click.argument("folder", required=False)
@database_option
@port_option
@browser_option
@click.pass_context
def open_command(context, folder, database, port, no_browser, **_passed_on):
    """Open the map of the songs in FOLDER, and fill it while you listen.

    The page opens at once. Behind it, the program listens to the songs, as `index` does, and puts them on
    the map; new songs in FOLDER follow while it runs. The default FOLDER is audio/. Close the page or press
    Ctrl-C to stop: songs in progress are finished, and the same command goes on later. With --no-browser,
    only Ctrl-C stops it.
    """
    from explorer.web.page_lock import PageLock, page_lock

    place = as_root(folder or Settings.audio).expanduser().resolve()
    settings = Settings(database=database.absolute(), port=port, database_as_given=database)
    with page_lock(settings.database, str(place), say=Reporter().say) as held:
        if isinstance(held, PageLock):
            context.exit(_serve(settings, place, _options_for_index(context), held, not no_browser))
        if held is None or held.folder != str(place):
            where = f" at {held.url} with {held.folder}" if held else ""
            raise LibraryBusyError(
                f"{settings.database} is open{where} already: stop that program first, or choose another "
                "library with --db."
            )
    Reporter().say(f"{place} is open already: its map is at {held.url}")
    if not no_browser:
        webbrowser.open(held.url)


def _options_for_index(context: click.Context) -> list[str]:
    """Return the options of `index` that the user gave, as they are written on a command line."""
    written = []
    for option in context.command.params:
        is_given = context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        if option.name not in _PASSED_ON or not is_given:
            continue
        value = context.params[option.name]
        if option.name in ("weights", "genre_from") and Path(value).suffix and Path(value).is_file():
            value = Path(value).absolute()  # The index run has another working directory.
        if isinstance(value, bool):
            written.append((option.opts if value else option.secondary_opts)[0])
        else:
            for each in value if isinstance(value, tuple) else (value,):
                written.append(f"{max(option.opts, key=len)}={each}")
    return written


def _serve(settings: Settings, place, options: list[str], lock, opens_browser: bool) -> int:
    """Serve the page until it is closed or the program is interrupted; return the exit status."""
    from explorer.web.index_job import IndexJob
    from explorer.web.server import serve_forever

    # URLs do not report new files.
    watching = ["--watch"] if isinstance(place, Path) else []
    job = IndexJob(settings.database, str(place), [*options, *watching], say=Reporter().say)
    serve_forever(
        settings, open_browser=opens_browser, job=job, on_listening=lock.publish, until_closed=opens_browser
    )
    lock.retract()
    return job.stop()
