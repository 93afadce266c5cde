"""Runs the embedding over a folder, so that it can be killed at any moment and go on.

What is new or changed is decoded and embedded; the caller's thread alone writes songs.db, a song a
transaction. What is stored is whole; what is not is done again by the next run. Previews are made beside all
that, of songs that are stored already.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from explorer.database.database import Database
from explorer.database.state import Run
from explorer.embedding.engines import Engine
from explorer.embedding.model_weights import Weights
from explorer.indexing.cluster.client import connected, make_kit
from explorer.indexing.failures import FailureLog
from explorer.indexing.local import embed_here
from explorer.indexing.make_previews import PreviewMaker
from explorer.indexing.model import Model, ModelRequest, settle_model
from explorer.indexing.outcomes import Outcome
from explorer.indexing.plan import make_plan, record_absence
from explorer.indexing.precision_trial import settle_precision
from explorer.indexing.refresh_genres import as_choice, bring_in_line, settle_genres, tell_unknown
from explorer.indexing.running import indexing
from explorer.indexing.store import Storer
from explorer.indexing.summary import Summary
from explorer.library.genres import open_genre_source
from explorer.library.music_file import ScannedFile
from explorer.library.remote import RemotePath, as_root
from explorer.library.scanning import Scan, scan_folder
from explorer.util.interrupts import stopping_gently
from explorer.util.progress import Counter, Reporter
from explorer.util.text import readable

SHOWN_PROBLEMS = 10


def index_folder(
    database: Database,
    folder: Path | RemotePath | str,
    *,
    request: ModelRequest,
    reporter: Reporter,
    limit: int | None = None,
    retry: bool = False,
    replace: bool = False,
    previews: Path | None = None,
    genre_from: str | None = None,
    log: FailureLog | None = None,
    settled_s: float = 0.0,
    scheduler: str | None = None,
) -> Summary:
    """Embed what is new or changed in a folder, and store it.

    Parameters
    ----------
    folder : Path, RemotePath or str
        Of music; a URL is one that fsspec can list and read.
    request : ModelRequest
        What the user asked for; what they left open follows the library's own model.
    limit : int, optional
        Embed at most so many songs.
    retry : bool
        Try files again that failed before and have not changed since.
    replace : bool
        Empty the library first, as soon as the folder and the weights are known to be there.
    previews : Path, optional
        Where a preview of each song is made, new or known; None for making none. Where they would
        begin is stored in any case.
    genre_from : str, optional
        `auto`, `tags`, `folder` or a table's path: where genres come from, from now on, those of known songs
        too. None for what was chosen for the folder before, else `auto`.
    log : FailureLog, optional
        What each failure is added to, beside the library.
    settled_s : float
        Leave files for later that were written to in the last so many seconds.
    scheduler : str, optional
        The address of a Dask scheduler whose workers decode and embed; None for this machine.

    Raises
    ------
    LibraryError
        If the folder does not exist, or the library was made with another model.
    WeightsError
        If the weights cannot be had.
    LibraryBusyError
        If another index runs on the same library.
    ClusterError
        If the scheduler cannot be reached or is lost, or no worker can do the work; what is stored stays.
    """
    started = time.monotonic()
    folder = as_root(folder).expanduser().resolve()
    with indexing(database.path, str(folder)) as running:
        scan = scan_folder(folder)
        model, weights = settle_model(None if replace else database.model(), request, reporter=reporter)
        _tell_found(scan, folder, reporter)
        if genre_from is not None:
            # A table that cannot be read must be known of before anything is forgotten.
            open_genre_source(as_choice(genre_from), paths=[file.path for file in scan.files])
        if replace:
            database.forget_everything()
        elif request.reindex:
            database.forget_vectors()
        summary = Summary()
        root_id, root = database.find_or_add_root(folder)
        scan = scan.under(folder.relative_to(root))
        source = settle_genres(database, root_id, scan.files, genre_from, reporter=reporter)
        if genre_from is not None:
            summary.genres_changed = bring_in_line(
                database, root, root_id, scan.files, source, reporter=reporter
            )
        plan = make_plan(database.known_files(root_id), scan, retry=retry, settled_s=settled_s)
        record_absence(database, root_id, plan)
        summary.skipped, summary.failed_before, summary.back = plan.known, plan.failed_before, len(plan.back)
        summary.found, summary.unsettled, summary.left = len(scan.files), plan.unsettled, len(plan.todo)
        todo = plan.todo[:limit]
        with closing(PreviewMaker(previews, root)) if previews else nullcontext() as maker:
            if todo:
                running.found(len(todo), previews=previews is not None)
                # Who holds the library for minutes must not end a run of hours.
                database.wait_for_other_programs(reporter.say)
                storer = Storer(
                    database, root, root_id, summary, genres=source.genres, previews=maker, log=log
                )
                with _outcomes(
                    database, root, todo, model, weights, request, reporter, summary, scheduler
                ) as outcomes:
                    running.embedding(summary.progress)
                    for some in outcomes:
                        storer.store_together(some)
            summary.left -= summary.indexed + summary.failed
            summary.gone = database.count_gone(root_id, scan.folder)
            summary.seconds, summary.seconds_left = time.monotonic() - started, running.now().seconds_left
            if genre_from is not None:
                tell_unknown(source, reporter)
            if todo:
                _remember(database, summary)
            if summary.moved:
                database.increment_map_revision()
            if maker and not summary.interrupted:
                _finish_previews(maker, database, root_id, scan, summary, reporter)
        return summary


def _tell_found(scan: Scan, folder: Path | RemotePath, reporter: Reporter) -> None:
    if not scan.files:
        reporter.say(f"{folder} holds no audio files.")
    if scan.unread:
        first = readable(folder / os.fsdecode(scan.unread[0]))
        reporter.say(
            f"{len(scan.unread):,} folders or files cannot be looked at, {first} for one: songs that lie "
            "there stay as they are."
        )


def _remember(database: Database, summary: Summary) -> None:
    began = datetime.now(UTC) - timedelta(seconds=summary.seconds)
    database.store_run(
        Run(
            began.isoformat(timespec="seconds"),
            summary.seconds,
            summary.indexed,
            summary.indexed - summary.embedded,
            summary.failed,
            summary.audio_seconds,
        )
    )


@contextmanager
def _outcomes(
    database: Database,
    root: Path | RemotePath,
    todo: list[ScannedFile],
    model: Model,
    weights: Weights,
    request: ModelRequest,
    reporter: Reporter,
    summary: Summary,
    scheduler: str | None,
) -> Iterator[Iterator[list[Outcome]]]:
    """Embed files, here or on a cluster, and yield what becomes of each, of some together."""
    with connected(scheduler) if scheduler else nullcontext() as cluster:
        engine = settle_precision(database, model, weights, request, root=root, files=todo, reporter=reporter)
        with (
            reporter.counting("Indexing", total=len(todo)) as counter,
            stopping_gently(reporter) as stop,
            closing(
                cluster(
                    make_kit(
                        root,
                        database=database,
                        model=Model.from_record(database.model()),
                        weights=weights,
                        engine=request.engine,
                    ),
                    todo,
                    reporter,
                ).outcomes(stop)
                if cluster
                else _embed_alone(database, root, todo, model, engine, stop)
            ) as outcomes,
        ):
            yield _counted(outcomes, counter)
            summary.interrupted = stop.is_set() and summary.indexed + summary.failed < len(todo)


def _embed_alone(
    database: Database,
    root: Path | RemotePath,
    todo: list[ScannedFile],
    model: Model,
    engine: Engine,
    stop: threading.Event,
) -> Iterator[list[Outcome]]:
    """Embed files on this machine, and yield each one's outcome as soon as it is there."""
    known = database.known_sounds()
    with closing(
        embed_here(
            root, todo, engine=engine, hop_s=model.hop_s, pooling=model.pooling, known=known, stop=stop
        )
    ) as outcomes:
        for outcome in outcomes:
            yield [outcome]


def _counted(outcomes: Iterator[list[Outcome]], counter: Counter) -> Iterator[list[Outcome]]:
    for some in outcomes:
        yield some
        counter.reach(counter.done + len(some))


def _finish_previews(
    maker: PreviewMaker,
    database: Database,
    root_id: int,
    scan: Scan,
    summary: Summary,
    reporter: Reporter,
) -> None:
    """Wait for the new songs' previews, and make those that known songs lack."""
    present = {file.path: file for file in scan.files}
    for path, key, start_s in database.preview_starts(root_id):
        if path in present:
            maker.add(present[path].native, key, start_s)
    if maker.waiting:
        said = "No more previews are made now; the page makes those that it needs."
        with (
            reporter.counting("Previews", total=maker.waiting) as counter,
            stopping_gently(reporter, said) as stop,
        ):
            maker.finish(counter.advance, stop)
    maker.close()
    summary.previews = maker.made
    for problem in maker.problems[:SHOWN_PROBLEMS]:
        reporter.say(f"No preview: {problem}")
    if len(maker.problems) > SHOWN_PROBLEMS:
        reporter.say(f"No preview of {len(maker.problems) - SHOWN_PROBLEMS:,} more songs either.")
