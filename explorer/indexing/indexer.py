"""Indexes a folder of music: embeds new and changed files, and stores them as songs.

The run may be killed at any moment. Only the caller's thread writes songs.db, and all data of a song are
stored in one transaction. So every stored song is complete, and the next run embeds the others. Previews are
made in the background, from songs that are already stored.
"""

from __future__ import annotations

import os
import time
from contextlib import closing, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.database.state import Run
from explorer.indexing.cluster.client import connected, embed_on_cluster
from explorer.indexing.decode_tags import begin_decoding, decode_tags_of_run
from explorer.indexing.fill_features import fill_features
from explorer.indexing.first_look import PassTools, look, plan_first_look
from explorer.indexing.growing_map import GrowingMap
from explorer.indexing.index_run import IndexRun
from explorer.indexing.local import embed_locally
from explorer.indexing.make_previews import PreviewMaker
from explorer.indexing.model import choose_model
from explorer.indexing.moved_roots import follow_moved_roots
from explorer.indexing.order import asked_first, spread
from explorer.indexing.plan import make_plan
from explorer.indexing.precision_trial import choose_engine
from explorer.indexing.prune import require_folder
from explorer.indexing.refresh_genres import (
    absolute_choice,
    choose_genre_source,
    refresh_genres,
    report_unknown_songs,
)
from explorer.indexing.reread import reread_songs
from explorer.indexing.running import index_lock
from explorer.indexing.store import Storer
from explorer.indexing.summary import Summary
from explorer.library.confirmed_roots import confirm
from explorer.library.genres import open_genre_source
from explorer.library.music_file import ScannedFile
from explorer.library.scan_rules import ScanOptions
from explorer.library.scanning import scan_folder
from explorer.util.interrupts import stop_on_first_interrupt
from explorer.util.progress import plural
from explorer.util.text import valid_text

if TYPE_CHECKING:
    from distributed import Client

MAX_SHOWN_PROBLEMS = 10
_STOP_PREVIEWS = "Stopping: the page makes a preview when it needs one. Press Ctrl-C again to stop at once."


def index_folder(run: IndexRun) -> Summary:
    """Index a folder: run all stages, and return the counts.

    From now on, songs of this folder may be read on this machine: see `confirmed_roots`.

    Raises
    ------
    LibraryError
        If the folder does not exist, or the library was made with another model.
    WeightsError
        If the weights cannot be found or downloaded.
    LibraryBusyError
        If another index run uses the same library.
    ClusterError
        If the scheduler cannot be reached, the connection to it is lost, or no worker can do the work. Songs
        that are already stored are kept.
    """
    started = time.monotonic()
    # Another program may lock the database for minutes; a run of hours must not fail because of that.
    run.database.wait_for_other_programs(run.reporter.say)
    with index_lock(run.database.path, str(run.folder)) as run.progress:
        _scan(run)
        confirm(run.folder)
        recorded = None if run.replace else run.database.model()
        run.model, run.weights = choose_model(recorded, run.request, reporter=run.reporter)
        _open_root(run)
        _plan(run)
        if run.files or run.outdated:
            begin_decoding(run)
        reread_songs(run)
        with closing(PreviewMaker(run.previews, run.root)) if run.previews else nullcontext() as maker:
            run.preview_maker = maker
            if run.files and not run.summary.interrupted:
                _embed_and_store(run)
            decode_tags_of_run(run)
            _finish_summary(run, started)
            if maker and not run.summary.interrupted:
                _finish_previews(run)
        if not run.summary.interrupted:
            fill_features(run)
    return run.summary


