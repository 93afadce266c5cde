"""The command `index`: indexes a folder once, plans a dry run, or watches the folder for new songs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from explorer.cli.index_sentences import print_dry_run, report_coarse, report_summary
from explorer.cli.options import (
    database_option,
    json_option,
    map_option,
    model_options,
    model_request,
    print_json,
)
from explorer.config import FIRST_LOOK_WINDOWS, Settings
from explorer.errors import ExplorerError, LibraryError
from explorer.indexing.failures import FailureLog, count_reasons
from explorer.indexing.summary import Summary
from explorer.library.remote import RemotePath, as_root, is_gone
from explorer.util.interrupts import repeat_swallowed_interrupt
from explorer.util.progress import Reporter, plural
from explorer.util.text import valid_text

if TYPE_CHECKING:
    from explorer.indexing.model import ModelRequest

INTERRUPTED = 130
SOME_FAILED = 3
UNTRAINED = (
    "This library was made with untrained filters: songs near each other on the map have only a similar "
    "timbre, at best. When OpenL3's official weights are in metadata/models, run the index again with "
    "--weights openl3 --reindex."
)
_JSON_COUNTS = (
    "found looked indexed extra_tracks skipped failed unsettled left failed_before copied moved retagged "
    "windows without_windows gone back genres_changed decoded encodings seconds look_seconds audio_seconds "
    "pruned duplicates reread misread passed_over first_look"
).split()


@click.command()
@click.argument("folder", required=False)
@database_option
@model_options("auto", "float32", "bfloat16", "int8")
@click.option("--limit", type=click.IntRange(1), help="Read at most this many new or changed files.")
@click.option("--retry", is_flag=True, help="Also try again the files that failed in an earlier run.")
@click.option(
    "--reindex", is_flag=True, help="Make all vectors again, with the model that the other options choose."
)
@click.option("--dry-run", is_flag=True, help="Show what would be done, and change nothing.")
@click.option(
    "--prune",
    "pruning",
    is_flag=True,
    help="Remove songs from the library if their files are missing; FOLDER may be missing too.",
)
@click.option(
    "--force", is_flag=True, help="With --prune: remove them even if more than half of the songs are missing."
)
@click.option(
    "--watch", "watching", is_flag=True, help="Afterwards, wait for new songs and index them, until Ctrl-C."
)
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Use the machines of a Dask cluster: the address of its scheduler, such as tcp://10.0.0.1:8786.",
)
@click.option(
    "--first-look",
    type=click.IntRange(0),
    default=FIRST_LOOK_WINDOWS,
    show_default=True,
    help="In a new library, listen first to this many seconds, spread over each song, so that all songs are "
    "soon on the map; then to the whole songs. 0: only to the whole songs.",
)
@map_option
@click.option(
    "--no-previews",
    is_flag=True,
    help="Do not make previews (20 s of each song, about 0.25 MB): the page makes those that it needs.",
)
@click.option(
    "--windows/--no-windows",
    default=None,
    help="By default, the library stores how each half second of a new song sounds (about 25 kB a song), to "
    "find sections and moments. --no-windows: do not store this. --windows: store it for known songs too, by "
    "listening to them again.",
)
@click.option(
    "--cue/--no-cue",
    default=None,
    help="Divide long files into songs by their cue sheets, or not. The choice is remembered for the music "
    "folder; at first, cue sheets are used.",
)
@click.option(
    "--genre-from",
    "--genres",
    "genre_from",
    metavar="auto|tags|folder|FILE",
    help="Where genres come from: the tags, the names of the folders, a table such as a CSV FILE, or auto "
    "(the tags, else the folder's name). Known songs get these genres too.",
)
@click.option(
    "--video/--no-video",
    default=None,
    help="Index the sound of videos too. The choice is remembered for the music folder.",
)
@click.option(
    "--exclude",
    metavar="PATTERN",
    multiple=True,
    help="Leave out what matches this pattern, as in a .gitignore file in the music folder; can be given "
    'several times. The patterns are remembered until others are given; "" forgets them.',
)
@json_option
def index(
    folder,
    database,
    dry_run,
    watching,
    as_json,
    weights,
    hop_s,
    precision,
    engine,
    reindex,
    exclude,
    **choices,
):
    """Add the songs in FOLDER to the library and its map.

    The default FOLDER is audio/. A neural network listens to each new song and describes its sound by 512
    numbers, the song's vector. Songs that were moved, copied or only retagged keep their vectors. Songs whose
    files are missing stay in the library, marked as missing. Exit status 3: some files could not be read.
    """
    folder = as_root(folder or _default_folder(database, fills_windows=bool(choices["windows"])))
    if dry_run:
        same = {name: choices[name] for name in ("retry", "limit", "video", "cue")}
        _dry_run(database, folder, as_json=as_json, reindex=reindex, exclude=exclude or None, **same)
        return
    if watching and as_json:
        raise click.UsageError("--watch never ends, so --json would never be printed.")
    if watching and not isinstance(folder, Path):
        raise click.UsageError("--watch needs a folder: URLs do not report new files.")
    request = model_request(weights=weights, hop_s=hop_s, precision=precision, engine=engine, reindex=reindex)
    options = _Options(database, folder, request, Reporter(), exclude=exclude or None, **choices)
    if watching:
        with repeat_swallowed_interrupt() as raise_if_interrupted:
            _watch(options, raise_if_interrupted)
    summary = _index_once(options)
    if as_json:
        counts = asdict(summary)
        reasons = count_reasons(summary.failures)
        counts |= {"passed_over": summary.passed_over}
        print_json({key: counts[key] for key in _JSON_COUNTS} | {"reasons": reasons})
    if summary.interrupted:
        click.get_current_context().exit(INTERRUPTED)
    if summary.failed:
        click.get_current_context().exit(SOME_FAILED)


def _default_folder(database: Path, *, fills_windows: bool) -> Path | str:
    """Return the folder to index if the user names none: audio/, or with --windows that of the library."""
    from explorer.database.database import Database

    if not (fills_windows and database.exists()):
        return Settings.audio
    with Database.open_readonly(database) as library:
        roots = library.roots()
    if len(roots) > 1:
        names = ", ".join(map(valid_text, roots))
        raise LibraryError(f"{database} has the songs of several folders: name one of {names}.")
    return roots[0] if roots else Settings.audio


@dataclass(frozen=True)
class _Options:
    """The command's options; those from `limit` on have the names of the parameters of `index`."""

    database: Path
    folder: Path | RemotePath
    request: ModelRequest
    reporter: Reporter
    limit: int | None
    retry: bool
    scheduler: str | None
    genre_from: str | None
    pruning: bool
    force: bool
    no_map: bool
    no_previews: bool
    video: bool | None
    exclude: tuple[str, ...] | None
    cue: bool | None
    windows: bool | None
    first_look: int


