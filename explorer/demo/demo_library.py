"""The demo: a composed library, indexed, on the screen in two minutes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

from explorer.config import ROOT, Settings
from explorer.database.database import Database
from explorer.embedding.openvino_engine import native_precisions
from explorer.errors import WeightsError
from explorer.indexing.index_run import IndexRun
from explorer.indexing.indexer import index_folder
from explorer.indexing.make_map import make_map
from explorer.indexing.make_previews import PreviewMaker
from explorer.indexing.model import ModelRequest
from explorer.util.progress import Reporter

FOLDER = ROOT / "metadata" / "demo"


def is_the_demo(folder: Path) -> bool:
    """Tell whether a folder is where the demo's songs lie."""
    return folder.expanduser().resolve() == FOLDER.resolve()


def holds_only_the_demo(database: Database) -> bool:
    """Tell whether a library holds the demo's songs and no others."""
    roots = database.roots()
    return bool(roots) and all(is_the_demo(Path(root)) for root in roots)


def holds_somebodys_songs(database: Database) -> bool:
    """Tell whether a library holds more than the demo; an imported one need not have any folder."""
    is_empty = not database.roots() and not database.song_ids()
    return not is_empty and not holds_only_the_demo(database)


def prepare_demo(settings: Settings, *, weights: str | None, hop_s: float, reporter: Reporter) -> Settings:
    """Compose the demo's songs, index and map them.

    Where the database holds somebody's own songs, the demo keeps out of it and goes to `demo.db`
    beside it. Where the official weights cannot be had, it goes on with untrained filters and says so.

    Returns
    -------
    Settings
        Those of the library to serve.
    """
    from explorer.demo.composer import compose_library

    with Database.open(settings.database) as database:
        taken = holds_somebodys_songs(database)
    if taken:
        settings = replace(settings, database=settings.database.with_name("demo.db"))
        reporter.say(f"Your library stays as it is: the demo goes to {settings.database}.")
    with reporter.counting("Composing", total=1, unit="pieces") as counter:
        compose_library(FOLDER, progress=counter.reach)
    with Database.open(settings.database) as database:
        summary = _index(database, settings, weights=weights, hop_s=hop_s, reporter=reporter)
        if summary.indexed or not database.map_revision():
            make_map(database, reporter=reporter)
    return settings


@contextmanager
def previews_meanwhile(settings: Settings) -> Iterator[None]:
    """Make the demo's previews while its map is on the screen already: nobody should wait for them."""
    with Database.open(settings.database) as database:
        songs = database.preview_starts(database.add_root(FOLDER))
    with closing(PreviewMaker(settings.previews, FOLDER)) as maker:
        for path, key, start_s in songs:
            maker.add(os.fsdecode(path), key, start_s)
        yield


def quick_precision() -> str:
    """Return what the demo is embedded in: bfloat16 where the processor has it.

    Measuring, as a library of one's own is worth, would take longer than embedding the demo.
    """
    return "bfloat16" if "bfloat16" in native_precisions() else "float32"


def _index(database: Database, settings: Settings, *, weights: str | None, hop_s: float, reporter: Reporter):
    recorded = database.model()
    if recorded is not None and weights is None:
        request = ModelRequest(models_dir=settings.models)
        return index_folder(IndexRun(database, FOLDER, request=request, reporter=reporter))
    # Asked for other weights than those of an earlier demo, it is made anew.
    request = ModelRequest(
        models_dir=settings.models,
        weights=weights,
        hop_s=hop_s,
        precision=quick_precision(),
        reindex=recorded is not None,
    )
    try:
        return index_folder(IndexRun(database, FOLDER, request=request, reporter=reporter))
    except WeightsError as error:
        if weights is not None:
            raise
        reporter.say(f"{error}")
        reporter.say(
            "The demo goes on with UNTRAINED filters: the map groups sounds roughly, not as OpenL3 would."
        )
        request = replace(request, weights="untrained")
        return index_folder(IndexRun(database, FOLDER, request=request, reporter=reporter))
