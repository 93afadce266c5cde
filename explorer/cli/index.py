"""`index`: songs into the library, once, as a rehearsal, or whenever some arrive."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import NoReturn

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
from explorer.library.remote import as_root
from explorer.util.progress import Reporter, format_duration, format_estimate, number

INTERRUPTED = 130
SOME_FAILED = 3
SHOWN_FAILURES = 10
SHOWN_FILES = 10
UNTRAINED = (
    "These are untrained filters: nearness on the map shows timbre at best. With OpenL3's official weights "
    "in metadata/models, run the index again with --weights openl3 --reindex."
)
_COUNTS = (
    "found indexed skipped failed unsettled left failed_before copied moved retagged gone back "
    "genres_changed seconds audio_seconds"
).split()


@click.command()
@click.argument("folder", required=False)
@database_option
@model_options("auto", "float32", "bfloat16", "int8")
@click.option("--limit", type=click.IntRange(1), help="Embed at most so many songs.")
@click.option("--retry", is_flag=True, help="Try files again that failed before.")
@click.option("--reindex", is_flag=True, help="Embed every song again, with the model asked for.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@click.option("--prune", "pruning", is_flag=True, help="Drop the songs whose files are gone.")
@click.option("--force", is_flag=True, help="Prune also where more than half of the songs are gone.")
@click.option("--watch", "watching", is_flag=True, help="Go on, and index what arrives, until Ctrl-C.")
@click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Decode and embed on the Dask cluster of this scheduler, as tcp://10.0.0.1:8786.",
)
@map_option
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
def index(folder, database, dry_run, pruning, force, watching, reindex, as_json, **choices):
    """Embed the songs of FOLDER (default: audio/) that are new, then compute the map.

    Songs that were moved, copied or only retagged keep their vector; those whose files are gone stay, and are
    marked. Exit status 3: some files could not be read.
    """
    folder = as_root(folder or Settings.audio)
    if dry_run:
        _rehearse(database, folder, choices["retry"], choices["limit"], reindex=reindex, as_json=as_json)
        return
    if watching and as_json:
        raise click.UsageError("--watch has no end at which to print --json.")
    if watching and not isinstance(folder, Path):
        raise click.UsageError("--watch needs a folder: nobody tells when files arrive at a URL.")
    run = _Run(database, folder, pruning=pruning, force=force, **choices)
    if watching:
        run.watch(reindex=reindex)
    summary = run.once(reindex=reindex)
    if as_json:
        print_json(_as_json(summary, run))
    if summary.interrupted:
        click.get_current_context().exit(INTERRUPTED)
    if summary.failed:
        click.get_current_context().exit(SOME_FAILED)


class _Run:
    """An index run as it was asked for, which may be done again and again."""

    def __init__(self, database, folder, *, pruning, force, no_map, no_previews, genre_from, **choices):
        self.database = database
        self.folder = folder
        self.pruning, self.force = pruning, force
        self.no_map, self.no_previews = no_map, no_previews
        self.genre_from = genre_from
        kept = {name: choices.pop(name) for name in ("limit", "retry", "scheduler")}
        self.kept = {name: value for name, value in kept.items() if value is not None}
        self.choices = choices
        self.reporter = Reporter()
        self.pruned = 0
        self.duplicates = 0

    def once(self, *, reindex: bool = False, settled_s: float = 0.0, quietly: bool = False):
        """Index what there is, tell of it, and bring the map up to date."""
        from explorer.database.database import Database
        from explorer.demo.demo_library import holds_only_the_demo, is_the_demo
        from explorer.indexing.indexer import index_folder
        from explorer.indexing.prune import prune

        settings = Settings(database=self.database)
        with Database.open(self.database) as library, FailureLog(settings.failure_log) as log:
            summary = index_folder(
                library,
                self.folder,
                request=model_request(reindex=reindex, **self.choices),
                reporter=self.reporter,
                # The demo's songs make way for somebody's own music.
                replace=holds_only_the_demo(library) and not is_the_demo(self.folder),
                previews=None if self.no_previews else settings.previews,
                genre_from=self.genre_from,
                log=log,
                settled_s=settled_s,
                **self.kept,
            )
            if not quietly or summary.indexed + summary.failed:
                tell_summary(summary, log, self.reporter)
            if summary.interrupted:
                return summary
            self.pruned = prune(library, self.folder, force=self.force) if self.pruning else 0
            if self.pruned:
                self.reporter.say(f"Pruned {number(self.pruned, 'song')} whose files are gone.")
            self.duplicates = sum(len(group) - 1 for group in library.duplicates())
            if self.duplicates and not quietly:
                self.reporter.say(
                    f"{number(self.duplicates, 'song')} with exactly the sound of another: the page can hide "
                    "duplicates."
                )
            if not self.no_map:
                map_if_stale(library, summary.drawn_anew + self.pruned > 0, self.reporter)
            if not quietly:
                _warn_if_untrained(library, self.reporter)
        return summary

    def watch(self, *, reindex: bool) -> NoReturn:
        """Index what there is, and then what arrives, until Ctrl-C."""
        from explorer.indexing.watch import LOOKING_ANYWAY_S, SETTLED_S, Watch

        # It looks from here on: what arrives during the first run is not missed.
        watch = Watch(self.folder.expanduser(), reporter=self.reporter)
        summary = self.once(reindex=reindex)
        if summary.interrupted:
            raise KeyboardInterrupt
        self.reporter.say(f"Watching {self.folder} for new songs; Ctrl-C ends it.")
        # Chosen once, and remembered by the library.
        self.genre_from = None
        self.kept.pop("retry")
        told, waiting_s = "", LOOKING_ANYWAY_S
        while True:
            watch.wait(at_most_s=waiting_s)
            waiting_s = LOOKING_ANYWAY_S
            try:
                summary = self.once(settled_s=SETTLED_S, quietly=True)
            except ExplorerError as error:
                # A disk that is away, another index: the next look may find things better.
                if str(error) != told:
                    self.reporter.say(str(error))
                told, waiting_s = str(error), 10 * SETTLED_S
                continue
            told = ""
            if summary.interrupted:
                raise KeyboardInterrupt
            if summary.unsettled:
                waiting_s = SETTLED_S


def _as_json(summary, run: _Run) -> dict:
    told = asdict(summary)
    return {key: told[key] for key in _COUNTS} | {
        "pruned": run.pruned,
        "duplicates": run.duplicates,
        "reasons": count_reasons(summary.failures),
    }


def _rehearse(database, folder, retry, limit, *, reindex: bool, as_json: bool) -> None:
    from explorer.database.database import Database
    from explorer.indexing.dry_run import plan_dry_run

    with Database.open_readonly(database) if database.exists() else nullcontext() as library:
        told = plan_dry_run(library, folder, retry=retry, limit=limit, reindex=reindex, reporter=Reporter())
    if as_json:
        print_json({"dry_run": True, "to_embed": told.to_embed, **asdict(told)})
    else:
        _tell_rehearsal(told)


def _tell_rehearsal(told) -> None:
    kinds = (
        ("to embed: new", told.new),
        ("to embed again: the sound changed", told.changed),
        ("to try again: failed before", told.retried),
        ("moved, keeping the vector", [f"{before} → {after}" for before, after in told.moved]),
        ("copied, sharing a vector", told.copied),
        ("retagged, keeping the vector", told.retagged),
        ("that cannot be read, and would fail", told.unreadable),
        ("there again", told.back),
        ("gone: the song would be marked, and dropped with --prune", told.gone),
    )
    for what, files in kinds:
        if files:
            click.echo(f"{number(len(files), 'file')} {what}:")
            for file in files[:SHOWN_FILES]:
                click.echo(f"  {file}")
            if len(files) > SHOWN_FILES:
                click.echo(f"  and {len(files) - SHOWN_FILES:,} more")
    again = f", failures among them: {told.failed_before:,}" if told.failed_before else ""
    click.echo(f"{number(told.unchanged, 'file')} known and unchanged{again}.")
    if told.to_embed and told.songs_per_second:
        left = format_duration(told.to_embed / told.songs_per_second)
        click.echo(f"Embedding would take about {left}, at the rate of the last run.")
    click.echo("Nothing was done.")


def map_if_stale(library, songs_changed: bool, reporter: Reporter) -> None:
    """Compute the map where songs have changed, or there is none."""
    from explorer.indexing.make_map import make_map

    # A run that was killed after its last song has left the map to the next.
    stale = songs_changed or library.has_unplaced_songs() or not library.projections()
    if stale and library.count_vectors():
        make_map(library, reporter=reporter)


def tell_summary(summary, log: FailureLog, reporter: Reporter) -> None:
    """Say what an index run did."""
    _tell_failures(summary, log, reporter)
    pace = summary.audio_seconds / summary.seconds if summary.seconds else 0.0
    reporter.say(
        f"Indexed {number(summary.indexed, 'song')} ({format_duration(summary.audio_seconds)} of sound) in "
        f"{format_duration(summary.seconds)}"
        + (f", {pace:,.0f} times real time" if pace >= 1 else "")
        + f"; of {number(summary.found, 'file')} found, {summary.skipped:,} were known, "
        + f"{summary.failed:,} failed"
        + (f", {summary.unsettled:,} are being written" if summary.unsettled else "")
        + (f", {summary.left:,} are left" if summary.left else "")
        + "."
    )
    kept = {"moved": summary.moved, "copied": summary.copied, "retagged": summary.retagged}
    if told := [f"{how} {count:,}" for how, count in kept.items() if count]:
        reporter.say(f"Of these, with a vector that was there: {', '.join(told)}.")
    if summary.failed_before:
        reporter.say(
            f"Of the known, failed before and not changed: {summary.failed_before:,}. --retry tries them "
            "again."
        )
    if summary.back:
        reporter.say(f"{number(summary.back, 'song')} back: missing before, and there again.")
    if summary.gone:
        reporter.say(
            f"{number(summary.gone, 'song')} missing: kept in the library, and marked, until --prune drops "
            "them."
        )
    if summary.genres_changed:
        reporter.say(f"{number(summary.genres_changed, 'known song')} with other genres now.")
    if summary.interrupted:
        left = f"; about {format_estimate(summary.seconds_left)} are left" if summary.seconds_left else ""
        reporter.say(f"Stopped. Nothing is lost: run the same command to go on{left}.")


def _tell_failures(summary, log: FailureLog, reporter: Reporter) -> None:
    for path, reason in summary.failures[:SHOWN_FAILURES]:
        reporter.say(f"Failed: {path}: {reason}")
    if summary.failed > SHOWN_FAILURES:
        reporter.say(f"{summary.failed - SHOWN_FAILURES:,} more failed:")
        for reason, count in list(count_reasons(summary.failures).items())[:SHOWN_FAILURES]:
            reporter.say(f"  {count:,} × {reason}")
    if summary.failed:
        reporter.say(log.problem or f"All of them are in {log.path}.")


def _warn_if_untrained(library, reporter: Reporter) -> None:
    model = library.model()
    if model and model["trained"] is False:
        reporter.say(UNTRAINED)