def _index_once(options: _Options, *, settled_s: float = 0.0, quiet: bool = False) -> Summary:
    """Index the folder, report the results, and update the map. `quiet` reports only new and failed songs."""
    from explorer.database.database import Database
    from explorer.demo.demo_library import holds_only_demo_songs, is_demo_folder
    from explorer.indexing.index_run import IndexRun
    from explorer.indexing.indexer import index_folder
    from explorer.indexing.prune import prune_lost_folder
    from explorer.indexing.update_map import update_map
    from explorer.mapping.same_recordings import count_same_recordings

    settings, reporter = Settings(database=options.database), options.reporter
    with Database.open(options.database) as library, FailureLog(settings.failure_log) as log:
        if not quiet:  # Writing to a damaged file could make it worse.
            library.require_undamaged()
        run = IndexRun(
            library,
            options.folder,
            request=options.request,
            reporter=reporter,
            limit=options.limit,
            retry=options.retry,
            # The user's own music replaces the songs of the demo.
            replace=holds_only_demo_songs(library) and not is_demo_folder(options.folder),
            previews=None if options.no_previews else settings.previews,
            genre_from=options.genre_from,
            log=log,
            settled_s=settled_s,
            scheduler=options.scheduler,
            video=options.video,
            exclude=options.exclude,
            cue=options.cue,
            windows=options.windows,
            first_look=options.first_look,
            grows_map=not options.no_map,
        )
        if options.pruning and is_gone(run.folder):
            pruned = prune_lost_folder(library, run.folder, force=options.force, reporter=reporter)
            summary = Summary(pruned=pruned)
            if not options.no_map:
                update_map(library, summary, reporter=reporter)
            return summary
        summary = index_folder(run)
        if not quiet or summary.indexed + summary.failed:
            report_summary(summary, log, reporter)
        if summary.interrupted:
            summary.first_look = library.first_look()
            return summary
        if options.pruning:
            summary.pruned = _prune(library, run.folder, options, quiet=quiet)
        summary.duplicates = sum(len(group) - 1 for group in library.duplicates())
        if summary.duplicates and not quiet:
            reporter.say(
                f"Duplicates: {plural(summary.duplicates, 'song')} with exactly the same sound as another; "
                "the page can hide them."
            )
        if not quiet and (encodings := count_same_recordings(library)):
            reporter.say(
                f"The same recording in another encoding, such as FLAC and MP3: {plural(encodings, 'song')}; "
                "the page lists both beside each other."
            )
        if not options.no_map:
            update_map(library, summary, reporter=reporter)
        elif library.is_ready_for_full() and not library.projections():
            library.show_coarse(False)
        summary.first_look = library.first_look()
        if not quiet:
            report_coarse(library, reporter)
        model = library.model()
        if model and model["trained"] is False and not quiet:
            reporter.say(UNTRAINED)
    return summary


