"""The command line: it parses, translates and prints; the package does the work and raises."""

from __future__ import annotations

import errno
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import click

from explorer.cli.compare import compare
from explorer.cli.embed import embed, similar, synth
from explorer.cli.export import export
from explorer.cli.import_ import import_command
from explorer.cli.index import INTERRUPTED, index
from explorer.cli.options import (
    PROJECTION,
    browser_option,
    database_option,
    json_option,
    port_option,
    print_json,
    progress_option,
    weights_option,
)
from explorer.cli.report import report
from explorer.config import DEMO_HOP_S, ROOT, Settings
from explorer.errors import ExplorerError
from explorer.util.progress import LineReporter, Reporter

MOST_TEST_WORKERS = 4
"""Each may hold TensorFlow and a browser."""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """A map of music you can hear.

    New here? `python run.py demo` composes a small library and opens its map. With music of your own:
    `python run.py index FOLDER`, then `python run.py serve`.
    """


@cli.command(name="map")
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


@cli.command()
@database_option
@click.option("--host", default=Settings.host, show_default=True, help="The address to listen on.")
@port_option
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer under this name too, beside localhost, addresses and the machine's own; may be repeated.",
)
@click.option(
    "--audio",
    "clips",
    type=click.Path(path_type=Path),
    help="Where the clips of a database of the original scripts are (`previews` beside it).",
)
@browser_option
def serve(database, host, port, allowed_hosts, clips, no_browser):
    """Serve the map's page."""
    from explorer.legacy.mirror import library_to_read
    from explorer.web.server import serve_forever

    library = library_to_read(database.absolute(), clips=clips, with_map=True, reporter=Reporter())
    settings = Settings(database=library, host=host, port=port, allowed_hosts=allowed_hosts)
    serve_forever(settings, open_browser=not no_browser)


@cli.command()
@database_option
@port_option
@weights_option
@browser_option
@click.option("--no-serve", is_flag=True, help="Stop when the library is ready.")
def demo(database, port, weights, no_browser, no_serve):
    """Compose a small library, index it and open its map."""
    from explorer.demo.demo_library import prepare_demo, previews_meanwhile
    from explorer.web.server import serve_forever

    reporter = Reporter()
    settings = Settings(database=database.absolute(), port=port)
    settings = prepare_demo(settings, weights=weights, hop_s=DEMO_HOP_S, reporter=reporter)
    if not no_serve:
        with previews_meanwhile(settings):
            serve_forever(settings, open_browser=not no_browser)


@cli.command(name="weights")
@weights_option
@click.option("--download", is_flag=True, help="Download OpenL3's weights, unless they are here.")
@click.option("--mirror", metavar="URL", help="Where to download them from instead of OpenL3's repository.")
@json_option
def weights_command(weights, download, mirror, as_json):
    """Say which weights would be used: file, checksum and licence."""
    from explorer.cli.weights import describe_weights, weights_status

    found = weights_status(
        weights, models_dir=Settings().models, download=download, mirror=mirror, reporter=Reporter()
    )
    if as_json:
        print_json(found)
    else:
        click.echo(describe_weights(found))


@cli.command()
@database_option
@json_option
def status(database, as_json):
    """Say what songs.db holds: songs, vectors, failures, model, projections."""
    from explorer.analysis.library_status import describe_library, library_status
    from explorer.database.database import Database
    from explorer.legacy.mirror import library_to_read

    with Database.open_readonly(library_to_read(database, reporter=Reporter())) as library:
        found = library_status(library)
    if as_json:
        print_json(found)
    else:
        click.echo(describe_library(found))


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def test(arguments):
    """Run the tests; ARGUMENTS go to pytest."""
    import pytest

    os.chdir(ROOT)
    # A module's tests stay together, for what they share. One worker more than there are cores: many
    # tests wait for another process.
    workers = min(MOST_TEST_WORKERS, (os.cpu_count() or 1) + 1)
    several_at_once = ["-n", str(workers), "--dist", "loadfile"]
    sys.exit(int(pytest.main(list(arguments) or several_at_once)))


for command in (index, embed, similar, synth, compare, report, export, import_command):
    cli.add_command(command)


_interruptions: list[BaseException] = []


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: an ExplorerError is one line on standard error."""
    try:
        try:
            status = cli.main(arguments, prog_name="run.py", standalone_mode=False)
        finally:
            # What is still in the buffer fails here, where it can be said, and not while Python ends.
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()
    except ExplorerError as error:
        click.echo(" ".join(str(error).split()), err=True)
        return 1
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt) as error:
        # The exception holds what it interrupted: threads of native libraries may still work on that.
        _interruptions.append(error)
        return INTERRUPTED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE):
            raise
        _discard_output()
        if error.errno == errno.ENOSPC:
            click.echo("There is no room for the output: the disk that it goes to is full.", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _discard_output() -> None:
    """Point standard output at nothing: Python would try once more to write its buffer when it ends."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def leave(status: int) -> NoReturn:
    """End this process; after an interruption at once.

    Native libraries may still compute in threads of their own then, and crash while the interpreter goes
    away.
    """
    if status == INTERRUPTED:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(status)
    sys.exit(status)
