"""The command line: it parses, translates and prints; the package does the work and raises."""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from explorer.commands.comparing import compare
from explorer.commands.exporting import export
from explorer.commands.options import (
    database_option,
    json_option,
    model_options,
    model_request,
    port_option,
    print_json,
)
from explorer.commands.originals import import_command
from explorer.commands.reporting import report
from explorer.commands.sounds import embed, similar, synth
from explorer.config import DEMO_HOP_S, ROOT, Settings
from explorer.errors import ExplorerError
from explorer.failures import FailureLog, count_reasons
from explorer.progress import LineReporter, Reporter, format_duration

INTERRUPTED = 130
SOME_FAILED = 3
SHOWN_FAILURES = 10
MOST_TEST_WORKERS = 4
"""Each may hold TensorFlow and a browser."""
UNTRAINED = (
    "These are untrained filters: nearness on the map shows timbre at best. With OpenL3's official weights "
    "in metadata/models, run the index again with --weights openl3 --reindex."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def cli() -> None:
    """A map of music you can hear.

    New here? `python run.py demo` composes a small library and opens its map. With music of your own:
    `python run.py index FOLDER`, then `python run.py serve`.
    """


@cli.command()
@click.argument("folder", required=False, type=click.Path(path_type=Path))
@database_option
@model_options("auto", "float32", "bfloat16", "int8")
@click.option("--limit", type=click.IntRange(1), help="Embed at most so many songs.")
@click.option("--retry", is_flag=True, help="Try files again that failed before.")
@click.option("--reindex", is_flag=True, help="Embed every song again, with the model asked for.")
@click.option("--no-map", is_flag=True, help="Do not compute the map afterwards.")
@click.option(
    "--no-previews",
    is_flag=True,
    help="Make no previews (a quarter of a megabyte a song): the page makes those that it needs.",
)
@click.option(
    "--genre-from",
    "--genres",
    "genre_from",
    metavar="auto|tags|folder|FILE",
    help="Where genres come from: tags, the folders' names, or a CSV; known songs get theirs anew (auto).",
)
@json_option
def index(folder, database, limit, retry, reindex, no_map, no_previews, genre_from, as_json, **choices):
    """Embed the songs of FOLDER (default: audio/) that are new, then compute the map."""
    from explorer.demo import holds_only_the_demo, is_the_demo
    from explorer.indexing.indexer import index_folder
    from explorer.library.database import Database

    reporter = Reporter()
    folder = folder or Settings.audio
    settings = Settings(database=database)
    with Database.open(database) as library, FailureLog(settings.failure_log) as log:
        summary = index_folder(
            library,
            folder,
            request=model_request(reindex=reindex, **choices),
            reporter=reporter,
            # The demo's songs make way for somebody's own music.
            replace=holds_only_the_demo(library) and not is_the_demo(folder),
            limit=limit,
            retry=retry,
            previews=None if no_previews else settings.previews,
            genre_from=genre_from,
            log=log,
        )
        _tell_summary(summary, log, reporter)
        if summary.interrupted:
            click.get_current_context().exit(INTERRUPTED)
        if not no_map:
            _map_if_stale(library, summary.indexed + summary.genres_changed > 0, reporter)
        _warn_if_untrained(library, reporter)
    if as_json:
        keys = ("indexed", "skipped", "failed", "failed_before", "genres_changed", "seconds", "audio_seconds")
        reasons = {"reasons": count_reasons(summary.failures)}
        print_json({key: asdict(summary)[key] for key in keys} | reasons)
    if summary.failed:
        click.get_current_context().exit(SOME_FAILED)


@cli.command(name="map")
@database_option
@click.option(
    "--projection",
    "projections",
    multiple=True,
    type=click.Choice(["tsne", "umap", "pca"]),
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
@click.option("--progress-lines", is_flag=True, hidden=True, help="Progress as JSON, for the page.")
@json_option
def map_command(database, progress_lines, as_json, **choices):
    """Bring the map up to date: places for new songs, clusters and their names.

    Songs that are on the map stay exactly where they are, unless --relayout is given, or a perplexity or
    a number of neighbours that is not the map's. A new layout is turned so that it resembles the old one.
    """
    from explorer.indexing.mapmaker import MapRequest, make_map
    from explorer.library.database import Database

    choices["projections"] = choices["projections"] or None
    reporter = LineReporter() if progress_lines else Reporter()
    with Database.open(database, create=False) as library:
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
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
def serve(database, host, port, allowed_hosts, clips, no_browser):
    """Serve the map's page; of a database of the original scripts too, which stays as it is."""
    from explorer.originals import mirror_if_original
    from explorer.web.server import serve_forever

    settings = Settings(database=database.absolute(), host=host, port=port, allowed_hosts=allowed_hosts)
    settings = mirror_if_original(settings, clips=clips, reporter=Reporter())
    serve_forever(settings, open_browser=not no_browser)


@cli.command()
@database_option
@port_option
@click.option("--weights", help="`openl3`, `untrained`, or a file (.h5, .h5.gz).")
@click.option("--no-browser", is_flag=True, help="Do not open the page.")
@click.option("--no-serve", is_flag=True, help="Stop when the library is ready.")
def demo(database, port, weights, no_browser, no_serve):
    """Compose a small library, index it and open its map."""
    from explorer.demo import prepare_demo, previews_meanwhile
    from explorer.web.server import serve_forever

    reporter = Reporter()
    settings = Settings(database=database.absolute(), port=port)
    settings = prepare_demo(settings, weights=weights, hop_s=DEMO_HOP_S, reporter=reporter)
    if not no_serve:
        with previews_meanwhile(settings):
            serve_forever(settings, open_browser=not no_browser)


@cli.command(name="weights")
@click.option("--weights", help="`openl3`, `untrained`, or a file (.h5, .h5.gz).")
@click.option("--download", is_flag=True, help="Download OpenL3's weights, unless they are here.")
@click.option("--mirror", metavar="URL", help="Where to download them from instead of OpenL3's repository.")
@json_option
def weights_command(weights, download, mirror, as_json):
    """Say which weights would be used: file, checksum and licence."""
    from explorer.weights import describe_weights, weights_status

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
    from explorer.library.database import Database
    from explorer.status import describe_library, library_status

    with Database.open_readonly(database) as library:
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
    # All of them take a while: a module's tests stay together, for what they share.
    several_at_once = ["-n", str(min(MOST_TEST_WORKERS, os.cpu_count() or 1)), "--dist", "loadfile"]
    sys.exit(int(pytest.main(list(arguments) or several_at_once)))


for command in (embed, similar, synth, compare, report, export, import_command):
    cli.add_command(command)


def run(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit status: an ExplorerError is one line on standard error."""
    try:
        status = cli.main(arguments, prog_name="run.py", standalone_mode=False)
    except ExplorerError as error:
        click.echo(" ".join(str(error).split()), err=True)
        return 1
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        click.echo("There is no room for the output: the disk that it goes to is full.", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _map_if_stale(library, songs_changed: bool, reporter: Reporter) -> None:
    from explorer.indexing.mapmaker import make_map

    if library.summary()["vectors"] and (songs_changed or not library.projections()):
        make_map(library, reporter=reporter)


def _tell_summary(summary, log, reporter: Reporter) -> None:
    for path, reason in summary.failures[:SHOWN_FAILURES]:
        reporter.say(f"Failed: {path}: {reason}")
    if summary.failed > SHOWN_FAILURES:
        reporter.say(f"{summary.failed - SHOWN_FAILURES:,} more failed:")
        for reason, count in list(count_reasons(summary.failures).items())[:SHOWN_FAILURES]:
            reporter.say(f"  {count:,} × {reason}")
    if summary.failed:
        reporter.say(log.problem or f"All of them are in {log.path}.")
    pace = summary.audio_seconds / summary.seconds if summary.seconds else 0.0
    reporter.say(
        f"Indexed {summary.indexed:,} songs ({format_duration(summary.audio_seconds)} of sound) in "
        f"{format_duration(summary.seconds)}"
        + (f", {pace:,.0f} times real time" if pace >= 1 else "")
        + f"; {summary.skipped:,} were known, {summary.failed:,} failed."
    )
    if summary.failed_before:
        reporter.say(
            f"{summary.failed_before:,} of the known failed before and have not changed: --retry tries them "
            "again."
        )
    if summary.genres_changed:
        reporter.say(f"{summary.genres_changed:,} songs that were known have other genres now.")
    if summary.interrupted:
        reporter.say("Stopped. Nothing is lost: run the same command to go on.")


def _warn_if_untrained(library, reporter: Reporter) -> None:
    model = library.model()
    if model and model["trained"] is False:
        reporter.say(UNTRAINED)
