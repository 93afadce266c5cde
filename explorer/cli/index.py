"""The command `index`: indexes a folder once, plans a dry run, or watches the folder for new songs."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from explorer.cli.options import (
    database_option,
    json_option,
    map_option,
    model_options,
    model_request,
    print_json,
)
from explorer.config import Settings
from explorer.errors import ExplorerError
from explorer.indexing.failures import FailureLog, count_reasons
from explorer.indexing.summary import Summary
from explorer.library.remote import RemotePath, as_root, is_gone
from explorer.util.progress import Reporter, format_duration, format_estimate, plural
from explorer.util.text import printable

if TYPE_CHECKING:
    from explorer.indexing.dry_run import DryRun
    from explorer.indexing.model import ModelRequest

INTERRUPTED = 130
SOME_FAILED = 3
MAX_SHOWN_FAILURES = 10
MAX_SHOWN_FILES = 10
UNTRAINED = (
    "This library was made with untrained filters: songs near each other on the map have only a similar "
    "timbre, at best. When OpenL3's official weights are in metadata/models, run the index again with "
    "--weights openl3 --reindex."
)
MAX_SHOWN_EXTENSIONS = 3
_JSON_COUNTS = (
    "found indexed extra_tracks skipped failed unsettled left failed_before copied moved retagged gone back "
    "genres_changed decoded encodings seconds audio_seconds pruned duplicates reread misread passed_over"
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
@map_option
@click.option(
    "--no-previews",
    is_flag=True,
    help="Do not make previews (20 s of each song, about 0.25 MB): the page makes those that it needs.",
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
    folder = as_root(folder or Settings.audio)
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
        _watch(options)
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


def _index_once(options: _Options, *, settled_s: float = 0.0, quiet: bool = False) -> Summary:
    """Index the folder, report the results, and update the map. `quiet` reports only new and failed songs."""
    from explorer.database.database import Database
    from explorer.demo.demo_library import holds_only_demo_songs, is_demo_folder
    from explorer.indexing.index_run import IndexRun
    from explorer.indexing.indexer import index_folder
    from explorer.indexing.prune import prune_lost_folder
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
        )
        if options.pruning and is_gone(run.folder):
            pruned = prune_lost_folder(library, run.folder, force=options.force, reporter=reporter)
            summary = Summary(pruned=pruned)
            if not options.no_map:
                _update_map(library, summary, reporter)
            return summary
        summary = index_folder(run)
        if not quiet or summary.indexed + summary.failed:
            report_summary(summary, log, reporter)
        if summary.interrupted:
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
            _update_map(library, summary, reporter)
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


def _watch(options: _Options) -> NoReturn:
    """Index the folder, and then every new song, until Ctrl-C."""
    from explorer.indexing.watch import MAX_WAIT_S, SETTLED_S, Watch

    reporter = options.reporter
    # Start watching now: files that arrive during the first run must not be missed.
    watch = Watch(options.folder.expanduser(), reporter=reporter)
    if _index_once(options).interrupted:
        raise KeyboardInterrupt
    reporter.say(f"Watching {options.folder} for new songs; Ctrl-C ends it.")
    # The library remembers the source of genres and which files are songs.
    # Reindexing and retrying are done once.
    request = replace(options.request, reindex=False)
    remembered = dict.fromkeys(("genre_from", "video", "exclude", "cue"))
    options = replace(options, request=request, retry=False, **remembered)
    last_error, wait_s = "", MAX_WAIT_S
    while True:
        watch.wait(at_most_s=wait_s)
        wait_s = MAX_WAIT_S
        try:
            summary = _index_once(options, settled_s=SETTLED_S, quiet=True)
        except ExplorerError as error:
            # A missing disk or another index run may be a passing problem: try again soon.
            if str(error) != last_error:
                reporter.say(str(error))
            last_error, wait_s = str(error), 10 * SETTLED_S
            continue
        last_error = ""
        if summary.interrupted:
            raise KeyboardInterrupt
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
        _print_dry_run(plan)


def _print_dry_run(plan: DryRun) -> None:
    for old, new, songs in plan.moved_roots:
        click.echo(f"The folder {old} was moved to {new}: its {plural(songs, 'song')} would move there.")
    groups = (
        ("to embed, because new", plan.new),
        ("to embed again, because the sound has changed", plan.changed),
        ("to try again, after an earlier failure", plan.retried),
        ("moved, keeping the vector", [f"{before} → {after}" for before, after in plan.moved]),
        ("copied, with the vector of the original", plan.copied),
        ("retagged, keeping the vector", plan.retagged),
        ("unreadable, which would fail", plan.unreadable),
        ("back again", plan.back),
        ("missing, whose songs would be marked, or removed with --prune", plan.gone),
    )
    for description, files in groups:
        if files:
            click.echo(f"{plural(len(files), 'file')} {description}:")
            for file in files[:MAX_SHOWN_FILES]:
                click.echo(f"  {file}")
            if len(files) > MAX_SHOWN_FILES:
                click.echo(f"  and {len(files) - MAX_SHOWN_FILES:,} more")
    failures = f", including {plan.failed_before:,} that failed before" if plan.failed_before else ""
    click.echo(f"{plural(plan.unchanged, 'file')} known and unchanged{failures}.")
    if plan.reread:
        click.echo(f"{plan.reread:,} of these were read by an older version, and would be checked.")
    if plan.passed_over:
        click.echo(f"{plural(plan.passed_over, 'other file')} passed over.")
    if plan.to_embed and plan.songs_per_second:
        duration = format_duration(plan.to_embed / plan.songs_per_second)
        click.echo(f"Embedding would take about {duration}, at the rate of the last run.")
    click.echo("Nothing was changed.")


def _update_map(library, summary: Summary, reporter: Reporter) -> None:
    """Compute the map if songs have changed or have no place on it."""
    from explorer.indexing.make_map import make_map

    # A run that was killed after its last song has not updated the map: look for songs without a place.
    is_stale = summary.changed_on_map or library.has_unplaced_songs() or not library.projections()
    if is_stale and library.count_vectors():
        make_map(library, reporter=reporter)


def report_summary(summary: Summary, log: FailureLog, reporter: Reporter) -> None:
    """Report the counts of an index run."""
    _report_failures(summary, log, reporter)
    speed = summary.audio_seconds / summary.seconds if summary.seconds else 0.0
    reporter.say(
        f"Indexed {plural(summary.songs, 'song')} ({format_duration(summary.audio_seconds)} of sound) in "
        f"{format_duration(summary.seconds)}"
        + (f", {speed:,.0f} times real time" if speed >= 1 else "")
        + f"; of {plural(summary.found, 'file')} found, {summary.skipped:,} were known, "
        + f"{summary.failed:,} failed"
        + (f", {summary.unsettled:,} are being written" if summary.unsettled else "")
        + (f", {summary.left:,} are left" if summary.left else "")
        + "."
    )
    if summary.passed_over:
        reporter.say(_describe_passed_over(summary))
    not_embedded = {"moved": summary.moved, "copied": summary.copied, "retagged": summary.retagged}
    if parts := [f"{how} {count:,}" for how, count in not_embedded.items() if count]:
        reporter.say(f"Files that got an existing vector: {', '.join(parts)}.")
    for path, note in summary.notes[:MAX_SHOWN_FAILURES]:
        reporter.say(f"Note: {path}: {note}")
    if len(summary.notes) > MAX_SHOWN_FAILURES:
        reporter.say(f"{len(summary.notes) - MAX_SHOWN_FAILURES:,} more songs have a note on the page.")
    if summary.failed_before:
        reporter.say(
            f"Of the known files, {summary.failed_before:,} failed before and have not changed: --retry "
            "tries them again."
        )
    if summary.back:
        reporter.say(f"Found again: {plural(summary.back, 'song')} that had been missing.")
    if summary.gone:
        reporter.say(
            f"Missing: the files of {plural(summary.gone, 'song')}. The library keeps these songs, marked as "
            "missing, until --prune removes them."
        )
    if summary.left_out:
        reporter.say(
            f"The files of {summary.left_out:,} of these songs are there, but left out: by --exclude, as "
            "videos, by an ignore file such as .nomedia, or because they are hidden or the system's."
        )
    if summary.genres_changed:
        reporter.say(f"The genres of {plural(summary.genres_changed, 'known song')} have changed.")
    if summary.decoded:
        reporter.say(_describe_decoded(summary))
    if summary.interrupted:
        left = f"; about {format_estimate(summary.seconds_left)} are left" if summary.seconds_left else ""
        reporter.say(f"Stopped. Nothing is lost: run the same command to go on{left}.")


def _describe_passed_over(summary: Summary) -> str:
    """Return a sentence: how many files are no songs, with their most frequent extensions."""
    kinds = summary.other_files.most_common(MAX_SHOWN_EXTENSIONS)
    names = [f"{count:,} {printable(kind) or 'without extension'}" for kind, count in kinds]
    names += ["…"] if len(summary.other_files) > len(kinds) else []
    details = f" ({', '.join(names)})" if names else ""
    hint = f"; {summary.all_videos:,} of them are videos: --video indexes their sound" * bool(
        summary.all_videos
    )
    return f"{plural(summary.passed_over, 'other file')} passed over{details}{hint}."


def _describe_decoded(summary: Summary) -> str:
    """Say in which encodings the tags were that a run has decoded."""
    songs, (first, *others) = plural(summary.decoded, "song"), summary.encodings
    if not others:
        return f"The tags of {songs} were in {first} and were decoded."
    counts = ", ".join(f"{count:,} in {name}" for name, count in summary.encodings.items())
    return f"The tags of {songs} were in national encodings and were decoded: {counts}."


def _report_failures(summary: Summary, log: FailureLog, reporter: Reporter) -> None:
    for path, reason in summary.failures[:MAX_SHOWN_FAILURES]:
        reporter.say(f"Failed: {path}: {reason}")
    if summary.failed > MAX_SHOWN_FAILURES:
        reporter.say(f"{summary.failed - MAX_SHOWN_FAILURES:,} more failed:")
        for reason, count in list(count_reasons(summary.failures).items())[:MAX_SHOWN_FAILURES]:
            reporter.say(f"  {count:,} × {reason}")
    if summary.failed:
        reporter.say(log.problem or f"All failures are listed in {log.path}.")