def _prune(library, folder: Path | RemotePath, options: _Options, *, quiet: bool) -> int:
    """Drop the folder's missing songs, and name the other folders whose songs are missing."""
    from explorer.indexing.prune import lost_roots, prune

    pruned = prune(library, folder, force=options.force)
    if pruned:
        options.reporter.say(f"Pruned {plural(pruned, 'song')} whose files are missing.")
    for sentence in lost_roots(library).values():
        if sentence and not quiet:
            options.reporter.say(sentence)
    return pruned


def _watch(options: _Options, raise_if_interrupted: Callable[[], None]) -> NoReturn:
    """Index the folder, and then every new song, until Ctrl-C."""
    from explorer.indexing.watch import MAX_WAIT_S, SETTLED_S, Watch

    reporter = options.reporter
    # Start watching now: files that arrive during the first run must not be missed.
    watch = Watch(options.folder.expanduser(), reporter=reporter)
    _index_once(options)
    raise_if_interrupted()
    reporter.say(f"Watching {options.folder} for new songs; Ctrl-C ends it.")
    # The library remembers the source of genres and which files are songs.
    # Reindexing and retrying are done once.
    request = replace(options.request, reindex=False)
    remembered = dict.fromkeys(("genre_from", "video", "exclude", "cue"))
    # Songs whose files are missing have no windows: they must not be tried again for every new song.
    windows = None if options.windows else options.windows
    options = replace(options, request=request, retry=False, windows=windows, **remembered)
    last_error, wait_s = "", MAX_WAIT_S
    while True:
        watch.wait(at_most_s=wait_s)
        raise_if_interrupted()
        wait_s = MAX_WAIT_S
        try:
            summary = _index_once(options, settled_s=SETTLED_S, quiet=True)
            raise_if_interrupted()
        except ExplorerError as error:
            # A missing disk or another index run may be a passing problem: try again soon.
            raise_if_interrupted()
            if str(error) != last_error:
                reporter.say(str(error))
            last_error, wait_s = str(error), 10 * SETTLED_S
            continue
        last_error = ""
        if summary.unsettled:
            wait_s = SETTLED_S


def _dry_run(database, folder, *, as_json: bool, **options) -> None:
    from explorer.database.database import Database
    from explorer.indexing.dry_run import plan_dry_run

    with Database.open_readonly(database) if database.exists() else nullcontext() as library:
        if library is not None:
            library.require_undamaged()
        plan = plan_dry_run(library, folder, reporter=Reporter(), **options)
    if as_json:
        print_json({"dry_run": True, "to_embed": plan.to_embed, **asdict(plan)})
    else:
        print_dry_run(plan)