def _scan(run: IndexRun) -> None:
    """List the folder's files, relative to the root that contains the folder."""
    run.root = (not run.replace and run.database.root_of(run.folder)) or run.folder
    if not run.replace:
        require_folder(run.database, run.folder)
    _list_files(run)
    if run.scan.prefix and run.scan.prefix in run.scan.left_out:
        run.reporter.say(
            f"{run.folder} is left out of {run.root}: by --exclude, by an ignore file such as .nomedia, or "
            "because it is hidden or belongs to the system."
        )
    elif not run.scan.files:
        run.reporter.say(f"{run.folder} holds no audio files.")
    if run.exclude and run.folder == run.root:
        for pattern in run.scan_options.unmatched(run.scan.left_out):
            run.reporter.say(f"--exclude {pattern!r} matches no song and no folder of {run.root}.")
    if run.scan.unread:
        first = valid_text(run.root / os.fsdecode(run.scan.unread[0]))
        run.reporter.say(
            f"{plural(len(run.scan.unread), 'path')} cannot be read, for example {first}: songs there "
            "stay unchanged."
        )


def _list_files(run: IndexRun) -> None:
    remembered = ScanOptions() if run.replace else run.database.scan_options(run.folder)
    run.scan_options = remembered.updated(video=run.video, exclude=run.exclude, cue=run.cue)
    run.scan = scan_folder(run.folder, root=run.root, options=run.scan_options)


def _open_root(run: IndexRun) -> None:
    """Delete the songs or vectors that the run replaces, and add the folder to the library.

    If the folder holds the songs of a root that was moved, this is where that root is now.
    """
    if run.genre_from is not None:
        # Fail on an unreadable genre table before anything is deleted.
        paths = [file.path for file in run.scan.files]
        open_genre_source(absolute_choice(run.genre_from), paths=paths)
    if run.replace:
        run.database.forget_everything()
    else:
        if follow_moved_roots(run):
            # The root that was moved may have options of its own.
            _list_files(run)
        if run.request.reindex:
            run.database.forget_vectors()
    run.root_id, root = run.database.find_or_add_root(run.folder)
    if root != run.root:
        # Since the scan, another program has added a root that contains this folder.
        run.root = root
        _list_files(run)
    run.database.choose_scan_options(run.root_id, run.scan_options)


def _plan(run: IndexRun) -> None:
    """Compare the scan with the library: update genres, mark missing songs, and list the files to read."""
    database, summary = run.database, run.summary
    known = database.known_files(run.root_id)
    run.genres = choose_genre_source(
        run.genre_from,
        database.genre_choice(run.root_id),
        paths={file.path for file in run.scan.files} | known.keys(),
        reporter=run.reporter,
    )
    if run.genre_from is not None:
        summary.genres_changed = refresh_genres(run)
    plan = make_plan(known, run.scan, retry=run.retry, settled_s=run.settled_s)
    database.mark_gone(run.root_id, plan.gone, since=datetime.now(UTC).isoformat(timespec="seconds"))
    database.unmark_gone(run.root_id, plan.back)
    database.store_link_targets(run.root_id, plan.relinked)
    run.files, run.outdated = plan.to_read[: run.limit], plan.outdated[: run.limit]
    run.coarse_files = {file.path for file in plan.coarse}
    summary.other_files, summary.known_videos = run.scan.other_files, plan.videos
    summary.found = len(run.scan.files) - plan.videos
    if left_out := run.scan.those_left_out(plan.gone):
        songs = database.song_ids_by_path(run.root_id)
        summary.left_out = sum(len(songs.get(path, ())) for path in left_out)
    summary.unsettled, summary.left = plan.unsettled, len(plan.to_read)
    summary.skipped, summary.failed_before, summary.back = plan.known, plan.failed_before, len(plan.back)


