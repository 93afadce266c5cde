"""Describes an index run, and a dry run, to the user."""

from __future__ import annotations

from typing import TYPE_CHECKING

from explorer.cli.options import echo
from explorer.indexing.failures import FailureLog, count_reasons
from explorer.indexing.summary import Summary
from explorer.util.commands import command_line
from explorer.util.progress import Reporter, format_duration, format_estimate, plural
from explorer.util.text import printable

if TYPE_CHECKING:
    from explorer.database.database import Database
    from explorer.indexing.dry_run import DryRun

MAX_SHOWN_FAILURES = 10
MAX_SHOWN_FILES = 10
MAX_SHOWN_EXTENSIONS = 3


def print_dry_run(plan: DryRun) -> None:
    """Print what an index run would do."""
    for old, new, songs in plan.moved_roots:
        echo(f"The folder {old} was moved to {new}: its {plural(songs, 'song')} would move there.")
    groups = (
        ("to embed, because new", plan.new),
        ("to embed again, because the sound has changed", plan.changed),
        ("to embed fully, after the first look", plan.coarse),
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
            echo(f"{plural(len(files), 'file')} {description}:")
            for file in files[:MAX_SHOWN_FILES]:
                echo(f"  {file}")
            if len(files) > MAX_SHOWN_FILES:
                echo(f"  and {len(files) - MAX_SHOWN_FILES:,} more")
    failures = f", including {plan.failed_before:,} that failed before" if plan.failed_before else ""
    echo(f"{plural(plan.unchanged, 'file')} known and unchanged{failures}.")
    if plan.reread:
        echo(f"{plan.reread:,} of these were read by an older version, and would be checked.")
    if plan.passed_over:
        echo(f"{plural(plan.passed_over, 'other file')} passed over.")
    if plan.to_embed and plan.songs_per_second:
        duration = format_duration(plan.to_embed / plan.songs_per_second)
        echo(f"Embedding would take about {duration}, at the rate of the last run.")
    echo("Nothing was changed.")


def report_summary(summary: Summary, log: FailureLog, reporter: Reporter) -> None:
    """Report the counts of an index run."""
    _report_failures(summary, log, reporter)
    if summary.looked:
        reporter.say(
            f"First look: {plural(summary.looked, 'file')} in {format_duration(summary.look_seconds)}."
        )
    seconds = summary.seconds - summary.look_seconds
    speed = summary.audio_seconds / seconds if seconds else 0.0
    reporter.say(
        ("Full pass: indexed " if summary.looked else "Indexed ")
        + f"{plural(summary.songs, 'song')} ({format_duration(summary.audio_seconds)} of sound) in "
        + format_duration(seconds)
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
    if summary.filled_files or summary.without_windows:
        reporter.say(_describe_windows(summary))
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


def report_coarse(library: Database, reporter: Reporter) -> None:
    """If the coarse vectors are shown, say which songs have no full vector yet, and what to do."""
    if not library.shows_coarse():
        return
    if not library.count_awaiting_full():
        command = command_line("map", database=library.path)
        reporter.say(f"All songs have full vectors now: run `{command}` to make the map of them.")
        return
    for root_id, root in library.numbered_roots().items():
        if songs := library.count_awaiting_full(root_id):
            reporter.say(
                f"The map shows the first look: {plural(songs, 'song')} of {root} have no full vector yet. "
                "Index that folder to go on."
            )


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


def _describe_windows(summary: Summary) -> str:
    """Say how many songs have got windows, and how many known songs have not."""
    without = (
        f"; {plural(summary.without_windows, 'song')} got none, because their files are missing, have "
        "changed or cannot be read"
    )
    return f"Windows: {plural(summary.windows, 'song')} got them{without * bool(summary.without_windows)}."


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
