"""Runs the embedding over a folder, so that it can be killed at any moment and go on.

What is new or changed is decoded and embedded; the caller's thread alone writes songs.db, a song a
transaction. What is stored is whole; what is not is done again by the next run. Previews are made beside all
that, of songs that are stored already.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

from explorer.embedding.weights import Weights
from explorer.failures import FailureLog
from explorer.indexing.embedding_here import embed_here
from explorer.indexing.genres import as_choice, bring_in_line, settle_genres, tell_unknown
from explorer.indexing.model import Model, ModelRequest, settle_model
from explorer.indexing.outcomes import Outcome
from explorer.indexing.planning import make_plan, record_absence
from explorer.indexing.precision import settle_precision
from explorer.indexing.previewing import PreviewMaker
from explorer.indexing.producer import Producer, decoding_threads
from explorer.indexing.stopping import stopping_gently
from explorer.indexing.storing import Storer
from explorer.indexing.summary import Summary
from explorer.library.database import Database
from explorer.library.genres import open_genre_source
from explorer.library.records import ScannedFile
from explorer.library.runs import Run
from explorer.library.scanning import Scan, scan_folder
from explorer.progress import Reporter

SHOWN_PROBLEMS = 10


def index_folder(
    database: Database,
    folder: Path,
    *,
    request: ModelRequest,
    reporter: Reporter,
    limit: int | None = None,
    retry: bool = False,
    replace: bool = False,
    previews: Path | None = None,
    genre_from: str | None = None,
    log: FailureLog | None = None,
) -> Summary:
    """Embed what is new or changed in a folder, and store it.

    Parameters
    ----------
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

    Raises
    ------
    LibraryError
        If the folder does not exist, or the library was made with another model.
    WeightsError
        If the weights cannot be had.
    """
    started = time.monotonic()
    folder = folder.expanduser().resolve()
    scan = scan_folder(folder)
    model, weights = settle_model(None if replace else database.model(), request, reporter=reporter)
    if not scan.files:
        reporter.say(f"{folder} holds no audio files.")
    if genre_from is not None:
        # A table that cannot be read must be known of before anything is forgotten.
        open_genre_source(as_choice(genre_from), paths=[file.path for file in scan.files])
    if replace:
        database.forget_everything()
    elif request.reindex:
        database.forget_vectors()
    summary = Summary()
    root_id, root = database.settle_root(folder)
    scan = scan.under(folder.relative_to(root))
    source = settle_genres(database, root_id, scan.files, genre_from, reporter=reporter)
    if genre_from is not None:
        summary.genres_changed = bring_in_line(database, root, root_id, scan.files, source, reporter=reporter)
    plan = make_plan(database, root_id, scan, retry=retry)
    record_absence(database, root_id, plan)
    summary.skipped, summary.failed_before, summary.back = plan.known, plan.failed_before, len(plan.back)
    todo = plan.todo[:limit]
    with closing(PreviewMaker(previews, root)) if previews else nullcontext() as maker:
        if todo:
            storer = Storer(database, root, root_id, summary, genres=source.genres, previews=maker, log=log)
            with _outcomes(database, root, todo, model, weights, request, reporter, summary) as outcomes:
                for outcome in outcomes:
                    storer.store(outcome)
        summary.gone = database.count_gone(root_id, scan.folder)
        summary.seconds = time.monotonic() - started
        if genre_from is not None:
            tell_unknown(source, reporter)
        if todo:
            _remember(database, summary)
        if summary.moved:
            database.renew_map()
        if maker and not summary.interrupted:
            _finish_previews(maker, database, root_id, scan, summary, reporter)
    return summary


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
    root: Path,
    todo: list[ScannedFile],
    model: Model,
    weights: Weights,
    request: ModelRequest,
    reporter: Reporter,
    summary: Summary,
) -> Iterator[Iterator[Outcome]]:
    """Embed files, and yield what becomes of each."""
    engine = settle_precision(database, model, weights, request, root=root, files=todo, reporter=reporter)
    producer = Producer(
        root,
        todo,
        prepare=engine.prepare,
        hop_s=model.hop_s,
        batch_size=engine.batch_size,
        known=database.known_sounds(),
        threads=decoding_threads(),
    )

    def counted() -> Iterator[Outcome]:
        for outcome in outcomes:
            yield outcome
            counter.advance()

    with (
        reporter.counting("Indexing", total=len(todo)) as counter,
        stopping_gently(reporter) as stop,
        closing(
            embed_here(producer, embed=engine.embed, hop_s=model.hop_s, pooling=model.pooling, stop=stop)
        ) as outcomes,
    ):
        yield counted()
        summary.interrupted = stop.is_set() and summary.indexed + summary.failed < len(todo)


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