def _embed_and_store(run: IndexRun) -> None:
    """Embed the files, on this machine or on a cluster, and store each outcome as it arrives."""
    run.progress.set_total(len(run.files), previews=run.previews is not None)
    storer = Storer(run)
    # Connect first: measuring precisions for a cluster that does not answer would waste minutes.
    with connected(run.scheduler) if run.scheduler else nullcontext() as client:
        engine = choose_engine(run)
        with stop_on_first_interrupt(run.reporter) as stop:
            first = plan_first_look(run)
            is_coarse = first is not None or run.database.shows_coarse()
            grows = run.grows_map and is_coarse
            growing = GrowingMap(Path(run.database.path), run.reporter) if grows else None
            with growing or nullcontext():
                tools = PassTools(engine, storer, growing, stop)
                if first is not None:
                    look(run, first, tools)
                    decode_tags_of_run(run)
                if not stop.is_set():
                    begin_decoding(run)
                    _embed_fully(run, _files_of_full_pass(run, has_looked=first is not None), tools, client)
    # Not inside the block: Ctrl-C can be pressed until the block ends.
    run.summary.interrupted = stop.is_set()


def _embed_fully(run: IndexRun, files: list[ScannedFile], tools: PassTools, client: Client | None) -> None:
    """Embed every window of the files. Meanwhile the map of the coarse vectors is completed."""
    with (
        run.reporter.counting("Indexing", total=len(files)) as counter,
        closing(
            embed_on_cluster(client, run, tools.stop)
            if client
            else embed_locally(
                run.root,
                asked_first(files, Path(run.database.path), run.root_id),
                model=run.model,
                engine=tools.engine,
                known=run.database.known_sounds(),
                stop=tools.stop,
                video=run.scan_options.video,
            )
        ) as outcomes,
    ):
        run.progress.start_embedding(run.summary.progress)
        if tools.growing:
            tools.growing.update(is_last=True)
        for completed in outcomes:
            tools.storer.store(completed)
            counter.reach(counter.done + len(completed))
            if tools.growing:
                tools.growing.update(is_last=True)


def _files_of_full_pass(run: IndexRun, *, has_looked: bool) -> list[ScannedFile]:
    """Return the files to embed: those that the first look has not stored with a full vector or as failed."""
    if not has_looked:
        return spread(run.files) if run.coarse_files else run.files
    known = run.database.known_files(run.root_id)
    return [file for file in spread(run.files) if (state := known.get(file.path)) is None or state.is_coarse]


def _finish_summary(run: IndexRun, started: float) -> None:
    """Complete the counts, and store the counts that the next run and the page need."""
    summary, database = run.summary, run.database
    database.unify_genre_spellings()
    summary.left -= summary.done
    summary.gone = database.count_gone(run.root_id, run.scan.prefix)
    summary.seconds, progress = time.monotonic() - started, run.progress.now()
    summary.look_seconds, summary.seconds_left = progress.look_seconds, progress.seconds_left
    if run.genre_from is not None:
        report_unknown_songs(run.genres, run.reporter)
    if run.files:
        began = datetime.now(UTC) - timedelta(seconds=summary.seconds)
        database.store_run(
            Run(
                began.isoformat(timespec="seconds"),
                summary.seconds,
                summary.songs,
                summary.indexed - summary.embedded,
                summary.failed,
                summary.audio_seconds,
            )
        )
    if summary.moved or summary.decoded:
        database.increment_map_revision()


def _finish_previews(run: IndexRun) -> None:
    """Wait for the new songs' previews, and make the missing previews of known songs."""
    maker, reporter = run.preview_maker, run.reporter
    files = {file.path: file for file in run.scan.files}
    for path, part, fingerprint, start_s in run.database.preview_starts(run.root_id):
        if path in files:
            maker.add(files[path].native, fingerprint, start_s, part=part)
    if maker.waiting:
        with (
            reporter.counting("Previews", total=maker.waiting) as counter,
            stop_on_first_interrupt(reporter, _STOP_PREVIEWS) as stop,
        ):
            maker.finish(counter.advance, stop)
        run.summary.interrupted = stop.is_set()
    maker.close()
    run.summary.previews = maker.made
    for problem in maker.problems[:MAX_SHOWN_PROBLEMS]:
        reporter.say(f"No preview: {problem}")
    if len(maker.problems) > MAX_SHOWN_PROBLEMS:
        reporter.say(f"{len(maker.problems) - MAX_SHOWN_PROBLEMS:,} more songs have no preview either.")
